/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { DEBOUNCE_MS = 600 };

static const mono_t start = { 1000 * 1000 };

static mono_t at(uint64_t ms)
{
	return mono_after_ms(start, ms);
}

static bool changed(struct link *l, bool carrier, uint64_t ms)
{
	return link_changed(l, carrier, DEBOUNCE_MS, at(ms));
}

static void the_first_state_is_taken_at_once(void **state)
{
	struct link l;

	(void)state;
	link_init(&l, true);
	assert_true(l.passes);
	link_init(&l, false);
	assert_false(l.passes);
	assert_true(mono_is_never(link_deadline(&l)));
}

static void it_fails_at_once_and_passes_after_the_debounce(void **state)
{
	struct link l;

	(void)state;
	link_init(&l, true);
	assert_true(changed(&l, false, 0));
	assert_false(l.passes);
	assert_false(changed(&l, false, 1));
	assert_false(changed(&l, true, 10));
	assert_int_equal(link_deadline(&l).us, at(10 + DEBOUNCE_MS).us);
	assert_false(link_settled(&l, at(9 + DEBOUNCE_MS)));
	assert_false(changed(&l, true, 300)); /* told again */
	assert_true(link_settled(&l, at(10 + DEBOUNCE_MS)));
	assert_true(l.passes);
	assert_true(mono_is_never(link_deadline(&l)));
}

static void a_break_begins_the_debounce_anew(void **state)
{
	struct link l;

	(void)state;
	link_init(&l, false);
	(void)changed(&l, true, 0);
	assert_false(changed(&l, false, 500));
	assert_true(mono_is_never(link_deadline(&l)));
	(void)changed(&l, true, 501);
	assert_false(link_settled(&l, at(DEBOUNCE_MS)));
	assert_true(link_settled(&l, at(501 + DEBOUNCE_MS)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_state_is_taken_at_once),
		cmocka_unit_test(it_fails_at_once_and_passes_after_the_debounce),
		cmocka_unit_test(a_break_begins_the_debounce_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
