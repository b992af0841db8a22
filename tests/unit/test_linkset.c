/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/linkset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { BEAT_US = 50000, DETECTION_US = 200000 };

/* Two HA links and a secondary path; our first beat goes out at 1 s. */
struct fixture {
	struct linkset ls;
	mono_t now;
};

static struct fixture f;

static int set_up(void **state)
{
	(void)state;
	f.now = (mono_t){ 1000000 };
	linkset_init(&f.ls, 2, 3, DETECTION_US);
	linkset_next_beat(&f.ls, f.now);
	return 0;
}

static void after(uint64_t us)
{
	f.now = mono_after_us(f.now, us);
}

/* The peer's beat came by a path and echoes what we sent `age_us` ago. */
static struct linkset_change hear(unsigned path, uint64_t age_us)
{
	return linkset_heard(&f.ls, path, f.now, f.now.us, f.now.us - age_us, f.now.us - age_us);
}

static void a_beats_number_is_the_time_and_grows(void **state)
{
	(void)state;
	assert_int_equal(f.ls.beat, 1000000);
	assert_int_equal(linkset_next_beat(&f.ls, f.now), 1000001);
	assert_int_equal(linkset_next_beat(&f.ls, f.now), 1000002);
	after(7);
	assert_int_equal(linkset_next_beat(&f.ls, f.now), 1000007);
}

static void a_path_is_silent_until_it_is_heard(void **state)
{
	(void)state;
	assert_int_equal(f.ls.path[0].state, PATH_SILENT);
	assert_true(mono_is_never(linkset_deadline(&f.ls)));
	after(10000000);
	assert_int_equal(linkset_expire(&f.ls, f.now).paths, 0);
	assert_int_equal(f.ls.path[0].state, PATH_SILENT);
}

static void an_echo_brings_path_and_peer_alive(void **state)
{
	(void)state;
	struct linkset_change c = hear(1, 0);

	assert_int_equal(c.paths, 1 << 1);
	assert_true(c.peer && c.fresh && f.ls.peer_alive);
	assert_int_equal(f.ls.path[1].state, PATH_ALIVE);
	assert_int_equal(f.ls.path[0].state, PATH_SILENT);
	c = hear(1, 0);
	assert_int_equal(c.paths, 0);
	assert_false(c.peer);
	assert_true(c.fresh);
}

static void without_an_echo_a_path_is_one_way(void **state)
{
	(void)state;
	struct linkset_change c = linkset_heard(&f.ls, 0, f.now, 1, 0, 0);

	assert_int_equal(c.paths, 1);
	assert_false(c.peer || c.fresh || f.ls.peer_alive);
	assert_int_equal(f.ls.path[0].state, PATH_ONE_WAY);
}

/* It is heard on this path, but hears us by the other alone: the path is one-way, the peer
 * is alive. */
static void an_echo_of_another_path_keeps_the_peer_alive(void **state)
{
	(void)state;
	struct linkset_change c = linkset_heard(&f.ls, 0, f.now, 1, 0, f.now.us);

	assert_true(c.fresh && c.peer);
	assert_int_equal(f.ls.path[0].state, PATH_ONE_WAY);
}

static void an_echo_counts_up_to_the_detection_time(void **state)
{
	(void)state;
	after(DETECTION_US);
	assert_true(linkset_heard(&f.ls, 0, f.now, 1, 1000000, 1000000).fresh);
	after(1);
	assert_false(linkset_heard(&f.ls, 0, f.now, 2, 1000000, 1000000).fresh);
}

static void an_echo_of_what_was_never_sent_counts_nothing(void **state)
{
	(void)state;
	assert_false(linkset_heard(&f.ls, 0, f.now, 1, 1000001, 1000001).fresh);
	assert_false(linkset_heard(&f.ls, 0, f.now, 1, UINT64_MAX, UINT64_MAX).fresh);
	assert_int_equal(f.ls.path[0].state, PATH_ONE_WAY);
}

static void an_echoed_age_is_kept(void **state)
{
	(void)state;
	after(1234);
	hear(0, 1234);
	assert_int_equal(f.ls.path[0].echo_age_us, 1234);
}

