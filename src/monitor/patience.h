/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * patience: how long an answer is waited for.
 *
 * The smoothed round-trip time and its variation, as RFC 6298, section 2, has them:
 *   first:  SRTT = R, RTTVAR = R/2
 *   then:   RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R|, SRTT = 7/8 SRTT + 1/8 R
 *   wait:   SRTT + max(PATIENCE_FLOOR_US, 4 RTTVAR)
 * Every probe has a number of its own, so each answer is a sample, a late one too, and there is no
 * backing off: a probe is not sent again.
 */
#ifndef NSRP_MONITOR_PATIENCE_H
#define NSRP_MONITOR_PATIENCE_H

#include "nsrp/base.h"

enum {
	/* A black hole is to be noticed within 5 ms after the last probe; a loop that runs on
	 * time takes 0.1 ms of that, an answer in a local network less than 0.5 ms. What is
	 * left is for the jitter of whoever answers, before it has shown in RTTVAR. */
	PATIENCE_FLOOR_US = 4000,
};

/* Zero-initialised = nothing measured. */
struct patience {
	bool measured;
	uint32_t srtt_us, rttvar_us;
	uint32_t last_us; /* measured last */
};

void patience_measured(struct patience *p, uint32_t rtt_us);

/* At most limit_us; that when nothing was measured. */
uint32_t patience_us(const struct patience *p, uint32_t limit_us);

#endif
