/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What operators ask for, here or by way of the peer.
 */
#include "story.h"

#include "core/command.h"
#include "core/state.h"

static void a_failover_may_be_asked_for_on_the_backup(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_command(p, 1, COMMAND_FAILOVER, 0, false);
	assert_int_equal(p->side[1].n_replies, 0);
	pair_run(p, 100);
	assert_int_equal(p->side[1].n_replies, 1);
	assert_int_equal(p->side[1].result, RESULT_DONE);
	assert_int_equal(p->side[0].n_replies, 0);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	assert_int_equal(pair_counter(p, 0, COUNTER_REQUESTS), 1); /* though it was said often */
	pair_command(p, 0, COMMAND_FAILOVER, 0, false); /* and back, the other way round */
	pair_run(p, 100);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
}

static void what_the_peer_refuses_is_the_reply(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_sync(p, 1, false);
	pair_run(p, 100);
	pair_command(p, 1, COMMAND_FAILOVER, 0, false);
	pair_run(p, 100);
	assert_int_equal(p->side[1].result, RESULT_PEER_NOT_IN_SYNC);
	pair_command(p, 1, COMMAND_FAILOVER, 0, true);
	pair_run(p, 100);
	assert_int_equal(p->side[1].result, RESULT_DONE);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
}

static void the_peer_may_be_taken_out_and_put_back(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_command_peer(p, 1, COMMAND_MAINTENANCE_ON, 0);
	pair_run(p, 100);
	assert_int_equal(p->side[1].result, RESULT_DONE);
	assert_states(p, GROUP_INELIGIBLE, GROUP_MASTER);
	assert_int_equal(p->side[0].disk.n_maintenance, 1);
	assert_int_equal(p->side[0].disk.maintenance[0], 7);
	pair_command_peer(p, 1, COMMAND_MAINTENANCE_ON, COMMAND_ALL_GROUPS);
	pair_run(p, 100);
	assert_int_equal(p->side[1].result, RESULT_UNCHANGED);
	pair_command_peer(p, 1, COMMAND_MAINTENANCE_OFF, 0);
	pair_run(p, 100);
	assert_int_equal(p->side[1].result, RESULT_DONE);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
}

static void two_requests_at_a_time_are_one_too_many(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_command_peer(p, 1, COMMAND_MAINTENANCE_ON, 0);
	pair_command_peer(p, 1, COMMAND_MAINTENANCE_OFF, 0);
	assert_int_equal(p->side[1].n_replies, 1);
	assert_int_equal(p->side[1].result, RESULT_BUSY);
	pair_run(p, 100);
	assert_int_equal(p->side[1].n_replies, 2);
	assert_int_equal(p->side[1].result, RESULT_DONE);
}

static bool no_answer(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	(void)p, (void)from, (void)path;
	return pair_tlv(frame, WIRE_TLV_ANSWER).len == 0;
}

static void a_request_that_is_not_answered_times_out(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	p->passes = no_answer;
	pair_command_peer(p, 1, COMMAND_MAINTENANCE_OFF, 0);
	pair_run(p, 1999);
	assert_int_equal(p->side[1].n_replies, 0);
	pair_run(p, 2);
	assert_int_equal(p->side[1].result, RESULT_TIMEOUT);
	p->passes = NULL;
	pair_run(p, 300);
	pair_command_peer(p, 1, COMMAND_MAINTENANCE_OFF, 0); /* the next one is heard anew */
	pair_run(p, 100);
	assert_int_equal(p->side[1].result, RESULT_UNCHANGED);
}

static void an_answer_to_another_request_is_none(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	p->passes = no_answer;
	pair_command_peer(p, 1, COMMAND_MAINTENANCE_OFF, 0);
	command_answered(p->side[1].node, 77, RESULT_DONE, p->side[1].out);
	assert_true(p->side[1].node->request.out.active);
	pair_run(p, 3000);
	assert_int_equal(p->side[1].n_replies, 1);
	assert_int_equal(p->side[1].result, RESULT_TIMEOUT);
	command_answered(p->side[1].node, 1, RESULT_DONE, p->side[1].out); /* too late */
	assert_false(p->side[1].node->request.out.active);
}

