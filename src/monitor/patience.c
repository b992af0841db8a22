/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "patience.h"

enum { RTT_MAX_US = 60 * 1000 * 1000 }; /* keeps the sums within 32 bits */

void patience_measured(struct patience *p, uint32_t rtt_us)
{
	uint32_t rtt = rtt_us < RTT_MAX_US ? rtt_us : RTT_MAX_US;

	if (!p->measured) {
		*p = (struct patience){
			.measured = true, .srtt_us = rtt, .rttvar_us = rtt / 2, .last_us = rtt
		};
		return;
	}
	uint32_t difference = p->srtt_us > rtt ? p->srtt_us - rtt : rtt - p->srtt_us;

	p->rttvar_us = (3 * p->rttvar_us + difference) / 4;
	p->last_us = rtt;
	p->srtt_us = (7 * p->srtt_us + rtt) / 8;
}

uint32_t patience_us(const struct patience *p, uint32_t limit_us)
{
	uint32_t margin = 4 * p->rttvar_us;

	if (!p->measured)
		return limit_us;
	if (margin < PATIENCE_FLOOR_US)
		margin = PATIENCE_FLOOR_US;
	return p->srtt_us + margin < limit_us ? p->srtt_us + margin : limit_us;
}
