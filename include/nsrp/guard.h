/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * guard: the guardian's decisions, as a value without I/O.
 *
 * The guardian carries out what the engine orders (addresses and routes of a group), keeps the
 * leases, and decides what happens when the engine dies, hangs or is paused: a first death is
 * followed by a new engine that adopts the addresses; a second one soon after it, or a hang,
 * withdraws them. The peer is told with the frames that the engine entrusted: HOLD before it can
 * take a silent engine for a dead node, PARTING once nothing is held. Groups are named by index
 * in struct conf.
 */
#ifndef NSRP_GUARD_H
#define NSRP_GUARD_H

#include "nsrp/base.h"
#include "nsrp/conf.h"
#include "nsrp/event.h"

enum {
	GUARD_LEASE_MS = 6000, /* addresses live this long without renewal */
	GUARD_RENEW_MS = 2000,
	GUARD_LINGER_MS = 2000,   /* an old master goes on forwarding */
	GUARD_SUPERSEDED_MS = 20, /* but only so long when the new one was heard */
	GUARD_START_MS = 3000,    /* an engine may need so long before it is heard */
	GUARD_HANG_MS = 400,      /* an engine that is late for so long after HOLD hangs */
	GUARD_LATE_MS = 10,       /* a guardian later than this does not judge its engine */
	GUARD_SOON_MS = 5000,     /* a second death within this time withdraws */
	GUARD_BACKOFF_MAX_MS = 30000,
	GUARD_PUT_BACK_MAX = 5, /* times in GUARD_PUT_BACK_MS; then not before it is over */
	GUARD_PUT_BACK_MS = 10000,
	GUARD_ACTIONS_MAX = 4 * CONF_GROUPS_MAX + 8,
};

enum guard_action_type {
	GUARD_ADD,           /* add the group's addresses and routes, announce, report ROLE_DONE */
	GUARD_REMOVE,        /* remove them all, report ROLE_DONE if `report` */
	GUARD_REMOVE_LINGER, /* remove the addresses, keep forwarding, report ROLE_DONE */
	GUARD_REMOVE_REST,   /* remove what a GUARD_REMOVE_LINGER kept */
	GUARD_PUT_BACK,      /* add again what another program removed */
	GUARD_RENEW,         /* renew the leases of all held groups */
	GUARD_SPAWN,         /* start an engine, which adopts guard_held() */
	GUARD_KILL,          /* kill the engine; guard_engine_died() follows */
	GUARD_SAY_HOLD,      /* send the HOLD frames that the engine entrusted, if there are any */
	GUARD_SAY_PARTING,   /* send the PARTING frames, once what is removed is gone */
	GUARD_TELL_LEASE_LOST, /* tell the engine, EVENT_LEASE_LOST */
	GUARD_TELL_TAKEN_AWAY, /* tell the engine, EVENT_TAKEN_AWAY */
	GUARD_EXIT,            /* nothing is held any more: the guardian may end */
};

struct guard_action {
	enum guard_action_type type;
	unsigned group;
	uint32_t term;
	bool report;
};

struct guard_actions {
	unsigned n;
	struct guard_action action[GUARD_ACTIONS_MAX];
};

enum guard_engine { GUARD_ENGINE_NONE, GUARD_ENGINE_RUNNING, GUARD_ENGINE_KILLED };

/* Treat the fields as private. */
struct guard {
	unsigned n_groups;
	enum guard_engine engine;
	bool stopping;
	mono_t spawn_due, died_at, renew_due, renewed_at;
	uint64_t patience_us;
	mono_t engine_due; /* it is to be heard by then */
	mono_t held_at;    /* HOLD was said for it since it was heard; MONO_NEVER: it was not */
	uint32_t backoff_ms;
	uint64_t starts;
	struct guard_group {
		bool held;
		uint32_t term;
		mono_t linger_until; /* MONO_NEVER: nothing is kept */
		mono_t put_back_since;
		unsigned put_backs; /* since then */
		bool yielded;
	} group[CONF_GROUPS_MAX];
};

/* How late an engine may be before its guardian speaks for it: the peer is not to lose it before.
 * Microseconds. */
uint64_t guard_patience_us(const struct conf *conf);

/* `held`: bit per group whose addresses a former guardian left here; the first engine adopts
 * them. The first engine is due at once. */
void guard_init(struct guard *g, const struct conf *conf, uint64_t held, mono_t now);

/* Groups whose addresses are on this machine. */
uint64_t guard_held(const struct guard *g);

/* The inputs: each overwrites *out. */
void guard_timer(struct guard *g, mono_t now, struct guard_actions *out);
/* The engine ordered a role. */
void guard_ordered(struct guard *g, mono_t now, unsigned group, enum role role, uint32_t term,
	struct guard_actions *out);
/* The engine did something, and promises to be heard again by `due`. */
void guard_engine_heard(struct guard *g, mono_t due);
/* The engine's process ended; `clean` when it had ended its work by ACTION_EXIT. */
void guard_engine_died(struct guard *g, mono_t now, bool clean, struct guard_actions *out);
/* Addresses or routes of a held group were found missing. They are put back, unless their lease
 * is over: a guardian that wakes from a long pause hears of that before its timer. */
void guard_missing(struct guard *g, mono_t now, unsigned group, struct guard_actions *out);
/* The group's new master was heard: what is under way arrives here within a moment, and then what
 * this node sent for the group would mislead the network. */
void guard_superseded(struct guard *g, mono_t now, unsigned group);
/* The service is to stop; the engine has been told and hands over first. */
void guard_stop(struct guard *g, mono_t now, struct guard_actions *out);

mono_t guard_deadline(const struct guard *g);

/* Another configuration is in force: from[i] is the old index of group i, or -1; the caller has
 * removed the addresses of groups that went. */
void guard_rearrange(struct guard *g, const struct conf *conf, const int from[CONF_GROUPS_MAX]);

#endif
