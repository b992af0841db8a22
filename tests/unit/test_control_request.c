/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "io/control_request.h"

static bool parse(const char *line, struct control_request *request, char *error)
{
	memset(request, 0xa5, sizeof(*request));
	error[0] = '\0';
	return control_request_parse(line, strlen(line), request, error);
}

static void every_verb_is_understood(void **state)
{
	struct control_request r;
	char error[CONTROL_ERROR_MAX];

	(void)state;
	assert_true(parse("{\"verb\":\"status\"}", &r, error));
	assert_int_equal(r.verb, CONTROL_STATUS);
	assert_false(r.has_group || r.on || r.force);
	assert_string_equal(r.node, "");
	assert_false(control_request_commands(&r));

	assert_true(parse("{\"verb\":\"history\"}", &r, error));
	assert_int_equal(r.verb, CONTROL_HISTORY);
	assert_false(control_request_commands(&r));
	assert_true(parse("{\"verb\":\"pulse\"}", &r, error));
	assert_int_equal(r.verb, CONTROL_PULSE);
	assert_int_equal(r.from, 0);
	assert_true(parse("{\"verb\":\"pulse\",\"from\":9000000000}", &r, error));
	assert_int_equal(r.from, 9000000000);
	assert_false(control_request_commands(&r));
	assert_true(parse("{\"verb\":\"version\"}", &r, error));
	assert_int_equal(r.verb, CONTROL_VERSION);
	assert_false(control_request_commands(&r));
	assert_true(parse("{\"verb\":\"reload\"}", &r, error));
	assert_int_equal(r.verb, CONTROL_RELOAD);
	assert_true(control_request_commands(&r));

	assert_true(parse("{\"verb\":\"why\"}", &r, error));
	assert_false(r.has_group);
	assert_true(parse("{\"verb\":\"why\",\"group\":255}", &r, error));
	assert_true(r.has_group);
	assert_int_equal(r.group, 255);
	assert_false(control_request_commands(&r));
}

static void show_has_an_object(void **state)
{
	static const char *const what[] = {
		[CONTROL_SHOW_GROUPS] = "groups",
		[CONTROL_SHOW_LINKS] = "links",
		[CONTROL_SHOW_MONITORS] = "monitors",
		[CONTROL_SHOW_MIRROR] = "mirror",
		[CONTROL_SHOW_COUNTERS] = "counters",
		[CONTROL_SHOW_CONFIG] = "config",
	};
	struct control_request r;
	char error[CONTROL_ERROR_MAX], line[64];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(what); i++) {
		snprintf(line, sizeof(line), "{\"verb\":\"show\",\"what\":\"%s\"}", what[i]);
		assert_true(parse(line, &r, error));
		assert_int_equal(r.verb, CONTROL_SHOW);
		assert_int_equal(r.what, i);
		assert_false(control_request_commands(&r));
	}
}

static void commands_have_their_members(void **state)
{
	struct control_request r;
	char error[CONTROL_ERROR_MAX];

	(void)state;
	assert_true(parse("{\"verb\":\"failover\"}", &r, error));
	assert_false(r.has_group || r.force);
	assert_true(control_request_commands(&r));
	assert_true(parse("{\"force\":true,\"group\":0,\"verb\":\"failover\"}", &r, error));
	assert_true(r.has_group && r.force);
	assert_int_equal(r.group, 0);

	assert_true(parse("{\"verb\":\"maintenance\",\"on\":true,\"node\":\"fw2\",\"group\":3,"
			  "\"force\":false}",
		&r, error));
	assert_true(r.on && r.has_group);
	assert_false(r.force);
	assert_int_equal(r.group, 3);
	assert_string_equal(r.node, "fw2");
	assert_true(control_request_commands(&r));
	assert_true(parse("{\"verb\":\"maintenance\",\"on\":false}", &r, error));
	assert_false(r.on);
}

