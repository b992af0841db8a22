/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pulse.h"
#include "reply.h"

enum {
	ANSWERS_MAX = 2000, /* more samples than that there are not */
	TOLERANCE_MS = 500, /* a gap is longer; wall clocks are set */
};

static int ask(const struct invocation *in, int64_t from, json_t **ret_answer, char *error)
{
	return verb_ask(in, CLIENT_TIME_MS,
		json_pack("{s:s, s:I}", "verb", "pulse", "from", (json_int_t)from), ret_answer,
		error);
}

int pulse_ask(const struct invocation *in, json_t **ret_answer, char error[CLIENT_ERROR_MAX])
{
	json_t *whole = NULL, *answer = NULL;
	int result = ask(in, 0, &whole, error);
	bool more = result == CTL_DONE && reply_claim(whole, "more");
	int64_t next = reply_number(whole, "next");

	for (unsigned i = 0; more && i < ANSWERS_MAX; i++) {
		result = ask(in, next, &answer, error);
		if (result != CTL_DONE)
			break;
		(void)json_array_extend(
			json_object_get(whole, "samples"), json_object_get(answer, "samples"));
		next = reply_number(answer, "next");
		more = reply_claim(answer, "more");
		json_decref(answer);
	}
	if (result != CTL_DONE) {
		json_decref(whole);
		return result;
	}
	(void)json_object_del(whole, "next");
	(void)json_object_del(whole, "more");
	*ret_answer = whole;
	return result;
}

int64_t pulse_gap_ms(const json_t *before, const json_t *sample)
{
	int64_t from, to;

	if (!reply_time(before, "at", &from) || !reply_time(sample, "at", &to))
		return 0;
	to -= reply_number(sample, "ms");
	return to - from > TOLERANCE_MS ? to - from : 0;
}
