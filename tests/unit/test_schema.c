/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doc/nsrpctl.schema.json has an answer for each verb, and the words of the tables. That answers
 * are as it says is tested with live ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "ctl/invocation.h"
#include "nsrp/node.h"

static int load(void **state)
{
	json_error_t error;
	json_t *schema = json_load_file("doc/nsrpctl.schema.json", JSON_REJECT_DUPLICATES, &error);

	if (!schema)
		fail_msg("%s:%d: %s", error.source, error.line, error.text);
	*state = schema;
	return 0;
}

static int unload(void **state)
{
	json_decref(*state);
	return 0;
}

static json_t *defined(json_t *schema, const char *name)
{
	json_t *definition = json_object_get(json_object_get(schema, "$defs"), name);

	if (!definition)
		fail_msg("there is no $defs/%s", name);
	return definition;
}

static void assert_answer(json_t *answers, const char *verb, const char *word, size_t len)
{
	char name[64] = "";
	size_t at = strlen(verb);

	assert_true(at + 1 + len < sizeof(name));
	memcpy(name, verb, at);
	if (len > 0) {
		name[at++] = ' ';
		memcpy(name + at, word, len);
	}
	if (!json_object_get(answers, name))
		fail_msg("no answer of: %s", name);
}

static void every_verb_has_its_answer(void **state)
{
	json_t *answers = defined(*state, "answers");
	size_t n = 0;

	for (size_t i = 0; i < verbs_count; i++) {
		const char *name = verbs[i].name, *word = verbs[i].words;

		if (strcmp(name, "show") != 0) {
			assert_answer(answers, name, "", 0);
			n++;
			continue;
		}
		for (; *word != '\0'; word += strspn(word, " ")) {
			size_t len = strcspn(word, " ");

			assert_answer(answers, name, word, len);
			word += len;
			n++;
		}
	}
	assert_int_equal(json_object_size(answers), n);
}

static json_t *property(json_t *object, const char *name)
{
	json_t *found = json_object_get(json_object_get(object, "properties"), name);

	if (!found)
		fail_msg("there is no property %s", name);
	return found;
}

static void its_words_are_those_of_the_tables(void **state)
{
	json_t *states = json_object_get(property(defined(*state, "standing"), "state"), "enum");
	json_t *conditions =
		json_object_get(property(defined(*state, "document"), "condition"), "enum");
	json_t *steps =
		json_object_get(property(defined(*state, "change"), "steps_us"), "properties");

	for (size_t i = 0; i < json_array_size(states); i++)
		assert_string_equal(json_string_value(json_array_get(states, i)),
			group_state_name((enum group_state)(GROUP_INIT + i)));
	assert_int_equal(json_array_size(states), GROUP_INOPERABLE - GROUP_INIT + 1);
	assert_int_equal(json_array_size(conditions), CONDITION_COUNT);
	for (unsigned i = 0; i < CONDITION_COUNT; i++)
		assert_string_equal(json_string_value(json_array_get(conditions, i)),
			document_condition_key((enum document_condition)i));
	assert_int_equal(json_object_size(steps), STEP_COUNT);
	for (unsigned i = 0; i < STEP_COUNT; i++)
		assert_non_null(json_object_get(steps, step_key((enum step)i)));
}

/* Depth is bounded by the file's own. */
static void assert_described(json_t *schema, const char *name, unsigned depth)
{
	json_t *properties = json_object_get(schema, "properties"), *inner;
	const char *key;

	assert_true(depth < 20);
	if (json_is_object(properties) &&
		json_string_length(json_object_get(schema, "description")) == 0)
		fail_msg("nothing is said of %s", name);
	json_object_foreach(properties, key, inner)
	{
		if (!json_object_get(inner, "description") && !json_object_get(inner, "$ref"))
			fail_msg("nothing is said of %s in %s", key, name);
	}
	json_object_foreach(schema, key, inner)
	{
		if (json_is_object(inner))
			assert_described(inner, key, depth + 1);
		for (size_t i = 0; i < json_array_size(inner); i++) {
			if (json_is_object(json_array_get(inner, i)))
				assert_described(json_array_get(inner, i), key, depth + 1);
		}
	}
}

static void every_member_is_described(void **state)
{
	assert_described(*state, "the schema", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_verb_has_its_answer, load, unload),
		cmocka_unit_test_setup_teardown(its_words_are_those_of_the_tables, load, unload),
		cmocka_unit_test_setup_teardown(every_member_is_described, load, unload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
