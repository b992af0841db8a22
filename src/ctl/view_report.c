/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "view_report.h"
#include "reply.h"

#include <inttypes.h>
#include <string.h>

#include "nsrp/node.h"

/* The pictures, in pixels. */
enum { LEFT = 130, WIDTH = 640, RIGHT = 150, ROW = 20, LANE = 26 };

static const char head[] =
	"<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head>"
	"<meta charset=\"utf-8\"/><title>nsrpd</title><style>\n"
	"body{font:15px sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\n"
	"table{border-collapse:collapse}td,th{padding:.2em 1em .2em 0;text-align:left}\n"
	"svg{display:block;max-width:100%;font:12px sans-serif}\n"
	"text{fill:currentColor}.ok{color:#2a7d2a}.warning{color:#b36b00}.critical{color:#c22}\n"
	".gap{fill:#c22}.step{fill:#2667b0}.axis{stroke:#999}\n"
	".master{fill:#2a7d2a}.primary-backup{fill:#8fc08f}.backup{fill:#e0c060}\n"
	".init{fill:#ccc}.ineligible{fill:#999}.inoperable{fill:#c22}\n"
	".alive{fill:#2a7d2a}.lost,.failed{fill:#c22}.one-way{fill:#e08020}\n"
	".silent,.unseen{fill:#ddd}.hole{fill:#999;opacity:.35}\n"
	"text[class^=in-]{fill:#000}.in-master,.in-alive,.in-lost,.in-failed,.in-inoperable"
	"{fill:#fff!important}\n"
	".grid{stroke:#ccc}.limit{stroke:#c22;stroke-dasharray:4 4}\n"
	".mark{stroke:#222;stroke-dasharray:2 2;opacity:.6}\n"
	".curve{fill:none;stroke-width:1.5}.silence_ms{stroke:#2667b0}.lag_ms{stroke:#d07000}"
	".late_ms{stroke:#888}\n"
	"</style></head><body>\n";

/* ---- one failover -------------------------------------------------------------------------- */

struct extent {
	int64_t begin_us, end_us;
};

/* Microseconds; what no clock can have told is cut off at some days. */
static int64_t reply_us(const json_t *object, const char *key)
{
	const int64_t most = (int64_t)1000 * 1000 * 1000 * 1000;
	int64_t us = reply_number(object, key);

	return us < -most ? -most : us > most ? most : us;
}

/* Of the steps that make up the change, and the change itself; what settles later is not drawn. */
static struct extent extent_of(const json_t *steps)
{
	struct extent extent = { 0, 0 };

	for (unsigned i = 0; i < STEP_SETTLED; i++) {
		int64_t us = reply_us(steps, step_key((enum step)i));

		if (us < extent.begin_us)
			extent.begin_us = us;
		if (us > extent.end_us)
			extent.end_us = us;
	}
	if (extent.begin_us == extent.end_us)
		extent.end_us++;
	return extent;
}

static double place(const struct extent *extent, int64_t us)
{
	return LEFT + (double)WIDTH * (double)(us - extent->begin_us) /
			      (double)(extent->end_us - extent->begin_us);
}

static void put_step(
	FILE *out, const struct extent *extent, unsigned row, const char *label, int64_t us)
{
	char time[DURATION_MAX];
	unsigned y = row * ROW + ROW / 2;

	duration_us_text(us < 0 ? -us : us, time);
	(void)fprintf(out, "<text x=\"0\" y=\"%u\">", y + 4);
	report_put(out, label);
	(void)fprintf(out,
		"</text><circle class=\"step\" cx=\"%.1f\" cy=\"%u\" r=\"4\"/>"
		"<text x=\"%d\" y=\"%u\">%s%s</text>\n",
		place(extent, us), y, LEFT + WIDTH + 12, y + 4, time,
		us < 0   ? " before"
		: us > 0 ? " after"
			 : "");
}

