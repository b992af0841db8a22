/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: node.c beat.c group.c judge.c handover.c command.c reconfigure.c view.c */
/*
 * A node against bodies that its peer would not send, and what it shows of itself. What a pair
 * does together is told in tests/transcript.
 */
#include "nsrp/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../sim/pair.h"
#include "core/codec.h"
#include "core/state.h"

static struct pair *p;

static int set_up(void **state)
{
	(void)state;
	p = pair_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pair_free(p);
	return 0;
}

/* Node 0 hears a beat of node 1's session with any body. */
static void hear(const struct writer *w)
{
	uint8_t frame[WIRE_FRAME_MAX];

	assert_true(writer_ok(w));
	memcpy(frame + WIRE_HEADER_LEN, w->start, w->used);
	size_t len = handshake_seal(&p->side[1].node->handshake, SESSION_CURRENT, 0,
		p->side[1].conf->path[0].tag, frame, w->used);

	pair_frame(p, 0, 0, frame, len);
}

static struct writer body(void)
{
	static uint8_t bytes[WIRE_FRAME_MAX - WIRE_HEADER_LEN - CRYPTO_TAG_LEN];

	return writer_of(bytes, sizeof(bytes));
}

static void put_beat(struct writer *w, uint64_t number, uint8_t flags)
{
	size_t mark = writer_tlv(w, WIRE_TLV_BEAT);

	writer_u64(w, number);
	writer_u32(w, 50000);
	writer_u8(w, flags);
	writer_u64(w, 1);
	writer_tlv_end(w, mark);
}

static void put_echo(struct writer *w, uint64_t number)
{
	size_t mark = writer_tlv(w, WIRE_TLV_ECHO);

	writer_u16(w, p->side[0].conf->path[0].tag);
	writer_u64(w, number);
	writer_tlv_end(w, mark);
}

struct told {
	uint8_t id, state, flags, step;
	uint32_t term, step_term;
};

static void put_group(struct writer *w, const struct told *t, uint8_t record_len)
{
	static const uint8_t more[256];
	size_t mark = writer_tlv(w, WIRE_TLV_GROUPS);

	writer_u8(w, record_len);
	writer_u8(w, t->id);
	writer_u8(w, t->state);
	writer_u8(w, t->flags);
	writer_u8(w, 100);
	writer_u32(w, t->term);
	writer_u8(w, t->step);
	writer_u8(w, 250); /* a reason of a later release */
	writer_u32(w, t->step_term);
	writer_u16(w, 0);
	if (record_len > WIRE_GROUP_RECORD_LEN)
		writer_bytes(w, more, record_len - (size_t)WIRE_GROUP_RECORD_LEN);
	writer_tlv_end(w, mark);
}

static struct told healthy(void)
{
	return (struct told){
		.id = 7,
		.state = GROUP_PRIMARY_BACKUP,
		.flags = WIRE_GROUP_ELIGIBLE | WIRE_GROUP_OPERABLE | WIRE_GROUP_IN_SYNC,
		.term = 1,
	};
}

/* A fresh beat that is newer than every one before. */
static void hear_group(const struct told *t, uint8_t record_len)
{
	struct writer w = body();

	put_beat(&w, p->side[0].node->peer_beat + 1, 0);
	put_echo(&w, p->side[0].node->links.beat);
	put_group(&w, t, record_len);
	hear(&w);
}

static uint64_t counted(enum counter counter)
{
	return pair_counter(p, 0, counter);
}

static void a_body_cut_anywhere_is_malformed_and_changes_nothing(void **state)
{
	struct told t = healthy();
	struct writer w = body();
	size_t whole[8], n = 0;

	(void)state;
	pair_start_both(p);
	whole[n++] = w.used;
	put_beat(&w, UINT64_MAX / 2, 0);
	whole[n++] = w.used;
	put_echo(&w, p->side[0].node->links.beat);
	whole[n++] = w.used;
	t.term = 999;
	put_group(&w, &t, WIRE_GROUP_RECORD_LEN);
	for (size_t len = 0; len < w.used; len++) {
		struct writer cut = w;
		uint64_t malformed = counted(COUNTER_DROP_MALFORMED);
		bool is_whole = false;

		for (size_t i = 0; i < n; i++)
			is_whole |= whole[i] == len;
		if (is_whole)
			continue;
		cut.used = len;
		hear(&cut);
		assert_int_equal(counted(COUNTER_DROP_MALFORMED), malformed + 1);
		assert_true(p->side[0].node->group[0].peer.term < 999);
	}
	hear(&w);
	assert_int_equal(p->side[0].node->group[0].peer.term, 999);
}

