/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mirroring, as a pair does it: what one kernel has the other has, live, after every way in which
 * the nodes come and go.
 */
#include "mirror_story.h"

/* ---- events -------------------------------------------------------------------------------- */

static void a_live_event_reaches_the_peers_kernel_at_once(void **state)
{
	struct pair *p = *state;

	start_with(p, 0);
	pair_make(p, 0, 5, 1);
	pair_run_us(p, PAIR_FRAME_US);
	assert_true(pair_session(p, 1, 5)->there);
	pair_change(p, 0, 5, 3);
	pair_run_us(p, PAIR_FRAME_US);
	assert_int_equal(pair_session(p, 1, 5)->state, 3);
	pair_remove(p, 0, 5);
	pair_run_us(p, PAIR_FRAME_US);
	assert_false(pair_session(p, 1, 5)->there);
	assert_null(pair_entry(p, 0, 5));
	assert_null(pair_entry(p, 1, 5));
}

static void an_event_that_changes_nothing_costs_no_frame(void **state)
{
	struct pair *p = *state;

	start_with(p, 1);
	pair_repeat(p, 0, 0);
	pair_change(p, 0, 0, pair_session(p, 0, 0)->state);
	assert_int_equal(p->side[0].n_frames, 0);
	assert_int_equal(counted(p, 0, COUNTER_EVENTS_UNCHANGED), 2);
}

static void a_change_of_what_is_not_known_is_fetched_whole(void **state)
{
	struct pair *p = *state;

	start_with(p, 0);
	p->side[0].kernel->session[9] = (struct pair_session){ .there = true, .rare = 7 };
	pair_change(p, 0, 9, 2);
	pair_run(p, 1);
	assert_int_equal(p->side[0].kernel->fetches, 1);
	assert_true(pair_same(p, 9));
	assert_int_equal(pair_session(p, 1, 9)->rare, 7);
}

static void something_rare_is_fetched_whole(void **state)
{
	struct pair *p = *state;

	start_with(p, 1);
	pair_change_rare(p, 0, 0, 3);
	pair_run(p, 1);
	assert_int_equal(p->side[0].kernel->fetches, 1);
	assert_int_equal(pair_session(p, 1, 0)->rare, 3);
	/* It is gone by the time the answer would come: nothing happens. */
	p->side[0].kernel->session[0].there = false;
	pair_change_rare(p, 0, 0, 4);
	pair_run(p, 1);
	assert_int_equal(p->side[0].kernel->fetches, 2);
}

static void a_session_that_runs_out_on_the_standby_is_put_back(void **state)
{
	struct pair *p = *state;

	start_with(p, 3);
	pair_remove(p, 1, 1);
	assert_true(pair_session(p, 1, 1)->there);
	assert_int_equal(counted(p, 1, COUNTER_RENEWED), 1);
	pair_run(p, 2000);
	assert_true(pair_session(p, 0, 1)->there);
	assert_true(pair_owns(p, 0, 1));
}

static void what_cannot_be_put_back_is_asked_for_at_once(void **state)
{
	struct pair *p = *state;

	start_with(p, 3);
	pair_remove_bare(p, 1, 1);
	assert_false(pair_session(p, 1, 1)->there);
	pair_run(p, 100);
	assert_true(pair_same(p, 1));
	assert_true(pair_owns(p, 0, 1));
}

/* ---- resync -------------------------------------------------------------------------------- */

static void a_resync_brings_everything_and_sweeps_what_is_stale(void **state)
{
	struct pair *p = *state;

	pair_start(p, 0);
	pair_run(p, 15000);
	pair_make_many(p, 0, 0, 200);
	/* What a former life of fw2 left in its kernel. */
	p->side[1].kernel->session[77] = (struct pair_session){ .there = true, .state = 9 };
	p->side[1].kernel->session[500] = (struct pair_session){ .there = true, .state = 9 };
	pair_start(p, 1);
	pair_run(p, 3000);
	ASSERT_TOLD(p, "fw1: mirror: resync to fw2 begins", "fw2: mirror: resync from fw1 begins",
		"fw1: mirror: resync to fw2: 200 objects",
		"fw2: mirror: resync from fw1: 200 objects");
	assert_int_equal(pair_different(p), -1);
	assert_int_equal(pair_sessions(p, 1), 200);
	assert_true(counted(p, 1, COUNTER_SWEPT) >= 1);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
}

