/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine.h"

#include <assert.h>
#include <string.h>

#include "check.h"
#include "clerk.h"
#include "core/state.h"
#include "stats.h"
#include "wire.h"
#include "world.h"

bool machine_runs(const struct machine *m)
{
	return m->powered && m->engine && !m->hangs && m->paused_until == 0;
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

void machine_forget_inbox(struct world *w, struct machine *m)
{
	for (unsigned i = 0; i < m->n_inbox; i++) {
		if (m->inbox[i].type == ITEM_FRAME)
			wire_forget(w, &m->inbox[i]);
	}
	m->n_inbox = 0;
}

void machine_end_engine(struct world *w, struct machine *m)
{
	if (!m->engine)
		return;
	check_engine_ended(w, m->id);
	if (m->hangs)
		machine_forget_inbox(w, m);
	m->hangs = false;
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		m->counters[i] += node_counters(m->node)[i];
	m->engine = false;
	m->engines++;
}

void machine_engine_died(struct world *w, struct machine *m, bool clean)
{
	struct guard_actions out;

	machine_end_engine(w, m);
	guard_engine_died(&m->guard, machine_clock(m, w->now), clean, &out);
	machine_obey_guard(w, m, &out);
}

/* The guardian tells the engine, which hears it when its hands are free, and it hangs no more. */
static void tell(struct world *w, struct machine *m, const struct event *event)
{
	struct item item = world_item(w, w->now, ITEM_TELL, m->id);

	if (!m->engine)
		return;
	item.tell.event = *event;
	if (m->carries_out)
		world_push(w, &item);
	else if (!m->hangs)
		machine_event(w, m->id, event);
	else if (m->n_inbox < WORLD_INBOX_MAX)
		m->inbox[m->n_inbox++] = item;
}

static void say(struct world *w, struct machine *m, enum wire_frame_type type)
{
	for (unsigned i = 0; i < m->conf->n_paths; i++) {
		struct span frame = entrusted_take(&m->entrusted, type, i);

		if (frame.len > 0)
			wire_send(w, m->id, i, frame);
	}
}

static void tell_lost(struct world *w, struct machine *m, const struct guard_action *a)
{
	bool lease = a->type == GUARD_TELL_LEASE_LOST;
	struct event event = { .type = lease ? EVENT_LEASE_LOST : EVENT_TAKEN_AWAY };

	event.lease_lost.group = a->group; /* the same place for both */
	tell(w, m, &event);
}

/* The guardian waits for the kernel before it does anything else. */
static void spawn(struct world *w, struct machine *m)
{
	uint64_t from = m->kernel_free_at > w->now ? m->kernel_free_at : w->now;

	m->spawning = true;
	world_later(w, from + rng_between(&w->rng, 2000, 20000), ITEM_SPAWN, m->id);
}

void machine_obey_guard(struct world *w, struct machine *m, const struct guard_actions *out)
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
		case GUARD_RENEW:
		case GUARD_SAY_PARTING: kernel_later(w, m, a); break;
		case GUARD_SAY_HOLD: say(w, m, WIRE_FRAME_HOLD); break;
		case GUARD_SPAWN: spawn(w, m); break;
		case GUARD_KILL: machine_engine_died(w, m, false); break;
		case GUARD_TELL_LEASE_LOST:
		case GUARD_TELL_TAKEN_AWAY: tell_lost(w, m, a); break;
		case GUARD_EXIT:
			check_exit(w, m->id);
			machine_power_off(w, m->id);
			world_later(w, w->now + 100000, ITEM_POWER_ON, m->id);
			return;
		}
	}
}

