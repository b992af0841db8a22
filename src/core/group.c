/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "group.h"

#include <assert.h>
#include <string.h>

#include "handover.h"
#include "mirror.h"

enum { ANNOUNCE_WAIT_MS = 500 }; /* for what another master forwarded to be taken here */

static unsigned id_of(const struct node *n, unsigned g)
{
	return n->conf->group[g].id;
}

bool group_may_flap(enum reason reason)
{
	return reason == REASON_MONITORS || reason == REASON_PREEMPT;
}

/* The only assigner of a group's state. */
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
	n->will.due |= from == GROUP_MASTER || to == GROUP_MASTER;
	if (to == GROUP_MASTER && group_may_flap(reason))
		flap_moved(&group->flap, now);
	n->beat_now = true;
	const struct log_change change = {
		.node = n->conf->node[n->conf->self],
		.group = id_of(n, g),
		.term = group->term,
		.from = group_state_name(from),
		.to = group_state_name(to),
		.rule = rule_label(group->rule),
		.reason = reason_text(reason),
	};

	log_about(n->env.log, &change);
	log_info(n->env.log, "group %u: %s -> %s, %s (rule %s, term %u)", change.group, change.from,
		change.to, change.reason, change.rule, change.term);
	group_record(n, now, g, from, reason, out);
}

/* When any frame of the peer came; MONO_NEVER: none did. */
static mono_t peer_heard_at(const struct node *n)
{
	mono_t at = { 0 };

	for (unsigned i = 0; i < n->conf->n_paths; i++) {
		if (!mono_is_never(n->links.path[i].heard_at))
			at = mono_max(at, n->links.path[i].heard_at);
	}
	return at.us == 0 ? MONO_NEVER : at;
}

static void add_step(struct action_record *record, enum step step, mono_t at)
{
	uint64_t ago = mono_since_us(at, record->at);

	record->steps |= 1u << step;
	record->step_us[step] = ago < UINT32_MAX ? (uint32_t)ago : UINT32_MAX;
}

/* What led to a mastership, or to its end. */
static void add_steps(const struct node *n, unsigned g, struct action_record *record)
{
	const struct handover *h = &n->group[g].handover;
	mono_t heard_at = peer_heard_at(n);

	if ((record->reason == REASON_PEER_LOST || record->reason == REASON_PEER_PARTED) &&
		record->to == GROUP_MASTER && !mono_is_never(heard_at))
		add_step(record, STEP_HEARD, heard_at);
	for (unsigned i = 0; i < STEP_COUNT; i++) {
		if (h->steps >> i & 1)
			add_step(record, (enum step)i, h->step_at[i]);
	}
}

/* The one that weighs most of those that failed at this node, or at the peer. */
static int failed_monitor(const struct node *n, unsigned g, bool at_peer)
{
	int found = -1;
	unsigned most = 0;

	for (unsigned i = 0; i < n->conf->n_monitors; i++) {
		const struct conf_monitor *m = &n->conf->monitor[i];
		const struct monitor_view *peer = &n->vigil.peer[i];
		bool failed = at_peer ? peer->known && !peer->ok : n->health.failed[i];
		unsigned weight = at_peer ? peer->weight : m->weight;

		if (failed && weight > most && (m->all_groups || m->group == g)) {
			found = (int)i;
			most = weight;
		}
	}
	return found;
}

void group_record(struct node *n, mono_t now, unsigned g, enum group_state from, enum reason reason,
	struct actions *out)
{
	const struct group *group = &n->group[g];
	struct action_record *record = &node_act(out, ACTION_RECORD, g)->record;

	*record = (struct action_record){
		.from = from,
		.to = group->state,
		.rule = group->rule,
		.reason = reason,
		.term = group->term,
		.two_masters_ms = reason == REASON_TWO_MASTERS ? group->two_masters_ms : 0,
		.monitor = reason == REASON_MONITORS
				   ? failed_monitor(n, g, group->state == GROUP_MASTER)
				   : -1,
		.at = now,
	};
	if (from != group->state && (from == GROUP_MASTER || group->state == GROUP_MASTER))
		add_steps(n, g, record);
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
	group->settling = true;
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
	group->preempt_at = group->announce_by = MONO_NEVER;
	group->clash_at = group->clash_told_at = MONO_NEVER;
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

/* Why a node that is not master moves on: its own part in it, if any, else what the verdict says.
 */
static enum reason reason_to_settle(
	const struct node *n, enum group_state from, enum group_state to, enum reason of_verdict)
{
	if (from == GROUP_INELIGIBLE || to == GROUP_INELIGIBLE)
		return n->stopping ? REASON_STOPPING : REASON_MAINTENANCE;
	if (to == GROUP_INIT)
		return of_verdict;
	if (from == GROUP_INOPERABLE || to == GROUP_INOPERABLE)
		return REASON_MONITORS;
	return from == GROUP_INIT ? of_verdict : REASON_SYNC;
}

void group_settle(struct node *n, mono_t now, unsigned g, enum reason reason, struct actions *out)
{
	enum group_state from = n->group[g].state, to = rest_state(n, g);

	if (from != GROUP_MASTER)
		set_state(n, now, g, to, reason_to_settle(n, from, to, reason), out);
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

void group_resume(struct node *n, mono_t now, unsigned g, struct actions *out)
{
	n->group[g].rule = RULE_SITTING_MASTER;
	set_state(n, now, g, GROUP_MASTER, REASON_RESUMED, out);
	group_order(n, g, ROLE_TAKE, out);
}

void group_announce(struct node *n, mono_t now, unsigned g)
{
	if (mono_is_never(n->group[g].announce_by))
		n->group[g].announce_by = mono_after_ms(now, ANNOUNCE_WAIT_MS);
}

void group_settle_announcement(struct node *n, mono_t now, unsigned g, struct actions *out)
{
	struct group *group = &n->group[g];
	bool is_master = group->state == GROUP_MASTER;

	if (mono_is_never(group->announce_by) ||
		(is_master && mirror_is_to_forgive(n) && !mono_reached(group->announce_by, now)))
		return;
	group->announce_by = MONO_NEVER;
	if (is_master)
		node_act(out, ACTION_ANNOUNCE, g);
}

void group_tell_settled(struct node *n, unsigned g, struct actions *out)
{
	struct group *group = &n->group[g];

	group->settling &= group->state == GROUP_MASTER;
	if (!group->settling || group->orders > 0 || !mirror_is_settled(n))
		return;
	group->settling = false;
	node_act(out, ACTION_STEP, g)->step = STEP_SETTLED;
}

void group_resume_preemption(struct node *n, unsigned g)
{
	n->group[g].preempt_suspended = false;
}
