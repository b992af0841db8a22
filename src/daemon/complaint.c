/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "complaint.h"

#include <stdio.h>

static bool may_be_said(const struct complaint *c, mono_t now, const struct program_result *r)
{
	bool same = c->end == r->end && c->code == r->code;

	return !c->made ||
	       mono_reached(
		       mono_after_ms(c->at, same ? COMPLAINT_SAME_MS : COMPLAINT_OTHER_MS), now);
}

void complain(struct complaint *c, const struct log *log, mono_t now, const char *subject,
	const struct program_result *r)
{
	char text[PROGRAM_TEXT_MAX], before[48] = "";

	if (!may_be_said(c, now, r)) {
		c->unsaid++;
		return;
	}
	program_result_text(r, text);
	if (c->unsaid > 0)
		(void)snprintf(before, sizeof(before), " (failed %u times unlogged)", c->unsaid);
	log->write(log->user, r->end == PROGRAM_EXITED ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
		"%s: %s%s%s%s", subject, text, before,
		r->line[0] != '\0' ? ", its last line: " : "", r->line);
	*c = (struct complaint){ .made = true, .end = r->end, .code = r->code, .at = now };
}
