/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration changes while a pair runs.
 */
#include "story.h"

#include "core/state.h"

static void add_group(struct conf *c, uint8_t id)
{
	unsigned at = c->n_groups++;

	for (; at > 0 && c->group[at - 1].id > id; at--)
		c->group[at] = c->group[at - 1];
	c->group[at] = (struct conf_group){
		.id = id,
		.priority = { 50, 100 },
		.threshold = 255,
	};
}

static void remove_group(struct conf *c, unsigned at)
{
	c->n_groups--;
	for (; at < c->n_groups; at++)
		c->group[at] = c->group[at + 1];
}

static void both_add(struct pair *p, uint8_t id)
{
	for (unsigned i = 0; i < 2; i++) {
		add_group(pair_next_conf(p, i), id);
		assert_int_equal(pair_reload(p, i), RESULT_DONE);
		pair_run(p, 100);
	}
}

static void nothing_changed_nothing_happens(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	for (unsigned i = 0; i < 2; i++) {
		pair_next_conf(p, i);
		assert_int_equal(pair_reload(p, i), RESULT_DONE);
	}
	pair_run(p, 1000);
	assert_silent(p, "group");
	assert_silent(p, "peer");
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
}

static void another_cluster_needs_a_restart(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_next_conf(p, 0)->cluster_id = 4;
	assert_int_equal(pair_reload(p, 0), RESULT_NEEDS_RESTART);
	pair_next_conf(p, 0)->self = 1;
	assert_int_equal(pair_reload(p, 0), RESULT_NEEDS_RESTART);
	pair_next_conf(p, 0)->node[1][0] = 'x';
	assert_int_equal(pair_reload(p, 0), RESULT_NEEDS_RESTART);
	assert_int_equal(p->side[0].out->n, 0);
	pair_run(p, 1000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
}

static void an_added_group_is_elected_and_the_others_keep_their_masters(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 100);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	pair_forget(p);
	both_add(p, 3); /* in front of group 7 */
	both_add(p, 9); /* behind it */
	pair_run(p, 1000);
	for (unsigned g = 0; g < 3; g += 2) {
		assert_int_equal(pair_state(p, 0, g), GROUP_MASTER);
		assert_int_equal(pair_state(p, 1, g), GROUP_PRIMARY_BACKUP);
	}
	assert_int_equal(pair_state(p, 1, 1), GROUP_MASTER);
	assert_int_equal(p->side[1].node->group[1].term, 2);
	assert_silent(p, "group 7");
	assert_silent(p, "peer fw");
}

static void a_removed_group_is_forgotten_and_the_others_keep_their_masters(void **state)
{
	struct pair *p = *state;

	add_group(p->side[0].conf, 3);
	add_group(p->side[0].conf, 9);
	pair_same_conf(p);
	pair_start_both(p);
	for (unsigned i = 0; i < 2; i++) {
		remove_group(pair_next_conf(p, i), 1); /* group 7 */
		assert_int_equal(pair_reload(p, i), RESULT_DONE);
		pair_run(p, 100);
	}
	pair_run(p, 1000);
	for (unsigned g = 0; g < 2; g++) {
		assert_int_equal(pair_state(p, 0, g), GROUP_MASTER);
		assert_int_equal(pair_state(p, 1, g), GROUP_PRIMARY_BACKUP);
		assert_int_equal(p->side[0].node->group[g].term, g == 0 ? 1 : 3);
	}
	assert_silent(p, "group 3");
	assert_silent(p, "group 9");
}

static void a_group_removed_on_its_master_alone_is_taken_over(void **state)
{
	struct pair *p = *state;

	add_group(p->side[0].conf, 9);
	pair_same_conf(p);
	pair_start_both(p);
	remove_group(pair_next_conf(p, 0), 1);
	assert_int_equal(pair_reload(p, 0), RESULT_DONE);
	pair_run(p, 1000);
	assert_int_equal(pair_state(p, 1, 1), GROUP_MASTER);
	assert_silent(p, "group 7");
}

