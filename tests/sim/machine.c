/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * machine: one machine of the world: guardian, engine and kernel, and what happens to them.
 */
#include "world.h"

#include <assert.h>
#include <string.h>

#include "check.h"
#include "core/state.h"
#include "stats.h"

mono_t machine_clock(const struct machine *m, uint64_t at)
{
	return (mono_t){ m->offset + (uint64_t)((double)at * m->rate) };
}

/* When, in the world's time, a machine's clock reads `local`. */
static uint64_t world_time(const struct machine *m, mono_t local)
{
	if (mono_is_never(local))
		return UINT64_MAX;
	if (local.us <= m->offset)
		return 0;
	uint64_t at = (uint64_t)((double)(local.us - m->offset) / m->rate);

	while (machine_clock(m, at).us < local.us)
		at++;
	return at;
}

bool machine_runs(const struct machine *m)
{
	return m->powered && m->engine && m->paused_until == 0;
}

static void kernel_later(struct world *w, struct machine *m, const struct guard_action *a)
{
	uint64_t at = w->now + 20 + rng_below(&w->rng, w->kernel_delay_max);

	m->kernel_free_at = at > m->kernel_free_at ? at : m->kernel_free_at + 1;
	struct item item = world_item(w, m->kernel_free_at, ITEM_KERNEL, m->id);

	item.kernel.type = a->type;
	item.kernel.group = a->group;
	item.kernel.term = a->term;
	item.kernel.report = a->report;
	item.kernel.failed = rng_chance(&w->rng, 1) ? 1 : 0;
	item.kernel.engine = m->engines;
	m->kernel_pending++;
	world_push(w, &item);
}

static void end_engine(struct machine *m)
{
	if (!m->engine)
		return;
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		m->counters[i] += node_counters(m->node)[i];
	m->engine = false;
	m->engines++;
}

static void obey_guard(struct world *w, struct machine *m, const struct guard_actions *out);

static void engine_died(struct world *w, struct machine *m, bool clean)
{
	struct guard_actions out;

	end_engine(m);
	guard_engine_died(&m->guard, machine_clock(m, w->now), clean, &out);
	obey_guard(w, m, &out);
}

static void tell(struct world *w, struct machine *m, enum event_type type, unsigned group)
{
	struct event event = { .type = type };

	event.lease_lost.group = group;
	if (m->engine)
		machine_event(w, m->id, &event);
}

static void obey_guard(struct world *w, struct machine *m, const struct guard_actions *out)
{
	struct guard_actions copy = *out;

	for (unsigned i = 0; i < copy.n && m->powered; i++) {
		const struct guard_action *a = &copy.action[i];

		switch (a->type) {
		case GUARD_ADD:
		case GUARD_REMOVE:
		case GUARD_REMOVE_LINGER:
		case GUARD_REMOVE_REST:
		case GUARD_PUT_BACK:
		case GUARD_RENEW: kernel_later(w, m, a); break;
		case GUARD_SPAWN:
			m->spawning = true;
			world_later(
				w, w->now + rng_between(&w->rng, 2000, 20000), ITEM_SPAWN, m->id);
			break;
		case GUARD_KILL: engine_died(w, m, false); break;
		case GUARD_TELL_LEASE_LOST: tell(w, m, EVENT_LEASE_LOST, a->group); break;
		case GUARD_TELL_TAKEN_AWAY: tell(w, m, EVENT_TAKEN_AWAY, a->group); break;
		case GUARD_EXIT:
			machine_power_off(w, m->id);
			world_later(w, w->now + 100000, ITEM_POWER_ON, m->id);
			return;
		}
	}
}

static void note_record(struct world *w, const struct machine *m, const struct action *a)
{
	struct stats *s = w->stats;

	s->edge[a->record.from][a->record.to]++;
	s->reason[a->record.reason]++;
	s->rule[a->record.rule]++;
	if (a->record.to == GROUP_MASTER || a->record.from == GROUP_MASTER)
		check_disturbed(w);
	world_trace(w, "%s: group %u %s -> %s, rule %s, %s, term %u", m->conf->node[m->id],
		a->target, group_state_name(a->record.from), group_state_name(a->record.to),
		rule_label(a->record.rule), reason_text(a->record.reason), a->record.term);
}

