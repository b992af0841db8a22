/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/logger.h"
#include "scratch.h"

static mono_t fake_now;

static mono_t tell_fake_now(void)
{
	return fake_now;
}

struct fixture {
	struct logger logger;
	int fd[2]; /* read, write */
	char text[65536];
};

static void set_up_style(struct fixture *f, enum logger_style style)
{
	logger_init(&f->logger, f->fd[1], style);
	f->logger.now = tell_fake_now;
}

static int set_up_on(void **state, int made)
{
	struct fixture *f = *state;

	assert_int_equal(made, 0);
	assert_int_equal(fcntl(f->fd[0], F_SETFL, O_NONBLOCK), 0);
	fake_now = (mono_t){ 1000000 };
	set_up_style(f, LOGGER_SERVICE);
	return 0;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	*state = f;
	return set_up_on(state, pipe(f->fd));
}

static int set_up_socket(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	*state = f;
	return set_up_on(state, socketpair(AF_UNIX, SOCK_STREAM, 0, f->fd));
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	close(f->fd[0]);
	close(f->fd[1]);
	free(f);
	return 0;
}

/* What was written since the last call. */
static const char *written(struct fixture *f)
{
	ssize_t n = read(f->fd[0], f->text, sizeof(f->text) - 1);

	f->text[n > 0 ? n : 0] = '\0';
	return f->text;
}

static void after_ms(uint64_t ms)
{
	fake_now = mono_after_ms(fake_now, ms);
}

static void a_service_marks_lines_with_their_priority(void **state)
{
	struct fixture *f = *state;
	const struct log *log = &f->logger.log;

	log_err(log, "key file %s: gone", "/etc/key");
	log_warn(log, "degraded");
	log_info(log, "group %d: backup -> master", 0);
	log_debug(log, "not shown");
	assert_string_equal(written(f),
		"<3>key file /etc/key: gone\n<4>degraded\n<6>group 0: backup -> master\n");
	logger_set_level(&f->logger, LOG_LEVEL_DEBUG);
	log_debug(log, "shown");
	assert_string_equal(written(f), "<7>shown\n");
	logger_set_level(&f->logger, LOG_LEVEL_WARN);
	log_info(log, "not shown");
	assert_string_equal(written(f), "");
}

static void the_foreground_has_time_and_level(void **state)
{
	struct fixture *f = *state;
	int year, month, day, hour, minute, second, ms, end = 0;

	set_up_style(f, LOGGER_PLAIN);
	log_warn(&f->logger.log, "degraded");
	assert_int_equal(sscanf(written(f), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ warning: degraded%n",
				 &year, &month, &day, &hour, &minute, &second, &ms, &end),
		7);
	assert_string_equal(f->text + end, "\n");
	assert_true(year >= 2024);
}

static void a_line_stays_a_line(void **state)
{
	struct fixture *f = *state;
	char longer[LOGGER_LINE_MAX + 100];

	log_info(&f->logger.log, "release %s", "1\n<0>panic\x1b[2J\x7f \xc3\xa4");
	assert_string_equal(written(f), "<6>release 1?<0>panic?[2J? \xc3\xa4\n");
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	log_info(&f->logger.log, "%s", longer);
	assert_int_equal(strlen(written(f)), 3 + LOGGER_LINE_MAX + 1);
}

static void a_line_that_repeats_is_told_by_number(void **state)
{
	struct fixture *f = *state;
	const struct log *log = &f->logger.log;
	unsigned lines = 0;

	for (int i = 0; i < 50; i++) {
		log_info(log, "link ha0: lost");
		log_info(log, "tick %d", i / 10);
		after_ms(100);
	}
	for (const char *c = written(f); *c != '\0'; c++)
		lines += *c == '\n';
	assert_int_equal(lines, LOGGER_REPEAT_MAX + 50);

	/* The level is part of what makes lines alike. */
	log_warn(log, "link ha0: lost");
	assert_string_equal(written(f), "<4>link ha0: lost\n");

	after_ms(5000);
	logger_settle(&f->logger, false);
	assert_string_equal(
		written(f), "<6>log: repeated 40 times more within 10 s: link ha0: lost\n");
	logger_settle(&f->logger, true);
	assert_string_equal(written(f), "");
	log_info(log, "link ha0: lost");
	assert_string_equal(written(f), "<6>link ha0: lost\n");
}

static void a_line_written_settles_what_is_over(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 12; i++)
		log_info(&f->logger.log, "again");
	(void)written(f);
	after_ms(LOGGER_REPEAT_MS);
	log_info(&f->logger.log, "other");
	assert_string_equal(
		written(f), "<6>log: repeated 2 times more within 10 s: again\n<6>other\n");
}

static void the_end_tells_what_was_left_out(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 11; i++)
		log_err(&f->logger.log, "again");
	(void)written(f);
	logger_settle(&f->logger, true);
	assert_string_equal(written(f), "<3>log: repeated 1 times more within 10 s: again\n");
}

static void many_different_lines_do_not_hide_one_another(void **state)
{
	struct fixture *f = *state;
	unsigned lines = 0;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3 * LOGGER_RECENT; i++) {
			log_info(&f->logger.log, "line %d", i);
			after_ms(1);
		}
	}
	for (const char *c = written(f); *c != '\0'; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 9 * LOGGER_RECENT);
}

