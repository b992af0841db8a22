/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: the invariants that hold after every step of a schedule, and what must hold at its end.
 *
 * check.c looks at the pair as a whole, check_quiet.c at its state in the end; check_life.c keeps
 * what happens to a machine; check_step.c looks at what one node does and knows, check_frame.c at
 * what a frame brings about, check_role.c at who becomes master and why.
 */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "world.h"

enum { CHECK_CLOCKS = 2000 }; /* one part in so many: clocks differ by less */

/* After anything happened. */
void check_world(struct world *w);

/* Something outside the cores' control happened: the grace for electing starts anew. */
void check_disturbed(struct world *w);

/* A fault that lasts begins, or ends. */
void check_lasting(struct world *w, bool on);

/* All has been healed for long: one master, and both agree. */
void check_quiet(struct world *w);

/* For so long nothing has been wrong, and both machines run (us). */
uint64_t check_calm_us(const struct world *w);

/* Both directions of a path have worked for so long (us). */
uint64_t check_path_ok_us(const struct world *w, unsigned path);

/* A stall so short that a peer sees nothing amiss. */
bool check_is_short(const struct world *w, uint64_t us);

/* What happens to a machine: its guardian starts; its engine starts and ends; it is paused or
 * hangs, and wakes. */
void check_powered(struct world *w, unsigned m);
void check_engine_started(struct world *w, unsigned m, uint64_t adopted);
void check_engine_ended(struct world *w, unsigned m);
void check_stops(struct world *w, unsigned m);
void check_wakes(struct world *w, unsigned m);
/* Its disk is empty. */
void check_blank(struct world *w, unsigned m);
/* The kernel removed addresses that were not renewed in time. */
void check_lease_over(struct world *w, unsigned m, unsigned group);
/* The engine ended its work, and the guardian its own. */
void check_parted(struct world *w, unsigned m);
void check_exit(struct world *w, unsigned m);

/* Machine m took a step; its actions come next. */
void check_step(struct world *w, unsigned m, const struct event *event);

/* Around a step by which machine m hears a frame. */
void check_frame_comes(struct world *w, unsigned m, const struct frame *frame, unsigned path);
void check_frame_came(struct world *w, unsigned m, const struct frame *frame, unsigned path);

/* What machine m's core says. */
void check_record(struct world *w, unsigned m, unsigned group, const struct action_record *record);
void check_told(struct world *w, unsigned m, unsigned group, enum step step);
void check_role(struct world *w, unsigned m, unsigned group, enum role role, uint32_t term,
	enum election_rule rule);
void check_announced(struct world *w, unsigned m, unsigned group);

/* Machine m accepts the group, to preempt it. */
void check_hold_down(struct world *w, unsigned m, unsigned group);

/* The kernel of machine m did what the guardian wanted, by its engine's order or not. */
void check_kernel_acted(
	struct world *w, unsigned m, unsigned group, enum guard_action_type type, bool ordered);

/* Machine m heard a fresh beat. */
void check_contact(struct world *w, unsigned m, uint64_t sent_at);

/* Facts for the checks, from what happened and not from what a core believes: the monitors'
 * verdicts as reported, maintenance and the end of the service. */
bool check_operable(const struct world *w, unsigned m, unsigned group);
bool check_is_eligible(const struct world *w, unsigned m, unsigned group);
/* Machine m has sent its beats, as far as its peer can tell. */
bool check_beats_on_time(const struct world *w, unsigned m);
/* Many forged frames keep the genuine ones out. */
bool check_is_flooded(const struct world *w);
/* Time enough for anything to settle that beats bring about. */
uint64_t check_settle_us(const struct world *w);

static inline const char *check_name(const struct world *w, unsigned m)
{
	return w->machine[m].conf->node[m];
}

/* A kernel took long within the last so many us. */
static inline bool check_was_slow(const struct world *w, uint64_t us)
{
	return w->check.slow || w->now < w->check.slow_at + us;
}

/* The configuration's times. */
static inline uint64_t check_heartbeat_us(const struct world *w)
{
	return w->machine[0].conf->heartbeat_ms * UINT64_C(1000);
}

static inline uint64_t check_detection_us(const struct world *w)
{
	return conf_detection_ms(w->machine[0].conf) * UINT64_C(1000);
}

#endif