static void live_goes_before_bulk(void **state)
{
	struct pair *p = *state;

	start_with(p, 100);
	p->side[0].kernel->dump_waits = true;
	pair_plain_event(p, 0, EVENT_RESYNC);
	pair_run(p, 5);
	assert_true(p->side[0].kernel->dump.asked);
	pair_change(p, 0, 50, 7);
	pair_make(p, 0, 600, 1);
	pair_run_us(p, PAIR_FRAME_US);
	assert_int_equal(pair_session(p, 1, 50)->state, 7);
	assert_true(pair_session(p, 1, 600)->there);
	pair_dump_goes_on(p, 0);
	pair_run(p, 1000);
	assert_int_equal(pair_different(p), -1);
}

static void a_removal_during_a_dump_is_not_undone_by_it(void **state)
{
	struct pair *p = *state;

	for (unsigned i = 0; i < 2; i++) {
		if (i == 0)
			start_with(p, 100);
		pair_run(p, 3000);
		p->side[i].kernel->dump_waits = true;
		pair_plain_event(p, i, EVENT_AUDIT);
		pair_run(p, 2);
		assert_true(p->side[i].kernel->dump.asked);
		pair_remove(p, 0, 40 + i);
		pair_run(p, 2);
		assert_false(pair_session(p, 1, 40 + i)->there);
		pair_dump_goes_on(p, i);
		for (unsigned ms = 0; ms < 20; ms++) {
			pair_run(p, 1);
			assert_false(pair_session(p, 1, 40 + i)->there);
		}
		assert_null(pair_entry(p, i, 40 + i));
	}
	assert_int_equal(counted(p, 0, COUNTER_AUDIT_REPAIRS), 0);
}

static void a_change_during_a_dump_is_not_undone_by_it(void **state)
{
	struct pair *p = *state;

	start_with(p, 100);
	p->side[0].kernel->dump_waits = true;
	pair_plain_event(p, 0, EVENT_RESYNC);
	pair_run(p, 2);
	pair_change(p, 0, 40, 5);
	/* It went and came again. */
	pair_remove(p, 0, 41);
	pair_make(p, 0, 41, 8);
	pair_dump_goes_on(p, 0);
	for (unsigned ms = 0; ms < 20; ms++) {
		pair_run(p, 1);
		assert_int_equal(pair_session(p, 1, 40)->state, 5);
		assert_int_equal(pair_session(p, 1, 41)->state, 8);
	}
	assert_int_equal(pair_different(p), -1);
}

static void bulk_waits_while_the_channel_is_full_of_it(void **state)
{
	struct pair *p = *state;

	p->side[0].kernel->pad = p->side[1].kernel->pad = PAIR_PAD_MAX;
	start_with(p, 1500);
	pair_cut(p, 0, true); /* one way is enough: nothing is acknowledged */
	pair_cut(p, 1, true);
	pair_plain_event(p, 0, EVENT_RESYNC);
	pair_run(p, 150);
	assert_true(channel_out_backlog(&pair_mirror_of(p, 0)->out) > 250 * 1024);
	assert_true(channel_out_backlog(&pair_mirror_of(p, 0)->out) < 320 * 1024);
	pair_cut(p, 0, false);
	pair_cut(p, 1, false);
	pair_run(p, 5000);
	assert_int_equal(pair_different(p), -1);
	assert_int_equal(counted(p, 0, COUNTER_CHANNEL_OVERFLOWS), 0);
}

