/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reply.h"
#include "view.h"

#include <inttypes.h>
#include <string.h>

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

/* ---- status ------------------------------------------------------------------------------ */

void view_mirror_line(const struct page *page, const json_t *status)
{
	const json_t *all = json_object_get(status, "mirroring");
	const json_t *sessions = json_object_get(json_object_get(status, "mirror"), "conntrack");
	int64_t local = reply_number(sessions, "local"), there = reply_number(sessions, "mirrored");
	bool is_in_sync = reply_claim(sessions, "in_sync");
	char lag[DURATION_MAX];

	if (!reply_claim(sessions, "on")) {
		(void)fprintf(page->out, "mirror: off, the peer gets no sessions\n");
		return;
	}
	if (!reply_claim(all, "up")) {
		page_put(page, TONE_POOR,
			"mirror: %" PRId64 " session%s here; nothing goes to %s at present",
			local + there, plural(local + there), reply_text(all, "peer"));
		(void)fputc('\n', page->out);
		return;
	}
	reply_duration(sessions, "lag_ms", lag);
	page_put(page, is_in_sync ? TONE_PLAIN : TONE_POOR,
		"mirror: %" PRId64 " session%s of ours at %s, %" PRId64 " of its here, %s, lag %s",
		local, plural(local), reply_text(all, "peer"), there,
		is_in_sync ? "in sync" : "not in sync", lag);
	(void)fputc('\n', page->out);
}

/* ---- show mirror ------------------------------------------------------------------------- */

static void put_kinds(const struct page *page, const json_t *answer)
{
	static const char *const titles[] = { "KIND", ">LOCAL", ">MIRRORED", "IN SYNC", "LAG",
		">RESYNCS", NULL };
	json_t *kind, *mirror = json_object_get(answer, "mirror");
	const char *name;
	struct table t;

	table_init(&t, titles);
	json_object_foreach(mirror, name, kind)
	{
		bool is_on = reply_claim(kind, "on"), is_in_sync = reply_claim(kind, "in_sync");
		char lag[DURATION_MAX];

		if (!reply_claim(kind, "built") || reply_claim(kind, "document"))
			continue;
		reply_duration(kind, "lag_ms", lag);
		table_add(&t, TONE_PLAIN, "%s", name);
		table_add(&t, TONE_PLAIN, "%" PRId64, reply_number(kind, "local"));
		table_add(&t, TONE_PLAIN, "%" PRId64, reply_number(kind, "mirrored"));
		table_add(&t,
			is_in_sync ? TONE_GOOD
			: is_on    ? TONE_POOR
				   : TONE_DIM,
			"%s",
			is_in_sync ? "yes"
			: is_on    ? "no"
				   : "off");
		table_add(&t, TONE_PLAIN, "%s", lag);
		table_add(&t, TONE_PLAIN, "%" PRId64, reply_number(kind, "resyncs"));
	}
	view_table(page, &t);
}

/* `label  ` of a row. */
static void put_label(const struct page *page, const char *label)
{
	(void)fprintf(page->out, "  %-13s  ", label);
}

static void put_copy(const struct page *page, const char *label, const json_t *all, const char *key,
	const char *running, const char *so_far)
{
	const json_t *copy = json_object_get(all, key);
	char ago[DURATION_MAX];

	put_label(page, label);
	if (reply_claim(all, running))
		page_put(page, TONE_POOR, "under way, %" PRId64 " objects so far; ",
			reply_number(all, so_far));
	if (!json_is_object(copy)) {
		(void)fprintf(page->out, "none yet\n");
		return;
	}
	reply_duration(copy, "since_ms", ago);
	(void)fprintf(page->out,
		"%" PRId64 "; the last: %" PRId64 " objects in %" PRId64 " ms, %s ago\n",
		reply_number(copy, "times"), reply_number(copy, "objects"),
		reply_number(copy, "ms"), ago);
}

/* How old what is known of the numbers of SAs is. */
static void put_numbers(const struct page *page, const json_t *answer)
{
	const json_t *sa = json_object_get(json_object_get(answer, "mirror"), "sa");
	char ago[DURATION_MAX];

	if (!json_is_integer(json_object_get(sa, "numbers_ms")))
		return;
	reply_duration(sa, "numbers_ms", ago);
	put_label(page, "SA numbers");
	(void)fprintf(page->out, "told %s ago\n", ago);
}

static void put_audit(const struct page *page, const json_t *all)
{
	const json_t *audit = json_object_get(all, "audit");
	int64_t differed = reply_number(audit, "differed");
	char ago[DURATION_MAX];

	put_label(page, "audits");
	if (!json_is_object(audit)) {
		(void)fprintf(page->out, "none yet\n");
		return;
	}
	reply_duration(audit, "since_ms", ago);
	(void)fprintf(page->out, "%" PRId64 "%s; the last: %" PRId64 " objects, ",
		reply_number(audit, "times"),
		reply_claim(all, "auditing") ? " and one under way" : "",
		reply_number(audit, "compared"));
	page_put(page, differed > 0 ? TONE_POOR : TONE_PLAIN, "%" PRId64 " differed", differed);
	if (reply_claim(all, "auditing"))
		(void)fputc('\n', page->out);
	else
		(void)fprintf(
			page->out, ", in %" PRId64 " ms, %s ago\n", reply_number(audit, "ms"), ago);
}