static void sync_and_verify_may_take_long(void **state)
{
	struct control_request r;
	char error[CONTROL_ERROR_MAX];

	(void)state;
	assert_true(parse("{\"verb\":\"sync\"}", &r, error));
	assert_int_equal(r.verb, CONTROL_SYNC);
	assert_string_equal(r.kind, "");
	assert_true(control_request_commands(&r));
	assert_int_equal(control_request_time_ms(&r), CONTROL_ANSWER_LONG_MS);
	assert_true(parse("{\"verb\":\"sync\",\"kind\":\"conntrack\"}", &r, error));
	assert_string_equal(r.kind, "conntrack");
	assert_true(parse("{\"verb\":\"sync\",\"kind\":\"expectation\"}", &r, error));
	assert_true(parse("{\"verb\":\"verify\"}", &r, error));
	assert_int_equal(r.verb, CONTROL_VERIFY);
	assert_true(control_request_commands(&r));
	assert_int_equal(control_request_time_ms(&r), CONTROL_ANSWER_LONG_MS);
	assert_true(parse("{\"verb\":\"reload\"}", &r, error));
	assert_int_equal(control_request_time_ms(&r), CONTROL_ANSWER_MS);
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *line, *error;
	} bad[] = {
		{ "[1]", "a request is a JSON object" },
		{ "{}", "a request needs a \"verb\"" },
		{ "{\"verb\":1}", "a request needs a \"verb\"" },
		{ "{\"verb\":\"dance\"}", "there is no verb \"dance\"" },
		{ "{\"verb\":\"d\\n\\u00e4\"}", "there is no verb \"d???\"" },
		{ "{\"verb\":\"status\",\"group\":0}", "\"status\" has no member \"group\"" },
		{ "{\"verb\":\"failover\",\"node\":\"fw1\"}",
			"\"failover\" has no member \"node\"" },
		{ "{\"verb\":\"failover\",\"now\":1}", "\"failover\" has no member \"now\"" },
		{ "{\"verb\":\"failover\",\"group\":256}",
			"\"group\" is the id of a group, 0 to 255" },
		{ "{\"verb\":\"failover\",\"group\":-1}",
			"\"group\" is the id of a group, 0 to 255" },
		{ "{\"verb\":\"failover\",\"group\":1.0}",
			"\"group\" is the id of a group, 0 to 255" },
		{ "{\"verb\":\"pulse\",\"from\":-1}", "\"from\" is the number of a sample" },
		{ "{\"verb\":\"history\",\"from\":1}", "\"history\" has no member \"from\"" },
		{ "{\"verb\":\"why\",\"group\":null}", "\"group\" is the id of a group, 0 to 255" },
		{ "{\"verb\":\"failover\",\"force\":1}", "\"force\" is true or false" },
		{ "{\"verb\":\"maintenance\"}", "\"maintenance\" needs \"on\"" },
		{ "{\"verb\":\"maintenance\",\"on\":\"on\"}", "\"on\" is true or false" },
		{ "{\"verb\":\"maintenance\",\"on\":true,\"node\":\"\"}",
			"\"node\" is the name of a node" },
		{ "{\"verb\":\"maintenance\",\"on\":true,\"node\":7}",
			"\"node\" is the name of a node" },
		{ "{\"verb\":\"maintenance\",\"on\":true,"
		  "\"node\":\"a234567890123456789012345678901z\"}",
			"\"node\" is the name of a node" },
		{ "{\"verb\":\"verify\",\"kind\":\"sa\"}", "\"verify\" has no member \"kind\"" },
		{ "{\"verb\":\"sync\",\"kind\":\"elements\"}",
			"\"kind\" is one of conntrack, expectation, neighbour, sa, policy, "
			"ruleset, "
			"files" },
		{ "{\"verb\":\"sync\",\"kind\":\"files\",\"dry\":1}", "\"dry\" is true or false" },
		{ "{\"verb\":\"diff\",\"kind\":\"neighbour\"}",
			"\"diff\": \"kind\" is one of ruleset, files" },
		{ "{\"verb\":\"show\"}", "\"show\" needs \"what\"" },
		{ "{\"verb\":\"show\",\"what\":\"all\"}",
			"\"what\" is one of groups, links, monitors, mirror, counters, config" },
	};
	struct control_request r, untouched;
	char error[CONTROL_ERROR_MAX];

	(void)state;
	memset(&untouched, 0xa5, sizeof(untouched));
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(parse(bad[i].line, &r, error));
		assert_string_equal(error, bad[i].error);
		assert_memory_equal(&r, &untouched, sizeof(r));
	}
	assert_false(parse("{\"verb\":\"status\",\"verb\":\"reload\"}", &r, error));
	assert_ptr_equal(strstr(error, "not JSON: duplicate"), error);
	assert_false(parse("", &r, error));
	assert_ptr_equal(strstr(error, "not JSON: "), error);
	assert_false(control_request_parse("{\"verb\":\"status\"}\0", 18, &r, error));
}

static void long_messages_are_cut(void **state)
{
	char line[CONTROL_REQUEST_MAX], error[CONTROL_ERROR_MAX];
	struct control_request r;

	(void)state;
	snprintf(line, sizeof(line), "{\"verb\":\"%0*d\"}", 3000, 0);
	assert_false(parse(line, &r, error));
	assert_int_equal(strlen(error), CONTROL_ERROR_MAX - 1);
}

static void a_command_names_indexes(void **state)
{
	static struct conf conf = { .self = 1, .node = { "fw1", "fw2" }, .n_groups = 2 };
	struct control_request r = { .verb = CONTROL_FAILOVER, .force = true };
	struct command c;

	(void)state;
	conf.group[0].id = 3;
	conf.group[1].id = 7;
	assert_null(control_request_command(&r, &conf, 42, &c));
	assert_int_equal(c.verb, COMMAND_FAILOVER);
	assert_int_equal(c.group, COMMAND_ALL_GROUPS);
	assert_int_equal(c.token, 42);
	assert_true(c.force);
	assert_false(c.peer);

	r = (struct control_request){ .verb = CONTROL_MAINTENANCE,
		.on = true,
		.has_group = true,
		.group = 7,
		.node = "fw1" };
	assert_null(control_request_command(&r, &conf, 1, &c));
	assert_int_equal(c.verb, COMMAND_MAINTENANCE_ON);
	assert_int_equal(c.group, 1);
	assert_true(c.peer);
	assert_false(c.force);

	r.on = false;
	memcpy(r.node, "fw2", 4);
	assert_null(control_request_command(&r, &conf, 1, &c));
	assert_int_equal(c.verb, COMMAND_MAINTENANCE_OFF);
	assert_false(c.peer);

	memcpy(r.node, "fw3", 4);
	assert_string_equal(control_request_command(&r, &conf, 1, &c), "there is no such node");
	r.node[0] = '\0';
	r.group = 0;
	assert_string_equal(control_request_command(&r, &conf, 1, &c), "there is no such group");
	r.verb = CONTROL_STATUS;
	assert_non_null(control_request_command(&r, &conf, 1, &c));
	assert_int_equal(control_request_group(&conf, 3), 0);
	assert_int_equal(control_request_group(&conf, 4), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_verb_is_understood),
		cmocka_unit_test(show_has_an_object),
		cmocka_unit_test(commands_have_their_members),
		cmocka_unit_test(sync_and_verify_may_take_long),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(long_messages_are_cut),
		cmocka_unit_test(a_command_names_indexes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
