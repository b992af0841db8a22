/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsrpctl: asks and commands the daemon of this host, or works without it.
 */
#include "verb.h"

#include <stdarg.h>
#include <stdlib.h>

int verb_fail(int status, const char *format, ...)
{
	va_list arguments;

	(void)fputs("nsrpctl: ", stderr);
	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fputc('\n', stderr);
	return status;
}

void verb_print_json(const json_t *answer)
{
	(void)json_dumpf(answer, stdout, JSON_COMPACT);
	(void)fputc('\n', stdout);
}

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
	if (!in.verb->run)
		return verb_fail(CTL_FAILED, "%s: not built yet", in.verb->name);
	int status = in.verb->run(&in);

	/* A full disk, or a reader that went away. */
	if (fflush(stdout) || ferror(stdout))
		status = status == CTL_DONE ? verb_fail(CTL_FAILED, "the output was not written")
					    : status;
	return status;
}
