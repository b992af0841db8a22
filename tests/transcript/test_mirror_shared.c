/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mirroring with two groups, one on each node: every session has one owner, whatever both say.
 */
#include "mirror_story.h"

/* Group 7 on fw1 with sessions 0 to 9, group 8 on fw2 with sessions 10 to 19. */
static void start_shared(struct pair *p)
{
	struct conf *c = p->side[0].conf;

	c->n_groups = 2;
	c->group[1] = c->group[0];
	c->group[1].id = 8;
	c->group[1].priority[0] = 100;
	c->group[1].priority[1] = 50;
	pair_same_conf(p);
	pair_start_both(p);
	assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
	assert_int_equal(pair_state(p, 1, 1), GROUP_MASTER);
	pair_make_many(p, 0, 0, 10);
	pair_make_many(p, 1, 10, 10);
	pair_run(p, 2000);
	assert_int_equal(pair_different(p), -1);
	assert_int_equal(pair_sessions(p, 0), 20);
	pair_forget(p);
}

static void assert_one_owner(const struct pair *p, unsigned key, unsigned owner)
{
	assert_true(pair_owns(p, owner, key));
	assert_false(pair_owns(p, 1 - owner, key));
}

static void a_session_belongs_to_the_node_that_saw_it_last(void **state)
{
	struct pair *p = *state;

	start_shared(p);
	for (unsigned key = 0; key < 20; key++)
		assert_one_owner(p, key, key >= 10);
	pair_change(p, 1, 3, 5);
	pair_run(p, 1);
	assert_one_owner(p, 3, 1);
	assert_int_equal(pair_session(p, 0, 3)->state, 5);
	pair_repeat(p, 0, 3); /* nothing changed but who saw it */
	pair_run(p, 1);
	assert_one_owner(p, 3, 0);
}

/* The packet came first, then the peer's word was written, then the event was read. */
static void an_event_that_a_word_overtook_does_not_hide_what_was_written(void **state)
{
	struct pair *p = *state;

	start_shared(p);
	pair_change(p, 1, 3, 60);
	p->side[0].kernel->session[3].state = 50;
	p->side[1].kernel->session[3].state = 50;
	pair_run(p, 5);
	assert_one_owner(p, 3, 1);
	assert_int_equal(pair_session(p, 0, 3)->state, 50);
	assert_true(pair_same(p, 3));
}

static void words_that_cross_leave_one_owner(void **state)
{
	struct pair *p = *state;

	start_shared(p);
	pair_run(p, 500);
	for (unsigned key = 4; key < 16; key++) {
		pair_change(p, 0, key, 50);
		pair_change(p, 1, key, 60);
	}
	pair_run(p, 1);
	for (unsigned key = 4; key < 16; key++) {
		assert_one_owner(p, key, 0);
		assert_int_equal(pair_session(p, 1, key)->state, 50);
	}
	/* A new one that both see. */
	pair_make(p, 0, 30, 1);
	pair_make(p, 1, 30, 2);
	pair_run(p, 1);
	assert_one_owner(p, 30, 0);
	assert_int_equal(pair_different(p), -1);
}

static bool no_records_of_fw2(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	(void)p, (void)path;
	return from == 0 || pair_tlv(frame, WIRE_TLV_DATA).len == 0;
}

/* A frame that is sent again says what its sender had heard when it was written. */
static void words_that_are_lost_and_sent_again_leave_one_owner(void **state)
{
	struct pair *p = *state;

	start_shared(p);
	pair_run(p, 500);
	p->passes = no_records_of_fw2;
	pair_change(p, 1, 5, 60);
	pair_run(p, 1);
	pair_change(p, 0, 5, 50);
	pair_run(p, 1);
	p->passes = NULL;
	pair_run(p, 500);
	assert_one_owner(p, 5, 0);
	assert_int_equal(pair_different(p), -1);
}

