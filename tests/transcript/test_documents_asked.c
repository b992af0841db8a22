/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Documents: refusals, what operators wish and ask, what is kept (section 13 of doc/PROTOCOL.md).
 */
#include "document_story.h"

static void what_is_refused_is_told_and_not_offered_again(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_paper(p, 1, F)->refuses = true;
	pair_write(p, 0, F, 11);
	pair_run(p, 200);
	assert_condition(p, F, CONDITION_REFUSED);
	assert_string_equal(look(p, 0, F).theirs.text, "not to my taste");
	assert_string_equal(look(p, 1, F).mine.text, "not to my taste");
	pair_run(p, 20000);
	assert_int_equal(pair_paper(p, 1, F)->refused, 1);
	/* Also by engines that are new, which know why. */
	pair_restart_engine(p, 1);
	pair_run(p, 3000);
	assert_string_equal(look(p, 1, F).mine.text, "not to my taste");
	pair_restart_engine(p, 0);
	pair_run(p, 3000);
	assert_condition(p, F, CONDITION_REFUSED);
	assert_string_equal(look(p, 0, F).theirs.text, "not to my taste");
	assert_int_equal(pair_paper(p, 1, F)->refused, 1);
	pair_paper(p, 1, F)->refuses = false;
	pair_write(p, 0, F, 12);
	pair_run(p, 200);
	assert_both_have(p, F, 12);
}

static void a_wish_is_heeded_once_from_either_node(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_write(p, 1, F, 50);
	pair_run(p, 200);
	pair_sync_document(p, 1, F, false);
	pair_run(p, 300);
	assert_int_equal(p->side[1].result, RESULT_DONE);
	assert_both_have(p, F, 1);
	assert_true(look(p, 0, F).theirs.asked);
	assert_false(look(p, 0, F).asked);
	pair_write(p, 1, F, 51);
	pair_run(p, 5000);
	assert_condition(p, F, CONDITION_DRIFT);
	pair_sync_document(p, 0, F, false);
	pair_run(p, 300);
	assert_both_have(p, F, 1);
	/* One for what is equal is answered, too. */
	uint32_t times = look(p, 0, F).theirs.times;

	pair_sync_document(p, 0, F, false);
	pair_run(p, 300);
	assert_int_equal(look(p, 0, F).theirs.times, times + 1);
	assert_int_equal(look(p, 0, F).theirs.result, DOCUMENT_EQUAL);
}

static void a_dry_run_changes_nothing(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_write(p, 1, F, 50);
	pair_run(p, 200);
	pair_sync_document(p, 1, F, true);
	pair_run(p, 300);
	assert_int_equal(look(p, 0, F).theirs.result, DOCUMENT_VALID);
	assert_int_equal(pair_document(p, 1, F), 50);
	assert_condition(p, F, CONDITION_DRIFT);
	pair_paper(p, 1, F)->refuses = true;
	pair_sync_document(p, 0, F, true);
	pair_run(p, 300);
	assert_int_equal(look(p, 0, F).theirs.result, DOCUMENT_INVALID);
	assert_condition(p, F, CONDITION_DRIFT);
}

static void a_ruleset_waits_for_the_first_wish(void **state)
{
	struct pair *p = *state;

	pair_write(p, 0, R, 10);
	pair_write(p, 1, R, 20);
	documents_settle_both(p);
	assert_condition(p, R, CONDITION_OPEN);
	pair_write(p, 0, R, 11);
	pair_run(p, 500);
	assert_int_equal(pair_document(p, 1, R), 20);
	pair_sync_document(p, 0, R, true); /* which a trial is not */
	pair_run(p, 500);
	assert_int_equal(look(p, 0, R).theirs.result, DOCUMENT_VALID);
	assert_condition(p, R, CONDITION_OPEN);
	pair_sync_document(p, 0, R, false);
	pair_run(p, 500);
	assert_both_have(p, R, 11);
	/* From then on for good, on both nodes. */
	pair_power_off(p, 0);
	pair_run(p, 2000);
	pair_write(p, 1, R, 12);
	pair_start(p, 0);
	pair_run(p, 4000);
	assert_both_have(p, R, 12);
	assert_true(p->side[0].disk.document[document_place(R)].consent);
}

