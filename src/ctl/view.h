/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * view: the daemon's answers as text for people. What is wrong comes first. Each takes the whole
 * answer; missing members read as "?", 0 or no.
 */
#ifndef NSRP_CTL_VIEW_H
#define NSRP_CTL_VIEW_H

#include "page.h"
#include "table.h"

#include <jansson.h>

void view_status(const struct page *page, const json_t *status);
void view_groups(const struct page *page, const json_t *answer);
void view_links(const struct page *page, const json_t *answer);
void view_monitors(const struct page *page, const json_t *answer);
void view_mirror(const struct page *page, const json_t *answer);
void view_verify(const struct page *page, const json_t *answer);
void view_diff(const struct page *page, const json_t *answer);
void view_counters(const struct page *page, const json_t *answer);
void view_config(const struct page *page, const json_t *answer);
/* The last VIEW_PULSE_MAX samples. */
enum { VIEW_PULSE_MAX = 60 };
void view_pulse(const struct page *page, const json_t *answer);
void view_why(const struct page *page, const json_t *answer);
void view_history(const struct page *page, const json_t *answer);

/* What is watched; all of it is borrowed. */
struct watched {
	const json_t *status, *history; /* the last that came, or NULL */
	const char *trouble;            /* why the last question was not answered; NULL: it was */
	int64_t age_ms;                 /* of the status */
};
/* Status and last changes in so many rows, at most. */
void view_watch(const struct page *page, size_t rows, const struct watched *watched);

/* The line of `status --check`, and the exit status that goes with it. */
void view_check(const struct page *page, const json_t *status);
int view_monitoring(const json_t *status);

/* What the files of view share. */

/* The line of the status that tells of the mirror. */
void view_mirror_line(const struct page *page, const json_t *status);

/* A line of the status for each document that is mirrored; a table of all of them. */
void view_document_lines(const struct page *page, const json_t *status);
void view_documents(const struct page *page, const json_t *answer);

/* How a group's state, and a path's, is to be taken. */
enum tone view_state_tone(const char *state);
enum tone view_path_tone(const char *state);
/* What would come of failures, from an element of `why`. */
void view_foreseen(const struct page *page, const json_t *why);
/* Two standings of a group side by side: `own` and `peer` of `group`, peer may be null. */
void view_standings(const struct page *page, const json_t *group, const char *peer_name);
/* Writes the table, or says that memory ran out. */
void view_table(const struct page *page, struct table *table);

/* Calls put(user, element) for each element of the array, worst first: by rank(element), 0 to
 * VIEW_RANKS - 1, and those of equal rank in their order. */
enum { VIEW_RANKS = 4 };
void view_sorted(const json_t *array, int (*rank)(const json_t *element),
	void (*put)(void *user, const json_t *element), void *user);

#endif
