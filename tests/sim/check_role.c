/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include <string.h>

#include "core/group.h"
#include "core/mirror.h"
#include "machine.h"

enum {
	BURST_US = 1000000,  /* an announcement is repeated for so long */
	GAP_US = 1000,       /* from a release to the order of the one that takes over */
	RELEASE_US = 150000, /* a release is acted upon for so long */
	RELOAD_US = 500000,  /* what was asked for before a reload is over */
};

/* What is said of two standings by the documents: > 0 when a is the one. */
static int by(int a, int b)
{
	return (a > b) - (a < b);
}

static int better(const struct standing *a, const struct standing *b)
{
	const int order[] = {
		by(a->eligible, b->eligible),
		by(a->operable, b->operable),
		by(a->in_sync, b->in_sync),
		by(b->priority, a->priority),
		by(b->node, a->node),
	};

	for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
		if (order[i] != 0)
			return order[i];
	}
	return 0;
}

static int stays(const struct standing *a, const struct standing *b, enum election_rule *ret_rule)
{
	const struct {
		int order;
		enum election_rule rule;
	} rows[] = {
		{ by(a->eligible, b->eligible), RULE_TWO_MASTERS_ELIGIBLE },
		{ by(a->operable, b->operable), RULE_TWO_MASTERS_OPERABLE },
		{ by(a->served, b->served), RULE_TWO_MASTERS_SERVED },
		{ (a->term > b->term) - (a->term < b->term), RULE_TWO_MASTERS_TERM },
		{ by(b->priority, a->priority), RULE_TWO_MASTERS_PRIORITY },
		{ by(b->node, a->node), RULE_TWO_MASTERS_ID },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		*ret_rule = rows[i].rule;
		if (rows[i].order != 0)
			return rows[i].order;
	}
	return 0;
}

void check_record(struct world *w, unsigned m, unsigned group, const struct action_record *record)
{
	const struct node *n = w->machine[m].node;
	struct standing own = group_own_standing(n, group), peer = group_peer_standing(n, group);
	enum election_rule rule;

	if (record->reason == REASON_TWO_MASTERS && record->from == GROUP_MASTER &&
		(stays(&own, &peer, &rule) > 0 || rule != record->rule))
		world_fail(w, "7: %s withdraws from group %u by rule %s, not %s", check_name(w, m),
			group, rule_label(record->rule), rule_label(rule));
	if (record->to == GROUP_MASTER && peer.known && peer.master)
		world_fail(w, "P7.2: %s becomes master of group %u beside another, rule %s",
			check_name(w, m), group, rule_label(record->rule));
	if (record->from == GROUP_MASTER && record->rule == RULE_NOBODY_ELIGIBLE && peer.known &&
		peer.eligible)
		world_fail(w, "1b: %s withdraws from group %u, and its peer is eligible",
			check_name(w, m), group);
	/* To be master beside another makes it forgive its sessions what it does not see, and until
	 * then it is not in sync: P10.13. It was when it took the group. */
	if (n->mirror != NULL && n->mirror->complete && mirror_is_loosening(n->mirror))
		own.in_sync = true;
	if (record->to == GROUP_MASTER && record->rule == RULE_BETTER && better(&own, &peer) < 0)
		world_fail(w, "4a: %s takes group %u and is not the better node", check_name(w, m),
			group);
}

/* A step that is told by itself belongs to the mastership that began or ended last. */
void check_told(struct world *w, unsigned m, unsigned group, enum step step)
{
	bool is_master = w->machine[m].node->group[group].state == GROUP_MASTER;

	if (step == STEP_CONFIRMED ? is_master : step != STEP_SETTLED || !is_master)
		world_fail(w, "%s says `%s` of group %u, and is%s master", check_name(w, m),
			step_text(step), group, is_master ? "" : " not");
}

static bool is_planned(enum election_rule rule)
{
	return rule == RULE_MANUAL || rule == RULE_PREEMPT || rule == RULE_MASTER_INOPERABLE ||
	       rule == RULE_INELIGIBLE || rule == RULE_ROBBED;
}

/* P8.1: how old the release may be that it takes over by. */
static void check_release(struct world *w, unsigned m, unsigned group)
{
	const struct machine *machine = &w->machine[m];
	uint64_t limit = node_detection_us(machine->node) * 3 / 4;
	uint64_t age = machine_clock(machine, w->now).us - w->check.echo;

	if (age > (limit < RELEASE_US ? limit : RELEASE_US))
		world_fail(w, "P8.1: %s takes group %u by a release that may be %llu us old",
			check_name(w, m), group, (unsigned long long)age);
}

