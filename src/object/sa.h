/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sa: one security association of IPsec, taken apart.
 *
 * In a kernel an SA is in one of four stages, which its time of creation tells, so that who starts
 * anew knows what was done:
 *
 *   live     as who made it wants it
 *   jumped   its outbound numbers are ahead of all that the other node sent, but its time limits do
 *            not run yet
 *   held     of the node that is not to send: nothing of it runs out
 *   copied   held, and the peer told of it: the peer has it
 *
 * SETTLE takes it from held to jumped, and from jumped to live, RETIME from either to live; HOLD
 * makes it held, and what the peer says copied.
 */
#ifndef NSRP_OBJECT_SA_H
#define NSRP_OBJECT_SA_H

#include "xfrm.h"

/* Seconds since 1970 take 32 bits until 2106; a time of creation (or first use) beyond tells the
 * stage, and limits that count from it are far off. */
#define SA_TIME_JUMPED (UINT64_C(1) << 32)
#define SA_TIME_HELD (UINT64_C(1) << 33)
#define SA_TIME_COPIED (SA_TIME_HELD | SA_TIME_JUMPED)

/*
 * How far outbound numbers jump at a takeover. The kernel tells of an SA's numbers after
 * OBJECT_NUMBERS_PACKETS at the latest; what it told may have been under way for almost a second,
 * or the peer was not in sync any more. At 900 000 packets a second and SA this is more.
 *
 * A jump is at least so far, and on to the next block of so many numbers that is the node's: blocks
 * with an even index are node 0's. So the numbers of two masters who do not hear each other are not
 * the same, however often each jumps. The leap of one that met the other is beyond the latter's
 * jump, the end of its block, and all that it sent.
 */
enum { SA_JUMP = 1 << 20, SA_LEAP = 4 * SA_JUMP };

enum sa_stage { SA_LIVE, SA_JUMPED, SA_HELD, SA_COPIED };

struct sa {
	uint16_t family;
	uint8_t proto;
	uint32_t spi; /* network byte order, as the kernel has it */
	xfrm_address_t daddr;
	struct xfrm_mark mark;

	/* Of the value. */
	struct xfrm_usersa_info info; /* of a whole one */
	struct xfrm_lifetime_cur times;
	bool has_times;
	struct xfrm_replay_state replay; /* unless it has the longer form */
	bool has_replay;
	const uint8_t *esn; /* into value.bytes: struct xfrm_replay_state_esn; NULL: none */
	uint16_t esn_len;
	struct xfrm_value value;
};

/* Key and value; a value of no bytes leaves all of the value zero. 0, or -EBADMSG. */
int sa_decode(struct span key, struct span value, struct sa *ret);
/* The number sent last; esn is NULL, or as in struct sa. */
uint64_t sa_number(const uint8_t *esn, const struct xfrm_replay_state *replay);
/* Which block it is in, modulo 2^16. */
uint16_t sa_block(uint64_t number);
enum sa_stage sa_stage(const struct xfrm_lifetime_cur *times);
/* The base print of a whole value: all of it but the moving part. */
uint32_t sa_print_of(const struct xfrm_value *v);

int sa_parse(const struct object_host *host, const struct nlmsghdr *nlh, struct object *ret,
	uint8_t *room);
int sa_put_dump(void *room);
int sa_put_get(struct span key, void *room);
int sa_put_order(const struct object_host *host, enum object_op op, struct span key,
	struct span value, void *room);

extern const struct object_ops sa_ops;

#endif
