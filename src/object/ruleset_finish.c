/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What can be told once a ruleset is there in full: hashes of rules, sums, the digest.
 */
#include "ruleset_part.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Chains of rules lead to each other in at most as many steps as the kernel has jumps. */
enum { RANKS_MAX = 17, UNRANKED = RANKS_MAX };

struct ruleset *ruleset_new(const struct ruleset_host *host)
{
	struct ruleset *rs = calloc(1, sizeof(*rs));

	if (rs != NULL)
		rs->host = host;
	return rs;
}

void ruleset_free(struct ruleset *rs)
{
	if (rs == NULL)
		return;
	ruleset_row_free(&rs->tables);
	ruleset_row_free(&rs->gone);
	free(rs);
}

bool ruleset_find_ref(
	const void *user, enum ruleset_act act, const char *name, struct ruleset_ref *ret)
{
	const struct ruleset_item *table = user, *item;

	if (act == RULESET_SET) {
		item = ruleset_row_find(&table->table->sets, name);
		if (item == NULL)
			return false;
		*ret = (struct ruleset_ref){
			.anonymous = item->set->anonymous,
			.id = item->set->id,
			.content = item->hash,
		};
		ruleset_set_name(item->set, ret->name);
		if (!item->set->live)
			ruleset_hash_plus(&ret->content, item->set->content);
		return true;
	}
	item = ruleset_row_find(&table->table->chains, name);
	if (item == NULL || (item->chain->anonymous && item->chain->rank == UNRANKED))
		return false;
	*ret = (struct ruleset_ref){
		.anonymous = item->chain->anonymous,
		.id = item->chain->id,
		.content = item->chain->content,
	};
	return true;
}

/* Hash of an item's attributes, and of its name where it has one that is not the kernel's. */
static int hash_item(const struct ruleset_item *table, struct ruleset_item *item, bool named)
{
	struct ruleset_walk walk = {
		.way = RULESET_TO_HASH,
		.hash = ruleset_hash_begin((struct ruleset_hash){ item->type, 0 }),
		.find = ruleset_find_ref,
		.user = table,
	};
	int error;

	if (named)
		ruleset_hash_add(&walk.hash, item->key, strlen(item->key));
	error = ruleset_walk(&walk, ruleset_shape_of(item->type)->schema, item->attributes);
	item->hash = ruleset_hash_end(walk.hash);
	return error;
}

static int hash_rules(const struct ruleset_item *table, struct ruleset_item *chain)
{
	struct ruleset_row *rules = &chain->chain->rules;
	struct ruleset_hash content = ruleset_hash_begin((struct ruleset_hash){ 0, 0 });

	for (unsigned i = 0; i < rules->n; i++) {
		int error = hash_item(table, rules->at[i], false);

		if (error)
			return error;
		ruleset_hash_add(&content, &rules->at[i]->hash, sizeof(struct ruleset_hash));
	}
	chain->chain->content = ruleset_hash_end(content);
	return 0;
}

/* Chains that the kernel named, those first to which no rule of another such chain leads from. */
static int rank_chains(const struct ruleset_item *table, const struct ruleset_row *chains)
{
	unsigned left = 0, found = 1;

	for (unsigned i = 0; i < chains->n; i++) {
		chains->at[i]->chain->rank = UNRANKED;
		left += chains->at[i]->chain->anonymous;
	}
	for (unsigned rank = 0; left > 0 && found > 0 && rank < RANKS_MAX; rank++) {
		found = 0;
		for (unsigned i = 0; i < chains->n; i++) {
			struct ruleset_chain *chain = chains->at[i]->chain;
			int error;

			if (!chain->anonymous || chain->rank != UNRANKED)
				continue;
			error = hash_rules(table, chains->at[i]);
			if (error && error != -ENOENT)
				return error;
			if (error)
				continue;
			chain->rank = rank;
			found++;
		}
		left -= found;
	}
	return left == 0 ? 0 : -EBADMSG;
}

