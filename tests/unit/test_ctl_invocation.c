/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/invocation.h"

/* Splits the line at its blanks. */
static bool parse(const char *line, struct invocation *in, char *error)
{
	static char copy[256];
	const char *argv[16];
	int argc = 0;
	char *next;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " ", &next); word; word = strtok_r(NULL, " ", &next))
		argv[argc++] = word;
	memset(in, 0, sizeof(*in));
	error[0] = '\0';
	return invocation_parse(argc, argv, in, error);
}

static void no_verb_means_status(void **state)
{
	struct invocation in;
	char error[INVOCATION_ERROR_MAX];

	(void)state;
	assert_true(parse("", &in, error));
	assert_string_equal(in.verb->name, "status");
	assert_string_equal(in.rundir, "/run/nsrpd");
	assert_int_equal(in.options, 0);
	assert_true(parse("--check", &in, error));
	assert_string_equal(in.verb->name, "status");
	assert_int_equal(in.options, OPTION_CHECK);
}

static void options_stand_before_and_behind_the_verb(void **state)
{
	static const char *const lines[] = {
		"-r /run/a --json failover 7 --force",
		"failover 7 --force --json -r /run/a",
		"failover --json -r/run/a --force -- 7",
		"--force failover -r /run/a 7 --json",
	};
	struct invocation in;
	char error[INVOCATION_ERROR_MAX];
	uint8_t id;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		assert_true(parse(lines[i], &in, error));
		assert_string_equal(in.verb->name, "failover");
		assert_string_equal(in.rundir, "/run/a");
		assert_int_equal(in.options, OPTION_JSON | OPTION_RUNDIR | OPTION_FORCE);
		assert_true(invocation_group(&in, &id));
		assert_int_equal(id, 7);
	}
}

static void maintenance_has_a_word_a_group_and_a_node(void **state)
{
	struct invocation in;
	char error[INVOCATION_ERROR_MAX];
	uint8_t id;

	(void)state;
	assert_true(parse("maintenance on", &in, error));
	assert_string_equal(in.argument[0], "on");
	assert_false(invocation_group(&in, &id));
	assert_null(in.node);
	assert_true(parse("maintenance off 255 --node=fw2", &in, error));
	assert_true(invocation_group(&in, &id));
	assert_int_equal(id, 255);
	assert_string_equal(in.node, "fw2");
	assert_true(parse("maintenance on -n fw1", &in, error));
	assert_string_equal(in.node, "fw1");
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *line, *error;
	} bad[] = {
		{ "dance", "there is no verb `dance`" },
		{ "--dance", "there is no option `--dance`" },
		{ "-rr --nodes", "there is no option `--nodes`" },
		{ "status --force", "status has no option --force" },
		{ "failover --node fw1", "failover has no option --node" },
		{ "failover 1 2", "failover: too many arguments: `2`" },
		{ "failover -1", "there is no option `-1`" },
		{ "failover 256", "failover: found `256`, allowed: the id of a group, 0 to 255" },
		{ "why 1x", "why: found `1x`, allowed: the id of a group, 0 to 255" },
		{ "show",
			"usage: nsrpctl show groups|links|monitors|mirror|counters|config|pulse" },
		{ "show link", "show: found `link`, allowed: groups links monitors mirror counters "
			       "config pulse" },
		{ "maintenance",
			"usage: nsrpctl maintenance on|off [GROUP] [--node NAME] [--force]" },
		{ "maintenance maybe", "maintenance: found `maybe`, allowed: on off" },
		{ "maintenance on fw1",
			"maintenance: found `fw1`, allowed: the id of a group, 0 to 255" },
		{ "maintenance on --node", "--node needs a value: NAME" },
		{ "maintenance on --node=", "--node needs a value: NAME" },
		{ "sync conntrack all", "sync: too many arguments: `all`" },
		{ "verify conntrack", "verify: too many arguments: `conntrack`" },
		{ "verify --force", "verify has no option --force" },
		{ "status -r", "-r needs a value: RUNDIR" },
	};
	struct invocation in;
	char error[INVOCATION_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(parse(bad[i].line, &in, error));
		assert_string_equal(error, bad[i].error);
	}
}

static void help_is_given_whatever_else_is_wrong(void **state)
{
	struct invocation in;
	char error[INVOCATION_ERROR_MAX];

	(void)state;
	assert_true(parse("--help", &in, error));
	assert_true(in.options & OPTION_HELP);
	assert_true(parse("show -h", &in, error));
	assert_true(in.options & OPTION_HELP);
}

static const struct verb *verb_named(const char *name)
{
	for (size_t i = 0; i < verbs_count; i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

/* The verbs that users and outside tests rely on. */
static void the_table_has_every_verb(void **state)
{
	static const char *const names[] = { "status", "show", "failover", "maintenance", "why",
		"history", "watch", "diff", "sync", "verify", "reload", "check", "genkey",
		"metrics", "report", "version" };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_non_null(out);
	invocation_help(out);
	fclose(out);
	assert_int_equal(verbs_count, ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char line[64];

		assert_non_null(verb_named(names[i]));
		snprintf(line, sizeof(line), "\n  %s", names[i]);
		assert_non_null(strstr(text, line));
	}
	for (size_t i = 0; i < verbs_count; i++)
		assert_non_null(verbs[i].run);
	for (const char *line = text; line && *line != '\0'; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_verb_means_status),
		cmocka_unit_test(options_stand_before_and_behind_the_verb),
		cmocka_unit_test(maintenance_has_a_word_a_group_and_a_node),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(help_is_given_whatever_else_is_wrong),
		cmocka_unit_test(the_table_has_every_verb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
