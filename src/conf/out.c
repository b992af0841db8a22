/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "out.h"

#include <stdarg.h>
#include <stdio.h>

void conf_out_add(struct conf_out *out, const char *format, ...)
{
	bool fits = out->len < out->size;
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
	int len = vsnprintf(
		fits ? out->buf + out->len : NULL, fits ? out->size - out->len : 0, format, args);
	va_end(args);
	if (len > 0)
		out->len += (size_t)len;
}
