/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * linkset: which paths to the peer are alive, both ways, and whether the peer is.
 *
 * Pure: it is told the time and what was heard. The rules are P6.1, P6.2 and P6.4 of
 * doc/PROTOCOL.md. A beat's number is the time it was sent, in microseconds; so the number that
 * comes back as an echo tells its own age.
 */
#ifndef NSRP_CORE_LINKSET_H
#define NSRP_CORE_LINKSET_H

#include "nsrp/conf.h"
#include "nsrp/node.h"

enum {
	LINKSET_SECONDARY_FACTOR = 10, /* secondary paths beat this much slower */
	LINKSET_RTT_EVERY_MS = 5000,   /* their round-trip time is measured that often, */
	LINKSET_RTT_QUICK_US = 3000,   /* and with each beat when it was longer than this */
	LINKSET_HOLD_MS = 500,         /* so long a HOLD keeps the peer alive */
};

struct linkset {
	unsigned n_links, n_paths; /* HA links come first */
	uint64_t detection_us;
	uint64_t beat;     /* the last number sent */
	uint64_t grace_us; /* own lateness that the peer is not to suffer for */
	mono_t grace_until;
	bool peer_alive;
	mono_t peer_until;
	mono_t hold_until;     /* its guardian spoke for it; past: it does not */
	mono_t links_fresh_at; /* of the last fresh beat by an HA link; MONO_NEVER: none yet */
	struct path {
		enum path_state state;
		mono_t heard_at, heard_until; /* heard_at MONO_NEVER: not yet */
		mono_t alive_until;           /* meaningful while ALIVE */
		uint64_t beat;                /* the peer's last number heard here */
		uint64_t echo_age_us;
		uint64_t probe;  /* the last beat that was to be answered at once, and was not
				  * yet; 0: none */
		uint64_t rtt_us; /* of the last one that was; UINT64_MAX: none */
		mono_t rtt_at;
	} path[CONF_PATHS_MAX];
};

/* What linkset_heard() and linkset_expire() changed. */
struct linkset_change {
	uint32_t paths; /* bit per path whose state changed */
	bool peer;      /* peer_alive changed */
	bool fresh;     /* heard: this beat proves that the peer hears us */
};

void linkset_init(struct linkset *ls, unsigned n_links, unsigned n_paths, uint64_t detection_us);

/* The paths are other ones: `from[i]` is the old index of path i, or -1 for a new one. */
void linkset_rearrange(
	struct linkset *ls, unsigned n_links, unsigned n_paths, const int from[CONF_PATHS_MAX]);

/* The number of the next beat: `now`, made to grow. */
uint64_t linkset_next_beat(struct linkset *ls, mono_t now);

/* A beat with the peer's `number` came by path i. It echoes `echo_here` as heard on this very
 * path and `echo_best` as the highest heard on any (0 = none). */
struct linkset_change linkset_heard(struct linkset *ls, unsigned i, mono_t now, uint64_t number,
	uint64_t echo_here, uint64_t echo_best);

/* The next beat by the secondary paths is to be answered at once, to know their round-trip times.
 */
bool linkset_wants_probe(const struct linkset *ls, mono_t now);
/* The last beat went by all secondary paths, to be answered at once. */
void linkset_probed(struct linkset *ls);

/* Moves paths and the peer that were silent for too long to lost. */
struct linkset_change linkset_expire(struct linkset *ls, mono_t now);

/* This node ran late: silence during late_us was nobody's fault. */
void linkset_ran_late(struct linkset *ls, mono_t now, uint64_t late_us);

/* Nothing of what was heard counts any more; the peer is not alive. */
void linkset_forget(struct linkset *ls);

/* The peer is another boot: the numbers heard from the one before are not echoed any more. It has
 * the detection time to be heard both ways if a HOLD lasts. */
void linkset_peer_restarted(struct linkset *ls, mono_t now);

/* The peer's guardian said that its engine restarts: a peer that is alive is not lost before
 * LINKSET_HOLD_MS are over. */
void linkset_hold(struct linkset *ls, mono_t now);

/* The peer said that it stops. */
void linkset_parted(struct linkset *ls);

/* True while no HA link brought a fresh beat for one and a half heartbeats, though the peer is
 * alive. */
bool linkset_is_urgent(const struct linkset *ls, mono_t now, uint64_t heartbeat_us);

/* The earliest time at which linkset_expire() has something to say. */
mono_t linkset_deadline(const struct linkset *ls);

/* The earliest time at which linkset_is_urgent() may turn true; MONO_NEVER while it is. */
mono_t linkset_urgent_at(const struct linkset *ls, mono_t now, uint64_t heartbeat_us);

#endif
