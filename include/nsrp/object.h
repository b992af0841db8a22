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
	X(NEIGHBOUR, 3, "neighbour")                                                               \
	X(SA, 4, "sa")                                                                             \
	X(POLICY, 5, "policy")

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
	/* These have one owner, all of them: the node that is to send (core/mirror_ipsec.c). On the
	 * other they are held: nothing of them runs out, and nothing is sent by them. */
	OBJECT_IPSEC = 1 << OBJECT_SA | 1 << OBJECT_POLICY,
};

enum {
	OBJECT_KIND_MAX = 15, /* a kind's number fits in four bits */
	OBJECT_KEY_MAX = 96,  /* bytes; fits a length of one byte */
	OBJECT_VALUE_MAX = 1024,
	OBJECT_NETLINK_MAX = 4096, /* of the netlink messages that put_* make for one order */
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
	OBJECT_CREATE = 4, /* told: create; -EEXIST when there is one, or instead of it
			    * (struct object_ops, replaces) */
	OBJECT_EVICT = 5,  /* told: remove what another object has in the way of this one (the
			    * session  that owns our reply tuple); value whole */
	OBJECT_HOLD = 6,   /* told: let its timer not run out for the hold time; no value, but of
			    * IPsec, as dumped */
	OBJECT_SETTLE = 7, /* told: end the hold; value as dumped */
	OBJECT_LOOSEN = 8, /* told: forgive it the packets that this kernel did not see; no value,
			    * but of IPsec, as dumped */
	OBJECT_RETIME = 9, /* told: as SETTLE, but what LOOSEN did stays. Of IPsec: as SETTLE, and
			    * nothing is left to settle */
};

/* Which prints are of the present value; one that is not is unknown, and taken as unchanged. */
enum object_known { OBJECT_KNOWS_BASE = 1, OBJECT_KNOWS_STATE = 2, OBJECT_KNOWS_RARE = 4 };

/* What a dumped or fetched object asks for. */
enum object_mark {
	/* Its timer is below half of the hold time, or of what HOLD sets. Of IPsec: HOLD would
	 * change it. */
	OBJECT_AGES = 1,
	OBJECT_HELD = 2,    /* SETTLE would change it */
	OBJECT_PARTIAL = 4, /* an event that tells of something rare in part: ask for the whole */
	OBJECT_UNSEEN = 8,  /* this kernel saw no traffic of it since it was told of it */
	OBJECT_JUDGED = 16, /* by what this kernel saw of it, if it did: WHOLE makes it forget that
			     * (TCP windows), and takes nothing else along */
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
	 * counters, ids, the liberal flags) is in none of them. Of an SA `state` is no print, but
	 * the block that its outbound number is in, as jumps count them, modulo 2^16: never
	 * compared for equality, and known from every value. */
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
	struct object_own first;  /* those of the first group: mirrored tunnels end there */
	unsigned n_interfaces;
	struct object_interface interface[OBJECT_INTERFACES_MAX];
	struct object_timeouts timeouts;
	uint32_t hold_s;
	uint8_t node;     /* this node's number, 0 or 1 */
	bool tcp_liberal; /* nf_conntrack_tcp_be_liberal */
};

struct object_ops {
	const char *name; /* noun of CLI and log, and configuration keyword */
	uint8_t kind;     /* enum object_kind */
	uint8_t order;    /* installed ascending, removed descending */
	bool replaces;    /* CREATE takes the place of what is there, in one step */
	int nl_proto;
	const uint32_t *nl_groups; /* multicast groups (NFNLGRP_*), ended by 0 */

	/* A message of an event or dump: 0 and *ret; its key and value lie in room (OBJECT_KEY_MAX
	 * + OBJECT_VALUE_MAX bytes). -ENOMSG: not a message of this kind, or an object that is not
	 * mirrored (the node's own, loopback, link-local). -EBADMSG: malformed. -ESTALE: many
	 * objects went or changed, and the kernel does not say which. */
	int (*parse)(const struct object_host *host, const struct nlmsghdr *nlh, struct object *ret,
		uint8_t *room);

