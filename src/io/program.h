/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * program: runs a program of the operator's (a hook, a script), one at a time for its owner.
 *
 * Nothing here waits. The program runs in a session and process group of its own, SCHED_OTHER,
 * without any capability and without a way to get one (no_new_privs), in /, with umask 022, default
 * signals, stdin from /dev/null, no descriptor but 0 to 2, and an environment of PATH and what the
 * owner gives. It stays the daemon's user. It is killed when the daemon is.
 *
 * When its time is over its whole process group gets SIGTERM, and SIGKILL when it is still there
 * PROGRAM_GRACE_MS later. A program has ended when its first process has; what it leaves running in
 * its group is killed then, and what is to stay needs a session of its own (setsid, or the service
 * manager).
 *
 * What it writes to stdout and stderr is read and thrown away, but for the last line. What is read
 * is bounded in time, too: a program that writes without end waits for its reader.
 *
 * Only what executable_look() calls good is run. It is looked at by the child, since that may wait
 * for a disk.
 */
#ifndef NSRP_IO_PROGRAM_H
#define NSRP_IO_PROGRAM_H

#include "loop.h"

#include <sys/types.h>

enum {
	PROGRAM_GRACE_MS = 500,
	PROGRAM_LINE_MAX = 161,         /* of the last line, with the final NUL */
	PROGRAM_ENVIRONMENT_MAX = 16,   /* variables */
	PROGRAM_ENVIRONMENT_LEN = 2048, /* bytes of all of them */
	PROGRAM_TEXT_MAX = 128,
};

/* The environment of a run. Zero-initialised = PATH alone. The fields are private. */
struct program_environment {
	unsigned n;
	size_t used;
	char text[PROGRAM_ENVIRONMENT_LEN]; /* NAME=VALUE, NUL, and so on */
};

/* Adds NAME=VALUE. What does not fit is left out: the bounds are for the owner to know. */
void program_environment_add(struct program_environment *e, const char *name, const char *value);
void program_environment_add_number(
	struct program_environment *e, const char *name, unsigned long value);

enum program_end {
	PROGRAM_EXITED,      /* code = exit status */
	PROGRAM_SIGNALLED,   /* code = signal */
	PROGRAM_TIMED_OUT,   /* code = 0 */
	PROGRAM_NOT_STARTED, /* code = errno; EACCES when it is refused */
};

struct program_result {
	enum program_end end;
	int code;
	const char *why;             /* of NOT_STARTED; static, or of the callback's duration */
	char line[PROGRAM_LINE_MAX]; /* the last that it wrote; "" = nothing */
};

/* Exit status 0. */
bool program_passed(const struct program_result *r);
/* "exited 3", "killed by signal 11", "not started: …", "did not end in time and was killed". */
void program_result_text(const struct program_result *r, char ret_text[PROGRAM_TEXT_MAX]);

/* The caller's storage; does not move while initialised. The fields are private. */
struct program {
	struct loop *loop; /* borrowed */
	void (*ended)(void *user, const struct program_result *result);
	void *user; /* borrowed */
	pid_t pid;  /* 0 = none runs */
	int pid_fd, output_fd, failure_fd;
	struct loop_fd pid_io, output_io;
	struct loop_timer limit_timer, rest_timer;
	bool timed_out;
	bool line_ended; /* the next byte begins another line */
	size_t line_len;
	char line[PROGRAM_LINE_MAX];
};

/* `ended` is called by the loop, once for each run that program_start() began; it may start the
 * next. */
void program_init(struct program *p, struct loop *loop,
	void (*ended)(void *user, const struct program_result *result), void *user);
/* What runs is killed with its group, unheard. */
void program_fini(struct program *p);

/* Runs `path` for limit_ms at most. 0, or negative errno when there was no process to be had: then
 * `ended` is not called. -EBUSY: one is running. */
int program_start(struct program *p, const char *path,
	const struct program_environment *environment, uint32_t limit_ms);
bool program_runs(const struct program *p);
/* What runs has limit_ms from now on, if it had more; nothing when none runs or its time is over.
 */
void program_shorten(struct program *p, uint32_t limit_ms);

/* SIGCHLD told of a child. True if it was this program: it has been reaped, and `ended` called. For
 * owners who wait for children of other kinds; the loop notices the end by itself. */
bool program_heard_child(struct program *p, pid_t pid);

/* For a forked child of the owner: closes what it inherited, and touches nothing else. */
void program_abandon(struct program *p);

/* program_child.c: what the child does with itself; never returns. `output` becomes stdout and
 * stderr, `failure` is told a struct program_failure when nothing is run. */
struct program_failure {
	int error; /* errno */
	int looks; /* enum executable; EXECUTABLE_GOOD when it is not the file's fault */
};
_Noreturn void program_become(pid_t parent, const char *path,
	const struct program_environment *environment, int output, int failure);

#endif
