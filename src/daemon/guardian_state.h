/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * guardian_state: what the guardian's files share. guardian.c starts and ends it, steward.c
 * writes addresses, guardian_engine.c talks with the engine, guardian_programs.c has hooks and
 * scripts, guardian_clerk.c the clerk.
 */
#ifndef NSRP_DAEMON_GUARDIAN_STATE_H
#define NSRP_DAEMON_GUARDIAN_STATE_H

#include "annals.h"
#include "chores.h"
#include "guardian.h"
#include "hooks.h"
#include "message.h"
#include "wake.h"
#include "io/pulse.h"
#include "scripts.h"
#include "wills.h"
#include "nsrp/guard.h"
#include "io/announce.h"
#include "io/announcer.h"
#include "io/control_socket.h"
#include "io/loop.h"
#include "io/path.h"
#include "io/vip.h"
#include "io/vmac.h"

enum { REPORTS_MAX = 512 };

struct guardian {
	const struct guardian_setup *setup;
	const struct log *log;
	struct loaded loaded;
	struct node_saved saved; /* the last the engine wanted saved */
	struct guard guard;
	struct chores chores;
	struct annals annals;
	struct hooks hooks;
	struct scripts scripts;
	pid_t looker;    /* a child that looks at all programs; 0 = none */
	bool look_again; /* when it has ended: others are configured */
	bool leaving;    /* nothing is left but hooks that run */

	struct loop loop;
	struct loop_signals signals;
	struct loop_timer guard_timer, announce_timer, more_timer, watchdog_timer;
	struct loop_timer audit_timer, round_timer;
	struct control_socket control;

	pid_t engine;  /* 0 = none */
	int engine_fd; /* -1 = none */
	struct loop_fd engine_io;
	bool engine_ready, engine_exits, ready_told;
	struct wake *wake;   /* of the engine, owned */
	struct pulse *pulse; /* what engines saw of the pair, owned */
	mono_t wake_seen;
	struct wills wills;
	bool parting_due;             /* PARTING is to be sent when nothing is held */
	uint32_t n_holds, n_partings; /* sent so far */
	uint64_t watchdog_us;         /* 0 = the service manager wants none */

	pid_t clerk;  /* 0 = none */
	int clerk_fd; /* -1 = none, or it is to end */
	mono_t clerk_since;
	uint32_t clerk_wait_ms; /* after the last end */
	uint32_t clerk_starts;
	struct loop_timer clerk_timer;

	/* steward.c */
	struct rtnl *rtnl;
	struct watch *watch;
	struct loop_fd watch_io;
	struct vip *vip;
	struct vmac *vmac;
	struct announce announce;
	struct announcer announcer;
	uint64_t audit;                   /* groups that may lack something */
	bool leftovers;                   /* of an old configuration may be there */
	unsigned rounds;                  /* of audits of all groups, so far */
	struct path path[CONF_PATHS_MAX]; /* for joining; nothing is heard by them */
	unsigned n_paths;
	unsigned first_report, n_reports; /* a ring: orders whose end is to be reported */
	struct report_due {
		unsigned group;
		enum role role;
		uint32_t term;
	} report[REPORTS_MAX];
};

/* guardian.c */
void guardian_obey(struct guardian *g, const struct guard_actions *actions);
void guardian_arm(struct guardian *g);

/* steward.c */
int steward_init(struct guardian *g);
void steward_fini(struct guardian *g);
/* Carries out one of the actions that concern addresses. */
void steward_do(struct guardian *g, const struct guard_action *action);
/* Carries out and reports what is under way. Nothing is added meanwhile, so it takes no longer
 * than the rest of one change and one round of renewals would anyway. */
void steward_settle(struct guardian *g);
/* Another configuration replaced the one before; old groups that are gone are given up. */
void steward_reconfigure(struct guardian *g, const struct conf *old);
void steward_announce(struct guardian *g, unsigned group);
/* Sends what the engine entrusted for when it is silent; and for when everything was given up, once
 * that is so. */
void steward_say_hold(struct guardian *g);
void steward_say_parting(struct guardian *g);

/* guardian_programs.c */
void programs_init(struct guardian *g);
void programs_fini(struct guardian *g);
/* Another configuration is in force. */
void programs_reconfigure(struct guardian *g);
/* The service ends. True when no hook is to be waited for; else the loop stops after it. */
bool programs_finish(struct guardian *g);
/* True if the child is a program, or looked at them, and has been reaped. */
bool programs_heard_child(struct guardian *g, pid_t pid);
/* In a forked child. */
void programs_abandon(struct guardian *g);

/* guardian_clerk.c */
void clerk_init(struct guardian *g);
/* Waits for what the clerk is doing, not for long. */
void clerk_fini(struct guardian *g);
/* Another configuration is in force. */
void clerk_reconfigure(struct guardian *g);
/* The engine or the clerk is new: they are given a way to each other. */
void clerk_introduce(struct guardian *g);
/* A child ended; true if it was the clerk. */
bool clerk_ended(struct guardian *g, pid_t pid, int status);

/* guardian_engine.c */
/* Forks a child to which there is a pair of sockets. Its pid, 0 in the child, or negative errno;
 * *ret_fd is the end of whoever is told. */
pid_t guardian_fork(int *ret_fd);
/* In a forked child: what is the guardian's alone is closed. */
void guardian_shed(struct guardian *g);
/* Looks whether the engine did something since. */
void guardian_check_wake(struct guardian *g);
void guardian_spawn(struct guardian *g);
void guardian_engine_ended(struct guardian *g, int status);
void guardian_tell(struct guardian *g, const struct message *message);
void guardian_tell_group(struct guardian *g, enum message_type type, unsigned group);
void guardian_count(struct guardian *g, enum counter counter, uint32_t n);
/* Reads the files again and puts them in force; `token` of the engine is told. */
void guardian_reload(struct guardian *g, uint32_t token);

#endif
