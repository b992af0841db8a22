/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pulse.h"
#include "verb.h"
#include "view_report.h"

#include <time.h>

static int64_t wall_now_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What the page is made of. */
static void print_json(json_t *status, const json_t *history, json_t *pulse)
{
	json_t *answer = json_pack("{s:O, s:O, s:O*}", "status", status, "history",
		json_object_get(history, "history"), "pulse", pulse);

	verb_print_json(answer);
	json_decref(answer);
}

int verb_report(const struct invocation *in)
{
	char error[CLIENT_ERROR_MAX];
	json_t *status = NULL, *history = NULL, *pulse = NULL;
	int result =
		verb_ask(in, CLIENT_TIME_MS, json_pack("{s:s}", "verb", "status"), &status, error);

	if (result == CTL_DONE)
		result = verb_ask(
			in, CLIENT_TIME_MS, json_pack("{s:s}", "verb", "history"), &history, error);
	/* A daemon of an older release has no pulse. */
	if (result == CTL_DONE && pulse_ask(in, &pulse, error) == CTL_UNREACHABLE)
		result = CTL_UNREACHABLE;
	if (result != CTL_DONE)
		(void)verb_fail(result, "%s", error);
	else if (in->options & OPTION_JSON)
		print_json(status, history, pulse);
	else
		view_report(stdout, status, history, pulse, wall_now_ms());
	json_decref(status);
	json_decref(history);
	json_decref(pulse);
	return result;
}
