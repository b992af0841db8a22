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
		.change = { .from = GROUP_PRIMARY_BACKUP,
			.to = GROUP_MASTER,
			.rule = RULE_PEER_LOST,
			.reason = REASON_PEER_LOST,
			.term = 9 },
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

static void assert_line(struct fixture *f, size_t i, const char *key, const char *expected)
{
	json_t *lines = read_lines(f);
	json_t *value = json_object_get(json_array_get(lines, i), key);
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : strdup("none");

	assert_string_equal(text, expected);
	free(text);
	json_decref(lines);
}

static void add_takeover(struct fixture *f, enum reason reason, enum step from, uint32_t us)
{
	struct store_record record = {
		.group = 7,
		.monitor = "wan0",
		.change = { .from = GROUP_PRIMARY_BACKUP,
			.to = GROUP_MASTER,
			.reason = reason,
			.term = 9,
			.steps = 1u << from },
	};

	record.change.step_us[from] = us;
	assert_int_equal(store_history_add(f->dir, &record), 0);
}

static void add_sequel(struct fixture *f, uint8_t group, uint32_t term, enum step step, uint32_t us)
{
	struct store_record record = {
		.group = group,
		.sequel = true,
		.change = { .to = GROUP_MASTER, .term = term, .steps = 1u << step },
	};

	record.change.step_us[step] = us;
	assert_int_equal(store_history_add(f->dir, &record), 0);
}

static void steps_that_came_later_are_put_to_their_line(void **state)
{
	struct fixture *f = *state;
	const struct store_record between = { .group = 7,
		.change = { .from = GROUP_MASTER, .to = GROUP_INIT, .term = 9 } };

	add_takeover(f, REASON_PEER_LOST, STEP_HEARD, 190000);
	assert_line(f, 0, "steps_us", "{\"heard\":-190000}");
	assert_line(f, 0, "gap_us", "none");
	add_sequel(f, 7, 9, STEP_ANNOUNCED, 500);
	assert_int_equal(store_history_add(f->dir, &between), 0);
	add_sequel(f, 7, 9, STEP_SETTLED, 2100000);
	assert_line(f, 0, "steps_us", "{\"heard\":-190000,\"announced\":500,\"settled\":2100000}");
	assert_line(f, 0, "gap_us", "190500");
	assert_line(f, 0, "monitor", "\"wan0\"");
	assert_line(f, 1, "steps_us", "none");
	add_sequel(f, 7, 8, STEP_SET, 1); /* of no line here */
	add_sequel(f, 6, 9, STEP_SET, 1);
	assert_line(f, 0, "steps_us", "{\"heard\":-190000,\"announced\":500,\"settled\":2100000}");
	assert_line(f, 2, "group", "none");
}

static void a_gap_begins_where_service_may_have_ended(void **state)
{
	struct fixture *f = *state;

	add_takeover(f, REASON_MONITORS, STEP_ASKED, 3000);
	add_sequel(f, 7, 9, STEP_ANNOUNCED, 400);
	assert_line(f, 0, "gap_us", "3400");
	add_takeover(f, REASON_MANUAL, STEP_ASKED, 3000);
	add_sequel(f, 7, 9, STEP_ANNOUNCED, 400);
	assert_line(f, 1, "gap_us", "400");
	add_takeover(f, REASON_ELECTED, STEP_SET, 0);
	add_sequel(f, 7, 9, STEP_ANNOUNCED, 400);
	assert_line(f, 2, "gap_us", "none");
}

static void a_line_cut_short_is_left_out_and_ended(void **state)
{
	struct fixture *f = *state;
	struct store_record record = { .group = 2, .change = { .from = GROUP_INIT } };
	const char *torn = "{\"time\":\"\",\"group\":1}\n[]\n{\"group\":2}\n{\"steps_us\":3}\n{"
			   "\"time\":\"2026-11-";

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
		.change = { .from = GROUP_PRIMARY_BACKUP,
			.to = GROUP_PRIMARY_BACKUP,
			.rule = RULE_TWO_MASTERS_OPERABLE,
			.reason = REASON_TAKEN_AWAY },
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
		TEST(steps_that_came_later_are_put_to_their_line),
		TEST(a_gap_begins_where_service_may_have_ended),
		TEST(a_line_cut_short_is_left_out_and_ended),
		TEST(history_is_bounded_and_keeps_the_latest),
		cmocka_unit_test(wall_time_is_rfc_3339),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
