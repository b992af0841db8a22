/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests on the control socket: any bytes are parsed or refused in words, and what is parsed
 * keeps its promises.
 */
#include <assert.h>
#include <string.h>

#include "io/control_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conf conf = { .node = { "fw1", "fw2" }, .n_groups = 1 };
	struct control_request request;
	char error[CONTROL_ERROR_MAX] = "";
	struct command command;

	if (!control_request_parse((const char *)data, size, &request, error)) {
		assert(error[0] != '\0' && memchr(error, '\0', sizeof(error)));
		for (const char *c = error; *c != '\0'; c++)
			assert(*c >= 0x20 && *c <= 0x7e);
		return 0;
	}
	assert(size <= CONTROL_REQUEST_MAX);
	assert(memchr(request.node, '\0', sizeof(request.node)));
	assert(request.verb == CONTROL_SHOW || request.what == CONTROL_SHOW_GROUPS);
	if (!control_request_command(&request, &conf, 1, &command)) {
		assert(control_request_commands(&request));
		assert(command.group == 0 || command.group == COMMAND_ALL_GROUPS);
	}
	return 0;
}
