/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verb.h"

#include <stdarg.h>
#include <stdio.h>

int verb_fail(int status, const char *format, ...)
{
	va_list arguments;

	(void)fputs("nsrpctl: ", stderr);
	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fputc('\n', stderr);
	return status;
}

void verb_print_json(const json_t *answer)
{
	(void)json_dumpf(answer, stdout, JSON_COMPACT);
	(void)fputc('\n', stdout);
}
