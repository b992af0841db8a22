/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ruleset_hash.h"

#include <endian.h>
#include <string.h>

/* Odd constants of many mixed bits; two lanes with different ones. */
static const uint64_t k0 = 0x9e3779b97f4a7c15U, k1 = 0xc2b2ae3d27d4eb4fU, k2 = 0xd6e8feb86659fd93U,
		      k3 = 0xa0761d6478bd642fU;

/* Both halves of the product are kept. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static void add_word(struct ruleset_hash *h, uint64_t word)
{
	h->a = mix(h->a ^ word, k0) + word;
	h->b = mix(h->b ^ word ^ k2, k1) ^ h->a;
}

struct ruleset_hash ruleset_hash_begin(struct ruleset_hash seed)
{
	return (struct ruleset_hash){ seed.a ^ k2, seed.b + k3 };
}

void ruleset_hash_number(struct ruleset_hash *h, uint64_t number)
{
	add_word(h, number);
}

void ruleset_hash_add(struct ruleset_hash *h, const void *data, size_t len)
{
	const uint8_t *at = data;
	uint64_t word;

	add_word(h, len);
	for (; len >= sizeof(word); len -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		add_word(h, le64toh(word));
	}
	if (len == 0)
		return;
	word = 0;
	memcpy(&word, at, len);
	add_word(h, le64toh(word));
}

struct ruleset_hash ruleset_hash_end(struct ruleset_hash h)
{
	add_word(&h, k3);
	return (struct ruleset_hash){ mix(h.a ^ k1, k3 ^ h.b), mix(h.b ^ k0, k2 ^ h.a) };
}
