/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ruleset_plan.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "attr.h"

/* What tables have by name, in the order in which it is made. */
static const enum ruleset_type named_types[] = {
	RULESET_A_CHAIN,
	RULESET_OBJECT,
	RULESET_FLOWTABLE,
	RULESET_A_SET,
};

static struct ruleset_row *row_of(const struct ruleset_item *table, enum ruleset_type type)
{
	return ruleset_row_of(table->table, type);
}

static bool is_anonymous(const struct ruleset_item *item)
{
	return (item->type == RULESET_A_SET && item->set->anonymous) ||
	       (item->type == RULESET_A_CHAIN && item->chain->anonymous);
}

/* The item of that name that is there; NULL = none. */
static const struct ruleset_item *counterpart(
	const struct ruleset_item *table, const struct ruleset_item *item)
{
	const struct ruleset_item *other =
		table != NULL ? ruleset_row_find(row_of(table, item->type), item->key) : NULL;

	return other != NULL && !is_anonymous(other) ? other : NULL;
}

/* Hash of a chain's attributes but for its policy, which may be changed as it stands. */
static struct ruleset_hash without_policy(const struct ruleset_item *chain)
{
	struct attrs in = { chain->attributes.data, chain->attributes.data + chain->attributes.len,
		false };
	struct ruleset_hash h = ruleset_hash_begin((struct ruleset_hash){ 0, 0 });
	struct attr a;

	while (attr_next(&in, &a)) {
		if (a.type == NFTA_CHAIN_POLICY || a.type == NFTA_CHAIN_COUNTERS)
			continue;
		ruleset_hash_number(&h, a.type);
		ruleset_hash_add(&h, a.data, a.len);
	}
	return ruleset_hash_end(h);
}

enum fate { FATE_SAME, FATE_POLICY, FATE_ANEW };

static enum fate fate_of(const struct ruleset_item *own, const struct ruleset_item *wanted)
{
	if (ruleset_hash_same(own->hash, wanted->hash))
		return FATE_SAME;
	if (own->type == RULESET_A_CHAIN && own->chain->base &&
		ruleset_hash_same(without_policy(own), without_policy(wanted)))
		return FATE_POLICY;
	return FATE_ANEW;
}

/* Elements of maps refer to chains and objects: those stay as long as the map does. */
static bool may_be_held(const struct ruleset_item *item)
{
	return item->type == RULESET_OBJECT ||
	       (item->type == RULESET_A_CHAIN && !item->chain->base);
}

/* Whether the table as it stands can become what is wanted; *ret_refill: only without its rules. */
static bool can_be_changed(
	const struct ruleset_item *own, const struct ruleset_item *wanted, bool *ret_refill)
{
	*ret_refill = false;
	if (own->table->anew || !ruleset_hash_same(own->hash, wanted->hash))
		return false;
	for (unsigned t = 0; t < ARRAY_LEN(named_types); t++) {
		const struct ruleset_row *row = row_of(wanted, named_types[t]);

		for (unsigned i = 0; i < row->n; i++) {
			const struct ruleset_item *other =
				!is_anonymous(row->at[i]) ? counterpart(own, row->at[i]) : NULL;

			if (other == NULL || fate_of(other, row->at[i]) != FATE_ANEW)
				continue;
			if (may_be_held(other))
				return false;
			*ret_refill = true;
		}
	}
	return true;
}

static bool stays(const struct ruleset_item *table, const struct ruleset_item *item)
{
	const struct ruleset_item *other = counterpart(table, item);

	return other != NULL && fate_of(item, other) != FATE_ANEW;
}

/* What sets that stay have too many. */
static int remove_elements(
	struct ruleset_batch *b, const struct ruleset_item *own, const struct ruleset_item *wanted)
{
	int error = 0;

	for (unsigned i = 0; i < own->table->sets.n && !error; i++) {
		const struct ruleset_item *set = own->table->sets.at[i];

		if (!is_anonymous(set) && stays(wanted, set))
			error = ruleset_plan_elements_gone(b, own, set, counterpart(wanted, set));
	}
	return error;
}

