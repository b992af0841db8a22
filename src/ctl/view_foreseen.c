/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reply.h"
#include "view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* `a`, `a or b`, `a, b or c` */
static void put_names(FILE *out, const json_t *names)
{
	size_t n = json_array_size(names);

	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_array_get(names, i));

		(void)fprintf(out, "%s%s",
			i == 0      ? ""
			: i + 1 < n ? ", "
				    : " or ",
			name ? name : "?");
	}
}

static void put_mishap(FILE *out, const json_t *mishap)
{
	const char *what = reply_text(mishap, "what"), *where = reply_text(mishap, "where");
	const json_t *names = json_object_get(mishap, "names");
	bool both = strcmp(where, "both") == 0;

	(void)fputs("if ", out);
	if (strcmp(what, "links") == 0)
		(void)fputs("all HA links are cut", out);
	else if (strcmp(what, "apart") == 0)
		(void)fputs("HA links and secondary paths are cut", out);
	else if (strcmp(what, "link") == 0)
		(void)fputs("HA link ", out);
	put_names(out, strcmp(what, "links") == 0 ? NULL : names);
	if (strcmp(what, "link") == 0)
		(void)fputs(" is cut", out);
	else if (strcmp(what, "node") == 0)
		(void)fputs(" dies", out);
	else if (strcmp(what, "monitor") == 0)
		(void)fprintf(out, " fails on %s", both ? "both nodes" : where);
}

static void put_outcome(FILE *out, const json_t *mishap)
{
	const json_t *masters = json_object_get(mishap, "masters");
	const char *first = json_string_value(json_array_get(masters, 0));
	size_t n = json_array_size(masters);

	if (n == 0)
		(void)fputs(": nobody is master", out);
	else if (n > 1)
		(void)fputs(": both nodes are master", out);
	else if (reply_claim(mishap, "moves"))
		(void)fprintf(out, ": %s takes over%s", first ? first : "?",
			reply_claim(mishap, "in_sync") ? "" : ", and lacks sessions");
	else
		(void)fprintf(out, ": %s stays master", first ? first : "?");
	if (n > 0)
		(void)fprintf(out, " (rule %s)", reply_text(mishap, "rule"));
}

static enum tone tone_of(const json_t *mishap)
{
	if (json_array_size(json_object_get(mishap, "masters")) != 1)
		return TONE_BAD;
	return reply_claim(mishap, "in_sync") ? TONE_PLAIN : TONE_POOR;
}

static void put_foreseen(const struct page *page, const json_t *mishap)
{
	enum { AT = 2, INDENT = 4 };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (out) {
		put_mishap(out, mishap);
		put_outcome(out, mishap);
		(void)fclose(out);
	}
	(void)fprintf(page->out, "%*s", AT, "");
	page_wrap(page, tone_of(mishap), AT, INDENT, text ? text : "(out of memory)");
	free(text);
}

void view_foreseen(const struct page *page, const json_t *why)
{
	const json_t *mishaps = json_object_get(why, "if");

	if (reply_claim(json_object_get(why, "inputs"), "conf_differs"))
		(void)fprintf(page->out, "  the nodes have different configurations: the peer's "
					 "may decide otherwise\n");
	if (!json_is_array(mishaps))
		(void)fprintf(page->out,
			"  nsrpctl why %" PRId64 " tells what would come of failures\n",
			reply_number(why, "id"));
	for (size_t i = 0; i < json_array_size(mishaps); i++)
		put_foreseen(page, json_array_get(mishaps, i));
}
