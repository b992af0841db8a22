/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reply.h"
#include "view.h"

#include <inttypes.h>
#include <string.h>

enum { MONITORING_OK, MONITORING_WARNING, MONITORING_CRITICAL, MONITORING_UNKNOWN };

int view_monitoring(const json_t *status)
{
	const char *verdict = reply_text(status, "verdict");

	if (strcmp(verdict, "ok") == 0)
		return MONITORING_OK;
	if (strcmp(verdict, "warning") == 0)
		return MONITORING_WARNING;
	return strcmp(verdict, "critical") == 0 ? MONITORING_CRITICAL : MONITORING_UNKNOWN;
}

static const char *verdict_word(int monitoring)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

	return words[monitoring];
}

static enum tone verdict_tone(int monitoring)
{
	static const enum tone tones[] = { TONE_GOOD, TONE_POOR, TONE_BAD, TONE_BAD };

	return tones[monitoring];
}

static const char *peer_name(const json_t *status)
{
	return reply_text(json_object_get(status, "peer"), "node");
}

static void put_head(const struct page *page, const json_t *status)
{
	const json_t *peer = json_object_get(status, "peer");
	int monitoring = view_monitoring(status);
	char since[DURATION_MAX];

	reply_duration(peer, "since_ms", since);
	page_put(page, TONE_HEAD, "%s", reply_text(status, "node"));
	(void)fprintf(page->out, ", cluster %" PRId64 ": ", reply_number(status, "cluster"));
	page_put(page, verdict_tone(monitoring), "%s", verdict_word(monitoring));
	if (reply_claim(peer, "alive"))
		(void)fprintf(page->out, ", peer %s is heard%s for %s\n", reply_text(peer, "node"),
			reply_claim(peer, "in_sync") ? " and in sync" : "", since);
	else
		(void)fprintf(page->out, ", peer %s is not heard for %s\n",
			reply_text(peer, "node"), since);
}

static void put_warnings(const struct page *page, const json_t *status)
{
	const json_t *warnings = json_object_get(status, "warnings");
	size_t critical = (size_t)reply_number(status, "critical");

	for (size_t i = 0; i < json_array_size(warnings); i++) {
		const char *text = json_string_value(json_array_get(warnings, i));
		enum tone tone = i < critical ? TONE_BAD : TONE_POOR;

		page_put(page, tone, "  %s ", i < critical ? "!!" : "! ");
		page_wrap(page, tone, 5, 5, text ? text : "?");
	}
}

/* 0 = traffic is hit, 1 = the next fault would hit it, 2 = fine. */
static int group_rank(const json_t *group)
{
	const json_t *peer = json_object_get(group, "peer");
	const char *own_state = reply_text(group, "state");
	const char *peer_state = json_is_object(peer) ? reply_text(peer, "state") : "unknown";
	bool own = strcmp(own_state, "master") == 0, other = strcmp(peer_state, "master") == 0;

	if (own == other || reply_number(group, "role_failed") > 0)
		return 0;
	return strcmp(own ? peer_state : own_state, "primary-backup") == 0 ? 2 : 1;
}

struct groups_table {
	struct table table;
	const json_t *status;
};

static void add_group(void *user, const json_t *group)
{
	struct groups_table *g = (struct groups_table *)user;
	const json_t *peer = json_object_get(group, "peer");
	const json_t *priorities = json_object_get(group, "priorities");
	const char *state = reply_text(group, "state");
	bool known = json_is_object(peer);
	char since[DURATION_MAX];

	reply_duration(group, "since_ms", since);
	table_add(&g->table, TONE_PLAIN, "%" PRId64, reply_number(group, "id"));
	table_add(&g->table, view_state_tone(state), "%s", state);
	table_add(&g->table, known ? view_state_tone(reply_text(peer, "state")) : TONE_BAD, "%s",
		known ? reply_text(peer, "state") : "not heard");
	table_add(&g->table, TONE_PLAIN, "%" PRId64 "/%" PRId64,
		reply_number(priorities, reply_text(g->status, "node")),
		reply_number(priorities, peer_name(g->status)));
	table_add(&g->table, TONE_PLAIN, "%" PRId64, reply_number(group, "term"));
	table_add(&g->table, TONE_PLAIN, "%s", since);
	table_add(&g->table, TONE_PLAIN, "%s: %s%s%s", reply_text(group, "rule"),
		reply_text(group, "reason"),
		reply_claim(group, "handing_over") ? ", hand-over under way" : "",
		reply_claim(group, "preempt_suspended") ? ", preemption suspended" : "");
}

static void put_groups(const struct page *page, const json_t *status)
{
	struct groups_table g = { .status = status };
	char here[80];
	const char *titles[] = { "GROUP", here, peer_name(status), ">PRIORITY", ">TERM", "FOR",
		"RULE AND REASON", NULL };

	(void)snprintf(here, sizeof(here), "%s (here)", reply_text(status, "node"));
	table_init(&g.table, titles);
	view_sorted(json_object_get(status, "groups"), group_rank, add_group, &g);
	(void)fputc('\n', page->out);
	view_table(page, &g.table);
	page_put(page, TONE_DIM, "priority: %s/%s, lower wins", reply_text(status, "node"),
		peer_name(status));
	(void)fputc('\n', page->out);
}

static size_t count_failed_monitors(const json_t *monitors)
{
	size_t failed = 0;

	for (size_t i = 0; i < json_array_size(monitors); i++)
		failed += !reply_claim(json_array_get(monitors, i), "ok");
	return failed;
}

/* What needs no table. */
static void put_rest(const struct page *page, const json_t *status)
{
	const json_t *monitors = json_object_get(status, "monitors");
	size_t failed = count_failed_monitors(monitors), n = json_array_size(monitors);

	(void)fputc('\n', page->out);
	page_put(page, failed > 0 ? TONE_POOR : TONE_PLAIN, "monitors: %zu of %zu failing", failed,
		n);
	(void)fputc('\n', page->out);
	view_mirror_line(page, status);
	view_document_lines(page, status);
}

void view_status(const struct page *page, const json_t *status)
{
	put_head(page, status);
	put_warnings(page, status);
	put_groups(page, status);
	(void)fputc('\n', page->out);
	view_links(page, status);
	put_rest(page, status);
}

void view_check(const struct page *page, const json_t *status)
{
	const json_t *warnings = json_object_get(status, "warnings");
	size_t n = json_array_size(warnings);
	size_t groups = json_array_size(json_object_get(status, "groups"));
	int monitoring = view_monitoring(status);
	const char *first = json_string_value(json_array_get(warnings, 0));

	(void)fprintf(
		page->out, "NSRP %s: %s: ", verdict_word(monitoring), reply_text(status, "node"));
	if (n == 0)
		(void)fprintf(page->out, "%zu group%s, peer %s is ready\n", groups,
			groups == 1 ? "" : "s", peer_name(status));
	else if (n == 1)
		(void)fprintf(page->out, "%s\n", first ? first : "?");
	else
		(void)fprintf(page->out, "%s (and %zu more)\n", first ? first : "?", n - 1);
}
