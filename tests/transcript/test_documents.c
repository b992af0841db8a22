/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: document.c document_told.c document_wire.c document_view.c */
/*
 * Documents: whose counts, how they come over, what is refused, drift, and what is asked for
 * (section 13 of doc/PROTOCOL.md).
 */
#include "document_story.h"

static void what_the_source_has_comes_by_itself(void **state)
{
	struct pair *p = *state;

	pair_write(p, 0, F, 10);
	pair_write(p, 1, F, 20);
	documents_settle_both(p);
	assert_both_have(p, F, 10);
	assert_condition(p, F, CONDITION_EQUAL);
	assert_int_equal(look(p, 0, F).theirs.result, DOCUMENT_ACCEPTED);
	assert_int_equal(look(p, 1, F).mine.result, DOCUMENT_ACCEPTED);
	assert_int_equal(look(p, 1, F).source, 0);
}

static void a_change_of_the_source_comes_within_a_beat(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_write(p, 0, F, 11);
	pair_run(p, 20);
	assert_both_have(p, F, 11);
	assert_int_equal(pair_paper(p, 1, F)->applied, 1);
}

static void a_large_one_comes_in_pieces_and_leaves_beats_on_time(void **state)
{
	struct pair *p = *state;

	pair_paper(p, 0, F)->len = pair_paper(p, 1, F)->len = 700 * 1000;
	documents_settle_both(p);
	pair_write(p, 0, F, 11);
	pair_run(p, 3000);
	assert_both_have(p, F, 11);
	assert_int_equal(pair_counter(p, 0, COUNTER_LATE), 0);
	assert_int_equal(pair_counter(p, 1, COUNTER_PEER_LOST), 0);
	assert_int_equal(pair_counter(p, 0, COUNTER_CHANNEL_OVERFLOWS), 0);
}

static void an_empty_one_is_one_too(void **state)
{
	struct pair *p = *state;

	pair_paper(p, 0, F)->len = PAPER_LEAST;
	documents_settle_both(p);
	pair_write(p, 0, F, 11);
	pair_run(p, 100);
	assert_both_have(p, F, 11);
}

static void a_patch_goes_where_its_base_is(void **state)
{
	struct pair *p = *state;

	pair_paper(p, 0, F)->patches = true;
	documents_settle_both(p);
	pair_write(p, 0, F, 11);
	pair_run(p, 100);
	assert_both_have(p, F, 11);
	assert_int_equal(pair_paper(p, 1, F)->what.form, DOCUMENT_PATCH);
	/* Changed there: its base is missing, and the whole one goes. */
	pair_write(p, 1, F, 99);
	pair_write(p, 0, F, 12);
	pair_run(p, 100);
	assert_both_have(p, F, 12);
	assert_int_equal(pair_paper(p, 1, F)->what.form, DOCUMENT_WHOLE);
}

static void a_patch_whose_base_went_meanwhile_is_followed_by_the_whole(void **state)
{
	struct pair *p = *state;

	pair_paper(p, 0, F)->patches = true;
	documents_settle_both(p);
	pair_write(p, 0, F, 11);
	pair_run_us(p, 2500); /* the clerk has it */
	papers_change(pair_paper(p, 1, F), 98);
	pair_run(p, 100);
	assert_both_have(p, F, 11);
	assert_int_equal(pair_paper(p, 1, F)->what.form, DOCUMENT_WHOLE);
}

