/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reply.h"
#include "view.h"

#include <stdlib.h>
#include <string.h>

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* The first n lines. */
static void put_lines(FILE *out, const char *text, size_t n)
{
	while (n-- > 0 && *text != '\0') {
		size_t len = strcspn(text, "\n") + 1;

		(void)fwrite(text, 1, len, out);
		text += len;
	}
}

/* What `view` makes of the answer; NULL: out of memory. The caller frees it. */
static char *text_of(const struct page *page,
	void (*view)(const struct page *page, const json_t *answer), const json_t *answer)
{
	char *text = NULL;
	size_t len = 0;
	struct page own = *page;

	own.out = open_memstream(&text, &len);
	if (!own.out)
		return NULL;
	view(&own, answer);
	if (fclose(own.out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* The last n lines of history; NULL: out of memory. */
static json_t *last_of(const json_t *history, size_t n)
{
	const json_t *lines = json_object_get(history, "history");
	size_t all = json_array_size(lines);
	json_t *last = json_array();

	for (size_t i = all > n ? all - n : 0; last && i < all; i++)
		(void)json_array_append(last, json_array_get(lines, i));
	return json_pack("{s:o}", "history", last);
}

/* As many of the last changes as fit into that many rows, with their title. */
static void put_changes(const struct page *page, const json_t *history, size_t rows)
{
	for (size_t n = rows; n > 1; n--) {
		json_t *last = last_of(history, n - 1);
		char *text = last ? text_of(page, view_history, last) : NULL;
		bool fits = text && count_lines(text) <= rows;

		if (fits)
			(void)fputs(text, page->out);
		free(text);
		json_decref(last);
		if (fits)
			return;
	}
}

static size_t put_trouble(const struct page *page, const char *trouble, int64_t age_ms, bool known)
{
	char age[DURATION_MAX], line[TABLE_CELL_MAX * 2];
	char *text = NULL;
	size_t len = 0, n;
	struct page own = *page;

	duration_text(age_ms, age);
	(void)snprintf(line, sizeof(line), "%s%s%s%s", trouble,
		known ? "; what follows was so " : "", known ? age : "", known ? " ago" : "");
	own.out = open_memstream(&text, &len);
	if (!own.out)
		return 0;
	page_wrap(&own, TONE_BAD, 0, 0, line);
	(void)fclose(own.out);
	n = count_lines(text);
	(void)fputs(text, page->out);
	free(text);
	return n;
}

void view_watch(const struct page *page, size_t rows, const struct watched *w)
{
	size_t used = w->trouble ? put_trouble(page, w->trouble, w->age_ms, w->status != NULL) : 0;
	size_t room = rows > used ? rows - used : 0;
	char *text = w->status ? text_of(page, view_status, w->status) : NULL;
	size_t n = text ? count_lines(text) : 0;

	if (n > room && room > 0) {
		put_lines(page->out, text, room - 1);
		page_put(page, TONE_DIM, "(%zu more lines: nsrpctl status)", n - room + 1);
		(void)fputc('\n', page->out);
	} else if (text) {
		(void)fputs(text, page->out);
	}
	/* A blank line, the title and at least one change. */
	if (w->history && room >= n + 3 && reply_has(w->history, "history") &&
		json_array_size(json_object_get(w->history, "history")) > 0) {
		(void)fputc('\n', page->out);
		put_changes(page, w->history, room - n - 1);
	}
	free(text);
}
