/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mirroring of what both kernels come to know by themselves (P10.14 to P10.17).
 */
#include "mirror_story.h"

enum { AUDIT_MS = 150 * 1000 + 2000 };

static int neighbours_begin(void **state)
{
	struct pair *p = pair_new();

	pair_mirror_neighbours(p);
	*state = p;
	return 0;
}

#define NEIGHBOURS(name) cmocka_unit_test_setup_teardown(name, neighbours_begin, story_ends)

static void assert_one_owner(const struct pair *p, unsigned key, unsigned owner)
{
	assert_true(pair_owns(p, owner, key));
	assert_false(pair_owns(p, 1 - owner, key));
}

static bool is_there(const struct pair *p, unsigned i, unsigned key)
{
	return pair_session(p, i, key)->there;
}

static uint64_t sent(const struct pair *p)
{
	return counted(p, 0, COUNTER_RECORDS_SENT) + counted(p, 1, COUNTER_RECORDS_SENT);
}

static uint64_t differences(const struct pair *p)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < 2; i++)
		sum += counted(p, i, COUNTER_SUMS_DIFFER) + counted(p, i, COUNTER_AUDIT_REPAIRS);
	return sum;
}

static void what_both_find_the_same_is_not_told(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	pair_run(p, 3000);
	uint64_t before = sent(p);

	for (unsigned round = 0; round < 5; round++) {
		for (unsigned key = 0; key < 10; key++) {
			pair_repeat(p, 0, key);
			pair_repeat(p, 1, key);
		}
		pair_run(p, 100);
	}
	assert_int_equal(sent(p), before);
	for (unsigned key = 0; key < 10; key++)
		assert_one_owner(p, key, 0);
}

static void what_is_refuted_goes_unless_this_kernel_knows_it(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	pair_repeat(p, 1, 3); /* it answered the standby, too */
	pair_remove_bare(p, 0, 3);
	pair_remove_bare(p, 0, 4);
	pair_run(p, 100);
	assert_true(is_there(p, 1, 3));
	assert_true(pair_owns(p, 1, 3));
	assert_false(is_there(p, 1, 4));
	assert_null(pair_entry(p, 1, 4));
	pair_run(p, 2 * AUDIT_MS);
	assert_true(is_there(p, 1, 3)); /* and is not installed where it was refuted */
	assert_false(is_there(p, 0, 3));
	assert_int_equal(differences(p), 0);
}

static void what_a_kernel_forgets_goes_with_the_next_audit(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	pair_run(p, 3000);
	uint64_t before = sent(p);

	for (unsigned key = 0; key < 5; key++)
		pair_remove(p, 0, key);
	pair_make(p, 0, 4, 1); /* it comes back before */
	pair_run(p, 1000);
	assert_int_equal(sent(p), before);
	assert_int_equal(pair_sessions(p, 1), 10);
	pair_run(p, AUDIT_MS);
	assert_int_equal(pair_sessions(p, 0), 6);
	assert_int_equal(pair_different(p), -1);
	assert_int_equal(counted(p, 0, COUNTER_AUDIT_REPAIRS), 0);
}

static void a_takeover_has_what_the_old_master_forgot_meanwhile(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	/* The last address of the interface goes, and all neighbours with it. */
	pair_command(p, 0, COMMAND_FAILOVER, COMMAND_ALL_GROUPS, false);
	for (unsigned key = 0; key < 10; key++)
		pair_remove(p, 0, key);
	pair_run(p, 100);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	assert_int_equal(pair_sessions(p, 1), 10);
	pair_run(p, 10000);
	assert_int_equal(pair_sessions(p, 1), 10);
	assert_int_equal(pair_different(p), -1);
}

static void a_copy_that_the_standby_forgets_is_put_back(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	pair_remove(p, 1, 6);
	assert_true(is_there(p, 1, 6));
	assert_int_equal(counted(p, 1, COUNTER_RENEWED), 1);
	/* Not one that it asked for in vain; what the master knows comes with the next audit. */
	pair_remove_bare(p, 1, 7);
	pair_run(p, 1000);
	assert_false(is_there(p, 1, 7));
	assert_true(is_there(p, 0, 7));
	pair_run(p, AUDIT_MS + 10000);
	assert_int_equal(pair_different(p), -1);
}

static void words_that_cross_leave_one_owner(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	pair_make(p, 0, 30, 1);
	pair_make(p, 1, 30, 1);
	pair_make(p, 0, 31, 1);
	pair_make(p, 1, 31, 2);
	pair_run(p, 100);
	assert_one_owner(p, 30, 0);
	assert_one_owner(p, 31, 0);
	assert_int_equal(pair_different(p), -1);
}

static void what_the_standby_knows_comes_to_the_master_and_survives_a_resync(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	pair_make(p, 1, 40, 1);
	pair_run(p, 100);
	assert_one_owner(p, 40, 1);
	assert_true(is_there(p, 0, 40));
	pair_plain_event(p, 0, EVENT_RESYNC);
	pair_run(p, 5000);
	assert_true(is_there(p, 1, 40));
	assert_int_equal(pair_different(p), -1);
	assert_int_equal(differences(p), 0);
}

static void an_own_address_is_taken_for_installed(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	p->side[1].kernel->refuses = 1;
	p->side[1].kernel->refuses_why = REFUSED_SELF;
	pair_make(p, 0, 50, 1);
	pair_run(p, 3 * AUDIT_MS);
	assert_false(is_there(p, 1, 50));
	assert_one_owner(p, 50, 0);
	assert_int_equal(differences(p), 0);
	assert_int_equal(counted(p, 1, COUNTER_REFUSED_OTHER), 0);
	/* The master's own it is not, when that takes over. */
	pair_power_off(p, 0);
	pair_run(p, AUDIT_MS);
	assert_null(pair_entry(p, 1, 50));
}

