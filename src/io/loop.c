/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

mono_t loop_now(void)
{
	struct timespec now;
	int failed = clock_gettime(CLOCK_MONOTONIC, &now);

	assert(!failed);
	(void)failed;
	return (mono_t){ (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 };
}

/* The ring of timers. */

static void ring_init(struct loop_timer *head)
{
	head->next = head->previous = head;
}

static void ring_insert_before(struct loop_timer *at, struct loop_timer *t)
{
	t->next = at;
	t->previous = at->previous;
	at->previous->next = t;
	at->previous = t;
}

static void ring_remove(struct loop_timer *t)
{
	t->previous->next = t->next;
	t->next->previous = t->previous;
	t->next = t->previous = t;
}

/* Sets the timerfd to the earliest timer, if it is not set so already. */
static void arm(struct loop *l)
{
	mono_t due = l->timers.next->due; /* the head's own is MONO_NEVER */

	if (l->armed_for.us == due.us)
		return;

	struct itimerspec at = { 0 }; /* all zero: disarmed */
	if (!mono_is_never(due)) {
		at.it_value.tv_sec = (time_t)(due.us / 1000000);
		at.it_value.tv_nsec = (long)(due.us % 1000000) * 1000;
	}
	int failed = timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);

	assert(!failed);
	(void)failed;
	l->armed_for = due;
}

/* To wake up is all it is for; it stays readable until it is set anew. */
static void timer_fd_ready(struct ev_loop *ev, ev_io *w, int events)
{
	(void)ev;
	(void)w;
	(void)events;
}

/* Whether the descriptors have been looked at since t was due, or as good as. */
static bool has_been_fair(const struct loop *l, const struct loop_timer *t, mono_t now)
{
	return t->due.us <= l->polled_at.us || mono_since_us(t->due, now) <= LOOP_LATE_US;
}

static void run_timers(struct loop *l)
{
	mono_t now = loop_now();
	struct loop_timer due;

	/* Take them out first: a callback may set its own timer, or another's, to any instant. */
	ring_init(&due);
	while (l->timers.next != &l->timers) {
		struct loop_timer *t = l->timers.next;

		if (!mono_reached(t->due, now) || !has_been_fair(l, t, now))
			break;
		ring_remove(t);
		ring_insert_before(&due, t);
	}
	while (due.next != &due) {
		struct loop_timer *t = due.next;

		ring_remove(t);
		t->expired(t->user, t->due);
	}
}

int loop_init(struct loop *l)
{
	memset(l, 0, sizeof(*l));
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->timer_fd < 0)
		return -errno;
	l->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV | EVFLAG_NOINOTIFY | EVFLAG_NOTIMERFD);
	if (!l->ev) {
		close(l->timer_fd);
		return -ENOMEM;
	}
	l->armed_for = MONO_NEVER;
	ring_init(&l->timers);
	l->timers.due = MONO_NEVER;

	ev_io_init(&l->timer_io, timer_fd_ready, l->timer_fd, EV_READ);
	ev_io_start(l->ev, &l->timer_io);
	return 0;
}

void loop_fini(struct loop *l)
{
	if (!l->ev)
		return;
	ev_loop_destroy(l->ev);
	close(l->timer_fd);
	l->ev = NULL;
}

void loop_on_settled(struct loop *l, void (*settled)(void *user), void *user)
{
	l->settled = settled;
	l->settled_user = user;
}

static void iterate(struct loop *l)
{
	l->polled_at = loop_now();
	/* What is due needs no alarm; one that goes off at once costs 20 us in a machine of this
	 * kind, an interrupt of the hypervisor's. */
	bool is_due = mono_reached(l->timers.next->due, l->polled_at);

	if (!is_due)
		arm(l);
	ev_run(l->ev, is_due ? EVRUN_NOWAIT : EVRUN_ONCE);
	run_timers(l);
	if (l->settled)
		l->settled(l->settled_user);
}

void loop_run(struct loop *l)
{
	while (!l->stopped)
		iterate(l);
	l->stopped = false;
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}

static void fd_ready(struct ev_loop *ev, ev_io *w, int events)
{
	(void)ev;
	struct loop_fd *f = (struct loop_fd *)w->data;

	assert(!(events & EV_ERROR)); /* closed while watched */
	f->ready(f->user,
		(events & EV_READ ? LOOP_READ : 0u) | (events & EV_WRITE ? LOOP_WRITE : 0u));
}

void loop_fd_init(struct loop_fd *f, struct loop *l, int fd,
	void (*ready)(void *user, unsigned readiness), void *user)
{
	memset(f, 0, sizeof(*f));
	f->loop = l;
	f->ready = ready;
	f->user = user;
	ev_io_init(&f->io, fd_ready, fd, EV_READ);
	f->io.data = f;
	ev_io_start(l->ev, &f->io);
}

void loop_fd_fini(struct loop_fd *f)
{
	loop_fd_want(f, 0);
}

void loop_fd_want(struct loop_fd *f, unsigned readiness)
{
	int events =
		(readiness & LOOP_READ ? EV_READ : 0) | (readiness & LOOP_WRITE ? EV_WRITE : 0);

	ev_io_stop(f->loop->ev, &f->io);
	if (!events)
		return;
	ev_io_modify(&f->io, events);
	ev_io_start(f->loop->ev, &f->io);
}

void loop_timer_init(
	struct loop_timer *t, struct loop *l, void (*expired)(void *user, mono_t due), void *user)
{
	*t = (struct loop_timer){ .due = MONO_NEVER, .loop = l, .expired = expired, .user = user };
	ring_init(t);
}

void loop_timer_set(struct loop_timer *t, mono_t due)
{
	ring_remove(t);
	t->due = due;
	if (mono_is_never(due))
		return;

	/* Equal instants keep the order in which they were set. */
	struct loop_timer *at = t->loop->timers.next;
	while (at != &t->loop->timers && at->due.us <= due.us)
		at = at->next;
	ring_insert_before(at, t);
}

void loop_timer_fini(struct loop_timer *t)
{
	ring_remove(t);
}

static void signal_fd_ready(void *user, unsigned readiness)
{
	(void)readiness;
	struct loop_signals *s = (struct loop_signals *)user;
	struct signalfd_siginfo info;

	/* One each time: the callback may have ended us. */
	if (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		s->caught(s->user, (int)info.ssi_signo);
}

int loop_signals_init(struct loop_signals *s, struct loop *l, const sigset_t *set,
	void (*caught)(void *user, int number), void *user)
{
	memset(s, 0, sizeof(*s));
	s->caught = caught;
	s->user = user;
	s->signal_fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->signal_fd < 0)
		return -errno;
	if (sigprocmask(SIG_BLOCK, set, &s->before)) {
		int error = -errno;

		close(s->signal_fd);
		return error;
	}
	for (int number = 1; number < NSIG; number++) {
		if (sigismember(set, number) == 1)
			signal(number, SIG_DFL);
	}
	loop_fd_init(&s->fd, l, s->signal_fd, signal_fd_ready, s);
	return 0;
}

void loop_signals_fini(struct loop_signals *s)
{
	struct signalfd_siginfo info;

	loop_fd_fini(&s->fd);
	while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		;
	close(s->signal_fd);
	sigprocmask(SIG_SETMASK, &s->before, NULL);
}

void loop_signals_reset(void)
{
	sigset_t none;

	/* SIGKILL, SIGSTOP and the library's own signals refuse; that is as it should be. */
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
