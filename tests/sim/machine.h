/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * machine: one machine of the world: guardian, engine and kernel, and what happens to them.
 */
#ifndef SIM_MACHINE_H
#define SIM_MACHINE_H

#include "world.h"

/* Things that happen to a machine. */
void machine_power_on(struct world *w, unsigned m);
void machine_power_off(struct world *w, unsigned m);
void machine_kill_engine(struct world *w, unsigned m);
/* Both processes die; the kernel keeps what it has until the leases end. */
void machine_kill_all(struct world *w, unsigned m);
void machine_pause(struct world *w, unsigned m, uint64_t us);
/* The engine alone; its guardian kills it if it takes too long. */
void machine_hang_engine(struct world *w, unsigned m, uint64_t us);
/* As after a boot: it reads something else. */
void machine_new_clock(struct world *w, unsigned m);
void machine_event(struct world *w, unsigned m, const struct event *event);
/* The engine, if there is one, hears of objects, if there are any. */
void machine_objects(struct world *w, struct machine *m, const struct object_batch *batch,
	enum object_origin origin);
/* What the engine tells the core after its start and after a reload: the carrier of each path. */
void machine_tell_carriers(struct world *w, unsigned m);
void machine_missing(struct world *w, unsigned m, unsigned group);
void machine_stop(struct world *w, unsigned m);
/* The configuration to change before machine_reload(): a copy of the one in force. */
struct conf *machine_next_conf(struct world *w, unsigned m);
/* The node is given the changed configuration; what it answers. */
enum result machine_reload(struct world *w, unsigned m);
bool machine_runs(const struct machine *m);
mono_t machine_clock(const struct machine *m, uint64_t at);

/* An item of the queue is due; one that is for another boot, or that a paused machine cannot
 * have, is put off or forgotten. */
void machine_arrives(struct world *w, const struct item *item);
/* A pause, or the hanging of an engine, may be over. */
void machine_wakes(struct world *w, unsigned m);
/* When a timer of the machine is due (the world's time), and that it is. */
uint64_t machine_due(struct machine *m);
void machine_timer(struct world *w, struct machine *m);
/* The kernel removes addresses whose lease is over, whoever is alive, and tells who listens. */
void machine_expire_leases(struct world *w, unsigned m);

/* Between the files of it: machine.c has its processes and its kernel, machine_fate.c what happens
 * to them, machine_time.c its clock. */
void machine_end_engine(struct world *w, struct machine *m);
void machine_engine_died(struct world *w, struct machine *m, bool clean);
void machine_forget_inbox(struct world *w, struct machine *m);
void machine_obey_guard(struct world *w, struct machine *m, const struct guard_actions *out);
void machine_carry_out(struct world *w, struct machine *m, const struct actions *out);
void machine_item(struct world *w, struct machine *m, const struct item *item);

#endif
