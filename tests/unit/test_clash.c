/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is a clash of virtual MACs, and what the peer's good right. Node 0 is master.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../sim/pair.h"
#include "core/clash.h"

static struct pair *p;

static int set_up(void **state)
{
	(void)state;
	p = pair_new();
	pair_start_both(p);
	pair_run(p, CLASH_SETTLE_MS);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pair_free(p);
	return 0;
}

/* Node i hears it in two frames; how many it took for a clash. */
static unsigned claim(unsigned i, bool known)
{
	struct event event = { .type = EVENT_CLAIMED };
	uint64_t before = pair_counter(p, i, COUNTER_MAC_CLASHES);

	event.claimed.known = known;
	event.claimed.frames = 2;
	event.claimed.what = "192.0.2.77 on eth0";
	pair_event(p, i, &event);
	return (unsigned)(pair_counter(p, i, COUNTER_MAC_CLASHES) - before);
}

static bool is_shown(unsigned i)
{
	static struct node_view view;

	node_look(p->side[i].node, pair_clock(p, i), &view);
	return view.group[0].clashes;
}

static void others_addresses_are_a_clash_on_both_nodes(void **state)
{
	(void)state;
	assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
	assert_false(is_shown(0));
	assert_int_equal(claim(0, false), 2);
	assert_int_equal(claim(1, false), 2);
	assert_true(is_shown(0) && is_shown(1));
	assert_int_equal(
		pair_said(p, "used by others, for 192.0.2.77 on eth0: another cluster"), 2);
}

static void a_clash_is_told_once_a_minute_and_shown_for_five(void **state)
{
	(void)state;
	assert_int_equal(claim(0, false), 2);
	pair_run(p, CLASH_LOG_MS / 2);
	assert_int_equal(claim(0, false), 2);
	assert_int_equal(pair_said(p, "used by others"), 1);
	pair_run(p, CLASH_LOG_MS);
	assert_int_equal(claim(0, false), 2);
	assert_int_equal(pair_said(p, "used by others"), 2);
	pair_run(p, CLASH_SHOWN_MS - 1000);
	assert_true(is_shown(0));
	pair_run(p, 1000);
	assert_false(is_shown(0));
}

static void the_groups_addresses_are_the_masters_to_claim(void **state)
{
	(void)state;
	assert_int_equal(claim(1, true), 0);
	assert_int_equal(claim(0, true), 2);
	assert_int_equal(pair_said(p, "a copy of this cluster"), 1);
}

static void a_former_master_may_be_heard_for_a_while(void **state)
{
	(void)state;
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 500);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	assert_int_equal(claim(1, true), 0);
	pair_run(p, CLASH_SETTLE_MS);
	assert_int_equal(claim(1, true), 2);
}

/* A peer that is not heard may be master, too: that is worth an alarm. */
static void nobody_may_claim_them_beside_a_peer_that_is_lost(void **state)
{
	(void)state;
	pair_power_off(p, 1);
	pair_run(p, 1000);
	assert_int_equal(claim(0, true), 2);
	assert_int_equal(claim(0, false), 2);
}

/* In the middle of a change of the file an address may be new. */
static void while_files_differ_unknown_addresses_may_be_the_peers(void **state)
{
	(void)state;
	pair_next_conf(p, 0)->digest ^= 1;
	assert_int_equal(pair_reload(p, 0), RESULT_DONE);
	pair_run(p, 500);
	assert_int_equal(claim(1, false), 0);
	assert_int_equal(claim(0, false), 0);
	assert_int_equal(claim(0, true), 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(others_addresses_are_a_clash_on_both_nodes),
		T(a_clash_is_told_once_a_minute_and_shown_for_five),
		T(the_groups_addresses_are_the_masters_to_claim),
		T(a_former_master_may_be_heard_for_a_while),
		T(nobody_may_claim_them_beside_a_peer_that_is_lost),
		T(while_files_differ_unknown_addresses_may_be_the_peers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
