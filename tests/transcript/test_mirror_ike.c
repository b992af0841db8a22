/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: mirror_ike.c */
/*
 * New SAs are left to an IKE daemon on the standby, for a while (P10.23).
 */
#include "mirror_story.h"

enum { WAIT_MS = 2000, AUDIT_MS = 150 * 1000 + 2000, MANY = MIRROR_LEFT_MAX + 60 };

static unsigned dumps_before;

static int ike_begins(void **state)
{
	struct pair *p = pair_new();

	pair_mirror_sas(p);
	p->side[0].conf->mirror.ike_wait_ms = WAIT_MS;
	pair_same_conf(p);
	*state = p;
	pair_start_both(p);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	pair_run(p, 2000);
	dumps_before = p->side[0].kernel->dumps;
	return 0;
}

#define IKE_STORY(name) cmocka_unit_test_setup_teardown(name, ike_begins, story_ends)

static bool is_here(const struct pair *p, unsigned i, unsigned key)
{
	return pair_session(p, i, key)->there;
}

static bool is_held(const struct pair *p, unsigned i, unsigned key)
{
	return pair_session(p, i, key)->held;
}

/* Through the master's table, since the pair was in sync: it was asked for something. */
static unsigned walks(const struct pair *p)
{
	return p->side[0].kernel->dumps - dumps_before;
}

/* The daemon on fw2 comes first: its SA stays as it is, held, and follows the numbers. */
static void what_the_daemon_installed_follows_the_peers_numbers(void **state)
{
	struct pair *p = *state;

	pair_make(p, 1, 7, 1);
	pair_run(p, 1);
	assert_true(is_held(p, 1, 7));
	pair_make(p, 0, 7, 1);
	pair_run(p, 100);
	pair_change(p, 0, 7, 5);
	pair_run(p, 100);
	assert_int_equal(pair_session(p, 1, 7)->state, 5);
	pair_run(p, 2 * WAIT_MS);
	assert_int_equal(orders(p, 1)[OBJECT_WHOLE] + orders(p, 1)[OBJECT_CREATE], 0);
	assert_false(pair_owns(p, 1, 7));
	assert_int_equal(walks(p), 0);
	assert_true(is_here(p, 0, 7));
}

/* The peer's word comes first: nothing is in the daemon's way, and nothing is asked for. */
static void the_daemon_has_time(void **state)
{
	struct pair *p = *state;

	pair_make(p, 0, 7, 1);
	pair_change(p, 0, 7, 2);
	pair_run(p, WAIT_MS / 2);
	assert_false(is_here(p, 1, 7));
	pair_make(p, 1, 7, 1);
	pair_run(p, 1);
	assert_true(is_held(p, 1, 7));
	pair_change(p, 0, 7, 3);
	pair_run(p, 2 * WAIT_MS);
	assert_int_equal(pair_session(p, 1, 7)->state, 3);
	assert_int_equal(orders(p, 1)[OBJECT_WHOLE], 0);
	assert_int_equal(counted(p, 1, COUNTER_MISSING), 0);
	assert_int_equal(walks(p), 0);
	assert_int_equal(pair_different(p), -1);
}

static void what_no_daemon_installs_is_copied(void **state)
{
	struct pair *p = *state;

	pair_make(p, 0, 7, 1);
	pair_run(p, WAIT_MS - 100);
	assert_false(is_here(p, 1, 7));
	pair_run(p, 400);
	assert_true(is_here(p, 1, 7) && is_held(p, 1, 7));
	assert_int_equal(pair_different(p), -1);
	/* Each has its own time, and those that find no place are copied, too. */
	pair_make_many(p, 0, 100, MANY);
	pair_run(p, WAIT_MS / 2);
	assert_false(is_here(p, 1, 100));
	pair_run(p, 20000);
	assert_int_equal(pair_different(p), -1);
}

/* The master's comes into being after the standby's, and is over before it is asked for. */
static void what_is_over_is_not_asked_for(void **state)
{
	struct pair *p = *state;

	pair_make(p, 0, 7, 1);
	pair_run(p, 100);
	pair_remove_bare(p, 0, 7);
	pair_run(p, 2 * WAIT_MS);
	assert_false(is_here(p, 1, 7));
	assert_int_equal(walks(p), 0);
	/* The standby's daemon is told first. */
	pair_make(p, 1, 8, 1);
	pair_make(p, 0, 8, 1);
	pair_run(p, 100);
	pair_remove_bare(p, 1, 8);
	pair_run(p, 100);
	pair_remove_bare(p, 0, 8);
	pair_run(p, 2 * WAIT_MS);
	assert_false(is_here(p, 1, 8));
	assert_int_equal(walks(p), 0);
}

static void what_a_daemon_that_ended_took_with_it_comes_back(void **state)
{
	struct pair *p = *state;

	pair_make(p, 1, 7, 1);
	pair_make(p, 0, 7, 1);
	pair_run(p, 100);
	pair_remove_bare(p, 1, 7);
	pair_run(p, 100);
	assert_false(is_here(p, 1, 7));
	pair_run(p, WAIT_MS + 200);
	assert_true(is_here(p, 1, 7) && is_held(p, 1, 7));
}

static void a_takeover_jumps_what_the_daemon_installed(void **state)
{
	struct pair *p = *state;

	pair_make(p, 0, 7, 1);
	pair_make(p, 0, 8, 1);
	pair_run(p, 100);
	pair_make(p, 1, 7, 1);
	pair_run(p, 10);
	pair_power_off(p, 0);
	pair_run(p, 500);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	assert_false(is_held(p, 1, 7));
	assert_int_equal(pair_session(p, 1, 7)->state, 1 + PAIR_JUMP);
	assert_true(pair_owns(p, 1, 7));
	/* From then on the node's own daemon makes the pair's SAs. */
	pair_make(p, 1, 9, 1);
	pair_run(p, 2 * AUDIT_MS);
	assert_true(is_here(p, 1, 9) && !is_held(p, 1, 9) && pair_owns(p, 1, 9));
	/* A node that comes back gets all with the resync. */
	pair_start(p, 0);
	pair_run(p, 1500);
	assert_true(is_here(p, 0, 7) && is_here(p, 0, 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IKE_STORY(what_the_daemon_installed_follows_the_peers_numbers),
		IKE_STORY(the_daemon_has_time),
		IKE_STORY(what_no_daemon_installs_is_copied),
		IKE_STORY(what_is_over_is_not_asked_for),
		IKE_STORY(what_a_daemon_that_ended_took_with_it_comes_back),
		IKE_STORY(a_takeover_jumps_what_the_daemon_installed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
