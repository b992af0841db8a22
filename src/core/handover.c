/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "handover.h"

#include <assert.h>

#include "command.h"
#include "group.h"
#include "mirror.h"

enum {
	ASK_MS = 300,                 /* for the peer's answer */
	DRAIN_MS = 100,               /* for the peer to have every record sent by then */
	STOP_MS = 100,                /* for its own kernel to hold what it sends by IPsec */
	RELEASED_MS = 150,            /* for the peer's mastership, and again while reclaiming */
	TAKE_WITHIN_MS = RELEASED_MS, /* a release that may be older is not acted upon */
	RESERVE_MS = 1000,
	RETRY_MS = 1000,
	RETRY_MAX_MS = 60000,
};

static const char *phase_name(enum handover_phase phase)
{
	switch (phase) {
	case HANDOVER_NONE: return "none";
	case HANDOVER_ASKING: return "asking";
	case HANDOVER_DRAINING: return "draining";
	case HANDOVER_STOPPING: return "stopping";
	case HANDOVER_RELEASING: return "releasing";
	case HANDOVER_RELEASED: return "released";
	case HANDOVER_RECLAIMING: return "reclaiming";
	case HANDOVER_LOOKING: return "looking";
	case HANDOVER_RESERVED: return "reserved";
	case HANDOVER_REFUSING: return "refusing";
	}
	return "?";
}

/* The only assigner of a phase. */
static void enter(struct node *n, unsigned g, enum handover_phase phase, mono_t until)
{
	struct handover *h = &n->group[g].handover;

	log_debug(n->env.log, "group %u: hand-over %s -> %s, term %u", n->conf->group[g].id,
		phase_name(h->phase), phase_name(phase), h->term);
	h->phase = phase;
	h->until = until;
	if (phase == HANDOVER_NONE)
		h->steps = 0;
	n->beat_now |= phase != HANDOVER_LOOKING; /* which the peer need not know */
}

static void note(struct node *n, mono_t now, unsigned g, enum step step)
{
	struct handover *h = &n->group[g].handover;

	h->steps |= 1u << step;
	h->step_at[step] = now;
}

bool handover_is_active(const struct node *n, unsigned g)
{
	switch (n->group[g].handover.phase) {
	case HANDOVER_ASKING:
	case HANDOVER_DRAINING:
	case HANDOVER_STOPPING:
	case HANDOVER_RELEASING:
	case HANDOVER_RELEASED:
	case HANDOVER_RECLAIMING:
	case HANDOVER_LOOKING:
	case HANDOVER_RESERVED: return true;
	case HANDOVER_NONE:
	case HANDOVER_REFUSING: break;
	}
	return false;
}

enum wire_handover handover_step(const struct node *n, unsigned g)
{
	switch (n->group[g].handover.phase) {
	case HANDOVER_NONE:
	case HANDOVER_LOOKING:
	case HANDOVER_RECLAIMING: break;
	case HANDOVER_ASKING:
	case HANDOVER_DRAINING:
	case HANDOVER_STOPPING:
	case HANDOVER_RELEASING: return WIRE_HANDOVER_ASK;
	case HANDOVER_RELEASED: return WIRE_HANDOVER_RELEASED;
	case HANDOVER_RESERVED: return WIRE_HANDOVER_ACCEPT;
	case HANDOVER_REFUSING: return WIRE_HANDOVER_REFUSE;
	}
	return WIRE_HANDOVER_NONE;
}

static enum election_rule rule_of(enum reason reason)
{
	static const struct {
		enum reason reason;
		enum election_rule rule;
	} rules[] = {
		{ REASON_MANUAL, RULE_MANUAL },
		{ REASON_MONITORS, RULE_MASTER_INOPERABLE },
		{ REASON_PREEMPT, RULE_PREEMPT },
		{ REASON_TAKEN_AWAY, RULE_ROBBED },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rules); i++) {
		if (rules[i].reason == reason)
			return rules[i].rule;
	}
	return RULE_INELIGIBLE; /* maintenance, or the end of the daemon */
}

void handover_start(struct node *n, mono_t now, unsigned g, enum reason reason, bool force,
	uint32_t token, struct actions *out)
{
	struct group *group = &n->group[g];
	struct handover *h = &group->handover;

	(void)out;
	assert(group->state == GROUP_MASTER && group->peer.known);
	h->term = group_next_term(n, g);
	h->reason = reason;
	h->force = force;
	h->token = token;
	group->rule = rule_of(reason);
	if (reason == REASON_MANUAL)
		group->preempt_suspended = true;
	h->steps = 0;
	note(n, now, g, STEP_ASKED);
	enter(n, g, HANDOVER_ASKING, mono_after_ms(now, ASK_MS));
}

