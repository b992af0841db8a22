/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ruleset_document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void pad(struct ruleset_room *out)
{
	static const uint8_t zeros[RULESET_ALIGN];

	ruleset_room_put(out, zeros, (RULESET_ALIGN - out->len % RULESET_ALIGN) % RULESET_ALIGN);
}

static void put_record(struct ruleset_room *out, const struct ruleset_record *header,
	const char *name, struct span attributes)
{
	struct ruleset_record record = *header;

	record.name_len = (uint16_t)(name[0] != '\0' ? strlen(name) + 1 : 0);
	record.len = (uint32_t)attributes.len;
	ruleset_room_put(out, &record, sizeof(record));
	ruleset_room_put(out, name, record.name_len);
	pad(out);
	ruleset_room_put(out, attributes.data, attributes.len);
	pad(out);
}

static void put_head(const struct ruleset *rs, uint32_t form, struct ruleset_room *out)
{
	struct ruleset_head head = { .order = RULESET_ORDER, .form = form, .live = rs->live };
	const struct conf *conf = rs->host->conf;

	memcpy(head.magic, RULESET_MAGIC, sizeof(head.magic));
	ruleset_room_put(out, &head, sizeof(head));
	for (unsigned i = 0; i < conf->n_interfaces; i++)
		put_record(out, &(struct ruleset_record){ .type = RULESET_INTERFACE },
			conf->interface[i].name, span_of(NULL, 0));
}

static void put_element(struct ruleset_room *out, const struct ruleset_element *e, uint64_t now_ms)
{
	struct ruleset_record record = { .type = RULESET_ELEMENT };

	if (e->expires_ms != 0)
		record.left_ms = e->expires_ms > now_ms ? e->expires_ms - now_ms : 1;
	put_record(out, &record, "", span_of(e->attributes, e->len));
}

static bool is_kept(const struct ruleset_set *set)
{
	return !set->anonymous && !set->local && set->has_mark && !set->lost &&
	       set->journal.len == 0 && ruleset_hash_same(set->content, set->marked);
}

static void put_set(
	struct ruleset_room *out, const struct ruleset_item *item, uint64_t now_ms, bool patch)
{
	struct ruleset_record record = { .type = RULESET_A_SET };
	struct ruleset_element **list;

	if (patch && is_kept(item->set))
		record.left_ms = RULESET_KEPT;
	put_record(out, &record, item->name, item->attributes);
	if (record.left_ms == RULESET_KEPT) {
		ruleset_room_put(out, &item->set->content, sizeof(item->set->content));
		return;
	}
	list = ruleset_elements_list(&item->set->elements);
	out->failed |= list == NULL;
	for (size_t i = 0; list != NULL && !item->set->local && list[i] != NULL; i++) {
		if (!list[i]->stray)
			put_element(out, list[i], now_ms);
	}
	free(list);
}

static void put_row(struct ruleset_room *out, const struct ruleset_row *row)
{
	for (unsigned i = 0; i < row->n; i++) {
		const struct ruleset_item *item = row->at[i];

		put_record(out, &(struct ruleset_record){ .type = (uint8_t)item->type }, item->name,
			item->attributes);
		if (item->type == RULESET_A_CHAIN) {
			const struct ruleset_row *rules = &item->chain->rules;

			for (unsigned k = 0; k < rules->n; k++)
				put_record(out, &(struct ruleset_record){ .type = RULESET_RULE },
					"", rules->at[k]->attributes);
		}
	}
}

static void put_table(
	struct ruleset_room *out, const struct ruleset_item *item, uint64_t now_ms, bool patch)
{
	const struct ruleset_table *table = item->table;

	put_record(out, &(struct ruleset_record){ .type = RULESET_TABLE, .family = table->family },
		item->name, item->attributes);
	put_row(out, &table->chains);
	put_row(out, &table->objects);
	put_row(out, &table->flowtables);
	for (unsigned i = 0; i < table->sets.n; i++)
		put_set(out, table->sets.at[i], now_ms, patch);
}

