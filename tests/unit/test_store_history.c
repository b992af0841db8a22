/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_store.h"

#include "io/wall.h"

static json_t *read_lines(struct fixture *f)
{
	json_t *history = NULL;

	assert_int_equal(store_history_read(f->dir, &history), 0);
	json_t *lines = json_incref(json_object_get(history, "history"));
	json_decref(history);
	assert_non_null(lines);
	return lines;
}

static void a_change_is_one_line_of_history(void **state)
{
	struct fixture *f = *state;
	char text[1000];
	struct store_record record = {
		.wall_ms = INT64_C(1795464000123),
		.group = 7,
		.change = { GROUP_PRIMARY_BACKUP, GROUP_MASTER, RULE_PEER_LOST, REASON_PEER_LOST, 9,
			0 },
	};

	json_decref(read_lines(f)); /* no history yet */
	assert_int_equal(store_history_add(f->dir, &record), 0);
	get(f, "history", text, sizeof(text));
	assert_string_equal(text,
		"{\"time\":\"2026-11-23T20:00:00.123Z\",\"group\":7,\"from\":\"primary-backup\","
		"\"to\":\"master\",\"rule\":\"4c\",\"reason\":\"peer lost\",\"term\":9}\n");
	json_t *lines = read_lines(f);
	assert_int_equal(json_array_size(lines), 1);
	json_decref(lines);
	record.change.two_masters_ms = 61;
	assert_int_equal(store_history_add(f->dir, &record), 0);
	get(f, "history", text, sizeof(text));
	assert_non_null(strstr(text, "\"term\":9,\"two_masters_ms\":61}\n"));
}

static void a_line_cut_short_is_left_out_and_ended(void **state)
{
	struct fixture *f = *state;
	struct store_record record = { .group = 2, .change = { .from = GROUP_INIT } };
	const char *torn = "{\"group\":1}\n[]\n{\"time\":\"2026-11-";

	put(f, "history", torn, strlen(torn));
	assert_int_equal(store_history_add(f->dir, &record), 0);
	json_t *lines = read_lines(f);

	assert_int_equal(json_array_size(lines), 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(lines, 1), "group")), 2);
	json_decref(lines);
}

static void history_is_bounded_and_keeps_the_latest(void **state)
{
	struct fixture *f = *state;
	struct store_record record = {
		.group = 255,
		.change = { GROUP_PRIMARY_BACKUP, GROUP_PRIMARY_BACKUP, RULE_TWO_MASTERS_OPERABLE,
			REASON_TAKEN_AWAY, 0, 0 },
	};
	char line[400];
	enum { LINES = 4000 };
	struct stat st;

	record.change.term = 1;
	assert_int_equal(store_history_add(f->dir, &record), 0);
	size_t len = get(f, "history", line, sizeof(line));
	FILE *file = fopen(path(f, "history.1"), "w");

	assert_non_null(file);
	for (int i = 0; i < STORE_HISTORY_LINES + 200; i++)
		assert_int_equal(fwrite(line, 1, len, file), len);
	assert_int_equal(fclose(file), 0);

	unsigned n = 1;
	while (n < LINES &&
		(stat(path(f, "history"), &st) != 0 || st.st_size > 2 * (off_t)len || n < 3)) {
		record.change.term = ++n;
		assert_int_equal(store_history_add(f->dir, &record), 0);
	}
	assert_true(n < LINES); /* it was begun anew */
	assert_int_equal(stat(path(f, "history.1"), &st), 0);
	assert_true(st.st_size >= STORE_HISTORY_BYTES);
	assert_true(st.st_size < STORE_HISTORY_BYTES + (off_t)len + 16);

	json_t *lines = read_lines(f);
	size_t last = json_array_size(lines) - 1;
	assert_true(last >= 800 && last < STORE_HISTORY_LINES);
	for (size_t i = 0; i <= last; i++)
		assert_int_equal(json_integer_value(
					 json_object_get(json_array_get(lines, last - i), "term")),
			n - i);
	char *text = json_dumps(lines, JSON_COMPACT);

	assert_true(strlen(text) < 256 * 1024 - 100);
	free(text);
	json_decref(lines);

	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(store_history_add(f->dir, &record), 0);
	lines = read_lines(f);
	assert_int_equal(json_array_size(lines), STORE_HISTORY_LINES);
	json_decref(lines);
}

static void wall_time_is_rfc_3339(void **state)
{
	char text[WALL_TEXT_MAX];

	(void)state;
	wall_text(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	wall_text(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999Z");
	wall_text(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	wall_text(INT64_MIN, text);
	assert_string_equal(text, "0000-01-01T00:00:00.000Z");
	assert_true(wall_now_ms() > INT64_C(1700000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_change_is_one_line_of_history),
		TEST(a_line_cut_short_is_left_out_and_ended),
		TEST(history_is_bounded_and_keeps_the_latest),
		cmocka_unit_test(wall_time_is_rfc_3339),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
