/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/patience.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { LIMIT_US = 200 * 1000 };

static void nothing_measured_waits_as_long_as_it_may(void **state)
{
	struct patience p = { 0 };

	(void)state;
	assert_int_equal(patience_us(&p, LIMIT_US), LIMIT_US);
}

static void it_follows_rfc_6298(void **state)
{
	struct patience p = { 0 };

	(void)state;
	patience_measured(&p, 8000);
	assert_int_equal(p.srtt_us, 8000);
	assert_int_equal(p.rttvar_us, 4000);
	assert_int_equal(patience_us(&p, LIMIT_US), 24000);
	patience_measured(&p, 16000);
	assert_int_equal(p.rttvar_us, 5000);
	assert_int_equal(p.srtt_us, 9000);
	assert_int_equal(patience_us(&p, LIMIT_US), 29000);
}

static void a_near_and_steady_target_is_given_the_floor(void **state)
{
	struct patience p = { 0 };

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		patience_measured(&p, 120);
	assert_int_equal(patience_us(&p, LIMIT_US), 120 + PATIENCE_FLOOR_US);
}

static void jitter_makes_it_patient_and_calm_impatient_again(void **state)
{
	struct patience p = { 0 };

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		patience_measured(&p, i % 2 ? 200 : 20000);
	assert_in_range(patience_us(&p, LIMIT_US), 30000, 60000);
	for (unsigned i = 0; i < 60; i++)
		patience_measured(&p, 200);
	assert_in_range(patience_us(&p, LIMIT_US), 4000, 4300);
}

static void it_is_never_longer_than_the_limit(void **state)
{
	struct patience p = { 0 };

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		patience_measured(&p, i % 2 ? 0 : UINT32_MAX);
	assert_int_equal(patience_us(&p, LIMIT_US), LIMIT_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_measured_waits_as_long_as_it_may),
		cmocka_unit_test(it_follows_rfc_6298),
		cmocka_unit_test(a_near_and_steady_target_is_given_the_floor),
		cmocka_unit_test(jitter_makes_it_patient_and_calm_impatient_again),
		cmocka_unit_test(it_is_never_longer_than_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
