/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "view_report_pulse.h"
#include "pulse.h"
#include "reply.h"

#include <inttypes.h>
#include <string.h>

bool picture_times(
	const struct picture *p, const json_t *sample, int64_t *ret_begin, int64_t *ret_end)
{
	int64_t ms = reply_number(sample, "ms");

	if (!reply_time(sample, "at", ret_end) || *ret_end <= p->from_ms ||
		*ret_end > p->to_ms + PULSE_SPAN_MS)
		return false;
	*ret_begin = *ret_end - (ms < 0 ? 0 : ms > PULSE_SPAN_MS ? PULSE_SPAN_MS : ms);
	return true;
}

bool picture_change(const struct picture *p, const json_t *change, int64_t *ret_ms)
{
	return reply_time(change, "time", ret_ms) && *ret_ms > p->from_ms && *ret_ms <= p->to_ms;
}

static const char *state_in_list(const struct lane *lane, const json_t *sample)
{
	const json_t *list = json_object_get(sample, lane->list);
	const char *id = json_object_get(lane->of, "id") ? "id" : "name";

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *element = json_array_get(list, i);

		if (json_equal(json_object_get(element, id), json_object_get(lane->of, id)))
			return reply_text_or(element, lane->key, "unseen");
	}
	return NULL;
}

static const char *state_of_monitor(const struct lane *lane, const json_t *sample)
{
	const json_t *failed = json_object_get(sample, lane->list);

	for (size_t i = 0; i < json_array_size(failed); i++) {
		if (json_equal(json_array_get(failed, i), lane->of))
			return "failed";
	}
	return NULL;
}

static void lanes_of_groups(struct picture *p, const json_t *groups,
	void (*put)(struct picture *p, const struct lane *lane))
{
	for (size_t i = 0; i < 2 * json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i / 2);
		char what[40];
		struct lane lane = {
			.state = state_in_list,
			.list = "groups",
			.key = i % 2 ? "peer" : "own",
			.of = group,
			.what = what,
			.node = reply_text(p->pulse, i % 2 ? "peer" : "node"),
		};

		(void)snprintf(what, sizeof(what), "group %" PRId64, reply_number(group, "id"));
		put(p, &lane);
	}
}

static void lanes_of_links(struct picture *p, const json_t *links,
	void (*put)(struct picture *p, const struct lane *lane))
{
	for (size_t i = 0; i < json_array_size(links); i++) {
		const json_t *link = json_array_get(links, i);
		struct lane lane = {
			.state = state_in_list,
			.list = "links",
			.key = "state",
			.of = link,
			.what = reply_text(link, "name"),
			.node = "",
		};

		put(p, &lane);
	}
}

static void lanes_of_monitors(struct picture *p, json_t *names, const char *list, const char *node,
	void (*put)(struct picture *p, const struct lane *lane))
{
	const char *name;
	json_t *value;

	json_object_foreach(names, name, value)
	{
		struct lane lane = {
			.state = state_of_monitor,
			.list = list,
			.key = "",
			.of = value,
			.what = name,
			.node = node,
		};

		put(p, &lane);
	}
}

void picture_lanes(struct picture *p, void (*put)(struct picture *p, const struct lane *lane))
{
	const json_t *last = json_array_get(p->samples, json_array_size(p->samples) - 1);

	lanes_of_groups(p, json_object_get(last, "groups"), put);
	lanes_of_links(p, json_object_get(last, "links"), put);
	lanes_of_monitors(p, p->failed, "failed", reply_text(p->pulse, "node"), put);
	lanes_of_monitors(p, p->peer_failed, "peer_failed", reply_text(p->pulse, "peer"), put);
}

void picture_bands(const struct picture *p, const struct lane *lane,
	void (*put)(
		const struct picture *p, void *user, const char *state, int64_t begin, int64_t end),
	void *user)
{
	const json_t *before = NULL;
	const char *state = NULL;
	int64_t since = 0, until = 0, begin, end;

	for (size_t i = 0; i < json_array_size(p->samples); i++) {
		const json_t *sample = json_array_get(p->samples, i);

		if (!picture_times(p, sample, &begin, &end))
			continue;
		const char *next = lane->state(lane, sample);
		bool same = state && next && strcmp(state, next) == 0 &&
			    pulse_gap_ms(before, sample) == 0;

		if (!same && state)
			put(p, user, state, since, until);
		if (!same)
			since = begin;
		state = next;
		until = end;
		before = sample;
	}
	if (state)
		put(p, user, state, since, until);
}
