/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "health.h"

#include <assert.h>

bool health_reported(struct health *h, unsigned i, bool ok)
{
	assert(i < CONF_MONITORS_MAX);
	bool news = h->failed[i] == ok;

	h->failed[i] = !ok;
	return news;
}

uint16_t health_failed_weight(const struct health *h, const struct conf *conf, unsigned g)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < conf->n_monitors; i++) {
		const struct conf_monitor *m = &conf->monitor[i];

		if (h->failed[i] && (m->all_groups || m->group == g))
			sum += m->weight;
	}
	return sum > UINT16_MAX ? UINT16_MAX : (uint16_t)sum;
}

bool health_is_operable(const struct health *h, const struct conf *conf, unsigned g)
{
	return health_failed_weight(h, conf, g) < conf->group[g].threshold;
}

bool health_would_be_operable(
	const struct health *h, const struct conf *conf, unsigned g, unsigned i)
{
	struct health would = *h;

	(void)health_reported(&would, i, false);
	return health_is_operable(&would, conf, g);
}