static void an_edit_on_the_standby_is_shown_and_kept(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_write(p, 1, F, 50);
	pair_run(p, 200);
	assert_condition(p, F, CONDITION_DRIFT);
	assert_int_equal(pair_counter(p, 1, COUNTER_DOCUMENTS_DRIFTED), 1);
	pair_cut(p, 0, true);
	pair_cut(p, 1, true);
	pair_run(p, 5000);
	pair_cut(p, 0, false);
	pair_cut(p, 1, false);
	pair_run(p, 12000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_int_equal(pair_document(p, 1, F), 50);
	pair_write(p, 0, F, 51);
	pair_run(p, 200);
	assert_both_have(p, F, 51);
}

static void drift_outlives_engines_and_clerks(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_write(p, 1, F, 50);
	pair_run(p, 200);
	pair_restart_engine(p, 1);
	pair_run(p, 3000);
	assert_condition(p, F, CONDITION_DRIFT);
	pair_restart_engine(p, 0);
	pair_run(p, 3000);
	assert_condition(p, F, CONDITION_DRIFT);
	pair_kill_clerk(p, 1);
	pair_kill_clerk(p, 0);
	pair_run(p, 3000);
	assert_condition(p, F, CONDITION_DRIFT);
	assert_int_equal(pair_document(p, 1, F), 50);
}

static void a_returning_node_pulls(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_write(p, 1, F, 50);
	pair_run(p, 200);
	pair_power_off(p, 1);
	pair_run(p, 1000);
	pair_start(p, 1);
	pair_run(p, 3000);
	assert_both_have(p, F, 1);
}

static void nothing_is_done_in_a_hurry_at_a_takeover(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_write(p, 1, F, 50); /* drift */
	pair_run(p, 200);
	pair_command(p, 0, COMMAND_FAILOVER, COMMAND_ALL_GROUPS, false);
	pair_run(p, 3000);
	assert_states(p, GROUP_PRIMARY_BACKUP, GROUP_MASTER);
	assert_int_equal(pair_document(p, 0, F), 1);
	assert_condition(p, F, CONDITION_OPEN);
	pair_write(p, 1, F, 51);
	pair_run(p, 200);
	assert_both_have(p, F, 51);
}

static void a_new_master_that_has_the_same_counts_at_once(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_write(p, 0, F, 11);
	pair_run(p, 200);
	pair_power_off(p, 0);
	pair_run(p, 2000);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	papers_change(pair_paper(p, 0, F), 5); /* what a boot brings */
	pair_start(p, 0);
	pair_run(p, 4000);
	assert_both_have(p, F, 11);
}

static void one_that_refused_the_last_does_not(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_paper(p, 1, F)->refuses = true;
	pair_write(p, 0, F, 11);
	pair_run(p, 200);
	pair_power_off(p, 0);
	pair_run(p, 2000);
	pair_start(p, 0);
	pair_run(p, 4000);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	assert_int_equal(pair_document(p, 0, F), 11);
	assert_condition(p, F, CONDITION_OPEN);
	pair_sync_document(p, 0, F, false); /* the operator decides, from either node */
	pair_run(p, 300);
	assert_both_have(p, F, 1);
}

static void a_node_in_maintenance_takes_what_is_wished_alone(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_command(p, 1, COMMAND_MAINTENANCE_ON, COMMAND_ALL_GROUPS, false);
	pair_write(p, 0, F, 11);
	pair_run(p, 2000);
	assert_int_equal(pair_document(p, 1, F), 1);
	assert_condition(p, F, CONDITION_HELD);
	pair_sync_document(p, 0, F, false);
	pair_run(p, 300);
	assert_both_have(p, F, 11);
	pair_write(p, 0, F, 12);
	pair_run(p, 300);
	assert_condition(p, F, CONDITION_HELD);
	pair_command(p, 1, COMMAND_MAINTENANCE_OFF, COMMAND_ALL_GROUPS, false);
	pair_run(p, 300);
	assert_both_have(p, F, 12);
}

static void formats_that_differ_are_left_alone(void **state)
{
	struct pair *p = *state;

	pair_paper(p, 1, F)->format = 2;
	pair_write(p, 0, F, 11);
	documents_settle_both(p);
	assert_condition(p, F, CONDITION_FOREIGN);
	assert_int_equal(pair_document(p, 1, F), 1);
	pair_compare(p, 0, F);
	assert_int_equal(p->side[0].result, RESULT_NOT_MIRRORED);
}

static void a_kind_that_the_peer_lacks_is_left_alone(void **state)
{
	struct pair *p = *state;

	pair_paper(p, 1, F)->on = false;
	pair_write(p, 0, F, 11);
	documents_settle_both(p);
	assert_int_equal(look(p, 0, F).condition, CONDITION_ALONE);
	assert_int_equal(look(p, 1, F).condition, CONDITION_OFF);
	pair_sync_document(p, 0, F, false);
	assert_int_equal(p->side[0].result, RESULT_NOT_MIRRORED);
	pair_sync_document(p, 1, F, false);
	pair_run(p, 300);
	assert_int_equal(p->side[1].result, RESULT_NOT_MIRRORED);
}

static void one_that_cannot_be_read_says_why(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_paper(p, 1, F)->unread = true;
	pair_write(p, 1, F, 3);
	pair_write(p, 0, F, 11);
	pair_run(p, 300);
	assert_int_equal(look(p, 1, F).condition, CONDITION_UNREAD);
	assert_string_equal(look(p, 1, F).trouble, "no such luck");
	assert_int_equal(look(p, 0, F).condition, CONDITION_ALONE);
	pair_paper(p, 1, F)->unread = false;
	pair_write(p, 1, F, 4);
	pair_run(p, 300);
	assert_both_have(p, F, 11);
}

static void a_channel_that_breaks_begins_it_anew(void **state)
{
	struct pair *p = *state;

	pair_paper(p, 0, F)->len = pair_paper(p, 1, F)->len = 900 * 1000;
	documents_settle_both(p);
	pair_write(p, 0, F, 11);
	pair_run(p, 2);
	assert_true(look(p, 1, F).come > 0 && look(p, 1, F).come < look(p, 1, F).to_come);
	pair_cut(p, 0, true);
	pair_cut(p, 1, true);
	pair_run(p, 1000);
	assert_int_equal(pair_document(p, 1, F), 1);
	pair_restart_engine(p, 0);
	pair_run(p, 1000);
	pair_cut(p, 0, false);
	pair_cut(p, 1, false);
	pair_run(p, 20000);
	assert_both_have(p, F, 11);
	assert_true(pair_counter(p, 1, COUNTER_DOCUMENTS_AGAIN) > 0);
}

static void an_engine_that_restarts_in_between_begins_it_anew(void **state)
{
	struct pair *p = *state;

	for (unsigned i = 0; i < 2; i++) {
		pair_paper(p, 0, F)->len = pair_paper(p, 1, F)->len = 300 * 1000;
		if (i == 0)
			documents_settle_both(p);
		pair_write(p, 0, F, 11 + i);
		pair_run(p, 2);
		pair_restart_engine(p, i);
		pair_run(p, 5000);
		assert_both_have(p, F, 11 + i);
	}
}

static void a_clerk_that_dies_over_it_has_refused_it(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	p->side[1].clerk_hangs = true;
	pair_write(p, 0, F, 11);
	pair_run(p, 300);
	assert_condition(p, F, CONDITION_MOVING);
	p->side[1].clerk_hangs = false;
	pair_kill_clerk(p, 1);
	pair_run(p, 300);
	assert_condition(p, F, CONDITION_REFUSED);
	assert_non_null(strstr(look(p, 0, F).theirs.text, "has ended"));
	pair_sync_document(p, 0, F, false);
	pair_run(p, 300);
	assert_both_have(p, F, 11);
}

static void the_same_in_other_bytes_begins_anew(void **state)
{
	static const size_t lengths[] = { 500 * 1000, 800 * 1000 };
	struct pair *p = *state;

	documents_settle_both(p);
	for (uint32_t i = 0; i < 2; i++) {
		pair_paper(p, 0, F)->len = 700 * 1000;
		pair_write(p, 0, F, 11 + i);
		pair_run(p, 2);
		assert_true(look(p, 1, F).come > 0 && look(p, 1, F).come < look(p, 1, F).to_come);
		pair_paper(p, 0, F)->len = lengths[i];
		pair_write(p, 0, F, 11 + i);
		pair_run(p, 1000);
		assert_both_have(p, F, 11 + i);
		assert_int_equal(pair_counter(p, 1, COUNTER_RECORDS_MALFORMED), 0);
	}
}

static void the_last_of_many_changes_wins(void **state)
{
	struct pair *p = *state;

	pair_paper(p, 0, F)->len = pair_paper(p, 1, F)->len = 100 * 1000;
	documents_settle_both(p);
	for (uint32_t i = 0; i < 50; i++) {
		pair_write(p, 0, F, 100 + i);
		pair_run_us(p, 1700);
	}
	pair_run(p, 500);
	assert_both_have(p, F, 149);
	assert_true(pair_paper(p, 1, F)->applied < 40);
}

static void documents_alone_have_a_channel(void **state)
{
	struct pair *p = *state;

	p->side[0].conf->mirror.sessions = false;
	pair_same_conf(p);
	documents_settle_both(p);
	pair_write(p, 0, F, 11);
	pair_run(p, 300);
	assert_both_have(p, F, 11);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCUMENTS_STORY(what_the_source_has_comes_by_itself),
		DOCUMENTS_STORY(a_change_of_the_source_comes_within_a_beat),
		DOCUMENTS_STORY(a_large_one_comes_in_pieces_and_leaves_beats_on_time),
		DOCUMENTS_STORY(an_empty_one_is_one_too),
		DOCUMENTS_STORY(a_patch_goes_where_its_base_is),
		DOCUMENTS_STORY(a_patch_whose_base_went_meanwhile_is_followed_by_the_whole),
		DOCUMENTS_STORY(an_edit_on_the_standby_is_shown_and_kept),
		DOCUMENTS_STORY(drift_outlives_engines_and_clerks),
		DOCUMENTS_STORY(a_returning_node_pulls),
		DOCUMENTS_STORY(nothing_is_done_in_a_hurry_at_a_takeover),
		DOCUMENTS_STORY(a_new_master_that_has_the_same_counts_at_once),
		DOCUMENTS_STORY(one_that_refused_the_last_does_not),
		DOCUMENTS_STORY(a_node_in_maintenance_takes_what_is_wished_alone),
		DOCUMENTS_STORY(formats_that_differ_are_left_alone),
		DOCUMENTS_STORY(a_kind_that_the_peer_lacks_is_left_alone),
		DOCUMENTS_STORY(one_that_cannot_be_read_says_why),
		DOCUMENTS_STORY(a_channel_that_breaks_begins_it_anew),
		DOCUMENTS_STORY(an_engine_that_restarts_in_between_begins_it_anew),
		DOCUMENTS_STORY(a_clerk_that_dies_over_it_has_refused_it),
		DOCUMENTS_STORY(the_same_in_other_bytes_begins_anew),
		DOCUMENTS_STORY(the_last_of_many_changes_wins),
		DOCUMENTS_STORY(documents_alone_have_a_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
