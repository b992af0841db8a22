/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * world: two machines with real cores and guardians' decisions, the paths between them, a model
 * of their kernels, and virtual time. One seed is one schedule, bit for bit.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "nsrp/guard.h"
#include "nsrp/node.h"
#include "nsrp/wire.h"
#include "rng.h"
#include "toy.h"

enum {
	WORLD_ITEMS_MAX = 8192,
	WORLD_FRAME_MAX = 1536,
	WORLD_RECORDED = 64,
	WORLD_INBOX_MAX = 512,
	WORLD_TRACE_LINES = 200,
	WORLD_TRACE_LEN = 160,
	WORLD_GROUPS_MAX = 4,
	WORLD_PATHS_MAX = 4,
};

enum item_type { ITEM_FRAME, ITEM_KERNEL, ITEM_SPAWN, ITEM_WAKE, ITEM_POWER_ON, ITEM_END_FAULT };

struct frame {
	bool used;
	uint16_t len;
	uint8_t bytes[WORLD_FRAME_MAX];
};

struct item {
	uint64_t at, order; /* order breaks ties */
	enum item_type type;
	unsigned machine;
	uint32_t boot; /* the item is void for another boot of the machine */
	union {
		struct {
			unsigned frame, path;
			uint64_t sent_at;
			bool forged; /* no node sealed it like this for this path and receiver */
		} frame;
		struct {
			enum guard_action_type type;
			unsigned group;
			uint32_t term;
			bool report;
			unsigned failed;
			uint32_t engine; /* void for another engine, but for its effect */
		} kernel;
		struct {
			unsigned fault, path, from;
		} end;
	};
};

struct machine {
	unsigned id;
	const struct conf *conf; /* one of the two */
	struct conf confs[2];
	struct toy toy;
	struct log log;
	struct node *node; /* the memory is kept; valid while engine */
	struct guard guard;
	struct node_saved disk;
	struct world *world;

	bool powered; /* the guardian runs too */
	bool engine, spawning;
	uint32_t boot, engines; /* how many of each there were */
	uint64_t paused_until;  /* 0 = not paused */
	unsigned n_inbox;       /* what came while paused */
	struct item inbox[WORLD_INBOX_MAX];
	uint64_t kernel_free_at; /* its operations are done one after the other */
	unsigned kernel_pending;
	bool held[WORLD_GROUPS_MAX];
	uint64_t lease_until[WORLD_GROUPS_MAX];

	double rate; /* of its clock */
	uint64_t offset;
	uint32_t term_seen[WORLD_GROUPS_MAX]; /* of its last mastership */
	uint64_t counters[COUNTER_COUNT];     /* of engines that ended */
	enum election_rule rule_seen[WORLD_GROUPS_MAX];
};

/* One direction of one path. */
struct wire {
	bool cut;
	unsigned loss, duplicate, corrupt, truncate; /* percent */
	uint64_t delay, jitter;                      /* us */
};

struct stats;

struct world {
	struct rng rng;
	uint64_t seed, now, order;
	bool trace, failed, healing;
	char failure[256];
	struct stats *stats; /* borrowed */

	struct machine machine[2];
	struct wire wire[2][WORLD_PATHS_MAX]; /* by sender */
	bool carrier[WORLD_PATHS_MAX];
	uint64_t kernel_delay_max;
	uint64_t frame_delay_max; /* the longest that any frame of this schedule may take */
	unsigned n_paths;         /* at first */
	uint8_t priority;         /* of group 0 on node 0, at first */

	unsigned n_items;
	struct item heap[WORLD_ITEMS_MAX];
	struct frame frame[WORLD_ITEMS_MAX];
	unsigned free_frame;
	unsigned n_recorded;
	struct {
		uint16_t len;
		unsigned path, to;
		uint64_t sent_at;
		uint8_t bytes[WORLD_FRAME_MAX];
	} recorded[WORLD_RECORDED];
	struct check { /* what check.c remembers */
		uint64_t both_since[WORLD_GROUPS_MAX], none_since[WORLD_GROUPS_MAX];
		uint64_t contact[2][WORLD_GROUPS_MAX]; /* since both hold: heard by machine */
		uint64_t disturbed_at;
		uint64_t same_time, steps_there;
	} check;

	unsigned n_lines;
	char lines[WORLD_TRACE_LINES][WORLD_TRACE_LEN];
};

/* Makes the world of a seed. The struct is large: allocate it once and use it again. */
void world_init(struct world *w, uint64_t seed, bool trace, struct stats *stats);
void world_fini(struct world *w);

/* Lets time pass until `until` (us), or until something failed. */
void world_run(struct world *w, uint64_t until);

/* Things that happen to a machine. */
void machine_power_on(struct world *w, unsigned m);
void machine_power_off(struct world *w, unsigned m);
void machine_kill_engine(struct world *w, unsigned m);
/* Both processes die; the kernel keeps what it has until the leases end. */
void machine_kill_all(struct world *w, unsigned m);
void machine_pause(struct world *w, unsigned m, uint64_t us);
void machine_event(struct world *w, unsigned m, const struct event *event);
void machine_missing(struct world *w, unsigned m, unsigned group);
void machine_stop(struct world *w, unsigned m);
/* The configuration to change before machine_reload(): a copy of the one in force. */
struct conf *machine_next_conf(struct world *w, unsigned m);
/* The node is given the changed configuration; what it answers. */
enum result machine_reload(struct world *w, unsigned m);
bool machine_runs(const struct machine *m);
mono_t machine_clock(const struct machine *m, uint64_t at);

/* A frame on its way to machine `to`, as sent by anybody at all; its text was said at `sent_at`. */
void world_inject(struct world *w, unsigned to, unsigned path, const uint8_t *bytes, size_t len,
	uint64_t after, uint64_t sent_at, bool forged);
/* The parts of it, for machine.c. */
struct item world_item(struct world *w, uint64_t at, enum item_type type, unsigned machine);
void world_push(struct world *w, const struct item *item);
void world_send(struct world *w, unsigned from, unsigned path, struct span bytes);
void machine_item(struct world *w, struct machine *m, const struct item *item);
void machine_wake(struct world *w, struct machine *m);
void machine_timer(struct world *w, struct machine *m);
uint64_t machine_due(const struct machine *m);

void world_later(struct world *w, uint64_t at, enum item_type type, unsigned machine);
void world_end_fault(struct world *w, uint64_t at, unsigned fault, unsigned path, unsigned from);

void world_fail(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_trace(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
