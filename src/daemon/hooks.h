/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hooks: the program of a group, run after the group's state has changed.
 *
 * Each group has one that runs at a time. While it does, and for HOOK_DELAY_MS after a change, in
 * which addresses go first, later states replace the one that waits: the last one is always told,
 * those between never. The old state is the one that the program was told last, whatever became of
 * that run. Nothing waits for a hook but the end of the service, and that not for long.
 *
 * An engine that was adopted takes the mastership up again, REASON_RESUMED, which is no change.
 */
#ifndef NSRP_DAEMON_HOOKS_H
#define NSRP_DAEMON_HOOKS_H

#include "complaint.h"
#include "nsrp/conf.h"
#include "nsrp/event.h"

enum {
	HOOKS_MAX = UINT8_MAX + 1, /* one for each id of a group */
	HOOK_DELAY_MS = 20,
	HOOK_LIMIT_MS = 30000,
	/* When the service ends: for what runs then, for the last run, and for both. */
	HOOK_RUNNING_LIMIT_MS = 1000,
	HOOK_LAST_LIMIT_MS = 5000,
	HOOKS_END_MS = 10000,
};

/* All pointers are borrowed. */
struct hooks_setup {
	struct loop *loop;
	const struct log *log;
	const struct conf *conf; /* its contents may be replaced */
	void *user;
	void (*counted)(void *user, enum counter counter);
	void (*over)(void *user); /* nothing runs any more, after hooks_finish() said so */
};

/* The caller's storage; does not move. The fields are private. */
struct hooks {
	struct hooks_setup setup;
	struct loop_timer timer, end_timer;
	bool ending, over;
	struct hook {
		struct hooks *hooks; /* NULL: nothing was ever heard of the group */
		uint8_t group;       /* its id */
		/* What ran last: also for a group that is taken out of the configuration. */
		char path[CONF_PATH_MAX];
		struct program program;
		bool was_told, waits;
		struct action_record told, wanted;
		mono_t due;
		struct complaint complaint;
	} hook[HOOKS_MAX];
};

/* `h` is zero-initialised. */
void hooks_init(struct hooks *h, const struct hooks_setup *setup);
/* What runs is killed. */
void hooks_fini(struct hooks *h);

/* A group (its id) changed its state. */
void hooks_changed(struct hooks *h, uint8_t group, const struct action_record *change);

/* Another configuration is in force: a group that it names no more, and that was master, is no
 * longer, and its hook is told so. */
void hooks_reconfigure(struct hooks *h);

/* The service ends: a group that was master is no longer. True when nothing is to be waited for;
 * else `over` is called within HOOKS_END_MS. */
bool hooks_finish(struct hooks *h);

/* As program_heard_child() and program_abandon(). */
bool hooks_heard_child(struct hooks *h, pid_t pid);
void hooks_abandon(struct hooks *h);

#endif
