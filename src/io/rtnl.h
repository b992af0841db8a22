/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rtnl: a route netlink socket that writes in batches and reads by dumps.
 *
 * A batch is sent with one sendmsg and worked off by the kernel, message by message, before
 * that call returns; a message that is refused does not stop those behind it. The kernel
 * takes the RTNL mutex for each message that writes, so rtnl_send() waits as long as others
 * hold it. Nothing here allocates but rtnl_new().
 *
 * The socket belongs to the network namespace in which it was made.
 */
#ifndef NSRP_IO_RTNL_H
#define NSRP_IO_RTNL_H

#include "nsrp/base.h"

#include <linux/netlink.h>

enum {
	RTNL_BATCH_MAX = 256,   /* messages in one batch */
	RTNL_MESSAGE_MAX = 192, /* bytes of one message, its header included */
	RTNL_TEXT_MAX = 96,     /* the kernel's own words about an error, with the final NUL */
};

/* What became of one message of the last batch. */
struct rtnl_outcome {
	uint32_t tag; /* as given to rtnl_add() */
	int error;    /* 0 or negative errno */
	char text[RTNL_TEXT_MAX];
};

struct rtnl;

/* Opens a socket with extended acknowledgements and strict checks. The caller owns *ret_rtnl
 * and gives it back with rtnl_free(). Fails with -ENOMEM and what socket() and bind() say. */
int rtnl_new(struct rtnl **ret_rtnl);
void rtnl_free(struct rtnl *r); /* NULL is allowed */

/* The port id that events caused by this socket carry (IPv4 addresses, routes; IPv6 addresses
 * carry 0). */
uint32_t rtnl_port(const struct rtnl *r);

/* Starts an empty batch; outcomes of the one before are forgotten. */
void rtnl_begin(struct rtnl *r);

/* Appends a message of this type and these NLM_F_ flags (NLM_F_REQUEST is added). The caller
 * puts payload and attributes behind it with libmnl before the next call, RTNL_MESSAGE_MAX
 * bytes in all; the memory is the batch's. NULL when the batch is full. */
struct nlmsghdr *rtnl_add(struct rtnl *r, uint16_t type, uint16_t flags, uint32_t tag);

/* Sends the batch. 0 when every message was answered, also when some were refused: see
 * rtnl_outcome(). Negative when the batch as a whole did not get through, or when the
 * kernel's answers were lost (-ENOBUFS): outcomes are then unknown. An empty batch is 0. */
int rtnl_send(struct rtnl *r);

unsigned rtnl_count(const struct rtnl *r);
/* Valid until rtnl_begin(); i < rtnl_count(). */
const struct rtnl_outcome *rtnl_outcome(const struct rtnl *r, unsigned i);

/* Called for each message of an answer, borrowed for the call; nlh is NULL at the start, and
 * again each time a dump that the kernel's tables changed under is begun anew: what was heard
 * before is void. Not 0 stops the dump, and is what it returns. */
struct rtnl_reader {
	int (*message)(void *user, const struct nlmsghdr *nlh);
	void *user; /* borrowed for the call */
};

/* Starts a question, in place of a batch, as rtnl_add() does. */
struct nlmsghdr *rtnl_ask(struct rtnl *r, uint16_t type);

/* Sends the question as a dump and reads all of the answer, however long it is. -EAGAIN when
 * the tables changed under it RTNL_DUMP_TRIES times; else what the kernel or reader says. */
enum { RTNL_DUMP_TRIES = 5 };
int rtnl_dump(struct rtnl *r, const struct rtnl_reader *reader);

/* Sends the question about one object; the reader hears NULL, then the one answer. */
int rtnl_get(struct rtnl *r, const struct rtnl_reader *reader);

/* Sorts a message's attributes by type into table[0 .. max]; those above max are left out, and
 * absent ones are NULL. header_len is the family's own header. False when the message is
 * shorter than that header. The pointers live as long as the message. */
bool rtnl_attributes(
	const struct nlmsghdr *nlh, size_t header_len, const struct nlattr **table, uint16_t max);
/* Likewise for a nested attribute. */
void rtnl_nested(const struct nlattr *attr, const struct nlattr **table, uint16_t max);

/* The value of an attribute that must have exactly that size; `absent` when it has not, or
 * attr is NULL. */
uint32_t rtnl_u32(const struct nlattr *attr, uint32_t absent);
uint8_t rtnl_u8(const struct nlattr *attr, uint8_t absent);

#endif
