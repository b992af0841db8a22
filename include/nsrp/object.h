/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * object: what is mirrored.
 *
 * An object is (kind, key, value): bytes that mean nothing but to the one file of src/object
 * that makes them of netlink messages, and netlink messages of them. Both nodes make the same
 * bytes of the same object, so keys are compared and hashed as bytes. The core knows the kind's
 * number, and of the value three prints, by which it tells a change from a repetition and one
 * kernel's table from the other's.
 *
 * A kind is one file that ends in one struct object_ops, and one line in src/object/table.c.
 */
#ifndef NSRP_OBJECT_H
#define NSRP_OBJECT_H

#include "nsrp/base.h"
#include "nsrp/conf.h"

struct nlmsghdr;

/* X(name, number, text): numbers travel on the wire and are never reused. */
#define OBJECT_KINDS(X)                                                                            \
	X(CONNTRACK, 1, "conntrack")                                                               \
	X(EXPECTATION, 2, "expectation")                                                           \
	X(NEIGHBOUR, 3, "neighbour")

enum object_kind {
#define X(name, number, text) OBJECT_##name = number,
	OBJECT_KINDS(X)
#undef X
};

/* NDA_PROTOCOL of a neighbour that was installed for the peer; beside NTF_EXT_LEARNED it tells that
 * this kernel was not left to deal with it yet. */
enum { OBJECT_NEIGHBOUR_PROTO = 0x9e };

/* Sets of kinds: bit by number. */
enum {
	OBJECT_SESSIONS = 1 << OBJECT_CONNTRACK | 1 << OBJECT_EXPECTATION,
	/* Both kernels come to know these by themselves, whoever forwards: what the peer said of
	 * one stays the peer's word as long as this kernel finds the same, and what this kernel
	 * found out itself does not end when the peer's kernel loses it. */
	OBJECT_SHARED = 1 << OBJECT_NEIGHBOUR,
};

enum {
	OBJECT_KIND_MAX = 15, /* a kind's number fits in four bits */
	OBJECT_KEY_MAX = 96,  /* bytes; fits a length of one byte */
	OBJECT_VALUE_MAX = 512,
	OBJECT_NETLINK_MAX = 1024, /* of one netlink message that put_* make */
	OBJECT_TEXT_MAX = 512,     /* of print, with the final NUL */
};

/* What the kernel says of an object (the first three), and what it is told to do. */
enum object_op {
	OBJECT_WHOLE =
		1, /* it is so: key and whole value. Told: replace what is there, or create */
	OBJECT_CHANGE =
		2, /* value holds what changed, the rest stays. Told: change what is there */
	/* It is gone; value: as far as the message tells, enough to create it anew. Of a shared
	 * kind, with value: the kernel forgot it, without: found that it is not so. Told: remove
	 * it; no value. */
	OBJECT_REMOVE = 3,
	OBJECT_CREATE = 4, /* told: create; -EEXIST when there is one */
	OBJECT_EVICT = 5,  /* told: remove what another object has in the way of this one (the
			    * session  that owns our reply tuple); value whole */
	OBJECT_HOLD = 6,   /* told: let its timer not run out for the hold time; no value */
	OBJECT_SETTLE = 7, /* told: end the hold; value as dumped */
	OBJECT_LOOSEN = 8, /* told: forgive it the packets that this kernel did not see; no value */
	OBJECT_RETIME = 9, /* told: as SETTLE, but what LOOSEN did stays */
};

/* Which prints are of the present value; one that is not is unknown, and taken as unchanged. */
enum object_known { OBJECT_KNOWS_BASE = 1, OBJECT_KNOWS_STATE = 2, OBJECT_KNOWS_RARE = 4 };

/* What a dumped or fetched object asks for. */
enum object_mark {
	OBJECT_AGES = 1,    /* its timer is below half of the hold time, or of what HOLD sets */
	OBJECT_HELD = 2,    /* SETTLE would change it */
	OBJECT_PARTIAL = 4, /* an event that tells of something rare in part: ask for the whole */
	OBJECT_UNSEEN = 8,  /* this kernel saw no traffic of it since it was told of it */
};

struct object {
	uint8_t kind; /* enum object_kind */
	uint8_t op;   /* enum object_op */
	uint8_t known, marks;
	uint8_t key_len;
	uint16_t value_len;
	/* Prints. `base` is a hash of what every message tells (addresses of NAT, status bits,
	 * mark, helper), `state` packs or hashes what changes most (TCP's state), `rare` the rest
	 * (labels, sequence adjustment). What differs between the two kernels by nature (timeouts,
	 * counters, ids, the liberal flags) is in none of them. */
	uint32_t base;
	uint16_t state, rare;
	const uint8_t *key, *value; /* borrowed */
	/* Of an event: the key of another object that changed with this one, of which the kernel
	 * says nothing by itself; origin_len 0 = none. Behind key and value in their room. */
	const uint8_t *origin;
	uint8_t origin_kind, origin_len;
};

/* Many objects in one piece of memory: what an event or a dump brought in one go. */
enum { OBJECT_BATCH_MAX = 128, OBJECT_BATCH_BYTES = 32 * 1024 };

