/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/damper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { FALL = 3, RISE = 2 };

static bool probed(struct damper *d, bool ok)
{
	return damper_probed(d, FALL, RISE, ok);
}

static void it_fails_after_so_many_failures_in_a_row(void **state)
{
	struct damper d = { 0 };

	(void)state;
	assert_false(probed(&d, false));
	assert_false(probed(&d, false));
	assert_false(d.failed);
	assert_true(probed(&d, false));
	assert_true(d.failed);
	assert_int_equal(d.failures, 3);
	assert_false(probed(&d, false));
	assert_int_equal(d.failures, 4);
}

static void a_good_probe_breaks_the_row(void **state)
{
	struct damper d = { 0 };

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		assert_false(probed(&d, false));
		assert_false(probed(&d, false));
		assert_false(probed(&d, true));
	}
	assert_false(d.failed);
	assert_int_equal(d.passes, 1);
}

static void it_passes_after_so_many_good_ones_in_a_row(void **state)
{
	struct damper d = { .failed = true };

	(void)state;
	assert_false(probed(&d, true));
	assert_false(probed(&d, false));
	assert_false(probed(&d, true));
	assert_true(d.failed);
	assert_true(probed(&d, true));
	assert_false(d.failed);
}

static void what_is_taken_back_did_not_happen(void **state)
{
	struct damper d = { 0 };

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		assert_false(probed(&d, false));
		assert_false(damper_taken_back(&d));
	}
	assert_int_equal(d.failures, 0);
	assert_false(probed(&d, false));
	assert_false(probed(&d, false));
	assert_true(probed(&d, false));
	assert_true(damper_taken_back(&d));
	assert_false(d.failed);
	assert_int_equal(d.failures, 0);
}

static void a_failure_of_long_ago_is_not_taken_back(void **state)
{
	struct damper d = { 0 };

	(void)state;
	for (unsigned i = 0; i < FALL + 1; i++)
		(void)probed(&d, false);
	assert_false(damper_taken_back(&d));
	assert_true(d.failed);
	assert_int_equal(d.passes, 1);
	assert_true(probed(&d, true));
	assert_false(d.failed);
}

static void one_and_one_follow_every_probe(void **state)
{
	struct damper d = { 0 };

	(void)state;
	assert_true(damper_probed(&d, 1, 1, false));
	assert_true(damper_probed(&d, 1, 1, true));
	assert_false(damper_probed(&d, 1, 1, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_fails_after_so_many_failures_in_a_row),
		cmocka_unit_test(a_good_probe_breaks_the_row),
		cmocka_unit_test(it_passes_after_so_many_good_ones_in_a_row),
		cmocka_unit_test(what_is_taken_back_did_not_happen),
		cmocka_unit_test(a_failure_of_long_ago_is_not_taken_back),
		cmocka_unit_test(one_and_one_follow_every_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
