/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsrpctl: asks and commands the daemon of this host, or works without it.
 */
#include "verb.h"

#include <stdio.h>

int main(int argc, char *argv[])
{
	struct invocation in;
	char error[INVOCATION_ERROR_MAX];

	if (!invocation_parse(argc > 0 ? argc - 1 : 0, (const char *const *)argv + 1, &in, error)) {
		(void)verb_fail(CTL_USAGE, "%s", error);
		(void)fprintf(stderr, "`nsrpctl --help` lists what there is.\n");
		return CTL_USAGE;
	}
	if (in.options & OPTION_HELP) {
		invocation_help(stdout);
		return CTL_DONE;
	}
	int status = in.verb->run(&in);

	/* A full disk, or a reader that went away. */
	if (fflush(stdout) || ferror(stdout))
		status = status == CTL_DONE ? verb_fail(CTL_FAILED, "the output was not written")
					    : status;
	return status;
}
