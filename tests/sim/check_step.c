/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include <string.h>

#include "core/group.h"
#include "machine.h"

enum { RETRY_US = 1000000 };

bool check_operable(const struct world *w, unsigned m, unsigned group)
{
	const struct conf *conf = w->machine[m].conf;
	unsigned weight = 0;

	for (unsigned i = 0; i < conf->n_monitors; i++) {
		const struct conf_monitor *monitor = &conf->monitor[i];

		if (monitor->all_groups || monitor->group == group)
			weight += w->check.of[m].failed[i] ? monitor->weight : 0;
	}
	return weight < conf->group[group].threshold;
}

bool check_is_eligible(const struct world *w, unsigned m, unsigned group)
{
	return !w->machine[m].node->group[group].maintenance && !w->check.of[m].stopping;
}

static void note_event(struct world *w, unsigned m, const struct event *event)
{
	struct check_machine *c = &w->check.of[m];

	switch (event->type) {
	case EVENT_TIMER:
	case EVENT_FRAME:
	case EVENT_SERVED:
	case EVENT_OBJECTS:
	case EVENT_DUMPED:
	case EVENT_LOST:
	case EVENT_REFUSED:
	case EVENT_RESYNC:
	case EVENT_AUDIT:
	case EVENT_LOOKED:
	case EVENT_CLAIMED:
	case EVENT_DOCUMENT:
	case EVENT_ROLE_DONE: return;
	case EVENT_MONITOR: c->failed[event->monitor.monitor] = !event->monitor.ok; break;
	case EVENT_SYNC: c->in_sync = event->sync.in_sync; break;
	case EVENT_STOP: c->stopping = true; break;
	case EVENT_CARRIER:
		if (c->carrier_at == 0 && event->carrier.up)
			c->carrier_at = w->now;
		break;
	case EVENT_LEASE_LOST:
	case EVENT_TAKEN_AWAY:
	case EVENT_COMMAND: break;
	}
	w->check.calm_at = w->now; /* it came from outside */
}

/* Time enough for anything to settle that beats bring about. */
uint64_t check_settle_us(const struct world *w)
{
	return check_detection_us(w) + 3 * check_heartbeat_us(w);
}

/* Machine m has sent its beats, as far as its peer can tell. */
bool check_beats_on_time(const struct world *w, unsigned m)
{
	const struct machine *machine = &w->machine[m];
	const struct check_machine *c = &w->check.of[m];

	return machine->powered && machine->engine &&
	       w->now - c->on_time_since > check_settle_us(w) &&
	       (c->stopped_at == 0 || check_is_short(w, w->now - c->stopped_at));
}

/* Secondary paths carry every beat when the links are silent, two heartbeats later. */
static bool beat_came_by(const struct world *w, unsigned m, unsigned path)
{
	const struct check_machine *c = &w->check.of[m];

	if (check_path_ok_us(w, path) < check_settle_us(w))
		return false;
	if (path < w->machine[m].conf->n_links)
		return true;
	for (unsigned i = 0; i < 2; i++) {
		if (w->machine[i].node->links.path[path].state != PATH_ALIVE)
			return false;
	}
	return c->stopped_at == 0 && w->now - c->woke_at > check_settle_us(w);
}

/* Many forged frames keep the genuine ones out. */
bool check_is_flooded(const struct world *w)
{
	return w->check.flood_at != 0 && w->now < w->check.flood_at + check_settle_us(w);
}

/* A peer whose every beat came through, by one path at least, is never lost: not by stalls of
 * this node below the detection time either. */
static void check_lost(struct world *w, unsigned m)
{
	const struct check *c = &w->check;
	if (check_is_flooded(w) || !check_beats_on_time(w, 1 - m) ||
		w->now - c->of[m].awake_since < check_settle_us(w))
		return;
	for (unsigned p = 0; p < WORLD_PATHS_MAX; p++) {
		if (beat_came_by(w, 1 - m, p))
			world_fail(w, "%s loses its peer, whose beats came by path %u",
				check_name(w, m), p);
	}
}

