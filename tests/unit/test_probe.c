/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { INTERVAL_MS = 200, INTERVAL_US = INTERVAL_MS * 1000, RTT_US = 100 };

static const mono_t start = { 1000 * 1000 };

static mono_t at(uint64_t us)
{
	return mono_after_us(start, us);
}

/* Has had one good probe, sent at 0. */
static struct probe begun(void)
{
	struct probe p;

	probe_init(&p, INTERVAL_MS, start);
	assert_true(probe_is_due(&p, start));
	uint16_t sequence = probe_sent(&p, start, false);

	assert_int_equal(probe_heard(&p, sequence, at(RTT_US)), PROBE_GOOD);
	return p;
}

static void probes_go_out_each_interval(void **state)
{
	struct probe p = begun();

	(void)state;
	for (unsigned i = 1; i < 5; i++) {
		mono_t due = probe_deadline(&p);

		assert_int_equal(due.us, at(i * INTERVAL_US).us);
		assert_false(probe_is_due(&p, (mono_t){ due.us - 1 }));
		assert_true(probe_is_due(&p, due));
		uint16_t sequence = probe_sent(&p, due, false);

		assert_false(probe_is_due(&p, due));
		assert_int_equal(probe_heard(&p, sequence, mono_after_us(due, RTT_US)), PROBE_GOOD);
	}
}

static void a_black_hole_is_noticed_within_the_intervals_and_5_ms(void **state)
{
	struct probe p = begun();
	unsigned failed = 0;
	mono_t now = start;

	(void)state;
	while (failed < 3) {
		now = probe_deadline(&p);
		if (probe_is_due(&p, now))
			(void)probe_sent(&p, now, false);
		else
			failed += probe_expired(&p, now);
	}
	/* The hole opened when the last answer had come. */
	assert_in_range(now.us, at(3 * INTERVAL_US).us, at(3 * INTERVAL_US + RTT_US + 4500).us);
}

static void the_first_probe_and_one_of_a_failed_monitor_have_the_interval(void **state)
{
	struct probe p;

	(void)state;
	probe_init(&p, INTERVAL_MS, start);
	(void)probe_sent(&p, start, false);
	assert_int_equal(probe_deadline(&p).us, at(INTERVAL_US).us);
	assert_true(probe_expired(&p, at(INTERVAL_US)));
	p = begun();
	uint16_t sequence = probe_sent(&p, at(INTERVAL_US), true);

	assert_int_equal(probe_deadline(&p).us, at(2 * INTERVAL_US).us);
	assert_int_equal(probe_heard(&p, sequence, at(2 * INTERVAL_US - 1)), PROBE_GOOD);
}

static void a_late_answer_takes_the_failure_back_until_the_next_probe(void **state)
{
	struct probe p = begun();
	uint16_t sequence = probe_sent(&p, at(INTERVAL_US), false);
	mono_t due = probe_deadline(&p);

	(void)state;
	assert_true(mono_before(due, at(INTERVAL_US + 5000)));
	assert_true(probe_expired(&p, due));
	assert_false(probe_expired(&p, due));
	assert_int_equal(probe_heard(&p, sequence, mono_after_us(due, 1)), PROBE_TAKEN_BACK);
	assert_int_equal(probe_heard(&p, sequence, mono_after_us(due, 2)), PROBE_STALE);

	sequence = probe_sent(&p, at(2 * INTERVAL_US), false);
	assert_true(probe_expired(&p, probe_deadline(&p)));
	(void)probe_sent(&p, at(3 * INTERVAL_US), false);
	assert_int_equal(probe_heard(&p, sequence, at(3 * INTERVAL_US)), PROBE_STALE);
	assert_false(probe_is_due(&p, at(3 * INTERVAL_US))); /* its own is still waited for */
}

static void own_lateness_is_added_to_the_wait(void **state)
{
	struct probe p = begun();
	uint16_t sequence = probe_sent(&p, at(INTERVAL_US), false);
	mono_t due = probe_deadline(&p), late = mono_after_us(due, 30000);

	(void)state;
	assert_false(probe_expired(&p, late));
	assert_int_equal(probe_deadline(&p).us, mono_after_us(late, 30000).us);
	assert_int_equal(probe_heard(&p, sequence, mono_after_us(late, 10)), PROBE_GOOD);
}

static void a_pause_adds_one_interval_at_most_and_not_for_ever(void **state)
{
	struct probe p = begun();
	unsigned looks = 0;
	mono_t now;

	(void)state;
	(void)probe_sent(&p, at(INTERVAL_US), false);
	now = mono_after_ms(probe_deadline(&p), 60000);
	assert_false(probe_expired(&p, now));
	assert_int_equal(probe_deadline(&p).us, mono_after_us(now, INTERVAL_US).us);
	do {
		now = mono_after_us(probe_deadline(&p), PROBE_LATE_US + 1);
		looks++;
	} while (!probe_expired(&p, now));
	assert_int_equal(looks, PROBE_EXTENSIONS);
}

static void after_a_stall_one_probe_goes_out(void **state)
{
	struct probe p = begun();
	mono_t late = at(50 * INTERVAL_US);

	(void)state;
	uint16_t sequence = probe_sent(&p, late, false);

	assert_int_equal(probe_heard(&p, sequence, mono_after_us(late, RTT_US)), PROBE_GOOD);
	assert_int_equal(probe_deadline(&p).us, mono_after_us(late, INTERVAL_US).us);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probes_go_out_each_interval),
		cmocka_unit_test(a_black_hole_is_noticed_within_the_intervals_and_5_ms),
		cmocka_unit_test(the_first_probe_and_one_of_a_failed_monitor_have_the_interval),
		cmocka_unit_test(a_late_answer_takes_the_failure_back_until_the_next_probe),
		cmocka_unit_test(own_lateness_is_added_to_the_wait),
		cmocka_unit_test(a_pause_adds_one_interval_at_most_and_not_for_ever),
		cmocka_unit_test(after_a_stall_one_probe_goes_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
