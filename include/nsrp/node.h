/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node: the core of one node, as a value.
 *
 * node_step() is the only way in and node_deadline() the only timer. The core decides and does
 * no I/O: it is told the time and what happened, and answers with actions, which the caller
 * carries out in the order of the list. Results come back as events. The same state and the
 * same event give the same actions.
 *
 * Groups, paths and monitors are named by their index in struct conf.
 */
#ifndef NSRP_NODE_H
#define NSRP_NODE_H

#include "nsrp/base.h"
#include "nsrp/conf.h"
#include "nsrp/crypto.h"
#include "nsrp/log.h"
#include "nsrp/object.h"
#include "nsrp/tables.h"

enum group_state { /* NSRP's states and their numbers; the numbers travel on the wire */
	GROUP_INIT = 1,
	GROUP_MASTER = 2,
	GROUP_PRIMARY_BACKUP = 3,
	GROUP_BACKUP = 4,
	GROUP_INELIGIBLE = 5,
	GROUP_INOPERABLE = 6,
};

enum path_state {
	PATH_SILENT,  /* nothing heard since the start */
	PATH_ALIVE,   /* heard, and the peer hears us on it */
	PATH_ONE_WAY, /* heard, but the peer does not hear us on it */
	PATH_LOST,    /* was heard, then quiet for the detection time */
};

enum role {
	ROLE_TAKE,        /* add the group's addresses and routes, then announce them */
	ROLE_DROP,        /* remove both */
	ROLE_DROP_LINGER, /* remove the addresses; go on forwarding what still arrives for 2 s */
};

enum event_type {
	EVENT_TIMER,      /* node_deadline() was reached, or actions.more was set */
	EVENT_FRAME,      /* bytes came in by a path */
	EVENT_CARRIER,    /* an HA link's carrier is known to be up or down */
	EVENT_MONITOR,    /* a monitor passed or failed, after its own damping */
	EVENT_SYNC,       /* the mirror became complete, or incomplete */
	EVENT_SERVED,     /* traffic or a neighbour other than the peer was seen on a group */
	EVENT_ROLE_DONE,  /* an ACTION_ROLE has been carried out */
	EVENT_LEASE_LOST, /* the group's addresses expired */
	EVENT_TAKEN_AWAY, /* another program keeps removing the group's addresses */
	EVENT_CLAIMED,    /* somebody else's frame came from a group's virtual MAC */
	EVENT_COMMAND,    /* the operator asks */
	EVENT_STOP,       /* hand everything over and stop */
	EVENT_OBJECTS,    /* what this kernel says of mirrored objects */
	EVENT_DUMPED,     /* a step of a dump is over; its objects came before */
	EVENT_LOST,       /* this kernel lost events of mirrored objects */
	EVENT_REFUSED,    /* an order of ACTION_WRITE was not carried out */
	EVENT_RESYNC,     /* the operator wants everything mirrored anew */
	EVENT_LOOKED,     /* ACTION_LOOK is done; what it found out came before */
	EVENT_AUDIT,      /* the operator wants both kernels, indexes and the two nodes compared */
};

enum object_origin { OBJECT_EVENT, OBJECT_DUMPED, OBJECT_FETCHED };

enum dump_result {
	DUMP_MORE,
	DUMP_DONE,
	DUMP_AGAIN, /* the table changed its shape: the next step begins it anew */
	DUMP_FAILED,
};

/* Why the kernel refused an order. */
enum refusal {
	REFUSED_CLASH,
	REFUSED_FULL,
	REFUSED_MISSING,
	REFUSED_OTHER,
	REFUSED_SELF, /* the object is this node itself: there is nothing to install */
};

enum command_verb { COMMAND_FAILOVER, COMMAND_MAINTENANCE_ON, COMMAND_MAINTENANCE_OFF };

enum { COMMAND_ALL_GROUPS = 0xffff };

struct command {
	enum command_verb verb;
	uint16_t group; /* index, or COMMAND_ALL_GROUPS */
	bool force;
	bool peer;      /* maintenance: of the other node */
	uint32_t token; /* 1..INT32_MAX-1, returned with the reply */
};

struct event {
	enum event_type type;
	union {
		struct {
			unsigned path;
			struct span bytes; /* borrowed for the step */
		} frame;
		struct {
			unsigned path;
			bool up;
		} carrier;
		struct {
			unsigned monitor;
			bool ok;
		} monitor;
		struct {
			bool in_sync;
		} sync;
		struct {
			unsigned group;
		} served, lease_lost, taken_away;
		struct {
			unsigned group;
			bool known;       /* the address that it claims is the group's */
			unsigned frames;  /* as many came */
			const char *what; /* the claim, as text; borrowed for the step */
		} claimed;
		struct {
			unsigned group;
			/* Of its monitors that still pass, those that miss so many answers
			 * that one more fails them: their weight. */
			uint16_t doubtful;
		} looked;
		struct {
			unsigned group;
			enum role role;
			uint32_t term;
			unsigned failed; /* addresses and routes that the kernel refused */
		} role_done;
		struct command command;
		struct {
			const struct object_batch *batch; /* borrowed for the step */
			enum object_origin origin;
		} objects;
		enum dump_result dumped;
		struct {
			const struct object_order *order; /* borrowed for the step */
			enum refusal why;
		} refused;
	};
};

