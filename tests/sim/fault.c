/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fault.h"

#include <string.h>

#include "check.h"
#include "core/state.h"
#include "stats.h"
#include "world.h"

const char *fault_text(enum fault fault)
{
	static const char *const texts[FAULT_COUNT] = {
#define X(name, text) [FAULT_##name] = text,
		FAULTS(X)
#undef X
	};

	return texts[fault];
}

static uint64_t heartbeat_us(const struct world *w)
{
	return w->machine[0].conf->heartbeat_ms * UINT64_C(1000);
}

static uint64_t detection_us(const struct world *w)
{
	return conf_detection_ms(w->machine[0].conf) * UINT64_C(1000);
}

/* Some time that matters to the pair: from a part of a heartbeat to several detection times. */
static uint64_t some_time(struct world *w)
{
	return rng_chance(&w->rng, 50) ? rng_between(&w->rng, 100, 3 * heartbeat_us(w))
				       : rng_between(&w->rng, 1000, 5 * detection_us(w));
}

static unsigned some_machine(struct world *w)
{
	return (unsigned)rng_below(&w->rng, 2);
}

static unsigned some_path(struct world *w)
{
	return (unsigned)rng_below(&w->rng, w->machine[0].conf->n_paths);
}

static unsigned some_group(struct world *w)
{
	return (unsigned)rng_below(&w->rng, w->machine[0].conf->n_groups);
}

static void cut_all(struct world *w, unsigned from, unsigned n, bool cut)
{
	for (unsigned p = 0; p < n; p++)
		w->wire[from][p].cut = cut;
}

/* Faults that last: each sets something and takes it back. */
typedef void lasting_fn(struct world *w, unsigned path, unsigned from, bool on);

static void set_loss(struct world *w, unsigned path, unsigned from, bool on)
{
	w->wire[from][path].loss = on ? (unsigned)rng_between(&w->rng, 5, 80) : 0;
}

static void set_duplicate(struct world *w, unsigned path, unsigned from, bool on)
{
	w->wire[from][path].duplicate = on ? 50 : 0;
}

static void set_reorder(struct world *w, unsigned path, unsigned from, bool on)
{
	uint64_t jitter = on ? rng_between(&w->rng, 100, 4 * heartbeat_us(w)) : 20;

	w->wire[from][path].jitter = jitter;
	if (jitter > w->frame_delay_max)
		w->frame_delay_max = jitter;
}

static void set_corrupt(struct world *w, unsigned path, unsigned from, bool on)
{
	w->wire[from][path].corrupt = on ? 30 : 0;
	w->wire[from][path].truncate = on ? 10 : 0;
}

static void set_one_way(struct world *w, unsigned path, unsigned from, bool on)
{
	w->wire[from][path].cut = on;
}

static void set_cut(struct world *w, unsigned path, unsigned from, bool on)
{
	w->wire[from][path].cut = w->wire[1 - from][path].cut = on;
}

static void set_links_cut(struct world *w, unsigned path, unsigned from, bool on)
{
	(void)path;
	cut_all(w, from, w->machine[0].conf->n_links, on);
	cut_all(w, 1 - from, w->machine[0].conf->n_links, on);
}

static void set_partition(struct world *w, unsigned path, unsigned from, bool on)
{
	(void)path;
	cut_all(w, from, WORLD_PATHS_MAX, on);
	cut_all(w, 1 - from, WORLD_PATHS_MAX, on);
}

static void set_deaf(struct world *w, unsigned path, unsigned from, bool on)
{
	(void)path;
	cut_all(w, from, WORLD_PATHS_MAX, on);
}

static void set_carrier(struct world *w, unsigned path, unsigned from, bool up)
{
	struct event event = { .type = EVENT_CARRIER };

	(void)from;
	if (path >= w->machine[0].conf->n_links)
		path = 0;
	w->carrier[path] = up;
	event.carrier.path = path;
	event.carrier.up = up;
	for (unsigned i = 0; i < 2; i++) {
		if (machine_runs(&w->machine[i]))
			machine_event(w, i, &event);
	}
}

static void set_no_carrier(struct world *w, unsigned path, unsigned from, bool on)
{
	set_carrier(w, path, from, !on);
}

