/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: suspect.c */
/*
 * The carrier of all HA links goes at once: live secondary paths tell within milliseconds whether
 * the peer is gone, and in every other case the detection time decides.
 */
#include "story.h"

#include "core/state.h"
#include "core/suspect.h"

enum { SECONDARY = 2, VERDICT_MS = 8, DETECTION_MS = 200 };

static void set_carrier(struct pair *p, unsigned i, unsigned path, bool up)
{
	struct event event = { .type = EVENT_CARRIER };

	event.carrier.path = path;
	event.carrier.up = up;
	pair_event(p, i, &event);
}

static void lose_links(struct pair *p, unsigned i)
{
	set_carrier(p, i, 0, false);
	set_carrier(p, i, 1, false);
}

/* fw1 is master, and the secondary path's round-trip time is known. */
static void start(struct pair *p)
{
	pair_start_both(p);
	pair_run(p, 2000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_true(p->side[1].node->links.path[SECONDARY].rtt_us < 1000);
	pair_forget(p);
}

static void a_peer_without_power_is_lost_in_milliseconds(void **state)
{
	struct pair *p = *state;

	start(p);
	pair_power_off(p, 0);
	lose_links(p, 1);
	pair_run(p, VERDICT_MS);
	ASSERT_TOLD(p, "fw2: peer fw1: suspected", "fw2: peer fw1: lost, no HA link has carrier",
		"fw2: group 7: primary-backup -> master, peer lost (rule 4c");
	assert_int_equal(pair_counter(p, 1, COUNTER_SUSPICIONS), 1);
	assert_int_equal(pair_counter(p, 1, COUNTER_PEER_LOST), 1);
}

/* What the peer echoes when it is back is no answer to what it was asked while it was off. */
static void a_peer_that_came_back_is_judged_as_quickly(void **state)
{
	struct pair *p = *state;

	start(p);
	for (unsigned i = 0; i < 20; i++) {
		pair_power_off(p, 0);
		lose_links(p, 1);
		pair_run(p, 3000 + 37 * i);
		set_carrier(p, 1, 0, true);
		set_carrier(p, 1, 1, true);
		pair_start(p, 0);
		pair_run(p, 2600);
		assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
		pair_forget(p);
		pair_power_off(p, 0);
		lose_links(p, 1);
		pair_run(p, VERDICT_MS);
		ASSERT_TOLD(p, "fw2: peer fw1: lost, no HA link has carrier");
		pair_run(p, 3000);
		pair_start(p, 0);
		set_carrier(p, 1, 0, true);
		set_carrier(p, 1, 1, true);
		pair_run(p, 6000);
	}
}

static void a_peer_that_answers_by_a_secondary_path_is_not(void **state)
{
	struct pair *p = *state;

	start(p);
	pair_cut(p, 0, true);
	pair_cut(p, 1, true);
	lose_links(p, 0);
	lose_links(p, 1);
	pair_run(p, 5000);
	ASSERT_TOLD(p, "fw2: peer fw1: answers, only the HA links are gone");
	assert_silent(p, "peer fw1: lost");
	assert_silent(p, "peer fw2: lost");
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
}

/* One answer to any of the probes is enough. */
static unsigned frames_lost;

static bool only_the_first_answer(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	(void)p;
	(void)frame;
	return from == 1 || (path == SECONDARY && frames_lost++ == 0);
}

static void add_a_secondary_path(struct pair *p)
{
	struct conf *c = p->side[0].conf;

	c->path[c->n_paths] = c->path[SECONDARY];
	c->path[c->n_paths].tag++;
	memcpy(c->path[c->n_paths++].name, "s1", 3);
	pair_same_conf(p);
}

/* With two secondary paths and these frames passing, fw2 suspects fw1, and is told otherwise. */
static void assert_found_alive(struct pair *p,
	bool (*passes)(struct pair *, unsigned from, unsigned path, struct span frame))
{
	add_a_secondary_path(p);
	start(p);
	frames_lost = 0;
	p->passes = passes;
	lose_links(p, 1);
	pair_run(p, VERDICT_MS + 2);
	ASSERT_TOLD(p, "fw2: peer fw1: answers, only the HA links are gone");
	assert_silent(p, "peer fw1: lost");
}

/* Each path's probe has a number of its own: the very first is answered, and no other. */
static void an_answer_by_one_of_two_secondary_paths_is_one(void **state)
{
	struct pair *p = *state;

	assert_found_alive(p, only_the_first_answer);
}

static bool not_back_by_the_first(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	(void)p;
	(void)frame;
	return from == 1 ? path == SECONDARY : path > SECONDARY;
}

static void an_answer_may_come_by_another_path_than_the_probe(void **state)
{
	struct pair *p = *state;

	assert_found_alive(p, not_back_by_the_first);
}

static void a_path_that_cannot_tell_may_answer(void **state)
{
	struct pair *p = *state;

	add_a_secondary_path(p);
	start(p);
	p->side[1].node->links.path[SECONDARY + 1].rtt_us = SUSPECT_RTT_MAX_US + 1;
	pair_cut(p, SECONDARY, true);
	lose_links(p, 1);
	pair_run(p, VERDICT_MS + 2);
	ASSERT_TOLD(p, "fw2: peer fw1: answers, only the HA links are gone");
	assert_silent(p, "peer fw1: lost");
}

static bool only_the_last_answer(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	(void)p;
	(void)frame;
	if (from == 1)
		return true;
	return path == SECONDARY && ++frames_lost >= SUSPECT_PROBES;
}

static void one_answer_to_five_probes_is_enough(void **state)
{
	struct pair *p = *state;

	start(p);
	frames_lost = 0;
	p->passes = only_the_last_answer;
	lose_links(p, 1);
	pair_run(p, VERDICT_MS);
	ASSERT_TOLD(p, "fw2: peer fw1: answers");
	assert_silent(p, "fw1: lost");
}

static void assert_waits(struct pair *p, const char *why)
{
	ASSERT_TOLD(p, "fw2: link ha1: carrier lost", why);
	pair_forget(p);
	pair_run(p, 100);
	assert_silent(p, "peer fw1");
	pair_run(p, DETECTION_MS);
	ASSERT_TOLD(p, "fw2: peer fw1: lost, nothing heard for 200 ms");
}

static void links_that_go_one_after_the_other_prove_nothing(void **state)
{
	struct pair *p = *state;

	start(p);
	set_carrier(p, 1, 0, false);
	pair_run(p, SUSPECT_TOGETHER_US / 1000 + 5);
	pair_forget(p);
	pair_power_off(p, 0);
	set_carrier(p, 1, 1, false);
	assert_waits(
		p, "the detection time decides: the HA links did not lose their carriers together");
}

static void without_a_secondary_path_the_detection_time_decides(void **state)
{
	struct pair *p = *state;

	start(p);
	set_carrier(p, 1, SECONDARY, false);
	pair_forget(p);
	pair_power_off(p, 0);
	lose_links(p, 1);
	assert_waits(p, "the detection time decides: no secondary path answered quickly");
}

static void a_secondary_path_that_was_silent_tells_nothing(void **state)
{
	struct pair *p = *state;

	start(p);
	pair_cut(p, SECONDARY, true);
	pair_run(p, 1200); /* more than two of its intervals; it is lost after 2 s */
	pair_power_off(p, 0);
	pair_cut(p, SECONDARY, false);
	pair_forget(p);
	lose_links(p, 1);
	assert_waits(p, "the detection time decides: no secondary path answered quickly");
}

static void a_peer_without_real_time_priority_is_given_time(void **state)
{
	struct pair *p = *state;

	p->side[0].realtime = false;
	start(p);
	pair_power_off(p, 0);
	lose_links(p, 1);
	assert_waits(p, "the detection time decides: it runs without real-time priority");
}

/* A long path answers after the verdict: it cannot tell. */
static void a_slow_secondary_path_tells_nothing(void **state)
{
	struct pair *p = *state;

	start(p);
	p->side[1].node->links.path[SECONDARY].rtt_us = SUSPECT_RTT_MAX_US + 1;
	pair_power_off(p, 0);
	lose_links(p, 1);
	assert_waits(p, "the detection time decides: no secondary path answered quickly");
}

static void a_carrier_that_comes_back_ends_the_suspicion(void **state)
{
	struct pair *p = *state;

	start(p);
	pair_power_off(p, 0);
	lose_links(p, 1);
	pair_run(p, 3);
	pair_forget(p);
	set_carrier(p, 1, 1, true);
	pair_run(p, 100);
	assert_silent(p, "peer fw1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_peer_without_power_is_lost_in_milliseconds),
		STORY(a_peer_that_came_back_is_judged_as_quickly),
		STORY(a_peer_that_answers_by_a_secondary_path_is_not),
		STORY(an_answer_by_one_of_two_secondary_paths_is_one),
		STORY(an_answer_may_come_by_another_path_than_the_probe),
		STORY(a_path_that_cannot_tell_may_answer),
		STORY(one_answer_to_five_probes_is_enough),
		STORY(links_that_go_one_after_the_other_prove_nothing),
		STORY(without_a_secondary_path_the_detection_time_decides),
		STORY(a_secondary_path_that_was_silent_tells_nothing),
		STORY(a_peer_without_real_time_priority_is_given_time),
		STORY(a_slow_secondary_path_tells_nothing),
		STORY(a_carrier_that_comes_back_ends_the_suspicion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
