/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nat_part: the parts of a ruleset's JSON that nat.c needs. Every function takes any JSON, NULL
 * included; `false` is what it answers to what it does not know.
 */
#ifndef NSRP_CTL_NAT_PART_H
#define NSRP_CTL_NAT_PART_H

#include "nat.h"

/* By name; borrowed from the ruleset. */
struct ruleset_chain {
	const char *family, *table, *chain;
};

/* The chain that an object describes; and whether a rule belongs to one. */
bool nat_part_chain(const json_t *chain, struct ruleset_chain *ret);
bool nat_part_is_in(const json_t *rule, const struct ruleset_chain *chain);
void nat_part_where(const struct ruleset_chain *chain, char text[NAT_TEXT_MAX]);

/* The map of that name in a chain's table; NULL. */
const json_t *nat_part_find_map(
	const json_t *list, const struct ruleset_chain *chain, const char *name);

/* An element without what may stand beside its value: comments, timeouts, counters. */
const json_t *nat_part_element(const json_t *element);

/* Whether a value is that word, or a list that has it. */
bool nat_part_has_word(const json_t *value, const char *word);

/* Whether `ruleset-local` names the table, or in it the set; `set` may be NULL. */
bool nat_part_is_own(
	const struct conf_mirror *mirror, const char *family, const char *table, const char *set);

/* An expression that is a mark, or bits of one. */
bool nat_part_mark(const json_t *key, enum nat_mark *ret_mark, uint32_t *ret_mask);
/* What a mark is compared with: takes away from ret->mask what does not matter. */
bool nat_part_bits(const json_t *value, struct nat_bits *ret);
/* An expression that is a packet's source address. */
bool nat_part_is_source(const json_t *key);
/* The bits of the marks that tables of the node's own set. */
void nat_part_own_bits(
	const json_t *list, const struct conf_mirror *mirror, uint32_t ret_bits[NAT_MARKS]);

/* To which addresses: one, a range, a network; NULL: to one of the interface. */
bool nat_part_address(const json_t *address, struct nat_translation *ret);
/* To which ports: one, a range; NULL: to any. */
bool nat_part_ports(const json_t *port, struct nat_translation *ret);

#endif