	/* The prints of a WHOLE or CHANGE value (`known` says which), as parse gives them: 0, or
	 * -EBADMSG when key or value, which may come from another machine, are not well-formed. */
	int (*describe)(struct span key, struct span value, struct object *ret);

	/* These write one netlink message (header included, nlmsg_flags but for NLM_F_ACK set,
	 * nlmsg_seq and nlmsg_pid 0), put_order also several in a row, into room
	 * (OBJECT_NETLINK_MAX bytes) and return the length of all; or
	 * 0 when there is nothing to do; or -EBADMSG when key or value, which may come from
	 * another machine, are not well-formed; put_order also -ENODEV when this host does not have
	 * what the object lies on, and -EADDRNOTAVAIL when the object is this host itself. */
	int (*put_dump)(void *room);
	int (*put_get)(struct span key, void *room);
	/* op: CREATE, CHANGE, REMOVE, EVICT, HOLD, SETTLE, LOOSEN, RETIME. WHOLE is the caller's to
	 * resolve into REMOVE and CREATE, or CREATE alone of what replaces. */
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

/* How often the kernel is to tell of the numbers of an SA that is in use: after so many packets, or
 * tenths of a second. */
enum { OBJECT_NUMBERS_PACKETS = 1 << 16, OBJECT_NUMBERS_TENTHS = 10 };
/* Of a message of a dump of SAs: the message that makes the kernel tell of it so, in room
 * (OBJECT_NETLINK_MAX bytes); its length, or 0 when that message is of no SA. */
int object_put_pace(const struct nlmsghdr *dumped, void *room);

/* Between which two addresses packets are transformed: in ascending order. */
struct object_ends {
	uint8_t family;
	uint8_t address[2][16];
};

/* What becomes of an SA or a policy where nobody looks after it any more. */
enum object_left {
	OBJECT_LEFT_STAYS, /* it is this node's business, or somebody else's */
	/* Held, and the peer told of it since this node may have sent by it: the peer has it. */
	OBJECT_LEFT_GOES,
	/* A policy that is held, or for packets that come in: it goes with others of its ends. */
	OBJECT_LEFT_FOLLOWS,
};

/* Of a message of a dump of SAs or policies; *ret_ends unless it stays. */
enum object_left object_left_of(const struct nlmsghdr *dumped, struct object_ends *ret_ends);
/* The message that removes what such a message tells of, in room (OBJECT_NETLINK_MAX bytes); its
 * length, or 0 when it tells of neither. */
int object_put_leave(const struct nlmsghdr *dumped, void *room);

/*
 * How long the prefixes of policies' selectors are. The kernel finds those policies by a hash whose
 * prefixes are as long as its thresholds at least. The others lie in trees, and each change of one
 * walks through all: then a takeover with thousands of them takes seconds.
 */
enum { OBJECT_LENGTHS_MAX = 128, OBJECT_LENGTHS_MANY = 256 };
struct object_lengths {
	/* Policies of IPv4 and IPv6; of those, by the bits of the local and of the remote prefix.
	 */
	unsigned n[2], at[2][2][OBJECT_LENGTHS_MAX + 1];
};

/* Counts the policy of that key; zero-initialised = none. True: it is time to look at the kernel's
 * thresholds, as there are many of its family, and twice as many as the last time. */
bool object_lengths_add(struct object_lengths *lengths, struct span key);
/* The question for the kernel's thresholds, and, of its answer, the message that lowers those by
 * which the hash would lack too many; in room (OBJECT_NETLINK_MAX bytes). The length, or 0: there
 * is nothing to do. Never raises one. */
int object_put_ask_thresholds(void *room);
int object_put_thresholds(
	const struct object_lengths *lengths, const struct nlmsghdr *answer, void *room);

/* A fast hash for prints, not for tables: well mixed, unkeyed, equal on both nodes. */
uint32_t object_hash(uint32_t seed, const void *bytes, size_t len);

#endif