static void set_slow_kernel(struct world *w, unsigned path, unsigned from, bool on)
{
	(void)path;
	(void)from;
	uint64_t most = 2 * detection_us(w) < 3000000 ? 2 * detection_us(w) : 3000000;

	w->kernel_delay_max = on ? rng_between(&w->rng, 2000, most) : 2000;
}

static lasting_fn *const lasting[FAULT_COUNT] = {
	[FAULT_LOSS] = set_loss,
	[FAULT_DUPLICATE] = set_duplicate,
	[FAULT_REORDER] = set_reorder,
	[FAULT_CORRUPT] = set_corrupt,
	[FAULT_ONE_WAY] = set_one_way,
	[FAULT_CUT] = set_cut,
	[FAULT_LINKS_CUT] = set_links_cut,
	[FAULT_PARTITION] = set_partition,
	[FAULT_DEAF] = set_deaf,
	[FAULT_CARRIER] = set_no_carrier,
	[FAULT_SLOW_KERNEL] = set_slow_kernel,
};

void fault_end(struct world *w, unsigned fault, unsigned path, unsigned from)
{
	world_trace(w, "end: %s (path %u, from %u)", fault_text(fault), path, from);
	lasting[fault](w, path, from, false);
	check_disturbed(w);
}

/* Faults of a moment. `m` is a machine of the schedule's choosing. */
typedef void moment_fn(struct world *w, unsigned m);

static void replay(struct world *w, unsigned m)
{
	(void)m;
	for (unsigned i = 0; i < 10 && w->n_recorded > 0; i++) {
		unsigned k = (unsigned)rng_below(&w->rng, w->n_recorded);
		unsigned to = w->recorded[k].to, path = w->recorded[k].path;

		bool elsewhere = rng_chance(&w->rng, 10);

		if (elsewhere)
			to = 1 - to; /* back to its sender */
		if (rng_chance(&w->rng, 10))
			path = some_path(w);
		elsewhere |= path != w->recorded[k].path;
		world_inject(w, to, path, w->recorded[k].bytes, w->recorded[k].len,
			rng_below(&w->rng, 2 * heartbeat_us(w)), w->recorded[k].sent_at, elsewhere);
	}
}

/* Forged frames, from random bytes to ones that are right up to the tag. */
static void forge(struct world *w, unsigned n)
{
	uint8_t bytes[128];
	unsigned to = some_machine(w), path = some_path(w);

	for (unsigned i = 0; i < n; i++) {
		size_t len = rng_between(&w->rng, 0, sizeof(bytes));

		for (size_t b = 0; b < len; b++)
			bytes[b] = (uint8_t)rng_next(&w->rng);
		if (n > 10 && w->n_recorded > 0) {
			unsigned k = (unsigned)rng_below(&w->rng, w->n_recorded);

			to = w->recorded[k].to;
			path = w->recorded[k].path;
			len = w->recorded[k].len < sizeof(bytes) ? w->recorded[k].len
								 : sizeof(bytes);
			memcpy(bytes, w->recorded[k].bytes, len);
			bytes[16] = 0x10; /* a sequence far ahead */
			if (len > 3 && rng_chance(&w->rng, 20))
				bytes[rng_below(&w->rng, 16)] ^= 1;
			if (rng_chance(&w->rng, 20)) { /* shorter than any tag */
				bytes[12] = 0;
				bytes[13] = 3;
			}
		}
		world_inject(w, to, path, bytes, len, rng_below(&w->rng, 1000), w->now, true);
	}
}

static void garbage(struct world *w, unsigned m)
{
	(void)m;
	forge(w, 10);
}

static void flood(struct world *w, unsigned m)
{
	(void)m;
	forge(w, 400);
}

static void report_monitor(struct world *w, unsigned m, unsigned monitor, bool ok)
{
	struct event event = { .type = EVENT_MONITOR };

	event.monitor.monitor = monitor;
	event.monitor.ok = ok;
	if (machine_runs(&w->machine[m]))
		machine_event(w, m, &event);
}

static void monitor(struct world *w, unsigned m)
{
	report_monitor(w, m, (unsigned)rng_below(&w->rng, 3), rng_chance(&w->rng, 40));
}

