/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe: when a monitor sends, and until when it waits for the answer.
 *
 * Pure: it is told the time and what was sent and heard. One probe is under way at a time:
 *
 *   idle -- probe_sent() --> waits -- probe_heard() --> idle: good
 *                            waits -- probe_expired() --> idle: failed; the answer may still
 *                                     take that back, until the next one is sent
 *
 * Whoever calls hears everything that waits in the socket before it calls probe_expired(). If this
 * process looked late itself, the machine may have been held up, and the answer with it: the wait
 * is made longer by as much, PROBE_EXTENSIONS times at most.
 */
#ifndef NSRP_MONITOR_PROBE_H
#define NSRP_MONITOR_PROBE_H

#include "nsrp/base.h"
#include "patience.h"

enum {
	PROBE_LATE_US = 1000, /* looking later than this is being late */
	PROBE_EXTENSIONS = 3,
};

enum probe_answer {
	PROBE_GOOD,       /* the probe under way passed */
	PROBE_TAKEN_BACK, /* the last one, which had failed, passed after all */
	PROBE_STALE,      /* of a probe before, or heard a second time */
};

/* Read `patience`; treat the rest as private. */
struct probe {
	struct patience patience;
	uint32_t interval_us;
	bool waits;
	bool failed; /* the last one; its answer may still come */
	uint16_t sequence;
	unsigned extensions;
	mono_t sent_at, judge_at, next_at;
};

void probe_init(struct probe *p, uint32_t interval_ms, mono_t first_at);

/* When probe_expired() or probe_is_due() has something to say. */
mono_t probe_deadline(const struct probe *p);

/* True: the wait for the answer is over, the probe failed. */
bool probe_expired(struct probe *p, mono_t now);

/* True: send the next one, with the number that probe_sent() gives. */
bool probe_is_due(const struct probe *p, mono_t now);

/* A probe goes out. `patient`: it may take the whole interval. Returns its number. */
uint16_t probe_sent(struct probe *p, mono_t now, bool patient);

/* An answer was heard. */
enum probe_answer probe_heard(struct probe *p, uint16_t sequence, mono_t now);

#endif
