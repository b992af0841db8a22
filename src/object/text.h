/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * text: one line in OBJECT_TEXT_MAX bytes; what does not fit is cut off.
 */
#ifndef NSRP_OBJECT_TEXT_H
#define NSRP_OBJECT_TEXT_H

#include "nsrp/object.h"

struct text {
	char *text; /* borrowed; OBJECT_TEXT_MAX bytes */
	size_t used;
};

/* Starts an empty line. */
struct text text_in(char text[OBJECT_TEXT_MAX]);
__attribute__((format(printf, 2, 3))) void text_add(struct text *t, const char *format, ...);

#endif