enum action_type {
	ACTION_SEND,     /* bytes by path `target` */
	ACTION_ROLE,     /* role of group `target`, for `term` */
	ACTION_ANNOUNCE, /* announce group `target` again */
	ACTION_SAVE,     /* node_saved() changed: make it last */
	ACTION_REPLY,    /* `result` of the command with token `target` */
	ACTION_RECORD, /* a line of history: group `target` changed state, or met another master */
	ACTION_EXIT,   /* EVENT_STOP is done: nothing is held, the peer knows */
	ACTION_WRITE,  /* give the kernel the orders in bytes: struct object_order, in a row */
	ACTION_FETCH,  /* ask the kernel for the object of kind `target` with the key in bytes */
	ACTION_DUMP,   /* the next step of the dump of kind `target`, which may be its first */
	ACTION_LOOK,   /* read the link monitors of group `target` anew, then EVENT_LOOKED */
	ACTION_END_DUMP, /* the rest of it is not wanted */
	ACTION_ENTRUST,  /* the guardian may have to send these bytes by path `target` */
};

struct action_role {
	enum role role;
	uint32_t term;
};

struct action_record {
	enum group_state from, to;
	enum election_rule rule;
	enum reason reason;
	uint32_t term;
	/* Two masters met, and had been two for so long at most, in milliseconds; 0: they did not.
	 * The one that stays has from = to. */
	uint32_t two_masters_ms;
};

struct action {
	enum action_type type;
	uint32_t target;
	union {
		struct span bytes; /* into actions.bytes */
		struct action_role role;
		enum result result;
		struct action_record record;
	};
};

enum { ACTIONS_MAX = 1024, ACTIONS_BYTES = 512 * 1024 };

/* Actions and their bytes are valid until the next step into the same list. */
struct actions {
	bool more; /* carry these out, then step again with EVENT_TIMER */
	bool full; /* much waits for the peer: leave the kernel's events where they are for now */
	unsigned n;
	struct action action[ACTIONS_MAX];
	size_t used;
	_Alignas(8) uint8_t bytes[ACTIONS_BYTES];
};

/* What outlives the process, in STATEDIR. */
struct node_saved {
	uint32_t term; /* the highest seen in any group */
	uint8_t n_maintenance;
	uint8_t maintenance[CONF_GROUPS_MAX]; /* ids (not indexes) of groups in maintenance */
};

/* What node_init() borrows for the life of the node. */
struct node_env {
	const struct conf *conf; /* replaced by node_reconfigure() */
	const struct crypto *crypto;
	const struct log *log;
	bool realtime;       /* this process has real-time priority */
	const char *release; /* text for the peer's log */

	/* The mirror. NULL: none; EVENT_SYNC says what there is to say. Else zeroed memory of
	 * node_mirror_size(mirror_objects) bytes, aligned as malloc aligns. */
	void *mirror;
	uint32_t mirror_objects;
	uint32_t mirror_frames; /* that the channel keeps at most; 0 = as many as it can */
	/* By kind: how many of the peer's are installed at most; 0 = as many as there is room. */
	uint32_t mirror_limit[OBJECT_KIND_MAX + 1];
	uint8_t mirror_key[16]; /* of the hash, equal on both nodes */
	/* struct object_ops' describe(), by kind. */
	int (*describe)(uint8_t kind, struct span key, struct span value, struct object *ret);
};

struct node; /* opaque outside src/core */

/* Bytes that a node needs, whatever its configuration. */
size_t node_size(void);

/* Bytes for a mirror of so many objects. They are touched only as far as they are used. */
size_t node_mirror_size(uint32_t objects);

/* Makes a node in `mem` (node_size() bytes, aligned as malloc aligns). `saved` is copied.
 * `adopt`: bit per group whose addresses this machine already holds (an engine restarted under
 * its guardian); such a group starts as one that holds them and asks the peer before it
 * moves anything. */
struct node *node_init(void *mem, const struct node_env *env, const struct node_saved *saved,
	uint64_t adopt, mono_t now);

/* Tells the node what happened. *out is overwritten. `now` never goes back. */
void node_step(struct node *n, mono_t now, const struct event *event, struct actions *out);

/* When EVENT_TIMER is due. */
mono_t node_deadline(const struct node *n);

/* True when `next` can replace `now` while the daemon runs: cluster, nodes and own name are
 * equal. */
bool conf_can_replace(const struct conf *now, const struct conf *next);

