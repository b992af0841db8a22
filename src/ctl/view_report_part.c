/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reply.h"
#include "view_report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum { NUMBER_MAX = 64 };

/* Control characters, which XML does not allow, become `?`. */
static void put_character(FILE *out, char c)
{
	switch (c) {
	case '&': (void)fputs("&amp;", out); break;
	case '<': (void)fputs("&lt;", out); break;
	case '>': (void)fputs("&gt;", out); break;
	case '"': (void)fputs("&quot;", out); break;
	default: (void)fputc((unsigned char)c < 0x20 || c == 0x7f ? '?' : c, out); break;
	}
}

void report_put(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		put_character(out, *text);
}

void report_row(FILE *out, const char *cell, ...)
{
	va_list more;

	(void)fputs("<tr>", out);
	va_start(more, cell);
	while (cell) {
		(void)fputs("<td>", out);
		report_put(out, cell);
		(void)fputs("</td>", out);
		/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
		cell = va_arg(more, const char *);
	}
	va_end(more);
	(void)fputs("</tr>\n", out);
}

static void begin_table(FILE *out, const char *title, const char *heads)
{
	(void)fprintf(out, "<h2>%s</h2>\n<table><tr>%s</tr>\n", title, heads);
}

static void put_groups(FILE *out, const json_t *status)
{
	const json_t *groups = json_object_get(status, "groups");

	begin_table(out, "Groups",
		"<th>group</th><th>node</th><th>state</th><th>because</th><th>priority</th>"
		"<th>term</th>");
	for (size_t i = 0; i < 2 * json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i / 2);
		const json_t *standing = json_object_get(group, i % 2 ? "peer" : "own");
		char id[NUMBER_MAX], priority[NUMBER_MAX], term[NUMBER_MAX];

		if (!json_is_object(standing))
			continue;
		(void)snprintf(id, sizeof(id), "%" PRId64, reply_number(group, "id"));
		(void)snprintf(
			priority, sizeof(priority), "%" PRId64, reply_number(standing, "priority"));
		(void)snprintf(term, sizeof(term), "%" PRId64, reply_number(standing, "term"));
		report_row(out, id, reply_text(standing, "node"), reply_text(standing, "state"),
			reply_text_or(standing, "cause", reply_text(group, "rule_text")), priority,
			term, NULL);
	}
	(void)fputs("</table>\n", out);
}

static void put_links(FILE *out, const json_t *status)
{
	const json_t *links = json_object_get(status, "links");

	begin_table(out, "Heartbeats",
		"<th>path</th><th>kind</th><th>state</th><th>carrier</th><th>heard ago</th>");
	for (size_t i = 0; i < json_array_size(links); i++) {
		const json_t *link = json_array_get(links, i);
		char heard[DURATION_MAX];

		reply_duration(link, "last_heard_ms", heard);
		report_row(out, reply_text(link, "name"),
			reply_claim(link, "secondary") ? "secondary path" : "HA link",
			reply_text(link, "state"), reply_claim(link, "carrier") ? "up" : "down",
			heard, NULL);
	}
	(void)fputs("</table>\n", out);
}

static const char *verdict(const json_t *monitor)
{
	if (!json_is_object(monitor))
		return "-";
	return reply_claim(monitor, "ok") ? "ok" : "fails";
}

static void put_monitors(FILE *out, const json_t *status)
{
	const json_t *monitors = json_object_get(status, "monitors");

	begin_table(out, "Monitors",
		"<th>monitor</th><th>here</th><th>for</th><th>at the peer</th><th>weight</th>");
	for (size_t i = 0; i < json_array_size(monitors); i++) {
		const json_t *monitor = json_array_get(monitors, i);
		char since[DURATION_MAX], weight[NUMBER_MAX];

		reply_duration(monitor, "since_ms", since);
		(void)snprintf(weight, sizeof(weight), "%" PRId64, reply_number(monitor, "weight"));
		report_row(out, reply_text(monitor, "name"), verdict(monitor), since,
			verdict(json_object_get(monitor, "peer")), weight, NULL);
	}
	(void)fputs("</table>\n", out);
}

static void put_mirror(FILE *out, const json_t *status)
{
	json_t *kind, *mirror = json_object_get(status, "mirror");
	const char *name;

	begin_table(out, "Mirror",
		"<th>kind</th><th>of this node</th><th>of the peer</th><th>in "
		"sync</th><th>lag</th>");
	json_object_foreach(mirror, name, kind)
	{
		char local[NUMBER_MAX], mirrored[NUMBER_MAX], lag[DURATION_MAX];

		if (!reply_claim(kind, "on"))
			continue;
		(void)snprintf(local, sizeof(local), "%" PRId64, reply_number(kind, "local"));
		(void)snprintf(
			mirrored, sizeof(mirrored), "%" PRId64, reply_number(kind, "mirrored"));
		reply_duration(kind, "lag_ms", lag);
		report_row(out, name, local, mirrored, reply_claim(kind, "in_sync") ? "yes" : "no",
			lag, NULL);
	}
	(void)fputs("</table>\n", out);
}

void report_now(FILE *out, const json_t *status)
{
	put_groups(out, status);
	put_links(out, status);
	put_monitors(out, status);
	put_mirror(out, status);
}
