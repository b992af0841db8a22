/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log: where text for the operator goes.
 *
 * A log is a value that the caller hands down: the daemon's writes to the journal or stderr,
 * a test's into memory. ERR = the operator must act; WARN = degraded; INFO = one line for each
 * change of state; DEBUG = one line a message, off unless asked for. A line says subject,
 * change, cause: `link ha0: alive -> lost, nothing heard for 200 ms`. No trailing newline.
 */
#ifndef NSRP_LOG_H
#define NSRP_LOG_H

#include "nsrp/base.h"

enum log_level { LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* What a line about a group's change of state says, for those who look for it by field. All texts
 * are borrowed for the call. */
struct log_change {
	const char *node; /* whose state */
	unsigned group;   /* by id */
	uint32_t term;
	const char *from, *to, *rule, *reason;
};

struct log {
	void *user; /* borrowed, passed to write */
	/* Formats as printf does; never blocks for long, never fails visibly. */
	void (*write)(void *user, enum log_level level, const char *format, ...)
		__attribute__((format(printf, 3, 4)));
	/* The line that is written next is about this change. NULL: lines are text alone. */
	void (*about)(void *user, const struct log_change *change);
};

static inline void log_about(const struct log *log, const struct log_change *change)
{
	if (log->about != NULL)
		log->about(log->user, change);
}

#define log_err(log, ...) ((log)->write((log)->user, LOG_LEVEL_ERR, __VA_ARGS__))
#define log_warn(log, ...) ((log)->write((log)->user, LOG_LEVEL_WARN, __VA_ARGS__))
#define log_info(log, ...) ((log)->write((log)->user, LOG_LEVEL_INFO, __VA_ARGS__))
#define log_debug(log, ...) ((log)->write((log)->user, LOG_LEVEL_DEBUG, __VA_ARGS__))

#endif