static void carry_out(struct world *w, struct machine *m, const struct actions *out)
{
	struct guard_actions guard_out;
	enum election_rule rule = RULE_NONE;

	for (unsigned i = 0; i < out->n && m->powered && m->engine; i++) {
		const struct action *a = &out->action[i];

		switch (a->type) {
		case ACTION_SEND: world_send(w, m->id, a->target, a->bytes); break;
		case ACTION_ROLE:
			check_role(w, m->id, a->target, a->role.role, a->role.term, rule);
			guard_ordered(&m->guard, machine_clock(m, w->now), a->target, a->role.role,
				a->role.term, &guard_out);
			obey_guard(w, m, &guard_out);
			break;
		case ACTION_SAVE: m->disk = *node_saved(m->node); break;
		case ACTION_REPLY: w->stats->result[a->result]++; break;
		case ACTION_RECORD:
			rule = a->record.rule;
			note_record(w, m, a);
			break;
		case ACTION_ANNOUNCE: break;
		case ACTION_EXIT: engine_died(w, m, true); break;
		case ACTION_WRITE:
		case ACTION_FETCH:
		case ACTION_DUMP:
		case ACTION_END_DUMP: break; /* there is no mirror */
		}
	}
}

static void note_rules(struct world *w, struct machine *m)
{
	for (unsigned g = 0; g < m->conf->n_groups; g++) {
		enum election_rule rule = m->node->group[g].rule;

		if (rule != m->rule_seen[g])
			w->stats->rule[rule]++;
		m->rule_seen[g] = rule;
	}
}

void machine_event(struct world *w, unsigned id, const struct event *event)
{
	struct machine *m = &w->machine[id];
	mono_t now = machine_clock(m, w->now);
	/* Actions lead to further steps (a guard that tells); each needs a list of its own. */
	static struct actions lists[8];
	static unsigned depth;
	struct actions *out = &lists[depth++];

	assert(depth <= ARRAY_LEN(lists));
	node_step(m->node, now, event, out);
	guard_engine_heard(&m->guard, now);
	w->stats->steps++;
	if (event->type == EVENT_TIMER && !mono_before(now, node_deadline(m->node)) && !out->more)
		world_fail(w, "%s spins: its deadline is not in the future", m->conf->node[id]);
	note_rules(w, m);
	carry_out(w, m, out);
	depth--;
}

static void engine_starts(struct world *w, struct machine *m)
{
	struct node_env env = {
		.conf = m->conf,
		.crypto = &m->toy.crypto,
		.log = &m->log,
		.realtime = true,
		.release = "sim",
	};
	struct event event = { .type = EVENT_SYNC };
	uint64_t held = guard_held(&m->guard);

	m->spawning = false;
	m->engine = true;
	node_init(m->node, &env, &m->disk, held, machine_clock(m, w->now));
	guard_engine_heard(&m->guard, machine_clock(m, w->now));
	world_trace(w, "%s: engine starts, adopts %llx", m->conf->node[m->id],
		(unsigned long long)held);
	check_disturbed(w);
	event.sync.in_sync = true;
	machine_event(w, m->id, &event);
	for (unsigned i = 0; i < m->conf->n_links; i++) {
		event = (struct event){ .type = EVENT_CARRIER };
		event.carrier.path = i;
		event.carrier.up = w->carrier[i];
		machine_event(w, m->id, &event);
	}
}

void machine_power_on(struct world *w, unsigned id)
{
	struct machine *m = &w->machine[id];
	uint64_t held = 0;

	if (m->powered)
		return;
	m->powered = true;
	m->boot++;
	m->kernel_free_at = 0;
	m->kernel_pending = 0;
	for (unsigned g = 0; g < m->conf->n_groups; g++)
		held |= (uint64_t)m->held[g] << g;
	guard_init(&m->guard, m->conf->n_groups, held, machine_clock(m, w->now));
	world_trace(w, "%s: power on, held %llx", m->conf->node[id], (unsigned long long)held);
	check_disturbed(w);
}