static void commands_without_a_peer_or_a_master_say_so(void **state)
{
	struct pair *p = *state;

	pair_start(p, 0);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	assert_int_equal(p->side[0].result, RESULT_NO_MASTER);
	pair_command_peer(p, 0, COMMAND_MAINTENANCE_ON, 0);
	assert_int_equal(p->side[0].result, RESULT_NO_PEER);
	pair_command(p, 0, COMMAND_MAINTENANCE_ON, 0, false);
	assert_int_equal(p->side[0].result, RESULT_LAST_ELIGIBLE);
	pair_command(p, 0, COMMAND_FAILOVER, 1, false);
	assert_int_equal(p->side[0].result, RESULT_NO_GROUP);
	pair_command(p, 0, COMMAND_MAINTENANCE_OFF, 0, false);
	assert_int_equal(p->side[0].result, RESULT_UNCHANGED);
	pair_run(p, 11000);
	pair_command(p, 0, COMMAND_FAILOVER, COMMAND_ALL_GROUPS, false);
	assert_int_equal(p->side[0].result, RESULT_NO_PEER);
	assert_int_equal(p->side[0].n_replies, 6);
}

static void a_peer_that_cannot_take_over_is_named(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_monitor(p, 1, 0, false);
	pair_run(p, 100);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	assert_int_equal(p->side[0].result, RESULT_PEER_INOPERABLE);
	pair_command(p, 1, COMMAND_MAINTENANCE_ON, 0, false);
	pair_run(p, 100);
	pair_command(p, 0, COMMAND_FAILOVER, 0, true);
	assert_int_equal(p->side[0].result, RESULT_PEER_INELIGIBLE);
}

static void a_stopping_node_takes_no_commands(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	p->side[0].kernel_hangs = true;
	pair_stop(p, 0);
	pair_run(p, 10);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	assert_int_equal(p->side[0].result, RESULT_NOT_READY);
}

static void an_unknown_verb_or_group_of_the_peer_is_answered(void **state)
{
	struct pair *p = *state;
	struct node *n;

	pair_start_both(p);
	n = p->side[0].node;
	command_requested(n, pair_clock(p, 0), 77, 99, 7, 0, p->side[0].out);
	assert_true(n->request.in.answered);
	assert_int_equal(n->request.in.result, RESULT_PEER_REFUSED);
	command_requested(n, pair_clock(p, 0), 78, WIRE_VERB_FAILOVER, 8, 0, p->side[0].out);
	assert_int_equal(n->request.in.result, RESULT_NO_GROUP);
	/* Neither node is asked in turn: this would go round for ever. */
	command_requested(
		p->side[1].node, pair_clock(p, 1), 78, WIRE_VERB_FAILOVER, 7, 0, p->side[1].out);
	assert_int_equal(p->side[1].node->request.in.result, RESULT_NO_MASTER);
}

/* Groups 7, 8 and 9, of which the last has this priority on fw1. */
static void start_with_three_groups(struct pair *p, uint8_t priority)
{
	p->side[0].conf->n_groups = 3;
	p->side[0].conf->group[1] = p->side[0].conf->group[2] = p->side[0].conf->group[0];
	p->side[0].conf->group[1].id = 8;
	p->side[0].conf->group[2].id = 9;
	p->side[0].conf->group[2].priority[0] = priority;
	pair_same_conf(p);
	pair_start_both(p);
}

static void every_group_this_node_is_master_of_fails_over_at_once(void **state)
{
	struct pair *p = *state;

	start_with_three_groups(p, 200);
	pair_command(p, 0, COMMAND_FAILOVER, COMMAND_ALL_GROUPS, false);
	pair_run(p, 100);
	assert_int_equal(p->side[0].n_replies, 1);
	for (unsigned g = 0; g < 3; g++)
		assert_int_equal(pair_state(p, 1, g), GROUP_MASTER);
	/* All at once, or nothing. */
	pair_command(p, 1, COMMAND_FAILOVER, 1, false);
	pair_command(p, 1, COMMAND_FAILOVER, COMMAND_ALL_GROUPS, false);
	assert_int_equal(p->side[1].result, RESULT_BUSY);
}

