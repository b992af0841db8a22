/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading anew without reading all: what did not change since the last time goes over.
 */
#include "ruleset_part.h"

#include <string.h>

/* What a table, or a set, was when the last document was written stays known of it. */
static void adopt_set(struct ruleset_item *item, struct ruleset_item *old, bool renamed)
{
	struct ruleset_set *set = item->set, *from = old->set;
	bool same = item->handle == old->handle && !from->unread && !(renamed && set->verdicts);

	if (same) {
		struct ruleset_elements none = set->elements;
		struct ruleset_room empty = set->journal;

		set->elements = from->elements;
		from->elements = none;
		set->journal = from->journal;
		from->journal = empty;
		set->content = from->content;
		set->unread = false;
	}
	set->has_mark = from->has_mark;
	set->marked = from->marked;
	set->lost = from->lost || !same;
}

/* Whether a chain has another name now, by which elements that were read before call it. Handles
 * grow: what is new has a higher one than all that was there. */
static bool any_renamed(const struct ruleset_row *chains, const struct ruleset_row *old)
{
	uint64_t highest = 0;

	for (unsigned i = 0; i < old->n; i++) {
		if (old->at[i]->handle > highest)
			highest = old->at[i]->handle;
	}
	for (unsigned i = 0; i < chains->n; i++) {
		const struct ruleset_item *chain = chains->at[i];

		if (chain->handle <= highest && ruleset_row_find(old, chain->key) == NULL)
			return true;
	}
	return false;
}

void ruleset_adopt_elements(struct ruleset *rs, struct ruleset *old)
{
	for (unsigned i = 0; i < rs->tables.n; i++) {
		struct ruleset_item *item = rs->tables.at[i];
		struct ruleset_item *from = ruleset_row_find(&old->tables, item->key);
		struct ruleset_table *table = item->table;
		bool renamed;

		if (table->complete || from == NULL)
			continue;
		renamed = any_renamed(&table->chains, &from->table->chains);
		for (unsigned k = 0; k < table->sets.n; k++) {
			struct ruleset_item *set = table->sets.at[k];
			struct ruleset_item *other = ruleset_row_find(&from->table->sets, set->key);

			if (other == NULL || set->set->anonymous != other->set->anonymous)
				continue;
			/* Handles are unique within a table. */
			if (item->handle != from->handle)
				other->handle = 0;
			adopt_set(set, other, renamed);
			if (!set->set->live && !set->set->anonymous && !set->set->local &&
				!set->set->unread)
				ruleset_hash_plus(&table->elements, set->set->content);
		}
	}
}

/* The clean tables of `old` in place of those that were dumped just now; the others, when they are
 * the same one, keep what they were at the last document. */
void ruleset_adopt_tables(struct ruleset *rs, struct ruleset *old)
{
	for (unsigned i = 0; i < rs->tables.n; i++) {
		struct ruleset_item *item = rs->tables.at[i];
		struct ruleset_item *from = ruleset_row_find(&old->tables, item->key);

		if (from == NULL)
			continue;
		if (!from->table->dirty && from->handle == item->handle) {
			struct ruleset_table *fresh = item->table;

			item->table = from->table;
			from->table = fresh;
			item->table->complete = true;
			/* What stands in `old` now is void. */
			from->table->complete = false;
			item->hash = from->hash;
		} else {
			item->table->has_mark = from->table->has_mark;
			item->table->marked = from->table->marked;
		}
	}
	rs->live = old->live;
	rs->refreshed = old->refreshed;
	rs->live_changed = old->live_changed;
}

int ruleset_adopt_gone(struct ruleset *rs, struct ruleset *old)
{
	int error = 0;

	/* Tables that were in the last document, whether they went before or just now. */
	for (unsigned i = 0; i < old->gone.n + old->tables.n && !error; i++) {
		bool before = i < old->gone.n;
		const struct ruleset_item *item =
			before ? old->gone.at[i] : old->tables.at[i - old->gone.n];
		struct ruleset_item *gone;

		if (ruleset_row_find(&rs->tables, item->key) != NULL ||
			ruleset_row_find(&rs->gone, item->key) != NULL ||
			(!before && !item->table->has_mark))
			continue;
		error = ruleset_make_item(rs->host, RULESET_TABLE, item->table->family, item->name,
			NULL, span_of(NULL, 0), &gone);
		if (!error)
			error = ruleset_row_add(&rs->gone, gone);
	}
	return error;
}

bool ruleset_next_unread(struct ruleset *rs, struct ruleset_cursor *at, struct ruleset_place *ret)
{
	for (; at->table < rs->tables.n; at->table++, at->set = 0) {
		struct ruleset_item *item = rs->tables.at[at->table];

		while (at->set < item->table->sets.n) {
			struct ruleset_item *set = item->table->sets.at[at->set++];

			if (!set->set->unread)
				continue;
			set->set->unread = false;
			*ret = (struct ruleset_place){ item->table->family, item->name, set->name };
			return true;
		}
	}
	return false;
}

bool ruleset_next_table(
	const struct ruleset *rs, struct ruleset_cursor *at, struct ruleset_place *ret)
{
	while (at->table < rs->tables.n) {
		const struct ruleset_item *item = rs->tables.at[at->table++];

		if (item->table->complete)
			continue;
		*ret = (struct ruleset_place){ item->table->family, item->name, NULL };
		return true;
	}
	return false;
}