static void forget_inbox(struct world *w, struct machine *m)
{
	for (unsigned i = 0; i < m->n_inbox; i++) {
		if (m->inbox[i].type == ITEM_FRAME)
			w->frame[m->inbox[i].frame.frame].used = false;
	}
	m->n_inbox = 0;
}

void machine_kill_all(struct world *w, unsigned id)
{
	struct machine *m = &w->machine[id];

	end_engine(m);
	m->powered = false;
	m->spawning = false;
	m->paused_until = 0;
	m->boot++;
	forget_inbox(w, m);
	check_disturbed(w);
}

void machine_power_off(struct world *w, unsigned id)
{
	machine_kill_all(w, id);
	memset(w->machine[id].held, 0, sizeof(w->machine[id].held));
}

void machine_kill_engine(struct world *w, unsigned id)
{
	struct machine *m = &w->machine[id];

	check_disturbed(w);
	if (machine_runs(m))
		engine_died(w, m, false);
}

void machine_pause(struct world *w, unsigned id, uint64_t us)
{
	struct machine *m = &w->machine[id];

	if (!m->powered || m->paused_until != 0)
		return;
	m->paused_until = w->now + us;
	world_later(w, m->paused_until, ITEM_WAKE, id);
	check_disturbed(w);
}

static void find_missing(struct world *w, struct machine *m, unsigned group)
{
	struct guard_actions out;

	guard_missing(&m->guard, machine_clock(m, w->now), group, &out);
	obey_guard(w, m, &out);
	check_disturbed(w);
}

void machine_missing(struct world *w, unsigned id, unsigned group)
{
	struct machine *m = &w->machine[id];

	if (!machine_runs(m) || !m->held[group])
		return;
	m->held[group] = false;
	find_missing(w, m, group);
}

void machine_stop(struct world *w, unsigned id)
{
	struct machine *m = &w->machine[id];
	struct event event = { .type = EVENT_STOP };
	struct guard_actions out;

	if (!machine_runs(m))
		return;
	guard_stop(&m->guard, machine_clock(m, w->now), &out);
	obey_guard(w, m, &out);
	if (m->engine)
		machine_event(w, id, &event);
	check_disturbed(w);
}

struct conf *machine_next_conf(struct world *w, unsigned id)
{
	struct machine *m = &w->machine[id];
	struct conf *next = &m->confs[m->conf == &m->confs[0]];

	*next = *m->conf;
	return next;
}

enum result machine_reload(struct world *w, unsigned id)
{
	static struct actions out;
	struct machine *m = &w->machine[id];
	const struct conf *next = &m->confs[m->conf == &m->confs[0]];
	enum result result = node_reconfigure(m->node, machine_clock(m, w->now), next, &out);

	if (result == RESULT_DONE)
		m->conf = next;
	carry_out(w, m, &out);
	return result;
}

static void frame_arrives(struct world *w, struct machine *m, const struct item *item)
{
	struct frame *frame = &w->frame[item->frame.frame];
	struct event event = { .type = EVENT_FRAME };
	const uint64_t *counters = node_counters(m->node);
	uint64_t accepted = counters[COUNTER_FRAMES_HEARD];
	uint64_t heard = counters[COUNTER_BEATS_HEARD], stale = counters[COUNTER_BEATS_STALE];

	event.frame.path = item->frame.path;
	event.frame.bytes = span_of(frame->bytes, frame->len);
	if (item->frame.path < m->conf->n_paths)
		machine_event(w, m->id, &event);
	frame->used = false;
	if (m->engine && item->frame.forged && counters[COUNTER_FRAMES_HEARD] != accepted)
		world_fail(w, "P2.1: %s accepted a forged frame", m->conf->node[m->id]);
	if (m->engine && counters[COUNTER_BEATS_HEARD] > heard &&
		counters[COUNTER_BEATS_STALE] == stale)
		check_contact(w, m->id, item->frame.sent_at);
}

