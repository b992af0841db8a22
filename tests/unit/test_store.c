/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/store.h"
#include "io/wall.h"

struct fixture {
	char dir[32], path[64];
	struct log log;
	char logged[2000];
};

static void keep_line(void *user, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void keep_line(void *user, enum log_level level, const char *format, ...)
{
	struct fixture *f = user;
	size_t len = strlen(f->logged);
	va_list arguments;

	(void)level;
	va_start(arguments, format);
	vsnprintf(f->logged + len, sizeof(f->logged) - len, format, arguments);
	va_end(arguments);
	strncat(f->logged, "\n", sizeof(f->logged) - strlen(f->logged) - 1);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/nsrp-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->log = (struct log){ f, keep_line };
	*state = f;
	return 0;
}

static const char *path(struct fixture *f, const char *name)
{
	snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
	return f->path;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = { "state", "state.new", "state.damaged", "history",
		"history.1" };

	for (unsigned i = 0; i < ARRAY_LEN(names); i++)
		unlink(path(f, names[i]));
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static size_t get(struct fixture *f, const char *name, char *buf, size_t size)
{
	FILE *file = fopen(path(f, name), "r");

	if (!file)
		return 0;
	size_t len = fread(buf, 1, size - 1, file);

	buf[len] = '\0';
	fclose(file);
	return len;
}

static void put(struct fixture *f, const char *name, const char *text, size_t len)
{
	FILE *file = fopen(path(f, name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static bool is_there(struct fixture *f, const char *name)
{
	return access(path(f, name), F_OK) == 0;
}

static const struct node_saved sample = {
	.term = 4711, .n_maintenance = 2, .maintenance = { 0, 255 }
};

#define SAMPLE                                                                                     \
	"nsrpd-state 1 #1c34cbe9\n"                                                                \
	"term 4711 #14ff4141\n"                                                                    \
	"maintenance 0 255 #7c35f521\n"

static void assert_zero(const struct node_saved *saved)
{
	const struct node_saved zero = { 0 };

	assert_memory_equal(saved, &zero, sizeof(zero));
}

static void a_new_node_has_nothing(void **state)
{
	struct fixture *f = *state;
	struct node_saved saved = sample;

	assert_int_equal(store_load(f->dir, &f->log, &saved), 0);
	assert_zero(&saved);
	assert_string_equal(f->logged, "");
}

static void what_is_saved_is_loaded(void **state)
{
	struct fixture *f = *state;
	struct node_saved saved = { 0 }, full = { .term = UINT32_MAX };
	char text[4096];

	assert_int_equal(store_save(f->dir, &sample), 0);
	assert_int_equal(store_load(f->dir, &f->log, &saved), 0);
	assert_memory_equal(&saved, &sample, sizeof(saved));
	get(f, "state", text, sizeof(text));
	assert_string_equal(text, SAMPLE);

	full.n_maintenance = CONF_GROUPS_MAX;
	for (unsigned i = 0; i < CONF_GROUPS_MAX; i++)
		full.maintenance[i] = (uint8_t)(255 - i);
	assert_int_equal(store_save(f->dir, &full), 0);
	assert_int_equal(store_load(f->dir, &f->log, &saved), 0);
	assert_memory_equal(&saved, &full, sizeof(saved));

	saved.n_maintenance = 0;
	assert_int_equal(store_save(f->dir, &saved), 0);
	assert_int_equal(store_load(f->dir, &f->log, &saved), 0);
	assert_int_equal(saved.n_maintenance, 0);
	assert_string_equal(f->logged, "");
	assert_false(is_there(f, "state.new"));
}

static void a_damaged_line_takes_no_other_with_it(void **state)
{
	struct fixture *f = *state;
	struct node_saved saved;
	char text[sizeof(SAMPLE)] = SAMPLE;

	*strstr(text, "4711") = '5';
	put(f, "state", text, strlen(text));
	assert_int_equal(store_load(f->dir, &f->log, &saved), 0);
	assert_int_equal(saved.term, 0);
	assert_int_equal(saved.n_maintenance, 2);
	assert_non_null(strstr(f->logged, "is damaged: the term is lost"));
	assert_true(is_there(f, "state.damaged"));

	/* What was whole is there at the next start, too, and nothing is said again. */
	f->logged[0] = '\0';
	memset(&saved, 0, sizeof(saved));
	assert_int_equal(store_load(f->dir, &f->log, &saved), 0);
	assert_int_equal(saved.maintenance[1], 255);
	assert_string_equal(f->logged, "");
	get(f, "state.damaged", text, sizeof(text));
	assert_non_null(strstr(text, "5711"));
}

/* No single byte changed, and no end cut off, is taken for something else. */
static void no_damage_goes_unseen(void **state)
{
	struct fixture *f = *state;
	struct node_saved saved;

	for (size_t i = 0; i < strlen(SAMPLE); i++) {
		for (unsigned flip = 1; flip < 256; flip *= 2) {
			char text[] = SAMPLE;

			text[i] = (char)(text[i] ^ (int)flip);
			put(f, "state", text, strlen(SAMPLE));
			assert_int_equal(store_load(f->dir, &f->log, &saved), 0);
			assert_true(saved.term == 0 || saved.term == sample.term);
			assert_true(saved.n_maintenance == 0 ||
				    memcmp(saved.maintenance, sample.maintenance, 2) == 0);
			/* The case of a check sum's digits means nothing. */
			if (memcmp(&saved, &sample, sizeof(saved)) != 0)
				assert_non_null(strstr(f->logged, "is damaged"));
			f->logged[0] = '\0';
		}
	}
	for (size_t len = 0; len < strlen(SAMPLE) - 1; len++) {
		put(f, "state", SAMPLE, len);
		assert_int_equal(store_load(f->dir, &f->log, &saved), 0);
		assert_non_null(strstr(f->logged, "is damaged"));
		assert_true(saved.term == 0 || saved.term == sample.term);
		f->logged[0] = '\0';
	}
}

static void odd_files_are_damaged(void **state)
{
	struct fixture *f = *state;
	struct node_saved saved;
	char huge[20000];

	memset(huge, 'x', sizeof(huge));
	put(f, "state", huge, sizeof(huge));
	assert_int_equal(store_load(f->dir, &f->log, &saved), 0);
	assert_zero(&saved);
	assert_non_null(strstr(f->logged, "is damaged"));

	f->logged[0] = '\0';
	put(f, "state", SAMPLE "\0\0\0", strlen(SAMPLE) + 3);
	assert_int_equal(store_load(f->dir, &f->log, &saved), 0);
	assert_int_equal(saved.term, sample.term);
	assert_non_null(strstr(f->logged, "is damaged: term and maintenance are whole"));
}

static void a_later_release_s_lines_are_skipped(void **state)
{
	struct fixture *f = *state;
	struct node_saved saved;
	const char *text = SAMPLE "colour blue #b7c8b765\n";

	put(f, "state", text, strlen(text));
	assert_int_equal(store_load(f->dir, &f->log, &saved), 0);
	assert_memory_equal(&saved, &sample, sizeof(saved));
	assert_string_equal(f->logged, "");
}

static void a_directory_that_cannot_be_used_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct node_saved saved = sample;
	struct store_record record = { .group = 1 };
	json_t *history = NULL;

	assert_int_equal(store_save("/nsrp-is-not-here", &sample), -ENOENT);
	assert_int_equal(store_save("/dev/null", &sample), -ENOTDIR);
	assert_int_equal(store_load("/dev/null", &f->log, &saved), -ENOTDIR);
	assert_zero(&saved);
	assert_non_null(strstr(f->logged, "cannot be read: Not a directory"));
	assert_int_equal(store_history_add("/nsrp-is-not-here", &record), -ENOENT);
	assert_int_equal(store_history_read("/dev/null", &history), -ENOTDIR);

	assert_int_equal(mkdir(path(f, "state"), 0700), 0);
	assert_int_equal(store_load(f->dir, &f->log, &saved), -EISDIR);
	assert_int_equal(store_save(f->dir, &sample), -EISDIR);
	assert_int_equal(rmdir(path(f, "state")), 0);
}

/* A file system that takes no more bytes. */
static void a_full_disk_leaves_the_old_state(void **state)
{
	struct fixture *f = *state;
	struct node_saved saved, next = { .term = 4712 };
	struct store_record record = { .group = 1 };
	struct rlimit before, none = { 0, 0 };
	json_t *history;

	assert_int_equal(store_save(f->dir, &sample), 0);
	assert_int_equal(store_history_add(f->dir, &record), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	int saved_error = store_save(f->dir, &next);
	int added_error = store_history_add(f->dir, &record);

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(saved_error, -EFBIG);
	assert_int_equal(added_error, -EFBIG);
	assert_int_equal(store_load(f->dir, &f->log, &saved), 0);
	assert_memory_equal(&saved, &sample, sizeof(saved));
	assert_int_equal(store_history_read(f->dir, &history), 0);
	assert_int_equal(json_array_size(json_object_get(history, "history")), 1);
	json_decref(history);
}

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
		.change = { GROUP_PRIMARY_BACKUP, GROUP_MASTER, RULE_PEER_LOST, REASON_PEER_LOST,
			9 },
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
			REASON_TAKEN_AWAY, 0 },
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
		TEST(a_new_node_has_nothing),
		TEST(what_is_saved_is_loaded),
		TEST(a_damaged_line_takes_no_other_with_it),
		TEST(no_damage_goes_unseen),
		TEST(odd_files_are_damaged),
		TEST(a_later_release_s_lines_are_skipped),
		TEST(a_directory_that_cannot_be_used_is_an_error),
		TEST(a_full_disk_leaves_the_old_state),
		TEST(a_change_is_one_line_of_history),
		TEST(a_line_cut_short_is_left_out_and_ended),
		TEST(history_is_bounded_and_keeps_the_latest),
		cmocka_unit_test(wall_time_is_rfc_3339),
	};

	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