/* P6.4: what this node was late by, it allows its peer. A timer was due a heartbeat after it
 * stopped, at the latest, and an eighth more where it falls in step. */
static void check_discount(struct world *w, unsigned m)
{
	const struct check_machine *c = &w->check.of[m];
	uint64_t until = c->fresh_at + check_detection_us(w) + c->late_us;

	/* P6.6 may have shortened the detection time. */
	bool suspected = w->machine[m].node->counter[COUNTER_SUSPICIONS] != c->suspicions;

	if (!suspected && c->woke_at > c->fresh_at && c->late_us < check_detection_us(w) &&
		c->late_us > check_heartbeat_us(w) * 6 / 5 + 1000 &&
		w->now + check_heartbeat_us(w) * 9 / 8 + check_detection_us(w) / CHECK_CLOCKS + 10 <
			until)
		world_fail(w, "P6.4: %s ran %llu us late and does not allow its peer for it",
			check_name(w, m), (unsigned long long)c->late_us);
}

static void note_will(struct world *w, unsigned m, enum counter counter, struct check_will *will)
{
	const struct node *n = w->machine[m].node;

	if (n->counter[counter] == will->n)
		return;
	*will = (struct check_will){
		.n = n->counter[counter],
		.at = w->now,
		.handshakes = n->counter[COUNTER_HANDSHAKES],
		.late = n->counter[COUNTER_LATE_DETECTION],
	};
}

/* P6.7 and P6.8, while the peer has not started again. */
static void check_wills(struct world *w, unsigned m, bool lost)
{
	const struct check_machine *c = &w->check.of[m];
	const struct node *n = w->machine[m].node;
	uint64_t hold_us = LINKSET_HOLD_MS * UINT64_C(1000);
	bool restarted = n->counter[COUNTER_HANDSHAKES] != c->hold.handshakes;
	bool listens = n->counter[COUNTER_LATE_DETECTION] != c->hold.late;

	if (lost && c->hold.n > 0 && !restarted && !listens && c->parting.at <= c->hold.at &&
		w->now + hold_us / CHECK_CLOCKS < c->hold.at + hold_us)
		world_fail(w, "P6.7: %s loses its peer though it is held alive", check_name(w, m));
	if (c->parting.n > 0 && n->links.peer_alive &&
		n->counter[COUNTER_HANDSHAKES] == c->parting.handshakes)
		world_fail(w, "P6.8: %s hears a peer that gave everything up", check_name(w, m));
}

static void check_peer(struct world *w, unsigned m, enum event_type type)
{
	struct check_machine *c = &w->check.of[m];
	const struct node *n = w->machine[m].node;
	uint64_t detection = check_detection_us(w);
	uint64_t hold_us = c->hold.n > 0 ? LINKSET_HOLD_MS * UINT64_C(1000) : 0;

	note_will(w, m, COUNTER_HOLDS_HEARD, &c->hold);
	note_will(w, m, COUNTER_PARTINGS_HEARD, &c->parting);
	check_wills(w, m, n->counter[COUNTER_PEER_LOST] != c->lost);

	if (n->counter[COUNTER_PEER_LOST] != c->lost) {
		c->lost = n->counter[COUNTER_PEER_LOST];
		for (unsigned g = 0; g < n->conf->n_groups; g++)
			c->group[g].suspended = false;
		check_lost(w, m);
		check_discount(w, m);
	}
	if (type == EVENT_TIMER && n->links.peer_alive &&
		w->now > c->fresh_at + detection + detection / CHECK_CLOCKS + 100 &&
		w->now > c->hold.at + hold_us + hold_us / CHECK_CLOCKS + 100 &&
		w->now > c->woke_at + 3 * detection)
		world_fail(w, "P6.2: %s has not heard its peer for %llu us", check_name(w, m),
			(unsigned long long)(w->now - c->fresh_at));
	if (n->handshake.offer != c->offer) {
		c->offer = n->handshake.offer;
		c->offer_at = w->now;
	}
}

