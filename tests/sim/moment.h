/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * moment: faults of a moment. Each happens to machine `m`, or to both when it says so; what it
 * takes back later is in the queue. moment_frame.c has those that bring frames, moment_operator.c
 * those by which the node is told something, moment_machine.c those of machines and processes,
 * moment_table.c those of what is mirrored.
 */
#ifndef SIM_MOMENT_H
#define SIM_MOMENT_H

#include "check.h"
#include "world.h"

void moment_replay(struct world *w, unsigned m);
void moment_garbage(struct world *w, unsigned m);
void moment_flood(struct world *w, unsigned m);
void moment_malformed(struct world *w, unsigned m);
void moment_rekey(struct world *w, unsigned m);
void moment_monitor(struct world *w, unsigned m);
void moment_both_monitors(struct world *w, unsigned m);
void moment_out_of_sync(struct world *w, unsigned m);
void moment_asked_unfit(struct world *w, unsigned m);
void moment_mend_out_of_sync(struct world *w, unsigned m);
void moment_served(struct world *w, unsigned m);
void moment_failover(struct world *w, unsigned m);
void moment_forced_failover(struct world *w, unsigned m);
void moment_maintenance(struct world *w, unsigned m);
void moment_forced_maintenance(struct world *w, unsigned m);
void moment_reload(struct world *w, unsigned m);
void moment_path_returns(struct world *w, unsigned m);
void moment_missing(struct world *w, unsigned m);
void moment_thief(struct world *w, unsigned m);
void moment_power_off(struct world *w, unsigned m);
void moment_power_off_blank(struct world *w, unsigned m);
void moment_engine_crash_twice(struct world *w, unsigned m);
void moment_kill_all(struct world *w, unsigned m);
void moment_stall(struct world *w, unsigned m);
void moment_short_stall(struct world *w, unsigned m);
void moment_hang(struct world *w, unsigned m);
void moment_pause_machine(struct world *w, unsigned m);
void moment_pause_long(struct world *w, unsigned m);
void moment_guardian_pause(struct world *w, unsigned m);
void moment_boot_together(struct world *w, unsigned m);
void moment_rotation(struct world *w, unsigned m);
void moment_events_lost(struct world *w, unsigned m);
void moment_run_out(struct world *w, unsigned m);
void moment_altered(struct world *w, unsigned m);
void moment_resync(struct world *w, unsigned m);
void moment_audit(struct world *w, unsigned m);
void moment_boot_in_maintenance(struct world *w, unsigned m);

/* Both nodes read the file they read at first. */
void moment_reload_all(struct world *w);

/* Some time that matters to the pair: from a part of a heartbeat to several detection times. */
static inline uint64_t moment_time(struct world *w)
{
	return rng_chance(&w->rng, 50) ? rng_between(&w->rng, 100, 3 * check_heartbeat_us(w))
				       : rng_between(&w->rng, 1000, 5 * check_detection_us(w));
}

static inline unsigned moment_machine(struct world *w)
{
	return (unsigned)rng_below(&w->rng, 2);
}

static inline unsigned moment_path(struct world *w)
{
	return (unsigned)rng_below(&w->rng, w->machine[0].conf->n_paths);
}

static inline unsigned moment_group(struct world *w)
{
	return (unsigned)rng_below(&w->rng, w->machine[0].conf->n_groups);
}

#endif
