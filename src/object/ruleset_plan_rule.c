/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules: those at the begin and at the end of a chain that are as wanted stay where they are.
 */
#include "ruleset_plan.h"

#include <errno.h>
#include <string.h>

/* The kernel looks a rule up from its chain's begin: above that many steps it is faster to fill the
 * chain anew. */
enum { STEPS_MAX = 4 * 1000 * 1000 };

/* Which rules of a chain go and come: of both, from `first` to before `n - rest`. */
struct span_of_rules {
	unsigned first, rest;
};

static bool same(const struct ruleset_item *x, const struct ruleset_item *y)
{
	return ruleset_hash_same(x->hash, y->hash);
}

static struct span_of_rules differing(const struct ruleset_change_of_table *c,
	const struct ruleset_item *own, const struct ruleset_item *wanted)
{
	const struct ruleset_row *o = &own->chain->rules, *w = &wanted->chain->rules;
	struct span_of_rules d = { 0, 0 };
	unsigned least = o->n < w->n ? o->n : w->n;

	if (c->refill)
		return d;
	while (d.first < least && same(o->at[d.first], w->at[d.first]))
		d.first++;
	while (d.rest < least - d.first && same(o->at[o->n - 1 - d.rest], w->at[w->n - 1 - d.rest]))
		d.rest++;
	if ((uint64_t)(o->n + w->n - 2 * (d.first + d.rest)) * o->n > STEPS_MAX)
		d = (struct span_of_rules){ 0, 0 };
	return d;
}

/* The chain that is there with the same name. A base chain that is made anew has no rules yet. */
static const struct ruleset_item *chain_there(
	const struct ruleset_item *table, const struct ruleset_item *chain)
{
	const struct ruleset_item *other =
		table != NULL ? ruleset_row_find(&table->table->chains, chain->key) : NULL;

	return other != NULL && !other->chain->anonymous ? other : NULL;
}

void ruleset_plan_rules_gone(struct ruleset_batch *b, const struct ruleset_change_of_table *c)
{
	const struct ruleset_row *chains = &c->own->table->chains;

	for (unsigned i = 0; i < chains->n; i++) {
		const struct ruleset_item *chain = chains->at[i];
		const struct ruleset_row *rules = &chain->chain->rules;
		const struct ruleset_item *wanted = chain_there(c->wanted, chain);
		struct span_of_rules d = { 0, 0 };

		if (chain->chain->anonymous)
			continue;
		if (wanted != NULL)
			d = differing(c, chain, wanted);
		if (d.first + d.rest == 0 && rules->n > 0)
			ruleset_batch_delete_rule(b, c->own, chain, NULL);
		else
			for (unsigned k = d.first; k < rules->n - d.rest; k++)
				ruleset_batch_delete_rule(b, c->own, chain, rules->at[k]);
	}
}

/* Notes which anonymous chains a rule leads to: their ids are set. */
enum { ID_NEEDED = 1 };

static bool mark_ref(
	const void *user, enum ruleset_act act, const char *name, struct ruleset_ref *ret)
{
	const struct ruleset_item *table = user;
	struct ruleset_item *item =
		act == RULESET_CHAIN ? ruleset_row_find(&table->table->chains, name) : NULL;

	if (item != NULL && item->chain->anonymous)
		item->chain->id = ID_NEEDED;
	*ret = (struct ruleset_ref){ .anonymous = false };
	return true;
}

static int mark_rules(const struct ruleset_item *table, const struct ruleset_row *rules,
	unsigned first, unsigned end)
{
	int error = 0;

	for (unsigned i = first; i < end && !error; i++) {
		struct ruleset_walk walk = {
			.way = RULESET_TO_HASH, .find = mark_ref, .user = table
		};

		error = ruleset_walk(
			&walk, ruleset_shape_of(RULESET_RULE)->schema, rules->at[i]->attributes);
	}
	return error;
}

static void unmark(const struct ruleset_item *table)
{
	for (unsigned i = 0; i < table->table->sets.n; i++)
		table->table->sets.at[i]->set->id = 0;
	for (unsigned i = 0; i < table->table->chains.n; i++)
		table->table->chains.at[i]->chain->id = 0;
}

static unsigned highest_rank(const struct ruleset_row *chains)
{
	unsigned rank = 0;

	for (unsigned i = 0; i < chains->n; i++) {
		const struct ruleset_chain *chain = chains->at[i]->chain;

		if (chain->anonymous && chain->rank > rank)
			rank = chain->rank;
	}
	return rank;
}

/* From the highest rank down, the rules of marked chains: what these lead to. */
static int mark_led_to(const struct ruleset_item *table)
{
	const struct ruleset_row *chains = &table->table->chains;
	int error = 0;

	for (unsigned rank = highest_rank(chains) + 1; rank-- > 0 && !error;) {
		for (unsigned i = 0; i < chains->n && !error; i++) {
			const struct ruleset_chain *chain = chains->at[i]->chain;

			if (chain->anonymous && chain->rank == rank && chain->id != 0)
				error = mark_rules(table, &chain->rules, 0, chain->rules.n);
		}
	}
	return error;
}

