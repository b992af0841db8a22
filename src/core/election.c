/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "election.h"

#include <assert.h>

/* > 0: a is better by this one quality; < 0: b is; 0: they are equal in it. */
typedef int compare_fn(const struct standing *a, const struct standing *b);

static int by_eligible(const struct standing *a, const struct standing *b)
{
	return a->eligible - b->eligible;
}

static int by_operable(const struct standing *a, const struct standing *b)
{
	return a->operable - b->operable;
}

static int by_in_sync(const struct standing *a, const struct standing *b)
{
	return a->in_sync - b->in_sync;
}

static int by_served(const struct standing *a, const struct standing *b)
{
	return a->served - b->served;
}

static int by_term(const struct standing *a, const struct standing *b)
{
	return (a->term > b->term) - (a->term < b->term);
}

static int by_priority(const struct standing *a, const struct standing *b)
{
	return b->priority - a->priority;
}

static int by_id(const struct standing *a, const struct standing *b)
{
	return b->node - a->node;
}

bool standing_is_better(const struct standing *a, const struct standing *b)
{
	static compare_fn *const order[] = { by_eligible, by_operable, by_in_sync, by_priority,
		by_id };

	for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
		int result = order[i](a, b);

		if (result != 0)
			return result > 0;
	}
	return false;
}

static struct verdict judge_two_masters(const struct standing *own, const struct standing *peer)
{
	static const struct {
		compare_fn *compare;
		enum election_rule rule;
	} order[] = {
		{ by_eligible, RULE_TWO_MASTERS_ELIGIBLE },
		{ by_operable, RULE_TWO_MASTERS_OPERABLE },
		{ by_served, RULE_TWO_MASTERS_SERVED },
		{ by_term, RULE_TWO_MASTERS_TERM },
		{ by_priority, RULE_TWO_MASTERS_PRIORITY },
		{ by_id, RULE_TWO_MASTERS_ID },
	};

	for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
		int result = order[i].compare(own, peer);

		if (result != 0)
			return (struct verdict){
				result > 0 ? ELECTION_STAY : ELECTION_WITHDRAW,
				order[i].rule,
			};
	}
	/* Not reached: two nodes have different ids. */
	return (struct verdict){ ELECTION_STAY, RULE_NONE };
}

/* Conditions of the rules below. `peer.known` is part of each that reads the peer. */
static bool peer_can_stand(const struct election *e)
{
	return e->peer.known && e->peer.eligible;
}

static bool own_ineligible_peer_not(const struct election *e)
{
	return !e->own.eligible && peer_can_stand(e);
}

static bool own_ineligible(const struct election *e)
{
	return !e->own.eligible;
}

static bool both_inoperable(const struct election *e)
{
	return !e->own.operable && peer_can_stand(e) && !e->peer.operable;
}

static bool own_inoperable_peer_not(const struct election *e)
{
	return !e->own.operable && peer_can_stand(e) && e->peer.operable;
}

static bool peer_would_preempt(const struct election *e)
{
	return e->preempt && peer_can_stand(e) && e->peer.operable &&
	       e->peer.priority < e->own.priority && !e->preempt_suspended;
}

static bool peer_preempts(const struct election *e)
{
	return peer_would_preempt(e) && e->peer.preempts && e->peer.in_sync;
}

static bool peer_not_in_sync(const struct election *e)
{
	return peer_would_preempt(e) && !e->peer.in_sync;
}

static bool peer_is_master(const struct election *e)
{
	return e->peer.known && e->peer.master;
}

static bool own_would_preempt_but_sync(const struct election *e)
{
	return peer_is_master(e) && e->preempt && e->own.priority < e->peer.priority &&
	       !e->own.in_sync;
}

static bool peer_holds(const struct election *e)
{
	return e->peer.known && e->peer.holding;
}

static bool own_is_better(const struct election *e)
{
	return e->peer.known && standing_is_better(&e->own, &e->peer);
}

static bool peer_is_known(const struct election *e)
{
	return e->peer.known;
}

static bool waits_for_peer(const struct election *e)
{
	return e->waiting;
}

static bool never_decided(const struct election *e)
{
	return e->first;
}

static bool always(const struct election *e)
{
	(void)e;
	return true;
}

struct rule_row {
	bool (*applies)(const struct election *e);
	struct verdict verdict;
};

/* The first row that applies is the verdict. */
static const struct rule_row master_rules[] = {
	{ own_ineligible_peer_not, { ELECTION_HAND_OVER, RULE_INELIGIBLE } },
	{ own_ineligible, { ELECTION_WITHDRAW, RULE_NOBODY_ELIGIBLE } },
	{ both_inoperable, { ELECTION_STAY, RULE_BOTH_INOPERABLE } },
	{ own_inoperable_peer_not, { ELECTION_HAND_OVER, RULE_MASTER_INOPERABLE } },
	{ peer_preempts, { ELECTION_HAND_OVER, RULE_PREEMPT } },
	{ peer_not_in_sync, { ELECTION_STAY, RULE_NOT_IN_SYNC } },
	{ always, { ELECTION_STAY, RULE_SITTING_MASTER } },
};

static const struct rule_row other_rules[] = {
	{ own_would_preempt_but_sync, { ELECTION_STAY, RULE_NOT_IN_SYNC } },
	{ peer_is_master, { ELECTION_STAY, RULE_SITTING_MASTER } },
	{ own_ineligible_peer_not, { ELECTION_STAY, RULE_INELIGIBLE } },
	{ own_ineligible, { ELECTION_STAY, RULE_NOBODY_ELIGIBLE } },
	{ peer_holds, { ELECTION_STAY, RULE_HELD } },
	{ own_is_better, { ELECTION_TAKE, RULE_BETTER } },
	{ peer_is_known, { ELECTION_STAY, RULE_BETTER } },
	{ waits_for_peer, { ELECTION_STAY, RULE_BOOTING } },
	{ never_decided, { ELECTION_TAKE, RULE_ALONE } },
	{ always, { ELECTION_TAKE, RULE_PEER_LOST } },
};

struct verdict election_decide(const struct election *e)
{
	const struct rule_row *row = e->own.master ? master_rules : other_rules;

	assert(e->own.known && e->own.node != e->peer.node);
	if (e->own.master && peer_is_master(e))
		return judge_two_masters(&e->own, &e->peer);
	while (!row->applies(e)) /* the last row always does */
		row++;
	return row->verdict;
}
