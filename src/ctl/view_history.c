/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reply.h"
#include "view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "nsrp/node.h"

static void add_change(struct table *t, const json_t *line)
{
	const char *from = reply_text(line, "from"), *to = reply_text(line, "to");
	const char *monitor = reply_text_or(line, "monitor", "");
	int64_t two_masters_ms = reply_number(line, "two_masters_ms");
	char duration[DURATION_MAX], both[DURATION_MAX + 20] = "";

	duration_text(two_masters_ms, duration);
	if (two_masters_ms > 0)
		(void)snprintf(both, sizeof(both), ", for %s at most", duration);
	if (strcmp(from, to) == 0)
		table_add(t, TONE_PLAIN, "stays %s: %s%s", to, reply_text(line, "reason"), both);
	else
		table_add(t, TONE_PLAIN, "%s -> %s: %s%s%s%s", from, to, reply_text(line, "reason"),
			both, monitor[0] ? ", " : "", monitor);
}

/* Writes those steps of one side of the change that are known, `KEY TIME, … before`; true when
 * there are some. */
static bool put_side(FILE *out, const json_t *steps, bool before, const char *sep)
{
	bool any = false;

	for (unsigned i = 0; i < STEP_COUNT; i++) {
		const json_t *step = json_object_get(steps, step_key((enum step)i));
		int64_t us = json_integer_value(step);
		char time[DURATION_MAX];

		if (!json_is_integer(step) || (us < 0) != before)
			continue;
		duration_us_text(before ? -us : us, time);
		(void)fprintf(out, "%s%s %s", any ? ", " : sep, step_key((enum step)i), time);
		any = true;
	}
	if (any)
		(void)fputs(before ? " before" : " after", out);
	return any;
}

static void put_steps(FILE *out, const json_t *line)
{
	const json_t *steps = json_object_get(line, "steps_us");
	bool any = put_side(out, steps, true, "");
	char gap[DURATION_MAX];

	(void)put_side(out, steps, false, any ? "; " : "");
	duration_us_text(reply_number(line, "gap_us"), gap);
	if (reply_has(line, "gap_us"))
		(void)fprintf(out, "; gap %s at most", gap);
}

/* How it went, in a row below. */
static void add_steps(struct table *t, const json_t *line)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	put_steps(out, line);
	(void)fclose(out);
	if (len > 0) {
		for (unsigned i = 0; i < 4; i++)
			table_add(t, TONE_PLAIN, "%s", "");
		table_add(t, TONE_DIM, "%s", text);
	}
	free(text);
}

void view_history(const struct page *page, const json_t *answer)
{
	static const char *const titles[] = { "TIME (UTC)", ">GROUP", ">TERM", "RULE",
		"CHANGE AND REASON", NULL };
	const json_t *lines = json_object_get(answer, "history");
	struct table t;

	if (json_array_size(lines) == 0) {
		(void)fprintf(page->out, "there is no history yet\n");
		return;
	}
	table_init(&t, titles);
	for (size_t i = 0; i < json_array_size(lines); i++) {
		const json_t *line = json_array_get(lines, i);

		table_add(&t, TONE_PLAIN, "%s", reply_text(line, "time"));
		table_add(&t, TONE_PLAIN, "%" PRId64, reply_number(line, "group"));
		table_add(&t, TONE_PLAIN, "%" PRId64, reply_number(line, "term"));
		table_add(&t, TONE_PLAIN, "%s", reply_text(line, "rule"));
		add_change(&t, line);
		add_steps(&t, line);
	}
	view_table(page, &t);
}
