/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The election over every combination of what two nodes may know of each other.
 */
#include "core/election.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { FACTS = 7, STANDINGS = 1 << (FACTS + 2) };

/* Standing number `bits` of a node: seven facts, two priorities, two terms. */
static struct standing standing_of(unsigned bits, uint8_t node)
{
	return (struct standing){
		.known = true,
		.eligible = bits & 1,
		.operable = bits & 2,
		.in_sync = bits & 4,
		.master = bits & 8,
		.holding = bits & 16,
		.served = bits & 32,
		.preempts = bits & 64,
		.priority = bits & 128 ? 50 : 100,
		.term = bits & 256 ? 8 : 7,
		.node = node,
	};
}

static struct standing plain(uint8_t node)
{
	return (struct standing){
		.known = true,
		.eligible = true,
		.operable = true,
		.in_sync = true,
		.priority = 100,
		.term = 7,
		.node = node,
	};
}

static struct standing unknown(uint8_t node)
{
	return (struct standing){ .node = node };
}

static void assert_verdict(
	const struct election *e, enum election_outcome outcome, enum election_rule rule)
{
	struct verdict v = election_decide(e);

	assert_int_equal(v.rule, rule);
	assert_int_equal(v.outcome, outcome);
}

/* A case is judged from either side; the peer's verdict is the second. */
static void assert_verdicts(const struct election *e, enum election_outcome own,
	enum election_rule own_rule, enum election_outcome peer, enum election_rule peer_rule)
{
	struct election turned = *e;

	turned.own = e->peer;
	turned.peer = e->own;
	assert_verdict(e, own, own_rule);
	assert_verdict(&turned, peer, peer_rule);
}

static void check_masters(const struct election *e, struct verdict a, struct verdict b)
{
	(void)e;
	/* One stays and one withdraws, and they name the same rule. */
	assert_true((a.outcome == ELECTION_STAY && b.outcome == ELECTION_WITHDRAW) ||
		    (a.outcome == ELECTION_WITHDRAW && b.outcome == ELECTION_STAY));
	assert_int_equal(a.rule, b.rule);
}

static void check_one_master(
	const struct standing *peer, struct verdict master, struct verdict other)
{
	assert_int_equal(other.outcome, ELECTION_STAY);
	assert_int_not_equal(master.outcome, ELECTION_TAKE);
	if (master.outcome == ELECTION_HAND_OVER)
		assert_true(peer->eligible);
	if (master.outcome == ELECTION_WITHDRAW)
		assert_int_equal(master.rule, RULE_NOBODY_ELIGIBLE);
}

static void check_no_master(const struct election *e, struct verdict a, struct verdict b)
{
	bool takes = a.outcome == ELECTION_TAKE;

	assert_false(takes && b.outcome == ELECTION_TAKE);
	assert_true(takes || a.outcome == ELECTION_STAY);
	if (takes) {
		assert_int_equal(a.rule, RULE_BETTER);
		assert_true(e->own.eligible && !e->peer.holding); /* P7.2 */
		assert_true(standing_is_better(&e->own, &e->peer));
	}
	/* Somebody takes over when somebody may. */
	if (!e->own.holding && !e->peer.holding && (e->own.eligible || e->peer.eligible))
		assert_true(takes || b.outcome == ELECTION_TAKE);
}

static void check(const struct election *e, bool rule_seen[RULE_COUNT])
{
	struct election turned = *e;

	turned.own = e->peer;
	turned.peer = e->own;
	struct verdict a = election_decide(e), b = election_decide(&turned);

	rule_seen[a.rule] = true;
	if (e->own.master && e->peer.master)
		check_masters(e, a, b);
	else if (e->own.master)
		check_one_master(&e->peer, a, b);
	else if (!e->peer.master)
		check_no_master(e, a, b);
}

/* All of a node's 512 standings against all of the other's, four configurations each. */
static void the_verdicts_of_both_nodes_match_in_every_case(void **state)
{
	bool rule_seen[RULE_COUNT] = { 0 };

	(void)state;
	for (unsigned a = 0; a < STANDINGS; a++) {
		for (unsigned b = 0; b < STANDINGS; b++) {
			for (unsigned conf = 0; conf < 4; conf++) {
				struct election e = {
					.own = standing_of(a, 0),
					.peer = standing_of(b, 1),
					.preempt = conf & 1,
					.preempt_suspended = conf & 2,
				};

				check(&e, rule_seen);
			}
		}
	}
	/* Not the election's own, or of a node alone. */
	static const enum election_rule others[] = { RULE_NONE, RULE_MANUAL, RULE_ROBBED,
		RULE_RESTS, RULE_TAKE_BACK, RULE_ALONE, RULE_PEER_LOST, RULE_BOOTING };
	unsigned seen = 0;

	for (unsigned i = 0; i < RULE_COUNT; i++)
		seen += rule_seen[i];
	assert_int_equal(seen, RULE_COUNT - ARRAY_LEN(others));
	for (unsigned i = 0; i < ARRAY_LEN(others); i++)
		assert_false(rule_seen[others[i]]);
}

