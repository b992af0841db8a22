/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "group.h"

#include <assert.h>
#include <string.h>

#include "handover.h"
#include "mirror.h"

static unsigned id_of(const struct node *n, unsigned g)
{
	return n->conf->group[g].id;
}

/* The only assigner of a group's state. */
/* Moves that may go to and fro. */
static bool is_flap(enum reason reason)
{
	return reason == REASON_MONITORS || reason == REASON_PREEMPT;
}

static void set_state(struct node *n, mono_t now, unsigned g, enum group_state to,
	enum reason reason, struct actions *out)
{
	struct group *group = &n->group[g];
	enum group_state from = group->state;

	if (from == to)
		return;
	group->state = to;
	group->reason = reason;
	group->since = now;
	group->decided |= to != GROUP_INIT;
	if (to == GROUP_MASTER && is_flap(reason))
		flap_moved(&group->flap, now);
	n->beat_now = true;
	log_info(n->env.log, "group %u: %s -> %s, %s (rule %s, term %u)", id_of(n, g),
		group_state_name(from), group_state_name(to), reason_text(reason),
		rule_label(group->rule), group->term);
	node_act(out, ACTION_RECORD, g)->record = (struct action_record){
		.from = from,
		.to = to,
		.rule = group->rule,
		.reason = reason,
		.term = group->term,
	};
}

bool group_is_eligible(const struct node *n, unsigned g)
{
	return !n->group[g].maintenance && !n->stopping;
}

struct standing group_own_standing(const struct node *n, unsigned g)
{
	const struct group *group = &n->group[g];

	return (struct standing){
		.known = true,
		.eligible = group_is_eligible(n, g),
		.operable = health_is_operable(&n->health, n->conf, g),
		.in_sync = n->in_sync,
		.master = group->state == GROUP_MASTER,
		.holding = group->holding || group->handover.phase == HANDOVER_RECLAIMING,
		.served = group->served,
		.preempts = group->preempting,
		.priority = n->conf->group[g].priority[n->conf->self],
		.node = n->conf->self,
		.term = group->term,
	};
}

struct standing group_peer_standing(const struct node *n, unsigned g)
{
	const struct peer_record *peer = &n->group[g].peer;

	return (struct standing){
		.known = peer->known,
		.eligible = peer->flags & WIRE_GROUP_ELIGIBLE,
		.operable = peer->flags & WIRE_GROUP_OPERABLE,
		.in_sync = peer->flags & WIRE_GROUP_IN_SYNC,
		.master = peer->state == GROUP_MASTER,
		.holding = peer->flags & WIRE_GROUP_HOLDING,
		.served = peer->flags & WIRE_GROUP_SERVED,
		.preempts = peer->flags & WIRE_GROUP_PREEMPTS,
		.priority = peer->priority,
		.node = 1 - n->conf->self,
		.term = peer->term,
	};
}

void group_note_term(struct node *n, unsigned g, uint32_t term)
{
	if (term > n->saved.term) {
		n->saved.term = term;
		n->save_now = true;
	}
	if (n->group[g].state != GROUP_MASTER && term > n->group[g].term)
		n->group[g].term = term;
}

uint32_t group_next_term(const struct node *n, unsigned g)
{
	const struct group *group = &n->group[g];
	uint32_t known = group->peer.known && group->peer.term > group->term ? group->peer.term
									     : group->term;

	return (known > n->saved.term ? known : n->saved.term) + 1;
}

void group_order(struct node *n, unsigned g, enum role role, struct actions *out)
{
	struct group *group = &n->group[g];
	struct action *action = node_act(out, ACTION_ROLE, g);

	action->role.role = role;
	action->role.term = group->term;
	group->orders++;
	group->ordered = role;
}

void group_take(struct node *n, mono_t now, unsigned g, uint32_t term, enum election_rule rule,
	enum reason reason, struct actions *out)
{
	struct group *group = &n->group[g];

	assert(group->state != GROUP_MASTER);
	group->term = term;
	group->rule = rule;
	group->holding = true;
	group->served = false;
	group->preempting = false;
	group->preempt_at = MONO_NEVER;
	group_note_term(n, g, term);
	set_state(n, now, g, GROUP_MASTER, reason, out);
	group_order(n, g, ROLE_TAKE, out);
	node_count(n, COUNTER_TAKEOVERS);
}

void group_start(struct node *n, unsigned g, mono_t now)
{
	struct group *group = &n->group[g];

	memset(group, 0, sizeof(*group));
	group->state = GROUP_INIT;
	group->since = now;
	group->reason = REASON_START;
	group->term = n->saved.term;
	group->preempt_at = MONO_NEVER;
	group->handover.until = MONO_NEVER;
	for (unsigned i = 0; i < n->saved.n_maintenance; i++)
		group->maintenance |= n->saved.maintenance[i] == n->conf->group[g].id;
}

static enum group_state rest_state(const struct node *n, unsigned g)
{
	if (!group_is_eligible(n, g))
		return GROUP_INELIGIBLE;
	if (n->joining != JOINING_NOT)
		return GROUP_INIT;
	if (!health_is_operable(&n->health, n->conf, g))
		return GROUP_INOPERABLE;
	return n->in_sync ? GROUP_PRIMARY_BACKUP : GROUP_BACKUP;
}