static void what_two_nodes_own_is_claimed_by_the_first(void **state)
{
	struct pair *p = *state;

	start_shared(p);
	pair_run(p, 500);
	for (unsigned i = 0; i < 2; i++) {
		struct index *ix = &pair_mirror_of(p, i)->index;

		index_set_owner(ix, pair_entry(p, i, 5), INDEX_OWN);
		index_set_owner(ix, pair_entry(p, i, 15), INDEX_OWN);
		pair_entry(p, i, 5)->stamp = pair_entry(p, i, 15)->stamp = CHANNEL_FIRST;
	}
	pair_plain_event(p, 1, EVENT_RESYNC);
	pair_run(p, 3000);
	assert_one_owner(p, 5, 0);
	assert_one_owner(p, 15, 0);
	assert_int_equal(pair_different(p), -1);
}

static void an_engine_that_starts_again_keeps_the_sessions_it_serves(void **state)
{
	struct pair *p = *state;

	for (unsigned i = 0; i < 2; i++) {
		if (i == 0)
			start_shared(p);
		for (unsigned key = 0; key < 20; key++) /* no traffic has passed */
			p->side[i].kernel->session[key].held = true;
		pair_restart_engine(p, i);
		pair_run(p, 4000);
		assert_int_equal(pair_sessions(p, 0), 20);
		assert_int_equal(pair_sessions(p, 1), 20);
		assert_int_equal(pair_different(p), -1);
		for (unsigned key = 0; key < 20; key++)
			assert_int_equal(pair_owns(p, 0, key) + pair_owns(p, 1, key), 1);
	}
}

static void the_last_master_owns_everything(void **state)
{
	struct pair *p = *state;

	start_shared(p);
	pair_command(p, 1, COMMAND_FAILOVER, 1, false);
	pair_run(p, 6000);
	assert_int_equal(pair_state(p, 0, 1), GROUP_MASTER);
	for (unsigned key = 0; key < 20; key++)
		assert_one_owner(p, key, 0);
	assert_silent(p, "resync");
	for (unsigned key = 0; key < 20; key++)
		assert_false(pair_session(p, 0, key)->held);
	/* And gives one group away again. */
	pair_command(p, 0, COMMAND_FAILOVER, 1, false);
	pair_run(p, 3000);
	assert_int_equal(pair_state(p, 1, 1), GROUP_MASTER);
	assert_silent(p, "resync");
	assert_true(in_sync(p, 0) && in_sync(p, 1));
	/* Alone: it owns what the other had. */
	pair_power_off(p, 0);
	pair_run(p, 1000);
	for (unsigned key = 0; key < 20; key++)
		assert_true(pair_owns(p, 1, key));
}

/* Traffic that changes nothing makes no event: the copy of its last owner runs out. */
static void a_session_is_not_over_while_traffic_passes_the_other_master(void **state)
{
	struct pair *p = *state;

	start_shared(p);
	pair_change(p, 0, 15, 5);
	pair_change(p, 0, 16, 5);
	pair_run(p, 100);
	assert_one_owner(p, 15, 0);
	p->side[1].kernel->session[15].held = false;
	pair_remove(p, 0, 15);
	pair_remove(p, 0, 16);
	pair_run(p, 100);
	assert_true(pair_session(p, 1, 15)->there);
	assert_true(pair_session(p, 0, 15)->there);
	assert_one_owner(p, 15, 1);
	assert_false(pair_session(p, 1, 16)->there);
	assert_null(pair_entry(p, 1, 16));
}

/* fw1 comes back, its kernel empty, before fw2 missed it: its silence on what it lost ends nothing
 * of what fw2 serves. */
static void a_master_keeps_what_a_restarted_peer_lost(void **state)
{
	struct pair *p = *state;

	start_shared(p);
	pair_command(p, 1, COMMAND_MAINTENANCE_ON, 0, false); /* so fw2 cannot take all */
	pair_change(p, 0, 15, 5); /* the peer's, though fw2 is the master of it */
	pair_run(p, 100);
	assert_one_owner(p, 15, 0);
	pair_power_off(p, 0);
	pair_run(p, 50);
	pair_start(p, 0);
	pair_run(p, 8000);
	assert_true(pair_session(p, 1, 15)->there);
	assert_one_owner(p, 15, 1);
	assert_int_equal(pair_different(p), -1);
	assert_int_equal(pair_sessions(p, 0), 20);
}

