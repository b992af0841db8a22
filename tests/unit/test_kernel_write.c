/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: kernel_write.c */
#include "kernel_fixture.h"

#include <stdlib.h>

enum { ORDERS_MAX = 4000, ORDER_LEN = 16 };

static struct {
	unsigned n;
	_Alignas(8) uint8_t bytes[ORDERS_MAX * ORDER_LEN];
} row;

static void order(uint8_t op, uint8_t key, uint8_t place, uint8_t content, bool force)
{
	bool whole = op <= OBJECT_CHANGE || op == OBJECT_CREATE || op == OBJECT_EVICT;
	const struct object_order o = {
		.kind = TOY, .op = op, .force = force, .key_len = 1, .value_len = whole ? 2 : 0
	};
	uint8_t *at = row.bytes + row.n++ * ORDER_LEN;

	assert_in_range(row.n, 1, ORDERS_MAX);
	assert_int_equal(object_order_len(&o), ORDER_LEN);
	memset(at, 0, ORDER_LEN);
	memcpy(at, &o, sizeof(o));
	at[sizeof(o)] = key;
	at[sizeof(o) + 1] = place;
	at[sizeof(o) + 2] = content;
}

static unsigned write_row(struct kernel *k)
{
	unsigned refused = kernel_write(k, span_of(row.bytes, (size_t)row.n * ORDER_LEN));

	row.n = 0;
	assert_int_equal(toy.n, 0);
	return refused;
}

static void assert_object(uint8_t key, uint8_t place, uint8_t content)
{
	assert_true(toy.object[key].there);
	assert_int_equal(toy.object[key].place, place);
	assert_int_equal(toy.object[key].content, content);
}

/* ---- what is done -------------------------------------------------------------------------- */

static void a_row_that_is_taken_costs_one_call_each_way(void **state)
{
	for (unsigned i = 0; i < 250; i++)
		order(OBJECT_WHOLE, (uint8_t)i, (uint8_t)i, 1, false);
	assert_int_equal(write_row(*state), 0);
	assert_int_equal(toy.sends, 1);
	assert_int_equal(toy.reads, 1);
	assert_int_equal(toy.messages, 250);
	assert_int_equal(kernel_counters(*state)->orders, 250);
	for (unsigned i = 0; i < 250; i++)
		assert_object((uint8_t)i, (uint8_t)i, 1);
}

static void a_refusal_belongs_to_its_order(void **state)
{
	order(OBJECT_CREATE, 1, 1, 1, false);
	order(OBJECT_CHANGE, 9, 9, 9, false);
	order(OBJECT_CREATE, 2, 2, 2, false);
	order(OBJECT_CREATE, 2, 3, 3, false);
	order(OBJECT_WHOLE, 255, 3, 3, false);
	order(OBJECT_CHANGE, 1, 1, 7, false);
	assert_int_equal(write_row(*state), 3);
	assert_int_equal(heard.n_refused, 3);
	assert_int_equal(heard.refused[0].key, 9);
	assert_int_equal(heard.error[0], ENOENT);
	assert_int_equal(heard.refused[1].key, 2);
	assert_int_equal(heard.error[1], EEXIST);
	assert_int_equal(heard.refused[2].key, 255);
	assert_int_equal(heard.error[2], EBADMSG);
	assert_int_equal(kernel_counters(*state)->refused, 3);
	assert_object(1, 1, 7);
	assert_object(2, 2, 2);
}

static void a_kind_that_is_not_known_is_refused(void **state)
{
	struct object_order *o = (void *)row.bytes;

	order(OBJECT_CREATE, 1, 1, 1, false);
	order(OBJECT_CREATE, 2, 2, 2, false);
	o->kind = 200;
	assert_int_equal(write_row(*state), 1);
	assert_int_equal(heard.error[0], EPROTONOSUPPORT);
	assert_object(2, 2, 2);
}

static void what_is_absent_need_not_be_removed_or_held(void **state)
{
	order(OBJECT_REMOVE, 1, 0, 0, false);
	order(OBJECT_HOLD, 1, 0, 0, false);
	order(OBJECT_SETTLE, 1, 0, 0, false);
	order(OBJECT_LOOSEN, 1, 0, 0, false);
	order(OBJECT_RETIME, 1, 0, 0, false);
	order(OBJECT_EVICT, 1, 1, 0, false);
	assert_int_equal(write_row(*state), 0);
	assert_int_equal(toy.messages, 6);
}