static void an_older_beat_does_not_lower_the_number_to_echo(void **state)
{
	(void)state;
	linkset_heard(&f.ls, 0, f.now, 500, 0, 0);
	linkset_heard(&f.ls, 0, f.now, 400, 0, 0);
	assert_int_equal(f.ls.path[0].beat, 500);
	linkset_peer_restarted(&f.ls, f.now);
	assert_int_equal(f.ls.path[0].beat, 0);
	linkset_heard(&f.ls, 0, f.now, 3, 0, 0);
	assert_int_equal(f.ls.path[0].beat, 3);
}

static void the_round_trip_is_that_of_the_probe_that_is_answered(void **state)
{
	(void)state;
	hear(2, 0);
	after(1000);
	uint64_t lost = linkset_next_beat(&f.ls, f.now);

	linkset_probed(&f.ls);
	after(100000);
	uint64_t answered = linkset_next_beat(&f.ls, f.now);

	linkset_probed(&f.ls); /* the one before may still be under way */
	after(700);
	linkset_heard(&f.ls, 2, f.now, 9, answered, answered);
	assert_true(lost < answered);
	assert_int_equal(f.ls.path[2].rtt_us, 700);
}

static void a_hold_outlives_the_detection_time(void **state)
{
	(void)state;
	hear(0, 0);
	linkset_hold(&f.ls, f.now);
	assert_int_equal(linkset_deadline(&f.ls).us, f.now.us + DETECTION_US); /* of the path */
	after(DETECTION_US);
	assert_false(linkset_expire(&f.ls, f.now).peer);
	assert_int_equal(f.ls.path[0].state, PATH_LOST);
	after(LINKSET_HOLD_MS * 1000 - DETECTION_US - 1);
	assert_false(linkset_expire(&f.ls, f.now).peer);
	assert_int_equal(linkset_deadline(&f.ls).us, f.now.us + 1);
	after(1);
	assert_true(linkset_expire(&f.ls, f.now).peer);
}

static void a_restarted_peer_has_the_detection_time_of_a_hold(void **state)
{
	(void)state;
	hear(0, 0);
	linkset_hold(&f.ls, f.now);
	after(DETECTION_US);
	linkset_peer_restarted(&f.ls, f.now);
	after(DETECTION_US - 1);
	assert_false(linkset_expire(&f.ls, f.now).peer);
	after(1);
	assert_true(linkset_expire(&f.ls, f.now).peer);
}

static void silence_loses_path_and_peer_once(void **state)
{
	(void)state;
	hear(0, 0);
	assert_int_equal(linkset_deadline(&f.ls).us, f.now.us + DETECTION_US);
	after(DETECTION_US - 1);
	assert_int_equal(linkset_expire(&f.ls, f.now).paths, 0);
	assert_true(f.ls.peer_alive);
	after(1);
	struct linkset_change c = linkset_expire(&f.ls, f.now);

	assert_int_equal(c.paths, 1);
	assert_true(c.peer);
	assert_false(f.ls.peer_alive);
	assert_int_equal(f.ls.path[0].state, PATH_LOST);
	after(1);
	c = linkset_expire(&f.ls, f.now);
	assert_int_equal(c.paths, 0);
	assert_false(c.peer);
	assert_true(mono_is_never(linkset_deadline(&f.ls)));
}

static void a_path_that_loses_its_echo_becomes_one_way_then_lost(void **state)
{
	(void)state;
	hear(0, 0);
	after(DETECTION_US - 10);
	linkset_heard(&f.ls, 0, f.now, 2, 0, 0);
	assert_int_equal(f.ls.path[0].state, PATH_ALIVE);
	after(10);
	assert_int_equal(linkset_expire(&f.ls, f.now).paths, 1);
	assert_int_equal(f.ls.path[0].state, PATH_ONE_WAY);
	assert_int_equal(linkset_deadline(&f.ls).us, f.now.us + DETECTION_US - 10);
	after(DETECTION_US);
	linkset_expire(&f.ls, f.now);
	assert_int_equal(f.ls.path[0].state, PATH_LOST);
}

