/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bytes of the document `files`: what was put reads back, and nothing else is taken.
 */
#include "nsrp/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct file_entry entry_of(enum file_type type, const char *path, const char *text)
{
	struct file_entry e = { .type = type, .mode = 0640, .owner = "root", .group = "#4711" };

	snprintf(e.path, sizeof(e.path), "%s", path);
	e.bytes = span_of(text, strlen(text));
	return e;
}

static size_t put(const struct file_entry *e, uint8_t *at)
{
	size_t len = file_put_head(e, (uint32_t)e->bytes.len, at);

	if (e->type != FILE_REGULAR)
		return len;
	if (e->bytes.len > 0)
		memcpy(at + len, e->bytes.data, e->bytes.len);
	return len + e->bytes.len;
}

static void what_was_put_is_read(void **state)
{
	struct file_entry a = entry_of(FILE_DIRECTORY, "/etc/x", ""), b, read;
	uint8_t bytes[4096];
	size_t len = put(&a, bytes);

	(void)state;
	b = entry_of(FILE_REGULAR, "/etc/x/y", "content\n");
	len += put(&b, bytes + len);
	struct span rest = span_of(bytes, len);

	assert_null(file_next(&rest, "", &read));
	assert_int_equal(read.type, FILE_DIRECTORY);
	assert_string_equal(read.path, "/etc/x");
	assert_null(file_next(&rest, "/etc/x", &read));
	assert_int_equal(read.type, FILE_REGULAR);
	assert_int_equal(read.mode, 0640);
	assert_string_equal(read.owner, "root");
	assert_string_equal(read.group, "#4711");
	assert_string_equal(read.path, "/etc/x/y");
	assert_int_equal(read.bytes.len, 8);
	assert_memory_equal(read.bytes.data, "content\n", 8);
	assert_int_equal(rest.len, 0);
}

static void one_that_ends_too_soon_is_none(void **state)
{
	struct file_entry e = entry_of(FILE_REGULAR, "/etc/x", "content\n"), read;
	uint8_t bytes[4096];
	size_t len = put(&e, bytes);

	(void)state;
	for (size_t i = 1; i < len; i++) {
		struct span rest = span_of(bytes, i);

		assert_non_null(file_next(&rest, "", &read));
		assert_int_equal(rest.len, i);
	}
}

static void hostile_paths_are_none(void **state)
{
	static const char *const bad[] = { "", "/", "etc/x", "./x", "/etc/", "//etc", "/etc//x",
		"/etc/./x", "/etc/../x", "/..", "/.", "/etc/x/..", "/etc/x/." };
	static const char *const good[] = { "/x", "/etc/..x", "/etc/x..", "/...", "/a b/c\n" };
	char longest[FILE_PATH_MAX + 2], part[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(file_path_is_good(bad[i], strlen(bad[i])));
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(file_path_is_good(good[i], strlen(good[i])));
	assert_false(file_path_is_good("/a\0b", 4));
	memset(longest, 'x', sizeof(longest));
	for (size_t i = 0; i < sizeof(longest); i += 100)
		longest[i] = '/';
	assert_true(file_path_is_good(longest, FILE_PATH_MAX - 1));
	assert_false(file_path_is_good(longest, FILE_PATH_MAX));
	memset(part, 'x', sizeof(part));
	part[0] = '/';
	assert_true(file_path_is_good(part, 256));
	assert_false(file_path_is_good(part, 257));
}

/* `change` spoils one byte of a good entry. */
static void assert_refused(size_t at, uint8_t byte)
{
	struct file_entry e = entry_of(FILE_REGULAR, "/etc/x", "content\n"), read;
	uint8_t bytes[4096];
	struct span rest = span_of(bytes, put(&e, bytes));

	assert_null(file_next(&rest, "", &read));
	rest = span_of(bytes, put(&e, bytes));
	bytes[at] = byte;
	assert_non_null(file_next(&rest, "", &read));
}

static void hostile_fields_are_refused(void **state)
{
	enum {
		OWNER_AT = 3,
		GROUP_AT = OWNER_AT + 5,
		PATH_AT = GROUP_AT + 6,
		LENGTH_AT = PATH_AT + 8
	};

	(void)state;
	assert_refused(0, 0);
	assert_refused(0, 3);
	assert_refused(1, 0x10); /* mode */
	assert_refused(OWNER_AT, 0);
	assert_refused(OWNER_AT, 200);
	assert_refused(OWNER_AT + 1, ':');
	assert_refused(OWNER_AT + 1, '\n');
	assert_refused(GROUP_AT + 1, '/');
	assert_refused(PATH_AT, 0xff);
	assert_refused(PATH_AT + 2, 'x');
	assert_refused(PATH_AT + 7, '/');
	assert_refused(LENGTH_AT, 1);     /* 16 MiB */
	assert_refused(LENGTH_AT + 3, 9); /* more than there is */
}

static void entries_stand_in_order(void **state)
{
	struct file_entry e = entry_of(FILE_REGULAR, "/etc/b", ""), read;
	uint8_t bytes[4096];
	struct span all = span_of(bytes, put(&e, bytes)), rest = all;

	(void)state;
	assert_null(file_next(&rest, "/etc/a", &read));
	rest = all;
	assert_non_null(file_next(&rest, "/etc/b", &read)); /* none stands twice */
	assert_non_null(file_next(&rest, "/etc/c", &read));
}

static void below_means_by_parts(void **state)
{
	(void)state;
	assert_true(file_is_below("/etc/x", "/etc/x"));
	assert_true(file_is_below("/etc/x/y", "/etc/x"));
	assert_false(file_is_below("/etc/xy", "/etc/x"));
	assert_false(file_is_below("/etc", "/etc/x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_read),
		cmocka_unit_test(one_that_ends_too_soon_is_none),
		cmocka_unit_test(hostile_paths_are_none),
		cmocka_unit_test(hostile_fields_are_refused),
		cmocka_unit_test(entries_stand_in_order),
		cmocka_unit_test(below_means_by_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
