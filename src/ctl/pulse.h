/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pulse: all samples that the daemon has, which come in several answers, as one.
 */
#ifndef NSRP_CTL_PULSE_H
#define NSRP_CTL_PULSE_H

#include "verb.h"

/* As verb_ask(): an answer as report_pulse() in src/io/report.h has it, with all samples and
 * without "next" and "more". */
int pulse_ask(const struct invocation *in, json_t **ret_answer, char error[CLIENT_ERROR_MAX]);

/* How much of the time before a sample, of `before`, the one in front of it, is in neither, in
 * milliseconds; 0 = nothing. */
int64_t pulse_gap_ms(const json_t *before, const json_t *sample);

#endif