/* A hand-over that this node started ended. */
static void finish(struct node *n, mono_t now, unsigned g, enum result result, struct actions *out)
{
	struct handover *h = &n->group[g].handover;
	uint32_t token = h->token;

	h->token = TOKEN_NONE;
	if (result == RESULT_DONE) {
		node_act(out, ACTION_STEP, g)->step = STEP_CONFIRMED;
		node_count(n, COUNTER_HANDOVERS);
		h->retry_ms = 0;
	} else {
		node_count(n, COUNTER_HANDOVERS_FAILED);
		log_warn(n->env.log, "group %u: hand-over to %s failed: %s", n->conf->group[g].id,
			n->conf->node[1 - n->conf->self], result_text(result));
		h->retry_ms = h->retry_ms == 0 ? RETRY_MS : h->retry_ms * 2;
		h->retry_ms = h->retry_ms > RETRY_MAX_MS ? RETRY_MAX_MS : h->retry_ms;
		h->retry_at = mono_after_ms(now, h->retry_ms);
	}
	enter(n, g, HANDOVER_NONE, MONO_NEVER);
	if (token != TOKEN_NONE)
		command_reply(n, token, result, out);
}

void handover_cancel(
	struct node *n, mono_t now, unsigned g, enum result result, struct actions *out)
{
	switch (n->group[g].handover.phase) {
	case HANDOVER_NONE: break;
	case HANDOVER_RELEASING: /* the addresses go: handover_released() goes on from there */
	case HANDOVER_ASKING:
	case HANDOVER_DRAINING:
	case HANDOVER_STOPPING:
	case HANDOVER_RELEASED:
	case HANDOVER_RECLAIMING: finish(n, now, g, result, out); break;
	case HANDOVER_LOOKING:
	case HANDOVER_RESERVED:
	case HANDOVER_REFUSING: enter(n, g, HANDOVER_NONE, MONO_NEVER); break;
	}
}

/* The master does not ask whether this node is fit for it. */
static bool is_forced(const struct peer_record *peer)
{
	return (peer->flags & WIRE_GROUP_FORCED) || peer->reason == REASON_MAINTENANCE ||
	       peer->reason == REASON_STOPPING;
}

/* The master asks: is this node fit for it? */
static bool may_accept(const struct node *n, unsigned g)
{
	const struct peer_record *peer = &n->group[g].peer;
	struct standing own = group_own_standing(n, g);

	if (!own.eligible || n->joining != JOINING_NOT || peer->handover_term <= n->group[g].term)
		return false;
	if (is_forced(peer))
		return true;
	if (peer->reason == REASON_PREEMPT && !n->group[g].preempting) /* not any more */
		return false;
	return own.operable && (own.in_sync || peer->reason == REASON_MONITORS);
}

static void answer(struct node *n, mono_t now, unsigned g)
{
	bool accepts = may_accept(n, g);

	if (accepts)
		note(n, now, g, STEP_ACCEPTED);
	enter(n, g, accepts ? HANDOVER_RESERVED : HANDOVER_REFUSING,
		mono_after_ms(now, RESERVE_MS));
}

/* News of a carrier may be a second late: a node whose own cable is out does not take over. */
static void asked(struct node *n, mono_t now, unsigned g, struct actions *out)
{
	struct group *group = &n->group[g];
	struct handover *h = &group->handover;

	if (h->phase != HANDOVER_NONE && h->term == group->peer.handover_term)
		return;
	h->term = group->peer.handover_term;
	h->reason = group->peer.reason;
	h->steps = 0;
	note(n, now, g, STEP_ASKED);
	if (!may_accept(n, g) || is_forced(&group->peer)) {
		answer(n, now, g);
		return;
	}
	enter(n, g, HANDOVER_LOOKING, mono_after_ms(now, RESERVE_MS));
	node_act(out, ACTION_LOOK, g);
}

/* What the master lost, this node may be about to lose as well: both probe, and one of them counts
 * to the end first. A moment later both know, and the master asks again if that helps. */
void handover_looked(struct node *n, mono_t now, unsigned g, uint16_t doubtful)
{
	uint32_t weight = health_failed_weight(&n->health, n->conf, g);

	if (n->group[g].handover.phase != HANDOVER_LOOKING)
		return;
	if (weight + doubtful >= n->conf->group[g].threshold)
		enter(n, g, HANDOVER_REFUSING, mono_after_ms(now, RESERVE_MS));
	else
		answer(n, now, g);
}

/* A master says RELEASED for RELEASED_MS and takes back after twice that, or when it hears nothing
 * of this node for the detection time: what it said is acted upon only well before. The number
 * of ours that it echoed says how old it may be at most. */
static bool release_is_recent(const struct node *n, mono_t now)
{
	uint64_t limit_us = node_detection_us(n) * 3 / 4;

	if (limit_us > TAKE_WITHIN_MS * UINT64_C(1000))
		limit_us = TAKE_WITHIN_MS * UINT64_C(1000);
	return n->peer_echo + limit_us >= now.us;
}