static void both_monitors(struct world *w, unsigned m)
{
	report_monitor(w, m, 0, rng_chance(&w->rng, 20));
	report_monitor(w, 1 - m, 0, rng_chance(&w->rng, 20));
}

static void report_sync(struct world *w, unsigned m, bool in_sync)
{
	struct event event = { .type = EVENT_SYNC };

	event.sync.in_sync = in_sync;
	if (machine_runs(&w->machine[m]))
		machine_event(w, m, &event);
}

/* Now and then for good: a node that never gets in sync. */
static void out_of_sync(struct world *w, unsigned m)
{
	report_sync(w, m, false);
	if (rng_chance(&w->rng, 20))
		return;
	world_run(w, w->now + some_time(w));
	if (!w->failed)
		report_sync(w, m, true);
}

/* A standby out of sync is asked to take over before it says so, and refuses. */
static void asked_out_of_sync(struct world *w, unsigned m)
{
	struct event event = { .type = EVENT_COMMAND };

	report_sync(w, m, false);
	event.command.verb = COMMAND_FAILOVER;
	event.command.group = COMMAND_ALL_GROUPS;
	event.command.token = 1;
	if (machine_runs(&w->machine[1 - m]))
		machine_event(w, 1 - m, &event);
}

static void mend_out_of_sync(struct world *w, unsigned m)
{
	report_monitor(w, m, 0, false);
	report_monitor(w, 1 - m, 0, false);
	report_sync(w, m, false);
	world_run(w, w->now + some_time(w));
	if (!w->failed)
		report_monitor(w, m, 0, true);
}

static void served(struct world *w, unsigned m)
{
	struct event event = { .type = EVENT_SERVED };

	event.served.group = some_group(w);
	if (machine_runs(&w->machine[m]))
		machine_event(w, m, &event);
}

static void command(struct world *w, unsigned m, enum command_verb verb, bool force, bool peer)
{
	struct event event = { .type = EVENT_COMMAND };

	event.command.verb = verb;
	event.command.group =
		rng_chance(&w->rng, 40) ? COMMAND_ALL_GROUPS : (uint16_t)rng_below(&w->rng, 4);
	event.command.force = force;
	event.command.peer = peer;
	event.command.token = (uint32_t)rng_between(&w->rng, 1, 1000);
	if (machine_runs(&w->machine[m]))
		machine_event(w, m, &event);
}

static void failover(struct world *w, unsigned m)
{
	command(w, m, COMMAND_FAILOVER, false, false);
}

static void forced_failover(struct world *w, unsigned m)
{
	command(w, m, COMMAND_FAILOVER, true, false);
}

static void maintenance(struct world *w, unsigned m)
{
	bool on = rng_chance(&w->rng, 50);

	command(w, m, on ? COMMAND_MAINTENANCE_ON : COMMAND_MAINTENANCE_OFF, false,
		rng_chance(&w->rng, 50));
}

static void forced_maintenance(struct world *w, unsigned m)
{
	command(w, m, COMMAND_MAINTENANCE_ON, true, false);
}

/* Another configuration: a group's priority changes, and now and then a path goes. */
static void reload(struct world *w, unsigned m)
{
	bool foreign = rng_chance(&w->rng, 5);
	struct conf *next = machine_next_conf(w, m);

	if (!machine_runs(&w->machine[m]))
		return;
	next->group[0].priority[0] = (uint8_t)rng_between(&w->rng, 50, 52);
	next->digest++;
	if (next->n_paths > next->n_links && rng_chance(&w->rng, 30))
		next->n_paths--;
	if (foreign)
		next->cluster_id++;
	enum result result = machine_reload(w, m);

	w->stats->result[result]++;
	if (result != (foreign ? RESULT_NEEDS_RESTART : RESULT_DONE))
		world_fail(w, "a reload is judged wrongly: %s", result_text(result));
}

/* Both nodes read the file they read at first. */
static void reload_all(struct world *w)
{
	for (unsigned m = 0; m < 2; m++) {
		struct conf *next = machine_next_conf(w, m);

		next->n_paths = w->n_paths;
		next->digest = 1;
		next->group[0].priority[0] = w->priority;
		if (machine_runs(&w->machine[m]))
			machine_reload(w, m);
		else if (!w->machine[m].engine)
			w->machine[m].conf = next;
	}
}