static void what_an_unknown_peer_once_said_plays_no_part(void **state)
{
	(void)state;
	for (unsigned a = 0; a < STANDINGS; a++) {
		for (unsigned bits = 0; bits < 16; bits++) {
			struct election e = {
				.own = standing_of(a, 0),
				.peer = unknown(1),
				.preempt = bits & 1,
				.preempt_suspended = bits & 2,
				.first = bits & 4,
				.waiting = bits & 8,
			};
			struct verdict blank = election_decide(&e);

			for (unsigned b = 0; b < STANDINGS; b += 7) {
				e.peer = standing_of(b, 1);
				e.peer.known = false;
				assert_verdict(&e, blank.outcome, blank.rule);
			}
		}
	}
}

static void a_node_alone_waits_and_then_stands(void **state)
{
	struct election e = { .own = plain(0), .peer = unknown(1), .first = true, .waiting = true };

	(void)state;
	assert_verdict(&e, ELECTION_STAY, RULE_BOOTING);
	e.waiting = false;
	assert_verdict(&e, ELECTION_TAKE, RULE_ALONE);
	e.first = false;
	assert_verdict(&e, ELECTION_TAKE, RULE_PEER_LOST);
	e.own.operable = e.own.in_sync = false; /* there is always a master */
	assert_verdict(&e, ELECTION_TAKE, RULE_PEER_LOST);
	e.own.eligible = false;
	assert_verdict(&e, ELECTION_STAY, RULE_NOBODY_ELIGIBLE);
}

static void a_master_alone_stays_unless_it_is_ineligible(void **state)
{
	struct election e = { .own = plain(0), .peer = unknown(1) };

	(void)state;
	e.own.master = e.own.holding = true;
	assert_verdict(&e, ELECTION_STAY, RULE_SITTING_MASTER);
	e.own.operable = false;
	assert_verdict(&e, ELECTION_STAY, RULE_SITTING_MASTER);
	e.own.eligible = false;
	assert_verdict(&e, ELECTION_WITHDRAW, RULE_NOBODY_ELIGIBLE);
}

