/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * table: a model of a machine's kernel as far as objects are mirrored: a table of sessions that
 * traffic makes, changes and ends, events that can be lost, orders that can be refused, sessions
 * that are in each other's way, timers that run out, and dumps that are a little old when they
 * come.
 *
 * A session's key is a number. Its value is four small numbers: what NAT makes of it (no two
 * sessions of a table have the same one, but 0), its status, its state, and something rare.
 */
#ifndef SIM_TABLE_H
#define SIM_TABLE_H

#include "nsrp/node.h"
#include "check_memory.h"

enum {
	TABLE_KEYS = 24,
	TABLE_EVENTS_MAX = 48, /* that wait to be read; what is more is lost */
	TABLE_CHUNK = 7,       /* keys that one step of a dump goes through */
	TABLE_OBJECTS = 64,    /* that the core's index has room for */
	TABLE_FRAMES = 24,     /* that the core's channel keeps */
	TABLE_TOLD = 64,       /* what comes of a list of actions; what is more is lost */
};

struct world;
struct machine;

struct row {
	bool there;
	uint8_t nat, status, state, rare;
	bool held;            /* its timer is the hold's ... */
	uint64_t held_at;     /* ... and began to run then */
	bool strict;          /* windows are looked at: made by traffic, or settled */
	uint64_t touched_at;  /* traffic of this machine; 0 = none */
	bool sighted, behind; /* its windows are known, and traffic went on elsewhere since */
};

struct table {
	bool on; /* this schedule mirrors */
	void *memory;
	struct row session[TABLE_KEYS];

	bool lost; /* events */
	bool reading_soon;
	unsigned n_events;
	struct table_event {
		uint8_t op, key;
		bool partial;
		struct row session;
	} event[TABLE_EVENTS_MAX];

	unsigned refuse; /* percent of what is created */
	/* What the core hears when the list is carried out that brought it about, as the engine
	 * tells it. */
	bool telling;
	unsigned n_refused, n_fetched;
	struct table_refused {
		_Alignas(8) uint8_t order[64];
		enum refusal why;
	} refused[TABLE_TOLD];
	struct table_fetched {
		uint8_t kind, key[2];
	} fetched[TABLE_TOLD];
	struct {
		bool running;
		uint32_t step;
		uint8_t kind;
		unsigned next, n;
		struct table_event seen[TABLE_CHUNK]; /* what the next step brings */
	} dump;
	uint64_t sole_since;          /* master of all groups, beyond dispute; 0 = it is not */
	uint64_t idle_since;          /* master of none; 0 = it is not */
	uint64_t touched[TABLE_KEYS]; /* by this machine's traffic, also a session that is gone */
	uint64_t ordered[TABLE_KEYS]; /* by the core, last */
	uint64_t refused_at;          /* the last order */
	uint64_t lost_at;             /* the core was last told of lost events */
	bool releasing[WORLD_GROUPS_MAX];          /* as of the step before */
	uint64_t draining_since[WORLD_GROUPS_MAX]; /* or not yet */
};

/* The memory of a machine's mirror, as an engine that starts finds it. */
void table_start(struct machine *m, struct node_env *env);
/* The power goes. */
void table_clear(struct machine *m);

/* Actions of the core. */
void table_write(struct world *w, struct machine *m, struct span orders);
void table_fetch(struct machine *m, uint8_t kind, struct span key);
void table_dump(struct world *w, struct machine *m, uint8_t kind);
/* A list of actions is carried out: what came of it is told. */
void table_tell(struct world *w, struct machine *m);

/* Items of the queue: events are read, a step of a dump is over, traffic comes. */
void table_read(struct world *w, struct machine *m);
void table_dumped(struct world *w, struct machine *m, uint32_t step);
void table_traffic(struct world *w);

/* A session's timer runs out; events are lost. */
void table_expire(struct world *w, struct machine *m);
void table_lose(struct world *w, struct machine *m);
/* Another program removes or changes a session, unheard. */
void table_alter(struct world *w, struct machine *m);

/* Both tables hold the same, and each session has one owner. */
void table_check_quiet(struct world *w);
/* The power of machine m, the master of all, is about to go: its peer has what it has. */
void table_check_ready(struct world *w, const struct machine *m);
void table_check_step(struct world *w, struct machine *m);
/* The core was given a session of a dump, which may be older than what it knew. */
void table_check_dumped(struct world *w, const struct machine *m, const struct table_event *seen);
/* What a mirror promises of timers, flags, sums and lag: check_mirror.c. */
void check_mirror_step(struct world *w, struct machine *m);
void check_mirror_quiet(struct world *w, const struct machine *m);
/* An order of machine m's core, before it is carried out. */
void table_check_order(struct world *w, const struct machine *m, const struct object_order *o);

#endif