static void values_shorter_than_their_type_needs_are_malformed(void **state)
{
	static const struct {
		uint8_t type, len;
	} cases[] = {
		{ WIRE_TLV_BEAT, 20 },
		{ WIRE_TLV_ECHO, 9 },
		{ WIRE_TLV_ECHO, 11 },
		{ WIRE_TLV_GROUPS, 0 },
		{ WIRE_TLV_GROUPS, 16 },
		{ WIRE_TLV_REQUEST, 6 },
		{ WIRE_TLV_ANSWER, 4 },
	};
	static const uint8_t value[64] = { WIRE_GROUP_RECORD_LEN, 7, GROUP_MASTER };

	(void)state;
	pair_start_both(p);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct writer w = body();
		size_t mark = writer_tlv(&w, cases[i].type);

		writer_bytes(&w, value, cases[i].len);
		writer_tlv_end(&w, mark);
		hear(&w);
		assert_int_equal(counted(COUNTER_DROP_MALFORMED), i + 1);
	}
}

static void a_record_may_grow_but_not_shrink(void **state)
{
	struct told t = healthy();

	(void)state;
	pair_start_both(p);
	t.term = 5;
	hear_group(&t, 40); /* of a later release */
	assert_int_equal(p->side[0].node->group[0].peer.term, 5);
	assert_int_equal(counted(COUNTER_DROP_MALFORMED), 0);
	t.term = 6;
	hear_group(&t, 15);
	hear_group(&t, 0);
	assert_int_equal(counted(COUNTER_DROP_MALFORMED), 2);
	assert_int_equal(p->side[0].node->group[0].peer.term, 5);

	/* Nor a whole row of shorter ones. */
	struct writer w = body();
	size_t mark = writer_tlv(&w, WIRE_TLV_GROUPS);

	writer_bytes(&w, (const uint8_t[16]){ 15, 7, GROUP_MASTER }, 16);
	writer_tlv_end(&w, mark);
	hear(&w);
	assert_int_equal(counted(COUNTER_DROP_MALFORMED), 3);
}

static void states_that_are_none_are_malformed(void **state)
{
	struct told t = healthy();

	(void)state;
	pair_start_both(p);
	t.state = 0;
	hear_group(&t, WIRE_GROUP_RECORD_LEN);
	t.state = 7;
	hear_group(&t, WIRE_GROUP_RECORD_LEN);
	assert_int_equal(counted(COUNTER_DROP_MALFORMED), 2);
	t.state = GROUP_INOPERABLE;
	hear_group(&t, WIRE_GROUP_RECORD_LEN);
	assert_int_equal(counted(COUNTER_DROP_MALFORMED), 2);
}

static void unknown_tlvs_groups_and_steps_are_skipped(void **state)
{
	struct told t = healthy();
	struct writer w = body();

	(void)state;
	pair_start_both(p);
	put_beat(&w, p->side[0].node->peer_beat + 1, 0x80);
	put_echo(&w, p->side[0].node->links.beat);
	writer_tlv_end(&w, writer_tlv(&w, 250));
	put_group(&w, &t, WIRE_GROUP_RECORD_LEN);
	hear(&w);
	t.step = 99;
	t.step_term = 99;
	hear_group(&t, WIRE_GROUP_RECORD_LEN);
	t.id = 200;
	hear_group(&t, WIRE_GROUP_RECORD_LEN);
	assert_int_equal(counted(COUNTER_DROP_MALFORMED), 0);
	/* A peer that does not know our group is as one that is not heard, as far as it goes. */
	assert_false(p->side[0].node->group[0].peer.known);
	assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
}

