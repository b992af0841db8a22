/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * theme: what kind of bad day a schedule is. Chance alone brings some faults together too seldom;
 * a theme has few kinds, and may promise more of its end than that all is well again.
 */
#ifndef SIM_THEME_H
#define SIM_THEME_H

#include "fault.h"

struct conf;
struct rng;
struct world;

/* X(name, percent of the schedules, text) */
#define THEMES(X)                                                                                  \
	X(ANYTHING, 32, "anything may go wrong")                                                   \
	X(STALLS, 4, "processes run late, and nobody can see it")                                  \
	X(BOOT, 4, "both machines boot at once, and nothing is wrong")                             \
	X(OPERATOR, 14, "the operator is busy")                                                    \
	X(RECORDER, 8, "an attacker records, keeps back and plays again")                          \
	X(GUARDIAN, 10, "processes die and hang")                                                  \
	X(PATHS, 8, "paths come and go")                                                           \
	X(MIRROR, 20, "sessions are mirrored")

enum theme {
#define X(name, share, text) THEME_##name,
	THEMES(X)
#undef X
		THEME_COUNT
};

const char *theme_text(enum theme theme);

/* A theme for a schedule, and what its configuration must be like. */
enum theme theme_choose(struct rng *r);
void theme_configure(enum theme theme, struct conf *conf, struct rng *r);

/* How many faults happen, how long after the one before (us), and which. */
unsigned theme_n_faults(struct world *w);
uint64_t theme_gap(struct world *w);
enum fault theme_fault(struct world *w);

/* Before the first fault, and after the last when all has become quiet. */
void theme_begin(struct world *w);
/* After all is healed, before it becomes quiet. */
void theme_calm(struct world *w);
void theme_end(struct world *w);

#endif
