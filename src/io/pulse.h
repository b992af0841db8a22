/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pulse: how the pair was in each second of the last quarter of an hour.
 *
 * A ring of samples of fixed size, and the sample that is being made. It asks nobody to wake up: a
 * sample is closed by the first step of the engine after its second is over, so where heartbeats
 * are rarer than one a second, samples are longer. While the engine was held up for a second or
 * more nobody looked: that time is in no sample.
 *
 * Pure, but for pulse_new(). The memory is shared, so that what an engine saw outlives it; it may
 * have ended in the middle of anything, and so may have what the ring says.
 */
#ifndef NSRP_IO_PULSE_H
#define NSRP_IO_PULSE_H

#include "nsrp/conf.h"
#include "nsrp/node.h"

enum {
	PULSE_SAMPLES_MAX = 900,
	PULSE_PERIOD_MS = 1000,
	PULSE_UNKNOWN = UINT8_MAX, /* a state that nobody knew */
	PULSE_MONITOR_WORDS = CONF_MONITORS_MAX / 64,
};

#define PULSE_NEVER UINT32_MAX

/* Paths, groups and monitors by their index in the configuration in force. */
struct pulse_sample {
	mono_t at;           /* its end */
	uint32_t ms;         /* how much of the time before `at` it is of */
	uint32_t silence_ms; /* the longest time without a beat; PULSE_NEVER: none came yet */
	uint32_t late_ms;    /* the node's own longest lateness */
	/* The mirror's, at the end; PULSE_NEVER: there is no channel to the peer. */
	uint32_t lag_ms, peer_lag_ms;
	uint32_t backlog;                                    /* bytes */
	uint16_t beats[CONF_PATHS_MAX];                      /* that came */
	uint8_t path[CONF_PATHS_MAX];                        /* enum path_state, at the end */
	uint8_t own[CONF_GROUPS_MAX], peer[CONF_GROUPS_MAX]; /* enum group_state, at the end */
	uint16_t own_weight[CONF_GROUPS_MAX], peer_weight[CONF_GROUPS_MAX]; /* of what fails */
	uint64_t failed[PULSE_MONITOR_WORDS]; /* bit by index, at the end */
	uint64_t peer_failed[PULSE_MONITOR_WORDS];
};

/* The fields are private. */
struct pulse {
	uint64_t made; /* samples so far; number n is in place n % PULSE_SAMPLES_MAX */
	struct pulse_sample sample[PULSE_SAMPLES_MAX];

	/* What the samples' indexes mean. */
	unsigned n_paths, n_groups, n_monitors;
	uint8_t group[CONF_GROUPS_MAX];
	char path[CONF_PATHS_MAX][CONF_NAME_MAX], monitor[CONF_MONITORS_MAX][CONF_NAME_MAX];

	/* The sample that is being made. */
	mono_t begun, due, heard_at; /* heard_at MONO_NEVER: no beat came yet */
	uint64_t late_us, silence_us;
	uint32_t beats[CONF_PATHS_MAX];
};

/* Memory that a forked child shares, and without a sample; NULL: there is none. The caller's, until
 * pulse_free(). */
struct pulse *pulse_new(void);
void pulse_free(struct pulse *p);

/* An engine begins, or its configuration is another. Samples there are keep what they know of the
 * paths, groups and monitors that stay, by name or id. */
void pulse_start(struct pulse *p, const struct conf *conf, mono_t now);
void pulse_reconfigure(struct pulse *p, const struct conf *conf);

/* The engine is about to step, late_us later than it wanted to. */
void pulse_woke(struct pulse *p, mono_t now, uint64_t late_us);
/* An authentic beat of the peer's came by path i, below CONF_PATHS_MAX. */
void pulse_beat(struct pulse *p, unsigned i, mono_t now);
/* The second is over: pulse_close() is due. */
static inline bool pulse_is_due(const struct pulse *p, mono_t now)
{
	return mono_reached(p->due, now);
}
/* Adds the sample that view->now ends, and begins the next. */
void pulse_close(struct pulse *p, const struct node_view *view);

/* The numbers of the samples that there are: from *ret_first to below *ret_end. */
void pulse_range(const struct pulse *p, uint64_t *ret_first, uint64_t *ret_end);
/* One of those; borrowed, until the next pulse_close(). */
const struct pulse_sample *pulse_at(const struct pulse *p, uint64_t number);

static inline bool pulse_fails(const uint64_t failed[PULSE_MONITOR_WORDS], unsigned monitor)
{
	return failed[monitor / 64] >> monitor % 64 & 1;
}

#endif