/* The gap ends with the first announcement. */
static void put_gap(FILE *out, const struct extent *extent, unsigned row, const json_t *change)
{
	const json_t *steps = json_object_get(change, "steps_us");
	int64_t gap = reply_us(change, "gap_us"), end = reply_us(steps, step_key(STEP_ANNOUNCED));
	double from = place(extent, end - gap), to = place(extent, end);
	char time[DURATION_MAX];

	duration_us_text(gap, time);
	(void)fprintf(out,
		"<text x=\"0\" y=\"%u\">gap, at most</text><rect class=\"gap\" x=\"%.1f\" "
		"y=\"%u\" width=\"%.1f\" height=\"8\"/><text x=\"%d\" y=\"%u\">%s</text>\n",
		row * ROW + 14, from < LEFT ? LEFT : from, row * ROW + 6,
		to - (from < LEFT ? LEFT : from), LEFT + WIDTH + 12, row * ROW + 14, time);
}

/* The steps that are drawn, the change and the gap. */
static unsigned count_rows(const json_t *change)
{
	const json_t *steps = json_object_get(change, "steps_us");
	unsigned n = reply_has(change, "gap_us") ? 2 : 1;

	for (unsigned i = 0; i < STEP_SETTLED; i++)
		n += reply_has(steps, step_key((enum step)i));
	return n;
}

static void put_picture(FILE *out, const json_t *change)
{
	const json_t *steps = json_object_get(change, "steps_us");
	const struct extent extent = extent_of(steps);
	unsigned row = 0, height = count_rows(change) * ROW;

	(void)fprintf(out,
		"<svg viewBox=\"0 0 %d %u\" role=\"img\">\n"
		"<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"%u\"/>\n",
		LEFT + WIDTH + RIGHT, height, place(&extent, 0), place(&extent, 0), height);
	for (unsigned i = 0; i < STEP_SETTLED; i++) {
		const char *key = step_key((enum step)i);

		if (reply_has(steps, key))
			put_step(out, &extent, row++, key, reply_us(steps, key));
	}
	put_step(out, &extent, row++, "the change", 0);
	if (reply_has(change, "gap_us"))
		put_gap(out, &extent, row, change);
	(void)fputs("</svg>\n", out);
}

static void put_failover(FILE *out, const json_t *change)
{
	const json_t *steps = json_object_get(change, "steps_us");
	char settled[DURATION_MAX];

	(void)fputs("<h3>", out);
	report_put(out, reply_text(change, "time"));
	(void)fprintf(out, ", group %" PRId64 ": ", reply_number(change, "group"));
	report_put(out, reply_text(change, "from"));
	(void)fputs(" to ", out);
	report_put(out, reply_text(change, "to"));
	(void)fputs("</h3>\n<p>Rule ", out);
	report_put(out, reply_text(change, "rule"));
	(void)fputs(": ", out);
	report_put(out, reply_text(change, "reason"));
	if (reply_has(change, "monitor")) {
		(void)fputs(", ", out);
		report_put(out, reply_text(change, "monitor"));
	}
	(void)fprintf(out, "; term %" PRId64, reply_number(change, "term"));
	duration_us_text(reply_us(steps, step_key(STEP_SETTLED)), settled);
	if (reply_has(steps, step_key(STEP_SETTLED)))
		(void)fprintf(out, "; sessions settled after %s", settled);
	(void)fputs(".</p>\n", out);
	put_picture(out, change);
}

/* The last first. */
static void put_failovers(FILE *out, const json_t *history)
{
	const json_t *lines = json_object_get(history, "history");
	unsigned told = 0;

	(void)fputs("<h2>Failovers</h2>\n", out);
	for (size_t i = json_array_size(lines); i-- > 0 && told < REPORT_FAILOVERS_MAX;) {
		const json_t *change = json_array_get(lines, i);

		if (json_object_size(json_object_get(change, "steps_us")) == 0)
			continue;
		put_failover(out, change);
		told++;
	}
	if (told == 0)
		(void)fputs("<p>There was none.</p>\n", out);
}

/* ---- states -------------------------------------------------------------------------------- */

struct lanes {
	int64_t from_ms, to_ms;
};

