/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reply.h"
#include "view.h"

#include <inttypes.h>
#include <string.h>

/* ---- links ------------------------------------------------------------------------------- */

/* A secondary path on which nothing was ever heard need not lead anywhere. */
static int link_rank(const json_t *link)
{
	const char *state = reply_text(link, "state");
	bool secondary = reply_claim(link, "secondary");

	if (strcmp(state, "alive") == 0)
		return 2;
	if (secondary && strcmp(state, "silent") == 0 && !reply_has(link, "error"))
		return 3;
	return secondary ? 1 : 0;
}

static void add_link(void *user, const json_t *link)
{
	struct table *t = (struct table *)user;
	const char *state = reply_text(link, "state"), *error = reply_text_or(link, "error", NULL);
	const char *where = reply_text_or(link, "remote", reply_text_or(link, "device", ""));
	bool carrier = reply_claim(link, "carrier");
	char heard[DURATION_MAX];

	reply_duration(link, "last_heard_ms", heard);
	table_add(t, TONE_PLAIN, "%s", reply_text(link, "name"));
	table_add(t, view_path_tone(state), "%s", state);
	table_add(t, carrier ? TONE_PLAIN : TONE_BAD, "%s", carrier ? "up" : "down");
	table_add(t, TONE_PLAIN, "%s%s", heard, reply_has(link, "last_heard_ms") ? " ago" : "");
	table_add(t, error ? TONE_BAD : TONE_PLAIN, "%s, %s%s%s%s%s",
		reply_claim(link, "secondary") ? "secondary path" : "HA link",
		reply_text(link, "transport"), where[0] ? " " : "", where, error ? ": " : "",
		error ? error : "");
}

void view_links(const struct page *page, const json_t *answer)
{
	static const char *const titles[] = { "LINK", "STATE", "CARRIER", "HEARD", "KIND", NULL };
	struct table t;

	table_init(&t, titles);
	view_sorted(json_object_get(answer, "links"), link_rank, add_link, &t);
	view_table(page, &t);
}

/* ---- monitors ---------------------------------------------------------------------------- */

static int monitor_rank(const json_t *monitor)
{
	return reply_claim(monitor, "ok") ? 1 : 0;
}

enum { RTT_TEXT_MAX = 32 };

static const char *rtt_text(const json_t *monitor, char text[RTT_TEXT_MAX])
{
	int64_t us = reply_number(monitor, "rtt_us");

	if (!reply_has(monitor, "rtt_us"))
		return "-";
	(void)snprintf(
		text, RTT_TEXT_MAX, "%" PRId64 ".%02" PRId64 " ms", us / 1000, us % 1000 / 10);
	return text;
}

static void add_peer_monitor(struct table *t, const json_t *monitor)
{
	const json_t *peer = json_object_get(monitor, "peer");
	bool ok = reply_claim(peer, "ok");

	if (!json_is_object(peer))
		table_add(t, TONE_PLAIN, "-");
	else
		table_add(t, ok ? TONE_GOOD : TONE_BAD, "%s", ok ? "ok" : "fails");
}

static void add_watched(struct table *t, const json_t *monitor)
{
	const char *what = reply_text_or(monitor, "target", reply_text_or(monitor, "program", ""));
	const char *device = reply_text_or(monitor, "device", "");

	table_add(t, TONE_PLAIN, "%s%s%s%s", what, what[0] && device[0] ? " dev " : "", device,
		reply_number(monitor, "weight") == 0 ? " (watched only)" : "");
}

/* What is the matter with it, in lines under the table. */
static void put_matter(void *user, const json_t *monitor)
{
	FILE *out = (FILE *)user;
	const char *name = reply_text(monitor, "name");
	int64_t failures = reply_number(monitor, "failures");

	if (failures > 0)
		(void)fprintf(out, "%s: %" PRId64 " failed in a row\n", name, failures);
	if (reply_has(monitor, "error"))
		(void)fprintf(out, "%s: cannot ask: %s\n", name, reply_text(monitor, "error"));
	if (reply_has(monitor, "lost_members"))
		(void)fprintf(out, "%s: members without carrier: %s\n", name,
			reply_text(monitor, "lost_members"));
}

