/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fault.h"

#include <string.h>

#include "check.h"
#include "clerk.h"
#include "core/state.h"
#include "stats.h"
#include "theme.h"
#include "machine.h"
#include "moment.h"
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
	w->wire[from][path].jitter = on ? rng_between(&w->rng, 100, 4 * check_heartbeat_us(w)) : 20;
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
	uint64_t most = 2 * check_detection_us(w) < 3000000 ? 2 * check_detection_us(w) : 3000000;

	w->kernel_delay_max = on ? rng_between(&w->rng, 2000, most) : 2000;
}

static void set_withheld(struct world *w, unsigned path, unsigned from, bool on)
{
	w->wire[from][path].withheld = on ? (unsigned)rng_between(&w->rng, 2, 30) : 0;
	w->wire[from][path].withheld_us =
		on ? check_heartbeat_us(w) * rng_between(&w->rng, 2, 500) : 0;
}

static void set_far(struct world *w, unsigned path, unsigned from, bool on)
{
	uint64_t delay = rng_between(&w->rng, 1000, check_detection_us(w) * 3 / 5);

	(void)path;
	(void)from;
	if (delay > 170000)
		delay = rng_between(&w->rng, 70000, 170000);
	for (unsigned p = 0; p < WORLD_PATHS_MAX; p++)
		w->wire[0][p].delay = w->wire[1][p].delay = on ? delay : 30;
}

static void set_burst(struct world *w, unsigned path, unsigned from, bool on)
{
	(void)path;
	(void)from;
	w->traffic_gap = on ? 300 : 20000;
	w->table_fault_at = w->now;
}

static void set_refused(struct world *w, unsigned path, unsigned from, bool on)
{
	(void)path;
	w->machine[from].table.refuse = on ? 30 : 0;
	w->table_fault_at = on ? UINT64_MAX : w->now; /* it lasts */
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
	[FAULT_WITHHELD] = set_withheld,
	[FAULT_FAR] = set_far,
	[FAULT_BURST] = set_burst,
	[FAULT_REFUSED] = set_refused,
};

void fault_end(struct world *w, unsigned fault, unsigned path, unsigned from)
{
	world_trace(w, "end: %s (path %u, from %u)", fault_text(fault), path, from);
	lasting[fault](w, path, from, false);
	check_lasting(w, false);
}

typedef void moment_fn(struct world *w, unsigned m);

static moment_fn *const moments[FAULT_COUNT] = {
	[FAULT_REPLAY] = moment_replay,
	[FAULT_GARBAGE] = moment_garbage,
	[FAULT_FLOOD] = moment_flood,
	[FAULT_POWER_OFF] = moment_power_off,
	[FAULT_POWER_OFF_BLANK] = moment_power_off_blank,
	[FAULT_ENGINE_CRASH] = machine_kill_engine,
	[FAULT_ENGINE_CRASH_TWICE] = moment_engine_crash_twice,
	[FAULT_KILL_ALL] = moment_kill_all,
	[FAULT_STALL] = moment_stall,
	[FAULT_SHORT_STALL] = moment_short_stall,
	[FAULT_HANG] = moment_hang,
	[FAULT_PAUSE] = moment_pause_machine,
	[FAULT_LONG_PAUSE] = moment_pause_long,
	[FAULT_GUARDIAN_PAUSE] = moment_guardian_pause,
	[FAULT_MONITOR] = moment_monitor,
	[FAULT_BOTH_MONITORS] = moment_both_monitors,
	[FAULT_SYNC] = moment_out_of_sync,
	[FAULT_ASKED_UNFIT] = moment_asked_unfit,
	[FAULT_MENDED_OUT_OF_SYNC] = moment_mend_out_of_sync,
	[FAULT_SERVED] = moment_served,
	[FAULT_FAILOVER] = moment_failover,
	[FAULT_FORCED_FAILOVER] = moment_forced_failover,
	[FAULT_MAINTENANCE] = moment_maintenance,
	[FAULT_FORCED_MAINTENANCE] = moment_forced_maintenance,
	[FAULT_RELOAD] = moment_reload,
	[FAULT_PATH_RETURNS] = moment_path_returns,
	[FAULT_STOP] = machine_stop,
	[FAULT_MISSING] = moment_missing,
	[FAULT_THIEF] = moment_thief,
	[FAULT_BOOT_TOGETHER] = moment_boot_together,
	[FAULT_BOOT_IN_MAINTENANCE] = moment_boot_in_maintenance,
	[FAULT_MALFORMED] = moment_malformed,
	[FAULT_REKEY] = moment_rekey,
	[FAULT_ROTATION] = moment_rotation,
	[FAULT_EVENTS_LOST] = moment_events_lost,
	[FAULT_RUN_OUT] = moment_run_out,
	[FAULT_ALTERED] = moment_altered,
	[FAULT_RESYNC] = moment_resync,
	[FAULT_AUDIT] = moment_audit,
};

void fault_happen(struct world *w)
{
	enum fault fault = theme_fault(w);
	unsigned m = moment_machine(w);

	w->stats->fault[fault]++;
	world_trace(w, "fault: %s, machine %u", fault_text(fault), m);
	check_disturbed(w);
	if (lasting[fault] != NULL) {
		unsigned path = moment_path(w);

		lasting[fault](w, path, m, true);
		check_lasting(w, true);
		world_end_fault(w, w->now + moment_time(w), fault, path, m);
	} else {
		moments[fault](w, m);
	}
	check_disturbed(w);
}

void fault_set_links(struct world *w, bool up)
{
	for (unsigned p = 0; p < w->machine[0].conf->n_links; p++)
		set_carrier(w, p, 0, up);
}

void fault_heal_all(struct world *w)
{
	for (unsigned p = 0; p < WORLD_PATHS_MAX; p++) {
		for (unsigned i = 0; i < 2; i++)
			w->wire[i][p] = (struct wire){ .delay = 30, .jitter = 20 };
	}
	fault_set_links(w, true);
	w->kernel_delay_max = 2000;
	w->machine[0].table.refuse = w->machine[1].table.refuse = 0;
	w->table_fault_at = w->now;
	clerk_heal(w);
	moment_reload_all(w);
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