static void a_body_without_a_beat_says_nothing(void **state)
{
	struct told t = healthy();
	struct writer w = body();
	uint64_t heard;

	(void)state;
	pair_start_both(p);
	heard = counted(COUNTER_BEATS_HEARD);
	t.term = 9;
	put_group(&w, &t, WIRE_GROUP_RECORD_LEN);
	hear(&w);
	assert_int_equal(counted(COUNTER_BEATS_HEARD), heard);
	assert_int_equal(p->side[0].node->group[0].peer.term, 1);
}

static void an_older_beat_counts_for_the_path_alone(void **state)
{
	struct told t = healthy();
	struct writer w = body();

	(void)state;
	pair_start_both(p);
	put_beat(&w, p->side[0].node->peer_beat, 0); /* P6.3 */
	put_echo(&w, p->side[0].node->links.beat);
	t.term = 9;
	put_group(&w, &t, WIRE_GROUP_RECORD_LEN);
	uint64_t old = counted(COUNTER_BEATS_OLD);

	hear(&w);
	assert_int_equal(counted(COUNTER_BEATS_OLD), old + 1);
	assert_int_equal(p->side[0].node->group[0].peer.term, 1);
}

static void an_absurd_interval_is_capped(void **state)
{
	struct writer w = body();
	size_t mark;

	(void)state;
	pair_start_both(p);
	mark = writer_tlv(&w, WIRE_TLV_BEAT);
	writer_u64(&w, p->side[0].node->peer_beat + 1);
	writer_u32(&w, UINT32_MAX);
	writer_u8(&w, 0);
	writer_u64(&w, 1);
	writer_tlv_end(&w, mark);
	put_echo(&w, p->side[0].node->links.beat);
	hear(&w);
	assert_int_equal(node_detection_us(p->side[0].node), 4 * 10000000);
}

static void a_step_that_was_not_asked_for_moves_nothing(void **state)
{
	struct told t = healthy();

	(void)state;
	pair_start_both(p);
	for (uint8_t step = 0; step < 8; step++) {
		t.step = step;
		t.step_term = 50;
		hear_group(&t, WIRE_GROUP_RECORD_LEN);
		assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
		assert_int_equal(p->side[0].node->group[0].handover.phase, HANDOVER_NONE);
	}
}

static void a_release_under_an_old_term_is_not_acted_upon(void **state)
{
	struct told t = healthy();

	(void)state;
	pair_start_both(p);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 100); /* node 0 is backup now, in term 2 */
	t.state = GROUP_PRIMARY_BACKUP;
	t.term = 2;
	t.flags |= WIRE_GROUP_HOLDING;
	t.step = WIRE_HANDOVER_RELEASED;
	t.step_term = 2;
	hear_group(&t, WIRE_GROUP_RECORD_LEN);
	assert_int_equal(pair_state(p, 0, 0), GROUP_PRIMARY_BACKUP);
	t.step_term = 3;
	hear_group(&t, WIRE_GROUP_RECORD_LEN);
	assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
	assert_int_equal(p->side[0].node->group[0].term, 3);
}

static void an_ask_under_an_old_term_is_refused(void **state)
{
	struct told t = healthy();

	(void)state;
	pair_start_both(p);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 100);
	t.state = GROUP_MASTER;
	t.term = 2;
	t.step = WIRE_HANDOVER_ASK;
	t.step_term = 2;
	hear_group(&t, WIRE_GROUP_RECORD_LEN);
	assert_int_equal(p->side[0].node->group[0].handover.phase, HANDOVER_REFUSING);
	t.step_term = 3;
	hear_group(&t, WIRE_GROUP_RECORD_LEN);
	assert_int_equal(p->side[0].node->group[0].handover.phase, HANDOVER_RESERVED);
	pair_cut_all(p, true);
	pair_run(p, 150);
	t.step_term = 4; /* and a newer one counts anew */
	hear_group(&t, WIRE_GROUP_RECORD_LEN);
	assert_int_equal(p->side[0].node->group[0].handover.term, 4);
}

