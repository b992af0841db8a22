/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * view_report: one page of HTML that needs nothing else: what happened to the pair, as the
 * history has it, and how it is now.
 */
#ifndef NSRP_CTL_VIEW_REPORT_H
#define NSRP_CTL_VIEW_REPORT_H

#include "nsrp/base.h"

#include <jansson.h>
#include <stdio.h>

enum { REPORT_FAILOVERS_MAX = 20 }; /* told of in full, the last ones */

/* Writes the page, well-formed XML, too. `now_ms` is CLOCK_REALTIME in milliseconds since 1970.
 * `pulse`: of pulse_ask(), or NULL. Members that are missing read as "?", 0 or no. */
void view_report(FILE *out, const json_t *status, const json_t *history, const json_t *pulse,
	int64_t now_ms);

/* view_report_pulse.c: the last quarter of an hour. */
void report_recent(FILE *out, const json_t *pulse, const json_t *history, int64_t now_ms);

/* view_report_part.c: what the files of it share. */

/* Text in which markup means nothing. */
void report_put(FILE *out, const char *text);
/* A row of cells; NULL ends them. */
void report_row(FILE *out, const char *cell, ...) __attribute__((sentinel));
/* How both nodes, links, monitors and the mirror are now. */
void report_now(FILE *out, const json_t *status);

#endif
