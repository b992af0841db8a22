/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A group's verdict: what the election says of the facts, and what becomes of it. */
#include "group.h"

#include "election.h"
#include "handover.h"
#include "mirror.h"

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
static void outlast(struct node *n, mono_t now, unsigned g)
{
	struct group *group = &n->group[g];

	if (group->term <= group->peer.term) {
		group->term = group->peer.term + 1;
		group_note_term(n, g, group->term);
		n->beat_now = n->will.due = true;
	}
	group_announce(n, now, g);
}

/* Since this node is master and does not hear the other. */
static uint32_t two_masters_ms(const struct node *n, mono_t now, unsigned g)
{
	uint64_t ms = mono_since_us(mono_max(n->group[g].since, n->forgotten_at), now) / 1000;

	return ms < 1 ? 1 : ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

void group_met_master(struct node *n, mono_t now, unsigned g, bool stays, struct actions *out)
{
	struct group *group = &n->group[g];

	group->two_masters_ms = two_masters_ms(n, now, g);
	node_count(n, COUNTER_TWO_MASTERS);
	log_warn(n->env.log,
		"group %u: two masters met, own term %u, peer's term %u (rule %s), for %u ms at "
		"most",
		n->conf->group[g].id, group->term, group->peer.term, rule_label(group->rule),
		group->two_masters_ms);
	if (!stays)
		return;
	mirror_met_master(n);
	group_record(n, now, g, group->state, REASON_TWO_MASTERS, out);
}

/* Of a row of verdicts that two masters met the first counts, until the other gave way: by its own
 * higher term the one that stays would do so for another reason. */
static void note_rule(
	struct node *n, mono_t now, unsigned g, struct verdict verdict, struct actions *out)
{
	struct group *group = &n->group[g];
	bool meets = reason_of_rule(n, verdict.rule) == REASON_TWO_MASTERS;
	bool met = reason_of_rule(n, group->rule) == REASON_TWO_MASTERS;

	if (meets && met && verdict.outcome == ELECTION_STAY)
		return;
	group->rule = verdict.rule;
	if (meets && !met)
		group_met_master(n, now, g, verdict.outcome == ELECTION_STAY, out);
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
	group_resume(n, now, g, out);
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
			outlast(n, now, g);
		group_settle(n, now, g, reason, out);
		break;
	case ELECTION_TAKE:
		group_take(n, now, g, group_next_term(n, g), verdict.rule, reason, out);
		break;
	case ELECTION_WITHDRAW:
		if (verdict.rule == RULE_NOBODY_ELIGIBLE && !n->stopping)
			log_err(n->env.log, "group %u: no master: no node is eligible",
				n->conf->group[g].id);
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

struct election group_election(const struct node *n, unsigned g)
{
	const struct group *group = &n->group[g];

	return (struct election){
		.own = group_own_standing(n, g),
		.peer = group_peer_standing(n, g),
		.preempt = n->conf->group[g].preempt,
		.preempt_suspended = group->preempt_suspended,
		.first = !group->decided,
		/* Also for the first beat of a peer that restarted. */
		.waiting = n->joining != JOINING_NOT || (n->links.peer_alive && !n->peer_known),
	};
}

/* A group that moved a moment ago stays, though there is reason to move it. */
struct verdict group_verdict(
	const struct node *n, mono_t now, unsigned g, const struct election *election)
{
	struct verdict verdict = election_decide(election);

	if (verdict.outcome != ELECTION_HAND_OVER ||
		!group_may_flap(reason_of_rule(n, verdict.rule)) ||
		mono_reached(flap_rests_until(&n->group[g].flap), now))
		return verdict;
	return (struct verdict){ ELECTION_STAY, RULE_RESTS };
}

static void note_rest(const struct node *n, mono_t now, unsigned g, struct verdict verdict)
{
	const struct group *group = &n->group[g];
	mono_t until = flap_rests_until(&group->flap);

	if (verdict.rule == RULE_RESTS && group->rule != RULE_RESTS)
		log_info(n->env.log, "group %u: stays for %u ms more: it moved %u times (rule %s)",
			n->conf->group[g].id, (unsigned)(mono_since_us(now, until) / 1000),
			group->flap.moves, rule_label(RULE_RESTS));
}

void group_judge(struct node *n, mono_t now, unsigned g, struct actions *out)
{
	judge_preemption(n, now, g);
	if (judge_holding(n, now, g, out))
		return;
	struct election e = group_election(n, g);

	if (handover_is_active(n, g)) {
		if (!e.own.master || !e.peer.master)
			return;
		handover_cancel(n, now, g, RESULT_BUSY, out);
	}
	struct verdict verdict = group_verdict(n, now, g, &e);

	note_rest(n, now, g, verdict);
	note_rule(n, now, g, verdict, out);
	carry_out(n, now, g, verdict, out);
}

mono_t group_deadline(const struct node *n, mono_t now, unsigned g)
{
	const struct group *group = &n->group[g];
	mono_t at = group->preempting ? MONO_NEVER : group->preempt_at;

	at = mono_min(at, group->announce_by);
	if (group->rule == RULE_RESTS && group->state == GROUP_MASTER)
		at = mono_min(at, flap_rests_until(&group->flap));
	if (group->handover.phase != HANDOVER_NONE)
		at = mono_min(at, group->handover.until);
	else if (mono_before(now, group->handover.retry_at))
		at = mono_min(at, group->handover.retry_at);
	return at;
}
