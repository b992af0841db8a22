/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nft: this network namespace's ruleset, read, watched and changed through nf_tables' netlink.
 *
 * What is read stays here and follows the kernel's events, so that reading again costs as little as
 * what changed. All may block: for as long as the kernel takes for a dump or a commit.
 */
#ifndef NSRP_IO_NFT_H
#define NSRP_IO_NFT_H

#include "nsrp/ruleset.h"

struct nft;

/* Opens the sockets; nothing is read yet. `conf` stays borrowed. 0 and *ret, the caller's, or
 * negative errno. */
int nft_new(const struct conf *conf, struct nft **ret);
void nft_free(struct nft *nft); /* NULL is allowed */

/* Readable when the kernel told of changes. */
int nft_fd(const struct nft *nft);

/* Hears what it told. True: the ruleset is not what was read last. */
bool nft_heard(struct nft *nft);

/* Makes what is here what the kernel has, as of one moment: 0, or negative errno and a reason.
 * -EAGAIN: it changes faster than it can be read. `look`: also through the sets that the packet
 * path writes, of which no event tells. */
int nft_read(struct nft *nft, bool look, char why[RULESET_WHY_LEN]);

/* As read last; NULL before. Borrowed until the next call. */
struct ruleset *nft_ruleset(struct nft *nft);
/* What rulesets are read with; lives as long as `nft`. */
const struct ruleset_host *nft_host(const struct nft *nft);

/* Of the clock that expiry is told in. */
uint64_t nft_now_ms(void);

/*
 * Makes the kernel have what is wanted (ruleset_decode()), or leaves everything as it is: one
 * transaction. `dry`: it is prepared and looked at by the kernel, and then thrown away. 0; -ESTALE:
 * a patch of something else; another negative errno: refused, and `why` says by what in one line.
 * With -EUCLEAN the kernel took it and shows something else.
 */
int nft_apply(struct nft *nft, const struct ruleset *wanted,
	const uint8_t digest[RULESET_DIGEST_LEN], bool dry, char why[RULESET_WHY_LEN]);

/* Makes of a kernel what the batch says. 0 or a negative errno. */
int nft_load(struct nft *nft, const struct ruleset_batch *batch);

#endif
