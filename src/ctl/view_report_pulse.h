/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * view_report_pulse: what the files of the page's quarter of an hour share: the samples of the
 * pulse, seen as lanes: how one thing was over the time.
 */
#ifndef NSRP_CTL_VIEW_REPORT_PULSE_H
#define NSRP_CTL_VIEW_REPORT_PULSE_H

#include "nsrp/base.h"

#include <jansson.h>
#include <stdio.h>

enum { PULSE_SPAN_MS = 15 * 60 * 1000 };

/* All of it is borrowed. */
struct picture {
	FILE *out;
	const json_t *pulse, *samples, *history;
	json_t *failed, *peer_failed; /* objects with the names of monitors that ever did */
	int64_t from_ms, to_ms;       /* of the line of time */
	unsigned y;                   /* where the next lane begins */
};

/* Of what a lane tells: a thing's state in each sample. */
struct lane {
	/* Borrowed from the sample; NULL: there was no such thing. */
	const char *(*state)(const struct lane *lane, const json_t *sample);
	const char *list, *key;  /* members of the sample, and of an element of the list */
	const json_t *of;        /* an element with that name or id; of monitors the name */
	const char *what, *node; /* its label; node may be empty */
};

/* When a sample began and ended; false for what is none of the picture's. */
bool picture_times(
	const struct picture *p, const json_t *sample, int64_t *ret_begin, int64_t *ret_end);

/* Calls put() with each lane: groups, paths, and monitors that failed. */
void picture_lanes(struct picture *p, void (*put)(struct picture *p, const struct lane *lane));

/* Calls put() for each time in which the lane's state was the same without a gap. */
void picture_bands(const struct picture *p, const struct lane *lane,
	void (*put)(
		const struct picture *p, void *user, const char *state, int64_t begin, int64_t end),
	void *user);

/* True for a change of history within the picture. */
bool picture_change(const struct picture *p, const json_t *change, int64_t *ret_ms);

/* view_report_pulse_text.c: the same in words. */
void picture_text(struct picture *p);

#endif
