/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool is_known(const struct conf_findings *f, unsigned line, const char *text)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->finding[i].line == line && strcmp(f->finding[i].text, text) == 0)
			return true;
	}
	return false;
}

void conf_findings_add(struct conf_findings *f, enum conf_severity severity, unsigned line,
	const char *format, ...)
{
	if (f->n == CONF_FINDINGS_MAX) {
		if (severity == CONF_SEVERITY_ERROR && f->left_out_line == 0)
			f->left_out_line = line;
		return;
	}
	struct conf_finding *finding = &f->finding[f->n];
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
	(void)vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	if (is_known(f, line, finding->text))
		return;
	finding->severity = severity;
	finding->line = line;
	f->n++;
}

bool conf_findings_any_error(const struct conf_findings *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		if (f->finding[i].severity == CONF_SEVERITY_ERROR)
			return true;
	}
	return f->left_out_line != 0;
}

/* Stable: what was found first on a line is told first. */
static void sort_by_line(struct conf_findings *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		unsigned at = i;

		while (at > 0 && f->finding[f->order[at - 1]].line > f->finding[i].line) {
			f->order[at] = f->order[at - 1];
			at--;
		}
		f->order[at] = i;
	}
}

void conf_findings_tell(struct conf_findings *f, const struct conf_report *report, const char *file)
{
	if (report == NULL)
		return;
	sort_by_line(f);
	for (unsigned i = 0; i < f->n; i++) {
		const struct conf_finding *finding = &f->finding[f->order[i]];

		report->found(report->user, finding->severity, file, finding->line, finding->text);
	}
	if (f->left_out_line != 0)
		report->found(report->user, CONF_SEVERITY_ERROR, file, f->left_out_line,
			"more errors, from here on");
}
