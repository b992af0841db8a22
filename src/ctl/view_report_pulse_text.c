/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "view_report_pulse.h"
#include "pulse.h"
#include "reply.h"
#include "view_report.h"

#include <inttypes.h>

/* The most of a member, and when that was. */
static void put_most(const struct picture *p, const char *key, const char *text)
{
	const json_t *found = NULL;
	char time[DURATION_MAX];

	for (size_t i = 0; i < json_array_size(p->samples); i++) {
		const json_t *sample = json_array_get(p->samples, i);

		if (reply_has(sample, key) &&
			(!found || reply_number(sample, key) > reply_number(found, key)))
			found = sample;
	}
	if (!found)
		return;
	duration_text(reply_number(found, key), time);
	(void)fprintf(p->out, "<li>%s: %s at most, up to ", text, time);
	report_put(p->out, reply_text(found, "at"));
	(void)fputs("</li>\n", p->out);
}

static void put_gaps(const struct picture *p)
{
	int64_t sum = 0;
	unsigned n = 0;
	char time[DURATION_MAX];

	for (size_t i = 1; i < json_array_size(p->samples); i++) {
		int64_t gap = pulse_gap_ms(
			json_array_get(p->samples, i - 1), json_array_get(p->samples, i));

		sum += gap;
		n += gap > 0;
	}
	duration_text(sum, time);
	if (n > 0)
		(void)fprintf(p->out,
			"<li>Nobody looked for %s, at %u place%s: the daemon was held up or did "
			"not run</li>\n",
			time, n, n > 1 ? "s" : "");
}

static void sum_band(
	const struct picture *p, void *user, const char *state, int64_t begin, int64_t end)
{
	json_t *sums = (json_t *)user;

	(void)p;
	(void)json_object_set_new(
		sums, state, json_integer((json_int_t)(reply_number(sums, state) + end - begin)));
}

static void put_row(struct picture *p, const struct lane *lane)
{
	json_t *sums = json_object(), *value;
	const char *state, *sep = "";
	char time[DURATION_MAX];

	picture_bands(p, lane, sum_band, sums);
	(void)fputs("<tr><td>", p->out);
	report_put(p->out, lane->what);
	(void)fputs("</td><td>", p->out);
	report_put(p->out, lane->node);
	(void)fputs("</td><td>", p->out);
	json_object_foreach(sums, state, value)
	{
		duration_text((int64_t)json_integer_value(value), time);
		(void)fputs(sep, p->out);
		report_put(p->out, state);
		(void)fprintf(p->out, " %s", time);
		sep = ", ";
	}
	(void)fputs("</td></tr>\n", p->out);
	json_decref(sums);
}

/* The numbers are those of the picture's marks. */
static void put_changes(const struct picture *p)
{
	const json_t *lines = json_object_get(p->history, "history");
	bool any = false;
	int64_t ms;

	for (size_t i = 0; i < json_array_size(lines); i++) {
		const json_t *change = json_array_get(lines, i);

		if (!picture_change(p, change, &ms))
			continue;
		(void)fputs(any ? "" : "<p>Changes:</p>\n<ol>\n", p->out);
		any = true;
		(void)fputs("<li>", p->out);
		report_put(p->out, reply_text(change, "time"));
		(void)fprintf(p->out, ", group %" PRId64 ": ", reply_number(change, "group"));
		report_put(p->out, reply_text(change, "from"));
		(void)fputs(" to ", p->out);
		report_put(p->out, reply_text(change, "to"));
		(void)fputs(", ", p->out);
		report_put(p->out, reply_text(change, "reason"));
		(void)fputs("</li>\n", p->out);
	}
	(void)fputs(any ? "</ol>\n" : "<p>Nothing changed.</p>\n", p->out);
}

void picture_text(struct picture *p)
{
	(void)fputs("<ul>\n", p->out);
	put_most(p, "silence_ms", "No heartbeat came");
	put_most(p, "lag_ms", "The mirror lagged");
	put_most(p, "late_ms", "This node was late");
	put_gaps(p);
	(void)fputs("</ul>\n", p->out);
	put_changes(p);
	(void)fputs("<details><summary>How long each was what</summary>\n"
		    "<table><tr><th>what</th><th>node</th><th>states</th></tr>\n",
		p->out);
	picture_lanes(p, put_row);
	(void)fputs("</table></details>\n", p->out);
}