static void a_dump_that_fails_is_done_again_later(void **state)
{
	struct pair *p = *state;

	start_with(p, 100);
	p->side[0].kernel->result = DUMP_FAILED;
	pair_plain_event(p, 0, EVENT_RESYNC);
	pair_run(p, 100);
	ASSERT_TOLD(p, "fw1: mirror: the kernel's table could not be read to its end");
	assert_silent(p, "resync from fw1: ");
	assert_int_equal(pair_sessions(p, 1), 100); /* what was not seen may be there */
	p->side[0].kernel->result = DUMP_AGAIN;
	pair_run(p, 2000);
	ASSERT_TOLD(p, "fw2: mirror: resync from fw1: 100 objects");
	assert_int_equal(pair_different(p), -1);
}

/* ---- roles --------------------------------------------------------------------------------- */

static void adoption_moves_everything_by_one_record(void **state)
{
	struct pair *p = *state;

	start_with(p, 300);
	uint64_t records = counted(p, 1, COUNTER_RECORDS_SENT);
	uint64_t before = counted(p, 0, COUNTER_INSTALLED);

	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 1000);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	assert_int_equal(counted(p, 1, COUNTER_RECORDS_SENT), records + 1);
	for (unsigned key = 0; key < 300; key++) {
		assert_true(pair_owns(p, 1, key));
		assert_false(pair_owns(p, 0, key));
	}
	assert_int_equal(pair_mirror_of(p, 0)->index.peer[OBJECT_CONNTRACK].entries, 300);
	/* Nothing was said of any of them but that their windows are stale. */
	assert_int_equal(counted(p, 0, COUNTER_INSTALLED) - before, orders(p, 0)[OBJECT_LOOSEN]);
}

static void a_late_word_of_the_old_master_is_followed_once_it_heard_of_the_adoption(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	/* It crosses the adoption: set aside. */
	for (unsigned i = 0; i < 100 && pair_state(p, 1, 0) != GROUP_MASTER; i++)
		pair_run_us(p, 50);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	pair_change(p, 0, 3, 9);
	pair_run_us(p, 2 * PAIR_FRAME_US);
	assert_int_equal(pair_session(p, 1, 3)->state, 1);
	pair_run(p, 500);
	/* It comes later: followed, until the second adoption. */
	pair_change(p, 0, 4, 9);
	pair_run_us(p, 2 * PAIR_FRAME_US);
	assert_int_equal(pair_session(p, 1, 4)->state, 9);
	assert_true(pair_owns(p, 0, 4));
	pair_run(p, 3000);
	assert_true(pair_owns(p, 1, 4));
	assert_false(pair_owns(p, 0, 4));
	pair_plain_event(p, 1, EVENT_AUDIT);
	pair_run(p, 10000);
	assert_int_equal(pair_different(p), -1);
}

static void sessions_settle_after_a_takeover_and_are_forgiven_after_stepping_down(void **state)
{
	struct pair *p = *state;

	start_with(p, 20);
	assert_true(pair_session(p, 1, 4)->held);
	assert_false(pair_session(p, 0, 4)->liberal);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 1900);
	assert_int_equal(orders(p, 1)[OBJECT_SETTLE], 0);     /* traffic comes first */
	assert_in_range(orders(p, 0)[OBJECT_LOOSEN], 20, 40); /* again when the peer has all */
	pair_run(p, 1200);
	assert_int_equal(orders(p, 1)[OBJECT_SETTLE], 20);
	for (unsigned key = 0; key < 20; key++) {
		assert_false(pair_session(p, 1, key)->held);
		assert_true(pair_session(p, 0, key)->liberal);
	}
}

/* The old master's windows fall behind while it forwards nothing, and no packet mends that. */
static void what_a_former_master_saw_of_sessions_is_forgotten(void **state)
{
	struct pair *p = *state;

	start_with(p, 20);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 2500); /* it may still forward */
	unsigned before = orders(p, 0)[OBJECT_WHOLE];

	pair_run(p, 2500);
	assert_int_equal(orders(p, 0)[OBJECT_WHOLE], before + 20);
	assert_int_equal(orders(p, 1)[OBJECT_WHOLE], 20); /* the copies of the beginning */
	for (unsigned key = 0; key < 20; key++)
		assert_true(pair_same(p, key));
	pair_run(p, 10000);
	assert_int_equal(orders(p, 0)[OBJECT_WHOLE], before + 20); /* once */
}