static void a_whole_replaces_what_is_there(void **state)
{
	toy.object[1] = (struct toy_object){ true, true, 50, 50 };
	order(OBJECT_WHOLE, 1, 51, 51, false);
	assert_int_equal(write_row(*state), 0);
	assert_object(1, 51, 51);
	assert_false(toy.object[1].held);
}

/* ---- the order ----------------------------------------------------------------------------- */

static void a_removal_behind_a_replacement_has_the_last_word(void **state)
{
	toy.object[1] = (struct toy_object){ true, false, 50, 50 };
	order(OBJECT_WHOLE, 1, 1, 1, true);
	order(OBJECT_REMOVE, 1, 0, 0, false);
	order(OBJECT_WHOLE, 2, 1, 2, true);
	assert_int_equal(write_row(*state), 0);
	assert_false(toy.object[1].there);
	assert_object(2, 1, 2);
}

static void a_change_behind_a_replacement_is_not_undone(void **state)
{
	toy.object[1] = (struct toy_object){ true, false, 50, 50 };
	order(OBJECT_WHOLE, 1, 1, 1, false);
	order(OBJECT_CHANGE, 1, 0, 2, false);
	order(OBJECT_HOLD, 1, 0, 0, false);
	assert_int_equal(write_row(*state), 0);
	assert_object(1, 1, 2);
	assert_true(toy.object[1].held);
}

static void of_two_replacements_the_second_stays(void **state)
{
	toy.object[1] = (struct toy_object){ true, false, 50, 50 };
	order(OBJECT_WHOLE, 1, 1, 1, false);
	order(OBJECT_CHANGE, 1, 0, 2, false);
	order(OBJECT_WHOLE, 1, 3, 3, false);
	order(OBJECT_CHANGE, 1, 0, 4, false);
	assert_int_equal(write_row(*state), 0);
	assert_object(1, 3, 4);
}

static void only_who_may_evicts(void **state)
{
	toy.object[1] = (struct toy_object){ true, false, 7, 1 };
	order(OBJECT_WHOLE, 2, 7, 2, false);
	assert_int_equal(write_row(*state), 1);
	assert_object(1, 7, 1);
	assert_false(toy.object[2].there);
	order(OBJECT_WHOLE, 2, 7, 2, true);
	assert_int_equal(write_row(*state), 0);
	assert_object(2, 7, 2);
	assert_false(toy.object[1].there);
}

static void what_comes_later_is_not_evicted_by_what_came_before(void **state)
{
	toy.object[1] = (struct toy_object){ true, false, 50, 50 };
	order(OBJECT_WHOLE, 1, 7, 1, true);
	order(OBJECT_CREATE, 9, 9, 9, false);
	order(OBJECT_WHOLE, 2, 7, 2, true);
	order(OBJECT_CHANGE, 2, 0, 3, false);
	assert_int_equal(write_row(*state), 0);
	assert_object(2, 7, 3);
	assert_object(9, 9, 9);
	assert_false(toy.object[1].there);
	assert_int_equal(kernel_counters(*state)->orders, 4);
}

static void many_evictions_cost_no_more_than_a_few_messages_each(void **state)
{
	for (unsigned i = 0; i < 120; i++) {
		toy.object[i] = (struct toy_object){ true, false, (uint8_t)(120 + i), 1 };
		order(OBJECT_WHOLE, (uint8_t)(120 + i), (uint8_t)(120 + i), 2, true);
	}
	assert_int_equal(write_row(*state), 0);
	for (unsigned i = 120; i < 240; i++)
		assert_object((uint8_t)i, (uint8_t)i, 2);
	assert_in_range(toy.messages, 120, 120 * 8 + 512);
}

static void write_wholes(struct kernel *k, unsigned first)
{
	toy.messages = 0;
	for (unsigned i = first; i < first + 50; i++)
		order(OBJECT_WHOLE, (uint8_t)i, (uint8_t)i, 1, false);
	assert_int_equal(write_row(k), 0);
}

