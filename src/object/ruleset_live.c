/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Live elements: those of sets that the packet path writes, and those with timeouts.
 *
 * The kernel tells of none that the packet path adds, and of none that ran out: such sets are
 * looked through from time to time, and what ran out is dropped by the clock. So at any moment two
 * nodes that mirror each other well differ in them. What counts in the digest is therefore a
 * *stamp*: the sum over the live elements when they were last written on purpose or found changed
 * here, or what the peer's document said when this node took that over.
 */
#include "ruleset_part.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>

/* A time that moved by less than a quarter of the whole is no news. */
enum { SHARE = 4, MOVED_MIN_MS = 1000 };

static void expire(struct ruleset *rs, struct ruleset_set *set, uint64_t now_ms)
{
	const struct ruleset_element *e;
	size_t at = 0;

	while ((e = ruleset_elements_next(&set->elements, &at)) != NULL) {
		if (e->expires_ms == 0 || e->expires_ms > now_ms)
			continue;
		ruleset_set_forget(set, e->key);
		set->paired = false;
	}
	if (!set->paired)
		ruleset_find_strays(rs, set);
}

void ruleset_expire(struct ruleset *rs, uint64_t now_ms)
{
	for (unsigned i = 0; i < rs->tables.n; i++) {
		const struct ruleset_table *table = rs->tables.at[i]->table;

		/* Elements that changed, alone, do not tell what ran out with what. */
		for (unsigned k = 0; k < table->sets.n && !table->partial; k++) {
			struct ruleset_set *set = table->sets.at[k]->set;

			if ((set->flags & NFT_SET_TIMEOUT) != 0)
				expire(rs, set, now_ms);
		}
	}
}

void ruleset_stamp(struct ruleset *rs)
{
	if (!rs->live_changed)
		return;
	/* More time is no other content, but something to tell. */
	rs->live = (struct ruleset_hash){ rs->refreshed, 0 };
	for (unsigned i = 0; i < rs->tables.n; i++) {
		const struct ruleset_table *table = rs->tables.at[i]->table;

		for (unsigned k = 0; k < table->sets.n; k++) {
			const struct ruleset_set *set = table->sets.at[k]->set;

			if (set->live && !set->local && !set->anonymous)
				ruleset_hash_plus(&rs->live, set->content);
		}
	}
	rs->live_changed = false;
}

void ruleset_take_stamp(struct ruleset *rs, const struct ruleset *from)
{
	rs->live = from->live;
	rs->live_changed = false;
}

/* The packet path writes it. */
static bool is_written(const struct ruleset_set *set)
{
	return (set->flags & NFT_SET_EVAL) != 0;
}

/* The kernel told of a change, and not which strays it tidied away with that, or took for ends of
 * what came. */
static bool is_unsure(const struct ruleset_set *set)
{
	return set->strays > 0 && !set->paired;
}

static bool next_set(struct ruleset *rs, struct ruleset_cursor *at, struct ruleset_place *ret,
	bool (*is_wanted)(const struct ruleset_set *set))
{
	for (; at->table < rs->tables.n; at->table++, at->set = 0) {
		struct ruleset_item *item = rs->tables.at[at->table];

		while (at->set < item->table->sets.n) {
			struct ruleset_item *set = item->table->sets.at[at->set++];

			if (set->set->anonymous || set->set->local || !is_wanted(set->set))
				continue;
			*ret = (struct ruleset_place){ item->table->family, item->name, set->name };
			return true;
		}
	}
	return false;
}

bool ruleset_next_written(struct ruleset *rs, struct ruleset_cursor *at, struct ruleset_place *ret)
{
	return next_set(rs, at, ret, is_written);
}

bool ruleset_next_unsure(struct ruleset *rs, struct ruleset_cursor *at, struct ruleset_place *ret)
{
	return next_set(rs, at, ret, is_unsure);
}

static struct ruleset_item *set_at(const struct ruleset *rs, const struct ruleset_place *place,
	struct ruleset_table **ret_table)
{
	struct ruleset_item *table = ruleset_find_table(rs, place->family, place->table);

	*ret_table = table != NULL ? table->table : NULL;
	return table != NULL ? ruleset_row_find(&table->table->sets, place->set) : NULL;
}

void ruleset_look_begin(struct ruleset *rs, const struct ruleset_place *place)
{
	struct ruleset_table *table;
	struct ruleset_item *item = set_at(rs, place, &table);

	if (item == NULL)
		return;
	item->set->before = item->set->elements;
	item->set->elements = (struct ruleset_elements){ .n = 0 };
	item->set->looking = true;
	item->set->content = (struct ruleset_hash){ 0, 0 };
}

/* An element that was there before. True: it is news. */
static bool moved(const struct ruleset_set *set, const struct ruleset_element *before,
	struct ruleset_element *now)
{
	struct span of = span_of(now->attributes, now->len);
	uint64_t whole = ruleset_attr_u64(of, NFTA_SET_ELEM_TIMEOUT, set->timeout_ms) / SHARE;
	uint64_t least = whole > MOVED_MIN_MS ? whole : MOVED_MIN_MS;

	if (!ruleset_hash_same(before->hash, now->hash))
		return true;
	if (now->expires_ms > before->expires_ms + least)
		return true;
	/* What the peer was told holds, until it is too far off. */
	now->expires_ms = before->expires_ms;
	return false;
}

void ruleset_look_end(struct ruleset *rs, const struct ruleset_place *place, bool whole)
{
	struct ruleset_table *table;
	struct ruleset_item *item = set_at(rs, place, &table);
	struct ruleset_set *set = item != NULL ? item->set : NULL;
	struct ruleset_element *e;
	size_t at = 0;

	if (set == NULL || !set->looking)
		return;
	set->looking = false;
	set->paired = false;
	while (whole && (e = ruleset_elements_next(&set->elements, &at)) != NULL) {
		const struct ruleset_element *before = ruleset_elements_find(&set->before, e->key);

		bool known = before != NULL && !before->stray;

		if (known && !moved(set, before, e))
			continue;
		rs->refreshed += known;
		ruleset_set_note(rs, set, e, false);
	}
	for (at = 0; whole && (e = ruleset_elements_next(&set->before, &at)) != NULL;) {
		/* One with an end runs out on both nodes. */
		if (e->expires_ms == 0 && !e->stray &&
			ruleset_elements_find(&set->elements, e->key) == NULL)
			ruleset_set_note(rs, set, e, true);
	}
	if (!whole) {
		ruleset_elements_free(&set->elements);
		set->elements = set->before;
		set->before = (struct ruleset_elements){ .n = 0 };
		for (at = 0; (e = ruleset_elements_next(&set->elements, &at)) != NULL;)
			ruleset_hash_plus(&set->content, e->hash);
	}
	ruleset_elements_free(&set->before);
}