static void remove_row(struct ruleset_batch *b, const struct ruleset_item *own,
	const struct ruleset_item *wanted, enum ruleset_type type)
{
	const struct ruleset_row *row = row_of(own, type);

	for (unsigned i = 0; i < row->n; i++) {
		if (!is_anonymous(row->at[i]) && !stays(wanted, row->at[i]))
			ruleset_batch_delete(b, own, row->at[i]);
	}
}

static int make_row(struct ruleset_batch *b, const struct ruleset_item *own,
	const struct ruleset_item *wanted, enum ruleset_type type)
{
	const struct ruleset_row *row = row_of(wanted, type);
	int error = 0;

	for (unsigned i = 0; i < row->n && !error; i++) {
		const struct ruleset_item *item = row->at[i];
		const struct ruleset_item *other;

		if (is_anonymous(item))
			continue;
		other = counterpart(own, item);
		if (other != NULL && fate_of(other, item) == FATE_SAME)
			continue;
		error = type == RULESET_A_SET ? ruleset_plan_set_new(b, wanted, item)
					      : ruleset_batch_new(b, wanted, item);
	}
	return error;
}

static int make_elements(
	struct ruleset_batch *b, const struct ruleset_item *own, const struct ruleset_item *wanted)
{
	int error = 0;

	for (unsigned i = 0; i < wanted->table->sets.n && !error; i++) {
		const struct ruleset_item *set = wanted->table->sets.at[i];
		const struct ruleset_item *other;

		if (is_anonymous(set))
			continue;
		other = counterpart(own, set);
		if (other != NULL && fate_of(other, set) == FATE_SAME)
			error = ruleset_plan_elements_new(b, wanted, other, set);
		else
			error = ruleset_plan_all_elements(b, wanted, set, other);
	}
	return error;
}

/* A table that can only be made anew. Sets whose elements a patch leaves out have them from the old
 * one. */
static int replace(
	struct ruleset_batch *b, const struct ruleset_item *own, const struct ruleset_item *wanted)
{
	const struct ruleset_change_of_table change = { .own = NULL, .wanted = wanted };
	int error;

	if (own != NULL)
		ruleset_batch_delete(b, own, own);
	error = ruleset_batch_new(b, wanted, wanted);
	for (unsigned t = 0; t < ARRAY_LEN(named_types) && !error; t++)
		error = make_row(b, NULL, wanted, named_types[t]);
	for (unsigned i = 0; i < wanted->table->sets.n && !error; i++) {
		const struct ruleset_item *set = wanted->table->sets.at[i];

		if (!is_anonymous(set))
			error = ruleset_plan_all_elements(b, wanted, set, counterpart(own, set));
	}
	return error ? error : ruleset_plan_rules_new(b, &change);
}

/* Above those of all anonymous sets that are there, and that may stay. */
static uint32_t free_number(const struct ruleset_item *own)
{
	uint32_t number = 0;

	for (unsigned i = 0; own != NULL && i < own->table->sets.n; i++) {
		if (own->table->sets.at[i]->set->number > number)
			number = own->table->sets.at[i]->set->number;
	}
	return number;
}

int ruleset_plan_table(
	struct ruleset_batch *b, const struct ruleset_item *own, const struct ruleset_item *wanted)
{
	struct ruleset_change_of_table change = { .own = own, .wanted = wanted };
	int error;

	b->next_number = free_number(own);

	if (own == NULL || !can_be_changed(own, wanted, &change.refill))
		return replace(b, own, wanted);
	ruleset_plan_rules_gone(b, &change);
	error = remove_elements(b, own, wanted);
	if (error)
		return error;
	remove_row(b, own, wanted, RULESET_A_SET);
	remove_row(b, own, wanted, RULESET_A_CHAIN);
	remove_row(b, own, wanted, RULESET_OBJECT);
	remove_row(b, own, wanted, RULESET_FLOWTABLE);
	for (unsigned t = 0; t < ARRAY_LEN(named_types) && !error; t++)
		error = make_row(b, own, wanted, named_types[t]);
	if (!error)
		error = make_elements(b, own, wanted);
	return error ? error : ruleset_plan_rules_new(b, &change);
}
