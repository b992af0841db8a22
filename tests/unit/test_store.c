/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_store.h"

#include <sys/resource.h>

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
	saved.document[document_place(DOCUMENT_RULESET)].started = true;
	assert_true(store_differs(&saved, &full));
	full = saved;
	saved.document[document_place(DOCUMENT_RULESET)].consent = true;
	assert_true(store_differs(&saved, &full));
	assert_int_equal(store_save(f->dir, &saved), 0);
	memset(&saved, 0, sizeof(saved));
	assert_int_equal(store_load(f->dir, &f->log, &saved), 0);
	assert_int_equal(saved.n_maintenance, 0);
	assert_true(saved.document[document_place(DOCUMENT_RULESET)].consent);
	assert_false(saved.document[document_place(DOCUMENT_FILES)].consent);
	assert_true(saved.document[document_place(DOCUMENT_RULESET)].started);
	assert_false(saved.document[document_place(DOCUMENT_FILES)].started);
	/* What an engine remembers of offers is of no use to another guardian. */
	full = saved;
	full.document[0].heard = true;
	assert_false(store_differs(&saved, &full));
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

static void what_another_boot_started_is_forgotten(void **state)
{
	struct fixture *f = *state;
	struct node_saved saved;
	const char *text =
		SAMPLE "started ruleset 01234567-89ab-cdef-0123-456789abcdef #3ef4bc95\n";

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
		TEST(what_another_boot_started_is_forgotten),
		TEST(a_directory_that_cannot_be_used_is_an_error),
		TEST(a_full_disk_leaves_the_old_state),
	};

	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
