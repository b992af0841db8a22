/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Dumps of this kernel's tables: each step is read beside the loop, then taken by it.
 */
#include "engine_state.h"

#include <errno.h>

enum {
	REST_MAX_US = 5000,
	ERRANDS_MS = 200, /* a guardian that waits for RTNL is not waited for longer */
};

void tables_dump(struct engine *e, uint8_t kind)
{
	struct tables *t = &e->tables;

	t->dump_asked = true;
	t->dump_kind = kind;
	if (!t->dump_stepping)
		loop_timer_set(&t->dump_timer, t->rest_until);
}

void tables_end_dump(struct engine *e)
{
	struct tables *t = &e->tables;

	if (t->kernel == NULL)
		return;
	t->dump_unwanted = t->dumper.running;
	if (t->dump_unwanted)
		return;
	kernel_dump_stop(t->kernel);
	t->dump_running = false;
}

/* A step is over; `result` as of kernel_dump_take(). */
static void step_over(struct engine *e, int result)
{
	struct tables *t = &e->tables;
	struct event event = { .type = EVENT_DUMPED };

	event.dumped = result == 1        ? DUMP_MORE
		       : result == 0      ? DUMP_DONE
		       : result == -EINTR ? DUMP_AGAIN
					  : DUMP_FAILED;
	t->dump_running = event.dumped == DUMP_MORE || event.dumped == DUMP_AGAIN;
	if (event.dumped == DUMP_FAILED)
		kernel_dump_stop(t->kernel);
	engine_step(e, &event);
	tables_finish(e);
}

static void take(struct engine *e)
{
	struct tables *t = &e->tables;

	/* What came before the dump's buffer was filled is to be heard before it, or it would look
	 * like a difference. */
	feeds_read(e);
	t->reading = true;
	t->origin = OBJECT_DUMPED;
	int result = kernel_dump_take(t->kernel);

	t->origin = OBJECT_EVENT;
	t->reading = false;
	step_over(e, result);
}

/* After each step as much rest as it took: at most half of the time is spent on dumps. */
static void was_read(void *user)
{
	struct engine *e = user;
	struct tables *t = &e->tables;
	mono_t began = loop_now();

	t->dump_stepping = true;
	if (t->dump_unwanted) {
		kernel_dump_stop(t->kernel);
		t->dump_running = t->dump_unwanted = false;
	} else {
		take(e);
	}
	t->dump_stepping = false;

	mono_t now = loop_now();
	uint64_t spent_us = mono_since_us(began, now);

	t->rest_until = mono_after_us(now, spent_us < REST_MAX_US ? spent_us : REST_MAX_US);
	if (t->dump_asked)
		loop_timer_set(&t->dump_timer, t->rest_until);
}

/* By the other thread. */
static void read_step(void *user)
{
	struct engine *e = user;

	kernel_dump_read(e->tables.kernel);
}

/* What was ordered is to be seen by a dump that begins after it. True: not yet. */
static bool waits_for_errands(struct engine *e)
{
	struct tables *t = &e->tables;
	mono_t now = loop_now();

	if (t->dump_running || !errands_has(t->dump_kind) || !errands_wait(e)) {
		t->dump_waits = MONO_NEVER;
		return false;
	}
	if (mono_is_never(t->dump_waits))
		t->dump_waits = mono_after_ms(now, ERRANDS_MS);
	if (mono_reached(t->dump_waits, now)) {
		t->dump_waits = MONO_NEVER;
		return false;
	}
	loop_timer_set(&t->dump_timer, t->dump_waits);
	return true;
}

void tables_dump_goes_on(struct engine *e)
{
	struct tables *t = &e->tables;

	if (t->dump_asked && !mono_is_never(t->dump_waits))
		loop_timer_set(&t->dump_timer, t->rest_until);
}

static void dump_due(void *user, mono_t due)
{
	struct engine *e = user;
	struct tables *t = &e->tables;
	int result = 0;

	(void)due;
	if (!t->dump_asked || t->kernel == NULL || t->dumper.running)
		return; /* in the last case was_read() comes back to it */
	if (waits_for_errands(e))
		return;
	t->dump_asked = false;
	if (!t->dump_running) {
		kernel_refresh_host(t->kernel);
		result = kernel_dump_start(t->kernel, t->dump_kind);
	}
	if (result == 0)
		result = aside_begin(&t->dumper);
	t->dump_running = result == 0;
	if (result != 0)
		step_over(e, result);
}

int dumps_init(struct engine *e)
{
	struct tables *t = &e->tables;

	t->dump_waits = MONO_NEVER;
	loop_timer_init(&t->dump_timer, &e->loop, dump_due, e);
	return aside_init(&t->dumper, &e->loop, read_step, was_read, e);
}

void dumps_fini(struct engine *e)
{
	aside_fini(&e->tables.dumper);
}