static void put_buckets(const struct page *page, const char *label, const json_t *found)
{
	int64_t differed = reply_number(found, "differed");

	if (!json_is_object(found))
		return;
	put_label(page, label);
	if (reply_claim(found, "failed"))
		page_put(page, TONE_POOR, "could not be compared at the last time");
	else
		page_put(page, differed > 0 ? TONE_POOR : TONE_PLAIN,
			"%" PRId64 " of %" PRId64 " buckets differed at the last time", differed,
			reply_number(found, "compared"));
	(void)fputc('\n', page->out);
}

static void put_refused(const struct page *page, const json_t *refused)
{
	int64_t clash = reply_number(refused, "clash"), full = reply_number(refused, "full"),
		other = reply_number(refused, "other"), missing = reply_number(refused, "missing"),
		index_full = reply_number(refused, "index_full");

	put_label(page, "refused here");
	page_put(page, clash + full + other + index_full > 0 ? TONE_POOR : TONE_PLAIN,
		"clash %" PRId64 ", table full %" PRId64 ", index full %" PRId64
		", missing %" PRId64 ", other %" PRId64,
		clash, full, index_full, missing, other);
	(void)fputc('\n', page->out);
}

static void put_all(const struct page *page, const json_t *all)
{
	int64_t used = reply_number(all, "index_used"), size = reply_number(all, "index_size");
	char lag[DURATION_MAX], peer_lag[DURATION_MAX];

	reply_duration(all, "lag_ms", lag);
	reply_duration(all, "peer_lag_ms", peer_lag);
	put_label(page, "in sync");
	page_put(page, reply_claim(all, "in_sync") ? TONE_GOOD : TONE_POOR, "%s%s",
		reply_claim(all, "in_sync") ? "yes" : "no",
		!reply_claim(all, "up") ? ": there is no channel to the peer"
		: reply_claim(all, "waited")
			? ": counts as such, since sync-wait is over; see `nsrpctl sync`"
			: "");
	(void)fputc('\n', page->out);
	put_copy(page, "resyncs sent", all, "sent", "sending", "sent_so_far");
	put_copy(page, "resyncs heard", all, "heard", "receiving", "received_so_far");
	put_label(page, "lag");
	(void)fprintf(page->out, "%s to %s, %s from it, backlog %" PRId64 " bytes\n", lag,
		reply_text(all, "peer"), peer_lag, reply_number(all, "backlog"));
	put_refused(page, json_object_get(all, "refused"));
	put_audit(page, all);
	put_buckets(page, "ours there", json_object_get(all, "buckets_at_peer"));
	put_buckets(page, "its here", json_object_get(all, "buckets_here"));
	put_label(page, "index");
	(void)fprintf(page->out, "%" PRId64 " of %" PRId64 " used\n", used, size);
}

void view_mirror(const struct page *page, const json_t *answer)
{
	const json_t *all = json_object_get(answer, "mirroring");

	put_kinds(page, answer);
	view_documents(page, answer);
	if (!json_is_object(all))
		return;
	(void)fputc('\n', page->out);
	if (!reply_claim(all, "on"))
		(void)fprintf(page->out, "off: the peer gets no sessions\n");
	else
		put_all(page, all);
	put_numbers(page, answer);
}

/* ---- verify ------------------------------------------------------------------------------ */

static void put_walk(const struct page *page, const char *node, const json_t *found)
{
	int64_t compared = reply_number(found, "compared");
	int64_t differed = reply_number(found, "differed");

	page_put(page, differed > 0 ? TONE_POOR : TONE_PLAIN,
		"%s: %" PRId64 " object%s in its kernel, %" PRId64 " not as it should be", node,
		compared, plural(compared), differed);
	(void)fputc('\n', page->out);
}

static void put_comparison(
	const struct page *page, const char *owner, const char *other, const json_t *found)
{
	int64_t differed = reply_number(found, "differed");

	if (!json_is_object(found))
		return;
	page_put(page, differed > 0 ? TONE_POOR : TONE_PLAIN,
		"what %s owns, at %s: %" PRId64 " of %" PRId64 " buckets differ", owner, other,
		differed, reply_number(found, "compared"));
	(void)fputc('\n', page->out);
}

void view_verify(const struct page *page, const json_t *answer)
{
	const char *node = reply_text(answer, "node"), *peer = reply_text(answer, "peer");
	int64_t rounds = reply_number(answer, "rounds");

	put_walk(page, node, json_object_get(answer, "own"));
	put_walk(page, peer, json_object_get(answer, "peer_own"));
	put_comparison(page, node, peer, json_object_get(answer, "buckets_at_peer"));
	put_comparison(page, peer, node, json_object_get(answer, "buckets_here"));
	page_put(page, reply_claim(answer, "equal") ? TONE_GOOD : TONE_POOR, "%s",
		reply_text(answer, "result"));
	if (rounds > 1)
		(void)fprintf(page->out, ", after %" PRId64 " rounds", rounds);
	(void)fputc('\n', page->out);
}
