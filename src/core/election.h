/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * election: who is to be master of a group.
 *
 * One pure function over the standings of both nodes. Both nodes run it, each from its own
 * side, and come to matching verdicts when they know the same facts. The rules and their labels
 * are those of nsrp/tables.h; their order of judgement is the table in election.c.
 *
 * What is *better*, in this order: eligible, operable, in sync, lower priority, lower node id.
 * Two masters that meet compare: eligible, operable, served, higher term, lower priority,
 * lower id; in-sync plays no part there.
 */
#ifndef NSRP_CORE_ELECTION_H
#define NSRP_CORE_ELECTION_H

#include "nsrp/base.h"
#include "nsrp/tables.h"

/* One node's standing in one group. */
struct standing {
	bool known; /* false: the peer is not heard, nothing else is meaningful */
	bool eligible, operable, in_sync;
	bool master;
	bool holding;           /* its kernel has, or may have, the addresses */
	bool served;            /* was answered, or forwarded traffic, during this term */
	bool preempts;          /* asks for mastership, by its own judgement */
	uint8_t priority, node; /* lower wins */
	uint32_t term;
};

struct election {
	struct standing own, peer; /* own.known is true */
	bool preempt;              /* the group is configured to preempt */
	bool preempt_suspended;    /* by a manual failover */
	bool first;                /* nothing was decided since the start */
	bool waiting;              /* during the boot wait */
};

enum election_outcome {
	ELECTION_STAY,      /* as master, or as not */
	ELECTION_TAKE,      /* become master now */
	ELECTION_WITHDRAW,  /* stop being master now */
	ELECTION_HAND_OVER, /* ask the peer to take over */
};

struct verdict {
	enum election_outcome outcome;
	enum election_rule rule;
};

struct verdict election_decide(const struct election *e);

/* True when `a` would be the better master of the two. */
bool standing_is_better(const struct standing *a, const struct standing *b);

#endif
