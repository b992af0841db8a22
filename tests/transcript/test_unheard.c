/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A mastership that came and went unheard: who is master announces its addresses over it.
 */
#include "story.h"

#include "core/state.h"

static bool fw2_is_not_heard_to_hold(
	struct pair *p, unsigned from, unsigned path, struct span frame)
{
	struct span groups = pair_tlv(frame, WIRE_TLV_GROUPS);

	(void)p;
	(void)path;
	return from == 0 || groups.len == 0 || !(groups.data[3] & WIRE_GROUP_HOLDING);
}

/* The neighbours may have believed the other one all the same. */
static void a_mastership_that_nobody_heard_of_is_announced_over(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_served(p, 0, 0);
	p->passes = fw2_is_not_heard_to_hold;
	for (unsigned path = 0; path < 3; path++)
		p->cut[0][path] = true;
	while (pair_state(p, 1, 0) != GROUP_MASTER)
		pair_run(p, 1);
	pair_run(p, 20);
	for (unsigned path = 0; path < 3; path++)
		p->cut[0][path] = false;
	assert_int_equal(p->side[0].n_announced, 0);
	pair_run(p, 100);
	ASSERT_TOLD(p, "fw2: group 7: master -> primary-backup, two masters met (rule 6b");
	assert_silent(p, "fw1: peer");
	assert_owner(p, 0);
	assert_true(p->side[0].n_announced > 0);
}

static bool fw1_is_not_heard_to_hold(
	struct pair *p, unsigned from, unsigned path, struct span frame)
{
	return fw2_is_not_heard_to_hold(p, 1 - from, path, frame);
}

/* fw2 takes over in a term that fw1, which does not hear it, had meanwhile as well. */
static void a_mastership_in_this_nodes_very_term_is_announced_over_too(void **state)
{
	struct pair *p = *state;

	p->side[1].conf->lost_after = 20;
	pair_start_both(p);
	p->passes = fw1_is_not_heard_to_hold;
	for (unsigned path = 0; path < 3; path++)
		p->cut[1][path] = true;
	pair_command(p, 0, COMMAND_MAINTENANCE_ON, 0, false);
	pair_run(p, 250);
	pair_command(p, 0, COMMAND_MAINTENANCE_OFF, 0, false);
	pair_run(p, 50);
	assert_int_equal(p->side[0].node->group[0].term, p->side[1].node->group[0].term);
	p->side[1].n_announced = 0;
	pair_command(p, 0, COMMAND_MAINTENANCE_ON, 0, true);
	pair_run(p, 50);
	assert_owner(p, 1);
	assert_silent(p, "fw2: peer");
	assert_true(p->side[1].n_announced > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_mastership_that_nobody_heard_of_is_announced_over),
		STORY(a_mastership_in_this_nodes_very_term_is_announced_over_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