/* What an operation on addresses does; the guardian's report follows. */
static void kernel_acts(struct world *w, struct machine *m, const struct item *item)
{
	unsigned g = item->kernel.group;
	struct event event = { .type = EVENT_ROLE_DONE };

	m->kernel_pending--;
	event.role_done.group = g;
	event.role_done.term = item->kernel.term;
	switch (item->kernel.type) {
	case GUARD_ADD:
	case GUARD_PUT_BACK:
		m->held[g] = true;
		m->lease_until[g] = w->now + GUARD_LEASE_MS * UINT64_C(1000);
		event.role_done.role = ROLE_TAKE;
		event.role_done.failed = item->kernel.failed;
		break;
	case GUARD_REMOVE:
		m->held[g] = false;
		event.role_done.role = ROLE_DROP;
		break;
	case GUARD_REMOVE_LINGER:
		m->held[g] = false;
		event.role_done.role = ROLE_DROP_LINGER;
		break;
	case GUARD_RENEW:
		for (g = 0; g < m->conf->n_groups; g++) {
			m->lease_until[g] = w->now + GUARD_LEASE_MS * UINT64_C(1000);
			m->held[g] |= m->guard.group[g].held; /* renewing makes what is gone */
		}
		break;
	case GUARD_REMOVE_REST:
	case GUARD_SPAWN:
	case GUARD_KILL:
	case GUARD_TELL_LEASE_LOST:
	case GUARD_TELL_TAKEN_AWAY:
	case GUARD_EXIT: break;
	}
	if (item->kernel.report && m->engine && item->kernel.engine == m->engines)
		machine_event(w, m->id, &event);
}

void machine_item(struct world *w, struct machine *m, const struct item *item)
{
	switch (item->type) {
	case ITEM_FRAME: frame_arrives(w, m, item); break;
	case ITEM_KERNEL: kernel_acts(w, m, item); break;
	case ITEM_SPAWN: engine_starts(w, m); break;
	case ITEM_WAKE:
	case ITEM_POWER_ON:
	case ITEM_END_FAULT: break;
	}
}

void machine_wake(struct world *w, struct machine *m)
{
	struct item inbox[WORLD_INBOX_MAX];
	unsigned n = m->n_inbox;

	memcpy(inbox, m->inbox, n * sizeof(inbox[0]));
	m->n_inbox = 0;
	m->paused_until = 0;
	world_trace(w, "%s: wakes", m->conf->node[m->id]);
	check_disturbed(w);
	for (unsigned i = 0; i < n; i++) {
		bool lives = inbox[i].boot == m->boot && (inbox[i].type != ITEM_FRAME || m->engine);

		if (lives)
			machine_item(w, m, &inbox[i]);
		else if (inbox[i].type == ITEM_FRAME)
			w->frame[inbox[i].frame.frame].used = false;
	}
	for (unsigned g = 0; g < m->conf->n_groups && m->powered; g++) {
		if (m->guard.group[g].held && !m->held[g] && m->kernel_pending == 0)
			find_missing(w, m, g);
	}
}

uint64_t machine_due(const struct machine *m)
{
	if (!m->powered || m->paused_until != 0)
		return UINT64_MAX;
	uint64_t due = world_time(m, guard_deadline(&m->guard));

	if (m->engine) {
		uint64_t engine = world_time(m, node_deadline(m->node));

		due = engine < due ? engine : due;
	}
	return due;
}

void machine_timer(struct world *w, struct machine *m)
{
	static const struct event timer = { .type = EVENT_TIMER };
	mono_t now = machine_clock(m, w->now);
	struct guard_actions out;

	if (m->engine && mono_reached(node_deadline(m->node), now))
		machine_event(w, m->id, &timer);
	if (m->powered && mono_reached(guard_deadline(&m->guard), now)) {
		guard_timer(&m->guard, now, &out);
		obey_guard(w, m, &out);
	}
}