static void note_fitness(struct world *w, unsigned m, unsigned g)
{
	struct check_machine *c = &w->check.of[m];
	bool fit = c->in_sync && check_operable(w, m, g) && check_is_eligible(w, m, g);

	if (fit && (c->group[g].fit_since == 0 || c->group[g].unfit_at != 0))
		c->group[g].fit_since = w->now;
	if (fit)
		c->group[g].unfit_at = 0;
	else if (c->group[g].unfit_at == 0)
		c->group[g].unfit_at = w->now;
}

/* A request of the peer's counts once, however many beats carry it. */
static void check_request(struct world *w, unsigned m)
{
	struct check_machine *c = &w->check.of[m];
	const struct node *n = w->machine[m].node;

	if (n->counter[COUNTER_REQUESTS] == c->request.n)
		return;
	if (n->counter[COUNTER_REQUESTS] != c->request.n + 1 ||
		(c->request.engine == w->check.sender + 1 && c->request.id == n->request.in.id))
		world_fail(w, "%s carries out a request of its peer twice", check_name(w, m));
	c->request.n = n->counter[COUNTER_REQUESTS];
	c->request.engine = w->check.sender + 1;
	c->request.id = n->request.in.id;
}

/* Maintenance as it was before this step: what a beat asks for comes behind what it tells. */
static void check_accepted(struct world *w, unsigned m, unsigned g)
{
	const struct check_machine *c = &w->check.of[m];
	const struct group *group = &w->machine[m].node->group[g];
	enum reason reason = group->handover.reason;
	bool forced = (group->peer.flags & WIRE_GROUP_FORCED) || reason == REASON_MAINTENANCE ||
		      reason == REASON_STOPPING;

	if (c->group[g].maintenance || c->stopping)
		world_fail(w, "8: %s accepts group %u and is ineligible", check_name(w, m), g);
	if (!forced && (!check_operable(w, m, g) || (!c->in_sync && reason != REASON_MONITORS)))
		world_fail(w, "8: %s accepts group %u and is not fit", check_name(w, m), g);
	if (reason == REASON_PREEMPT)
		check_hold_down(w, m, g);
}

/* Who was refused does not ask again at once, but for the operator. */
static void check_asked(struct world *w, unsigned m, unsigned g)
{
	uint64_t refused_at = w->check.of[m].group[g].refused_at;
	enum reason reason = w->machine[m].node->group[g].handover.reason;

	if (reason != REASON_MANUAL && reason != REASON_TAKEN_AWAY && refused_at != 0 &&
		w->now < refused_at + RETRY_US - RETRY_US / CHECK_CLOCKS)
		world_fail(w, "8: %s asks again to hand group %u over", check_name(w, m), g);
}

/* What a node says of itself is true of its kernel; what it agrees to it can keep. */
static void check_handover(struct world *w, unsigned m, unsigned g, const struct event *event)
{
	const struct machine *machine = &w->machine[m];
	const struct group *group = &machine->node->group[g];
	unsigned *phase = &w->check.of[m].group[g].phase;

	/* Another question. What was answered once may be acted upon, whatever is said after it. */
	if (group->handover.phase != *phase &&
		(group->handover.phase == HANDOVER_RESERVED ||
			group->handover.phase == HANDOVER_REFUSING) &&
		group->handover.term != w->check.of[m].group[g].preempts_by)
		w->check.of[m].group[g].preempts_by = 0;
	if (group->handover.phase == HANDOVER_RELEASED && machine->held[g])
		world_fail(w, "P8.1: %s says that it released group %u, and holds it",
			check_name(w, m), g);
	if (group->handover.phase == HANDOVER_RESERVED && *phase != HANDOVER_RESERVED)
		check_accepted(w, m, g);
	if (group->handover.phase == HANDOVER_ASKING && *phase != HANDOVER_ASKING)
		check_asked(w, m, g);
	if (group->handover.phase == HANDOVER_NONE && *phase == HANDOVER_ASKING &&
		group->state == GROUP_MASTER)
		w->check.of[m].group[g].refused_at = w->now;
	if (*phase == HANDOVER_RECLAIMING && group->handover.phase == HANDOVER_NONE &&
		event->type == EVENT_TIMER && machine->node->joining == JOINING_NOT &&
		group->state != GROUP_MASTER && check_is_eligible(w, m, g) &&
		!(group->peer.known && group->peer.state == GROUP_MASTER))
		world_fail(w, "P8.2: %s does not take group %u back", check_name(w, m), g);
	if (group->rule == RULE_HELD && group->peer.known && group->peer.state == GROUP_MASTER &&
		group->handover.phase == HANDOVER_NONE && !group->holding)
		world_fail(w, "4f: %s waits for the master of group %u", check_name(w, m), g);
	*phase = group->handover.phase;
}

