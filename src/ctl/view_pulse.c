/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pulse.h"
#include "reply.h"
#include "view.h"

#include <inttypes.h>
#include <string.h>

/* Text that grows; what does not fit is cut off. */
struct line {
	char text[TABLE_CELL_MAX];
	size_t len;
};

static void put(struct line *l, const char *sep, const char *a, const char *b)
{
	size_t room = sizeof(l->text) - l->len;
	int len = snprintf(l->text + l->len, room, "%s%s%s", l->len > 0 ? sep : "", a, b);

	l->len += len < 0 ? 0 : (size_t)len < room ? (size_t)len : room - 1;
}

/* Of each path, in the order of the title's. */
static void put_beats(struct line *l, const json_t *sample)
{
	const json_t *links = json_object_get(sample, "links");

	for (size_t i = 0; i < json_array_size(links); i++) {
		char beats[24];

		(void)snprintf(beats, sizeof(beats), "%" PRId64,
			reply_number(json_array_get(links, i), "beats"));
		put(l, " ", beats, "");
	}
}

static void put_failed(struct line *l, const json_t *sample, const char *key, const char *text)
{
	const json_t *failed = json_object_get(sample, key);

	for (size_t i = 0; i < json_array_size(failed); i++) {
		const char *name = json_string_value(json_array_get(failed, i));

		put(l, ", ", name ? name : "?", text);
	}
}

/* What is the matter with the paths, and the states of the groups here and there. */
static void put_states(struct line *l, const json_t *sample)
{
	const json_t *groups = json_object_get(sample, "groups");
	const json_t *links = json_object_get(sample, "links");

	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i);
		char id[32];

		(void)snprintf(id, sizeof(id), "%" PRId64 " ", reply_number(group, "id"));
		put(l, ", ", id, reply_text_or(group, "own", "-"));
		put(l, "/", reply_text_or(group, "peer", "-"), "");
	}
	for (size_t i = 0; i < json_array_size(links); i++) {
		const json_t *link = json_array_get(links, i);
		const char *state = reply_text(link, "state");

		if (strcmp(state, "alive") == 0)
			continue;
		put(l, ", ", reply_text(link, "name"), " ");
		put(l, "", state, "");
	}
	put_failed(l, sample, "failed", " fails");
	put_failed(l, sample, "peer_failed", " fails at the peer");
}

static void add_ms(struct table *t, const json_t *sample, const char *key)
{
	if (reply_has(sample, key))
		table_add(t, TONE_PLAIN, "%" PRId64, reply_number(sample, key));
	else
		table_add(t, TONE_DIM, "-");
}

/* States are told where they are other ones than in the row above. */
static void add_sample(struct table *t, const json_t *sample, struct line *told)
{
	struct line beats = { .len = 0 }, states = { .len = 0 };
	const char *at = strchr(reply_text(sample, "at"), 'T');

	put_beats(&beats, sample);
	put_states(&states, sample);
	table_add(t, TONE_PLAIN, "%.8s", at ? at + 1 : "?");
	add_ms(t, sample, "silence_ms");
	add_ms(t, sample, "late_ms");
	add_ms(t, sample, "lag_ms");
	add_ms(t, sample, "backlog");
	table_add(t, TONE_PLAIN, "%s", beats.text);
	table_add(t, TONE_PLAIN, "%s", strcmp(states.text, told->text) == 0 ? "" : states.text);
	*told = states;
}

static void add_gap(struct table *t, int64_t ms)
{
	char text[DURATION_MAX];

	duration_text(ms, text);
	for (unsigned i = 0; i < 6; i++)
		table_add(t, TONE_DIM, "%s", i == 0 ? "..." : "");
	table_add(t, TONE_POOR, "nobody looked for %s", text);
}

static void put_order(const struct page *page, const json_t *sample)
{
	const json_t *links = json_object_get(sample, "links");
	struct line order = { .len = 0 };

	put(&order, "", "milliseconds, bytes, and the heartbeats that came on", "");
	for (size_t i = 0; i < json_array_size(links); i++)
		put(&order, i > 0 ? ", " : " ", reply_text(json_array_get(links, i), "name"), "");
	page_wrap(page, TONE_DIM, 0, 2, order.text);
}

void view_pulse(const struct page *page, const json_t *answer)
{
	static const char *const titles[] = { "TIME", ">SILENCE", ">LATE", ">LAG", ">BACKLOG",
		"BEATS", "STATES HERE/THERE", NULL };
	const json_t *samples = json_object_get(answer, "samples");
	size_t n = json_array_size(samples), i = n > VIEW_PULSE_MAX ? n - VIEW_PULSE_MAX : 0;
	struct line told = { .len = 0 };
	struct table t;

	if (n == 0) {
		(void)fprintf(page->out, "the daemon began less than a second ago\n");
		return;
	}
	put_order(page, json_array_get(samples, n - 1));
	table_init(&t, titles);
	for (size_t first = i; i < n; i++) {
		const json_t *sample = json_array_get(samples, i);
		int64_t gap = i > first ? pulse_gap_ms(json_array_get(samples, i - 1), sample) : 0;

		if (gap > 0)
			add_gap(&t, gap);
		add_sample(&t, sample, &told);
	}
	view_table(page, &t);
}