static void a_takeover_of_a_group_that_the_peer_removed_has_a_reason(void **state)
{
	struct pair *p = *state;

	a_group_removed_on_its_master_alone_is_taken_over(state);
	assert_silent(p, ", none (");
}

static void a_removed_group_ends_its_hand_over(void **state)
{
	struct pair *p = *state;

	add_group(p->side[0].conf, 9);
	pair_same_conf(p);
	pair_start_both(p);
	pair_command(p, 0, COMMAND_FAILOVER, 1, false);
	remove_group(pair_next_conf(p, 0), 1);
	assert_int_equal(pair_reload(p, 0), RESULT_DONE);
	assert_int_equal(p->side[0].n_replies, 1);
	assert_int_equal(p->side[0].result, RESULT_NO_GROUP);
}

static void a_better_priority_counts_when_the_group_preempts(void **state)
{
	struct pair *p = *state;

	p->side[0].conf->group[0].preempt = true;
	pair_same_conf(p);
	pair_start_both(p);
	for (unsigned i = 0; i < 2; i++) {
		pair_next_conf(p, i)->group[0].priority[1] = 10;
		assert_int_equal(pair_reload(p, i), RESULT_DONE);
	}
	pair_run(p, 2900);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	pair_run(p, 200);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	assert_int_equal(p->both_us, 0);
}

static void an_added_path_comes_alive(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	for (unsigned i = 0; i < 2; i++) {
		struct conf *next = pair_next_conf(p, i);

		next->path[3] = next->path[2]; /* links stand in front of secondary paths */
		next->path[2] = next->path[1];
		memcpy(next->path[2].name, "ha2", 4);
		next->path[2].tag = 0x200;
		next->n_links++;
		next->n_paths++;
		assert_int_equal(pair_reload(p, i), RESULT_DONE);
		pair_run(p, 100);
	}
	pair_run(p, 1000);
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned path = 0; path < 4; path++)
			assert_int_equal(pair_path(p, i, path), PATH_ALIVE);
	}
	assert_silent(p, "peer fw");
	assert_silent(p, "group");
	assert_int_equal(pair_counter(p, 0, COUNTER_DROP_REPLAY), 0);
	assert_int_equal(pair_counter(p, 0, COUNTER_DROP_AUTH), 0);
}

static void a_removed_path_takes_nothing_with_it(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_cut(p, 0, true); /* the one that goes */
	pair_run(p, 1000);
	pair_cut(p, 0, false);
	for (unsigned i = 0; i < 2; i++) {
		struct conf *next = pair_next_conf(p, i);

		next->path[0] = next->path[1];
		next->path[1] = next->path[2];
		next->n_links--;
		next->n_paths--;
		assert_int_equal(pair_reload(p, i), RESULT_DONE);
		assert_int_equal(pair_path(p, i, 0), PATH_ALIVE);
		pair_run(p, 20);
	}
	pair_run(p, 1000);
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned path = 0; path < 2; path++)
			assert_int_equal(pair_path(p, i, path), PATH_ALIVE);
	}
	assert_silent(p, "peer fw");
	assert_silent(p, "group");
}

static void a_path_that_comes_back_uses_no_sequence_number_twice(void **state)
{
	struct pair *p = *state;
	uint64_t sent, hellos;

	pair_start_both(p);
	sent = p->side[0].node->handshake.session[SESSION_CURRENT].sent[0];
	hellos = p->side[0].node->handshake.hellos_sent[0];
	for (unsigned round = 0; round < 2; round++) {
		struct conf *next = pair_next_conf(p, 0);

		if (round == 0) {
			next->path[0] = next->path[1];
			next->path[1] = next->path[2];
		} else {
			next->path[2] = next->path[1];
			next->path[1] = next->path[0];
			next->path[0].tag = 0x101;
		}
		next->n_links += round == 0 ? -1u : 1u;
		next->n_paths += round == 0 ? -1u : 1u;
		assert_int_equal(pair_reload(p, 0), RESULT_DONE);
	}
	assert_true(p->side[0].node->handshake.session[SESSION_CURRENT].sent[0] > sent);
	assert_true(p->side[0].node->handshake.hellos_sent[0] > hellos);
}

