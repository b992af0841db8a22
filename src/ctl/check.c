/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void check_findings_fini(struct check_findings *f)
{
	free(f->finding);
	*f = (struct check_findings){ 0 };
}

static bool has(const struct check_findings *f, const struct check_finding *wanted)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct check_finding *finding = &f->finding[i];

		if (finding->severity == wanted->severity && finding->line == wanted->line &&
			strcmp(finding->text, wanted->text) == 0)
			return true;
	}
	return false;
}

static void keep(struct check_findings *f, const struct check_finding *finding)
{
	if (has(f, finding))
		return;
	if (f->n == f->size) {
		size_t size = f->size ? f->size * 2 : 16;
		struct check_finding *grown =
			(struct check_finding *)realloc(f->finding, size * sizeof(*grown));

		if (!grown) {
			f->failed = true;
			f->n_errors++;
			return;
		}
		f->finding = grown;
		f->size = size;
	}
	f->finding[f->n++] = *finding;
	f->n_errors += finding->severity == CONF_SEVERITY_ERROR;
	f->n_warnings += finding->severity == CONF_SEVERITY_WARNING;
}

void check_found(struct check_findings *f, enum conf_severity severity, unsigned line,
	const char *format, ...)
{
	struct check_finding finding = { .severity = severity, .line = line };
	va_list arguments;

	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
	(void)vsnprintf(finding.text, sizeof(finding.text), format, arguments);
	va_end(arguments);
	keep(f, &finding);
}

void check_conf_found(
	void *user, enum conf_severity severity, const char *file, unsigned line, const char *text)
{
	(void)file;
	check_found((struct check_findings *)user, severity, line, "%s", text);
}

static void ignore_found(
	void *user, enum conf_severity severity, const char *file, unsigned line, const char *text)
{
	(void)user;
	(void)severity;
	(void)file;
	(void)line;
	(void)text;
}

const struct conf_report check_silent = { NULL, ignore_found };

bool check_first_node(const char *text, size_t len, char ret_name[CONF_NAME_MAX])
{
	static const char begin[] = "[node";
	size_t begin_len = sizeof(begin) - 1;

	for (size_t at = 0; at < len;) {
		const char *line = text + at;
		const char *end = (const char *)memchr(line, '\n', len - at);
		size_t line_len = end ? (size_t)(end - line) : len - at;
		const char *close = (const char *)memchr(line, ']', line_len);

		at += line_len + 1;
		while (line_len > 0 && (*line == ' ' || *line == '\t')) {
			line++;
			line_len--;
		}
		if (!close || line_len <= begin_len || memcmp(line, begin, begin_len) != 0)
			continue;
		const char *name = line + begin_len;

		while (name < close && (*name == ' ' || *name == '\t'))
			name++;
		while (close > name && (close[-1] == ' ' || close[-1] == '\t'))
			close--;
		if (name == line + begin_len || name == close || close - name >= CONF_NAME_MAX)
			continue;
		memcpy(ret_name, name, (size_t)(close - name));
		ret_name[close - name] = '\0';
		return true;
	}
	return false;
}