/* Nobody was heard since the engine started: it waits for the boot wait from the first carrier. */
static void check_boot_wait(struct world *w, unsigned m, unsigned group)
{
	const struct check_machine *c = &w->check.of[m];
	const struct conf *conf = w->machine[m].conf;
	uint64_t us = conf->boot_wait_max_ms * UINT64_C(1000);

	if (c->adopted != 0 || !mono_is_never(w->machine[m].node->links.peer_until))
		return;
	if (c->carrier_at != 0 &&
		c->carrier_at - c->engine_since + conf->boot_wait_ms * UINT64_C(1000) < us)
		us = c->carrier_at - c->engine_since + conf->boot_wait_ms * UINT64_C(1000);
	if (w->now < c->engine_since + us - us / CHECK_CLOCKS)
		world_fail(w, "4e: %s takes group %u %llu us after its start", check_name(w, m),
			group, (unsigned long long)(w->now - c->engine_since));
}

void check_hold_down(struct world *w, unsigned m, unsigned group)
{
	struct check_machine *c = &w->check.of[m];
	uint64_t hold = w->machine[m].conf->group[group].preempt_hold_ms * UINT64_C(1000);

	if (c->group[group].fit_since == 0 || c->group[group].unfit_at != 0 ||
		w->now < c->group[group].fit_since + hold - hold / CHECK_CLOCKS)
		world_fail(w, "2c: %s accepts to preempt group %u before its hold-down is over",
			check_name(w, m), group);
	c->group[group].preempts_by = w->machine[m].node->group[group].handover.term;
}

/* The hold-down was over when it accepted. What comes of that word, given by an engine before this
 * one perhaps, comes by the release. */
static void check_preemption(struct world *w, unsigned m, unsigned group, uint32_t term)
{
	const struct check_machine *c = &w->check.of[m];
	const struct conf_group *conf = &w->machine[m].conf->group[group];
	const struct peer_record *peer = &w->machine[m].node->group[group].peer;

	if (term != c->group[group].preempts_by)
		world_fail(w, "2c: %s preempts group %u and did not accept to", check_name(w, m),
			group);
	if (!conf->preempt || (conf->priority[m] >= peer->priority && check_calm_us(w) > RELOAD_US))
		world_fail(
			w, "2c: %s preempts group %u without a right to", check_name(w, m), group);
	if (c->group[group].suspended || w->check.of[1 - m].group[group].suspended)
		world_fail(w, "2c: %s preempts group %u after a manual failover", check_name(w, m),
			group);
}

/* The old master released, and on the best of paths: the new one takes over at once. */
static void check_gap(struct world *w, unsigned m, unsigned group, enum election_rule rule)
{
	struct check *c = &w->check;
	uint64_t released_at = c->released_at[group];

	c->released_at[group] = 0;
	for (unsigned i = 0; i < 2; i++) {
		if (c->of[i].stopped_at != 0 || c->of[i].woke_at >= released_at)
			return;
	}
	if (released_at == 0 || check_is_flooded(w) || c->calm_at > released_at ||
		w->now < released_at + GAP_US || !check_is_eligible(w, 1 - m, group))
		return;
	for (unsigned p = 0; p < w->machine[m].conf->n_links; p++) {
		if (check_path_ok_us(w, p) > check_settle_us(w) + w->now - released_at &&
			check_beats_on_time(w, m) && check_beats_on_time(w, 1 - m))
			world_fail(w, "8: %s takes group %u %llu us after its release, rule %s",
				check_name(w, m), group, (unsigned long long)(w->now - released_at),
				rule_label(rule));
	}
}

/* When nothing is wrong, groups move by preemption, and by hand-overs that were refused at first.
 */
static bool moves_when_calm(enum election_rule rule)
{
	return rule == RULE_PREEMPT || rule == RULE_MASTER_INOPERABLE || rule == RULE_INELIGIBLE;
}

static void check_take(
	struct world *w, unsigned m, unsigned group, uint32_t term, enum election_rule rule)
{
	struct machine *own = &w->machine[m];
	const struct machine *peer = &w->machine[1 - m];
	const struct group *it = &own->node->group[group];
	uint64_t calm = own->conf->boot_wait_max_ms * UINT64_C(1000) + check_settle_us(w) + 1000000;

