/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rtnl_fixture: a socket to rtnetlink in a network namespace of the test's own.
 */
#ifndef NSRP_TESTS_RTNL_FIXTURE_H
#define NSRP_TESTS_RTNL_FIXTURE_H

#include "in_netns.h"

#include "io/rtnl.h"

static inline int rtnl_set_up(void **state)
{
	static struct rtnl *rtnl;

	*state = NULL;
	if (netns_enter()) {
		assert_int_equal(rtnl_new(&rtnl), 0);
		*state = rtnl;
	}
	return 0;
}

static inline int rtnl_tear_down(void **state)
{
	rtnl_free(*state);
	return 0;
}

/* The test's socket; skips the test where there is none. */
#define RTNL(r)                                                                                    \
	struct rtnl *r = *state;                                                                   \
	if (!r)                                                                                    \
	skip()

#endif