/* The master said that its addresses are removed. */
static void take_over(struct node *n, mono_t now, unsigned g, struct actions *out)
{
	struct group *group = &n->group[g];
	enum reason reason = group->peer.reason;

	if (!group_is_eligible(n, g) || group->peer.handover_term <= group->term ||
		!release_is_recent(n, now))
		return;
	uint32_t steps = group->handover.steps;

	enter(n, g, HANDOVER_NONE, MONO_NEVER);
	if (reason == REASON_MANUAL)
		group->preempt_suspended = true;
	group->handover.steps = steps;
	group_take(n, now, g, group->peer.handover_term, rule_of(reason), reason, out);
	group->handover.steps = 0;
}

static void heard_as_peer(struct node *n, mono_t now, unsigned g, struct actions *out)
{
	struct group *group = &n->group[g];

	if (group->state == GROUP_MASTER)
		return;
	switch ((enum wire_handover)group->peer.handover) {
	case WIRE_HANDOVER_ASK: asked(n, now, g, out); break;
	case WIRE_HANDOVER_RELEASED: take_over(n, now, g, out); break;
	case WIRE_HANDOVER_NONE:
		if (group->handover.phase != HANDOVER_NONE)
			enter(n, g, HANDOVER_NONE, MONO_NEVER);
		break;
	case WIRE_HANDOVER_ACCEPT:
	case WIRE_HANDOVER_REFUSE: break;
	}
}

void handover_heard(struct node *n, mono_t now, unsigned g, struct actions *out)
{
	struct group *group = &n->group[g];
	struct handover *h = &group->handover;
	bool answers = group->peer.handover_term == h->term;

	switch (h->phase) {
	case HANDOVER_NONE:
	case HANDOVER_LOOKING:
	case HANDOVER_RESERVED:
	case HANDOVER_REFUSING: heard_as_peer(n, now, g, out); break;
	case HANDOVER_ASKING:
		if (answers && group->peer.handover == WIRE_HANDOVER_ACCEPT) {
			h->mark = mirror_mark(n);
			note(n, now, g, STEP_ACCEPTED);
			enter(n, g, HANDOVER_DRAINING, mono_after_ms(now, DRAIN_MS));
		} else if (answers && group->peer.handover == WIRE_HANDOVER_REFUSE) {
			finish(n, now, g, RESULT_PEER_REFUSED, out);
		}
		break;
	case HANDOVER_DRAINING:
	case HANDOVER_STOPPING:
	case HANDOVER_RELEASING: break;
	case HANDOVER_RELEASED:
	case HANDOVER_RECLAIMING:
		if (group->peer.state == GROUP_MASTER && group->peer.term >= h->term)
			finish(n, now, g, RESULT_DONE, out);
		break;
	}
}

void handover_released(struct node *n, mono_t now, unsigned g, struct actions *out)
{
	struct group *group = &n->group[g];

	if (group->state != GROUP_MASTER)
		return;
	group_released(n, now, g, group->handover.reason, out);
	if (group->handover.phase == HANDOVER_RELEASING)
		enter(n, g, HANDOVER_RELEASED, mono_after_ms(now, RELEASED_MS));
}

static void release(struct node *n, unsigned g, struct actions *out)
{
	enter(n, g, HANDOVER_RELEASING, MONO_NEVER);
	group_order(n, g, ROLE_DROP_LINGER, out);
}

void handover_expire(struct node *n, mono_t now, unsigned g, struct actions *out)
{
	struct group *group = &n->group[g];
	struct handover *h = &group->handover;

	if (h->phase == HANDOVER_DRAINING &&
		(mirror_is_drained(n, h->mark) || mono_reached(h->until, now))) {
		if (mirror_is_drained(n, h->mark))
			note(n, now, g, STEP_DRAINED);
		if (g == 0 && !mirror_ipsec_is_held(n))
			enter(n, g, HANDOVER_STOPPING, mono_after_ms(now, STOP_MS));
		else
			release(n, g, out);
		return;
	}
	if (h->phase == HANDOVER_STOPPING &&
		(mirror_ipsec_is_held(n) || mono_reached(h->until, now))) {
		release(n, g, out);
		return;
	}
	if (h->phase == HANDOVER_NONE || !mono_reached(h->until, now))
		return;
	if (h->phase == HANDOVER_RELEASED) {
		enter(n, g, HANDOVER_RECLAIMING, mono_after_ms(now, RELEASED_MS));
		return;
	}
	if (h->phase != HANDOVER_RECLAIMING) {
		handover_cancel(n, now, g, RESULT_NOT_CONFIRMED, out);
		return;
	}
	uint32_t term = h->term + 1;

	finish(n, now, g, RESULT_NOT_CONFIRMED, out);
	if (group_is_eligible(n, g))
		group_take(n, now, g, term, RULE_TAKE_BACK, REASON_NOT_CONFIRMED, out);
}
