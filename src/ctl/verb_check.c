/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"
#include "page.h"
#include "verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_DEFAULT "/etc/nsrpd/nsrpd.conf"

/* What one call of check works on. */
struct work {
	const char *file;
	char *text; /* owned; the file */
	size_t len;
	struct conf *conf;            /* owned; CONF_NODES of them */
	const char *node[CONF_NODES]; /* those that are looked at; into conf */
	unsigned n_nodes;
	struct check_findings findings;
};

/* 0 or negative errno. One byte more than a configuration may have is enough to tell. */
static int read_file(struct work *w)
{
	enum { SIZE = CONF_TEXT_MAX + 1 };
	int error = 0;
	int fd = open(w->file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	w->text = (char *)malloc(SIZE);
	if (!w->text)
		error = -ENOMEM;
	while (!error && w->len < SIZE) {
		ssize_t n = read(fd, w->text + w->len, SIZE - w->len);

		if (n < 0 && errno != EINTR)
			error = -errno;
		if (n == 0)
			break;
		if (n > 0)
			w->len += (size_t)n;
	}
	close(fd);
	return error;
}

/* One reading looks at both nodes' side, so that what it finds is all there is; the other node's
 * is for showing what it comes to. */
static int read_conf(struct work *w, const char *node, const char *host)
{
	const struct conf_report report = { &w->findings, check_conf_found };
	char first[CONF_NAME_MAX];

	if (!node)
		node = check_first_node(w->text, w->len, first) ? first : host;
	int error = conf_read(w->file, w->text, w->len, node, &report, &w->conf[0]);

	if (error)
		return error;
	w->node[w->n_nodes++] = w->conf[0].node[w->conf[0].self];
	if (node != first)
		return 0;
	node = w->conf[0].node[1 - w->conf[0].self];
	error = conf_read(w->file, w->text, w->len, node, &check_silent, &w->conf[1]);
	if (!error)
		w->node[w->n_nodes++] = w->conf[1].node[w->conf[1].self];
	return error;
}

/* Keys, interfaces, programs and ruleset are those of a node that this host is, or that was named.
 */
static void look_at_host(struct work *w, const char *node, const char *host)
{
	for (unsigned i = 0; i < w->n_nodes; i++) {
		if (node || strcmp(w->node[i], host) == 0) {
			check_keys(&w->conf[i], &w->findings);
			check_interfaces(&w->conf[i], &w->findings);
			check_vmacs(&w->conf[i], &w->findings);
			check_programs(&w->conf[i], &w->findings);
			check_ruleset(&w->conf[i], &w->findings);
			return;
		}
	}
	check_found(&w->findings, CONF_SEVERITY_NOTE, 0,
		"this host is neither node: key files, interfaces, programs and NAT are not "
		"checked "
		"(-n NODE checks them)");
}

static const char *choice_text(const struct conf *conf)
{
	bool automatic = false, list = false;

	for (unsigned i = 0; i < conf->n_groups; i++) {
		automatic = automatic || conf->group[i].secondary_choice == CONF_CHOICE_AUTO;
		list = list || conf->group[i].secondary_choice == CONF_CHOICE_LIST;
	}
	if (automatic && list)
		return "chosen and listed";
	return automatic ? "chosen by itself" : list ? "as listed" : "by configuration";
}

static json_t *secondary_paths(const struct conf *conf)
{
	json_t *paths = json_array();

	for (unsigned i = conf->n_links; i < conf->n_paths; i++)
		(void)json_array_append_new(paths, json_string(conf->path[i].name));
	return paths;
}

static const char *severity_text(enum conf_severity severity)
{
	switch (severity) {
	case CONF_SEVERITY_ERROR: return "error";
	case CONF_SEVERITY_WARNING: return "warning";
	case CONF_SEVERITY_NOTE: return "note";
	}
	return "?";
}

static void print_json(const struct work *w)
{
	json_t *findings = json_array(), *nodes = json_array();

	for (size_t i = 0; i < w->findings.n; i++) {
		const struct check_finding *f = &w->findings.finding[i];

		(void)json_array_append_new(findings,
			json_pack("{s:s, s:i, s:s}", "severity", severity_text(f->severity), "line",
				(int)f->line, "text", f->text));
	}
	for (unsigned i = 0; i < w->n_nodes; i++)
		(void)json_array_append_new(
			nodes, json_pack("{s:s, s:o}", "node", w->node[i], "secondary_paths",
				       secondary_paths(&w->conf[i])));
	json_t *answer = json_pack("{s:s, s:b, s:o, s:o}", "file", w->file, "ok",
		w->findings.n_errors == 0, "findings", findings, "nodes", nodes);

	verb_print_json(answer);
	json_decref(answer);
}

/* In the form that editors know: FILE:LINE: error: text. */
static void print_findings(
	const struct page *page, const struct work *w, enum conf_severity severity)
{
	static const enum tone tones[] = { TONE_BAD, TONE_POOR, TONE_DIM };
	enum { INDENT = 4 };

	for (size_t i = 0; i < w->findings.n; i++) {
		const struct check_finding *f = &w->findings.finding[i];
		char line[16] = "";

		if (f->severity != severity)
			continue;
		if (f->line > 0)
			(void)snprintf(line, sizeof(line), ":%u", f->line);
		size_t at = text_width(w->file) + text_width(line) + 2 * strlen(": ") +
			    strlen(severity_text(severity));

		(void)fprintf(page->out, "%s%s: ", w->file, line);
		page_put(page, tones[severity], "%s", severity_text(severity));
		(void)fputs(": ", page->out);
		page_wrap(page, TONE_PLAIN, at, INDENT, f->text);
	}
}

static void print_secondary(const struct page *page, const struct work *w)
{
	for (unsigned n = 0; n < w->n_nodes; n++) {
		const struct conf *conf = &w->conf[n];

		(void)fprintf(page->out, "secondary paths of %s: ", w->node[n]);
		if (conf->n_paths == conf->n_links)
			(void)fputs("none", page->out);
		for (unsigned i = conf->n_links; i < conf->n_paths; i++)
			(void)fprintf(page->out, "%s%s", i > conf->n_links ? ", " : "",
				conf->path[i].name);
		(void)fprintf(page->out, " (%s)\n", choice_text(conf));
	}
}

static void print(const struct work *w, FILE *out)
{
	struct page page = page_of(out);
	const struct check_findings *f = &w->findings;

	if (isatty(fileno(out)) != 1)
		page.width = 0; /* a finding a line, for programs */

	(void)fprintf(page.out, "%s: ", w->file);
	if (f->n_errors > 0)
		page_put(&page, TONE_BAD, "refused, %u error%s", f->n_errors,
			f->n_errors == 1 ? "" : "s");
	else
		page_put(&page, f->n_warnings > 0 ? TONE_POOR : TONE_GOOD, "good%s%s%s%s",
			w->n_nodes > 0 ? " for " : "", w->n_nodes > 0 ? w->node[0] : "",
			w->n_nodes > 1 ? " and " : "", w->n_nodes > 1 ? w->node[1] : "");
	if (f->n_warnings > 0)
		page_put(&page, TONE_POOR, ", %u warning%s", f->n_warnings,
			f->n_warnings == 1 ? "" : "s");
	(void)fputc('\n', page.out);
	print_findings(&page, w, CONF_SEVERITY_ERROR);
	print_findings(&page, w, CONF_SEVERITY_WARNING);
	if (f->n_errors == 0) /* else they only hide what matters */
		print_findings(&page, w, CONF_SEVERITY_NOTE);
	print_secondary(&page, w);
}

int verb_check(const struct invocation *in)
{
	struct work w = { .file = in->n_arguments > 0 ? in->argument[0] : FILE_DEFAULT };
	char host[CONF_NAME_MAX * 8] = "";
	int error = read_file(&w);
	int status = CTL_FAILED;

	(void)gethostname(host, sizeof(host) - 1);
	if (error) {
		(void)verb_fail(CTL_FAILED, "%s: %s", w.file, strerror(-error));
		goto out;
	}
	w.conf = (struct conf *)calloc(CONF_NODES, sizeof(*w.conf));
	if (!w.conf) {
		(void)verb_fail(CTL_FAILED, "out of memory");
		goto out;
	}
	if (read_conf(&w, in->node, host) == 0)
		look_at_host(&w, in->node, host);
	status = w.findings.n_errors > 0 || w.n_nodes == 0 ? CTL_FAILED : CTL_DONE;
	if (in->options & OPTION_JSON)
		print_json(&w);
	if (status != CTL_DONE || !(in->options & OPTION_JSON))
		print(&w, status == CTL_DONE ? stdout : stderr);
out:
	check_findings_fini(&w.findings);
	free(w.conf);
	free(w.text);
	return status;
}