static void steal(struct world *w, unsigned m, unsigned times)
{
	unsigned g = some_group(w);

	for (unsigned i = 0; i < times && !w->failed; i++) {
		machine_missing(w, m, g);
		world_run(w, w->now + 3000);
	}
}

static void missing(struct world *w, unsigned m)
{
	steal(w, m, 1);
}

static void thief(struct world *w, unsigned m)
{
	steal(w, m, 8);
}

static void power_off(struct world *w, unsigned m)
{
	machine_power_off(w, m);
	world_later(w, w->now + some_time(w), ITEM_POWER_ON, m);
}

static void power_off_blank(struct world *w, unsigned m)
{
	power_off(w, m);
	memset(&w->machine[m].disk, 0, sizeof(w->machine[m].disk));
	memset(w->machine[m].term_seen, 0, sizeof(w->machine[m].term_seen));
}

static void engine_crash_twice(struct world *w, unsigned m)
{
	for (unsigned i = 0; i < 3 && !w->failed; i++) {
		machine_kill_engine(w, m);
		world_run(w, w->now + 30000);
	}
}

static void kill_all(struct world *w, unsigned m)
{
	machine_kill_all(w, m);
	world_later(w, w->now + rng_between(&w->rng, 1000, 8000000), ITEM_POWER_ON, m);
}

static void stall(struct world *w, unsigned m)
{
	machine_pause(w, m, rng_between(&w->rng, 1000, detection_us(w)));
}

static void pause_machine(struct world *w, unsigned m)
{
	machine_pause(w, m, rng_between(&w->rng, detection_us(w), 5 * detection_us(w)));
}

static void pause_long(struct world *w, unsigned m)
{
	machine_pause(w, m, rng_between(&w->rng, 5000000, 9000000));
}

static void guardian_pause(struct world *w, unsigned m)
{
	struct machine *machine = &w->machine[m];

	if (!machine_runs(machine))
		return;
	for (unsigned g = 0; g < machine->conf->n_groups; g++)
		machine->held[g] = false;
	machine->guard.renewed_at.us -= (GUARD_LEASE_MS + 1000) * UINT64_C(1000);
	machine->guard.renew_due = machine_clock(machine, w->now);
}

static void boot_together(struct world *w, unsigned m)
{
	for (unsigned i = 0; i < 2; i++) {
		machine_power_off(w, i);
		world_later(
			w, w->now + 1000 + rng_below(&w->rng, heartbeat_us(w)), ITEM_POWER_ON, i);
	}
	(void)m;
}

static void rotation(struct world *w, unsigned m)
{
	machine_power_off(w, m);
	toy_init(&w->machine[m].toy, rng_next(&w->rng), 0x2222222222222202, 0x1111111111111101);
	world_later(w, w->now + some_time(w), ITEM_POWER_ON, m);
}

static void boot_in_maintenance(struct world *w, unsigned m)
{
	struct machine *machine = &w->machine[m];
	struct event off = { .type = EVENT_COMMAND };

	machine_power_off(w, 1 - m);
	machine_power_off(w, m);
	machine->disk.n_maintenance = 1;
	machine->disk.maintenance[0] = machine->conf->group[0].id;
	machine_power_on(w, m);
	world_later(w, w->now + some_time(w), ITEM_POWER_ON, 1 - m);
	world_run(w, w->now + rng_between(&w->rng, 20000, 20000 + detection_us(w)));
	off.command.verb = COMMAND_MAINTENANCE_OFF;
	off.command.group = COMMAND_ALL_GROUPS;
	off.command.token = 1;
	if (!w->failed && machine_runs(machine))
		machine_event(w, m, &off);
}

static void malformed(struct world *w, unsigned m)
{
	uint8_t frame[WORLD_FRAME_MAX];
	struct machine *machine = &w->machine[m];
	unsigned path = some_path(w);
	size_t len = rng_between(&w->rng, 1, 200);

	if (!machine_runs(machine) || path >= machine->conf->n_paths ||
		!handshake_has(&machine->node->handshake, SESSION_CURRENT))
		return;
	for (size_t i = 0; i < len; i++)
		frame[WIRE_HEADER_LEN + i] = (uint8_t)rng_next(&w->rng);
	frame[WIRE_HEADER_LEN] = (uint8_t)rng_between(&w->rng, WIRE_TLV_BEAT, WIRE_TLV_ANSWER);
	if (len > 1)
		frame[WIRE_HEADER_LEN + 1] = 0xff; /* the value ends behind the body */
	len = handshake_seal(&machine->node->handshake, SESSION_CURRENT, path,
		machine->conf->path[path].tag, frame, len);
	world_inject(w, 1 - m, path, frame, len, 50, w->now, false);
}