/* Fills what nobody reads; the writer is never held up. */
static void fill(struct fixture *f)
{
	for (int i = 0; i < 10000; i++) {
		log_info(&f->logger.log, "%05d %0900d", i, 0);
		after_ms(1);
	}
	assert_true(f->logger.dropped > 1000);
}

static void a_reader_that_hangs_costs_lines_not_time(void **state)
{
	struct fixture *f = *state;
	unsigned dropped;

	fill(f);
	dropped = f->logger.dropped;
	/* Whole lines so far, but for the last, which may be cut. */
	for (;;) {
		ssize_t n = read(f->fd[0], f->text, sizeof(f->text) - 1);

		if (n <= 0)
			break;
		f->text[n] = '\0';
	}
	log_warn(&f->logger.log, "again here");
	char expected[160];
	const char *text = written(f);

	snprintf(expected, sizeof(expected),
		"<4>log: %u lines lost, nobody read them\n<4>again here\n", dropped);
	assert_string_equal(text[0] == '\n' ? text + 1 : text, expected);
	assert_int_equal(f->logger.dropped, 0);
}

static void behind_a_line_cut_short_another_begins(void **state)
{
	struct fixture *f = *state;

	f->logger.cut = true;
	log_info(&f->logger.log, "one");
	log_info(&f->logger.log, "two");
	assert_string_equal(written(f), "\n<6>one\n<6>two\n");
}

static void a_reader_that_is_gone_is_survived(void **state)
{
	struct fixture *f = *state;
	struct logger lost;

	close(f->fd[0]);
	f->fd[0] = open("/dev/null", O_RDONLY);
	log_info(&f->logger.log, "nobody"); /* a socket: no SIGPIPE */
	logger_init(&lost, -1, LOGGER_PLAIN);
	errno = ENOENT;
	log_info(&lost.log, "nobody");
	assert_int_equal(errno, ENOENT);
}

static void the_journal_is_recognised(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char stream[64];

	unsetenv("JOURNAL_STREAM");
	assert_int_equal(logger_style_of(f->fd[1]), LOGGER_PLAIN);
	assert_int_equal(fstat(f->fd[1], &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	assert_int_equal(logger_style_of(f->fd[1]), LOGGER_SERVICE);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + 1);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	assert_int_equal(logger_style_of(f->fd[1]), LOGGER_PLAIN);
	assert_int_equal(setenv("JOURNAL_STREAM", "x", 1), 0);
	assert_int_equal(logger_style_of(f->fd[1]), LOGGER_PLAIN);
	unsetenv("JOURNAL_STREAM");
}

static int journal_at(char *folder, size_t size, char *path, size_t path_size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	scratch_make(folder, size, "journal");
	assert_in_range(snprintf(path, path_size, "%s/socket", folder), 1, path_size - 1);
	assert_true(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void the_journal_gets_a_change_with_its_fields(void **state)
{
	static const struct log_change change = { "fw1", 7, 9, "init", "master", "4c",
		"peer lost" };
	struct fixture *f = *state;
	char folder[80], path[100];
	int journal = journal_at(folder, sizeof(folder), path, sizeof(path));
	ssize_t n;

	assert_int_equal(logger_use_journal(&f->logger, "/nowhere"), -ENOENT);
	assert_int_equal(f->logger.journal, -1);
	assert_int_equal(logger_use_journal(&f->logger, path), 0);
	log_about(&f->logger.log, &change);
	log_info(&f->logger.log, "group %u: init -> master", 7);
	n = recv(journal, f->text, sizeof(f->text) - 1, 0);
	assert_true(n > 0);
	f->text[n] = '\0';
	assert_string_equal(f->text,
		"MESSAGE=group 7: init -> master\nPRIORITY=6\nSYSLOG_IDENTIFIER=nsrpd\n"
		"NSRP_NODE=fw1\nNSRP_GROUP=7\nNSRP_TERM=9\nNSRP_FROM=init\nNSRP_TO=master\n"
		"NSRP_RULE=4c\nNSRP_REASON=peer lost\n");
	assert_string_equal(written(f), "");

	log_info(&f->logger.log, "plain"); /* the fields were the other line's */
	assert_string_equal(written(f), "<6>plain\n");
	log_about(&f->logger.log, &change);
	log_debug(&f->logger.log, "not written");
	log_info(&f->logger.log, "plain again");
	assert_string_equal(written(f), "<6>plain again\n");

	close(journal); /* and nothing is lost */
	log_about(&f->logger.log, &change);
	log_info(&f->logger.log, "group 7: moved");
	assert_string_equal(written(f), "<6>group 7: moved\n");
	close(f->logger.journal);
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define SOCKET_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_socket, tear_down)
		TEST(a_service_marks_lines_with_their_priority),
		TEST(the_foreground_has_time_and_level),
		TEST(a_line_stays_a_line),
		TEST(a_line_that_repeats_is_told_by_number),
		TEST(a_line_written_settles_what_is_over),
		TEST(the_end_tells_what_was_left_out),
		TEST(many_different_lines_do_not_hide_one_another),
		TEST(a_reader_that_hangs_costs_lines_not_time),
		SOCKET_TEST(a_reader_that_hangs_costs_lines_not_time),
		TEST(behind_a_line_cut_short_another_begins),
		SOCKET_TEST(a_reader_that_is_gone_is_survived),
		SOCKET_TEST(the_journal_is_recognised),
		TEST(the_journal_gets_a_change_with_its_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
