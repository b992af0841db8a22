/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * complaint: a line in the log for a hook or script that did not do what it should, and not one
 * for each of its runs.
 */
#ifndef NSRP_DAEMON_COMPLAINT_H
#define NSRP_DAEMON_COMPLAINT_H

#include "nsrp/log.h"
#include "io/program.h"

enum {
	COMPLAINT_SAME_MS = 600000, /* the same again is said after so long */
	COMPLAINT_OTHER_MS = 10000, /* and something else */
};

/* What was said of one subject. Zero-initialised = nothing. The fields are private. */
struct complaint {
	bool made;
	enum program_end end; /* as said last */
	int code;
	mono_t at;
	unsigned unsaid; /* since then */
};

/* Says what the run came to, and its last line: as INFO when it ended by itself, else as a
 * warning. `subject` begins the line. */
void complain(struct complaint *c, const struct log *log, mono_t now, const char *subject,
	const struct program_result *result);

#endif
