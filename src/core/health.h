/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * health: what the monitors' verdicts mean for a group.
 */
#ifndef NSRP_CORE_HEALTH_H
#define NSRP_CORE_HEALTH_H

#include "nsrp/conf.h"

/* Zero-initialised = every monitor passes. */
struct health {
	bool failed[CONF_MONITORS_MAX];
};

/* Monitor i passed or failed; true if that is news. */
bool health_reported(struct health *h, unsigned i, bool ok);

/* The summed weight of failed monitors that concern group g, capped at UINT16_MAX. */
uint16_t health_failed_weight(const struct health *h, const struct conf *conf, unsigned g);

/* True while the failed weight is below the group's threshold. */
bool health_is_operable(const struct health *h, const struct conf *conf, unsigned g);

/* The same if monitor i failed, too. */
bool health_would_be_operable(
	const struct health *h, const struct conf *conf, unsigned g, unsigned i);

#endif
