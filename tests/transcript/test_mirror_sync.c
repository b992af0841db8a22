/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mirroring when the channel, a kernel or a node does not do its part: who counts as in sync, what
 * is sent again, and that nothing grows or goes round in circles.
 */
#include "mirror_story.h"

static bool no_data(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	(void)p;
	(void)path;
	return from != 0 || pair_tlv(frame, WIRE_TLV_DATA).len == 0;
}

static void set_carrier(struct pair *p, unsigned i, unsigned path, bool up)
{
	struct event event = { .type = EVENT_CARRIER };

	event.carrier.path = path;
	event.carrier.up = up;
	pair_event(p, i, &event);
}

/* ---- the channel --------------------------------------------------------------------------- */

static void a_channel_that_cannot_keep_up_starts_anew_with_a_resync(void **state)
{
	struct pair *p = *state;

	p->side[0].kernel->frames = p->side[1].kernel->frames = 64;
	p->side[0].kernel->pad = PAIR_PAD_MAX;
	start_with(p, 10);
	uint32_t epoch = pair_mirror_of(p, 0)->out.epoch;

	p->passes = no_data;
	for (unsigned i = 0; i < 20; i++) {
		pair_make_many(p, 0, 100 + 50 * i, 50);
		assert_true(channel_out_backlog(&pair_mirror_of(p, 0)->out) <= 64 * 1432);
	}
	ASSERT_TOLD(p, "fw1: mirror: fw2 cannot keep up: starts anew");
	assert_int_equal(counted(p, 0, COUNTER_CHANNEL_OVERFLOWS), 1);
	pair_run(p, 200);
	assert_false(in_sync(p, 1)); /* the beats tell */
	p->passes = NULL;
	pair_run(p, 3000);
	assert_true(channel_before(epoch, pair_mirror_of(p, 1)->in.epoch));
	ASSERT_TOLD(p, "fw1: mirror: resync to fw2: 1010 objects");
	assert_int_equal(pair_different(p), -1);
	assert_true(in_sync(p, 1));
}

static void the_death_of_a_link_costs_no_resync(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	p->cut[0][0] = true;
	pair_make(p, 0, 50, 1);
	pair_change(p, 0, 3, 6);
	pair_run(p, 1);
	assert_false(pair_session(p, 1, 50)->there);
	set_carrier(p, 0, 0, false);
	pair_run_us(p, PAIR_FRAME_US);
	assert_true(pair_session(p, 1, 50)->there);
	assert_int_equal(pair_session(p, 1, 3)->state, 6);
	assert_true(counted(p, 0, COUNTER_CHANNEL_RESENT) > 0);
	pair_run(p, 3000);
	assert_silent(p, "resync");
	assert_true(in_sync(p, 1));
}

static void nothing_is_sent_while_no_link_works(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	pair_cut(p, 0, true);
	pair_cut(p, 1, true);
	pair_run(p, 1000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP); /* the secondary path */
	uint64_t resent = counted(p, 0, COUNTER_CHANNEL_RESENT);

	pair_make(p, 0, 50, 1);
	pair_run(p, 500);
	assert_int_equal(counted(p, 0, COUNTER_CHANNEL_RESENT), resent);
	pair_cut(p, 1, false);
	pair_run(p, 200);
	assert_true(pair_session(p, 1, 50)->there);
	assert_silent(p, "resync");
}

/* ---- in sync ------------------------------------------------------------------------------- */

static void a_backup_is_in_sync_when_the_resync_has_ended(void **state)
{
	struct pair *p = *state;

	pair_start(p, 0);
	pair_run(p, 15000);
	pair_make_many(p, 0, 0, 50);
	p->side[0].kernel->dump_waits = true;
	pair_start(p, 1);
	pair_run(p, 3000);
	assert_states(p, GROUP_MASTER, GROUP_BACKUP);
	pair_dump_goes_on(p, 0);
	pair_run(p, 100);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	ASSERT_TOLD(p, "fw2: mirror: not in sync with fw1", "fw2: mirror: resync from fw1 begins",
		"fw2: mirror: resync from fw1: 50 objects", "fw2: mirror: in sync with fw1");
}