/* Puts *conf (borrowed from now on) in force: groups with the same id in both keep their state and
 * term. Addresses that came or went, also those of groups that went, are the guardian's to
 * change. Actions are for the caller as after a step. RESULT_NEEDS_RESTART, and no change, unless
 * conf_can_replace(). */
enum result node_reconfigure(
	struct node *n, mono_t now, const struct conf *conf, struct actions *out);

const struct node_saved *node_saved(const struct node *n);
/* COUNTER_COUNT values. */
const uint64_t *node_counters(const struct node *n);

/* What is known of one node's part in a group. */
struct standing_view {
	bool known; /* false: the peer is not heard */
	enum group_state state;
	uint32_t term;
	uint8_t priority;
	bool eligible, operable, in_sync, served, holding;
	uint16_t failed_weight;
};

struct group_view {
	uint8_t id;
	struct standing_view own, peer;
	int master;              /* node index, or -1 */
	mono_t since;            /* of own.state */
	enum election_rule rule; /* the last verdict */
	enum reason reason;      /* of the last change of state */
	bool preempt_suspended;
	mono_t rests_until; /* by rule 2f; past: nothing holds it */
	bool handing_over;
	unsigned role_failed; /* addresses and routes that the kernel refused */
	bool clashes;         /* others used its virtual MAC, a short while ago */
};

struct path_view {
	enum path_state state;
	bool carrier;         /* last known; true for a path that has none */
	mono_t heard_at;      /* MONO_NEVER: not yet */
	uint32_t echo_age_us; /* of our number that the last beat echoed; 0 = none */
};

/* The last full copy that came to its end. */
struct mirror_copy {
	uint32_t times; /* how many came to their end; 0: none, and the rest is 0 */
	uint32_t objects, ms;
	mono_t at;
};

/* The last comparison of its kind. */
struct mirror_found {
	uint32_t times; /* how many there were; 0: none, and the rest is 0 */
	uint32_t compared, differed;
	bool failed;   /* there was nothing to compare with */
	uint32_t ever; /* differed in all of them */
};

/* What came to its end in the mirror. */
struct mirror_past {
	struct mirror_copy sent, heard;
	/* Walks through the kernels' tables, in objects: this one's, and the peer's when it was
	 * asked for one. Those that began are counted, too: of this node one is under way at most,
	 * and `own` has the number of the last that ended. */
	uint32_t walks;
	struct mirror_found own, peer;
	uint32_t own_ms;
	mono_t own_at;
	/* Digests of what the one owns with those of what the other has of it, in buckets. */
	struct mirror_found ours, theirs;
	uint32_t unanswered; /* of ours that are under way */
};

/* What the peer last said of a monitor that has the same name here. */
struct monitor_view {
	bool known; /* false: it has none, or is not heard, or has not told yet */
	bool ok;
	uint8_t weight;
};

struct mirror_view {
	bool on;                               /* there is one */
	uint32_t kinds;                        /* that are mirrored, bit by number */
	bool up;                               /* there is a channel to the peer */
	bool complete;                         /* all that the peer has came over */
	bool waited;                           /* in sync only since the sync wait is over */
	bool sending, receiving;               /* a full copy */
	uint32_t sent_so_far, received_so_far; /* of it */
	uint32_t local[OBJECT_KIND_MAX + 1], mirrored[OBJECT_KIND_MAX + 1]; /* objects by owner */
	uint32_t index_used, index_size;
	uint64_t lag_us;      /* of what this node sends */
	uint64_t peer_lag_us; /* of what the peer sends */
	size_t backlog;       /* bytes */
	bool auditing;
	bool arrived; /* the last full copy sent is with the peer to its end */
	struct mirror_past past;
};

struct node_view {
	mono_t now;
	struct mirror_view mirror;
	bool peer_alive;
	mono_t peer_since; /* of peer_alive's value */
	bool peer_in_sync;
	bool in_sync;
	bool session;      /* keys agreed */
	bool conf_differs; /* the peer's digest is another */
	bool realtime, peer_realtime;
	bool stopping;
	unsigned n_groups, n_paths;
	struct group_view group[CONF_GROUPS_MAX];
	struct path_view path[CONF_PATHS_MAX];
	bool monitor_ok[CONF_MONITORS_MAX];
	struct monitor_view peer_monitor[CONF_MONITORS_MAX];
};

void node_look(const struct node *n, mono_t now, struct node_view *ret_view);

/* Names, as status and log show them. */
const char *group_state_name(enum group_state state);
const char *path_state_name(enum path_state state);
const char *rule_label(enum election_rule rule); /* "2b" */
const char *rule_text(enum election_rule rule);
const char *reason_text(enum reason reason);
const char *result_text(enum result result);
bool result_ok(enum result result);
const char *counter_key(enum counter counter);
const char *counter_text(enum counter counter);

#endif
