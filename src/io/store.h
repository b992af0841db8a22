/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store: what outlives the process, in STATEDIR.
 *
 * `state` holds struct node_saved as text, a line for each value:
 *   nsrpd-state 1 #5d3c1f0e
 *   term 17 #0b1c2d3e
 *   maintenance 0 3 #1a2b3c4d
 *   mirrored ruleset #3c4d5e6f        (the operator asked for it once)
 * Behind the # stands the CRC-32 of the line before it, so that a damaged line takes no other
 * with it. Lines with an unknown first word are a later release's and are skipped. It is
 * replaced whole (a new file, fsync, rename, fsync of the directory): after a power cut either
 * the old one is there or the new one.
 *
 * `history` has one JSON object a line, oldest first; at STORE_HISTORY_BYTES it becomes
 * `history.1`, and that of before goes.
 *
 * Everything here may block: for children that may.
 */
#ifndef NSRP_IO_STORE_H
#define NSRP_IO_STORE_H

#include "nsrp/log.h"
#include "nsrp/node.h"

#include <jansson.h>

enum {
	STORE_HISTORY_BYTES = 160 * 1024,
	STORE_HISTORY_LINES = 1000, /* read at most */
};

/* Reads `state`. A missing file is a new node's: 0, all zero. Of a damaged file what is whole is
 * taken, the rest is zero; it is logged and the file kept as `state.damaged`: 0 too. Negative
 * errno, logged and *ret_saved all zero, when the file cannot be read. */
int store_load(const char *statedir, const struct log *log, struct node_saved *ret_saved);

/* Writes `state`. 0 or negative errno; then the old one still is in force. */
int store_save(const char *statedir, const struct node_saved *saved);

/* True when the two would be written differently. */
bool store_differs(const struct node_saved *a, const struct node_saved *b);

/* A line of history. */
struct store_record {
	int64_t wall_ms;             /* CLOCK_REALTIME in milliseconds since 1970 */
	uint8_t group;               /* its id */
	char monitor[CONF_NAME_MAX]; /* change.monitor's name, or empty */
	struct action_record change; /* .monitor and .at do not count */
	/* No change, but steps that came after the last one of the group with that term and new
	 * state, and how long after. Of `change` .to, .term, .steps and .step_us count. */
	bool sequel;
};

/* Appends a line. 0 or negative errno. */
int store_history_add(const char *statedir, const struct store_record *record);

/* {"history":[{"time","group","from","to","rule","reason","term"}]}: the last
 * STORE_HISTORY_LINES, oldest first; lines that are damaged are left out. 0 or negative errno;
 * no history yet is 0. Where they are known also:
 *   "monitor"         the failed monitor of most weight, on the node that was master
 *   "two_masters_ms"  for how long at most there were two
 *   "steps_us"        {step: microseconds after "time", negative before it}, keys as in STEPS
 *   "gap_us"          of a takeover: from the last sign of who served before (heard last, or a
 *                     monitor noticed, or it gave the group up) to the first announcement */
int store_history_read(const char *statedir, json_t **ret_history);

#endif