static void note_record(struct world *w, const struct machine *m, const struct action *a)
{
	struct stats *s = w->stats;

	if (a->record.from == a->record.to) /* it met another master */
		return;
	s->edge[a->record.from][a->record.to]++;
	s->reason[a->record.reason]++;
	s->rule[a->record.rule]++;
	if (a->record.to == GROUP_MASTER || a->record.from == GROUP_MASTER)
		w->check.disturbed_at = w->now;
	check_record(w, m->id, a->target, &a->record);
	world_trace(w, "%s: group %u %s -> %s, rule %s, %s, term %u", m->conf->node[m->id],
		a->target, group_state_name(a->record.from), group_state_name(a->record.to),
		rule_label(a->record.rule), reason_text(a->record.reason), a->record.term);
}

static void order_role(
	struct world *w, struct machine *m, unsigned group, enum role role, uint32_t term)
{
	struct guard_actions out;

	guard_ordered(&m->guard, machine_clock(m, w->now), group, role, term, &out);
	machine_obey_guard(w, m, &out);
}

/* What it finds out comes as a fault of a moment, if at all; doubt comes at times. */
static void looks(struct world *w, const struct machine *m, unsigned group)
{
	struct item item = world_item(w, w->now, ITEM_TELL, m->id);

	item.tell.event = (struct event){ .type = EVENT_LOOKED };
	item.tell.event.looked.group = group;
	item.tell.event.looked.doubtful = rng_chance(&w->rng, 5) ? 255 : 0;
	world_push(w, &item);
}

void machine_carry_out(struct world *w, struct machine *m, const struct actions *out)
{
	enum election_rule rule = RULE_NONE;

	m->carries_out = true;

	for (unsigned i = 0; i < out->n && m->powered && m->engine; i++) {
		const struct action *a = &out->action[i];

		switch (a->type) {
		case ACTION_SEND: wire_send(w, m->id, a->target, a->bytes); break;
		case ACTION_ROLE:
			check_role(w, m->id, a->target, a->role.role, a->role.term, rule);
			order_role(w, m, a->target, a->role.role, a->role.term);
			break;
		case ACTION_SAVE: m->disk = *node_saved(m->node); break;
		case ACTION_REPLY: w->stats->result[a->result]++; break;
		case ACTION_RECORD:
			rule = a->record.rule;
			note_record(w, m, a);
			break;
		case ACTION_STEP: check_told(w, m->id, a->target, a->step); break;
		case ACTION_ANNOUNCE: check_announced(w, m->id, a->target); break;
		case ACTION_EXIT:
			check_parted(w, m->id);
			machine_engine_died(w, m, true);
			break;
		case ACTION_WRITE: table_write(w, m, a->bytes); break;
		case ACTION_FETCH: table_fetch(m, (uint8_t)a->target, a->bytes); break;
		case ACTION_DUMP: table_dump(w, m, (uint8_t)a->target); break;
		case ACTION_LOOK: looks(w, m, a->target); break;
		case ACTION_END_DUMP: m->table.dump.running = false; break;
		case ACTION_ENTRUST: entrusted_keep(&m->entrusted, a->target, a->bytes); break;
		case ACTION_DOCUMENT_OPEN:
		case ACTION_DOCUMENT_PIECE:
		case ACTION_DOCUMENT_APPLY:
		case ACTION_DOCUMENT_KEEP:
		case ACTION_DOCUMENT_LOAD: clerk_act(w, m, a); break;
		}
	}
	m->carries_out = false;
	table_tell(w, m);
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
	/* What is told when a list is carried out leads to further steps; each has its own. */
	static struct actions lists[2];
	static unsigned depth;
	struct actions *out = &lists[depth++];

	assert(depth <= ARRAY_LEN(lists));
	node_step(m->node, now, event, out);
	guard_engine_heard(&m->guard, node_deadline(m->node));
	w->stats->steps++;
	if (event->type == EVENT_TIMER && !mono_before(now, node_deadline(m->node)) && !out->more)
		world_fail(w, "%s spins: its deadline is not in the future", m->conf->node[id]);
	note_rules(w, m);
	check_step(w, id, event);
	table_check_step(w, m);
	machine_carry_out(w, m, out);
	depth--;
}