void group_settle(struct node *n, mono_t now, unsigned g, enum reason reason, struct actions *out)
{
	if (n->group[g].state != GROUP_MASTER)
		set_state(n, now, g, rest_state(n, g), reason, out);
}

void group_released(struct node *n, mono_t now, unsigned g, enum reason reason, struct actions *out)
{
	assert(n->group[g].state == GROUP_MASTER);
	node_count(n, COUNTER_WITHDRAWALS);
	set_state(n, now, g, rest_state(n, g), reason, out);
}

void group_drop(struct node *n, mono_t now, unsigned g, enum reason reason, struct actions *out)
{
	struct group *group = &n->group[g];

	assert(group->holding);
	group_order(n, g, ROLE_DROP, out);
	if (group->state == GROUP_MASTER)
		group_released(n, now, g, reason, out);
}

void group_suspend(struct node *n, mono_t now, unsigned g, enum reason reason, struct actions *out)
{
	if (n->group[g].state == GROUP_MASTER)
		set_state(n, now, g, GROUP_INIT, reason, out);
}

void group_role_done(struct node *n, mono_t now, unsigned g, enum role role, uint32_t term,
	unsigned failed, struct actions *out)
{
	struct group *group = &n->group[g];

	if (group->orders > 0)
		group->orders--;
	n->counter[COUNTER_ROLE_ERRORS] += failed;
	if (failed > 0)
		log_err(n->env.log, "group %u: the kernel refused %u addresses or routes, term %u",
			id_of(n, g), failed, term);
	if (group->orders > 0)
		return;
	group->role_failed = role == ROLE_TAKE ? failed : 0;
	if (role == ROLE_TAKE)
		return;
	group->holding = false;
	n->beat_now = true;
	handover_released(n, now, g, out);
}

void group_resume_preemption(struct node *n, unsigned g)
{
	n->group[g].preempt_suspended = false;
}

/* Starts, ends and completes the hold-down that comes before preemption. */
static void judge_preemption(struct node *n, mono_t now, unsigned g)
{
	const struct conf_group *conf = &n->conf->group[g];
	struct group *group = &n->group[g];
	struct standing own = group_own_standing(n, g), peer = group_peer_standing(n, g);
	bool wanted = conf->preempt && !own.master && peer.known && peer.master &&
		      own.priority < peer.priority && own.eligible && own.operable && own.in_sync &&
		      !group->preempt_suspended;

	if (!wanted)
		group->preempt_at = MONO_NEVER;
	else if (mono_is_never(group->preempt_at))
		group->preempt_at = mono_after_ms(now, conf->preempt_hold_ms);
	bool preempting = wanted && mono_reached(group->preempt_at, now);

	n->beat_now |= preempting != group->preempting;
	group->preempting = preempting;
}

static enum reason reason_of_rule(const struct node *n, enum election_rule rule)
{
	static const enum reason reasons[RULE_COUNT] = {
		[RULE_MASTER_INOPERABLE] = REASON_MONITORS,
		[RULE_BOTH_INOPERABLE] = REASON_MONITORS,
		[RULE_PREEMPT] = REASON_PREEMPT,
		[RULE_RESTS] = REASON_MONITORS,
		[RULE_MANUAL] = REASON_MANUAL,
		[RULE_SITTING_MASTER] = REASON_PEER_IS_MASTER,
		[RULE_NOT_IN_SYNC] = REASON_SYNC,
		[RULE_BETTER] = REASON_ELECTED,
		[RULE_ALONE] = REASON_ALONE,
		[RULE_BOOTING] = REASON_START,
		[RULE_HELD] = REASON_ELECTED,
		[RULE_TAKE_BACK] = REASON_NOT_CONFIRMED,
		[RULE_TWO_MASTERS_OPERABLE] = REASON_TWO_MASTERS,
		[RULE_TWO_MASTERS_SERVED] = REASON_TWO_MASTERS,
		[RULE_TWO_MASTERS_TERM] = REASON_TWO_MASTERS,
		[RULE_TWO_MASTERS_PRIORITY] = REASON_TWO_MASTERS,
		[RULE_TWO_MASTERS_ID] = REASON_TWO_MASTERS,
		[RULE_TWO_MASTERS_ELIGIBLE] = REASON_TWO_MASTERS,
	};

	if (rule == RULE_PEER_LOST) /* or it is there, and no longer has the group */
		return n->peer_known ? REASON_ELECTED : n->peer_gone;
	if (rule == RULE_INELIGIBLE || rule == RULE_NOBODY_ELIGIBLE)
		return n->stopping ? REASON_STOPPING : REASON_MAINTENANCE;
	return reasons[rule];
}

/* Another master was met, and this node is the one that stays. */
static void outlast(struct node *n, unsigned g, struct actions *out)
{
	struct group *group = &n->group[g];

	if (group->term <= group->peer.term) {
		group->term = group->peer.term + 1;
		group_note_term(n, g, group->term);
		n->beat_now = true;
	}
	node_act(out, ACTION_ANNOUNCE, g);
}