static void check_dropping(struct world *w, unsigned m, unsigned g, const struct event *event)
{
	bool *dropping = &w->check.of[m].group[g].dropping;

	if (event->type == EVENT_ROLE_DONE && event->role_done.group == g)
		*dropping = false;
	if (event->type == EVENT_LEASE_LOST && event->lease_lost.group == g) {
		*dropping = false;
		w->check.of[m].group[g].lease_lost = true;
	}
	if (*dropping && !w->machine[m].node->group[g].holding)
		world_fail(w,
			"P7.2: %s says that it holds group %u no more, and it is being removed",
			check_name(w, m), g);
}

/* It was late by the detection time: it claims nothing before it has heard or waited. */
static void check_late(struct world *w, unsigned m, unsigned g)
{
	struct check_machine *c = &w->check.of[m];
	const struct node *n = w->machine[m].node;

	if (n->links.peer_alive)
		c->listens_until = 0;
	if (w->now < c->listens_until && n->group[g].state == GROUP_MASTER)
		world_fail(w, "P6.4: %s woke late and is master of group %u", check_name(w, m), g);
}

/* Without force the last eligible node does not leave. `before`: it was in maintenance. */
static void check_maintenance(struct world *w, unsigned m, unsigned g, const struct event *event)
{
	const struct group *group = &w->machine[m].node->group[g];
	struct standing peer = group_peer_standing(w->machine[m].node, g);
	bool *before = &w->check.of[m].group[g].maintenance;

	if (event->type == EVENT_COMMAND && !event->command.force && group->maintenance &&
		!*before && (!peer.known || !peer.eligible))
		world_fail(
			w, "%s, the last eligible node of group %u, leaves", check_name(w, m), g);
	*before = group->maintenance;
}

static void check_group(struct world *w, unsigned m, unsigned g, const struct event *event)
{
	struct check_machine *c = &w->check.of[m];
	const struct group *group = &w->machine[m].node->group[g];

	c->group[g].was_eligible = c->group[g].eligible;
	c->group[g].eligible = check_is_eligible(w, m, g);
	if (group->state != GROUP_MASTER)
		note_fitness(w, m, g);
	if (event->type == EVENT_SERVED && event->served.group == g &&
		c->group[g].state == GROUP_MASTER && group->state == GROUP_MASTER && !group->served)
		world_fail(w, "%s does not see that group %u serves", check_name(w, m), g);
	c->group[g].state = group->state;
	if (event->type == EVENT_MONITOR &&
		group_own_standing(w->machine[m].node, g).operable != check_operable(w, m, g))
		world_fail(w, "%s misjudges the monitors of group %u", check_name(w, m), g);
	check_handover(w, m, g, event);
	check_dropping(w, m, g, event);
	check_late(w, m, g);
	check_maintenance(w, m, g, event);
}

void check_step(struct world *w, unsigned m, const struct event *event)
{
	note_event(w, m, event);
	check_peer(w, m, event->type);
	check_request(w, m);
	if (w->machine[m].toy.reuses)
		world_fail(w, "2: %s seals two frames with one nonce", check_name(w, m));
	for (unsigned g = 0; g < w->machine[m].conf->n_groups; g++)
		check_group(w, m, g, event);
}
