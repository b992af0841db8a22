/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node: the core of one node, as a value.
 *
 * node_step() is the only way in and node_deadline() the only timer. The core decides and does
 * no I/O: it is told the time and what happened, and answers with actions (nsrp/event.h), which
 * the caller carries out in the order of the list. Results come back as events. The same state and
 * the same event give the same actions.
 *
 * Groups, paths and monitors are named by their index in struct conf.
 */
#ifndef NSRP_NODE_H
#define NSRP_NODE_H

#include "nsrp/base.h"
#include "nsrp/conf.h"
#include "nsrp/crypto.h"
#include "nsrp/document.h"
#include "nsrp/event.h"
#include "nsrp/log.h"
#include "nsrp/object.h"
#include "nsrp/tables.h"

enum path_state {
	PATH_SILENT,  /* nothing heard since the start */
	PATH_ALIVE,   /* heard, and the peer hears us on it */
	PATH_ONE_WAY, /* heard, but the peer does not hear us on it */
	PATH_LOST,    /* was heard, then quiet for the detection time */
};

/* Of a document. Only the first two outlive the guardian, and only `consent` a boot. */
struct document_saved {
	bool consent;   /* the pair mirrors it */
	bool started;   /* since the boot it was decided whether what is kept is applied */
	bool heard;     /* the peer offered `offer`, and this node's own did not count since */
	uint8_t result; /* enum document_result: what came of it; 0 = nothing yet */
	uint32_t sync;  /* the operator's wish that was heeded last */
	struct document_digest offer, lasting;
	char text[DOCUMENT_TEXT_MAX]; /* beside `result` */
};

/* What outlives the process, in STATEDIR. */
struct node_saved {
	uint32_t term; /* the highest seen in any group */
	uint8_t n_maintenance;
	uint8_t maintenance[CONF_GROUPS_MAX]; /* ids (not indexes) of groups in maintenance */
	struct document_saved document[DOCUMENTS];
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
	uint32_t mirror_absent; /* kinds that this kernel does not have, bit by number */
	uint8_t mirror_key[16]; /* of the hash, equal on both nodes */
	/* Documents that a clerk reads here; bit by number. They need the mirror's channel. */
	uint32_t documents;
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
	mono_t numbers_at; /* an SA's replay state was told last, by either; MONO_NEVER: not yet */
	bool auditing;
	bool arrived; /* the last full copy sent is with the peer to its end */
	struct mirror_past past;
};

/* X(name, key, text): how the two nodes' documents of a kind are to each other. */
#define DOCUMENT_CONDITIONS(X)                                                                     \
	X(OFF, "off", "it is not mirrored")                                                        \
	X(UNREAD, "unread", "this node's is not read")                                             \
	X(ALONE, "alone", "there is none of the peer's to compare it with")                        \
	X(FOREIGN, "foreign", "the two releases do not understand each other's")                   \
	X(EQUAL, "equal", "both nodes have the same")                                              \
	X(OPEN, "open", "the nodes differ, and neither one's counts before `sync`")                \
	X(HELD, "held", "it waits for the end of the other node's maintenance")                    \
	X(MOVING, "moving", "the source's is on its way")                                          \
	X(REFUSED, "refused", "the standby refused the source's")                                  \
	X(DRIFT, "drift", "it was changed on the standby")

enum document_condition {
#define X(name, key, text) CONDITION_##name,
	DOCUMENT_CONDITIONS(X)
#undef X
		CONDITION_COUNT
};

/* What came of the source's document at the standby. */
struct document_past {
	uint32_t times; /* 0: nothing yet, and the rest is 0 */
	enum document_result result;
	bool asked; /* the operator's wish */
	mono_t at;
	struct document_digest digest;
	char text[DOCUMENT_TEXT_MAX];
};

struct document_view {
	bool built; /* this build has the kind */
	bool on;
	enum document_condition condition;
	mono_t since;        /* of the condition */
	int source;          /* node index; -1: neither one's counts */
	bool consent, asked; /* a sync is under way */
	bool known, peer_known;
	struct document_digest own, peer;
	size_t bytes;                      /* of this node's */
	size_t come, to_come;              /* bytes of the one that is on its way here */
	char trouble[DOCUMENT_TEXT_MAX];   /* why it is not read */
	struct document_past mine, theirs; /* at this node, at the other */
};

struct node_view {
	mono_t now;
	struct mirror_view mirror;
	struct document_view document[DOCUMENTS];
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

/* What may strike the pair. */
enum mishap_kind {
	MISHAP_MONITOR, /* number `index` fails, where it did not */
	MISHAP_PATH,    /* nothing passes path `index` any more */
	MISHAP_LINKS,   /* nor any HA link */
	MISHAP_APART,   /* nor any path */
	MISHAP_NODE,    /* power is lost */
};

struct mishap {
	enum mishap_kind kind;
	unsigned index;
	bool here, there; /* MONITOR, NODE: strikes this node, the other, or both */
};

struct foresight {
	bool master[CONF_NODES];
	enum election_rule rule; /* of the node that moves, else of the master */
};

/* Who would be master of group g, by index, once both nodes know of the mishap and what is under
 * way is over; both are while neither hears the other. What it asks is the election of group g as
 * it runs on this node, and as the other runs it with what is known of it here. A peer that is
 * not heard is master of nothing. */
void node_foresee(const struct node *n, mono_t now, unsigned g, const struct mishap *mishap,
	struct foresight *ret_foresight);

/* Names, as status and log show them. */
const char *group_state_name(enum group_state state);
const char *path_state_name(enum path_state state);
const char *rule_label(enum election_rule rule); /* "2b" */
const char *rule_text(enum election_rule rule);
const char *reason_text(enum reason reason);
const char *step_key(enum step step);
const char *step_text(enum step step);
const char *document_kind_name(uint8_t kind);
const char *document_result_text(enum document_result result);
const char *document_condition_key(enum document_condition condition);
const char *document_condition_text(enum document_condition condition);
const char *result_text(enum result result);
bool result_ok(enum result result);
const char *counter_key(enum counter counter);
const char *counter_text(enum counter counter);

#endif
