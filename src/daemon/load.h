/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load: the configuration file and the key files, read and judged as a whole.
 */
#ifndef NSRP_DAEMON_LOAD_H
#define NSRP_DAEMON_LOAD_H

#include "nsrp/conf.h"
#include "nsrp/crypto.h"
#include "nsrp/log.h"

enum { LOAD_ERROR_MAX = 512 };

/* What the guardian reads and hands to the engine: a value without pointers. */
struct loaded {
	struct conf conf;
	uint8_t key[CRYPTO_KEY_LEN], previous_key[CRYPTO_KEY_LEN];
	bool has_previous;
};

/* Reads `file` as node `node`, and the key files it names. Errors and warnings go to the log; the
 * first error also to `error`. 0 or negative errno, then *ret is untouched. May block. */
int load(const char *file, const char *node, const struct log *log, struct loaded *ret,
	char error[LOAD_ERROR_MAX]);

#endif