/* What the journal of one set tells: each element as it is now, once. */
static int put_changes(struct ruleset_room *out, const struct ruleset_item *item, uint64_t now_ms)
{
	const struct ruleset_set *set = item->set;
	const struct ruleset_room *journal = &set->journal;
	struct ruleset_elements done = { .n = 0 };
	struct ruleset_element *old;
	struct ruleset_change change;
	int error = 0;

	put_record(out, &(struct ruleset_record){ .type = RULESET_SET_CHANGED }, item->name,
		span_of(NULL, 0));
	/* An element is put into `done` as a bare key. */
	for (size_t at = 0; at < journal->len && !error; at += sizeof(change) + change.gone_len) {
		const struct ruleset_element *now;
		struct ruleset_element *seen;

		memcpy(&change, journal->data + at, sizeof(change));
		if (ruleset_elements_find(&done, change.key) != NULL)
			continue;
		now = ruleset_elements_find(&set->elements, change.key);
		if (now != NULL && !now->stray)
			put_element(out, now, now_ms);
		else if (change.gone_len != 0)
			put_record(out, &(struct ruleset_record){ .type = RULESET_ELEMENT_GONE },
				"", span_of(journal->data + at + sizeof(change), change.gone_len));
		else
			continue; /* its end comes later */
		seen = calloc(1, sizeof(*seen));
		if (seen == NULL)
			error = -ENOMEM;
		else
			seen->key = change.key;
		if (!error)
			error = ruleset_elements_put(&done, seen, &old);
	}
	ruleset_elements_free(&done);
	return error;
}

/* Whether more of a table changed than elements of which the journal tells. */
static bool in_full(const struct ruleset_table *table)
{
	if (!table->has_mark || !ruleset_hash_same(table->sum, table->marked))
		return true;
	for (unsigned i = 0; i < table->sets.n; i++) {
		const struct ruleset_set *set = table->sets.at[i]->set;

		if (!set->anonymous && !set->local && (!set->has_mark || set->lost))
			return true;
	}
	return false;
}

int ruleset_encode(const struct ruleset *rs, uint64_t now_ms, uint8_t **ret, size_t *ret_len)
{
	struct ruleset_room out = { .data = NULL };

	put_head(rs, RULESET_FORM_WHOLE, &out);
	for (unsigned i = 0; i < rs->tables.n; i++)
		put_table(&out, rs->tables.at[i], now_ms, false);
	if (out.failed) {
		ruleset_room_free(&out);
		return -ENOMEM;
	}
	*ret = out.data;
	*ret_len = out.len;
	return 0;
}

static int put_patch(const struct ruleset *rs, uint64_t now_ms, struct ruleset_room *out)
{
	int error = 0;

	for (unsigned i = 0; i < rs->gone.n; i++)
		put_record(out,
			&(struct ruleset_record){ .type = RULESET_TABLE_GONE,
				.family = rs->gone.at[i]->table->family },
			rs->gone.at[i]->name, span_of(NULL, 0));
	for (unsigned i = 0; i < rs->tables.n && !error; i++) {
		const struct ruleset_item *item = rs->tables.at[i];
		const struct ruleset_row *sets = &item->table->sets;
		bool begun = false;

		if (in_full(item->table)) {
			put_table(out, item, now_ms, true);
			continue;
		}
		for (unsigned k = 0; k < sets->n && !error; k++) {
			if (sets->at[k]->set->journal.len == 0)
				continue;
			if (!begun)
				put_record(out,
					&(struct ruleset_record){ .type = RULESET_TABLE_CHANGED,
						.family = item->table->family },
					item->name, span_of(NULL, 0));
			begun = true;
			error = put_changes(out, sets->at[k], now_ms);
		}
	}
	return error;
}

int ruleset_encode_patch(const struct ruleset *rs, uint64_t now_ms, uint8_t **ret, size_t *ret_len)
{
	struct ruleset_room out = { .data = NULL };
	int error;

	put_head(rs, RULESET_FORM_PATCH, &out);
	error = put_patch(rs, now_ms, &out);
	if (out.failed)
		error = -ENOMEM;
	if (error) {
		ruleset_room_free(&out);
		return error;
	}
	*ret = out.data;
	*ret_len = out.len;
	return 0;
}

void ruleset_mark(struct ruleset *rs)
{
	ruleset_row_free(&rs->gone);
	for (unsigned i = 0; i < rs->tables.n; i++) {
		struct ruleset_table *table = rs->tables.at[i]->table;

		table->has_mark = true;
		table->marked = table->sum;
		for (unsigned k = 0; k < table->sets.n; k++) {
			struct ruleset_set *set = table->sets.at[k]->set;

			set->has_mark = !set->anonymous;
			set->marked = set->content;
			set->lost = false;
			ruleset_room_free(&set->journal);
		}
	}
}