	if (is_planned(rule) && peer->held[group] && peer->powered)
		world_fail(w, "P8.1: %s takes group %u over while %s still holds it",
			check_name(w, m), group, check_name(w, 1 - m));
	if (rule != RULE_SITTING_MASTER &&
		(term <= own->term_seen[group] || (it->peer.known && term <= it->peer.term)))
		world_fail(w, "P7.1: %s takes group %u with term %u after terms %u and %u",
			check_name(w, m), group, term, own->term_seen[group], it->peer.term);
	if (is_planned(rule))
		check_release(w, m, group);
	if (rule == RULE_SITTING_MASTER && w->check.of[m].group[group].lease_lost)
		world_fail(w, "%s resumes group %u, whose lease was lost", check_name(w, m), group);
	if (rule != RULE_SITTING_MASTER && it->served)
		world_fail(w, "%s takes group %u and served before", check_name(w, m), group);
	/* What the operator asks comes behind it in the same beat. */
	if (!check_is_eligible(w, m, group) && !w->check.of[m].group[group].was_eligible)
		world_fail(w, "1a: %s takes group %u and is ineligible", check_name(w, m), group);
	if (rule == RULE_BETTER && it->peer.known &&
		(it->peer.state == GROUP_MASTER || it->peer.flags & WIRE_GROUP_HOLDING))
		world_fail(w, "P7.2: %s takes group %u from a live peer", check_name(w, m), group);
	if (check_calm_us(w) > calm && !moves_when_calm(rule))
		world_fail(w, "group %u moves to %s by rule %s though nothing happened", group,
			check_name(w, m), rule_label(rule));
	if (rule == RULE_PREEMPT)
		check_preemption(w, m, group, term);
	check_boot_wait(w, m, group);
	check_gap(w, m, group, rule);
	own->term_seen[group] = term;
	w->check.of[m].group[group].fit_since = 0;
	if (rule == RULE_MANUAL) {
		for (unsigned i = 0; i < 2; i++)
			w->check.of[i].group[group].suspended = true;
	}
}

void check_role(struct world *w, unsigned m, unsigned group, enum role role, uint32_t term,
	enum election_rule rule)
{
	if (role == ROLE_TAKE) {
		w->check.takes[group]++;
		check_take(w, m, group, term, rule);
		check_announced(w, m, group);
		w->check.of[m].group[group].lease_lost = false;
	}
	w->check.of[m].group[group].dropping = role != ROLE_TAKE;
}

void check_announced(struct world *w, unsigned m, unsigned group)
{
	w->check.of[m].group[group].announced_at = w->now;
}

void check_kernel_acted(
	struct world *w, unsigned m, unsigned group, enum guard_action_type type, bool ordered)
{
	struct check *c = &w->check;
	const struct machine *peer = &w->machine[1 - m];
	uint64_t *lingers_since = &c->of[m].group[group].lingers_since;

	if (type == GUARD_REMOVE_LINGER) {
		c->released_at[group] = w->now;
		*lingers_since = w->now;
	} else if (type == GUARD_REMOVE_REST) {
		if (*lingers_since > c->of[m].woke_at &&
			!check_was_slow(w, 4 * GUARD_LINGER_MS * UINT64_C(1000)) &&
			w->now < *lingers_since + GUARD_LINGER_MS * 950)
			world_fail(w, "%s stops forwarding for group %u after %llu us",
				check_name(w, m), group,
				(unsigned long long)(w->now - *lingers_since));
		*lingers_since = 0;
	} else if (type == GUARD_ADD || type == GUARD_REMOVE) {
		*lingers_since = 0;
	}
	if (type == GUARD_REMOVE && ordered && peer->held[group] && machine_runs(peer))
		c->of[1 - m].group[group].must_announce_at = w->now;
}

void check_contact(struct world *w, unsigned m, uint64_t sent_at)
{
	for (unsigned g = 0; g < w->machine[m].conf->n_groups; g++) {
		uint64_t *contact = &w->check.contact[m][g];
		uint64_t both = w->check.both_since[g], calm = w->check.calm_at;
		uint64_t *must_at = &w->check.of[m].group[g].must_announce_at;

		if (both != 0 && sent_at > both && sent_at > calm && *contact <= calm)
			*contact = w->now;
		/* It may have to forgive first. */
		if (*must_at == 0 || sent_at <= *must_at ||
			!mono_is_never(w->machine[m].node->group[g].announce_by))
			continue;
		if (w->machine[m].node->group[g].state == GROUP_MASTER &&
			w->check.of[m].group[g].announced_at + BURST_US < *must_at)
			world_fail(w, "%s does not announce group %u, which its peer had too",
				check_name(w, m), g);
		*must_at = 0;
	}
}