static void a_trial_is_no_consent(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p); /* with the same on both */
	pair_sync_document(p, 0, R, true);
	pair_run(p, 500);
	assert_int_equal(look(p, 0, R).theirs.result, DOCUMENT_EQUAL);
	for (unsigned i = 0; i < 2; i++)
		assert_false(look(p, i, R).consent);
	pair_sync_document(p, 0, R, false);
	pair_run(p, 500);
	for (unsigned i = 0; i < 2; i++)
		assert_true(look(p, i, R).consent);
}

static void a_blank_node_overwrites_nothing(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_sync_document(p, 0, R, false);
	pair_run(p, 500);
	pair_power_off(p, 1);
	pair_power_off(p, 0);
	memset(&p->side[0].disk, 0, sizeof(p->side[0].disk)); /* replaced */
	papers_change(pair_paper(p, 0, R), 77);
	pair_start(p, 0);
	pair_run(p, 15000);
	pair_start(p, 1);
	pair_run(p, 5000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_int_equal(pair_document(p, 1, R), 1);
	assert_condition(p, R, CONDITION_OPEN);
}

static void documents_are_compared_from_either_node(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_write(p, 1, F, 50);
	pair_run(p, 200);
	for (unsigned i = 0; i < 2; i++) {
		pair_compare(p, i, F);
		pair_compare(p, i, F);
		assert_int_equal(p->side[i].result, RESULT_BUSY);
		pair_run(p, 300);
		assert_int_equal(pair_paper(p, i, F)->compared, 1);
	}
	assert_condition(p, F, CONDITION_DRIFT);
	assert_int_equal(pair_document(p, 1, F), 50);
	/* The peer's changes meanwhile. */
	pair_compare(p, 0, F);
	pair_write(p, 1, F, 51);
	pair_run(p, 300);
	assert_int_equal(pair_paper(p, 0, F)->compared, 2);
	/* It is lost meanwhile: that is the answer. */
	pair_cut_all(p, true);
	p->side[0].n_replies = 0;
	pair_compare(p, 0, F);
	pair_run(p, 1000);
	assert_int_equal(p->side[0].n_replies, 1);
	assert_int_equal(p->side[0].result, RESULT_NO_PEER);
	pair_compare(p, 0, F);
	assert_int_equal(p->side[0].result, RESULT_NO_PEER);
}

static void without_a_source_nothing_is_wished(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_command(p, 1, COMMAND_MAINTENANCE_ON, COMMAND_ALL_GROUPS, true);
	pair_command(p, 0, COMMAND_MAINTENANCE_ON, COMMAND_ALL_GROUPS, true);
	pair_run(p, 2000);
	assert_states(p, GROUP_INELIGIBLE, GROUP_INELIGIBLE);
	pair_sync_document(p, 0, F, false);
	assert_int_equal(p->side[0].result, RESULT_NO_MASTER);
	pair_sync_document(p, 0, OBJECT_CONNTRACK, false);
	assert_int_equal(p->side[0].result, RESULT_NOT_MIRRORED);
}

static void the_last_that_both_had_is_kept_and_loaded_alone(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_sync_document(p, 0, R, false);
	pair_run(p, 300);
	assert_int_equal(pair_paper(p, 0, R)->kept, 1);
	assert_int_equal(pair_paper(p, 1, R)->kept, 1);
	assert_int_equal(pair_paper(p, 0, F)->kept, 0);
	assert_int_equal(pair_paper(p, 0, R)->loaded, 0);
	pair_power_off(p, 0);
	pair_power_off(p, 1);
	pair_start(p, 0);
	pair_run(p, 5000);
	assert_int_equal(pair_paper(p, 0, R)->loaded, 0);
	papers_change(pair_paper(p, 0, R), 5);
	pair_run(p, 70000);
	assert_int_equal(pair_paper(p, 0, R)->loaded, 1);
	assert_int_equal(pair_document(p, 0, R), 1);
	/* Once in a boot: what is changed after that stays. */
	pair_write(p, 0, R, 6);
	pair_restart_engine(p, 0);
	pair_run(p, 70000);
	assert_int_equal(pair_paper(p, 0, R)->loaded, 1);
	pair_start(p, 1);
	pair_run(p, 5000);
	assert_int_equal(pair_paper(p, 1, R)->loaded, 0);
	assert_both_have(p, R, 6);
	/* Nor does what was kept come back when the peer goes. */
	pair_power_off(p, 0);
	pair_run(p, 1000);
	pair_write(p, 1, R, 7);
	pair_restart_engine(p, 1);
	pair_run(p, 70000);
	assert_int_equal(pair_paper(p, 1, R)->loaded, 0);
	assert_int_equal(pair_document(p, 1, R), 7);
}

static void what_nobody_asked_for_is_neither_kept_nor_loaded(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p); /* equal by chance */
	assert_condition(p, R, CONDITION_EQUAL);
	assert_int_equal(pair_paper(p, 0, R)->kept, 0);
	pair_power_off(p, 0);
	pair_power_off(p, 1);
	pair_start(p, 0);
	pair_run(p, 75000);
	assert_int_equal(pair_state(p, 0, 0), GROUP_MASTER);
	assert_int_equal(pair_paper(p, 0, R)->loaded, 0);
	/* Consent comes too late for what was before the boot. */
	p->side[0].disk.document[document_place(R)].consent = true;
	pair_restart_engine(p, 0);
	pair_run(p, 5000);
	assert_int_equal(pair_paper(p, 0, R)->loaded, 0);
}

