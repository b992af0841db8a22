/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two network namespaces without names, A and B, joined by the veth pairs `ha` and `data` (one
 * name on both sides), which vanish with the test's last descriptor; and what both tests of paths
 * do with them. For one test each to include.
 */
#ifndef NSRP_TESTS_UNIT_TEST_PATH_H
#define NSRP_TESTS_UNIT_TEST_PATH_H

#include "io/path.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { A, B, OUTSIDE };

struct world {
	bool exists; /* false: not root */
	int ns[3];
	struct path a, b;
	struct path_inbox inbox;
	struct log log;
	char last_log[256];
	unsigned n_logs;
	/* What was heard last. */
	unsigned n;
	size_t len;
	uint8_t bytes[WIRE_FRAME_MAX];
};

static inline void enter(const struct world *w, int which)
{
	assert_int_equal(setns(w->ns[which], CLONE_NEWNET), 0);
}

/* Runs a shell command in a namespace. */
__attribute__((format(printf, 3, 4))) static inline void run(
	const struct world *w, int which, const char *format, ...)
{
	char command[512];
	va_list args;
	int status;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	enter(w, which);
	pid_t child = fork();
	if (child == 0) {
		execl("/bin/sh", "sh", "-ec", command, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status)
		print_error("failed in %c: %s\n", 'A' + which, command);
	assert_int_equal(status, 0);
}

__attribute__((format(printf, 3, 4))) static inline void keep_log(
	void *user, enum log_level level, const char *format, ...)
{
	struct world *w = (struct world *)user;
	va_list args;

	(void)level;
	va_start(args, format);
	vsnprintf(w->last_log, sizeof(w->last_log), format, args);
	va_end(args);
	w->n_logs++;
}

static inline void make_pair(const struct world *w, const char *name)
{
	run(w, A, "ip link add %s type veth peer name %s netns /proc/%d/fd/%d", name, name,
		(int)getpid(), w->ns[B]);
	run(w, A, "ip link set %s up", name);
	run(w, B, "ip link set %s up", name);
}

static inline int set_up(void **state)
{
	static struct world world;
	struct world *w = &world;

	memset(w, 0, sizeof(*w));
	*state = w;
	w->log = (struct log){ .user = w, .write = keep_log };
	w->a.fd = w->b.fd = -1;
	w->ns[OUTSIDE] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	for (int i = A; i <= B; i++) {
		if (unshare(CLONE_NEWNET))
			return 0;
		/* Without O_CLOEXEC: `ip` reads it through /proc/PID/fd. */
		w->ns[i] = open("/proc/self/ns/net", O_RDONLY);
	}
	w->exists = true;
	for (int i = A; i <= B; i++)
		run(w, i, "ip link set lo up");
	make_pair(w, "ha");
	make_pair(w, "data");
	return 0;
}

static inline int tear_down(void **state)
{
	struct world *w = (struct world *)*state;

	path_close(&w->a);
	path_close(&w->b);
	if (w->exists) {
		enter(w, OUTSIDE);
		close(w->ns[A]);
		close(w->ns[B]);
	}
	close(w->ns[OUTSIDE]);
	return 0;
}

/* The world, or the test is skipped. */
static inline struct world *world_of(void **state)
{
	struct world *w = (struct world *)*state;

	if (!w->exists)
		skip();
	return w;
}

static inline void heard(void *user, struct span frame)
{
	struct world *w = (struct world *)user;

	w->n++;
	w->len = frame.len;
	memcpy(w->bytes, frame.data, frame.len);
}

/* Waits until p has heard n frames, for at most wait_ms after the last; returns how many. */
static inline unsigned hear(struct world *w, struct path *p, unsigned n, int wait_ms)
{
	struct pollfd ready = { .fd = path_fd(p), .events = POLLIN };

	w->n = 0;
	while (w->n < n && poll(&ready, 1, wait_ms) > 0)
		(void)path_receive(p, &w->inbox, heard, w);
	return w->n;
}

enum { SOON_MS = 2000, NEVER_MS = 60 };

/* Whether a frame sent by `from` is heard by `to`, as it was. */
static inline bool gets_through(struct world *w, struct path *from, struct path *to, size_t len)
{
	uint8_t frame[WIRE_FRAME_MAX];

	for (size_t i = 0; i < len; i++)
		frame[i] = (uint8_t)(i * 7 + len);
	if (path_send(from, span_of(frame, len)))
		return false;
	return hear(w, to, 1, SOON_MS) == 1 && w->len == len && memcmp(w->bytes, frame, len) == 0;
}

static inline unsigned index_of(const struct world *w, int which, const char *name)
{
	enter(w, which);
	return if_nametoindex(name);
}

/* A burst of `count` frames of `len` bytes arrives whole; nobody reads meanwhile. */
static inline void assert_burst_arrives(struct world *w, size_t len, unsigned count)
{
	static uint8_t frame[WIRE_FRAME_MAX];
	struct span frames[100];

	for (unsigned i = 0; i < ARRAY_LEN(frames); i++)
		frames[i] = span_of(frame, len);
	for (unsigned i = 0; i < count; i += (unsigned)ARRAY_LEN(frames))
		assert_int_equal(
			path_send_batch(&w->a, frames, ARRAY_LEN(frames)), ARRAY_LEN(frames));
	assert_int_equal(hear(w, &w->b, count, SOON_MS), count);
	assert_int_equal(w->b.count.received, count);
	assert_int_equal(w->a.count.sent, count);
	assert_int_equal(w->a.count.send_errors, 0);
	assert_int_equal(w->b.count.overruns, 0);
}

#endif