static void a_secondary_path_may_be_silent_for_ten_times_as_long(void **state)
{
	(void)state;
	hear(2, 0);
	after(DETECTION_US);
	assert_true(linkset_expire(&f.ls, f.now).peer); /* which the path alone does not keep */
	after(DETECTION_US * 9 - 1);
	assert_int_equal(linkset_expire(&f.ls, f.now).paths, 0);
	assert_int_equal(f.ls.path[2].state, PATH_ALIVE);
	after(1);
	assert_int_equal(linkset_expire(&f.ls, f.now).paths, 1 << 2);
	assert_int_equal(f.ls.path[2].state, PATH_LOST);
}

static void an_old_echo_keeps_a_secondary_path_but_not_the_peer(void **state)
{
	(void)state;
	after(DETECTION_US * 10);
	struct linkset_change c = linkset_heard(&f.ls, 2, f.now, 1, 1000000, 1000000);

	assert_false(c.fresh);
	assert_int_equal(f.ls.path[2].state, PATH_ALIVE);
	after(1);
	linkset_init(&f.ls, 2, 3, DETECTION_US);
	linkset_next_beat(&f.ls, (mono_t){ 1000000 });
	linkset_heard(&f.ls, 2, f.now, 2, 1000000, 1000000);
	assert_int_equal(f.ls.path[2].state, PATH_ONE_WAY);
}

static void own_lateness_is_added_to_what_the_peer_is_allowed(void **state)
{
	(void)state;
	hear(0, 0);
	after(DETECTION_US + 30000);
	linkset_ran_late(&f.ls, f.now, 40000);
	assert_false(linkset_expire(&f.ls, f.now).peer);
	assert_int_equal(f.ls.path[0].state, PATH_ALIVE);
	/* What it sent meanwhile echoes numbers that are as old. */
	assert_true(linkset_heard(&f.ls, 0, f.now, 2, 1000000, 1000000).fresh);
	after(10001);
	assert_false(linkset_heard(&f.ls, 0, f.now, 3, 1000000, 1000000).fresh);
}

static void the_grace_ends_after_the_detection_time(void **state)
{
	(void)state;
	linkset_ran_late(&f.ls, f.now, 100000);
	after(DETECTION_US - 1);
	linkset_next_beat(&f.ls, f.now);
	assert_true(linkset_heard(&f.ls, 0, f.now, 1, f.now.us - 250000, f.now.us - 250000).fresh);
	after(1);
	assert_false(linkset_heard(&f.ls, 0, f.now, 2, f.now.us - 250000, f.now.us - 250000).fresh);
}

static void lateness_brings_no_silent_path_to_life(void **state)
{
	(void)state;
	linkset_ran_late(&f.ls, f.now, 100000);
	assert_true(mono_is_never(linkset_deadline(&f.ls)));
	assert_false(f.ls.peer_alive);
}

static void forgetting_loses_all_that_was_heard(void **state)
{
	(void)state;
	hear(0, 0);
	linkset_ran_late(&f.ls, f.now, 100000);
	linkset_forget(&f.ls);
	assert_false(f.ls.peer_alive);
	assert_int_equal(f.ls.path[0].state, PATH_LOST);
	assert_int_equal(f.ls.path[1].state, PATH_SILENT);
	after(DETECTION_US + 1); /* and the grace is over */
	assert_false(linkset_heard(&f.ls, 0, f.now, 2, 1000000, 1000000).fresh);
}

static void a_parted_peer_is_not_alive(void **state)
{
	(void)state;
	hear(0, 0);
	linkset_parted(&f.ls);
	assert_false(f.ls.peer_alive);
	assert_false(linkset_expire(&f.ls, f.now).peer);
}

static void it_is_urgent_when_no_link_was_heard_for_a_beat_and_a_half(void **state)
{
	(void)state;
	assert_false(linkset_is_urgent(&f.ls, f.now, BEAT_US)); /* nobody to hear */
	assert_true(mono_is_never(linkset_urgent_at(&f.ls, f.now, BEAT_US)));
	hear(0, 0);
	after(10000);
	linkset_next_beat(&f.ls, f.now);
	hear(1, 0);
	assert_false(linkset_is_urgent(&f.ls, f.now, BEAT_US));
	assert_int_equal(linkset_urgent_at(&f.ls, f.now, BEAT_US).us, f.now.us + BEAT_US * 3 / 2);
	after(BEAT_US * 3 / 2 - 1);
	linkset_next_beat(&f.ls, f.now);
	hear(2, 0); /* a secondary path does not count */
	assert_false(linkset_is_urgent(&f.ls, f.now, BEAT_US));
	after(1);
	assert_true(linkset_is_urgent(&f.ls, f.now, BEAT_US));
	assert_true(mono_is_never(linkset_urgent_at(&f.ls, f.now, BEAT_US)));
}

