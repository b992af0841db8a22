/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clerk_state.h"

void clerk_step_aside(const struct clerk *c)
{
	cpu_set_t others = c->processors;
	int taken = c->setup->wake != NULL ? wake_processor(c->setup->wake) : -1;

	if (taken < 0 || taken >= CPU_SETSIZE)
		return;
	CPU_CLR((unsigned)taken, &others);
	if (CPU_COUNT(&others) > 0)
		(void)sched_setaffinity(0, sizeof(others), &others);
}

void clerk_step_back(const struct clerk *c)
{
	if (CPU_COUNT(&c->processors) > 0)
		(void)sched_setaffinity(0, sizeof(c->processors), &c->processors);
}