/* Where a chain stands is part of what counts, and so is where a rule stands in its chain. */
static void add_placed(struct ruleset_hash *sum, const struct ruleset_item *item, uint64_t a)
{
	struct ruleset_hash h = ruleset_hash_begin(item->hash);

	ruleset_hash_number(&h, a);
	ruleset_hash_plus(sum, ruleset_hash_end(h));
}

static int hash_row(
	const struct ruleset_item *table, const struct ruleset_row *row, struct ruleset_hash *sum)
{
	for (unsigned i = 0; i < row->n; i++) {
		struct ruleset_item *item = row->at[i];
		bool anonymous = item->type == RULESET_A_SET && item->set->anonymous;
		int error = hash_item(table, item, !anonymous || item->set->number == 0);

		if (error)
			return error;
		if (!anonymous)
			add_placed(sum, item, 0);
	}
	return 0;
}

static int hash_chains(
	const struct ruleset_item *table, struct ruleset_row *chains, struct ruleset_hash *sum)
{
	for (unsigned i = 0; i < chains->n; i++) {
		struct ruleset_item *item = chains->at[i];
		struct ruleset_hash h;
		int error;

		if (item->chain->anonymous)
			continue;
		error = hash_item(table, item, true);
		if (!error)
			error = hash_rules(table, item);
		if (error)
			return error;
		h = ruleset_hash_begin(item->hash);
		ruleset_hash_add(&h, &item->chain->content, sizeof(item->chain->content));
		ruleset_hash_plus(sum, ruleset_hash_end(h));
	}
	return 0;
}

static int finish_table(struct ruleset_item *item)
{
	struct ruleset_table *table = item->table;
	struct ruleset_hash sum = { 0, 0 }, all;
	int error = hash_item(item, item, true);

	if (!error)
		error = hash_row(item, &table->objects, &sum);
	if (!error)
		error = hash_row(item, &table->flowtables, &sum);
	if (!error)
		error = hash_row(item, &table->sets, &sum);
	if (!error)
		error = rank_chains(item, &table->chains);
	if (!error)
		error = hash_chains(item, &table->chains, &sum);
	/* The sums of two tables must not be exchangeable. */
	all = ruleset_hash_begin(item->hash);
	ruleset_hash_add(&all, &sum, sizeof(sum));
	table->sum = ruleset_hash_end(all);
	return error;
}

int ruleset_finish(struct ruleset *rs)
{
	rs->sum = (struct ruleset_hash){ 0, 0 };
	for (unsigned i = 0; i < rs->tables.n; i++) {
		struct ruleset_item *item = rs->tables.at[i];
		int error = item->table->complete ? 0 : finish_table(item);

		if (error)
			return error;
		item->table->complete = true;
		item->table->dirty = false;
		ruleset_hash_plus(&rs->sum, item->table->sum);
		ruleset_hash_plus(&rs->sum, item->table->elements);
	}
	return 0;
}

static void put_digest(struct ruleset_hash sum, uint8_t digest[RULESET_DIGEST_LEN])
{
	sum.a = htobe64(sum.a);
	sum.b = htobe64(sum.b);
	memcpy(digest, &sum, RULESET_DIGEST_LEN);
}

void ruleset_digest(const struct ruleset *rs, uint8_t digest[RULESET_DIGEST_LEN])
{
	struct ruleset_hash all = rs->sum;

	ruleset_hash_plus(&all, rs->live);
	put_digest(all, digest);
}

void ruleset_digest_lasting(const struct ruleset *rs, uint8_t digest[RULESET_DIGEST_LEN])
{
	put_digest(rs->sum, digest);
}

bool ruleset_has_base_chain(const struct ruleset *rs)
{
	for (unsigned i = 0; i < rs->tables.n; i++) {
		const struct ruleset_row *chains = &rs->tables.at[i]->table->chains;

		for (unsigned k = 0; k < chains->n; k++) {
			if (chains->at[k]->chain->base)
				return true;
		}
	}
	return false;
}
