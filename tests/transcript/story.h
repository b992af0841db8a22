/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * story: what every transcript starts with, and how it asks what was said.
 */
#ifndef TRANSCRIPT_STORY_H
#define TRANSCRIPT_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pair.h"

static inline int story_begins(void **state)
{
	*state = pair_new();
	return 0;
}

static inline int story_ends(void **state)
{
	pair_free(*state);
	return 0;
}

static inline void assert_told(const struct pair *p, const char *const *texts)
{
	const char *missing = pair_unsaid(p, texts);

	if (missing == NULL)
		return;
	pair_print(p);
	fail_msg("not said, or not in this order: %s", missing);
}

/* The nodes said these things in this order, perhaps among others. */
#define ASSERT_TOLD(p, ...) assert_told(p, (const char *const[]){ __VA_ARGS__, NULL })

static inline void assert_silent(const struct pair *p, const char *text)
{
	if (pair_said(p, text) == 0)
		return;
	pair_print(p);
	fail_msg("said: %s", text);
}

static inline void assert_states(const struct pair *p, enum group_state fw1, enum group_state fw2)
{
	if (pair_state(p, 0, 0) == fw1 && pair_state(p, 1, 0) == fw2)
		return;
	pair_print(p);
	fail_msg("fw1 is %s, not %s; fw2 is %s, not %s", group_state_name(pair_state(p, 0, 0)),
		group_state_name(fw1), group_state_name(pair_state(p, 1, 0)),
		group_state_name(fw2));
}

static inline void assert_owner(const struct pair *p, unsigned owner)
{
	assert_int_equal(p->side[owner].owns[0], true);
	assert_int_equal(p->side[1 - owner].owns[0], false);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, story_begins, story_ends)

#endif