/* P7.1 holds though the peer, which is authentic, counts nonsense. */
static void terms_do_not_wrap(void **state)
{
	struct told t = healthy();

	(void)state;
	pair_start_both(p);
	t.term = UINT32_MAX;
	hear_group(&t, WIRE_GROUP_RECORD_LEN);
	pair_power_off(p, 1);
	pair_stop(p, 0);
	pair_run(p, 5000);
	pair_start(p, 0);
	pair_run(p, 20000);
	assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
	assert_true(p->side[0].node->group[0].term > 1);
}

static void orders_that_the_kernel_refused_are_counted_and_shown(void **state)
{
	struct node_view view;

	(void)state;
	p->side[0].kernel_refuses = 2;
	pair_start_both(p);
	assert_int_equal(counted(COUNTER_ROLE_ERRORS), 2);
	assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
	node_look(p->side[0].node, pair_clock(p, 0), &view);
	assert_int_equal(view.group[0].role_failed, 2);
	p->side[0].kernel_refuses = 0;
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 100);
	node_look(p->side[0].node, pair_clock(p, 0), &view);
	assert_int_equal(view.group[0].role_failed, 0);
	assert_false(view.group[0].own.holding);
}

static void a_report_that_nobody_waits_for_is_harmless(void **state)
{
	struct event event = { .type = EVENT_ROLE_DONE, .role_done = { .role = ROLE_TAKE } };

	(void)state;
	pair_start_both(p);
	pair_event(p, 0, &event);
	assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
	assert_true(p->side[0].node->group[0].holding);
}

static void a_view_tells_what_is_known(void **state)
{
	struct node_view v;

	(void)state;
	p->side[1].realtime = false;
	pair_start_both(p);
	pair_monitor(p, 0, 1, false);
	pair_monitor(p, 1, 1, false);
	pair_run(p, 100);
	node_look(p->side[0].node, pair_clock(p, 0), &v);
	assert_int_equal(v.now.us, pair_clock(p, 0).us);
	assert_true(v.peer_alive && v.session && v.in_sync && v.peer_in_sync);
	assert_true(v.realtime && !v.peer_realtime && !v.conf_differs && !v.stopping);
	assert_int_equal(v.n_groups, 1);
	assert_int_equal(v.n_paths, 3);
	assert_int_equal(v.group[0].id, 7);
	assert_int_equal(v.group[0].master, 0);
	assert_int_equal(v.group[0].own.state, GROUP_MASTER);
	assert_int_equal(v.group[0].own.failed_weight, 100);
	assert_int_equal(v.group[0].peer.failed_weight, 100);
	assert_int_equal(v.group[0].peer.state, GROUP_PRIMARY_BACKUP);
	assert_int_equal(v.group[0].peer.priority, 100);
	assert_true(v.monitor_ok[0] && !v.monitor_ok[1]);
	assert_true(v.peer_monitor[0].known && v.peer_monitor[0].ok);
	assert_true(v.peer_monitor[1].known && !v.peer_monitor[1].ok);
	assert_int_equal(v.peer_monitor[1].weight, 100);
	assert_int_equal(v.path[0].state, PATH_ALIVE);
	assert_true(v.path[0].carrier);
	assert_in_range(v.path[0].echo_age_us, 1, 50000 + 2 * PAIR_FRAME_US);
	node_look(p->side[1].node, pair_clock(p, 1), &v);
	assert_int_equal(v.group[0].master, 0);
	assert_true(v.peer_realtime && v.peer_monitor[0].known);
	pair_power_off(p, 0);
	pair_run(p, 1000);
	pair_stop(p, 1);
	pair_run(p, 1000);
	node_look(p->side[1].node, pair_clock(p, 1), &v);
	assert_true(v.stopping);
	assert_int_equal(v.group[0].master, -1);
	assert_false(v.peer_monitor[0].known); /* its peer went */
}

