/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * world: two machines with real cores and guardians' decisions, the paths between them, a model
 * of their kernels, and virtual time. One seed is one schedule, bit for bit.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "check_memory.h"
#include "nsrp/guard.h"
#include "entrusted.h"
#include "nsrp/node.h"
#include "nsrp/wire.h"
#include "papers.h"
#include "rng.h"
#include "table.h"
#include "theme.h"
#include "toy.h"
#include "tunnels.h"
#include "wire.h"

enum {
	WORLD_ITEMS_MAX = 8192,
	WORLD_FRAME_MAX = 1536,
	WORLD_RECORDED = 64,
	WORLD_ACCEPTED = 16384, /* of so many frames in a row the checks know which were accepted */
	WORLD_INBOX_MAX = 512,
	WORLD_INBOX_RESERVE = 64, /* for what is not a frame */
	WORLD_TRACE_LINES = 2000,
	WORLD_TRACE_LEN = 160,
};

enum item_type {
	ITEM_FRAME,
	ITEM_KERNEL,
	ITEM_TELL, /* the guardian's word to an engine that hangs */
	ITEM_SPAWN,
	ITEM_WAKE,
	ITEM_UNHANG,
	ITEM_POWER_ON,
	ITEM_END_FAULT,
	ITEM_EVENTS,       /* objects' events are read */
	ITEM_DUMPED,       /* a step of a dump is over */
	ITEM_TRAFFIC,      /* packets come */
	ITEM_TUNNELS,      /* to tunnels */
	ITEM_TUNNELS_TOLD, /* their events are read */
	ITEM_CLERK,        /* something happens to a document */
	ITEM_JUDGED,       /* a clerk is done with one */
};

struct frame {
	struct origin origin;
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
			struct event event; /* not one with bytes */
		} tell;
		struct {
			unsigned fault, path, from;
		} end;
		uint32_t dumped; /* which step; JUDGED: which kind */
	};
};

/* A deadline of a machine's own clock, in the world's time. */
struct due {
	mono_t local;
	uint64_t at;
};

struct machine {
	unsigned id;
	const struct conf *conf; /* one of the two */
	struct conf confs[2];
	struct toy toy;
	struct log log;
	struct node *node; /* the memory is kept; valid while engine */
	struct guard guard;
	struct entrusted entrusted; /* to the guardian */
	struct node_saved disk;
	struct world *world;

	bool powered; /* the guardian runs too */
	bool engine, spawning;
	bool carries_out;       /* the engine, what its last step wants */
	uint32_t boot, engines; /* how many of each there were */
	uint64_t paused_until;  /* 0 = not paused */
	bool hangs;             /* the engine alone, until then */
	uint64_t hangs_until;
	unsigned n_inbox; /* what came meanwhile */
	struct item inbox[WORLD_INBOX_MAX];
	struct table table;
	struct tunnels tunnels;
	struct papers papers;
	bool edited[DOCUMENTS];  /* here, since the peer's was applied last */
	uint64_t kernel_free_at; /* its operations are done one after the other */
	unsigned kernel_pending;
	bool held[WORLD_GROUPS_MAX];
	uint64_t lease_until[WORLD_GROUPS_MAX];

	int64_t ppm; /* its clock runs faster by this much */
	uint64_t offset;
	struct due guard_due, engine_due;
	uint32_t term_seen[WORLD_GROUPS_MAX]; /* of its last mastership */
	uint64_t counters[COUNTER_COUNT];     /* of engines that ended */
	enum election_rule rule_seen[WORLD_GROUPS_MAX];
};

/* One direction of one path. */
struct wire {
	bool cut;
	unsigned loss, duplicate, corrupt, truncate; /* percent */
	unsigned withheld;                           /* percent that come `withheld_us` later */
	uint64_t delay, jitter, withheld_us;         /* us */
};

struct stats;

struct world {
	struct rng rng;
	uint64_t seed, now, order;
	bool trace, failed, healing;
	char failure[256];
	struct stats *stats; /* borrowed */
	enum theme theme;

	struct machine machine[2];
	struct wire wire[2][WORLD_PATHS_MAX]; /* by sender */
	bool carrier[WORLD_PATHS_MAX];
	bool direct; /* HA links: a machine that is off takes the carrier along */
	uint64_t kernel_delay_max;
	bool no_traffic;
	bool documents; /* this schedule has some */
	struct rng clerk_rng;
	uint32_t last_number; /* of a document */
	bool wished;          /* the operator wanted one mirrored */
	bool has_tunnels;     /* this schedule */
	struct rng tunnel_rng;
	struct tunnel_ledger ledger[TUNNELS];
	uint64_t traffic_gap;
	uint64_t shared_at;      /* both machines served */
	uint64_t table_fault_at; /* the last time a kernel's table was not as it should be */
	unsigned n_paths;        /* at first */
	uint8_t priority;        /* of group 0 on node 0, at first */

	unsigned n_items;
	struct item heap[WORLD_ITEMS_MAX];
	struct frame frame[WORLD_ITEMS_MAX];
	unsigned n_frames, n_spare; /* used so far; of these, free again */
	unsigned spare[WORLD_ITEMS_MAX];
	uint64_t serial; /* of the frame sent last; goes on from world to world */
	uint64_t accepted[2][WORLD_ACCEPTED]; /* serials by machine */
	unsigned n_recorded;
	struct {
		struct origin origin;
		unsigned to;
		uint16_t len;
		uint8_t bytes[WORLD_FRAME_MAX];
	} recorded[WORLD_RECORDED];
	struct check check;

	unsigned n_lines;
	char lines[WORLD_TRACE_LINES][WORLD_TRACE_LEN];
};

/* Makes the world of a seed. The struct is large: allocate it once and use it again. */
void world_init(struct world *w, uint64_t seed, bool trace, struct stats *stats);
void world_fini(struct world *w);

/* Lets time pass until `until` (us), or until something failed. */
void world_run(struct world *w, uint64_t until);

struct item world_item(struct world *w, uint64_t at, enum item_type type, unsigned machine);
void world_push(struct world *w, const struct item *item);
struct item world_pop(struct world *w);
void world_later(struct world *w, uint64_t at, enum item_type type, unsigned machine);
void world_end_fault(struct world *w, uint64_t at, unsigned fault, unsigned path, unsigned from);

void world_fail(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_trace(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
