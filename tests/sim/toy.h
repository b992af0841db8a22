/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * toy: a struct crypto that is fast, deterministic and worthless outside a simulation. Frames
 * stay readable; a tag of 16 bytes tells whether key, path, sequence, aad and text are those
 * that were sealed. Keys of two nodes agree when the real ones would.
 */
#ifndef SIM_TOY_H
#define SIM_TOY_H

#include "nsrp/crypto.h"
#include "rng.h"

enum { TOY_SEALED = 64 };

struct toy {
	struct crypto crypto;
	struct rng rng;
	unsigned n_keys;
	uint64_t key[CRYPTO_CLUSTER_KEYS_MAX];
	uint64_t secret; /* of the present offer */
	uint64_t slot[CRYPTO_SLOTS];
	struct { /* the sequence sealed last under a key on a path; a few may be forgotten */
		uint64_t key_and_path, sequence;
	} sealed[TOY_SEALED];
	bool reuses; /* a sequence did not grow: a nonce may have been used twice */
};

/* `key` and `previous` (0 = none) stand for cluster keys. The struct must not move. */
void toy_init(struct toy *t, uint64_t seed, uint64_t key, uint64_t previous);

#endif
