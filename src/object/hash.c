/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nsrp/object.h"

#include <endian.h>
#include <string.h>

/* One multiplication of 64 by 64 bits spreads eight bytes over 128, of which both halves are
 * kept; the words are read as little-endian on every machine. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint32_t object_hash(uint32_t seed, const void *bytes, size_t len)
{
	static const uint64_t k0 = 0xa0761d6478bd642fU, k1 = 0xe7037ed1a0b428dbU;
	const uint8_t *at = bytes;
	uint64_t hash = mix(k0 ^ seed, k1 ^ len), word;

	for (; len >= sizeof(word); len -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = mix(hash ^ le64toh(word), k0);
	}
	word = 0;
	if (len > 0)
		memcpy(&word, at, len);
	hash = mix(hash ^ le64toh(word), k1);
	return (uint32_t)(hash ^ hash >> 32);
}
