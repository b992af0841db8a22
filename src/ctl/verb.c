/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verb.h"

#include <stdarg.h>

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

int verb_ask(const struct invocation *in, int time_ms, json_t *request, json_t **ret_answer,
	char error[CLIENT_ERROR_MAX])
{
	int status = CTL_UNREACHABLE;

	if (!request) {
		(void)snprintf(error, CLIENT_ERROR_MAX, "out of memory");
		return CTL_FAILED;
	}
	switch (client_ask(in->rundir, request, time_ms, ret_answer, error)) {
	case CLIENT_ANSWERED: status = CTL_DONE; break;
	case CLIENT_REFUSED: status = CTL_FAILED; break;
	case CLIENT_UNREACHABLE: status = CTL_UNREACHABLE; break;
	}
	json_decref(request);
	return status;
}
