/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * metric: the lines of OpenMetrics text. All names get `nsrpd_` in front; the samples of a family
 * follow it in a row.
 */
#ifndef NSRP_CTL_METRIC_H
#define NSRP_CTL_METRIC_H

#include "nsrp/base.h"

#include <stdio.h>

struct metric_label {
	const char *name, *value; /* a name of NULL ends the list */
};

/* Begins a family of that type: gauge, counter, info, stateset. */
void metric_family(FILE *out, const char *name, const char *type, const char *help);

/* A sample; labels may be NULL. */
void metric_number(FILE *out, const char *name, const struct metric_label *labels, int64_t value);

/* In seconds, of `value` milliseconds with digits = 3, microseconds with 6. */
void metric_seconds(
	FILE *out, const char *name, const struct metric_label *labels, int64_t value, int digits);

/* One sample for each of `states`, a list that NULL ends: 1 for the present one. They have two
 * labels of their own at most. */
void metric_states(FILE *out, const char *name, const struct metric_label *labels,
	const char *const *states, const char *present);

#endif
