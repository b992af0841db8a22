/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "core/state.h"
#include "fault.h"
#include "stats.h"

void world_trace(struct world *w, const char *format, ...)
{
	if (!w->trace)
		return;
	char *line = w->lines[w->n_lines++ % WORLD_TRACE_LINES];
	enum { STAMP_LEN = 40 };
	va_list args;

	snprintf(line, STAMP_LEN, "%9llu.%03u ms  ", (unsigned long long)(w->now / 1000),
		(unsigned)(w->now % 1000));
	size_t n = strlen(line);

	va_start(args, format);
	vsnprintf(line + n, WORLD_TRACE_LEN - n, format, args);
	va_end(args);
}

void world_fail(struct world *w, const char *format, ...)
{
	va_list args;

	if (w->failed)
		return;
	w->failed = true;
	va_start(args, format);
	vsnprintf(w->failure, sizeof(w->failure), format, args);
	va_end(args);
	world_trace(w, "FAILED: %s", w->failure);
}

static bool item_before(const struct item *a, const struct item *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap_items(struct item *a, struct item *b)
{
	struct item t = *a;

	*a = *b;
	*b = t;
}

static void push(struct world *w, const struct item *item)
{
	unsigned i = w->n_items++;

	assert(w->n_items <= WORLD_ITEMS_MAX);
	w->heap[i] = *item;
	for (; i > 0 && item_before(&w->heap[i], &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap_items(&w->heap[i], &w->heap[(i - 1) / 2]);
}

static struct item pop(struct world *w)
{
	struct item top = w->heap[0];
	unsigned i = 0;

	w->heap[0] = w->heap[--w->n_items];
	for (;;) {
		unsigned least = i;

		for (unsigned child = 2 * i + 1; child <= 2 * i + 2; child++) {
			if (child < w->n_items && item_before(&w->heap[child], &w->heap[least]))
				least = child;
		}
		if (least == i)
			return top;
		swap_items(&w->heap[i], &w->heap[least]);
		i = least;
	}
}

static struct item new_item(struct world *w, uint64_t at, enum item_type type, unsigned machine)
{
	return (struct item){
		.at = at,
		.order = w->order++,
		.type = type,
		.machine = machine,
		.boot = w->machine[machine].boot,
	};
}

void world_later(struct world *w, uint64_t at, enum item_type type, unsigned machine)
{
	struct item item = new_item(w, at, type, machine);

	push(w, &item);
}

void world_end_fault(struct world *w, uint64_t at, unsigned fault, unsigned path, unsigned from)
{
	struct item item = new_item(w, at, ITEM_END_FAULT, 0);

	item.end.fault = fault;
	item.end.path = path;
	item.end.from = from;
	push(w, &item);
}

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

static int take_frame(struct world *w, const uint8_t *bytes, size_t len)
{
	for (unsigned tries = 0; tries < WORLD_ITEMS_MAX; tries++) {
		unsigned i = w->free_frame++ % WORLD_ITEMS_MAX;

		if (w->frame[i].used)
			continue;
		w->frame[i].used = true;
		w->frame[i].len = (uint16_t)len;
		memcpy(w->frame[i].bytes, bytes, len);
		return (int)i;
	}
	return -1;
}

static void frame_on_its_way(struct world *w, unsigned to, unsigned path, const uint8_t *bytes,
	size_t len, uint64_t at, uint64_t sent_at)
{
	int frame;

	/* A flood that nobody drains is lost, as in a real buffer. */
	if (len > WORLD_FRAME_MAX || w->n_items > WORLD_ITEMS_MAX - 1024)
		return;
	frame = take_frame(w, bytes, len);
	if (frame < 0)
		return;
	struct item item = new_item(w, at, ITEM_FRAME, to);

	item.frame.frame = (unsigned)frame;
	item.frame.path = path;
	item.frame.sent_at = sent_at;
	push(w, &item);
}

void world_inject(struct world *w, unsigned to, unsigned path, const uint8_t *bytes, size_t len,
	uint64_t after, uint64_t sent_at)
{
	frame_on_its_way(w, to, path, bytes, len, w->now + after, sent_at);
}

static void record(struct world *w, unsigned to, unsigned path, struct span bytes)
{
	unsigned i = (unsigned)rng_below(&w->rng, WORLD_RECORDED);

	if (!rng_chance(&w->rng, 5))
		return;
	if (w->n_recorded < WORLD_RECORDED)
		i = w->n_recorded++;
	w->recorded[i].to = to;
	w->recorded[i].path = path;
	w->recorded[i].sent_at = w->now;
	w->recorded[i].len = (uint16_t)bytes.len;
	memcpy(w->recorded[i].bytes, bytes.data, bytes.len);
}

static void send_once(struct world *w, unsigned from, unsigned path, struct span bytes)
{
	struct wire *wire = &w->wire[from][path];
	uint8_t copy[WORLD_FRAME_MAX];
	size_t len = bytes.len;

	memcpy(copy, bytes.data, len);
	if (rng_chance(&w->rng, wire->corrupt))
		copy[rng_below(&w->rng, len)] ^= (uint8_t)rng_between(&w->rng, 1, 255);
	if (rng_chance(&w->rng, wire->truncate))
		len = rng_below(&w->rng, len);
	frame_on_its_way(w, 1 - from, path, copy, len,
		w->now + wire->delay + rng_below(&w->rng, wire->jitter + 1), w->now);
}

static void send_frame(struct world *w, unsigned from, unsigned path, struct span bytes)
{
	struct wire *wire = &w->wire[from][path];

	assert(bytes.len <= WORLD_FRAME_MAX);
	record(w, 1 - from, path, bytes);
	if (wire->cut || !w->carrier[path] || rng_chance(&w->rng, wire->loss))
		return;
	send_once(w, from, path, bytes);
	if (rng_chance(&w->rng, wire->duplicate))
		send_once(w, from, path, bytes);
}

static void kernel_later(struct world *w, struct machine *m, const struct guard_action *a)
{
	uint64_t at = w->now + 20 + rng_below(&w->rng, w->kernel_delay_max);

	m->kernel_free_at = at > m->kernel_free_at ? at : m->kernel_free_at + 1;
	struct item item = new_item(w, m->kernel_free_at, ITEM_KERNEL, m->id);

	item.kernel.type = a->type;
	item.kernel.group = a->group;
	item.kernel.term = a->term;
	item.kernel.report = a->report;
	item.kernel.failed = rng_chance(&w->rng, 1) ? 1 : 0;
	item.kernel.engine = m->engines;
	m->kernel_pending++;
	push(w, &item);
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
		case ACTION_SEND: send_frame(w, m->id, a->target, a->bytes); break;
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
	uint64_t heard = counters[COUNTER_BEATS_HEARD], stale = counters[COUNTER_BEATS_STALE];

	event.frame.path = item->frame.path;
	event.frame.bytes = span_of(frame->bytes, frame->len);
	if (item->frame.path < m->conf->n_paths)
		machine_event(w, m->id, &event);
	frame->used = false;
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

static void machine_item(struct world *w, struct machine *m, const struct item *item)
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

static void wake(struct world *w, struct machine *m)
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

static void dispatch(struct world *w, const struct item *item)
{
	struct machine *m = &w->machine[item->machine];

	if (item->type == ITEM_END_FAULT) {
		fault_end(w, item->end.fault, item->end.path, item->end.from);
		return;
	}
	if (item->type == ITEM_POWER_ON) {
		machine_power_on(w, item->machine);
		return;
	}
	if (item->boot != m->boot || (item->type == ITEM_FRAME && !m->engine)) {
		if (item->type == ITEM_FRAME)
			w->frame[item->frame.frame].used = false;
		return;
	}
	if (item->type == ITEM_WAKE) {
		wake(w, m);
	} else if (m->paused_until == 0) {
		machine_item(w, m, item);
	} else if (m->n_inbox < WORLD_INBOX_MAX) {
		m->inbox[m->n_inbox++] = *item;
	} else if (item->type == ITEM_FRAME) {
		w->frame[item->frame.frame].used = false;
	}
}

static uint64_t machine_due(const struct machine *m)
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

static void machine_timer(struct world *w, struct machine *m)
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

/* The kernel removes addresses whose lease is over, whoever is alive, and tells who listens. */
static void expire_leases(struct world *w)
{
	for (unsigned i = 0; i < 2; i++) {
		struct machine *m = &w->machine[i];

		for (unsigned g = 0; g < m->conf->n_groups; g++) {
			if (!m->held[g] || m->lease_until[g] > w->now)
				continue;
			if (machine_runs(m))
				machine_missing(w, i, g);
			m->held[g] = false;
		}
	}
}

static bool run_next(struct world *w, uint64_t until)
{
	uint64_t at = w->n_items > 0 ? w->heap[0].at : UINT64_MAX;
	int timer = -1;

	for (int i = 0; i < 2; i++) {
		uint64_t due = machine_due(&w->machine[i]);

		if (due < at) {
			at = due;
			timer = i;
		}
	}
	if (at > until)
		return false;
	w->now = at > w->now ? at : w->now;
	expire_leases(w);
	if (timer >= 0) {
		machine_timer(w, &w->machine[timer]);
	} else {
		struct item item = pop(w);

		dispatch(w, &item);
	}
	check_world(w);
	return true;
}

void world_run(struct world *w, uint64_t until)
{
	while (!w->failed && run_next(w, until))
		;
	if (!w->failed)
		w->now = until;
}
