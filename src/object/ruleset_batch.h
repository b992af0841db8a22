/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ruleset_batch: messages that change a kernel's ruleset in one transaction, and of what each is.
 */
#ifndef NSRP_OBJECT_RULESET_BATCH_H
#define NSRP_OBJECT_RULESET_BATCH_H

#include "ruleset_part.h"

/* Of what a message is; borrowed from the rulesets of which the batch was made. */
struct ruleset_message {
	const struct ruleset_item *table,
		*item;                   /* item: a chain for its rules, a set for its elements */
	const struct ruleset_item *rule; /* NULL = not of a rule */
	uint32_t number;                 /* of the rule, or of the first element, from 0 */
	size_t at;                       /* in the bytes */
};

struct ruleset_batch {
	const struct ruleset_host *host;
	uint64_t now_ms;
	struct ruleset_room bytes, messages; /* the latter: of struct ruleset_message */
	uint32_t n;                          /* messages; their sequence numbers are 1 .. n */
	uint32_t next_id;
	uint32_t next_number; /* for the name of an anonymous set: no other of the table has it */
	struct ruleset_unknown unknown; /* after -ENODEV */
};

/* Each returns 0; -EBADMSG, -ENOENT, -ENODEV as ruleset_walk(); that memory ran out is told by
 * ruleset_batch_failed(). */

/* Creates the item, or, where there is one, gives it what may be changed: a chain its policy. */
int ruleset_batch_new(
	struct ruleset_batch *b, const struct ruleset_item *table, const struct ruleset_item *item);
/* A chain without a hook, whatever it is. */
int ruleset_batch_new_bare(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *chain);
/* A set, without the size that it is to have. */
int ruleset_batch_new_unsized(
	struct ruleset_batch *b, const struct ruleset_item *table, const struct ruleset_item *set);
void ruleset_batch_delete(
	struct ruleset_batch *b, const struct ruleset_item *table, const struct ruleset_item *item);

/* Before the rule with the handle `before`; 0: behind all of the chain's. `number`: its place. */
int ruleset_batch_rule(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *chain, const struct ruleset_item *rule, uint32_t number,
	uint64_t before);
/* One rule by its handle; NULL: all of the chain. */
void ruleset_batch_delete_rule(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *chain, const struct ruleset_item *rule);

/* Elements, all of one set; those that are NULL are left out. `gone`: deletes them. */
int ruleset_batch_elements(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *set, struct ruleset_element *const *element, size_t n,
	bool gone);

/* Deletes all elements of a set, and what the kernel has left of intervals. */
void ruleset_batch_flush(
	struct ruleset_batch *b, const struct ruleset_item *table, const struct ruleset_item *set);

/* False: there is none with that number. */
bool ruleset_batch_message(
	const struct ruleset_batch *b, uint32_t seq, struct ruleset_message *ret);
const struct nlmsghdr *ruleset_batch_header(
	const struct ruleset_batch *b, const struct ruleset_message *m);

bool ruleset_batch_failed(const struct ruleset_batch *b);

#endif