struct tape {
	size_t len;
	uint8_t bytes[PAIR_FRAME_MAX];
};

/* The last beat of fw1 on ha0. */
static bool record(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	struct tape *t = p->user;

	if (from == 0 && path == 0 && pair_tlv(frame, WIRE_TLV_BEAT).len > 0) {
		t->len = frame.len;
		memcpy(t->bytes, frame.data, frame.len);
	}
	return true;
}

/* What was heard on it before is forgotten: so it stays closed until the session is another. */
static void a_path_that_comes_back_hears_nothing_twice(void **state)
{
	struct pair *p = *state;
	struct tape tape = { 0 };

	pair_start_both(p);
	p->user = &tape;
	p->passes = record;
	pair_run(p, 60);
	p->passes = NULL;
	for (unsigned round = 0; round < 2; round++) {
		struct conf *next = pair_next_conf(p, 1);

		if (round == 0) { /* ha0 goes, and comes back */
			next->path[0] = next->path[1];
			next->path[1] = next->path[2];
		} else {
			*next = *p->side[0].conf;
			next->self = 1;
		}
		next->n_links = round == 0 ? 1 : 2;
		next->n_paths = round == 0 ? 2 : 3;
		assert_int_equal(pair_reload(p, 1), RESULT_DONE);
	}
	uint64_t replays = pair_counter(p, 1, COUNTER_DROP_REPLAY);

	assert_true(tape.len > 0);
	pair_frame(p, 1, 0, tape.bytes, tape.len);
	assert_int_equal(pair_counter(p, 1, COUNTER_DROP_REPLAY), replays + 1);
	pair_run(p, 1000);
	assert_int_equal(pair_path(p, 1, 0), PATH_ALIVE);
	assert_silent(p, "peer fw");
	assert_silent(p, "group");
}

static void a_shorter_heartbeat_counts_at_once(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	for (unsigned i = 0; i < 2; i++) {
		pair_next_conf(p, i)->heartbeat_ms = 10;
		assert_int_equal(pair_reload(p, i), RESULT_DONE);
		pair_run(p, 30);
	}
	pair_run(p, 1000);
	pair_forget(p);
	pair_power_off(p, 0);
	pair_run(p, 1000);
	ASSERT_TOLD(p, "fw2: peer fw1: lost, nothing heard for 40 ms");
	assert_true(p->nobody_us <= 41000);
}

/* One node reads the new file, the other not yet: the longer heartbeat of both counts. */
static void a_longer_heartbeat_on_one_node_loses_nobody(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_next_conf(p, 0)->heartbeat_ms = 500;
	assert_int_equal(pair_reload(p, 0), RESULT_DONE);
	pair_run(p, 10000);
	assert_silent(p, "peer");
	assert_silent(p, "group");
}

static void monitors_keep_their_verdicts_by_name(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_monitor(p, 1, 1, false);
	struct conf *next = pair_next_conf(p, 1);

	next->monitor[0] = next->monitor[1];
	next->n_monitors = 1;
	assert_int_equal(pair_reload(p, 1), RESULT_DONE);
	assert_true(p->side[1].node->health.failed[0]);
	assert_false(p->side[1].node->health.failed[1]);
	pair_next_conf(p, 1)->group[0].threshold = 100; /* and its weight counts now */
	assert_int_equal(pair_reload(p, 1), RESULT_DONE);
	assert_states(p, GROUP_MASTER, GROUP_INOPERABLE);
}

static void another_file_on_the_peer_is_said_once(void **state)
{
	struct pair *p = *state;
	struct node_view view;

	pair_start_both(p);
	pair_next_conf(p, 0)->digest = 2;
	assert_int_equal(pair_reload(p, 0), RESULT_DONE);
	pair_run(p, 1000);
	assert_int_equal(pair_said(p, "fw2: configuration: fw1 reads another file"), 1);
	node_look(p->side[0].node, pair_clock(p, 0), &view);
	assert_true(view.conf_differs);
	pair_next_conf(p, 1)->digest = 2;
	assert_int_equal(pair_reload(p, 1), RESULT_DONE);
	pair_run(p, 100);
	node_look(p->side[0].node, pair_clock(p, 0), &view);
	assert_false(view.conf_differs);
}

