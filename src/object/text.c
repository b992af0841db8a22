/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>

struct text text_in(char text[OBJECT_TEXT_MAX])
{
	text[0] = '\0';
	return (struct text){ text, 0 };
}

void text_add(struct text *t, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(t->text + t->used, OBJECT_TEXT_MAX - t->used, format, args);
	va_end(args);
	if (len > 0)
		t->used += (size_t)len;
	if (t->used >= OBJECT_TEXT_MAX)
		t->used = OBJECT_TEXT_MAX - 1;
}
