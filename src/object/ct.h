/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ct: one session of the kernel's connection tracking, taken apart.
 *
 * netlink -> ct_parse() -> struct ct_session -> ct_encode() -> value, and back by ct_decode()
 * and ct_put_*(). What is mirrored of a session, and what is not, is what this struct has.
 */
#ifndef NSRP_OBJECT_CT_H
#define NSRP_OBJECT_CT_H

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>

#include "tuple.h"

/*
 * The status bits that are mirrored. All others are the kernel's own business: CONFIRMED is
 * given to every entry, SRC_NAT, DST_NAT and SEQ_ADJUST follow from what else is mirrored,
 * the *_NAT_DONE bits tell whether rules were asked (a copy without NAT never asks), HELPER how
 * a helper came to be there, OFFLOAD and HW_OFFLOAD in which hardware the flow runs, and a
 * FIXED_TIMEOUT would let a copy in use run out.
 */
enum { CT_STATUS_MIRRORED = IPS_EXPECTED | IPS_SEEN_REPLY | IPS_ASSURED };

/* X(name, bit): which fields are there; the numbers are those of the value's first bytes, seven
 * bits each, and never reused. */
#define CT_FIELD_TABLE(X)                                                                          \
	X(TIMEOUT, 3)                                                                              \
	X(TCP, 4)                                                                                  \
	X(NAT, 5)                                                                                  \
	X(MARK, 6)                                                                                 \
	X(LABELS, 7)                                                                               \
	X(HELPER, 8)                                                                               \
	X(MASTER, 9)                                                                               \
	X(SEQADJ_ORIG, 10)                                                                         \
	X(SEQADJ_REPLY, 11)                                                                        \
	X(SYNPROXY, 12)                                                                            \
	X(SCTP, 13)

enum ct_field {
#define X(name, bit) CT_##name = 1 << (bit),
	CT_FIELD_TABLE(X)
#undef X
	/* What few sessions have and an event tells but when it changed. */
	CT_RARE = CT_LABELS | CT_MASTER | CT_SEQADJ_ORIG | CT_SEQADJ_REPLY | CT_SYNPROXY,
	CT_FIELDS = 0x3ff8, /* all */
};

enum ct_nat {
	CT_NAT_SRC = 1,
	CT_NAT_SRC_PORT = 2, /* or ICMP id */
	CT_NAT_DST = 4,
	CT_NAT_DST_PORT = 8,
	CT_NAT_FLAGS = 15,
};

enum { CT_LABELS_LEN = 16, CT_HELPER_MAX = 15 };

/* TCP flags that a value carries, of those that the kernel has. LIBERAL and MAXACK_SET (an
 * acknowledgement was seen by this kernel) are of use on the node alone that they come from. */
enum {
	CT_TCP_MIRRORED =
		IP_CT_TCP_FLAG_WINDOW_SCALE | IP_CT_TCP_FLAG_SACK_PERM | IP_CT_TCP_FLAG_CLOSE_INIT,
	CT_TCP_LOCAL = IP_CT_TCP_FLAG_BE_LIBERAL | IP_CT_TCP_FLAG_MAXACK_SET,
};

struct ct_seqadj {
	uint32_t position, before, after;
};

struct ct_session {
	struct tuple orig, reply; /* reply: with NAT, as packets have it */
	struct zone zone;
	uint16_t fields; /* enum ct_field */
	uint8_t nat;     /* enum ct_nat; what differs is in reply */
	uint32_t status; /* IPS_*, all of them as parsed; of a value, those mirrored */
	uint32_t timeout, mark;
	struct {
		uint8_t state, wscale[2], flags[2];
	} tcp;
	struct {
		uint8_t state;
		uint32_t vtag[2];
	} sctp;
	uint8_t labels[CT_LABELS_LEN];
	uint8_t helper_len;
	char helper[CT_HELPER_MAX];
	struct tuple master;
	struct ct_seqadj seqadj[2];
	uint32_t synproxy[3]; /* isn, its, tsoff */
};

/* The value of a session, at most OBJECT_VALUE_MAX bytes, of the fields in `fields`. */
size_t ct_encode(const struct ct_session *s, uint16_t fields, uint8_t *value);
/* Key and value; a value of no bytes has no fields and no status. 0, or -EBADMSG. */
int ct_decode(struct span key, struct span value, struct ct_session *ret);
/* What NAT makes of the addresses; sets s->nat and CT_NAT. False: what no NAT can make. */
bool ct_find_nat(struct ct_session *s);
/* A TCP or SCTP session of which only the rest is told. */
bool ct_lacks_state(const struct ct_session *s);
void ct_prints(const struct ct_session *s, struct object *ret);

/* The timeout that the kernel gives a session in this state with its next packet. */
uint32_t ct_own_timeout(const struct object_timeouts *t, const struct ct_session *s);
uint32_t ct_hold_timeout(const struct object_host *host, const struct ct_session *s);

/* What ends the hold of a session; neither: nothing does, or nothing need. */
struct ct_settling {
	bool retime, strict; /* give it `timeout`; take the liberal flags off */
	uint32_t timeout;
};
struct ct_settling ct_settle(const struct object_host *host, const struct ct_session *s);

int ct_parse(const struct object_host *host, const struct nlmsghdr *nlh, struct object *ret,
	uint8_t *room);

int ct_put_dump(void *room);
int ct_put_get(struct span key, void *room);
int ct_put_order(const struct object_host *host, enum object_op op, struct span key,
	struct span value, void *room);
void ct_print(struct span key, struct span value, char text[OBJECT_TEXT_MAX]);

extern const struct object_ops ct_ops;

#endif