static void a_channel_that_lags_is_not_in_sync(void **state)
{
	struct pair *p = *state;

	start_with(p, 5);
	p->passes = no_data;
	pair_make(p, 0, 50, 1);
	pair_run(p, 900);
	assert_true(in_sync(p, 1));
	pair_run(p, 300);
	assert_false(in_sync(p, 1));
	assert_states(p, GROUP_MASTER, GROUP_BACKUP);
	p->passes = NULL;
	pair_run(p, 100);
	assert_true(in_sync(p, 1));
	assert_silent(p, "resync");
}

static void the_sync_wait_ends_the_waiting_and_says_why(void **state)
{
	struct pair *p = *state;

	pair_start(p, 0);
	pair_run(p, 15000);
	p->side[0].kernel->dump_waits = true;
	pair_start(p, 1);
	pair_run(p, 59000);
	assert_states(p, GROUP_MASTER, GROUP_BACKUP);
	pair_run(p, 2000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	ASSERT_TOLD(p, "fw2: mirror: counts as in sync after 60 s, though the resync is not "
		       "complete");
	struct node_view view;

	node_look(p->side[1].node, pair_clock(p, 1), &view);
	assert_true(view.mirror.waited && view.mirror.receiving && !view.mirror.complete);
	pair_dump_goes_on(p, 0);
	pair_run(p, 1000);
	node_look(p->side[1].node, pair_clock(p, 1), &view);
	assert_true(!view.mirror.waited && view.mirror.complete);
}

static void a_hand_over_waits_for_the_last_record(void **state)
{
	struct pair *p = *state;

	start_with(p, 5);
	p->passes = no_data;
	pair_make(p, 0, 50, 1);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 60);
	assert_owner(p, 0);
	p->passes = NULL;
	pair_run(p, 40);
	assert_owner(p, 1);
	assert_true(pair_session(p, 1, 50)->there);
	assert_true(pair_owns(p, 1, 50));
}

static void a_hand_over_does_not_wait_for_ever(void **state)
{
	struct pair *p = *state;

	start_with(p, 5);
	p->passes = no_data;
	pair_make(p, 0, 50, 1);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 90);
	assert_owner(p, 0);
	pair_run(p, 30);
	assert_owner(p, 1);
}

/* ---- kernels ------------------------------------------------------------------------------- */

static void refusals_are_counted_by_reason_and_do_not_go_round(void **state)
{
	static const enum counter counters[] = { COUNTER_REFUSED_CLASH, COUNTER_REFUSED_FULL,
		COUNTER_REFUSED_OTHER, COUNTER_REFUSED_OTHER };
	struct pair *p = *state;

	start_with(p, 5);
	for (unsigned why = REFUSED_CLASH; why <= REFUSED_OTHER; why++) {
		uint64_t before = counted(p, 1, counters[why]);

		p->side[1].kernel->refuses = 1;
		p->side[1].kernel->refuses_why = (enum refusal)why;
		pair_make(p, 0, 50 + why, 1);
		pair_run(p, 10);
		assert_int_equal(counted(p, 1, counters[why]), before + 1);
		pair_run(p, 1000);
		/* What lacked only what it belongs to is asked for again. */
		assert_int_equal(pair_session(p, 1, 50 + why)->there, why == REFUSED_MISSING);
	}
	/* One that is always refused is tried again when tables are compared, and no sooner. */
	p->side[1].kernel->refuses = UINT32_MAX;
	unsigned before = orders(p, 1)[OBJECT_WHOLE];

	for (unsigned s = 0; s < 60; s++) {
		pair_plain_event(p, 0, EVENT_AUDIT);
		pair_run(p, 1000);
	}
	assert_in_range(orders(p, 1)[OBJECT_WHOLE] - before, 4, 4 * 60);
	assert_true(in_sync(p, 1));
}

static void a_change_of_what_the_standby_lacks_is_asked_for(void **state)
{
	struct pair *p = *state;

	start_with(p, 400);
	pair_run(p, 6000);
	p->side[1].kernel->session[7].there = false;
	pair_change(p, 0, 7, 4);
	pair_run(p, 5500);
	assert_int_equal(counted(p, 1, COUNTER_MISSING), 1);
	assert_true(pair_same(p, 7));
	assert_silent(p, "resync");
	ASSERT_TOLD(p, "fw1: mirror: repair to fw2: ");
}

