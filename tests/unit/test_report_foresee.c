/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `why` tells of mishaps, asked of two cores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../sim/pair.h"
#include "io/report.h"

static int set_up(void **state)
{
	*state = pair_new();
	return 0;
}

static int tear_down(void **state)
{
	pair_free(*state);
	return 0;
}

static json_t *why(const struct pair *p, unsigned i, unsigned group)
{
	static struct node_view view;
	struct report_input in = {
		.conf = p->side[i].conf,
		.view = &view,
		.node = p->side[i].node,
		.version = "1",
	};

	node_look(p->side[i].node, pair_clock(p, i), &view);
	json_t *report = report_why(&in, group);

	assert_non_null(report);
	return report;
}

/* Each mishap as a line `WHAT NAMES WHERE: MASTERS[ moves][ lacks] RULE`. */
static void put_line(FILE *out, const json_t *m)
{
	const json_t *name;
	size_t i;

	(void)fprintf(out, "%s ", json_string_value(json_object_get(m, "what")));
	json_array_foreach(json_object_get(m, "names"), i, name)(void)
		fprintf(out, "%s,", json_string_value(name));
	if (json_is_string(json_object_get(m, "where")))
		(void)fprintf(out, " %s", json_string_value(json_object_get(m, "where")));
	(void)fputc(':', out);
	json_array_foreach(json_object_get(m, "masters"), i, name)(void)
		fprintf(out, " %s", json_string_value(name));
	(void)fprintf(out, "%s%s %s\n", json_is_true(json_object_get(m, "moves")) ? " moves" : "",
		json_is_true(json_object_get(m, "in_sync")) ? "" : " lacks",
		json_string_value(json_object_get(m, "rule")));
}

static void assert_foreseen(const struct pair *p, unsigned i, const char *expected)
{
	json_t *report = why(p, i, 0), *mishap;
	char *text = NULL;
	size_t len = 0, at;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	json_array_foreach(
		json_object_get(json_array_get(json_object_get(report, "groups"), 0), "if"), at,
		mishap) put_line(out, mishap);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, expected);
	free(text);
	json_decref(report);
}

static void every_mishap_is_foreseen(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_run(p, 3000);
	assert_foreseen(p, 0,
		"monitor m0, fw1: fw2 moves 2b\n"
		"monitor m1, fw1: fw1 2a\n"
		"monitor m0,m1, fw2: fw1 2a\n"
		"monitor m0, both: fw1 3\n"
		"monitor m1, both: fw1 2a\n"
		"node fw1,: fw2 moves 4c\n"
		"node fw2,: fw1 2a\n"
		"link ha0,: fw1 2a\n"
		"link ha1,: fw1 2a\n"
		"links ha0,ha1,: fw1 2a\n"
		"apart : fw1 fw2 moves 4c\n");
	assert_foreseen(p, 1,
		"monitor m0,m1, fw2: fw1 2a\n"
		"monitor m0, fw1: fw2 moves 2b\n"
		"monitor m1, fw1: fw1 2a\n"
		"monitor m0, both: fw1 3\n"
		"monitor m1, both: fw1 2a\n"
		"node fw2,: fw1 2a\n"
		"node fw1,: fw2 moves 4c\n"
		"link ha0,: fw1 2a\n"
		"link ha1,: fw1 2a\n"
		"links ha0,ha1,: fw1 2a\n"
		"apart : fw1 fw2 moves 4c\n");
}

static void what_is_broken_already_is_left_out(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_sync(p, 1, false);
	pair_monitor(p, 1, 0, false);
	pair_cut(p, 1, true);
	pair_cut(p, 2, true);
	pair_run(p, 3000);
	assert_foreseen(p, 0,
		"monitor m0, fw1: fw1 3\n"
		"monitor m1, fw1: fw1 2a\n"
		"monitor m1, fw2: fw1 2a\n"
		"monitor m1, both: fw1 2a\n"
		"node fw1,: fw2 moves lacks 4c\n"
		"node fw2,: fw1 2a\n"
		"link ha0,: fw1 fw2 moves lacks 4c\n"
		"links ha0,ha1,: fw1 fw2 moves lacks 4c\n"
		"apart : fw1 fw2 moves lacks 4c\n");
	pair_power_off(p, 1);
	pair_run(p, 3000);
	assert_foreseen(p, 0,
		"monitor m0,m1, fw1: fw1 2a\n"
		"node fw1,: moves 0\n");
}

static void all_of_many_groups_are_not_foreseen_at_once(void **state)
{
	struct pair *p = *state;
	struct conf *conf = p->side[0].conf;

	for (unsigned i = 1; i < CONF_GROUPS_MAX; i++) {
		conf->group[i] = conf->group[0];
		conf->group[i].id = (uint8_t)(100 + i);
	}
	conf->n_groups = CONF_GROUPS_MAX;
	for (unsigned i = 2; i < 20; i++)
		conf->monitor[i] = conf->monitor[0];
	conf->n_monitors = 20;
	pair_same_conf(p);
	pair_start_both(p);
	json_t *report = why(p, 0, COMMAND_ALL_GROUPS);
	json_t *groups = json_object_get(report, "groups");

	assert_int_equal(json_array_size(groups), CONF_GROUPS_MAX);
	assert_true(json_is_null(json_object_get(json_array_get(groups, 5), "if")));
	json_decref(report);
	report = why(p, 0, 5);
	assert_true(json_is_array(
		json_object_get(json_array_get(json_object_get(report, "groups"), 0), "if")));
	json_decref(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(every_mishap_is_foreseen),
		TEST(what_is_broken_already_is_left_out),
		TEST(all_of_many_groups_are_not_foreseen_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
