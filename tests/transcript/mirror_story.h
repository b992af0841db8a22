/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mirror_story: what every transcript of a pair that mirrors starts with.
 */
#ifndef TRANSCRIPT_MIRROR_STORY_H
#define TRANSCRIPT_MIRROR_STORY_H

#include "story.h"

#include "core/mirror.h"
#include "core/state.h"
#include "pair_kernel.h"

static inline int mirror_begins(void **state)
{
	struct pair *p = pair_new();

	pair_mirror(p, PAIR_SESSIONS, 0);
	*state = p;
	return 0;
}

#define MIRROR(name) cmocka_unit_test_setup_teardown(name, mirror_begins, story_ends)

/* fw1 is master, both are in sync, and sessions 0 to n - 1 are on both. */
static inline void start_with(struct pair *p, unsigned n)
{
	pair_start_both(p);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	pair_make_many(p, 0, 0, n);
	pair_run(p, 2000);
	assert_int_equal(pair_different(p), -1);
	assert_int_equal(pair_sessions(p, 1), n);
	pair_forget(p);
}

static inline uint64_t counted(const struct pair *p, unsigned i, enum counter counter)
{
	return pair_counter(p, i, counter);
}

static inline const unsigned *orders(const struct pair *p, unsigned i)
{
	return p->side[i].kernel->orders;
}

static inline bool in_sync(const struct pair *p, unsigned i)
{
	return p->side[i].node->in_sync;
}

#endif
