/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The events of this kernel's tables: when they are read.
 */
#include "engine_state.h"

#include <errno.h>

enum {
	EVENTS_STEP = 512,     /* read in one go */
	EVENTS_BUSY_US = 1000, /* events that come sooner after the last are collected */
	EVENTS_REST_US = 300,  /* for so long */
	EVENTS_FULL_US = 1000, /* while the channel is full */
};

/* True when there was anything. */
static bool read_feed(struct table_feed *feed)
{
	static const struct event lost = { .type = EVENT_LOST };
	struct engine *e = feed->engine;
	struct tables *t = &e->tables;
	uint64_t before = kernel_counters(t->kernel)->events;

	t->reading = true;
	t->origin = OBJECT_EVENT;
	int result = kernel_read_events(t->kernel, feed->index, EVENTS_STEP);

	t->reading = false;
	if (result == -ENOBUFS)
		engine_step(e, &lost);
	tables_finish(e);
	return result != 0 || kernel_counters(t->kernel)->events != before;
}

/* An event that comes alone is read at once. While they come one after the other it is the waking
 * up that costs, not the reading: then they are read in crowds, until none has come. */
static void feed_read(struct table_feed *feed)
{
	mono_t now = loop_now();
	bool full = feed->engine->actions.full, some = full || read_feed(feed);
	bool busy = some && mono_since_us(feed->read_at, now) < EVENTS_BUSY_US;

	loop_fd_want(&feed->io, busy ? 0 : LOOP_READ);
	loop_timer_set(&feed->rest,
		busy ? mono_after_us(loop_now(), full ? EVENTS_FULL_US : EVENTS_REST_US)
		     : MONO_NEVER);
	if (some)
		feed->read_at = loop_now();
}

static void feed_ready(void *user, unsigned readiness)
{
	(void)readiness;
	feed_read(user);
}

static void feed_rested(void *user, mono_t due)
{
	(void)due;
	feed_read(user);
}

void feeds_read(struct engine *e)
{
	for (unsigned i = 0; i < e->tables.n_feeds; i++)
		feed_read(&e->tables.feed[i]);
}

void feeds_init(struct engine *e)
{
	struct tables *t = &e->tables;
	int fd[4];

	t->n_feeds = kernel_event_fds(t->kernel, fd);
	for (unsigned i = 0; i < t->n_feeds; i++) {
		t->feed[i].engine = e;
		t->feed[i].index = i;
		loop_fd_init(&t->feed[i].io, &e->loop, fd[i], feed_ready, &t->feed[i]);
		loop_timer_init(&t->feed[i].rest, &e->loop, feed_rested, &t->feed[i]);
	}
}

void feeds_fini(struct engine *e)
{
	struct tables *t = &e->tables;

	for (unsigned i = 0; i < t->n_feeds; i++) {
		loop_fd_fini(&t->feed[i].io);
		loop_timer_fini(&t->feed[i].rest);
	}
}
