/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/flap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static mono_t at_ms(uint64_t ms)
{
	return mono_after_ms((mono_t){ 0 }, ms);
}

static uint64_t rest_ms(const struct flap *f)
{
	return mono_since_us(f->moved_at, flap_rests_until(f)) / 1000;
}

static void what_never_moved_does_not_rest(void **state)
{
	struct flap f = { .moves = 0 };

	(void)state;
	assert_true(mono_reached(flap_rests_until(&f), at_ms(0)));
}

static void each_move_doubles_the_rest_up_to_a_minute(void **state)
{
	static const uint64_t expected[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	struct flap f = { .moves = 0 };

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		flap_moved(&f, at_ms(1000000 + i * UINT64_C(100000)));
		assert_int_equal(rest_ms(&f), expected[i < 7 ? i : 7]);
	}
}

static void five_quiet_minutes_are_enough(void **state)
{
	struct flap f = { .moves = 0 };

	(void)state;
	flap_moved(&f, at_ms(1000000));
	flap_moved(&f, at_ms(1000000 + FLAP_FORGET_MS - 1));
	assert_int_equal(rest_ms(&f), 2000);
	flap_moved(&f, at_ms(1000000 + 2 * FLAP_FORGET_MS));
	assert_int_equal(rest_ms(&f), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_never_moved_does_not_rest),
		cmocka_unit_test(each_move_doubles_the_rest_up_to_a_minute),
		cmocka_unit_test(five_quiet_minutes_are_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
