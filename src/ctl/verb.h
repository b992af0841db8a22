/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * verb: what the verbs do. Each takes the invocation and returns the exit status.
 */
#ifndef NSRP_CTL_VERB_H
#define NSRP_CTL_VERB_H

#include "client.h"
#include "invocation.h"

#include <jansson.h>
#include <stdio.h>

/* verb_daemon.c: those that ask the daemon. */
int verb_status(const struct invocation *in);
int verb_show(const struct invocation *in);
int verb_failover(const struct invocation *in);
int verb_maintenance(const struct invocation *in);
int verb_why(const struct invocation *in);
int verb_history(const struct invocation *in);
int verb_reload(const struct invocation *in);
int verb_sync(const struct invocation *in);
int verb_verify(const struct invocation *in);
int verb_diff(const struct invocation *in);
int verb_version(const struct invocation *in);

/* verb_metrics.c */
int verb_metrics(const struct invocation *in);

/* verb_report.c */
int verb_report(const struct invocation *in);

/* verb_watch.c */
int verb_watch(const struct invocation *in);

/* verb_check.c, verb_genkey.c: those that need none. */
int verb_check(const struct invocation *in);
int verb_genkey(const struct invocation *in);

/* Writes `nsrpctl: ` and the text to stderr, and gives back `status`. */
int verb_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Asks the daemon, which has time_ms to answer; the exit status. *ret_answer is the caller's, and
 * only set when that is CTL_DONE; else the reason is in `error`. The request's reference is taken;
 * NULL: memory ran out. */
int verb_ask(const struct invocation *in, int time_ms, json_t *request, json_t **ret_answer,
	char error[CLIENT_ERROR_MAX]);

/* Writes the answer as a line of JSON to stdout. */
void verb_print_json(const json_t *answer);

#endif