static void a_view_of_a_node_that_heard_nobody_is_empty(void **state)
{
	struct node_view v;

	(void)state;
	pair_start(p, 0);
	node_look(p->side[0].node, pair_clock(p, 0), &v);
	assert_false(v.peer_alive || v.session || v.peer_in_sync || v.conf_differs);
	assert_false(v.group[0].peer.known);
	assert_int_equal(v.group[0].master, -1);
	assert_int_equal(v.path[0].state, PATH_SILENT);
	assert_true(mono_is_never(v.path[0].heard_at));
}

static void the_same_events_give_the_same_actions(void **state)
{
	static struct actions seen[2];
	static uint8_t memory[2][sizeof(struct node)];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct pair *q = pair_new();

		pair_start_both(q);
		pair_command(q, 0, COMMAND_FAILOVER, 0, false);
		pair_run(q, 1000);
		seen[i] = *q->side[0].out;
		memcpy(memory[i], q->side[0].node, sizeof(memory[i]));
		pair_free(q);
	}
	assert_int_equal(seen[0].n, seen[1].n);
	assert_int_equal(seen[0].used, seen[1].used);
	assert_memory_equal(seen[0].bytes, seen[1].bytes, seen[0].used);
}

static void nothing_is_done_after_the_exit(void **state)
{
	(void)state;
	pair_start_both(p);
	pair_stop(p, 1);
	assert_true(p->side[1].exited);
	pair_timer(p, 1);
	assert_int_equal(p->side[1].out->n, 0);
	pair_stop(p, 1); /* said twice */
	assert_int_equal(p->side[1].out->n, 0);
}

static void being_told_to_stop_twice_is_being_told_once(void **state)
{
	(void)state;
	pair_start_both(p);
	p->side[0].kernel_hangs = true;
	pair_stop(p, 0);
	mono_t until = p->side[0].node->stop_until;

	pair_run(p, 50);
	pair_stop(p, 0);
	assert_int_equal(p->side[0].node->stop_until.us, until.us);
}

static void served_is_of_a_master_and_of_its_term(void **state)
{
	(void)state;
	pair_start_both(p);
	pair_served(p, 1, 0);
	assert_false(p->side[1].node->group[0].served);
	pair_served(p, 0, 0);
	pair_run(p, 10);
	assert_true(p->side[1].node->group[0].peer.flags & WIRE_GROUP_SERVED);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 100);
	pair_command(p, 1, COMMAND_FAILOVER, 0, false);
	pair_run(p, 100);
	assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
	assert_false(p->side[0].node->group[0].served);
}

static void carriers_are_noted(void **state)
{
	struct event event = { .type = EVENT_CARRIER, .carrier = { .path = 0, .up = false } };

	(void)state;
	pair_start_both(p);
	pair_event(p, 0, &event);
	pair_event(p, 0, &event);
	assert_int_equal(pair_said(p, "fw1: link ha0: carrier lost"), 1);
	event.carrier.path = 2;
	pair_event(p, 0, &event);
	assert_int_equal(pair_said(p, "fw1: secondary path s0: carrier lost"), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(a_body_cut_anywhere_is_malformed_and_changes_nothing),
		T(values_shorter_than_their_type_needs_are_malformed),
		T(a_record_may_grow_but_not_shrink),
		T(states_that_are_none_are_malformed),
		T(unknown_tlvs_groups_and_steps_are_skipped),
		T(a_body_without_a_beat_says_nothing),
		T(an_older_beat_counts_for_the_path_alone),
		T(an_absurd_interval_is_capped),
		T(a_step_that_was_not_asked_for_moves_nothing),
		T(a_release_under_an_old_term_is_not_acted_upon),
		T(an_ask_under_an_old_term_is_refused),
		T(orders_that_the_kernel_refused_are_counted_and_shown),
		T(a_report_that_nobody_waits_for_is_harmless),
		T(a_view_tells_what_is_known),
		T(a_view_of_a_node_that_heard_nobody_is_empty),
		T(the_same_events_give_the_same_actions),
		T(nothing_is_done_after_the_exit),
		T(being_told_to_stop_twice_is_being_told_once),
		T(served_is_of_a_master_and_of_its_term),
		T(carriers_are_noted),
		T(terms_do_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