static void add_monitor(void *user, const json_t *monitor)
{
	struct table *t = (struct table *)user;
	const json_t *group = json_object_get(monitor, "group");
	bool ok = reply_claim(monitor, "ok");
	char since[DURATION_MAX], rtt[RTT_TEXT_MAX];

	reply_duration(monitor, "since_ms", since);
	table_add(t, TONE_PLAIN, "%s", reply_text(monitor, "name"));
	table_add(t, ok ? TONE_GOOD : TONE_BAD, "%s", ok ? "ok" : "fails");
	table_add(t, TONE_PLAIN, "%s", since);
	table_add(t, TONE_PLAIN, "%s", rtt_text(monitor, rtt));
	add_peer_monitor(t, monitor);
	table_add(t, TONE_PLAIN, "%" PRId64, reply_number(monitor, "weight"));
	if (json_is_integer(group))
		table_add(t, TONE_PLAIN, "%" PRId64, reply_number(monitor, "group"));
	else
		table_add(t, TONE_PLAIN, "%s", reply_text(monitor, "group"));
	table_add(t, TONE_PLAIN, "%s%s", reply_text(monitor, "type"),
		reply_claim(monitor, "automatic") ? " (auto)" : "");
	add_watched(t, monitor);
}

void view_monitors(const struct page *page, const json_t *answer)
{
	static const char *const titles[] = { "MONITOR", "STATE", "FOR", ">RTT", "PEER", ">WEIGHT",
		"GROUP", "TYPE", "WATCHES", NULL };
	const json_t *monitors = json_object_get(answer, "monitors");
	struct table t;

	if (json_array_size(monitors) == 0) {
		(void)fprintf(page->out, "there are no monitors\n");
		return;
	}
	table_init(&t, titles);
	view_sorted(monitors, monitor_rank, add_monitor, &t);
	view_table(page, &t);
	view_sorted(monitors, monitor_rank, put_matter, page->out);
}

/* ---- counters and config ----------------------------------------------------------------- */

/* How the texts of a group's counters begin, and its title; the first is for the rest. */
static const char *const counter_groups[][2] = {
	{ "", "node" },
	{ "dropped:", "dropped frames" },
	{ "mirror:", "mirror" },
	{ "channel:", "channel of the mirror" },
	{ "kernel:", "kernel's tables" },
	{ "monitors:", "monitors" },
};

static const char *counter_group(const json_t *counter)
{
	const char *text = reply_text(counter, "text");

	for (size_t i = 1; i < ARRAY_LEN(counter_groups); i++) {
		if (strncmp(text, counter_groups[i][0], strlen(counter_groups[i][0])) == 0)
			return counter_groups[i][1];
	}
	return counter_groups[0][1];
}

/* The group is the title's; the text need not repeat it. */
static const char *counter_text_of(const json_t *counter)
{
	const char *text = reply_text(counter, "text"), *colon = strchr(text, ':');

	if (strcmp(counter_group(counter), counter_groups[0][1]) == 0 || !colon)
		return text;
	return colon + 1 + strspn(colon + 1, " ");
}

static void view_counters_of(const struct page *page, const json_t *counters, const char *group)
{
	static const char *const titles[] = { ">VALUE", "COUNTER", "WHAT IT COUNTS", NULL };
	struct table t;

	table_init(&t, titles);
	for (size_t i = 0; i < json_array_size(counters); i++) {
		const json_t *counter = json_array_get(counters, i);
		int64_t value = reply_number(counter, "value");
		enum tone tone = value == 0 ? TONE_DIM : TONE_PLAIN;

		if (strcmp(counter_group(counter), group) != 0)
			continue;
		table_add(&t, tone, "%" PRId64, value);
		table_add(&t, tone, "%s", reply_text(counter, "key"));
		table_add(&t, tone, "%s", counter_text_of(counter));
	}
	page_put(page, TONE_HEAD, "%s", group);
	(void)fputc('\n', page->out);
	view_table(page, &t);
}

void view_counters(const struct page *page, const json_t *answer)
{
	const json_t *counters = json_object_get(answer, "counters");

	for (size_t i = 0; i < ARRAY_LEN(counter_groups); i++) {
		if (i > 0)
			(void)fputc('\n', page->out);
		view_counters_of(page, counters, counter_groups[i][1]);
	}
}

void view_config(const struct page *page, const json_t *answer)
{
	(void)fputs(reply_text_or(answer, "config", ""), page->out);
}
