/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check_memory: what the checks remember of a schedule.
 */
#ifndef SIM_CHECK_MEMORY_H
#define SIM_CHECK_MEMORY_H

#include "nsrp/conf.h"
#include "nsrp/event.h"

enum { WORLD_GROUPS_MAX = 4, WORLD_PATHS_MAX = 4, CHECK_SESSIONS = 4, CHECK_LATE = 8 };

/* What the checks remember of a machine; times are the world's, 0 = never or not now. */
struct check_machine {
	uint64_t powered_at;
	uint64_t engine_since, carrier_at; /* of the present engine */
	uint64_t adopted;                  /* bit per group */
	uint64_t gone_since;               /* the guardian runs, and its engine does not */
	uint64_t stopped_at;               /* paused, or the engine hangs, since then */
	uint64_t woke_at, late_us;         /* the last time that ended, and how long it took */
	struct {
		uint64_t woke_at, us;
	} late[CHECK_LATE]; /* the last times that it can have been late by so much and go on */
	unsigned n_late;
	uint64_t on_time_since;          /* it was never late by much since then */
	uint64_t awake_since;            /* nor by the detection time since then */
	uint64_t fresh_at;               /* of the last beat that proved the peer alive */
	uint64_t suspicions;             /* the value of their counter then */
	uint64_t heard[WORLD_PATHS_MAX]; /* the newest frame accepted: when it was sent */
	uint64_t lost;                   /* the value of its counter */
	struct check_will {
		uint64_t n, at;            /* the value of its counter, and when it grew */
		uint64_t handshakes, late; /* counters then */
	} hold, parting;
	uint32_t offer;
	uint64_t offer_at;
	uint64_t listens_until; /* it was late by the detection time: P6.4 */
	bool failed[CONF_MONITORS_MAX], in_sync, stopping;
	struct { /* the peer's request that it carried out last */
		uint32_t engine, id;
		uint64_t n; /* the value of its counter */
	} request;
	struct check_heard { /* by session */
		uint32_t session;
		uint64_t highest[WORLD_PATHS_MAX]; /* sequence accepted */
	} sessions[CHECK_SESSIONS];
	unsigned n_sessions;
	struct {
		enum group_state state;
		bool maintenance;
		bool eligible, was_eligible; /* as of this step, of the one before */
		bool dropping;               /* the removal was ordered and is not reported */
		bool lease_lost;             /* since its last mastership */
		unsigned phase;              /* of the hand-over */
		uint64_t refused_at;
		bool suspended;               /* no preemption after a manual failover */
		uint64_t fit_since, unfit_at; /* for preemption */
		uint32_t preempts_by;         /* the term that it accepted last for preemption */
		uint64_t announced_at, must_announce_at;
		uint64_t lingers_since;
	} group[WORLD_GROUPS_MAX];
};

struct check {
	struct check_machine of[2];
	uint64_t both_since[WORLD_GROUPS_MAX], none_since[WORLD_GROUPS_MAX];
	uint64_t contact[2][WORLD_GROUPS_MAX]; /* since both hold: heard by machine */
	unsigned takes[WORLD_GROUPS_MAX];      /* since the first fault */
	uint32_t sender; /* of the frame just heard: how many engines it had had */
	uint64_t echo;   /* the highest number that the frame just heard echoes; 0 = none */
	uint64_t released_at[WORLD_GROUPS_MAX];
	uint64_t path_ok_since[WORLD_PATHS_MAX]; /* both ways */
	uint64_t disturbed_at;                   /* anything happened, also to a master */
	uint64_t calm_at;                        /* anything from outside happened */
	unsigned lasting;                        /* faults that have begun and not ended */
	uint64_t flood_at, slow_at;
	bool slow; /* the kernels are */
	uint64_t same_time, steps_there;
};

#endif
