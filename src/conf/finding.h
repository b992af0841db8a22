/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * finding: what is wrong with a file, gathered while it is read and told at the end.
 *
 * Findings are told in the order of lines. The same finding on the same line is told once, so
 * that a check may be made for each of the two nodes.
 */
#ifndef NSRP_CONF_FINDING_H
#define NSRP_CONF_FINDING_H

#include "nsrp/confread.h"

enum {
	CONF_FINDINGS_MAX = 500, /* of those beyond, only the first one's line is told */
	CONF_FINDING_TEXT_MAX = 640,
};

struct conf_finding {
	enum conf_severity severity;
	unsigned line;
	char text[CONF_FINDING_TEXT_MAX];
};

struct conf_findings {
	unsigned n;
	unsigned left_out_line; /* of the first error that found no room; 0: none */
	struct conf_finding finding[CONF_FINDINGS_MAX];
	unsigned order[CONF_FINDINGS_MAX]; /* by line; made by conf_findings_tell() */
};

void conf_findings_add(struct conf_findings *f, enum conf_severity severity, unsigned line,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

void conf_findings_tell(
	struct conf_findings *f, const struct conf_report *report, const char *file);

bool conf_findings_any_error(const struct conf_findings *f);

#define conf_error(findings, line, ...)                                                            \
	conf_findings_add((findings), CONF_SEVERITY_ERROR, (line), __VA_ARGS__)
#define conf_warning(findings, line, ...)                                                          \
	conf_findings_add((findings), CONF_SEVERITY_WARNING, (line), __VA_ARGS__)
#define conf_note(findings, line, ...)                                                             \
	conf_findings_add((findings), CONF_SEVERITY_NOTE, (line), __VA_ARGS__)

#endif
