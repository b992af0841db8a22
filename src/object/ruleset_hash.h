/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ruleset_hash: 128 bits of what an item is, to be added up.
 *
 * Equal on both nodes, unkeyed: the bytes come from this kernel, or from a peer that holds the key.
 */
#ifndef NSRP_OBJECT_RULESET_HASH_H
#define NSRP_OBJECT_RULESET_HASH_H

#include "nsrp/base.h"

struct ruleset_hash {
	uint64_t a, b;
};

/* Starts with `seed`, what the item stands in; a zero-initialised one is as good. */
struct ruleset_hash ruleset_hash_begin(struct ruleset_hash seed);
void ruleset_hash_add(struct ruleset_hash *h, const void *data, size_t len); /* len counts, too */
void ruleset_hash_number(struct ruleset_hash *h, uint64_t number);
struct ruleset_hash ruleset_hash_end(struct ruleset_hash h);

static inline void ruleset_hash_plus(struct ruleset_hash *sum, struct ruleset_hash h)
{
	sum->a += h.a;
	sum->b += h.b;
}

static inline void ruleset_hash_minus(struct ruleset_hash *sum, struct ruleset_hash h)
{
	sum->a -= h.a;
	sum->b -= h.b;
}

static inline bool ruleset_hash_same(struct ruleset_hash x, struct ruleset_hash y)
{
	return x.a == y.a && x.b == y.b;
}

#endif
