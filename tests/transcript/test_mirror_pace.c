/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mirroring with a kernel that takes its time: a copy that comes in leaves half of the processor
 * to others, and nothing else waits for it.
 */
#include "mirror_story.h"

enum {
	ORDER_US = 50,
	OBJECTS = 2000,
	WORK_US = ORDER_US * OBJECTS,
	WINDOW_MS = 10,
	BURST_US = 1000, /* of work without a rest, and then what a frame takes at most */
	FRAME_US = 700,
	OTHERS_US = 200, /* all else that happens meanwhile, as long as that is little */
};

/* A master with many sessions, and the other node, whose kernel is slow, is about to start. */
static void a_copy_is_due(struct pair *p)
{
	p->side[0].kernel->pad = 100; /* some 13 to a frame */
	p->side[1].kernel->order_us = ORDER_US;
	pair_start(p, 0);
	pair_run(p, 15000);
	for (unsigned first = 0; first < OBJECTS; first += 100)
		pair_make_many(p, 0, first, 100);
	pair_forget(p);
}

static bool copy_began(const struct pair *p)
{
	return pair_sessions(p, 1) > 0;
}

/* Runs until all sessions are there; returns the most that the kernel was busy in any 10 ms, and
 * how long it all took. */
static uint64_t most_busy_us(struct pair *p, uint64_t *ret_took_us)
{
	static struct {
		uint64_t at, busy_us;
	} look[8192];
	uint64_t most = 0, began;
	unsigned n = 0, first = 0;

	while (!copy_began(p))
		pair_run_us(p, 100);
	began = p->now;
	for (; pair_sessions(p, 1) < OBJECTS; n++) {
		assert_true(n < ARRAY_LEN(look));
		look[n].at = p->now;
		look[n].busy_us = p->side[1].kernel->busy_us;
		while (look[n].at - look[first].at > WINDOW_MS * 1000)
			first++;
		if (look[n].busy_us - look[first].busy_us > most)
			most = look[n].busy_us - look[first].busy_us;
		pair_run_us(p, 100);
	}
	*ret_took_us = p->now - began;
	return most;
}

static void a_copy_takes_half_of_the_time(void **state)
{
	struct pair *p = *state;
	uint64_t took_us;

	a_copy_is_due(p);
	pair_start(p, 1);
	assert_in_range(most_busy_us(p, &took_us), 3000,
		WINDOW_MS * 1000 / 2 + BURST_US / 2 + FRAME_US + OTHERS_US);
	assert_in_range(took_us, WORK_US * 17 / 10, WORK_US * 23 / 10);
	pair_run(p, 2000);
	assert_int_equal(pair_different(p), -1);
	assert_true(in_sync(p, 1));
	assert_int_equal(counted(p, 1, COUNTER_RESYNCS_HEARD), 1);
	assert_int_equal(counted(p, 0, COUNTER_CHANNEL_RESENT), 0);
	assert_int_equal(counted(p, 1, COUNTER_LATE), 0);
}

static void without_real_time_priority_others_have_their_share_anyway(void **state)
{
	struct pair *p = *state;
	uint64_t took_us;

	p->side[1].realtime = false;
	a_copy_is_due(p);
	pair_start(p, 1);
	(void)most_busy_us(p, &took_us);
	assert_in_range(took_us, 0, WORK_US * 13 / 10);
}

static void heartbeats_do_not_wait_for_a_copy(void **state)
{
	struct pair *p = *state;
	uint64_t took_us;
	uint32_t echo_us = 0;
	struct node_view view;

	a_copy_is_due(p);
	pair_start(p, 1);
	while (!copy_began(p))
		pair_run_us(p, 100);
	for (unsigned i = 0; i < 100; i++) {
		pair_run(p, 1);
		node_look(p->side[0].node, pair_clock(p, 0), &view);
		for (unsigned path = 0; path < 2; path++) {
			if (view.path[path].echo_age_us > echo_us)
				echo_us = view.path[path].echo_age_us;
		}
	}
	/* Two heartbeats under way, and a frame's worth of work. */
	assert_in_range(echo_us, 0, 2 * 50000 + 2 * FRAME_US + 5000);
	(void)most_busy_us(p, &took_us);
	assert_silent(p, "lost");
}

static void live_words_are_not_slowed(void **state)
{
	struct pair *p = *state;

	start_with(p, 10);
	p->side[0].kernel->pad = 100;
	p->side[1].kernel->order_us = ORDER_US;
	uint64_t began = p->now;

	for (unsigned first = 100; first < 1100; first += 100)
		pair_make_many(p, 0, first, 100);
	while (pair_sessions(p, 1) < 1010)
		pair_run_us(p, 100);
	assert_in_range(p->now - began, 0, 1000 * ORDER_US * 11 / 10);
}

/* What the peer said before it was lost is taken at once, and before it is thought over. */
static void a_lost_peers_last_words_do_not_wait(void **state)
{
	struct pair *p = *state;

	a_copy_is_due(p);
	pair_start(p, 1);
	while (pair_sessions(p, 1) < 200)
		pair_run_us(p, 100);
	pair_cut(p, 0, true);
	pair_cut(p, 1, true);
	pair_cut(p, 2, true);
	p->side[1].kernel->order_us = 4 * ORDER_US; /* so that they wait still */
	pair_run(p, 150);
	assert_true(channel_in_is_held(&pair_mirror_of(p, 1)->in));
	while (p->side[1].node->links.peer_alive)
		pair_run_us(p, 100);
	assert_false(channel_in_is_held(&pair_mirror_of(p, 1)->in));
	assert_false(pair_mirror_of(p, 1)->up);
	assert_owner(p, 0);
	pair_run(p, 1);
	assert_int_equal(p->side[1].node->group[0].state, GROUP_MASTER);
	assert_int_equal(index_entries(&pair_mirror_of(p, 1)->index, INDEX_PEER), 0);
	assert_true(pair_sessions(p, 1) > 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MIRROR(a_copy_takes_half_of_the_time),
		MIRROR(without_real_time_priority_others_have_their_share_anyway),
		MIRROR(heartbeats_do_not_wait_for_a_copy),
		MIRROR(live_words_are_not_slowed),
		MIRROR(a_lost_peers_last_words_do_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
