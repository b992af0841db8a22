/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics.h"
#include "verb.h"

#include <errno.h>
#include <string.h>

static int serve(const struct invocation *in)
{
	int result = metrics_serve(in->listen, in->rundir);

	if (result == -EINVAL)
		return verb_fail(CTL_USAGE,
			"--listen: found `%s`, allowed: IPv4:PORT or [IPv6]:PORT", in->listen);
	return verb_fail(CTL_FAILED, "--listen %s: %s", in->listen, strerror(-result));
}

/* What the text is made of. */
static void print_json(json_t *status, const json_t *counters)
{
	json_t *answer = json_pack(
		"{s:O, s:O}", "status", status, "counters", json_object_get(counters, "counters"));

	verb_print_json(answer);
	json_decref(answer);
}

int verb_metrics(const struct invocation *in)
{
	char error[CLIENT_ERROR_MAX];
	json_t *status = NULL, *counters = NULL;
	int result;

	if (in->listen)
		return serve(in);
	result = verb_ask(in, CLIENT_TIME_MS, json_pack("{s:s}", "verb", "status"), &status, error);
	if (result == CTL_DONE)
		result = verb_ask(in, CLIENT_TIME_MS,
			json_pack("{s:s, s:s}", "verb", "show", "what", "counters"), &counters,
			error);
	if (result != CTL_DONE)
		(void)verb_fail(result, "%s", error);
	else if (in->options & OPTION_JSON)
		print_json(status, counters);
	else
		metrics_write(stdout, status, counters);
	json_decref(status);
	json_decref(counters);
	return result;
}
