/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * page: where readable text goes: how wide it may be, and whether it may be coloured.
 */
#ifndef NSRP_CTL_PAGE_H
#define NSRP_CTL_PAGE_H

#include "nsrp/base.h"

#include <stdio.h>

enum { PAGE_WIDTH = 80 };

/* What text means; colour only stresses what the words say. */
enum tone {
	TONE_PLAIN,
	TONE_GOOD,
	TONE_POOR, /* a warning */
	TONE_BAD,  /* critical */
	TONE_HEAD, /* a title */
	TONE_DIM,  /* of less interest */
};

struct page {
	FILE *out; /* borrowed */
	bool coloured;
	unsigned width; /* columns; 0 = lines are not wrapped */
};

/* The page for this stream: where that is a terminal, as wide as it is, and coloured when NO_COLOR
 * is not set; else PAGE_WIDTH wide. */
struct page page_of(FILE *out);

/* Writes text in a tone. */
void page_put(const struct page *page, enum tone tone, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Columns that UTF-8 text takes: one for each character. */
size_t text_width(const char *text);

/* Writes `text` from column `at` on, broken between words into lines that begin at `indent`.
 * Ends in a line end. */
void page_wrap(const struct page *page, enum tone tone, size_t at, size_t indent, const char *text);

#endif
