/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nft_state: what the files of nft share.
 */
#ifndef NSRP_IO_NFT_STATE_H
#define NSRP_IO_NFT_STATE_H

#include <linux/netlink.h>

#include "nft.h"

enum {
	NFT_RECEIVE_LEN = 1 << 16,
	NFT_EVENTS_BYTES = 64 * 1024 * 1024,  /* of the listening socket's buffer */
	NFT_ANSWERS_BYTES = 16 * 1024 * 1024, /* of the asking one's */
	NFT_TRIES = 8,
};

struct nft {
	struct ruleset_host host;
	int listen, ask;         /* owned */
	uint32_t port;           /* of `ask` */
	struct ruleset *ruleset; /* owned; NULL = nothing was read yet, or what was is void */
	bool stale;              /* tables must be read anew */
	uint32_t generation;     /* of which the last event told, or the last reading was */
	uint64_t looked_at_ms, look_cost_ms;
	uint32_t sequence;
	_Alignas(struct nlmsghdr) uint8_t received[NFT_RECEIVE_LEN];
};

/* Called for each message of a dump. Not 0 ends it. */
typedef int nft_message(struct nft *nft, const struct nlmsghdr *nlh);

/* The tables of a family, or of all (0), that a request asks for; name and set NULL = all. 0,
 * -EINTR when they changed meanwhile, or another negative errno. */
int nft_dump(struct nft *nft, uint8_t message, const struct ruleset_place *of, nft_message *each);
/* What was read is void. */
void nft_lose(struct nft *nft);
int nft_generation(struct nft *nft, uint32_t *ret);
/* The generation that a message of type NFT_MSG_NEWGEN tells. */
bool nft_generation_of(const struct nlmsghdr *nlh, uint32_t *ret);

#endif