static void it_is_urgent_when_only_a_secondary_path_was_ever_heard(void **state)
{
	(void)state;
	hear(2, 0);
	assert_true(linkset_is_urgent(&f.ls, f.now, BEAT_US));
}

static void a_link_that_brings_only_old_news_does_not_count(void **state)
{
	(void)state;
	hear(0, 0);
	after(BEAT_US);
	linkset_heard(&f.ls, 0, f.now, 2, 0, 0); /* it echoes nothing recent */
	after(BEAT_US / 2);
	assert_true(f.ls.peer_alive);
	assert_true(linkset_is_urgent(&f.ls, f.now, BEAT_US));
}

static void without_secondary_paths_there_is_no_urgency_to_wait_for(void **state)
{
	(void)state;
	linkset_init(&f.ls, 2, 2, DETECTION_US);
	linkset_next_beat(&f.ls, f.now);
	hear(0, 0);
	assert_true(mono_is_never(linkset_urgent_at(&f.ls, f.now, BEAT_US)));
}

static void paths_keep_their_state_when_they_move(void **state)
{
	int from[CONF_PATHS_MAX] = { 2, -1, 0, 1 };

	(void)state;
	hear(0, 0);
	linkset_heard(&f.ls, 2, f.now, 77, 0, 0);
	linkset_rearrange(&f.ls, 3, 4, from);
	assert_int_equal(f.ls.n_links, 3);
	assert_int_equal(f.ls.n_paths, 4);
	assert_int_equal(f.ls.path[0].state, PATH_ONE_WAY);
	assert_int_equal(f.ls.path[0].beat, 77);
	assert_int_equal(f.ls.path[1].state, PATH_SILENT);
	assert_int_equal(f.ls.path[2].state, PATH_ALIVE);
	assert_int_equal(f.ls.path[3].state, PATH_SILENT);
	assert_true(f.ls.peer_alive);
	from[0] = 2;
	linkset_rearrange(&f.ls, 1, 1, from);
	assert_int_equal(f.ls.path[0].state, PATH_ALIVE);
	assert_int_equal(f.ls.path[2].state, PATH_SILENT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		T(a_beats_number_is_the_time_and_grows),
		T(a_path_is_silent_until_it_is_heard),
		T(an_echo_brings_path_and_peer_alive),
		T(without_an_echo_a_path_is_one_way),
		T(an_echo_of_another_path_keeps_the_peer_alive),
		T(an_echo_counts_up_to_the_detection_time),
		T(an_echo_of_what_was_never_sent_counts_nothing),
		T(an_echoed_age_is_kept),
		T(an_older_beat_does_not_lower_the_number_to_echo),
		T(the_round_trip_is_that_of_the_probe_that_is_answered),
		T(a_hold_outlives_the_detection_time),
		T(a_restarted_peer_has_the_detection_time_of_a_hold),
		T(silence_loses_path_and_peer_once),
		T(a_path_that_loses_its_echo_becomes_one_way_then_lost),
		T(a_secondary_path_may_be_silent_for_ten_times_as_long),
		T(an_old_echo_keeps_a_secondary_path_but_not_the_peer),
		T(own_lateness_is_added_to_what_the_peer_is_allowed),
		T(the_grace_ends_after_the_detection_time),
		T(lateness_brings_no_silent_path_to_life),
		T(forgetting_loses_all_that_was_heard),
		T(a_parted_peer_is_not_alive),
		T(it_is_urgent_when_no_link_was_heard_for_a_beat_and_a_half),
		T(it_is_urgent_when_only_a_secondary_path_was_ever_heard),
		T(a_link_that_brings_only_old_news_does_not_count),
		T(without_secondary_paths_there_is_no_urgency_to_wait_for),
		T(paths_keep_their_state_when_they_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
