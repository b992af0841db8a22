/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * verb: what the verbs do. Each takes the invocation and returns the exit status.
 */
#ifndef NSRP_CTL_VERB_H
#define NSRP_CTL_VERB_H

#include "invocation.h"

#include <jansson.h>

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
int verb_version(const struct invocation *in);

/* verb_check.c, verb_genkey.c: those that need none. */
int verb_check(const struct invocation *in);
int verb_genkey(const struct invocation *in);

/* Writes `nsrpctl: ` and the text to stderr, and gives back `status`. */
int verb_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes the answer as a line of JSON to stdout. */
void verb_print_json(const json_t *answer);

#endif