static void an_index_that_is_full_keeps_what_it_has(void **state)
{
	struct pair *p = *state;

	p->side[1].kernel->objects = 4;
	start_with(p, 4);
	pair_make_many(p, 0, 10, 10);
	pair_change(p, 0, 12, 3);
	pair_run(p, 100);
	assert_true(counted(p, 1, COUNTER_INDEX_FULL) >= 10);
	assert_int_equal(counted(p, 1, COUNTER_MISSING), 1);
	assert_int_equal(pair_sessions(p, 1), 4);
	/* The master's: its sessions are its own business. */
	p->side[0].kernel->objects = 4;
	pair_power_off(p, 0);
	pair_run(p, 1000);
	pair_start(p, 0);
	pair_run(p, 5000);
	assert_true(in_sync(p, 0));
	pair_command(p, 1, COMMAND_FAILOVER, 0, false);
	pair_run(p, 1000);
	assert_owner(p, 0);
	pair_make_many(p, 0, 20, 3);
	assert_int_equal(counted(p, 0, COUNTER_INDEX_FULL), 3);
	pair_plain_event(p, 0, EVENT_AUDIT);
	pair_run(p, 2000);
	assert_true(counted(p, 0, COUNTER_INDEX_FULL) > 3);
}

/* What ended while a dump is under way keeps its place in the index as long. */
static void what_finds_no_room_during_a_pass_is_found_by_the_next(void **state)
{
	struct pair *p = *state;

	p->side[0].kernel->objects = 4;
	start_with(p, 4);
	p->side[0].kernel->dump_waits = true;
	pair_plain_event(p, 0, EVENT_AUDIT);
	pair_run(p, 2);
	assert_true(p->side[0].kernel->dump.asked);
	pair_remove(p, 0, 1);
	pair_make(p, 0, 20, 1);
	assert_true(counted(p, 0, COUNTER_INDEX_FULL) > 0);
	pair_dump_goes_on(p, 0);
	pair_run(p, 3000);
	assert_true(pair_session(p, 1, 20)->there);
	assert_int_equal(pair_different(p), -1);
	/* No more than the sessions that there is room for: no pass helps, and none is made. */
	uint64_t audits = counted(p, 0, COUNTER_AUDITS);

	pair_make(p, 0, 21, 1);
	pair_run(p, 10000);
	assert_int_equal(counted(p, 0, COUNTER_AUDITS), audits);
}

static bool nothing_from_fw1(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	(void)p;
	(void)path;
	(void)frame;
	return from != 0;
}

/* Its begin was not heard of. */
static void what_nobody_knew_and_ends_during_a_dump_is_not_begun_by_it(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	pair_run(p, 3000);
	p->side[0].kernel->session[45] = *pair_session(p, 0, 5);
	p->side[0].kernel->dump_waits = true;
	pair_plain_event(p, 0, EVENT_AUDIT);
	pair_run(p, 2);
	assert_true(p->side[0].kernel->dump.asked);
	pair_remove(p, 0, 45);
	pair_dump_goes_on(p, 0);
	for (unsigned ms = 0; ms < 20; ms++) {
		pair_run(p, 1);
		assert_false(pair_session(p, 1, 45)->there);
	}
	assert_null(pair_entry(p, 0, 45));
}

/* The first dump failed after a session had ended; it came again, and nobody told of that. */
static void what_a_pass_that_failed_has_seen_end_may_have_begun_again(void **state)
{
	struct pair *p = *state;

	start_with(p, 20);
	p->side[0].kernel->dump_waits = true;
	pair_plain_event(p, 0, EVENT_AUDIT);
	pair_run(p, 2);
	assert_true(p->side[0].kernel->dump.asked);
	struct pair_session was = *pair_session(p, 0, 3);

	pair_remove(p, 0, 3);
	pair_run(p, 2);
	assert_false(pair_session(p, 1, 3)->there);
	p->side[0].kernel->result = DUMP_FAILED;
	pair_dump_goes_on(p, 0);
	pair_run(p, 2);
	assert_non_null(pair_entry(p, 0, 3));
	p->side[0].kernel->session[3] = was;
	uint64_t audits = counted(p, 0, COUNTER_AUDITS);

	pair_run(p, 1100);
	assert_int_equal(counted(p, 0, COUNTER_AUDITS), audits + 1);
	assert_true(pair_session(p, 1, 3)->there);
	assert_true(pair_owns(p, 0, 3));
}