static void rekey(struct world *w, unsigned m)
{
	if (machine_runs(&w->machine[m]))
		w->machine[m].node->handshake.session[SESSION_CURRENT].made_at.us = 0;
}

static moment_fn *const moments[FAULT_COUNT] = {
	[FAULT_REPLAY] = replay,
	[FAULT_GARBAGE] = garbage,
	[FAULT_FLOOD] = flood,
	[FAULT_POWER_OFF] = power_off,
	[FAULT_POWER_OFF_BLANK] = power_off_blank,
	[FAULT_ENGINE_CRASH] = machine_kill_engine,
	[FAULT_ENGINE_CRASH_TWICE] = engine_crash_twice,
	[FAULT_KILL_ALL] = kill_all,
	[FAULT_STALL] = stall,
	[FAULT_PAUSE] = pause_machine,
	[FAULT_LONG_PAUSE] = pause_long,
	[FAULT_GUARDIAN_PAUSE] = guardian_pause,
	[FAULT_MONITOR] = monitor,
	[FAULT_BOTH_MONITORS] = both_monitors,
	[FAULT_SYNC] = out_of_sync,
	[FAULT_ASKED_OUT_OF_SYNC] = asked_out_of_sync,
	[FAULT_MENDED_OUT_OF_SYNC] = mend_out_of_sync,
	[FAULT_SERVED] = served,
	[FAULT_FAILOVER] = failover,
	[FAULT_FORCED_FAILOVER] = forced_failover,
	[FAULT_MAINTENANCE] = maintenance,
	[FAULT_FORCED_MAINTENANCE] = forced_maintenance,
	[FAULT_RELOAD] = reload,
	[FAULT_STOP] = machine_stop,
	[FAULT_MISSING] = missing,
	[FAULT_THIEF] = thief,
	[FAULT_BOOT_TOGETHER] = boot_together,
	[FAULT_BOOT_IN_MAINTENANCE] = boot_in_maintenance,
	[FAULT_MALFORMED] = malformed,
	[FAULT_REKEY] = rekey,
	[FAULT_ROTATION] = rotation,
};

void fault_happen(struct world *w)
{
	enum fault fault = (enum fault)rng_below(&w->rng, FAULT_COUNT);
	unsigned m = some_machine(w);

	w->stats->fault[fault]++;
	world_trace(w, "fault: %s, machine %u", fault_text(fault), m);
	if (lasting[fault] != NULL) {
		unsigned path = some_path(w);

		lasting[fault](w, path, m, true);
		world_end_fault(w, w->now + some_time(w), fault, path, m);
	} else {
		moments[fault](w, m);
	}
	check_disturbed(w);
}

void fault_heal_all(struct world *w)
{
	for (unsigned p = 0; p < WORLD_PATHS_MAX; p++) {
		for (unsigned i = 0; i < 2; i++)
			w->wire[i][p] = (struct wire){ .delay = 30, .jitter = 20 };
	}
	for (unsigned p = 0; p < w->machine[0].conf->n_links; p++)
		set_carrier(w, p, 0, true);
	w->kernel_delay_max = 2000;
	reload_all(w);
	check_disturbed(w);
}

bool fault_lasts(const struct world *w)
{
	for (unsigned i = 0; i < w->n_items; i++) {
		enum item_type type = w->heap[i].type;

		if (type == ITEM_END_FAULT || type == ITEM_WAKE || type == ITEM_POWER_ON ||
			type == ITEM_SPAWN)
			return true;
	}
	for (unsigned m = 0; m < 2; m++) {
		if (!machine_runs(&w->machine[m]))
			return true;
		for (unsigned g = 0; g < w->machine[m].conf->n_groups; g++) {
			if (w->machine[m].guard.group[g].yielded)
				return true;
		}
	}
	return false;
}
