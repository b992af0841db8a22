/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2 };

/* A new cell, or NULL when memory ran out. */
static struct table_cell *grow(struct table *t)
{
	if (t->n_cells == t->size) {
		size_t size = t->size ? t->size * 2 : 64;
		struct table_cell *grown =
			(struct table_cell *)realloc(t->cell, size * sizeof(*grown));

		if (!grown) {
			t->failed = true;
			return NULL;
		}
		t->cell = grown;
		t->size = size;
	}
	return &t->cell[t->n_cells++];
}

void table_add(struct table *t, enum tone tone, const char *format, ...)
{
	struct table_cell *cell = grow(t);
	va_list arguments;

	if (!cell)
		return;
	cell->tone = tone;
	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
	(void)vsnprintf(cell->text, sizeof(cell->text), format, arguments);
	va_end(arguments);
	for (char *c = cell->text; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
}

void table_init(struct table *t, const char *const *titles)
{
	*t = (struct table){ 0 };
	while (titles[t->n_columns]) {
		const char *title = titles[t->n_columns];
		bool right = title[0] == '>';

		assert(t->n_columns < TABLE_COLUMNS_MAX);
		if (right)
			t->right |= 1u << t->n_columns;
		table_add(t, TONE_HEAD, "%s", right ? title + 1 : title);
		t->n_columns++;
	}
}

static void measure(const struct table *t, size_t width[TABLE_COLUMNS_MAX])
{
	memset(width, 0, TABLE_COLUMNS_MAX * sizeof(width[0]));
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t needed = text_width(t->cell[i].text);
		size_t column = i % t->n_columns;

		if (needed > width[column])
			width[column] = needed;
	}
}

/* Blanks are written in front of the next text only: no line ends in them. */
static void print_row(const struct table *t, const struct page *page,
	const size_t width[TABLE_COLUMNS_MAX], const struct table_cell *row)
{
	size_t at = 0;  /* where the column begins */
	size_t end = 0; /* of what is written */
	unsigned last = t->n_columns - 1;

	for (unsigned i = 0; i <= last; i++) {
		size_t needed = text_width(row[i].text);
		size_t begin = t->right & 1u << i ? at + width[i] - needed : at;

		at += width[i] + GAP;
		if (needed == 0)
			continue;
		(void)fprintf(page->out, "%*s", (int)(begin - end), "");
		end = begin + needed;
		if (i == last) {
			page_wrap(page, row[i].tone, begin, begin, row[i].text);
			return;
		}
		page_put(page, row[i].tone, "%s", row[i].text);
	}
	(void)fputc('\n', page->out);
}

bool table_print(struct table *t, const struct page *page)
{
	size_t width[TABLE_COLUMNS_MAX];
	bool ok = !t->failed;

	assert(t->failed || t->n_cells % t->n_columns == 0);
	if (ok && t->n_cells > t->n_columns) {
		measure(t, width);
		for (size_t i = 0; i < t->n_cells; i += t->n_columns)
			print_row(t, page, width, &t->cell[i]);
	}
	free(t->cell);
	*t = (struct table){ 0 };
	return ok;
}
