/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ruleset_plan: from what a table is to what it is to be, with as little as will do.
 *
 * Chains and sets that stay are changed within: a packet meets the old rules of a chain or the new
 * ones. A chain that was deleted and made anew would stand empty for as long as the kernel takes to
 * commit the rest.
 */
#ifndef NSRP_OBJECT_RULESET_PLAN_H
#define NSRP_OBJECT_RULESET_PLAN_H

#include "ruleset_batch.h"

/* What becomes of one table. `own` NULL: there is none yet. */
struct ruleset_change_of_table {
	const struct ruleset_item *own, *wanted;
	bool refill; /* all rules go and come again: what they refer to is made anew */
};

/* These append to the batch: 0, or what struct ruleset_batch's functions return, or -ENOMEM.
 * -ESTALE: the set has not the elements that a patch counts on. */
int ruleset_plan_table(
	struct ruleset_batch *b, const struct ruleset_item *own, const struct ruleset_item *wanted);

/* A set that is made anew, without its elements. */
int ruleset_plan_set_new(
	struct ruleset_batch *b, const struct ruleset_item *table, const struct ruleset_item *set);
/* The elements of a set that is made anew. */
int ruleset_plan_all_elements(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *set, const struct ruleset_item *own);
/* What a set that stays has too many, and what it lacks. */
int ruleset_plan_elements_gone(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *own, const struct ruleset_item *wanted);
int ruleset_plan_elements_new(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *own, const struct ruleset_item *wanted);
/* Both at once, where a patch tells only what changed. */
int ruleset_plan_elements_changed(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *own, const struct ruleset_item *changes);

/* One rule, of a chain with a name, with the sets and chains that are only its own. */
int ruleset_plan_one_rule(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *chain, uint32_t number);
/* Rules that go, and those that come, with the sets and chains that are only theirs. */
void ruleset_plan_rules_gone(struct ruleset_batch *b, const struct ruleset_change_of_table *c);
int ruleset_plan_rules_new(struct ruleset_batch *b, const struct ruleset_change_of_table *c);

#endif