struct object_batch {
	unsigned n;
	struct object object[OBJECT_BATCH_MAX];
	size_t used;
	uint8_t bytes[OBJECT_BATCH_BYTES];
};

/* What the kernel is to be told, in a row, each padded to 8 bytes: this, the key, the value. */
struct object_order {
	uint8_t kind, op; /* enum object_kind, enum object_op */
	/* Evict what is in the way, rather than refuse. */
	uint8_t force;
	uint8_t key_len;
	uint16_t value_len;
	uint16_t reserved;
};

static inline size_t object_order_len(const struct object_order *o)
{
	return (sizeof(*o) + o->key_len + o->value_len + 7) & ~(size_t)7;
}

static inline const uint8_t *object_order_key(const struct object_order *o)
{
	return (const uint8_t *)(o + 1);
}

static inline const uint8_t *object_order_value(const struct object_order *o)
{
	return (const uint8_t *)(o + 1) + o->key_len;
}

/* Timeouts in seconds, as the kernel's sysctls have them: index by state or by class. */
struct object_timeouts {
	uint32_t tcp[16]; /* enum tcp_conntrack */
	uint32_t udp, udp_stream, icmp, icmpv6, generic, gre, gre_stream;
	uint32_t sctp[16]; /* enum sctp_conntrack */
};

/* Addresses of this node itself: a hash set. Zero-initialised = empty. */
enum { OBJECT_OWN_SLOTS = 4096, OBJECT_OWN_MAX = 3072 };
struct object_own {
	unsigned n;
	struct conf_ip slot[OBJECT_OWN_SLOTS];
};

void object_own_clear(struct object_own *own);
/* False when there is no room; an address that is there already is there once. */
bool object_own_add(struct object_own *own, const struct conf_ip *ip);
/* `bytes`: 4 or 16, network byte order. */
bool object_own_has(const struct object_own *own, uint8_t family, const void *bytes);

/* An interface whose neighbours are mirrored. */
enum { OBJECT_INTERFACES_MAX = 256 };
struct object_interface {
	char name[CONF_NAME_MAX]; /* by which both nodes know it; never empty */
	uint32_t ifindex;
};

/* What a kind must know of this host. Filled by the caller, borrowed by the functions below. */
struct object_host {
	struct object_own own;
	struct object_own shared; /* the groups' addresses, wherever they are */
	unsigned n_interfaces;
	struct object_interface interface[OBJECT_INTERFACES_MAX];
	struct object_timeouts timeouts;
	uint32_t hold_s;
	bool tcp_liberal; /* nf_conntrack_tcp_be_liberal */
};

struct object_ops {
	const char *name; /* noun of CLI and log, and configuration keyword */
	uint8_t kind;     /* enum object_kind */
	uint8_t order;    /* installed ascending, removed descending */
	int nl_proto;
	const uint32_t *nl_groups; /* multicast groups (NFNLGRP_*), ended by 0 */

	/* A message of an event or dump: 0 and *ret; its key and value lie in room (OBJECT_KEY_MAX
	 * + OBJECT_VALUE_MAX bytes). -ENOMSG: not a message of this kind, or an object that is not
	 * mirrored (the node's own, loopback, link-local). -EBADMSG: malformed. */
	int (*parse)(const struct object_host *host, const struct nlmsghdr *nlh, struct object *ret,
		uint8_t *room);

	/* The prints of a WHOLE or CHANGE value (`known` says which), as parse gives them: 0, or
	 * -EBADMSG when key or value, which may come from another machine, are not well-formed. */
	int (*describe)(struct span key, struct span value, struct object *ret);

	/* These write one netlink message (header included, nlmsg_flags but for NLM_F_ACK set,
	 * nlmsg_seq and nlmsg_pid 0) into room (OBJECT_NETLINK_MAX bytes) and return its length; or
	 * 0 when there is nothing to do; or -EBADMSG when key or value, which may come from
	 * another machine, are not well-formed; put_order also -ENODEV when this host does not have
	 * what the object lies on, and -EADDRNOTAVAIL when the object is this host itself. */
	int (*put_dump)(void *room);
	int (*put_get)(struct span key, void *room);
	/* op: CREATE, CHANGE, REMOVE, EVICT, HOLD, SETTLE, LOOSEN, RETIME. WHOLE is the caller's to
	 * resolve into REMOVE and CREATE. */
	int (*put_order)(const struct object_host *host, enum object_op op, struct span key,
		struct span value, void *room);

	/* One line, for `verify` and debugging; never overruns. */
	void (*print)(struct span key, struct span value, char text[OBJECT_TEXT_MAX]);
};

/* The kinds of this build, in the order of installation, ended by NULL. */
extern const struct object_ops *const object_table[];
/* NULL if there is none. */
const struct object_ops *object_ops_of(uint8_t kind);

/* struct object_ops' describe(), by kind; -EBADMSG for one that is not known. */
int object_describe(uint8_t kind, struct span key, struct span value, struct object *ret);

/* A fast hash for prints, not for tables: well mixed, unkeyed, equal on both nodes. */
uint32_t object_hash(uint32_t seed, const void *bytes, size_t len);

#endif
