/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * siphash: SipHash-1-3 (Aumasson and Bernstein, 2012), a hash under a key: whoever can choose the
 * tuples of sessions cannot choose where they fall in a table.
 */
#ifndef NSRP_CORE_SIPHASH_H
#define NSRP_CORE_SIPHASH_H

#include "nsrp/base.h"

enum { SIPHASH_KEY_LEN = 16 };

struct siphash_key {
	uint64_t k0, k1;
};

struct siphash_key siphash_key_of(const uint8_t bytes[SIPHASH_KEY_LEN]);
uint64_t siphash(const struct siphash_key *key, const uint8_t *bytes, size_t len);

#endif