/* Each pair of standings differs in one key, and in all keys behind it the other way round. */
static void better_compares_in_this_order(void **state)
{
	static const struct standing better[] = {
		{ .eligible = true, .priority = 200, .node = 1 },
		{ .operable = true, .priority = 200, .node = 1 },
		{ .in_sync = true, .priority = 200, .node = 1 },
		{ .priority = 99, .node = 1 },
		{ .priority = 100, .node = 0 },
	};
	static const struct standing worse[] = {
		{ .operable = true, .in_sync = true, .priority = 1, .node = 0 },
		{ .in_sync = true, .priority = 1, .node = 0 },
		{ .priority = 1, .node = 0 },
		{ .priority = 100, .node = 0 },
		{ .priority = 100, .node = 1 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(better); i++) {
		assert_true(standing_is_better(&better[i], &worse[i]));
		assert_false(standing_is_better(&worse[i], &better[i]));
	}
	assert_false(standing_is_better(&better[0], &better[0]));
}

static void better_is_a_strict_order(void **state)
{
	(void)state;
	for (unsigned a = 0; a < STANDINGS; a++) {
		for (unsigned b = 0; b < STANDINGS; b++) {
			struct standing x = standing_of(a, 0), y = standing_of(b, 1);

			assert_true(standing_is_better(&x, &y) != standing_is_better(&y, &x));
		}
	}
}

static void two_masters_compare_in_this_order(void **state)
{
	struct {
		struct standing stays, withdraws;
		enum election_rule rule;
	} cases[] = {
		{ { .eligible = true, .priority = 200, .node = 1 },
			{ .operable = true, .served = true, .term = 9 },
			RULE_TWO_MASTERS_ELIGIBLE },
		{ { .operable = true, .priority = 200, .node = 1 }, { .served = true, .term = 9 },
			RULE_TWO_MASTERS_OPERABLE },
		{ { .served = true, .priority = 200, .node = 1 }, { .term = 9 },
			RULE_TWO_MASTERS_SERVED },
		{ { .term = 9, .priority = 200, .node = 1 }, { .term = 8 }, RULE_TWO_MASTERS_TERM },
		{ { .priority = 99, .node = 1 }, { .priority = 100 }, RULE_TWO_MASTERS_PRIORITY },
		{ { .node = 0 }, { .node = 1 }, RULE_TWO_MASTERS_ID },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct election e = { .own = cases[i].stays, .peer = cases[i].withdraws };

		e.own.known = e.peer.known = e.own.master = e.peer.master = true;
		e.peer.in_sync = true; /* plays no part */
		assert_verdicts(&e, ELECTION_STAY, cases[i].rule, ELECTION_WITHDRAW, cases[i].rule);
	}
}

static struct election master_and_backup(void)
{
	struct election e = { .own = plain(0), .peer = plain(1) };

	e.own.master = e.own.holding = true;
	return e;
}

static void the_sitting_master_stays_whatever_the_priorities(void **state)
{
	struct election e = master_and_backup();

	(void)state;
	e.peer.priority = 1;
	e.peer.preempts = true; /* but the group does not preempt */
	assert_verdicts(&e, ELECTION_STAY, RULE_SITTING_MASTER, ELECTION_STAY, RULE_SITTING_MASTER);
	e.own.in_sync = false;
	assert_verdict(&e, ELECTION_STAY, RULE_SITTING_MASTER);
	e.peer.operable = false;
	assert_verdict(&e, ELECTION_STAY, RULE_SITTING_MASTER);
}

static void an_inoperable_master_hands_over_to_an_operable_peer(void **state)
{
	struct election e = master_and_backup();

	(void)state;
	e.own.operable = e.peer.in_sync = false;
	assert_verdicts(
		&e, ELECTION_HAND_OVER, RULE_MASTER_INOPERABLE, ELECTION_STAY, RULE_SITTING_MASTER);
	e.peer.operable = false;
	assert_verdict(&e, ELECTION_STAY, RULE_BOTH_INOPERABLE);
	e.peer.eligible = false;
	assert_verdict(&e, ELECTION_STAY, RULE_SITTING_MASTER);
}

static void a_preempting_peer_needs_everything_at_once(void **state)
{
	struct election e = master_and_backup();
	struct election ready;

	(void)state;
	e.preempt = true;
	e.peer.preempts = true;
	e.peer.priority = 50;
	ready = e;
	assert_verdict(&e, ELECTION_HAND_OVER, RULE_PREEMPT);
	e.peer.priority = 100;
	assert_verdict(&e, ELECTION_STAY, RULE_SITTING_MASTER);
	e = ready;
	e.peer.preempts = false; /* the hold-down is not over */
	assert_verdict(&e, ELECTION_STAY, RULE_SITTING_MASTER);
	e = ready;
	e.preempt_suspended = true;
	assert_verdict(&e, ELECTION_STAY, RULE_SITTING_MASTER);
	e = ready;
	e.preempt = false;
	assert_verdict(&e, ELECTION_STAY, RULE_SITTING_MASTER);
	e = ready;
	e.peer.operable = false;
	assert_verdict(&e, ELECTION_STAY, RULE_SITTING_MASTER);
	e = ready;
	e.peer.eligible = false;
	assert_verdict(&e, ELECTION_STAY, RULE_SITTING_MASTER);
	e = ready;
	e.peer.in_sync = false;
	assert_verdicts(&e, ELECTION_STAY, RULE_NOT_IN_SYNC, ELECTION_STAY, RULE_NOT_IN_SYNC);
}

static void an_ineligible_master_goes_in_every_case(void **state)
{
	struct election e = master_and_backup();

	(void)state;
	e.own.eligible = false;
	e.peer.operable = e.peer.in_sync = false;
	assert_verdict(&e, ELECTION_HAND_OVER, RULE_INELIGIBLE);
	e.peer.eligible = false;
	assert_verdict(&e, ELECTION_WITHDRAW, RULE_NOBODY_ELIGIBLE);
}

static void without_a_master_the_better_one_takes_over(void **state)
{
	struct election e = { .own = plain(0), .peer = plain(1), .first = true, .waiting = true };

	(void)state;
	assert_verdicts(&e, ELECTION_TAKE, RULE_BETTER, ELECTION_STAY, RULE_BETTER);
	e.own.eligible = false;
	assert_verdicts(&e, ELECTION_STAY, RULE_INELIGIBLE, ELECTION_TAKE, RULE_BETTER);
	e.peer.eligible = false;
	assert_verdicts(
		&e, ELECTION_STAY, RULE_NOBODY_ELIGIBLE, ELECTION_STAY, RULE_NOBODY_ELIGIBLE);
}

static void a_peer_that_holds_the_addresses_is_waited_for(void **state)
{
	struct election e = { .own = plain(0), .peer = plain(1) };

	(void)state;
	e.peer.holding = true;
	e.peer.priority = 200;
	assert_verdict(&e, ELECTION_STAY, RULE_HELD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_verdicts_of_both_nodes_match_in_every_case),
		cmocka_unit_test(what_an_unknown_peer_once_said_plays_no_part),
		cmocka_unit_test(a_node_alone_waits_and_then_stands),
		cmocka_unit_test(a_master_alone_stays_unless_it_is_ineligible),
		cmocka_unit_test(better_compares_in_this_order),
		cmocka_unit_test(better_is_a_strict_order),
		cmocka_unit_test(two_masters_compare_in_this_order),
		cmocka_unit_test(the_sitting_master_stays_whatever_the_priorities),
		cmocka_unit_test(an_inoperable_master_hands_over_to_an_operable_peer),
		cmocka_unit_test(a_preempting_peer_needs_everything_at_once),
		cmocka_unit_test(an_ineligible_master_goes_in_every_case),
		cmocka_unit_test(without_a_master_the_better_one_takes_over),
		cmocka_unit_test(a_peer_that_holds_the_addresses_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