static void put_band(FILE *out, const struct lanes *l, unsigned lane, const char *state,
	int64_t from_ms, int64_t to_ms)
{
	double scale = (double)WIDTH / (double)(l->to_ms - l->from_ms);
	double width = (double)(to_ms - from_ms) * scale;

	(void)fputs("<rect class=\"", out);
	report_put(out, state);
	(void)fprintf(out, "\" x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\"><title>",
		LEFT + (double)(from_ms - l->from_ms) * scale, lane * LANE, width < 1 ? 1 : width,
		LANE - 6);
	report_put(out, state);
	(void)fputs("</title></rect>\n", out);
}

/* From each change of the group on, up to its next one or to now. */
static void put_lane(
	FILE *out, const struct lanes *l, unsigned lane, int64_t group, const json_t *lines)
{
	const char *state = NULL;
	int64_t since = 0, ms;

	(void)fprintf(
		out, "<text x=\"0\" y=\"%u\">group %" PRId64 "</text>\n", lane * LANE + 15, group);
	for (size_t i = 0; i < json_array_size(lines); i++) {
		const json_t *change = json_array_get(lines, i);

		if (reply_number(change, "group") != group || !reply_time(change, "time", &ms))
			continue;
		if (state && ms > since)
			put_band(out, l, lane, state, since, ms);
		state = reply_text(change, "to");
		since = ms;
	}
	if (state && l->to_ms > since)
		put_band(out, l, lane, state, since, l->to_ms);
}

static void put_states(FILE *out, const json_t *status, const json_t *history, int64_t now_ms)
{
	const json_t *lines = json_object_get(history, "history");
	const json_t *groups = json_object_get(status, "groups");
	struct lanes l = { 0, now_ms };
	unsigned lane = 0;

	if (!reply_time(json_array_get(lines, 0), "time", &l.from_ms) || l.from_ms >= now_ms)
		return;
	(void)fputs("<h2>States of ", out);
	report_put(out, reply_text(status, "node"));
	(void)fprintf(out, "</h2>\n<svg viewBox=\"0 0 %d %zu\" role=\"img\">\n",
		LEFT + WIDTH + RIGHT, (json_array_size(groups) + 1) * LANE);
	for (; lane < json_array_size(groups); lane++)
		put_lane(out, &l, lane, reply_number(json_array_get(groups, lane), "id"), lines);
	(void)fprintf(out, "<text x=\"%d\" y=\"%u\">", LEFT, lane * LANE + 15);
	report_put(out, reply_text(json_array_get(lines, 0), "time"));
	(void)fprintf(out,
		"</text><text x=\"%d\" y=\"%u\" text-anchor=\"end\">now</text></svg>\n<p>",
		LEFT + WIDTH, lane * LANE + 15);
	for (unsigned i = GROUP_INIT; i <= GROUP_INOPERABLE; i++)
		(void)fprintf(out,
			"<svg viewBox=\"0 0 12 12\" width=\"12\" style=\"display:inline\">"
			"<rect class=\"%s\" width=\"12\" height=\"12\"/></svg> %s ",
			group_state_name((enum group_state)i),
			group_state_name((enum group_state)i));
	(void)fputs("</p>\n", out);
}

void view_report(
	FILE *out, const json_t *status, const json_t *history, const json_t *pulse, int64_t now_ms)
{
	const json_t *warnings = json_object_get(status, "warnings");

	(void)fputs(head, out);
	(void)fputs("<h1>", out);
	report_put(out, reply_text(status, "node"));
	(void)fputs(" and ", out);
	report_put(out, reply_text(json_object_get(status, "peer"), "node"));
	(void)fprintf(
		out, ", cluster %" PRId64 ": <span class=\"", reply_number(status, "cluster"));
	report_put(out, reply_text(status, "verdict"));
	(void)fputs("\">", out);
	report_put(out, reply_text(status, "verdict"));
	(void)fputs("</span></h1>\n<ul>\n", out);
	for (size_t i = 0; i < json_array_size(warnings); i++) {
		const char *text = json_string_value(json_array_get(warnings, i));

		(void)fputs("<li>", out);
		report_put(out, text ? text : "?");
		(void)fputs("</li>\n", out);
	}
	(void)fputs("</ul>\n", out);
	report_recent(out, pulse, history, now_ms);
	put_failovers(out, history);
	put_states(out, status, history, now_ms);
	report_now(out, status);
	(void)fputs("</body></html>\n", out);
}