static void nothing_is_loaded_when_it_is_first_mirrored_later(void **state)
{
	struct pair *p = *state;

	p->side[0].conf->mirror.ruleset = false;
	p->side[0].disk.document[document_place(R)].consent = true;
	pair_start(p, 0);
	pair_run(p, 75000);
	pair_next_conf(p, 0)->mirror.ruleset = true;
	assert_int_equal(pair_reload(p, 0), RESULT_DONE);
	pair_write(p, 0, R, 5);
	pair_run(p, 5000);
	assert_int_equal(look(p, 0, R).condition, CONDITION_ALONE);
	assert_int_equal(pair_paper(p, 0, R)->loaded, 0);
}

static void what_became_equal_again_is_kept_again(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_sync_document(p, 0, R, false);
	pair_run(p, 300);
	assert_int_equal(pair_paper(p, 1, R)->keeps, 1);
	pair_paper(p, 1, R)->refuses = true;
	pair_write(p, 0, R, 11);
	pair_run(p, 300);
	assert_int_equal(pair_paper(p, 0, R)->keeps, 1);
	pair_write(p, 0, R, 1);
	pair_run(p, 300);
	assert_int_equal(pair_paper(p, 0, R)->kept, 2);
	/* A clerk that died before it wrote it is followed by one that is told, too. */
	pair_kill_clerk(p, 0);
	pair_run(p, 300);
	assert_int_equal(pair_paper(p, 0, R)->kept, 3);
}

static void reload_ends_and_begins_it(void **state)
{
	struct pair *p = *state;

	documents_settle_both(p);
	pair_next_conf(p, 1)->mirror.n_files = 0;
	assert_int_equal(pair_reload(p, 1), RESULT_DONE);
	pair_write(p, 0, F, 11);
	pair_run(p, 300);
	assert_int_equal(look(p, 1, F).condition, CONDITION_OFF);
	assert_int_equal(pair_document(p, 1, F), 1);
	pair_next_conf(p, 1)->mirror.n_files = 1;
	assert_int_equal(pair_reload(p, 1), RESULT_DONE);
	pair_run(p, 300);
	assert_both_have(p, F, 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DOCUMENTS_STORY(what_is_refused_is_told_and_not_offered_again),
		DOCUMENTS_STORY(a_wish_is_heeded_once_from_either_node),
		DOCUMENTS_STORY(a_dry_run_changes_nothing),
		DOCUMENTS_STORY(a_ruleset_waits_for_the_first_wish),
		DOCUMENTS_STORY(a_trial_is_no_consent),
		DOCUMENTS_STORY(a_blank_node_overwrites_nothing),
		DOCUMENTS_STORY(documents_are_compared_from_either_node),
		DOCUMENTS_STORY(without_a_source_nothing_is_wished),
		DOCUMENTS_STORY(the_last_that_both_had_is_kept_and_loaded_alone),
		DOCUMENTS_STORY(what_nobody_asked_for_is_neither_kept_nor_loaded),
		DOCUMENTS_STORY(nothing_is_loaded_when_it_is_first_mirrored_later),
		DOCUMENTS_STORY(what_became_equal_again_is_kept_again),
		DOCUMENTS_STORY(reload_ends_and_begins_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
