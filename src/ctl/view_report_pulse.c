/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The last quarter of an hour as a picture: lanes of what was, above curves of how long, over one
 * line of time.
 */
#include "view_report_pulse.h"
#include "pulse.h"
#include "reply.h"
#include "view_report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* In pixels. A bar has its state's name where there is room, at LETTER pixels a letter. */
enum {
	LEFT = 190,
	WIDTH = 640,
	RIGHT = 70,
	TOP = 22,
	LANE = 20,
	DECADE = 34, /* of the curves */
	FOOT = 24,
	LETTER = 8,
	MARK_ROOM = 34,
};
enum { LABEL_MAX = 14, DECADES = 4, MINUTES = 5 };

static double place(const struct picture *p, int64_t ms)
{
	int64_t at = ms < p->from_ms ? p->from_ms : ms > p->to_ms ? p->to_ms : ms;

	return LEFT + (double)WIDTH * (double)(at - p->from_ms) / (double)(p->to_ms - p->from_ms);
}

/* ---- lanes ---------------------------------------------------------------------------------- */

static void put_band(
	const struct picture *p, void *user, const char *state, int64_t begin, int64_t end)
{
	double x = place(p, begin), width = place(p, end) - x;
	char time[DURATION_MAX];

	(void)user;
	duration_text(end - begin, time);
	(void)fputs("<rect class=\"", p->out);
	report_put(p->out, state);
	(void)fprintf(p->out, "\" x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\"><title>", x,
		p->y, width < 1 ? 1 : width, LANE - 4);
	report_put(p->out, state);
	(void)fprintf(p->out, ", %s</title></rect>\n", time);
	if (width < (double)LETTER * (double)strlen(state))
		return;
	(void)fputs("<text class=\"in-", p->out);
	report_put(p->out, state);
	(void)fprintf(p->out, "\" x=\"%.1f\" y=\"%u\">", x + 5, p->y + 12);
	report_put(p->out, state);
	(void)fputs("</text>\n", p->out);
}

/* A name that is too long for the label ends in an ellipsis, and is whole in its title. */
static void put_name(FILE *out, const char *name)
{
	char part[LABEL_MAX + 1];
	size_t len = strlen(name), cut = len > LABEL_MAX ? LABEL_MAX - 1 : len;

	while (cut > 0 && cut < len && ((unsigned char)name[cut] & 0xc0) == 0x80)
		cut--;
	memcpy(part, name, cut);
	part[cut] = '\0';
	report_put(out, part);
	if (cut < len)
		(void)fputs("\xe2\x80\xa6", out);
}

static void put_lane(struct picture *p, const struct lane *lane)
{
	(void)fprintf(p->out, "<text x=\"0\" y=\"%u\"><title>", p->y + 12);
	report_put(p->out, lane->what);
	(void)fputs("</title>", p->out);
	put_name(p->out, lane->what);
	if (lane->node[0] != '\0') {
		(void)fputs(", ", p->out);
		put_name(p->out, lane->node);
	}
	(void)fputs("</text>\n", p->out);
	picture_bands(p, lane, put_band, NULL);
	p->y += LANE;
}

static void count_lane(struct picture *p, const struct lane *lane)
{
	(void)lane;
	p->y += LANE;
}

/* ---- curves --------------------------------------------------------------------------------- */

/* 1 ms and less at the bottom, 10 s and more at the top. */
static double height_of(const struct picture *p, int64_t ms)
{
	double decades = ms <= 1 ? 0 : log10((double)ms);

	return p->y + DECADE * (DECADES - (decades > DECADES ? DECADES : decades));
}

static void put_scale(const struct picture *p)
{
	static const char *const labels[] = { "1 ms", "10 ms", "100 ms", "1 s", "10 s" };
	int64_t detection = reply_number(p->pulse, "detection_ms"), ms = 1;

	for (unsigned i = 0; i < ARRAY_LEN(labels); i++, ms *= 10)
		(void)fprintf(p->out,
			"<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
			"<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
			LEFT, LEFT + WIDTH, height_of(p, ms), height_of(p, ms), LEFT - 6,
			height_of(p, ms) + 4, labels[i]);
	(void)fprintf(p->out,
		"<line class=\"limit\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
		"<text x=\"%d\" y=\"%.1f\">lost after</text>\n",
		LEFT, LEFT + WIDTH, height_of(p, detection), height_of(p, detection),
		LEFT + WIDTH + 6, height_of(p, detection) + 4);
}

/* A step for each sample; broken where there is none, and where it is not known. */
static void put_curve(const struct picture *p, const char *key)
{
	const json_t *before = NULL;
	int64_t begin, end;

	(void)fprintf(p->out, "<path class=\"curve %s\" d=\"", key);
	for (size_t i = 0; i < json_array_size(p->samples); i++) {
		const json_t *sample = json_array_get(p->samples, i);

		if (!reply_has(sample, key) || !picture_times(p, sample, &begin, &end)) {
			before = NULL;
			continue;
		}
		(void)fprintf(p->out, "%s%.1f %.1fH%.1f",
			before && pulse_gap_ms(before, sample) == 0 ? "L" : "M", place(p, begin),
			height_of(p, reply_number(sample, key)), place(p, end));
		before = sample;
	}
	(void)fputs("\"/>\n", p->out);
}

