/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * chores: what may block (files in STATEDIR), done in a child of the guardian, one at a time and
 * in order.
 */
#ifndef NSRP_DAEMON_CHORES_H
#define NSRP_DAEMON_CHORES_H

#include "io/store.h"

#include <sys/types.h>

enum { CHORES_RECORDS_MAX = 128 };

/* The fields are private. */
struct chores {
	const char *statedir;  /* borrowed */
	const struct log *log; /* borrowed */
	pid_t child;           /* 0 = none */
	bool save;
	struct node_saved saved;
	unsigned n_records;
	uint64_t lost_records; /* there was no room */
	struct store_record record[CHORES_RECORDS_MAX];
};

void chores_init(struct chores *c, const char *statedir, const struct log *log);

/* Wants *saved on disk; a later one replaces one that waits. */
void chores_save(struct chores *c, const struct node_saved *saved);
/* Wants a line of history; chores_start() sees to it. */
void chores_record(struct chores *c, const struct store_record *record);
/* Begins with what waits, unless a child is at work: then it is next. A fork takes a moment, in
 * which a takeover's addresses are to be set first. */
void chores_start(struct chores *c);

/* A child ended; true if it was ours. */
bool chores_ended(struct chores *c, pid_t pid, int status);

/* Waits for the child and does what is left, at the end of the daemon. */
void chores_finish(struct chores *c);

#endif