static void assert_liberal(const struct pair *p, unsigned i, unsigned first, unsigned n)
{
	for (unsigned key = first; key < first + n; key++)
		assert_true(pair_session(p, i, key)->liberal);
}

/* A session's directions may pass different nodes, and change nodes at any time: neither kernel
 * sees enough of it to judge windows. */
static void two_masters_judge_nothing_by_windows(void **state)
{
	struct pair *p = *state;

	start_shared(p);
	assert_liberal(p, 0, 0, 20);
	assert_liberal(p, 1, 0, 20);
	pair_make(p, 1, 30, 1); /* at once, not with the next walk */
	assert_liberal(p, 1, 30, 1);
	pair_make(p, 0, 31, 1);
	pair_run(p, 1);
	assert_liberal(p, 0, 30, 2);
	assert_liberal(p, 1, 30, 2);
	/* Nor does the end of a hold change that. */
	pair_change(p, 1, 3, 5);
	pair_change(p, 0, 3, 6);
	pair_plain_event(p, 0, EVENT_AUDIT);
	pair_run(p, 3000);
	assert_liberal(p, 0, 0, 20);
	assert_int_equal(orders(p, 0)[OBJECT_SETTLE] + orders(p, 1)[OBJECT_SETTLE], 0);
}

/* The event of its end was lost; all that is told of the new one is what is known of the old. */
static void a_session_that_is_made_again_unheard_is_forgiven_too(void **state)
{
	struct pair *p = *state;

	start_shared(p);
	pair_make(p, 0, 3, pair_session(p, 0, 3)->state);
	assert_liberal(p, 0, 3, 1);
}

static void the_last_master_judges_by_windows_again_once_it_saw_all(void **state)
{
	struct pair *p = *state;

	start_shared(p);
	pair_run(p, 3000);
	/* That it saw traffic of both directions once is long ago. */
	p->side[0].kernel->session[3].held = false;
	unsigned before = orders(p, 0)[OBJECT_LOOSEN];

	pair_power_off(p, 1);
	pair_run(p, 1500);
	assert_int_equal(pair_state(p, 0, 1), GROUP_MASTER);
	assert_int_equal(orders(p, 0)[OBJECT_LOOSEN], before + 20);
	assert_int_equal(orders(p, 0)[OBJECT_SETTLE], 0);
	pair_run(p, 2000);
	assert_int_equal(orders(p, 0)[OBJECT_SETTLE], 20);
	assert_false(pair_session(p, 0, 3)->liberal);
	pair_make(p, 0, 30, 1);
	assert_false(pair_session(p, 0, 30)->liberal);
	/* And forgives all when it gives a group away. */
	pair_start(p, 1);
	pair_run(p, 8000);
	assert_int_equal(pair_state(p, 1, 1), GROUP_PRIMARY_BACKUP);
	pair_command(p, 0, COMMAND_FAILOVER, 1, false);
	pair_run(p, 3000);
	assert_int_equal(pair_state(p, 1, 1), GROUP_MASTER);
	assert_liberal(p, 0, 0, 20);
	assert_liberal(p, 0, 30, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MIRROR(a_session_belongs_to_the_node_that_saw_it_last),
		MIRROR(an_event_that_a_word_overtook_does_not_hide_what_was_written),
		MIRROR(words_that_cross_leave_one_owner),
		MIRROR(words_that_are_lost_and_sent_again_leave_one_owner),
		MIRROR(what_two_nodes_own_is_claimed_by_the_first),
		MIRROR(an_engine_that_starts_again_keeps_the_sessions_it_serves),
		MIRROR(the_last_master_owns_everything),
		MIRROR(a_master_keeps_what_a_restarted_peer_lost),
		MIRROR(a_session_is_not_over_while_traffic_passes_the_other_master),
		MIRROR(two_masters_judge_nothing_by_windows),
		MIRROR(a_session_that_is_made_again_unheard_is_forgiven_too),
		MIRROR(the_last_master_judges_by_windows_again_once_it_saw_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
