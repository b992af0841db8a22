/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/aside.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

enum { CALL_MS = 50, TICK_MS = 1 };

struct fixture {
	struct loop loop;
	struct loop_timer timer;
	struct aside aside;
	unsigned calls, done, ticks;
	pthread_t caller;
};

static void call(void *user)
{
	struct fixture *f = user;

	f->caller = pthread_self();
	usleep(CALL_MS * 1000);
	f->calls++;
}

static void done(void *user)
{
	struct fixture *f = user;

	f->done++;
	assert_int_equal(f->calls, f->done);
	if (f->done < 3)
		assert_int_equal(aside_begin(&f->aside), 0);
	else
		loop_stop(&f->loop);
}

static void tick(void *user, mono_t due)
{
	struct fixture *f = user;

	(void)due;
	f->ticks++;
	loop_timer_set(&f->timer, mono_after_ms(loop_now(), TICK_MS));
}

static void start(struct fixture *f)
{
	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(aside_init(&f->aside, &f->loop, call, done, f), 0);
}

static void the_loop_goes_on_while_a_call_is_made(void **state)
{
	struct fixture f = { .calls = 0 };

	(void)state;
	start(&f);
	loop_timer_init(&f.timer, &f.loop, tick, &f);
	loop_timer_set(&f.timer, loop_now());
	assert_int_equal(aside_begin(&f.aside), 0);
	loop_run(&f.loop);
	assert_int_equal(f.done, 3);
	assert_true(f.ticks > 10);
	assert_false(pthread_equal(f.caller, pthread_self()));
	loop_timer_fini(&f.timer);
	aside_fini(&f.aside);
	loop_fini(&f.loop);
}

static void one_call_at_a_time(void **state)
{
	struct fixture f = { .calls = 0 };

	(void)state;
	start(&f);
	assert_int_equal(aside_begin(&f.aside), 0);
	assert_int_equal(aside_begin(&f.aside), -EBUSY);
	aside_fini(&f.aside); /* waits, or is in time to prevent it */
	assert_in_range(f.calls, 0, 1);
	assert_int_equal(f.done, 0);
	loop_fini(&f.loop);
}

static void what_never_began_ends_at_once(void **state)
{
	struct fixture f = { .calls = 0 };

	(void)state;
	aside_fini(&f.aside);
	start(&f);
	aside_fini(&f.aside);
	assert_int_equal(f.calls, 0);
	loop_fini(&f.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_loop_goes_on_while_a_call_is_made),
		cmocka_unit_test(one_call_at_a_time),
		cmocka_unit_test(what_never_began_ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
