/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Documents of which something comes and goes by itself, as elements that packets add to sets: it
 * is carried along, and decides nothing (section 13 of doc/PROTOCOL.md).
 */
#include "document_story.h"

static uint32_t live(const struct pair *p, unsigned i)
{
	return pair_paper(p, i, R)->live;
}

/* Equal and mirrored. */
static void settle(struct pair *p)
{
	documents_settle_both(p);
	pair_sync_document(p, 0, R, false);
	pair_run(p, 300);
	assert_condition(p, R, CONDITION_EQUAL);
}

static void what_packets_change_goes_along_quietly(void **state)
{
	struct pair *p = *state;

	pair_paper(p, 0, R)->patches = true;
	settle(p);
	mono_t since = look(p, 0, R).since;
	unsigned kept = pair_paper(p, 1, R)->kept;

	pair_forget(p);
	for (uint32_t i = 1; i <= 20; i++) {
		pair_stir(p, 0, R, 100 + i);
		pair_run(p, 100);
		assert_int_equal(live(p, 1), 100 + i);
		assert_int_equal(pair_paper(p, 1, R)->what.form, DOCUMENT_PATCH);
		assert_condition(p, R, CONDITION_EQUAL);
	}
	/* It was so all the time, and is nothing to keep each time. */
	assert_true(look(p, 0, R).since.us == since.us);
	assert_int_equal(pair_paper(p, 1, R)->kept, kept);
	assert_int_equal(pair_said(p, "accepted"), 0);
}

static void what_packets_change_on_the_standby_is_no_drift(void **state)
{
	struct pair *p = *state;

	settle(p);
	pair_stir(p, 1, R, 7);
	pair_run(p, 300);
	assert_condition(p, R, CONDITION_EQUAL);
	assert_int_equal(pair_counter(p, 1, COUNTER_DOCUMENTS_DRIFTED), 0);
}

static void packets_undo_no_drift(void **state)
{
	struct pair *p = *state;

	settle(p);
	pair_write(p, 1, R, 50);
	pair_run(p, 300);
	for (uint32_t i = 1; i <= 5; i++) {
		pair_stir(p, 0, R, 100 + i);
		pair_run(p, 300);
	}
	assert_condition(p, R, CONDITION_DRIFT);
	assert_int_equal(pair_document(p, 1, R), 50);
	/* What the operator changes there does. */
	pair_write(p, 0, R, 51);
	pair_run(p, 300);
	assert_both_have(p, R, 51);
	assert_int_equal(live(p, 1), 105);
}

static void packets_repeat_no_refusal(void **state)
{
	struct pair *p = *state;

	settle(p);
	pair_paper(p, 1, R)->refuses = true;
	pair_write(p, 0, R, 11);
	pair_run(p, 300);
	for (uint32_t i = 1; i <= 5; i++) {
		pair_stir(p, 0, R, 100 + i);
		pair_run(p, 300);
	}
	assert_condition(p, R, CONDITION_REFUSED);
	assert_int_equal(pair_paper(p, 1, R)->refused, 1);
}

static void packets_make_no_new_master_s_count(void **state)
{
	struct pair *p = *state;

	settle(p);
	pair_write(p, 1, R, 50); /* drift */
	pair_run(p, 200);
	pair_command(p, 0, COMMAND_FAILOVER, COMMAND_ALL_GROUPS, false);
	pair_run(p, 3000);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	pair_stir(p, 1, R, 7);
	pair_run(p, 300);
	assert_condition(p, R, CONDITION_OPEN);
	assert_int_equal(pair_document(p, 0, R), 1);
}

static void an_edit_while_only_elements_are_awaited_is_drift(void **state)
{
	struct pair *p = *state;

	pair_paper(p, 0, R)->len = pair_paper(p, 1, R)->len = 700 * 1000;
	settle(p);
	pair_stir(p, 0, R, 7);
	pair_run(p, 2);
	assert_true(look(p, 1, R).to_come > 0);
	pair_write(p, 1, R, 50);
	pair_run(p, 3000);
	assert_condition(p, R, CONDITION_DRIFT);
	assert_int_equal(pair_document(p, 1, R), 50);
}

static void a_new_master_with_other_elements_counts_at_once(void **state)
{
	struct pair *p = *state;

	settle(p);
	pair_stir(p, 1, R, 7);
	pair_power_off(p, 0);
	pair_run(p, 2000);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	papers_change(pair_paper(p, 0, R), 5); /* what a boot brings */
	pair_start(p, 0);
	pair_run(p, 4000);
	assert_both_have(p, R, 1);
	assert_int_equal(live(p, 0), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCUMENTS_STORY(what_packets_change_goes_along_quietly),
		DOCUMENTS_STORY(what_packets_change_on_the_standby_is_no_drift),
		DOCUMENTS_STORY(packets_undo_no_drift),
		DOCUMENTS_STORY(packets_repeat_no_refusal),
		DOCUMENTS_STORY(packets_make_no_new_master_s_count),
		DOCUMENTS_STORY(an_edit_while_only_elements_are_awaited_is_drift),
		DOCUMENTS_STORY(a_new_master_with_other_elements_counts_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