static void a_reload_leaves_a_valid_list_of_actions(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_next_conf(p, 0);
	p->side[0].out->more = true;
	assert_int_equal(node_reconfigure(p->side[0].node, pair_clock(p, 0), p->side[0].conf,
				 p->side[0].out),
		RESULT_DONE);
	assert_false(p->side[0].out->more);
}

static void sixty_four_groups_fit_into_one_beat_frame(void **state)
{
	struct pair *p = *state;

	for (unsigned g = 1; g < CONF_GROUPS_MAX; g++)
		add_group(p->side[0].conf, (uint8_t)(7 + 3 * g));
	while (p->side[0].conf->n_paths < CONF_PATHS_MAX) {
		struct conf *c = p->side[0].conf;

		c->path[c->n_paths] = c->path[2];
		c->path[c->n_paths].tag = (uint16_t)(0x300 + c->n_paths);
		c->n_paths++;
	}
	pair_same_conf(p);
	pair_start_both(p);
	for (unsigned g = 0; g < CONF_GROUPS_MAX; g++)
		assert_int_equal(pair_state(p, 0, g), GROUP_MASTER);
	/* With a request and an answer; and every group moves at once. */
	pair_command_peer(p, 0, COMMAND_MAINTENANCE_ON, COMMAND_ALL_GROUPS);
	pair_command_peer(p, 1, COMMAND_MAINTENANCE_OFF, COMMAND_ALL_GROUPS);
	pair_run(p, 100);
	assert_int_equal(p->side[0].n_replies + p->side[1].n_replies, 2);
	pair_command(p, 1, COMMAND_MAINTENANCE_OFF, COMMAND_ALL_GROUPS, false);
	pair_run(p, 100);
	pair_command(p, 0, COMMAND_FAILOVER, COMMAND_ALL_GROUPS, false);
	pair_run(p, 100);
	assert_int_equal(p->side[0].result, RESULT_DONE);
	for (unsigned g = 0; g < CONF_GROUPS_MAX; g++)
		assert_int_equal(pair_state(p, 1, g), GROUP_MASTER);
	pair_cut_all(p, true); /* and meets another master */
	pair_run(p, 1000);
	pair_cut_all(p, false);
	pair_run(p, 200);
	for (unsigned g = 0; g < CONF_GROUPS_MAX; g++)
		assert_true((pair_state(p, 0, g) == GROUP_MASTER) !=
			    (pair_state(p, 1, g) == GROUP_MASTER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(nothing_changed_nothing_happens),
		STORY(another_cluster_needs_a_restart),
		STORY(an_added_group_is_elected_and_the_others_keep_their_masters),
		STORY(a_removed_group_is_forgotten_and_the_others_keep_their_masters),
		STORY(a_group_removed_on_its_master_alone_is_taken_over),
		STORY(a_removed_group_ends_its_hand_over),
		STORY(a_better_priority_counts_when_the_group_preempts),
		STORY(an_added_path_comes_alive),
		STORY(a_removed_path_takes_nothing_with_it),
		STORY(a_path_that_comes_back_uses_no_sequence_number_twice),
		STORY(a_path_that_comes_back_hears_nothing_twice),
		STORY(a_shorter_heartbeat_counts_at_once),
		STORY(a_longer_heartbeat_on_one_node_loses_nobody),
		STORY(monitors_keep_their_verdicts_by_name),
		STORY(another_file_on_the_peer_is_said_once),
		STORY(sixty_four_groups_fit_into_one_beat_frame),
		STORY(a_takeover_of_a_group_that_the_peer_removed_has_a_reason),
		STORY(a_reload_leaves_a_valid_list_of_actions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