/* Their names, each with a piece of its line. */
static void put_key(const struct picture *p)
{
	static const char *const keys[][2] = { { "silence_ms", "no beat for" },
		{ "lag_ms", "mirror's lag" }, { "late_ms", "this node late" } };

	for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
		unsigned y = p->y + 34 + i * 34;

		(void)fprintf(p->out,
			"<text x=\"0\" y=\"%u\">%s</text>"
			"<path class=\"curve %s\" d=\"M0 %uH90\"/>\n",
			y, keys[i][1], keys[i][0], y + 7);
	}
}

static void put_curves(struct picture *p)
{
	put_key(p);
	put_scale(p);
	put_curve(p, "late_ms");
	put_curve(p, "lag_ms");
	put_curve(p, "silence_ms");
	p->y += DECADE * DECADES;
}

/* ---- what goes over both --------------------------------------------------------------------- */

static void put_gaps(const struct picture *p, unsigned height)
{
	const json_t *before = NULL;
	int64_t begin, end;
	char time[DURATION_MAX];

	for (size_t i = 0; i < json_array_size(p->samples); i++) {
		const json_t *sample = json_array_get(p->samples, i);

		if (!picture_times(p, sample, &begin, &end))
			continue;
		int64_t gap = pulse_gap_ms(before, sample);

		before = sample;
		if (gap == 0)
			continue;
		duration_text(gap, time);
		(void)fprintf(p->out,
			"<rect class=\"hole\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%u\">"
			"<title>nobody looked for %s</title></rect>\n",
			place(p, begin - gap), TOP, place(p, begin) - place(p, begin - gap),
			height - TOP, time);
	}
}

static void put_label(FILE *out, double x, unsigned first, unsigned last)
{
	(void)fprintf(out, "<text class=\"label\" x=\"%.1f\" y=\"%d\">%u", x - 3, TOP - 8, first);
	if (last > first)
		(void)fprintf(out, "\xe2\x80\x93%u", last);
	(void)fputs("</text>\n", out);
}

/* A line for each change of the history, with its number in the list below; those close to each
 * other share one label. */
static void put_marks(const struct picture *p)
{
	const json_t *lines = json_object_get(p->history, "history");
	unsigned n = 0, first = 0;
	double label = 0;
	int64_t ms;

	for (size_t i = 0; i < json_array_size(lines); i++) {
		if (!picture_change(p, json_array_get(lines, i), &ms))
			continue;
		double x = place(p, ms);

		n++;
		if (first != 0 && x - label >= MARK_ROOM) {
			put_label(p->out, label, first, n - 1);
			first = 0;
		}
		if (first == 0) {
			first = n;
			label = x;
		}
		(void)fprintf(p->out,
			"<line class=\"mark\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%u\"/>\n", x,
			x, TOP - 4, p->y);
	}
	if (first != 0)
		put_label(p->out, label, first, n);
}

static void put_minutes(const struct picture *p)
{
	for (int64_t ago = 0; ago <= PULSE_SPAN_MS; ago += (int64_t)MINUTES * 60 * 1000) {
		double x = place(p, p->to_ms - ago);

		(void)fprintf(p->out,
			"<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%u\" y2=\"%u\"/>"
			"<text x=\"%.1f\" y=\"%u\" text-anchor=\"middle\">",
			x, x, p->y, p->y + 5, x, p->y + 18);
		if (ago == 0)
			(void)fputs("now</text>\n", p->out);
		else
			(void)fprintf(p->out, "%" PRId64 " min ago</text>\n", ago / 60000);
	}
}

static void put_picture(struct picture *p)
{
	unsigned foot;

	p->y = TOP;
	picture_lanes(p, count_lane);
	foot = p->y + LANE / 2 + DECADE * DECADES;
	(void)fprintf(p->out,
		"<svg viewBox=\"0 0 %d %u\" role=\"img\" aria-labelledby=\"pulse-title\">\n"
		"<title id=\"pulse-title\">The last quarter of an hour; the same in words is "
		"below</title>\n",
		LEFT + WIDTH + RIGHT, foot + FOOT);
	put_gaps(p, foot);
	p->y = TOP;
	picture_lanes(p, put_lane);
	p->y += LANE / 2;
	put_curves(p);
	put_minutes(p);
	put_marks(p);
	(void)fputs("</svg>\n", p->out);
}

/* Names of the monitors that failed in some sample; the caller's. */
static json_t *names_of(const json_t *samples, const char *key)
{
	json_t *names = json_object();

	for (size_t i = 0; i < json_array_size(samples); i++) {
		const json_t *failed = json_object_get(json_array_get(samples, i), key);

		for (size_t k = 0; k < json_array_size(failed); k++) {
			json_t *name = json_array_get(failed, k);

			if (json_is_string(name))
				(void)json_object_set(names, json_string_value(name), name);
		}
	}
	return names;
}

void report_recent(FILE *out, const json_t *pulse, const json_t *history, int64_t now_ms)
{
	const json_t *samples = json_object_get(pulse, "samples");
	struct picture p = {
		.out = out,
		.pulse = pulse,
		.samples = samples,
		.history = history,
		.failed = names_of(samples, "failed"),
		.peer_failed = names_of(samples, "peer_failed"),
		.from_ms = now_ms - PULSE_SPAN_MS,
		.to_ms = now_ms,
	};

	(void)fputs("<h2>The last quarter of an hour</h2>\n", out);
	if (json_array_size(samples) > 0) {
		put_picture(&p);
		picture_text(&p);
	} else {
		(void)fputs("<p>The daemon told nothing of it.</p>\n", out);
	}
	json_decref(p.failed);
	json_decref(p.peer_failed);
}