static void where_much_is_replaced_it_is_removed_first(void **state)
{
	write_wholes(*state, 0);
	assert_int_equal(toy.messages, 50);
	write_wholes(*state, 0);
	assert_int_equal(toy.messages, 150);
	write_wholes(*state, 0);
	assert_int_equal(toy.messages, 100);
	write_wholes(*state, 50);
	assert_int_equal(toy.messages, 100);
	write_wholes(*state, 100);
	assert_int_equal(toy.messages, 50);
}

/* ---- chance -------------------------------------------------------------------------------- */

static uint32_t chance_state;

static uint8_t chance(unsigned n)
{
	chance_state = chance_state * 1664525 + 1013904223;
	return (uint8_t)((chance_state >> 16) % n);
}

/* What one order after the other does to the table. */
static bool carry_out(const struct object_order *o)
{
	const uint8_t *value = object_order_value(o);
	struct toy_message m = { .op = o->op, .key = *object_order_key(o) };

	if (o->value_len == 2) {
		m.place = value[0];
		m.content = value[1];
	}
	if (o->op == OBJECT_WHOLE) {
		toy.object[m.key].there = false;
		if (o->force)
			(void)toy_remove_place(m.place);
		m.op = OBJECT_CREATE;
		return toy_apply(&m) == 0;
	}
	return toy_apply(&m) == 0 || (o->op != OBJECT_CHANGE && o->op != OBJECT_CREATE);
}

static void random_table(unsigned places)
{
	memset(toy.object, 0, sizeof(toy.object));
	for (unsigned key = 0; key < 12; key++) {
		uint8_t place = places ? (uint8_t)(200 + chance(places)) : (uint8_t)key;

		if (chance(2) && !toy_place_taken(place))
			toy.object[key] = (struct toy_object){ true, false, place, chance(9) };
	}
}

/* Runs the row both ways; the tables must be the same. */
static void compare(struct kernel *k, bool also_refusals)
{
	static struct toy_object before[TOY_KEYS], one_by_one[TOY_KEYS];
	unsigned refused = 0;

	memcpy(before, toy.object, sizeof(before));
	for (unsigned i = 0; i < row.n; i++)
		refused += !carry_out((const void *)(row.bytes + (size_t)i * ORDER_LEN));
	memcpy(one_by_one, toy.object, sizeof(before));
	memcpy(toy.object, before, sizeof(before));
	heard.n_refused = 0;
	if (also_refusals)
		assert_int_equal(write_row(k), refused);
	else
		(void)write_row(k);
	for (unsigned key = 0; key < TOY_KEYS; key++) {
		assert_int_equal(toy.object[key].there, one_by_one[key].there);
		if (toy.object[key].there)
			assert_memory_equal(
				&toy.object[key], &one_by_one[key], sizeof(one_by_one[key]));
	}
}

static void the_outcome_is_that_of_one_after_the_other(void **state)
{
	static const uint8_t ops[] = { OBJECT_WHOLE, OBJECT_WHOLE, OBJECT_WHOLE, OBJECT_CHANGE,
		OBJECT_REMOVE, OBJECT_HOLD, OBJECT_SETTLE };

	for (chance_state = 0; chance_state < 3000; chance_state++) {
		uint32_t seed = chance_state;

		random_table(0);
		for (unsigned n = 1 + chance(40); n > 0; n--) {
			uint8_t key = chance(12);

			order(ops[chance(ARRAY_LEN(ops))], key, key, chance(9), chance(2));
		}
		compare(*state, true);
		chance_state = seed;
	}
}

static void so_it_is_where_objects_evict_each_other(void **state)
{
	static const uint8_t ops[] = { OBJECT_WHOLE, OBJECT_WHOLE, OBJECT_CHANGE, OBJECT_HOLD };

	for (chance_state = 0; chance_state < 3000; chance_state++) {
		uint32_t seed = chance_state;
		uint8_t place[12];

		random_table(5);
		for (unsigned i = 0; i < ARRAY_LEN(place); i++)
			place[i] = (uint8_t)(200 + chance(5));
		for (unsigned n = 1 + chance(40); n > 0; n--) {
			uint8_t key = chance(12);

			order(ops[chance(ARRAY_LEN(ops))], key, place[key], chance(9), true);
		}
		compare(*state, false);
		chance_state = seed;
	}
}

