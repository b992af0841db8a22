/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * table: rows of text in aligned columns. The last column is wrapped to the page's width.
 */
#ifndef NSRP_CTL_TABLE_H
#define NSRP_CTL_TABLE_H

#include "page.h"

enum { TABLE_COLUMNS_MAX = 10, TABLE_CELL_MAX = 256 };

/* The fields are private. */
struct table {
	unsigned n_columns;
	size_t n_cells, size;
	struct table_cell {
		char text[TABLE_CELL_MAX];
		enum tone tone;
	} * cell;       /* owned; the titles are the first row */
	unsigned right; /* bits: columns of numbers */
	bool failed;
};

/* Titles end with NULL; one that begins with `>` is of numbers, which stand at the right. */
void table_init(struct table *t, const char *const *titles);

/* Adds a cell, from left to right, row by row. Control characters become `?`; longer text than
 * TABLE_CELL_MAX is cut off. */
void table_add(struct table *t, enum tone tone, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes the table, or nothing if it has no rows; it is empty and without titles afterwards. False
 * when memory ran out. */
bool table_print(struct table *t, const struct page *page);

#endif