static void who_forwards_again_forgets_nothing(void **state)
{
	struct pair *p = *state;

	start_with(p, 20);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 2000);
	pair_command(p, 1, COMMAND_FAILOVER, 0, true);
	pair_run(p, 10000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_int_equal(orders(p, 0)[OBJECT_WHOLE], 0);
}

static void the_standby_holds_what_ages_for_a_day_alone_and_no_longer(void **state)
{
	struct pair *p = *state;

	p->side[0].conf->mirror.hold_ms = 3600 * 1000;
	p->side[0].conf->heartbeat_ms = 10000;
	pair_same_conf(p);
	pair_start(p, 0);
	pair_start(p, 1);
	pair_run(p, 100000);
	pair_make_many(p, 0, 0, 5);
	pair_run(p, 3600 * 1000 * 2);
	assert_true(orders(p, 1)[OBJECT_HOLD] >= 5); /* the channel is up */
	/* An inoperable node never takes over: it is alone, and no master. */
	pair_monitor(p, 1, 0, false);
	pair_command(p, 1, COMMAND_MAINTENANCE_ON, 0, true);
	pair_power_off(p, 0);
	pair_forget(p);
	pair_run(p, 3600 * 1000 * 10);
	assert_int_equal(pair_state(p, 1, 0), GROUP_INELIGIBLE);

	unsigned held = orders(p, 1)[OBJECT_HOLD];

	pair_forget(p);
	pair_run(p, 3600 * 1000 * 10);
	assert_true(orders(p, 1)[OBJECT_HOLD] > held);
	pair_run(p, 3600 * 1000 * 5);
	held = orders(p, 1)[OBJECT_HOLD];
	pair_run(p, 3600 * 1000 * 10);
	assert_int_equal(orders(p, 1)[OBJECT_HOLD], held);
	/* Nor is put back what runs out. */
	pair_remove(p, 1, 0);
	assert_false(pair_session(p, 1, 0)->there);
}

/* ---- two kernels that disagree ------------------------------------------------------------- */

static void sums_find_what_differs_and_only_those_buckets_are_sent_again(void **state)
{
	struct pair *p = *state;

	start_with(p, 400);
	pair_run(p, 6000);
	/* Another program changed one and removed one on the standby. */
	p->side[1].kernel->session[10].state = 66;
	p->side[1].kernel->session[20].there = false;
	p->side[1].kernel->session[900] = (struct pair_session){ .there = true, .state = 1 };
	pair_plain_event(p, 1, EVENT_AUDIT);
	pair_run(p, 100);
	pair_forget(p);
	pair_plain_event(p, 0, EVENT_AUDIT);
	pair_run(p, 8000);
	ASSERT_TOLD(p, "fw1: mirror: repair to fw2: ");
	assert_silent(p, "resync");
	assert_in_range(counted(p, 1, COUNTER_SUMS_DIFFER), 3, 10);
	assert_in_range(pair_mirror_of(p, 0)->pass.number, 1, 255);
	assert_int_equal(pair_different(p), -1);
	assert_true(in_sync(p, 1));
}

static void events_that_the_kernel_lost_are_found_by_an_audit(void **state)
{
	struct pair *p = *state;

	start_with(p, 50);
	p->side[0].kernel->session[1].state = 6;
	p->side[0].kernel->session[2].there = false;
	p->side[0].kernel->session[700] = (struct pair_session){ .there = true, .state = 2 };
	pair_plain_event(p, 0, EVENT_LOST);
	pair_run(p, 1500);
	ASSERT_TOLD(p, "fw1: mirror: the kernel lost events");
	assert_int_equal(pair_different(p), -1);
	assert_int_equal(counted(p, 0, COUNTER_AUDIT_REPAIRS), 3);
}

