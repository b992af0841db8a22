/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * logger: a struct log that writes to stderr, or whatever descriptor it is given.
 *
 * As a service that descriptor is the journal's stream, and lines start with `<N>` of
 * sd-daemon(3). That was preferred to sd_journal_send(), which waits when journald does not
 * read: here a line that cannot be written at once is dropped, and the number of those is told
 * as soon as there is room again.
 *
 * A change of a group's state goes to the journal's own socket instead, when there is one that
 * takes it at once, with fields to look for: NSRP_NODE, NSRP_GROUP, NSRP_TERM, NSRP_FROM, NSRP_TO,
 * NSRP_RULE and NSRP_REASON.
 *
 * A line that came more than LOGGER_REPEAT_MAX times within LOGGER_REPEAT_MS is not written
 * again before that time is over; then the number of those left out is. Control characters
 * in a line become `?`, so that no peer can write lines of its own.
 */
#ifndef NSRP_IO_LOGGER_H
#define NSRP_IO_LOGGER_H

#include "nsrp/log.h"

enum {
	LOGGER_LINE_MAX = 1024, /* bytes of text; what is behind is cut off */
	LOGGER_FIELDS_MAX = 512,
	LOGGER_REPEAT_MAX = 10,
	LOGGER_REPEAT_MS = 10000,
	LOGGER_RECENT = 16, /* lines looked after at a time */
};

enum logger_style {
	LOGGER_PLAIN,   /* `2026-01-31T11:00:00.123Z warning: text` */
	LOGGER_SERVICE, /* `<4>text` */
};

/* The caller's storage. Hand on &logger->log; the other fields are private. */
struct logger {
	struct log log;
	int fd; /* borrowed */
	bool is_socket;
	enum logger_style style;
	enum log_level level;
	mono_t (*now)(void); /* loop_now; a test sets its own */
	unsigned dropped;
	bool cut;                       /* the last line was written in part */
	int journal;                    /* its socket, owned; -1 = none */
	char fields[LOGGER_FIELDS_MAX]; /* of the next line; empty = none */
	struct logger_recent {
		uint64_t hash; /* of level and text; 0 = free */
		mono_t began;
		unsigned count;
		enum log_level level;
		char head[80]; /* how it begins, for the report */
	} recent[LOGGER_RECENT];
};

/* SERVICE when fd is the journal's stream (JOURNAL_STREAM of systemd.exec(5)), else PLAIN. */
enum logger_style logger_style_of(int fd);

/* Writes to fd, which stays the caller's, up to LOG_LEVEL_INFO. The logger does not move
 * afterwards. A copy for a forked child is its own. */
void logger_init(struct logger *logger, int fd, enum logger_style style);

/* Uses the journal's socket; 0 or negative errno, which leaves the logger as it was. It stays open
 * to the end of the process. */
#define LOGGER_JOURNAL "/run/systemd/journal/socket"
int logger_use_journal(struct logger *logger, const char *path);

/* The least urgent level that is written. */
void logger_set_level(struct logger *logger, enum log_level level);

/* Tells what was left out of repeated lines whose time is over. Every line written does it too;
 * call it from time to time, and at the end with `all`. */
void logger_settle(struct logger *logger, bool all);

#endif
