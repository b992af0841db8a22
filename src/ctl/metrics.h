/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * metrics: what the daemon answers, as OpenMetrics text. Names stay; more may come.
 */
#ifndef NSRP_CTL_METRICS_H
#define NSRP_CTL_METRICS_H

#include "nsrp/base.h"

#include <jansson.h>
#include <stdio.h>

#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Writes all families, from the answers to `status` and to `show counters`; when one of them is
 * NULL, only that the daemon was not reached. */
void metrics_write(FILE *out, const json_t *status, const json_t *counters);

/* Answers GET /metrics at `where` (IPv4:PORT or [IPv6]:PORT) with what the daemon of `rundir` says
 * then, and all else with an error; never returns but with a negative errno, -EINVAL for a `where`
 * that is none. */
int metrics_serve(const char *where, const char *rundir);

#endif
