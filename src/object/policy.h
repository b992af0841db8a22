/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy: one IPsec policy, taken apart: which packets an SA is for.
 *
 * In the kernel of a node that is not to send, a policy that lets packets out stands as one that
 * drops them, and its time limits, which would begin to run there, are put where the kernel looks
 * for nothing: a policy has byte and packet limits, but nobody counts.
 */
#ifndef NSRP_OBJECT_POLICY_H
#define NSRP_OBJECT_POLICY_H

#include "xfrm.h"

/* In the upper bytes of the soft byte limit of a policy that is held; the lowest is its action. */
#define POLICY_HELD UINT64_C(0x6e73727068656c00)

/* The hard packet limit of one that is held and that the peer told of: the peer has it. */
#define POLICY_COPIED (XFRM_INF - 1)

struct policy {
	uint8_t dir;              /* XFRM_POLICY_IN, _OUT or _FWD */
	uint8_t type;             /* XFRM_POLICY_TYPE_MAIN or _SUB */
	struct xfrm_selector sel; /* without ifindex */
	uint8_t name_len;
	char name[CONF_NAME_MAX]; /* of the interface, as both nodes know it, ended by NUL */
	struct xfrm_mark mark;
	uint32_t if_id;
	struct xfrm_value value; /* .len 0: none */
	struct xfrm_userpolicy_info info;
	bool is_pairs; /* of a message: a template ends at the first group's addresses */
};

/* Key and value; a value of no bytes leaves all of the value zero. 0, or -EBADMSG. */
int policy_decode(struct span key, struct span value, struct policy *ret);
/* Writes at most OBJECT_KEY_MAX bytes; how many. */
size_t policy_encode_key(const struct policy *p, uint8_t *at);
bool policy_is_held(const struct xfrm_userpolicy_info *info);
/* It has templates: packets are to be transformed. */
bool policy_transforms(const struct policy *p);

int policy_parse(const struct object_host *host, const struct nlmsghdr *nlh, struct object *ret,
	uint8_t *room);
int policy_put_dump(void *room);
int policy_put_get(struct span key, void *room);
int policy_put_order(const struct object_host *host, enum object_op op, struct span key,
	struct span value, void *room);

extern const struct object_ops policy_ops;

#endif