static void what_a_master_takes_back_is_settled_too(void **state)
{
	struct pair *p = *state;

	start_with(p, 5);
	pair_run(p, 5000);
	/* An event of the standby's kernel that is no end: the flow came another way. */
	pair_change(p, 1, 2, 7);
	pair_run(p, 10);
	assert_false(pair_owns(p, 0, 2));
	assert_true(pair_session(p, 0, 2)->held);
	pair_plain_event(p, 0, EVENT_RESYNC);
	pair_run(p, 5000);
	assert_true(pair_owns(p, 0, 2));
	assert_false(pair_session(p, 0, 2)->held);
	assert_true(pair_session(p, 1, 2)->liberal);
}

static void offers_bring_what_the_losing_master_made(void **state)
{
	struct pair *p = *state;

	start_with(p, 20);
	pair_cut_all(p, true);
	pair_run(p, 1000);
	assert_states(p, GROUP_MASTER, GROUP_MASTER);
	pair_make(p, 0, 100, 1); /* fw1 serves: it will stay */
	pair_served(p, 0, 0);
	pair_make(p, 1, 200, 2);
	pair_change(p, 1, 5, 8); /* the winner has this one */
	pair_cut_all(p, false);
	pair_run(p, 3000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	ASSERT_TOLD(
		p, "fw2: mirror: 2 objects offered to fw1", "fw1: mirror: resync to fw2 begins");
	assert_int_equal(counted(p, 0, COUNTER_OFFERS), 1);
	assert_true(pair_owns(p, 0, 200));
	assert_int_equal(pair_session(p, 0, 5)->state, 1);
	assert_int_equal(pair_different(p), -1);
	assert_int_equal(pair_sessions(p, 1), 22);
}

/* What that node sends. */
static void cut_from(struct pair *p, unsigned i, bool cut)
{
	for (unsigned path = 0; path < CONF_PATHS_MAX; path++)
		p->cut[i][path] = cut;
}

/* The other master forwarded some of what both had, and no event told of that. */
static void who_stays_of_two_masters_forgives_what_it_did_not_see(void **state)
{
	struct pair *p = *state;

	start_with(p, 20);
	pair_event(p, 0, &(struct event){ .type = EVENT_SERVED });
	pair_run(p, 3000);
	pair_cut_all(p, true);
	pair_run(p, 1000);
	assert_int_equal(p->both_us > 0, true);
	assert_false(pair_session(p, 0, 3)->liberal);
	unsigned before = orders(p, 0)[OBJECT_LOOSEN];

	pair_cut_all(p, false);
	pair_run(p, 500);
	assert_owner(p, 0);
	ASSERT_TOLD(p, "fw1: group 7: two masters met");
	for (unsigned key = 0; key < 20; key++)
		assert_true(pair_session(p, 0, key)->liberal);
	assert_int_equal(orders(p, 0)[OBJECT_LOOSEN], before + 20); /* once */
	pair_run(p, 3000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_int_equal(orders(p, 0)[OBJECT_LOOSEN], before + 20);
}

/* Both are master, and the loser hears the winner first: it gives way before anything that it said
 * as a master counts. */
static void assert_unheard_master_is_forgiven(struct pair *p, unsigned winner)
{
	unsigned before = orders(p, winner)[OBJECT_LOOSEN];

	pair_forget(p);
	cut_from(p, 1 - winner, false);
	pair_run(p, 60);
	cut_from(p, winner, false);
	pair_run(p, 500);
	assert_owner(p, winner);
	assert_int_equal(pair_said(p, "two masters met, own term"), 2); /* each says so */
	assert_int_equal(pair_counter(p, winner, COUNTER_TWO_MASTERS), 1);
	assert_in_range(p->side[winner].record.two_masters_ms, 2700, 3200);
	for (unsigned key = 0; key < 20; key++)
		assert_true(pair_session(p, winner, key)->liberal);
	pair_run(p, 3000);
	assert_true(in_sync(p, 1 - winner));
	assert_int_equal(orders(p, winner)[OBJECT_LOOSEN], before + 20); /* once */
	for (unsigned key = 0; key < 20; key++)
		assert_false(pair_session(p, winner, key)->liberal);
}

static void an_old_master_forgives_one_that_it_never_heard(void **state)
{
	struct pair *p = *state;

	start_with(p, 20);
	pair_event(p, 0, &(struct event){ .type = EVENT_SERVED });
	pair_run(p, 3000);
	pair_cut_all(p, true);
	pair_run(p, 3000);
	assert_unheard_master_is_forgiven(p, 0);
}

static void a_new_master_forgives_one_that_it_never_heard(void **state)
{
	struct pair *p = *state;

	start_with(p, 20);
	pair_run(p, 3000);
	pair_cut_all(p, true);
	pair_run(p, 3000);
	assert_false(pair_session(p, 1, 3)->liberal);
	assert_unheard_master_is_forgiven(p, 1);
}

static void run_until_announced(struct pair *p, unsigned i, unsigned ms)
{
	pair_forget(p);
	while (p->side[i].n_announced == 0 && ms-- > 0)
		pair_run(p, 1);
}

/* What the network turns back to this node was forwarded by the other. */
static void who_stays_forgives_before_it_announces(void **state)
{
	struct pair *p = *state;

	start_with(p, 20);
	pair_event(p, 0, &(struct event){ .type = EVENT_SERVED });
	pair_run(p, 3000);
	for (unsigned i = 0; i < 2; i++) {
		pair_cut_all(p, true);
		pair_run(p, 1000);
		p->side[0].kernel->dump_waits = i == 1;
		pair_cut_all(p, false);
		run_until_announced(p, 0, 1000);
		assert_true(p->side[0].n_announced > 0);
		assert_owner(p, 0);
		assert_int_equal(p->side[1].n_announced, 0);
		ASSERT_TOLD(p, "fw1: peer fw2: alive");
		assert_int_equal(pair_session(p, 0, 3)->liberal, i == 0);
		if (i == 1) /* there are limits */
			assert_in_range((int64_t)p->now - pair_said_at(p, "peer fw2: alive"),
				495000, 505000);
		pair_run(p, 6000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MIRROR(a_live_event_reaches_the_peers_kernel_at_once),
		MIRROR(an_event_that_changes_nothing_costs_no_frame),
		MIRROR(a_change_of_what_is_not_known_is_fetched_whole),
		MIRROR(something_rare_is_fetched_whole),
		MIRROR(a_session_that_runs_out_on_the_standby_is_put_back),
		MIRROR(what_cannot_be_put_back_is_asked_for_at_once),
		MIRROR(a_resync_brings_everything_and_sweeps_what_is_stale),
		MIRROR(live_goes_before_bulk),
		MIRROR(a_removal_during_a_dump_is_not_undone_by_it),
		MIRROR(a_change_during_a_dump_is_not_undone_by_it),
		MIRROR(bulk_waits_while_the_channel_is_full_of_it),
		MIRROR(a_dump_that_fails_is_done_again_later),
		MIRROR(adoption_moves_everything_by_one_record),
		MIRROR(a_late_word_of_the_old_master_is_followed_once_it_heard_of_the_adoption),
		MIRROR(sessions_settle_after_a_takeover_and_are_forgiven_after_stepping_down),
		MIRROR(what_a_former_master_saw_of_sessions_is_forgotten),
		MIRROR(who_forwards_again_forgets_nothing),
		MIRROR(the_standby_holds_what_ages_for_a_day_alone_and_no_longer),
		MIRROR(sums_find_what_differs_and_only_those_buckets_are_sent_again),
		MIRROR(events_that_the_kernel_lost_are_found_by_an_audit),
		MIRROR(what_a_master_takes_back_is_settled_too),
		MIRROR(offers_bring_what_the_losing_master_made),
		MIRROR(who_stays_of_two_masters_forgives_what_it_did_not_see),
		MIRROR(who_stays_forgives_before_it_announces),
		MIRROR(an_old_master_forgives_one_that_it_never_heard),
		MIRROR(a_new_master_forgives_one_that_it_never_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
