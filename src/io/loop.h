/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loop: waiting for descriptors, instants and signals; the only user of libev.
 *
 * One iteration goes: wait; call every ready descriptor and signal; call the timers that are
 * due; call `settled`. So whatever has arrived is heard before a timer judges what has not. A
 * timer that would run more than LOOP_LATE_US late because this process was held up waits for
 * one more look at the descriptors, for the same reason.
 *
 * Timers hang on one timerfd: libev's own, like everything that sleeps in epoll_wait(), round
 * up to a millisecond, and probes are 1.5 ms apart. Measured: a timer runs within 0.1 ms
 * unless the machine is busy.
 *
 * All structures are the caller's, do not move while initialised, and have no state beyond
 * themselves: several loops live in one process. After fork() the child calls loop_fini() on
 * what it inherited, which leaves the parent's alone, and makes its own. A callback may start,
 * stop and _fini any watcher of its loop, itself included.
 */
#ifndef NSRP_IO_LOOP_H
#define NSRP_IO_LOOP_H

#include "nsrp/base.h"

#include <ev.h>
#include <signal.h>

enum { LOOP_LATE_US = 500 };

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

/* A one-shot timer. The fields are private. */
struct loop_timer {
	struct loop_timer *next, *previous; /* in order of `due`; itself when not set */
	mono_t due;
	struct loop *loop;                       /* borrowed */
	void (*expired)(void *user, mono_t due); /* `due`: as set, so that lateness is known */
	void *user;                              /* borrowed */
};

struct loop {
	struct ev_loop *ev; /* owned */
	int timer_fd;
	mono_t armed_for; /* what timer_fd is set for */
	bool stopped;
	mono_t polled_at; /* the last wait began */
	ev_io timer_io;
	struct loop_timer timers; /* head of the ring */
	void (*settled)(void *user);
	void *settled_user;
};

/* A watched descriptor. The fields are private. */
struct loop_fd {
	ev_io io;
	struct loop *loop;                             /* borrowed */
	void (*ready)(void *user, unsigned readiness); /* LOOP_READ | LOOP_WRITE */
	void *user;                                    /* borrowed */
};

/* A watched set of signals. The fields are private. */
struct loop_signals {
	struct loop_fd fd;
	int signal_fd;
	sigset_t before; /* the mask to restore */
	void (*caught)(void *user, int number);
	void *user; /* borrowed */
};

/* The clock. Needs no loop. */
mono_t loop_now(void);

/* 0, -ENOMEM or what timerfd_create() said. */
int loop_init(struct loop *l);
/* Its watchers are stopped, or never touched again. */
void loop_fini(struct loop *l);

/* `settled` (or NULL) is called at the end of every iteration. `user` is borrowed. */
void loop_on_settled(struct loop *l, void (*settled)(void *user), void *user);

/* Runs until loop_stop(). A stop called before makes the next run return at once. */
void loop_run(struct loop *l);
/* The iteration under way is finished, `settled` included. */
void loop_stop(struct loop *l);

/* Watches fd, which stays the caller's and is closed after _fini only, for reading. */
void loop_fd_init(struct loop_fd *f, struct loop *l, int fd,
	void (*ready)(void *user, unsigned readiness), void *user);
void loop_fd_fini(struct loop_fd *f);
/* Which of LOOP_READ and LOOP_WRITE are waited for; 0 = none. An error or hang-up of the
 * descriptor counts as each of them. */
void loop_fd_want(struct loop_fd *f, unsigned readiness);

/* Makes a timer that is not set. */
void loop_timer_init(
	struct loop_timer *t, struct loop *l, void (*expired)(void *user, mono_t due), void *user);
/* Sets or sets anew. An instant that is past means the next iteration, never the present one:
 * work that sets its timer to loop_now() again and again leaves room for everything else.
 * MONO_NEVER stops. */
void loop_timer_set(struct loop_timer *t, mono_t due);
void loop_timer_fini(struct loop_timer *t);

/* Blocks the signals of *set for this thread and hears them through the loop instead; their
 * disposition becomes the default one (a SIGCHLD inherited as ignored would reap children
 * unseen). Like all signals, several of one number may come as one: after SIGCHLD reap until
 * there is nothing left. 0 or -errno. */
int loop_signals_init(struct loop_signals *s, struct loop *l, const sigset_t *set,
	void (*caught)(void *user, int number), void *user);
/* Forgets what is pending and restores the mask: from here on a signal acts by default. */
void loop_signals_fini(struct loop_signals *s);
/* For a child between fork() and exec(), which would hand the mask on: nothing blocked, every
 * disposition the default one. */
void loop_signals_reset(void);

#endif
