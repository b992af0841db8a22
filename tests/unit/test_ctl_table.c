/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/page.h"
#include "ctl/reply.h"
#include "ctl/table.h"

struct fixture {
	struct page page;
	char *text;
	size_t len;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->page = (struct page){ .out = open_memstream(&f->text, &f->len), .width = 40 };
	assert_non_null(f->page.out);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	fclose(f->page.out);
	free(f->text);
	free(f);
	return 0;
}

static const char *written(struct fixture *f)
{
	assert_int_equal(fflush(f->page.out), 0);
	return f->text;
}

static const char *const titles[] = { "NAME", ">N", "WHAT", NULL };

static void columns_are_aligned(void **state)
{
	struct fixture *f = *state;
	struct table t;

	table_init(&t, titles);
	table_add(&t, TONE_PLAIN, "%s", "a");
	table_add(&t, TONE_PLAIN, "%d", 7);
	table_add(&t, TONE_PLAIN, "one");
	table_add(&t, TONE_PLAIN, "%s", "gateway");
	table_add(&t, TONE_PLAIN, "%d", 100);
	table_add(&t, TONE_PLAIN, "two");
	assert_true(table_print(&t, &f->page));
	assert_string_equal(written(f), "NAME       N  WHAT\n"
					"a          7  one\n"
					"gateway  100  two\n");
}

static void characters_count_not_bytes(void **state)
{
	struct fixture *f = *state;
	struct table t;

	table_init(&t, titles);
	table_add(&t, TONE_PLAIN, "%s", "K\xc3\xb6ln");
	table_add(&t, TONE_PLAIN, "1");
	table_add(&t, TONE_PLAIN, "x");
	table_add(&t, TONE_PLAIN, "Bonn\n\033[2J");
	table_add(&t, TONE_PLAIN, "2");
	table_add(&t, TONE_PLAIN, "y");
	assert_true(table_print(&t, &f->page));
	assert_string_equal(written(f), "NAME       N  WHAT\n"
					"K\xc3\xb6ln       1  x\n"
					"Bonn??[2J  2  y\n");
}

static void the_last_column_is_wrapped(void **state)
{
	struct fixture *f = *state;
	struct table t;

	table_init(&t, titles);
	table_add(&t, TONE_PLAIN, "a");
	table_add(&t, TONE_PLAIN, "1");
	table_add(&t, TONE_PLAIN, "a text that is too long for what is left of the line, and %s",
		"a-word-that-is-longer-than-the-room-for-it");
	assert_true(table_print(&t, &f->page));
	assert_string_equal(written(f), "NAME  N  WHAT\n"
					"a     1  a text that is too long for\n"
					"         what is left of the line, and\n"
					"         a-word-that-is-longer-than-the-\n"
					"         room-for-it\n");
}

static void a_page_without_width_is_not_wrapped(void **state)
{
	struct fixture *f = *state;

	f->page.width = 0;
	page_wrap(&f->page, TONE_PLAIN, 70, 60, "this is as long as it is");
	f->page.width = 20; /* too little room to do better */
	page_wrap(&f->page, TONE_PLAIN, 15, 15, "this is as long as it is");
	assert_string_equal(written(f), "this is as long as it is\nthis is as long as it is\n");
}

static void nothing_is_written_of_an_empty_table_or_cell(void **state)
{
	struct fixture *f = *state;
	struct table t;

	table_init(&t, titles);
	assert_true(table_print(&t, &f->page));
	assert_string_equal(written(f), "");
	table_init(&t, titles);
	table_add(&t, TONE_PLAIN, "a");
	table_add(&t, TONE_PLAIN, "%s", "");
	table_add(&t, TONE_PLAIN, "%s", "");
	assert_true(table_print(&t, &f->page));
	assert_string_equal(written(f), "NAME  N  WHAT\na\n"); /* no blanks at the end */
}

static void colour_comes_only_where_it_is_wanted(void **state)
{
	struct fixture *f = *state;
	struct table t;

	f->page.coloured = true;
	page_put(&f->page, TONE_BAD, "bad");
	page_put(&f->page, TONE_PLAIN, "plain");
	assert_string_equal(written(f), "\033[1;31mbad\033[0mplain");
	rewind(f->page.out);
	table_init(&t, titles);
	table_add(&t, TONE_GOOD, "ok");
	table_add(&t, TONE_PLAIN, "1");
	table_add(&t, TONE_PLAIN, "x");
	assert_true(table_print(&t, &f->page));
	assert_non_null(strstr(written(f), "\033[32mok\033[0m    1  x\n"));

	/* What is no terminal, as this is, has none. */
	assert_false(page_of(f->page.out).coloured);
}

static void durations_have_two_units(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} some[] = {
		{ 0, "0 ms" },
		{ 999, "999 ms" },
		{ 1000, "1.0 s" },
		{ 9999, "9.9 s" },
		{ 10000, "10 s" },
		{ 59999, "59 s" },
		{ 60000, "1 m" },
		{ 250000, "4 m 10 s" },
		{ 7500000, "2 h 5 m" },
		{ INT64_C(273600000), "3 d 4 h" },
		{ INT64_MAX, "106751991167 d 7 h" },
	};
	char text[DURATION_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(some); i++) {
		duration_text(some[i].ms, text);
		assert_string_equal(text, some[i].text);
	}
}

static void a_reply_may_lack_anything(void **state)
{
	json_t *reply = json_pack("{s:n, s:s, s:i}", "null", "text", "x", "number", 7);
	char text[DURATION_MAX];

	(void)state;
	assert_string_equal(reply_text(reply, "null"), "?");
	assert_string_equal(reply_text(reply, "number"), "?");
	assert_string_equal(reply_text(NULL, "text"), "?");
	assert_string_equal(reply_text_or(reply, "absent", "-"), "-");
	assert_int_equal(reply_number(reply, "text"), 0);
	assert_int_equal(reply_number(reply, "number"), 7);
	assert_false(reply_claim(reply, "text"));
	assert_false(reply_has(reply, "null"));
	assert_true(reply_has(reply, "text"));
	reply_duration(reply, "null", text);
	assert_string_equal(text, "-");
	json_decref(reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(columns_are_aligned),
		TEST(characters_count_not_bytes),
		TEST(the_last_column_is_wrapped),
		TEST(a_page_without_width_is_not_wrapped),
		TEST(nothing_is_written_of_an_empty_table_or_cell),
		TEST(colour_comes_only_where_it_is_wanted),
		cmocka_unit_test(durations_have_two_units),
		cmocka_unit_test(a_reply_may_lack_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
