/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client: one question to the daemon, and its answer.
 */
#ifndef NSRP_CTL_CLIENT_H
#define NSRP_CTL_CLIENT_H

#include "nsrp/base.h"

#include <jansson.h>

enum {
	CLIENT_TIME_MS = 10000,       /* what verbs allow */
	CLIENT_LONG_TIME_MS = 150000, /* those that wait for both nodes' tables */
	CLIENT_ANSWER_MAX = 1 << 20,
	CLIENT_ERROR_MAX = 400,
};

enum client_result {
	CLIENT_ANSWERED,
	CLIENT_REFUSED,     /* the daemon answered with an error */
	CLIENT_UNREACHABLE, /* no answer */
};

/* Sends *request, a JSON object, to the daemon of `rundir`, which has time_ms to accept and as long
 * to answer. *ret_answer is the caller's, and only set when ANSWERED; else `error` says what is
 * wrong, and what to do. */
enum client_result client_ask(const char *rundir, const json_t *request, int time_ms,
	json_t **ret_answer, char error[CLIENT_ERROR_MAX]);

#endif