/* fw2 took over beside fw1, which did not miss it and goes on in the same epoch. */
static void one_that_was_master_alone_is_out_of_sync_until_a_resync(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	pair_served(p, 0, 0);
	p->passes = nothing_from_fw1;
	pair_run(p, 260);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	assert_true(pair_owns(p, 1, 3));
	p->passes = NULL;
	pair_run(p, 100);
	assert_owner(p, 0);
	assert_false(in_sync(p, 1));
	pair_run(p, 3000);
	ASSERT_TOLD(p, "fw2: mirror: resync from fw1: 10 objects");
	assert_true(in_sync(p, 1));
	assert_false(pair_owns(p, 1, 3));
	assert_true(pair_owns(p, 0, 3));
}

/* ---- nodes that come back ------------------------------------------------------------------ */

static void an_engine_that_starts_again_learns_its_kernels_table(void **state)
{
	struct pair *p = *state;

	start_with(p, 100);
	pair_restart_engine(p, 0);
	pair_run(p, 1000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_int_equal(pair_different(p), -1);
	assert_int_equal(pair_sessions(p, 0), 100);
	for (unsigned key = 0; key < 100; key++)
		assert_true(pair_owns(p, 0, key));
	/* The standby's: nothing is written anew but what is not there. */
	pair_forget(p);
	unsigned before = orders(p, 1)[OBJECT_REMOVE];

	pair_restart_engine(p, 1);
	pair_run(p, 1000);
	assert_int_equal(orders(p, 1)[OBJECT_REMOVE], before);
	assert_int_equal(pair_different(p), -1);
	assert_true(in_sync(p, 1));
	pair_run(p, 10000);
	assert_int_equal(pair_said(p, "fw1: mirror: resync to fw2 begins"), 1);
}

/* It has the better priority, and an empty kernel: who has the copy takes over. */
static void a_master_back_before_it_was_missed_gives_way_to_the_copy(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	pair_power_off(p, 0);
	pair_run(p, 50);
	pair_start(p, 0);
	pair_run(p, 3000);
	assert_owner(p, 1);
	assert_int_equal(pair_sessions(p, 1), 10);
	assert_int_equal(pair_sessions(p, 0), 10);
	assert_true(in_sync(p, 0));
}

/* Who repairs gives the group up in the middle of it, to nobody, and takes it again. */
static void a_repair_that_has_no_end_is_not_waited_for(void **state)
{
	struct pair *p = *state;
	struct pair_kernel *k = p->side[0].kernel;

	start_with(p, 400);
	pair_run(p, 6000);
	p->side[1].kernel->session[10].state = 66;
	pair_plain_event(p, 1, EVENT_AUDIT);
	for (unsigned n = 0; n < 20000 && !(pair_mirror_of(p, 0)->pass.wants & WANT_BUCKETS); n++) {
		if (k->dump.asked)
			pair_dump_goes_on(p, 0);
		k->dump_waits = true;
		pair_run_us(p, PAIR_KERNEL_US);
	}
	pair_run(p, 100);
	assert_true(pair_mirror_of(p, 1)->receiving);
	pair_command(p, 1, COMMAND_MAINTENANCE_ON, 0, false);
	pair_run(p, 100);
	pair_command(p, 0, COMMAND_MAINTENANCE_ON, 0, true);
	pair_run(p, 100);
	assert_states(p, GROUP_INELIGIBLE, GROUP_INELIGIBLE);
	pair_dump_goes_on(p, 0);
	pair_run(p, 100);
	pair_command(p, 0, COMMAND_MAINTENANCE_OFF, 0, false);
	pair_run(p, 100);
	pair_command(p, 1, COMMAND_MAINTENANCE_OFF, 0, false);
	pair_run(p, 2000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	p->side[1].kernel->session[20].state = 66;
	pair_plain_event(p, 1, EVENT_AUDIT);
	pair_run(p, 100);
	pair_plain_event(p, 0, EVENT_AUDIT);
	pair_run(p, 10000);
	assert_int_equal(pair_different(p), -1);
}

static void an_engine_that_starts_again_forgives_what_its_kernel_did_not_see(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run_us(p, 100000);
	assert_owner(p, 1);
	p->side[0].kernel->session[4].liberal = false; /* it died before it came to this one */
	pair_restart_engine(p, 0);
	pair_run(p, 2000);
	assert_true(pair_session(p, 0, 4)->liberal);
}

static void mirroring_ends_and_begins_by_configuration(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	for (unsigned i = 0; i < 2; i++) {
		pair_next_conf(p, i)->mirror.sessions = false;
		assert_int_equal(pair_reload(p, i), RESULT_DONE);
	}
	pair_run(p, 3000);
	pair_make(p, 0, 50, 1);
	pair_run(p, 3000);
	assert_false(pair_session(p, 1, 50)->there);
	assert_true(in_sync(p, 1));
	for (unsigned i = 0; i < 2; i++) {
		pair_next_conf(p, i)->mirror.sessions = true;
		assert_int_equal(pair_reload(p, i), RESULT_DONE);
	}
	pair_run(p, 5000);
	assert_true(pair_session(p, 1, 50)->there);
	assert_int_equal(pair_different(p), -1);
	assert_true(in_sync(p, 1));
}

static void nodes_with_other_keys_compare_no_hashes(void **state)
{
	struct pair *p = *state;

	p->side[1].kernel->key = 0x33;
	start_with(p, 20);
	p->side[0].kernel->session[3].there = false;
	p->side[1].kernel->session[4].there = false;
	pair_plain_event(p, 0, EVENT_AUDIT);
	pair_plain_event(p, 1, EVENT_AUDIT);
	pair_run(p, 20000);
	assert_int_equal(counted(p, 1, COUNTER_SUMS_DIFFER), 0);
	assert_true(pair_session(p, 1, 3)->there);
	pair_plain_event(p, 1, EVENT_RESYNC); /* what is sent whole needs none */
	pair_run(p, 2000);
	assert_int_equal(pair_different(p), -1);
}

/* It was the first master: the peer had nothing to send it. */
static void what_comes_to_a_former_master_is_not_doubted(void **state)
{
	struct pair *p = *state;

	start_with(p, 5);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 5000);
	assert_int_equal(counted(p, 0, COUNTER_RESYNCS_HEARD), 0);
	pair_make_many(p, 1, 40, 1);
	pair_run(p, 100);
	pair_remove(p, 0, 40); /* by its own timer */
	pair_run(p, 100);
	assert_true(pair_session(p, 0, 40)->there);
	assert_int_equal(counted(p, 0, COUNTER_RENEWED), 1);
}

/* Its event was lost, or its entry was refused where it was put back. */
static void what_is_found_with_the_timer_of_the_hold_is_settled(void **state)
{
	struct pair *p = *state;

	start_with(p, 5);
	p->side[0].kernel->session[700] =
		(struct pair_session){ .there = true, .state = 2, .held = true };
	pair_plain_event(p, 0, EVENT_AUDIT);
	pair_run(p, 4000);
	assert_true(pair_owns(p, 0, 700));
	assert_false(pair_session(p, 0, 700)->held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MIRROR(what_comes_to_a_former_master_is_not_doubted),
		MIRROR(what_is_found_with_the_timer_of_the_hold_is_settled),
		MIRROR(a_channel_that_cannot_keep_up_starts_anew_with_a_resync),
		MIRROR(the_death_of_a_link_costs_no_resync),
		MIRROR(nothing_is_sent_while_no_link_works),
		MIRROR(a_backup_is_in_sync_when_the_resync_has_ended),
		MIRROR(a_channel_that_lags_is_not_in_sync),
		MIRROR(the_sync_wait_ends_the_waiting_and_says_why),
		MIRROR(a_hand_over_waits_for_the_last_record),
		MIRROR(a_hand_over_does_not_wait_for_ever),
		MIRROR(refusals_are_counted_by_reason_and_do_not_go_round),
		MIRROR(a_change_of_what_the_standby_lacks_is_asked_for),
		MIRROR(an_index_that_is_full_keeps_what_it_has),
		MIRROR(what_finds_no_room_during_a_pass_is_found_by_the_next),
		MIRROR(what_nobody_knew_and_ends_during_a_dump_is_not_begun_by_it),
		MIRROR(what_a_pass_that_failed_has_seen_end_may_have_begun_again),
		MIRROR(one_that_was_master_alone_is_out_of_sync_until_a_resync),
		MIRROR(an_engine_that_starts_again_learns_its_kernels_table),
		MIRROR(a_master_back_before_it_was_missed_gives_way_to_the_copy),
		MIRROR(a_repair_that_has_no_end_is_not_waited_for),
		MIRROR(an_engine_that_starts_again_forgives_what_its_kernel_did_not_see),
		MIRROR(mirroring_ends_and_begins_by_configuration),
		MIRROR(nodes_with_other_keys_compare_no_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
