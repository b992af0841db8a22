/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "aside.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* An eventfd takes a number and gives it; a signal may interrupt either. */
static void tell(int fd)
{
	uint64_t one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void hear(int fd)
{
	uint64_t any;

	while (read(fd, &any, sizeof(any)) < 0 && errno == EINTR)
		;
}

static void *work(void *user)
{
	struct aside *a = user;

	for (;;) {
		hear(a->begin_fd);
		if (a->ending)
			return NULL;
		a->call(a->user);
		tell(a->done_fd);
	}
}

static void call_done(void *user, unsigned readiness)
{
	struct aside *a = user;

	(void)readiness;
	hear(a->done_fd);
	a->running = false;
	a->done(a->user);
}

int aside_init(struct aside *a, struct loop *loop, void (*call)(void *user),
	void (*done)(void *user), void *user)
{
	memset(a, 0, sizeof(*a));
	a->call = call;
	a->done = done;
	a->user = user;
	a->begin_fd = eventfd(0, EFD_CLOEXEC);
	a->done_fd = eventfd(0, EFD_CLOEXEC);
	if (a->begin_fd < 0 || a->done_fd < 0) {
		int result = -errno;

		if (a->begin_fd >= 0)
			close(a->begin_fd);
		memset(a, 0, sizeof(*a));
		return result;
	}
	loop_fd_init(&a->done_io, loop, a->done_fd, call_done, a);
	return 0;
}

void aside_fini(struct aside *a)
{
	if (a->call == NULL)
		return;
	if (a->has_thread) {
		a->ending = true;
		tell(a->begin_fd);
		pthread_join(a->thread, NULL);
	}
	loop_fd_fini(&a->done_io);
	close(a->begin_fd);
	close(a->done_fd);
	memset(a, 0, sizeof(*a));
}

/* Signals are the loop's. The thread inherits no real-time priority (SCHED_RESET_ON_FORK). */
static int start_thread(struct aside *a)
{
	sigset_t all, before;
	int result;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&a->thread, NULL, work, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	a->has_thread = result == 0;
	return -result;
}

int aside_begin(struct aside *a)
{
	if (a->running)
		return -EBUSY;
	if (!a->has_thread) {
		int result = start_thread(a);

		if (result != 0)
			return result;
	}
	a->running = true;
	tell(a->begin_fd);
	return 0;
}