/* Rules that come, of chains with names, and what they lead to. */
static int mark_needed(const struct ruleset_change_of_table *c)
{
	const struct ruleset_row *chains = &c->wanted->table->chains;
	int error = 0;

	unmark(c->wanted);
	for (unsigned i = 0; i < chains->n && !error; i++) {
		const struct ruleset_item *chain = chains->at[i], *own = chain_there(c->own, chain);
		struct span_of_rules d = { 0, 0 };

		if (chain->chain->anonymous)
			continue;
		if (own != NULL)
			d = differing(c, own, chain);
		error = mark_rules(
			c->wanted, &chain->chain->rules, d.first, chain->chain->rules.n - d.rest);
	}
	return error ? error : mark_led_to(c->wanted);
}

static int make_chains(struct ruleset_batch *b, const struct ruleset_item *table)
{
	const struct ruleset_row *chains = &table->table->chains;
	int error = 0;

	for (unsigned i = 0; i < chains->n && !error; i++) {
		if (chains->at[i]->chain->anonymous && chains->at[i]->chain->id != 0)
			error = ruleset_batch_new(b, table, chains->at[i]);
	}
	return error;
}

/* The anonymous sets of one rule. */
struct sets {
	const struct ruleset_item *table;
	unsigned n;
	struct ruleset_item *set[RULESET_RULE_EXPRS];
};

static bool collect(
	const void *user, enum ruleset_act act, const char *name, struct ruleset_ref *ret)
{
	struct sets *sets = (struct sets *)(uintptr_t)user;
	struct ruleset_item *item =
		act == RULESET_SET ? ruleset_row_find(&sets->table->table->sets, name) : NULL;

	if (item != NULL && item->set->anonymous && item->set->id == 0 &&
		sets->n < ARRAY_LEN(sets->set))
		sets->set[sets->n++] = item;
	*ret = (struct ruleset_ref){ .anonymous = false };
	return true;
}

/* Right before their rule: the kernel looks back for a set that a rule takes as its own. */
static int make_sets_of(
	struct ruleset_batch *b, const struct ruleset_item *table, const struct ruleset_item *rule)
{
	struct sets sets = { .table = table };
	struct ruleset_walk walk = { .way = RULESET_TO_HASH, .find = collect, .user = &sets };
	int error = ruleset_walk(&walk, ruleset_shape_of(RULESET_RULE)->schema, rule->attributes);

	for (unsigned i = 0; i < sets.n && !error; i++) {
		if (sets.set[i]->set->id != 0)
			continue;
		error = ruleset_batch_new(b, table, sets.set[i]);
		if (!error)
			error = ruleset_plan_all_elements(b, table, sets.set[i], NULL);
	}
	return error;
}

static int make_rules(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *chain, struct span_of_rules d, uint64_t before)
{
	const struct ruleset_row *rules = &chain->chain->rules;
	int error = 0;

	for (unsigned k = d.first; k < rules->n - d.rest && !error; k++) {
		error = make_sets_of(b, table, rules->at[k]);
		if (!error)
			error = ruleset_batch_rule(b, table, chain, rules->at[k], k, before);
	}
	return error;
}

static int make_anonymous_rules(struct ruleset_batch *b, const struct ruleset_item *table)
{
	const struct ruleset_row *chains = &table->table->chains;
	unsigned highest = highest_rank(chains);
	int error = 0;

	for (unsigned rank = 0; rank <= highest && !error; rank++) {
		for (unsigned i = 0; i < chains->n && !error; i++) {
			const struct ruleset_chain *chain = chains->at[i]->chain;

			if (chain->anonymous && chain->rank == rank && chain->id != 0)
				error = make_rules(
					b, table, chains->at[i], (struct span_of_rules){ 0, 0 }, 0);
		}
	}
	return error;
}

int ruleset_plan_rules_new(struct ruleset_batch *b, const struct ruleset_change_of_table *c)
{
	const struct ruleset_row *chains = &c->wanted->table->chains;
	int error = mark_needed(c);

	if (!error)
		error = make_chains(b, c->wanted);
	if (!error)
		error = make_anonymous_rules(b, c->wanted);
	for (unsigned i = 0; i < chains->n && !error; i++) {
		const struct ruleset_item *chain = chains->at[i], *own = chain_there(c->own, chain);
		struct span_of_rules d = { 0, 0 };
		uint64_t before = 0;

		if (chain->chain->anonymous)
			continue;
		if (own != NULL)
			d = differing(c, own, chain);
		if (d.rest > 0)
			before = own->chain->rules.at[own->chain->rules.n - d.rest]->handle;
		error = make_rules(b, c->wanted, chain, d, before);
	}
	return error;
}

int ruleset_plan_one_rule(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *chain, uint32_t number)
{
	const struct span_of_rules one = { number, chain->chain->rules.n - number - 1 };
	int error;

	unmark(table);
	error = mark_rules(table, &chain->chain->rules, number, number + 1);
	if (!error)
		error = mark_led_to(table);
	if (!error)
		error = make_chains(b, table);
	if (!error)
		error = make_anonymous_rules(b, table);
	return error ? error : make_rules(b, table, chain, one, 0);
}
