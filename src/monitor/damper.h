/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * damper: one bad probe makes nobody fail over, and one good one brings nobody back.
 *
 * Pure counting. A monitor starts as passing, fails after `fall` failed probes in a row, and passes
 * again after `rise` good ones in a row.
 */
#ifndef NSRP_MONITOR_DAMPER_H
#define NSRP_MONITOR_DAMPER_H

#include "nsrp/base.h"

/* Zero-initialised = passes, nothing probed. */
struct damper {
	bool failed;
	bool just_failed; /* by the last probe */
	/* In a row, up to the last probe; one of the two is 0. */
	uint32_t failures, passes;
};

/* A probe ended. `fall` and `rise` are 1 or more. True if that changed d->failed. */
bool damper_probed(struct damper *d, unsigned fall, unsigned rise, bool ok);

/* The last probe, which counted as failed, was answered after all: it is as if it had been good.
 * True if that changed d->failed. */
bool damper_taken_back(struct damper *d);

#endif
