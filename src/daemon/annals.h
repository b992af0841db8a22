/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * annals: lines of history on their way to the disk, and what comes after them.
 *
 * A mastership that began or ended is a line at once. What follows (the kernel has the addresses,
 * the network was told, the peer confirmed, sessions have settled) becomes known bit by bit, and is
 * added to it.
 */
#ifndef NSRP_DAEMON_ANNALS_H
#define NSRP_DAEMON_ANNALS_H

#include "chores.h"

/* Zero-initialised = nothing happened yet. The fields are private. */
struct annals {
	struct annal {
		mono_t at;                  /* of the line */
		uint32_t known;             /* steps after it, bit by number */
		struct store_record sequel; /* those that are not written */
	} of[UINT8_MAX + 1];                /* by the group's id */
};

/* A line. */
void annals_add(struct annals *a, struct chores *chores, const struct store_record *record);

/* A step after the last mastership of the group that began or ended; the second of its kind is
 * passed over. It is written with annals_tell(). */
void annals_step(struct annals *a, uint8_t group, enum step step, mono_t at);

/* Writes what is known of the group's steps and is not written yet. */
void annals_tell(struct annals *a, struct chores *chores, uint8_t group);

#endif