static void a_failover_of_all_groups_is_done_when_every_one_is(void **state)
{
	struct pair *p = *state;

	start_with_three_groups(p, 50);
	/* fw1 has not heard of it yet, and asks all the same. */
	pair_command(p, 1, COMMAND_MAINTENANCE_ON, 0, false);
	pair_command(p, 0, COMMAND_FAILOVER, COMMAND_ALL_GROUPS, false);
	pair_run(p, 1000);
	assert_int_equal(p->side[0].n_replies, 1);
	assert_int_equal(p->side[0].result, RESULT_PEER_REFUSED);
	assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
	assert_int_equal(pair_state(p, 1, 1), GROUP_MASTER);
	assert_int_equal(pair_state(p, 1, 2), GROUP_MASTER);

	pair_command(p, 1, COMMAND_MAINTENANCE_OFF, 0, false);
	pair_run(p, 100);
	pair_command(p, 0, COMMAND_FAILOVER, COMMAND_ALL_GROUPS, false);
	pair_run(p, 1000);
	assert_int_equal(p->side[0].n_replies, 2);
	assert_int_equal(p->side[0].result, RESULT_DONE); /* what failed before is forgotten */
}

static void so_it_is_when_asked_of_the_backup(void **state)
{
	struct pair *p = *state;

	start_with_three_groups(p, 50);
	pair_command(p, 1, COMMAND_FAILOVER, COMMAND_ALL_GROUPS, false);
	pair_run_us(p, 150); /* fw1 asks for the groups */
	pair_command(p, 1, COMMAND_MAINTENANCE_ON, 0, false);
	p->side[1].n_replies = 0;
	pair_run(p, 1000);
	assert_int_equal(p->side[1].n_replies, 1);
	assert_int_equal(p->side[1].result, RESULT_PEER_REFUSED);
}

static bool not_by_the_old_session(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	const uint8_t *old = p->user;

	(void)from;
	(void)path;
	return frame.data[2] != WIRE_FRAME_SESSION || memcmp(frame.data + 8, old, 4) != 0;
}

/* fw1, which fw2 does not hear, carries it out and loses fw2; they meet again under a new session.
 */
static void a_request_is_carried_out_once_over_a_new_session_too(void **state)
{
	struct pair *p = *state;
	uint8_t old[4];

	pair_start_both(p);
	struct session *s = &p->side[0].node->handshake.session[SESSION_CURRENT];

	for (unsigned i = 0; i < 4; i++)
		old[i] = (uint8_t)(s->id >> (24 - 8 * i));
	for (unsigned path = 0; path < 3; path++)
		p->cut[0][path] = true;
	pair_command_peer(p, 1, COMMAND_MAINTENANCE_ON, 0);
	pair_run(p, 450);
	assert_int_equal(pair_counter(p, 0, COUNTER_REQUESTS), 1);
	assert_false(p->side[0].node->peer_known);
	s->sent[0] = 1 << 28;
	p->user = old;
	p->passes = not_by_the_old_session;
	for (unsigned path = 0; path < 3; path++)
		p->cut[0][path] = false;
	pair_run(p, 500);
	assert_true(p->side[0].node->peer_known);
	assert_int_equal(pair_counter(p, 0, COUNTER_REQUESTS), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_failover_may_be_asked_for_on_the_backup),
		STORY(what_the_peer_refuses_is_the_reply),
		STORY(the_peer_may_be_taken_out_and_put_back),
		STORY(two_requests_at_a_time_are_one_too_many),
		STORY(a_request_that_is_not_answered_times_out),
		STORY(an_answer_to_another_request_is_none),
		STORY(commands_without_a_peer_or_a_master_say_so),
		STORY(a_peer_that_cannot_take_over_is_named),
		STORY(a_stopping_node_takes_no_commands),
		STORY(an_unknown_verb_or_group_of_the_peer_is_answered),
		STORY(every_group_this_node_is_master_of_fails_over_at_once),
		STORY(a_failover_of_all_groups_is_done_when_every_one_is),
		STORY(so_it_is_when_asked_of_the_backup),
		STORY(a_request_is_carried_out_once_over_a_new_session_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
