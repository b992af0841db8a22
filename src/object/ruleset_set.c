/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Elements: what tells one from another, their hashes, and the sums over them.
 */
#include "ruleset_part.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"

/* A journal that grows past this is given up. */
enum { JOURNAL_MAX = 8 * 1024 * 1024 };

struct ruleset_hash ruleset_element_key(struct span attributes)
{
	struct attrs in = { attributes.data, attributes.data + attributes.len, false };
	struct ruleset_hash h = ruleset_hash_begin((struct ruleset_hash){ 0, 0 });
	struct attr a;

	while (attr_next(&in, &a)) {
		if (a.type == NFTA_SET_ELEM_KEY || a.type == NFTA_SET_ELEM_KEY_END) {
			ruleset_hash_number(&h, a.type);
			ruleset_hash_add(&h, a.data, a.len);
		} else if (a.type == NFTA_SET_ELEM_FLAGS && a.len == sizeof(uint32_t)) {
			ruleset_hash_number(&h, attr_be32(a.data));
		}
	}
	return ruleset_hash_end(h);
}

int ruleset_element_new(const struct ruleset_set *set, struct span attributes, uint64_t expires_ms,
	struct ruleset_element **ret)
{
	struct ruleset_walk walk = {
		.way = RULESET_TO_HASH,
		.hash = ruleset_hash_begin(set->seed),
	};
	int error = ruleset_walk(&walk, &ruleset_schema_element, attributes);
	struct ruleset_element *e;

	if (error)
		return error;
	e = malloc(sizeof(*e) + attributes.len);
	if (e == NULL)
		return -ENOMEM;
	*e = (struct ruleset_element){
		.key = ruleset_element_key(attributes),
		.hash = ruleset_hash_end(walk.hash),
		.expires_ms = expires_ms,
		.len = (uint32_t)attributes.len,
	};
	memcpy(e->attributes, attributes.data, attributes.len);
	*ret = e;
	return 0;
}

/* What tells an element: its key, and of its flags what ends or catches. */
static struct span telling(const struct ruleset_element *e, struct ruleset_room *room)
{
	struct attrs in = { e->attributes, e->attributes + e->len, false };
	struct attr a;

	while (attr_next(&in, &a)) {
		if (a.type == NFTA_SET_ELEM_KEY || a.type == NFTA_SET_ELEM_KEY_END ||
			a.type == NFTA_SET_ELEM_FLAGS)
			ruleset_room_attr(room, a.type, a.data, a.len);
	}
	return span_of(room->data, room->len);
}

void ruleset_set_note(
	struct ruleset *rs, struct ruleset_set *set, const struct ruleset_element *e, bool gone)
{
	struct ruleset_change change = { .key = e->key };
	struct ruleset_room room = { .data = NULL };

	rs->live_changed |= set->live && !set->local && !set->anonymous;
	if (!set->has_mark || set->lost || set->local)
		return;
	if (gone)
		change.gone_len = (uint32_t)telling(e, &room).len;
	ruleset_room_put(&set->journal, &change, sizeof(change));
	ruleset_room_put(&set->journal, room.data, room.len);
	if (set->journal.failed || room.failed || set->journal.len > JOURNAL_MAX) {
		ruleset_room_free(&set->journal);
		set->lost = true;
	}
	ruleset_room_free(&room);
}

/* Sums of a table and of all tables; live elements are in neither. */
static void count(struct ruleset *rs, struct ruleset_table *table, struct ruleset_set *set,
	struct ruleset_hash hash, bool plus)
{
	void (*add)(struct ruleset_hash *, struct ruleset_hash) =
		plus ? ruleset_hash_plus : ruleset_hash_minus;

	add(&set->content, hash);
	if (set->live || set->anonymous || set->local)
		return;
	add(&table->elements, hash);
	add(&rs->sum, hash);
}

int ruleset_set_put(struct ruleset *rs, struct ruleset_table *table, struct ruleset_set *set,
	struct ruleset_element *element)
{
	struct ruleset_element *old;
	int error = ruleset_elements_put(&set->elements, element, &old);

	if (error) {
		free(element);
		return error;
	}
	if (old != NULL && !old->stray)
		count(rs, table, set, old->hash, false);
	set->paired = false;
	count(rs, table, set, element->hash, true);
	if (!set->looking)
		ruleset_set_note(rs, set, element, false);
	free(old);
	return 0;
}

bool ruleset_set_drop(struct ruleset *rs, struct ruleset_table *table, struct ruleset_set *set,
	struct ruleset_hash key)
{
	struct ruleset_element *e = ruleset_elements_take(&set->elements, key);

	if (e == NULL)
		return false;
	if (!e->stray)
		count(rs, table, set, e->hash, false);
	set->paired = false;
	ruleset_set_note(rs, set, e, true);
	free(e);
	return true;
}

void ruleset_set_forget(struct ruleset_set *set, struct ruleset_hash key)
{
	struct ruleset_element *e = ruleset_elements_take(&set->elements, key);

	if (e != NULL && !e->stray)
		ruleset_hash_minus(&set->content, e->hash);
	set->paired = false;
	free(e);
}

void ruleset_set_name(const struct ruleset_set *set, char name[RULESET_NUMBERED_LEN])
{
	name[0] = '\0';
	if (set->number != 0)
		(void)snprintf(name, RULESET_NUMBERED_LEN, "__%s%u", set->map ? "map" : "set",
			set->number - 1);
}
