/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scripts: the programs of monitors of type script, each run again and again.
 *
 * A program is started when its interval is over, for SCRIPT_LIMIT_MIN_MS at most or as long as its
 * interval, whichever is longer. Never two of one monitor run at once: what is due while the one
 * before still runs is left out, and counted. SCRIPTS_AT_ONCE run in all; the others wait for their
 * turn. Exit status 0 is a pass, everything else is not. What passes and failures mean is the
 * engine's to say; an engine that is new is told the last of each.
 */
#ifndef NSRP_DAEMON_SCRIPTS_H
#define NSRP_DAEMON_SCRIPTS_H

#include "complaint.h"
#include "nsrp/conf.h"
#include "nsrp/tables.h"

enum { SCRIPTS_AT_ONCE = 16, SCRIPT_LIMIT_MIN_MS = 1000 };

/* All pointers are borrowed. */
struct scripts_setup {
	struct loop *loop;
	const struct log *log;
	const struct conf *conf; /* its contents may be replaced: scripts_reconfigure() */
	void *user;
	void (*probed)(void *user, const char *monitor, bool ok);
	void (*counted)(void *user, enum counter counter);
};

/* The caller's storage; does not move. The fields are private. */
struct scripts {
	struct scripts_setup setup;
	struct loop_timer timer;
	unsigned running;
	unsigned turn; /* whose it is, of those that wait */
	struct script {
		struct scripts *scripts; /* NULL: none */
		struct conf_monitor monitor;
		struct program program;
		mono_t due;
		bool waits;
		bool has_result, passed; /* the last */
		struct complaint complaint;
	} script[CONF_MONITORS_MAX];
};

/* `s` is zero-initialised. Starts what the configuration has. */
void scripts_init(struct scripts *s, const struct scripts_setup *setup);
/* What runs is killed. */
void scripts_fini(struct scripts *s);

/* Another configuration is in force: what is no longer in it, or changed, is killed; what changed
 * or is new starts. */
void scripts_reconfigure(struct scripts *s);

/* Tells the last result of each once more. */
void scripts_tell_again(const struct scripts *s);

/* As program_heard_child() and program_abandon(). */
bool scripts_heard_child(struct scripts *s, pid_t pid);
void scripts_abandon(struct scripts *s);

#endif
