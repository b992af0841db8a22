/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: the invariants that hold after every step of a schedule, and what must hold at its end.
 */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "world.h"

/* After anything happened. */
void check_world(struct world *w);

/* Something outside the cores' control happened: the grace for electing starts anew. */
void check_disturbed(struct world *w);

/* Machine m heard a fresh beat. */
void check_contact(struct world *w, unsigned m, uint64_t sent_at);

/* Machine m orders a role. */
void check_role(struct world *w, unsigned m, unsigned group, enum role role, uint32_t term,
	enum election_rule rule);

/* All has been healed for long: one master, and both agree. */
void check_quiet(struct world *w);

#endif
