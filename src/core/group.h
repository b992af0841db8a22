/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * group: a node's part in each group: its state, its mastership, and the election's verdicts
 * carried out.
 *
 * `holding` says that the kernel has, or may have, the group's addresses: from the order to add
 * them until the report that they are removed. The state of a group that is not master follows
 * from facts alone; group_settle() is the one place that works it out.
 */
#ifndef NSRP_CORE_GROUP_H
#define NSRP_CORE_GROUP_H

#include "election.h"
#include "state.h"

/* Makes group g of the present configuration anew, in init. */
void group_start(struct node *n, unsigned g, mono_t now);

/* The node's own and the peer's standing in group g. */
struct standing group_own_standing(const struct node *n, unsigned g);
struct standing group_peer_standing(const struct node *n, unsigned g);

/* True unless maintenance, or the end of the daemon, takes this node out. */
bool group_is_eligible(const struct node *n, unsigned g);

/* Orders a role for group g; group_role_done() hears the report. */
void group_order(struct node *n, unsigned g, enum role role, struct actions *out);

/* Becomes master: one order to add addresses. `term` is above every term known. */
void group_take(struct node *n, mono_t now, unsigned g, uint32_t term, enum election_rule rule,
	enum reason reason, struct actions *out);

/* Stops being master: the addresses are removed, and the state follows the facts. */
void group_drop(struct node *n, mono_t now, unsigned g, enum reason reason, struct actions *out);

/* Stops being master of a group whose addresses are already removed. */
void group_released(
	struct node *n, mono_t now, unsigned g, enum reason reason, struct actions *out);

/* Stops claiming mastership, without touching the addresses. */
void group_suspend(struct node *n, mono_t now, unsigned g, enum reason reason, struct actions *out);

/* Is master again, as the addresses that it still has allow. */
void group_resume(struct node *n, mono_t now, unsigned g, struct actions *out);

/* The addresses are where the last order wanted them; `failed` of them the kernel refused. */
void group_role_done(struct node *n, mono_t now, unsigned g, enum role role, uint32_t term,
	unsigned failed, struct actions *out);

/* Brings the state of a group that is not master in line with the facts. */
void group_settle(struct node *n, mono_t now, unsigned g, enum reason reason, struct actions *out);

/* Adds a line of history: the group came from that state to its present one. */
void group_record(struct node *n, mono_t now, unsigned g, enum group_state from, enum reason reason,
	struct actions *out);

/* The last takeover of group g is over, as soon as the mirror's part in it is. At the end of a
 * step. */
void group_tell_settled(struct node *n, unsigned g, struct actions *out);

/* The peer was master, too: of the two this node stays, or not. Counted, and a line of history of
 * the one that stays. (judge.c) */
void group_met_master(struct node *n, mono_t now, unsigned g, bool stays, struct actions *out);

/* Moves for that reason may go to and fro. */
bool group_may_flap(enum reason reason);

/* What the election reads of group g, and what it says of that: with what holds a verdict back.
 * (judge.c) */
struct election group_election(const struct node *n, unsigned g);
struct verdict group_verdict(
	const struct node *n, mono_t now, unsigned g, const struct election *election);

/* Runs the election and carries its verdict out. (judge.c) */
void group_judge(struct node *n, mono_t now, unsigned g, struct actions *out);

/* A term was heard of. */
void group_note_term(struct node *n, unsigned g, uint32_t term);

/* The term of the next mastership: above every term known. */
uint32_t group_next_term(const struct node *n, unsigned g);

/* The network is to turn to this node, if it is master: as soon as the mirror's kernel takes what
 * another master forwarded, which goes on with it as long; after 500 ms at the latest. */
void group_announce(struct node *n, mono_t now, unsigned g);
/* Does that when it is time: at the end of a step. */
void group_settle_announcement(struct node *n, mono_t now, unsigned g, struct actions *out);

/* A real failure happened: preemption is allowed again. */
void group_resume_preemption(struct node *n, unsigned g);

/* When group_judge() may come to another verdict by time alone. (judge.c) */
mono_t group_deadline(const struct node *n, mono_t now, unsigned g);

#endif