/* The first verdict of a row of verdicts that two masters met. */
static void note_two_masters(struct node *n, unsigned g, enum election_rule rule, bool stays)
{
	struct group *group = &n->group[g];

	if (group->rule == rule || reason_of_rule(n, rule) != REASON_TWO_MASTERS)
		return;
	node_count(n, COUNTER_TWO_MASTERS);
	log_warn(n->env.log, "group %u: two masters met, own term %u, peer's term %u (rule %s)",
		id_of(n, g), group->term, group->peer.term, rule_label(rule));
	if (stays)
		mirror_met_master(n);
}

/* Addresses are here though the group is not master: after a pause, or adopted. True when that
 * settles the matter. */
static bool judge_holding(struct node *n, mono_t now, unsigned g, struct actions *out)
{
	struct group *group = &n->group[g];

	if (!group->holding || group->state == GROUP_MASTER || group->ordered != ROLE_TAKE)
		return false;
	if (n->joining != JOINING_NOT) {
		group_settle(n, now, g, REASON_LATE, out);
		return true;
	}
	struct standing peer = group_peer_standing(n, g);

	if ((peer.known && peer.master) || !group_is_eligible(n, g)) {
		group_drop(n, now, g, REASON_PEER_IS_MASTER, out);
		return false;
	}
	group->rule = RULE_SITTING_MASTER;
	set_state(n, now, g, GROUP_MASTER, REASON_RESUMED, out);
	group_order(n, g, ROLE_TAKE, out);
	return false;
}

static void carry_out(
	struct node *n, mono_t now, unsigned g, struct verdict verdict, struct actions *out)
{
	struct group *group = &n->group[g];
	enum reason reason = reason_of_rule(n, verdict.rule);

	switch (verdict.outcome) {
	case ELECTION_STAY:
		if (reason == REASON_TWO_MASTERS)
			outlast(n, g, out);
		group_settle(n, now, g, reason, out);
		break;
	case ELECTION_TAKE:
		group_take(n, now, g, group_next_term(n, g), verdict.rule, reason, out);
		break;
	case ELECTION_WITHDRAW:
		if (verdict.rule == RULE_NOBODY_ELIGIBLE && !n->stopping)
			log_err(n->env.log, "group %u: no master: no node is eligible",
				id_of(n, g));
		group_drop(n, now, g, reason, out);
		break;
	case ELECTION_HAND_OVER:
		if (n->stopping && mono_reached(n->stop_until, now))
			group_drop(n, now, g, reason, out);
		else if (mono_reached(group->handover.retry_at, now))
			handover_start(n, now, g, reason, false, TOKEN_NONE, out);
		break;
	}
}

/* A group that moved a moment ago stays, though there is reason to move it. */
static void rest(struct node *n, mono_t now, unsigned g, struct verdict *verdict)
{
	struct group *group = &n->group[g];
	mono_t until = flap_rests_until(&group->flap);

	if (verdict->outcome != ELECTION_HAND_OVER || !is_flap(reason_of_rule(n, verdict->rule)) ||
		mono_reached(until, now))
		return;
	if (group->rule != RULE_RESTS)
		log_info(n->env.log, "group %u: stays for %u ms more: it moved %u times (rule %s)",
			id_of(n, g), (unsigned)(mono_since_us(now, until) / 1000),
			group->flap.moves, rule_label(RULE_RESTS));
	*verdict = (struct verdict){ ELECTION_STAY, RULE_RESTS };
}

void group_judge(struct node *n, mono_t now, unsigned g, struct actions *out)
{
	struct group *group = &n->group[g];
	struct election e = {
		.own = group_own_standing(n, g),
		.peer = group_peer_standing(n, g),
		.preempt = n->conf->group[g].preempt,
		.preempt_suspended = group->preempt_suspended,
		.first = !group->decided,
		/* Also for the first beat of a peer that restarted. */
		.waiting = n->joining != JOINING_NOT || (n->links.peer_alive && !n->peer_known),
	};

	judge_preemption(n, now, g);
	if (judge_holding(n, now, g, out))
		return;
	e.own = group_own_standing(n, g);
	if (handover_is_active(n, g)) {
		if (!e.own.master || !e.peer.master)
			return;
		handover_cancel(n, now, g, RESULT_BUSY, out);
	}
	struct verdict verdict = election_decide(&e);

	rest(n, now, g, &verdict);
	note_two_masters(n, g, verdict.rule, verdict.outcome == ELECTION_STAY);
	group->rule = verdict.rule;
	carry_out(n, now, g, verdict, out);
}

mono_t group_deadline(const struct node *n, mono_t now, unsigned g)
{
	const struct group *group = &n->group[g];
	mono_t at = group->preempting ? MONO_NEVER : group->preempt_at;

	if (group->rule == RULE_RESTS && group->state == GROUP_MASTER)
		at = mono_min(at, flap_rests_until(&group->flap));
	if (group->handover.phase != HANDOVER_NONE)
		at = mono_min(at, group->handover.until);
	else if (mono_before(now, group->handover.retry_at))
		at = mono_min(at, group->handover.retry_at);
	return at;
}
