/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * state: what a node is made of. Private to the core; each part has one file that writes it:
 * group.c the groups' roles, handover.c their hand-overs, beat.c what is known of the peer,
 * command.c the pending request, node.c the rest.
 */
#ifndef NSRP_CORE_STATE_H
#define NSRP_CORE_STATE_H

#include "nsrp/node.h"
#include "nsrp/wire.h"
#include "document.h"
#include "election.h"
#include "flap.h"
#include "handshake.h"
#include "health.h"
#include "linkset.h"
#include "suspect.h"
#include "vigil.h"
#include "will.h"

struct mirror;

enum handover_phase {
	HANDOVER_NONE,
	HANDOVER_ASKING,     /* master: waits for the peer's answer */
	HANDOVER_DRAINING,   /* master: the peer said yes; it is to have every record first */
	HANDOVER_STOPPING,   /* master: it stops sending by IPsec */
	HANDOVER_RELEASING,  /* master: its addresses are being removed */
	HANDOVER_RELEASED,   /* waits for the peer to be master */
	HANDOVER_RECLAIMING, /* it is not: says that it will be master again, and waits on */
	HANDOVER_LOOKING,    /* peer: reads its links anew before it answers */
	HANDOVER_RESERVED,   /* peer: waits for the master's release */
	HANDOVER_REFUSING,   /* peer: says no until the master stops asking */
};

/* Who is told how a command ended; else a command's own token. */
enum { TOKEN_NONE = 0, TOKEN_PEER = INT32_MAX };

struct handover {
	enum handover_phase phase;
	uint32_t term; /* the one the peer is to have */
	enum reason reason;
	bool force;
	mono_t until;      /* the phase is given up then; MONO_NEVER while RELEASING */
	mono_t retry_at;   /* no new hand-over by election before this */
	uint32_t retry_ms; /* grows with each that failed */
	uint32_t token;    /* who is told how it ended */
	uint32_t mark;     /* DRAINING: what comes before it in the channel is to be delivered */
	uint32_t steps;    /* that it went through so far: bit by number, and when */
	mono_t step_at[STEP_COUNT];
};

/* What the peer last said of itself in a group. */
struct peer_record {
	bool known;
	enum group_state state;
	uint8_t flags; /* WIRE_GROUP_* */
	uint8_t priority;
	uint32_t term;
	uint8_t handover; /* WIRE_HANDOVER_* */
	enum reason reason;
	uint32_t handover_term;
	uint16_t failed_weight;
};

struct group {
	enum group_state state;
	mono_t since;
	enum election_rule rule; /* the last verdict */
	enum reason reason;      /* of the last change of state */
	uint32_t term;           /* of our own last mastership, or the highest heard of */
	bool holding;
	unsigned orders;   /* roles ordered and not reported done */
	enum role ordered; /* the last one; meaningful while holding */
	bool decided;      /* a state other than init was reached */
	bool maintenance;
	bool served;
	bool settling; /* master, and not all that a takeover brings is over */
	bool preempt_suspended;
	mono_t preempt_at;  /* when the hold-down is over; MONO_NEVER: conditions not met */
	bool preempting;    /* it is over: the peer is asked to hand over */
	mono_t announce_by; /* at the latest; MONO_NEVER: nothing is to be announced */
	unsigned role_failed;
	uint32_t two_masters_ms;        /* of the last time that two masters met */
	mono_t clash_at, clash_told_at; /* of its virtual MAC; MONO_NEVER: none */
	struct handover handover;
	struct flap flap;
	struct peer_record peer;
};

/* Why groups without a master wait in init. */
enum joining {
	JOINING_NOT,
	JOINING_BOOT, /* started: listens for the boot wait */
	JOINING_LATE, /* ran late, or was adopted: listens for the detection time */
};

struct node {
	struct node_env env;
	const struct conf *conf;
	uint64_t counter[COUNTER_COUNT];
	struct node_saved saved;
	mono_t deadline; /* what node_deadline() last promised */

	struct handshake handshake;
	struct linkset links;
	struct suspect suspect;
	struct health health;
	struct vigil vigil;
	struct will will;
	bool carrier[CONF_PATHS_MAX];
	bool in_sync;

	enum joining joining;
	mono_t join_until, join_latest;
	mono_t join_earliest; /* it ran late, and listens, whatever the carriers do */
	bool carrier_seen;
	bool stopping, parted;
	mono_t stop_until;

	/* The peer, as far as no group is concerned. */
	bool peer_known; /* a beat of this boot of the peer was heard, and the peer is alive */
	enum reason peer_gone; /* why it is not known any more */
	mono_t peer_since;     /* of links.peer_alive's value */
	mono_t forgotten_at;   /* what the peer said, the last time it was known */
	uint64_t peer_beat;    /* the highest number heard */
	uint64_t peer_echo;    /* our number that it echoed: its facts are no older */
	uint64_t peer_digest;
	uint32_t peer_interval_us;
	bool peer_realtime;

	mono_t beat_due, secondary_due;
	bool urgent;   /* secondary paths carry every beat */
	bool beat_now; /* something changed that the peer should know at once */
	bool save_now;

	struct {
		uint32_t last_id;
		struct {
			bool active;
			uint32_t id, token;
			uint8_t verb, group, flags;
			mono_t until;
		} out; /* asked of the peer */
		struct {
			uint32_t id; /* 0 = none yet */
			bool answered;
			enum result result;
		} in; /* asked by the peer */
		struct {
			uint32_t token; /* TOKEN_NONE: none */
			enum result result;
		} every; /* a failover of all groups under way, and the first failure so far */
	} request;

	struct mirror *mirror; /* NULL: none */
	struct document document[DOCUMENTS];

	struct group group[CONF_GROUPS_MAX];
	uint8_t text[WIRE_FRAME_MAX]; /* an opened body */
};

/* node.c */
struct action *node_act(struct actions *out, enum action_type type, uint32_t target);
static inline void node_count(struct node *n, enum counter counter)
{
	n->counter[counter]++;
}
/* A step after its lateness was judged: adds to *out. */
void node_continue(struct node *n, mono_t now, const struct event *event, struct actions *out);
/* The peer is gone for that reason, or must be heard anew: nothing it said counts. */
void node_forget_peer(struct node *n, mono_t now, enum reason reason, struct actions *out);
/* The index of the group with that id, or -1. */
int node_group_of_id(const struct node *n, uint8_t id);
/* Paths or the peer changed: logs it; a lost peer is forgotten. */
void node_links_changed(
	struct node *n, mono_t now, const struct linkset_change *change, struct actions *out);
/* Nothing is heard of the peer any more; links.peer_alive says so already. */
void node_peer_lost(struct node *n, mono_t now, struct actions *out);
/* The longer heartbeat of both nodes times our lost-after. */
uint64_t node_detection_us(const struct node *n);

#endif
