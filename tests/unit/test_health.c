/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: health.c names.c */
#include "core/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nsrp/node.h"

static struct conf conf;
static struct health health;

/* Two groups; monitors of all groups (200), of group 0 (100), of group 1 (55), watching only. */
static int set_up(void **state)
{
	static const struct conf_monitor monitors[] = {
		{ .weight = 200, .all_groups = true, .group = 1 },
		{ .weight = 100, .group = 0 },
		{ .weight = 55, .group = 1 },
		{ .weight = 0, .all_groups = true },
	};

	(void)state;
	memset(&conf, 0, sizeof(conf));
	memset(&health, 0, sizeof(health));
	conf.n_groups = 2;
	conf.group[0].threshold = conf.group[1].threshold = 255;
	conf.n_monitors = ARRAY_LEN(monitors);
	memcpy(conf.monitor, monitors, sizeof(monitors));
	return 0;
}

static void a_verdict_is_news_once(void **state)
{
	(void)state;
	assert_false(health_reported(&health, 0, true)); /* passes until it fails */
	assert_true(health_reported(&health, 0, false));
	assert_false(health_reported(&health, 0, false));
	assert_true(health_reported(&health, 0, true));
}

static void weights_of_the_groups_own_monitors_add_up(void **state)
{
	(void)state;
	health_reported(&health, 0, false);
	health_reported(&health, 2, false);
	assert_int_equal(health_failed_weight(&health, &conf, 0), 200);
	assert_int_equal(health_failed_weight(&health, &conf, 1), 255);
	assert_true(health_is_operable(&health, &conf, 0));
	assert_false(health_is_operable(&health, &conf, 1)); /* the threshold is reached */
	health_reported(&health, 0, true);
	assert_int_equal(health_failed_weight(&health, &conf, 1), 55);
	assert_true(health_is_operable(&health, &conf, 1));
}

static void a_watching_monitor_weighs_nothing(void **state)
{
	(void)state;
	health_reported(&health, 3, false);
	assert_int_equal(health_failed_weight(&health, &conf, 0), 0);
	conf.group[0].threshold = 1;
	assert_true(health_is_operable(&health, &conf, 0));
}

static void the_sum_of_all_weights_fits(void **state)
{
	(void)state;
	conf.n_monitors = CONF_MONITORS_MAX;
	for (unsigned i = 0; i < CONF_MONITORS_MAX; i++) {
		conf.monitor[i] = (struct conf_monitor){ .weight = 255, .all_groups = true };
		health_reported(&health, i, false);
	}
	assert_int_equal(health_failed_weight(&health, &conf, 1), CONF_MONITORS_MAX * 255);
}

static void states_have_the_fields_names(void **state)
{
	static const char *const groups[] = { "?", "init", "master", "primary-backup", "backup",
		"ineligible", "inoperable", "?" };
	static const char *const paths[] = { "silent", "alive", "one-way", "lost", "?" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(groups); i++)
		assert_string_equal(group_state_name((enum group_state)i), groups[i]);
	for (unsigned i = 0; i < ARRAY_LEN(paths); i++)
		assert_string_equal(path_state_name((enum path_state)i), paths[i]);
}

static void tables_are_quoted_and_strangers_are_question_marks(void **state)
{
	(void)state;
	assert_string_equal(rule_label(RULE_MASTER_INOPERABLE), "2b");
	assert_string_equal(rule_text(RULE_SITTING_MASTER), "the sitting master stays");
	assert_string_equal(rule_label(RULE_COUNT), "?");
	assert_string_equal(rule_text(RULE_COUNT), "?");
	assert_string_equal(reason_text(REASON_PEER_LOST), "peer lost");
	assert_string_equal(reason_text((enum reason)200), "?");
	assert_string_equal(result_text(RESULT_NO_PEER), "the peer is not heard");
	assert_string_equal(result_text((enum result)200), "?");
	assert_string_equal(counter_key(COUNTER_DROP_AUTH), "drop_auth");
	assert_string_equal(counter_text(COUNTER_DROP_AUTH), "dropped: not authentic");
	assert_string_equal(counter_key(COUNTER_COUNT), "?");
	assert_string_equal(counter_text(COUNTER_COUNT), "?");
}

static void done_and_unchanged_are_the_results_that_are_good(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(
			result_ok((enum result)i), i == RESULT_DONE || i == RESULT_UNCHANGED);
}

static void labels_and_keys_are_unique(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RULE_COUNT; i++) {
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(rule_label(i), rule_label(k));
	}
	for (unsigned i = 0; i < COUNTER_COUNT; i++) {
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(counter_key(i), counter_key(k));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_verdict_is_news_once, set_up),
		cmocka_unit_test_setup(weights_of_the_groups_own_monitors_add_up, set_up),
		cmocka_unit_test_setup(a_watching_monitor_weighs_nothing, set_up),
		cmocka_unit_test_setup(the_sum_of_all_weights_fits, set_up),
		cmocka_unit_test(states_have_the_fields_names),
		cmocka_unit_test(tables_are_quoted_and_strangers_are_question_marks),
		cmocka_unit_test(done_and_unchanged_are_the_results_that_are_good),
		cmocka_unit_test(labels_and_keys_are_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
