/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * aside: a call that may take long, made beside the loop.
 *
 * The kernel walks its whole table of sessions within one system call when little of it is to be
 * told: 11 ms for 262 144 buckets, 45 ms for a million. Nothing that sends heartbeats may wait for
 * that. One thread, without real-time priority, makes the call; whoever asked is told through
 * the loop when it is over. The two never run at the same time on the same data: from aside_begin()
 * until `done`, what `call` uses is the thread's alone.
 */
#ifndef NSRP_IO_ASIDE_H
#define NSRP_IO_ASIDE_H

#include "loop.h"

#include <pthread.h>
#include <stdatomic.h>

/* The caller's storage; does not move while initialised. The fields are private. */
struct aside {
	void (*call)(void *user); /* by the thread */
	void (*done)(void *user); /* by the loop, afterwards */
	void *user;               /* borrowed */
	bool running;             /* a call was begun and is not done */
	bool has_thread;
	atomic_bool ending;
	pthread_t thread;
	int begin_fd, done_fd;
	struct loop_fd done_io;
};

/* 0 or negative errno. The thread starts with the first call, with what privileges the caller has
 * then. */
int aside_init(struct aside *a, struct loop *loop, void (*call)(void *user),
	void (*done)(void *user), void *user);
/* Waits for a call that is running; one that has not begun yet may not be made. Harmless on zeroed
 * memory. */
void aside_fini(struct aside *a);

/* One at a time: -EBUSY. 0 or negative errno. */
int aside_begin(struct aside *a);

#endif