/* ---- faults -------------------------------------------------------------------------------- */

static void what_was_not_sent_is_refused(void **state)
{
	toy.send_error = ENOBUFS;
	order(OBJECT_WHOLE, 1, 1, 1, false);
	order(OBJECT_REMOVE, 2, 0, 0, false);
	assert_int_equal(write_row(*state), 2);
	assert_int_equal(heard.error[0], ENOBUFS);
	assert_int_equal(heard.error[1], ENOBUFS);
	order(OBJECT_WHOLE, 1, 1, 1, false);
	assert_int_equal(write_row(*state), 0);
}

static void an_interrupted_call_is_repeated(void **state)
{
	toy.send_error = EINTR;
	order(OBJECT_WHOLE, 1, 1, 1, false);
	assert_int_equal(write_row(*state), 0);
	assert_object(1, 1, 1);
}

static void who_may_not_write_is_refused_all(void **state)
{
	toy.forbidden = true;
	for (unsigned i = 0; i < 5; i++)
		order(OBJECT_WHOLE, (uint8_t)i, 1, 1, false);
	assert_int_equal(write_row(*state), 5);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(heard.error[i], EPERM);
}

static void what_was_not_answered_for_want_of_room_is_refused(void **state)
{
	toy.answers_max = 2;
	order(OBJECT_CREATE, 1, 1, 1, false);
	for (unsigned i = 0; i < 4; i++)
		order(OBJECT_CHANGE, (uint8_t)(10 + i), 1, 1, false);
	order(OBJECT_CREATE, 2, 2, 2, false);
	assert_int_equal(write_row(*state), 6);
	assert_int_equal(heard.error[0], ENOBUFS);
	assert_int_equal(heard.error[1], ENOENT);
	assert_int_equal(heard.error[2], ENOENT);
	assert_int_equal(heard.error[3], ENOBUFS);
	toy.answers_max = 0;
	order(OBJECT_CHANGE, 1, 1, 2, false);
	assert_int_equal(write_row(*state), 0);
}

static void an_answer_to_an_earlier_row_is_not_taken_for_this_one_s(void **state)
{
	order(OBJECT_CREATE, 1, 1, 1, false);
	assert_int_equal(write_row(*state), 0);
	toy_answer(toy.asked, EINVAL);
	toy_queue("short", 5);
	order(OBJECT_CREATE, 2, 2, 2, false);
	assert_int_equal(write_row(*state), 0);
}

static void more_orders_than_one_row_holds(void **state)
{
	for (unsigned i = 0; i < 3500; i++)
		order(OBJECT_WHOLE, (uint8_t)(i % 250), (uint8_t)(i % 250), (uint8_t)(i / 250),
			false);
	assert_int_equal(write_row(*state), 0);
	for (unsigned i = 0; i < 250; i++)
		assert_object((uint8_t)i, (uint8_t)i, 3499 / 250);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kernel_up, kernel_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_row_that_is_taken_costs_one_call_each_way),
		TEST(a_refusal_belongs_to_its_order),
		TEST(a_kind_that_is_not_known_is_refused),
		TEST(what_is_absent_need_not_be_removed_or_held),
		TEST(a_whole_replaces_what_is_there),
		TEST(a_removal_behind_a_replacement_has_the_last_word),
		TEST(a_change_behind_a_replacement_is_not_undone),
		TEST(of_two_replacements_the_second_stays),
		TEST(only_who_may_evicts),
		TEST(what_comes_later_is_not_evicted_by_what_came_before),
		TEST(many_evictions_cost_no_more_than_a_few_messages_each),
		TEST(where_much_is_replaced_it_is_removed_first),
		TEST(the_outcome_is_that_of_one_after_the_other),
		TEST(so_it_is_where_objects_evict_each_other),
		TEST(what_was_not_sent_is_refused),
		TEST(an_interrupted_call_is_repeated),
		TEST(who_may_not_write_is_refused_all),
		TEST(what_was_not_answered_for_want_of_room_is_refused),
		TEST(an_answer_to_an_earlier_row_is_not_taken_for_this_one_s),
		TEST(more_orders_than_one_row_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