void machine_objects(struct world *w, struct machine *m, const struct object_batch *batch,
	enum object_origin origin)
{
	struct event event = { .type = EVENT_OBJECTS };

	event.objects.batch = batch;
	event.objects.origin = origin;
	if (batch->n > 0 && m->engine)
		machine_event(w, m->id, &event);
}

void machine_tell_carriers(struct world *w, unsigned id)
{
	for (unsigned i = 0; i < w->machine[id].conf->n_paths; i++) {
		struct event event = { .type = EVENT_CARRIER };

		event.carrier.path = i;
		event.carrier.up = w->carrier[i];
		machine_event(w, id, &event);
	}
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
	m->entrusted = (struct entrusted){ 0 };
	table_start(m, &env);
	clerk_prepare(m, &env);
	node_init(m->node, &env, &m->disk, held, machine_clock(m, w->now));
	check_engine_started(w, m->id, held);
	world_trace(w, "%s: engine starts, adopts %llx", m->conf->node[m->id],
		(unsigned long long)held);
	check_disturbed(w);
	event.sync.in_sync = true;
	machine_event(w, m->id, &event);
	machine_tell_carriers(w, m->id);
	clerk_start(w, m);
}

static void frame_arrives(struct world *w, struct machine *m, const struct item *item)
{
	struct frame *frame = &w->frame[item->frame.frame];
	struct event event = { .type = EVENT_FRAME };

	event.frame.path = item->frame.path;
	event.frame.bytes = span_of(frame->bytes, frame->len);
	if (item->frame.path < m->conf->n_paths) {
		check_frame_comes(w, m->id, frame, item->frame.path);
		machine_event(w, m->id, &event);
		check_frame_came(w, m->id, frame, item->frame.path);
	}
	wire_forget(w, item);
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
	case GUARD_SAY_PARTING:
		if (!m->engine)
			say(w, m, WIRE_FRAME_PARTING);
		break;
	case GUARD_REMOVE_REST:
	case GUARD_SPAWN:
	case GUARD_KILL:
	case GUARD_SAY_HOLD:
	case GUARD_TELL_LEASE_LOST:
	case GUARD_TELL_TAKEN_AWAY:
	case GUARD_EXIT: break;
	}
	check_kernel_acted(w, m->id, item->kernel.group, item->kernel.type, item->kernel.report);
	if (item->kernel.report && item->kernel.engine == m->engines)
		tell(w, m, &event);
}

void machine_timer(struct world *w, struct machine *m)
{
	static const struct event timer = { .type = EVENT_TIMER };
	mono_t now = machine_clock(m, w->now);
	struct guard_actions out;

	if (m->engine && !m->hangs && mono_reached(node_deadline(m->node), now))
		machine_event(w, m->id, &timer);
	if (m->powered && mono_reached(guard_deadline(&m->guard), now)) {
		guard_timer(&m->guard, now, &out);
		machine_obey_guard(w, m, &out);
	}
}

void machine_item(struct world *w, struct machine *m, const struct item *item)
{
	switch (item->type) {
	case ITEM_FRAME: frame_arrives(w, m, item); break;
	case ITEM_KERNEL: kernel_acts(w, m, item); break;
	case ITEM_TELL: tell(w, m, &item->tell.event); break;
	case ITEM_SPAWN: engine_starts(w, m); break;
	case ITEM_EVENTS: table_read(w, m); break;
	case ITEM_TUNNELS_TOLD: tunnels_read(w, m); break;
	case ITEM_DUMPED: table_dumped(w, m, item->dumped); break;
	case ITEM_JUDGED: clerk_judged(w, m, (uint8_t)item->dumped); break;
	case ITEM_CLERK:
	case ITEM_TRAFFIC:
	case ITEM_TUNNELS:
	case ITEM_WAKE:
	case ITEM_UNHANG:
	case ITEM_POWER_ON:
	case ITEM_END_FAULT: break;
	}
}