static void no_more_than_the_limit_is_installed(void **state)
{
	struct pair *p = *state;

	p->side[1].kernel->limit = 20;
	start_with(p, 10);
	pair_make_many(p, 0, 100, 15);
	pair_run(p, 100);
	assert_int_equal(pair_sessions(p, 1), 20);
	assert_int_equal(counted(p, 1, COUNTER_REFUSED_FULL), 5);
	assert_true(in_sync(p, 1));
	for (unsigned key = 100; key < 115; key++)
		pair_remove_bare(p, 0, key);
	pair_run(p, 100);
	assert_int_equal(pair_different(p), -1);
}

static void a_table_that_cannot_be_read_holds_nothing_up(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	p->side[0].kernel->result = DUMP_FAILED;
	pair_plain_event(p, 0, EVENT_RESYNC);
	pair_run(p, 1000);
	ASSERT_TOLD(p, "fw1: mirror: the kernel's table could not be read to its end",
		"fw1: mirror: resync to fw2: ");
	assert_true(in_sync(p, 1));
	pair_run(p, 2 * AUDIT_MS);
	assert_int_equal(pair_different(p), -1);
	assert_int_equal(pair_sessions(p, 1), 10);
}

static void copies_are_settled_some_time_after_a_takeover(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	pair_power_off(p, 0);
	pair_run(p, 5000);
	assert_states(p, pair_state(p, 0, 0), GROUP_MASTER);
	assert_int_equal(orders(p, 1)[OBJECT_SETTLE], 0);
	pair_run(p, AUDIT_MS);
	assert_int_equal(orders(p, 1)[OBJECT_SETTLE], 10);
}

static void what_a_restarted_standby_has_itself_stays_the_masters(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	for (unsigned key = 0; key < 10; key++) /* its kernel was left to deal with them */
		p->side[1].kernel->session[key].held = false;
	pair_restart_engine(p, 1);
	pair_run(p, 5000);
	for (unsigned key = 0; key < 10; key++)
		assert_one_owner(p, key, 0);
	assert_int_equal(pair_different(p), -1);
}

static void what_the_standby_asks_for_again_stays_the_masters(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	pair_remove_bare(p, 1, 7);
	pair_make(p, 1, 7, 1);
	pair_run(p, 100);
	assert_one_owner(p, 7, 0);
	pair_remove_bare(p, 0, 7); /* which the standby knows itself */
	pair_run(p, 100);
	assert_true(is_there(p, 1, 7));
}

static void what_the_standby_knew_before_the_start_survives_the_first_resync(void **state)
{
	struct pair *p = *state;

	p->side[1].kernel->session[60] = (struct pair_session){ .there = true, .state = 1 };
	/* What is left of a copy goes. */
	p->side[1].kernel->session[61] =
		(struct pair_session){ .there = true, .state = 1, .held = true };
	pair_start_both(p);
	pair_make_many(p, 0, 0, 10);
	pair_run(p, 8000);
	assert_true(is_there(p, 1, 60));
	assert_true(is_there(p, 0, 60));
	assert_false(is_there(p, 1, 61));
	assert_int_equal(pair_different(p), -1);
	assert_int_equal(counted(p, 1, COUNTER_SUMS_DIFFER), 0);
}

static void they_make_no_node_out_of_sync(void **state)
{
	struct pair *p = *state;

	p->side[0].conf->mirror.sessions = true;
	pair_same_conf(p);
	start_with(p, 10);
	pair_make_many(p, 1, 40, 5);
	pair_run(p, 100);
	pair_forget(p);
	pair_command(p, 1, COMMAND_FAILOVER, COMMAND_ALL_GROUPS, false);
	pair_run(p, 10000);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	pair_make_many(p, 0, 50, 5);
	pair_run(p, 100);
	pair_forget(p);
	pair_plain_event(p, 1, EVENT_RESYNC); /* adopts them all */
	pair_run(p, 5000);
	assert_silent(p, "fw1: mirror: not in sync");
	assert_int_equal(pair_different(p), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NEIGHBOURS(what_both_find_the_same_is_not_told),
		NEIGHBOURS(what_is_refuted_goes_unless_this_kernel_knows_it),
		NEIGHBOURS(what_a_kernel_forgets_goes_with_the_next_audit),
		NEIGHBOURS(a_takeover_has_what_the_old_master_forgot_meanwhile),
		NEIGHBOURS(a_copy_that_the_standby_forgets_is_put_back),
		NEIGHBOURS(words_that_cross_leave_one_owner),
		NEIGHBOURS(what_the_standby_knows_comes_to_the_master_and_survives_a_resync),
		NEIGHBOURS(an_own_address_is_taken_for_installed),
		NEIGHBOURS(no_more_than_the_limit_is_installed),
		NEIGHBOURS(a_table_that_cannot_be_read_holds_nothing_up),
		NEIGHBOURS(copies_are_settled_some_time_after_a_takeover),
		NEIGHBOURS(what_a_restarted_standby_has_itself_stays_the_masters),
		NEIGHBOURS(they_make_no_node_out_of_sync),
		NEIGHBOURS(what_the_standby_asks_for_again_stays_the_masters),
		NEIGHBOURS(what_the_standby_knew_before_the_start_survives_the_first_resync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
