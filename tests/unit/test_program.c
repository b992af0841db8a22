/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/program.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "nsrp/executable.h"
#include "program_fixture.h"

enum { LIMIT_MS = 5000, SHORT_MS = 100 };

static struct fixture {
	struct loop loop;
	struct program program;
	struct program_environment environment;
	unsigned ended;
	struct program_result result;
	char why[PROGRAM_TEXT_MAX];
} f;

static void ended(void *user, const struct program_result *result)
{
	struct fixture *it = user;

	it->ended++;
	it->result = *result;
	program_result_text(result, it->why);
	assert_false(program_runs(&it->program));
	loop_stop(&it->loop);
}

static int set_up(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	fixture_make_dir();
	assert_int_equal(loop_init(&f.loop), 0);
	program_init(&f.program, &f.loop, ended, &f);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	program_fini(&f.program);
	loop_fini(&f.loop);
	fixture_remove_dir();
	return 0;
}

static void run_path(const char *path, uint32_t limit_ms)
{
	unsigned before = f.ended;

	assert_int_equal(program_start(&f.program, path, &f.environment, limit_ms), 0);
	assert_true(program_runs(&f.program));
	fixture_run(&f.loop);
	assert_int_equal(f.ended, before + 1);
}

static void run_script(const char *body, uint32_t limit_ms)
{
	run_path(fixture_script("script", body), limit_ms);
}

static void assert_result(enum program_end end, int code)
{
	assert_int_equal(f.result.end, end);
	assert_int_equal(f.result.code, code);
	assert_int_equal(program_passed(&f.result), end == PROGRAM_EXITED && code == 0);
}

static void the_exit_status_is_told(void **state)
{
	(void)state;
	run_script("exit 0", LIMIT_MS);
	assert_result(PROGRAM_EXITED, 0);
	run_script("exit 3", LIMIT_MS);
	assert_result(PROGRAM_EXITED, 3);
	assert_string_equal(f.why, "exited 3");
	run_script("exit 127", LIMIT_MS);
	assert_result(PROGRAM_EXITED, 127);
}

static void so_is_the_signal_that_killed_it(void **state)
{
	(void)state;
	run_script("kill -SEGV $$", LIMIT_MS);
	assert_result(PROGRAM_SIGNALLED, SIGSEGV);
	assert_string_equal(f.why, "killed by signal 11");
}

static void one_runs_at_a_time(void **state)
{
	const char *path = fixture_script("script", "exit 0");

	(void)state;
	assert_int_equal(program_start(&f.program, path, &f.environment, LIMIT_MS), 0);
	assert_int_equal(program_start(&f.program, path, &f.environment, LIMIT_MS), -EBUSY);
	fixture_run(&f.loop);
	run_path(path, LIMIT_MS);
	assert_int_equal(f.ended, 2);
}

/* Whether the process whose number stands in the file is still there, and no zombie. */
static bool is_alive(const char *name)
{
	char path[64], text[256] = "";
	long pid = strtol(fixture_read(name), NULL, 10);

	assert_true(pid > 1);
	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	FILE *file = fopen(path, "r");

	if (!file)
		return false;
	(void)!fgets(text, sizeof(text), file);
	(void)fclose(file);
	return !strstr(text, ") Z");
}

static bool dies_soon(const char *name)
{
	for (unsigned i = 0; i < 200; i++) {
		if (!is_alive(name))
			return true;
		usleep(10000);
	}
	return false;
}

static void one_that_hangs_is_killed_with_its_children(void **state)
{
	mono_t began = loop_now();

	(void)state;
	run_script("(trap '' TERM; echo waits; while :; do sleep 1; done) &\n"
		   "echo $! >$D/child\ntrap '' TERM\necho hangs\nwhile :; do sleep 1; done",
		SHORT_MS);
	uint64_t took_ms = mono_since_us(began, loop_now()) / 1000;

	assert_result(PROGRAM_TIMED_OUT, 0);
	assert_in_range(took_ms, SHORT_MS + PROGRAM_GRACE_MS, SHORT_MS + PROGRAM_GRACE_MS + 5000);
	assert_true(dies_soon("child"));
}

static void one_that_gives_in_has_time_to_clean_up(void **state)
{
	(void)state;
	run_script(
		"sleep 60 &\necho $! >$D/child\ntrap 'echo cleaned; exit 0' TERM\nwait", SHORT_MS);
	assert_result(PROGRAM_TIMED_OUT, 0);
	assert_string_equal(f.result.line, "cleaned");
	assert_true(dies_soon("child"));
}

static void what_is_left_of_its_group_ends_with_it(void **state)
{
	(void)state;
	run_script("sleep 60 &\necho $! >$D/child\nsetsid sleep 60 &\necho $! >$D/stays\nsleep 0.2",
		LIMIT_MS);
	assert_result(PROGRAM_EXITED, 0);
	assert_true(dies_soon("child"));
	assert_true(is_alive("stays"));
	assert_int_equal(kill((pid_t)strtol(fixture_read("stays"), NULL, 10), SIGKILL), 0);
}

static void its_time_can_be_shortened(void **state)
{
	mono_t began = loop_now();

	(void)state;
	program_shorten(&f.program, 1);
	assert_int_equal(program_start(&f.program, fixture_script("script", "sleep 60"),
				 &f.environment, 60000),
		0);
	program_shorten(&f.program, SHORT_MS);
	program_shorten(&f.program, 60000); /* not longer again */
	fixture_run(&f.loop);
	assert_result(PROGRAM_TIMED_OUT, 0);
	assert_in_range(mono_since_us(began, loop_now()) / 1000, SHORT_MS, SHORT_MS + 5000);
}

static void the_last_line_is_kept(void **state)
{
	char long_line[PROGRAM_LINE_MAX];

	(void)state;
	run_script("echo one; echo two >&2; echo; echo", LIMIT_MS);
	assert_string_equal(f.result.line, "two");
	run_script("exit 0", LIMIT_MS);
	assert_string_equal(f.result.line, "");
	run_script("printf 'one\\ntwo'", LIMIT_MS);
	assert_string_equal(f.result.line, "two");
	run_script("head -c 3000 /dev/zero | tr '\\0' x", LIMIT_MS);
	memset(long_line, 'x', sizeof(long_line) - 1);
	long_line[sizeof(long_line) - 1] = '\0';
	assert_string_equal(f.result.line, long_line);
}

static uint64_t cpu_us(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void one_that_writes_without_end_takes_no_time_of_ours(void **state)
{
	uint64_t before = cpu_us();

	(void)state;
	run_script("exec yes", 200);
	assert_result(PROGRAM_TIMED_OUT, 0);
	assert_string_equal(f.result.line, "y");
	assert_in_range(cpu_us() - before, 0, 80000);
}

static void much_output_does_not_stop_it(void **state)
{
	(void)state;
	run_script("head -c 300000 /dev/zero | tr '\\0' '\\n'; echo end", LIMIT_MS);
	assert_result(PROGRAM_EXITED, 0);
	assert_string_equal(f.result.line, "end");
}

static void its_environment_is_ours_alone(void **state)
{
	(void)state;
	assert_int_equal(setenv("LD_PRELOAD_OF_SOMEBODY", "1", 1), 0);
	program_environment_add(&f.environment, "NSRP_STATE", "primary-backup");
	program_environment_add_number(&f.environment, "NSRP_TERM", 4294967295UL);
	run_script("tr '\\0' '\\n' </proc/$$/environ | sort >$D/out", LIMIT_MS);
	assert_result(PROGRAM_EXITED, 0);
	assert_string_equal(fixture_read("out"),
		"NSRP_STATE=primary-backup\nNSRP_TERM=4294967295\n"
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
}

static void an_environment_that_is_full_stays_whole(void **state)
{
	char value[PROGRAM_ENVIRONMENT_LEN / 2];

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	program_environment_add(&f.environment, "A", value);
	program_environment_add(&f.environment, "B", value); /* no room */
	for (unsigned i = 0; i < PROGRAM_ENVIRONMENT_MAX + 2; i++)
		program_environment_add_number(&f.environment, "C", i);
	assert_int_equal(f.environment.n, PROGRAM_ENVIRONMENT_MAX);
	run_script("tr '\\0' '\\n' </proc/$$/environ | cut -c 1-4 | sort | tr '\\n' ' ' >$D/out",
		LIMIT_MS);
	assert_string_equal(fixture_read("out"), "A=vv C=0 C=1 C=10 C=11 C=12 C=13 C=14 C=2 C=3 "
						 "C=4 C=5 C=6 C=7 C=8 C=9 PATH ");
}

static void no_descriptor_of_ours_is_left(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0); /* without O_CLOEXEC */
	run_script("ls /proc/self/fd >$D/out; readlink /proc/self/fd/0 >>$D/out", LIMIT_MS);
	close(fds[0]);
	close(fds[1]);
	/* 3 is the folder that ls reads. */
	assert_string_equal(fixture_read("out"), "0\n1\n2\n3\n/dev/null\n");
}

static void it_is_alone_and_ordinary(void **state)
{
	struct sched_param fifo = { .sched_priority = 5 }, other = { .sched_priority = 0 };
	sigset_t set;
	bool realtime = sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &fifo) == 0;

	(void)state;
	if (!realtime)
		print_message("no real-time priority here: that it is not inherited is not seen\n");
	sigfillset(&set);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	(void)signal(SIGPIPE, SIG_IGN);
	/* pid, group, session; nice and policy; mask; ignored signals, but for the two that the C
	 * library keeps to itself; working directory. */
	run_script("set -- $(cat /proc/$$/stat)\n"
		   "echo $(($1 == $$)) $(($5 == $$)) $(($6 == $$)) ${19} ${41} "
		   "$(awk '/^SigBlk/ { print $2 }' /proc/$$/status) "
		   "$((0x$(awk '/^SigIgn/ { print $2 }' /proc/$$/status) & ~0x180000000)) "
		   "$(pwd) $(umask) >$D/out",
		LIMIT_MS);
	assert_int_equal(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
	(void)signal(SIGPIPE, SIG_DFL);
	if (realtime)
		assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &other), 0);
	assert_string_equal(fixture_read("out"), "1 1 1 0 0 0000000000000000 0 / 0022\n");
}

static void it_has_no_capabilities_and_gets_none(void **state)
{
	(void)state;
	run_script("awk '/^Cap(Inh|Prm|Eff|Amb)|^NoNewPrivs/ { print $2 }' /proc/$$/status | "
		   "tr '\\n' ' ' >$D/out",
		LIMIT_MS);
	assert_string_equal(fixture_read("out"), "0000000000000000 0000000000000000 "
						 "0000000000000000 0000000000000000 1 ");
}

static void assert_refused(const char *path, int error, const char *why)
{
	run_path(path, LIMIT_MS);
	assert_result(PROGRAM_NOT_STARTED, error);
	assert_non_null(strstr(f.why, "not started: "));
	assert_non_null(strstr(f.why, why));
}

static void what_cannot_be_run_is_told_with_the_reason(void **state)
{
	(void)state;
	assert_refused(fixture_path("none"), ENOENT, "no such file");
	assert_refused(fixture_write("plain", "#!/bin/sh\n", 0644), EACCES, "not executable");
	assert_refused(fixture_write("group", "#!/bin/sh\n", 0775), EACCES, "may write it");
	assert_refused(fixture_write("others", "#!/bin/sh\n", 0757), EACCES, "may write it");
	assert_refused(fixture_dir, EACCES, "not a regular file");
	assert_refused("script", EACCES, "not an absolute path");
	assert_refused(fixture_write("nonsense", "nonsense", 0755), ENOEXEC, "format");
	assert_refused(fixture_write("lost", "#!/nonexistent\n", 0755), ENOENT, "interpreter");
	fixture_script("script", "exit 0");
	assert_int_equal(symlink("script", fixture_path("link")), 0);
	run_path(fixture_path("link"), LIMIT_MS);
	assert_result(PROGRAM_EXITED, 0);
}

static void a_foreign_file_is_refused(void **state)
{
	const char *path = fixture_script("script", "exit 0");

	(void)state;
	assert_int_equal(executable_look(path, geteuid()), EXECUTABLE_GOOD);
	if (geteuid() != 0) {
		assert_int_equal(executable_look(path, 0), EXECUTABLE_FOREIGN);
		return;
	}
	assert_int_equal(executable_look(path, 1234), EXECUTABLE_GOOD);
	assert_int_equal(chown(path, 1234, 0), 0);
	assert_int_equal(executable_look(path, 1234), EXECUTABLE_GOOD);
	assert_int_equal(executable_look(path, 1235), EXECUTABLE_FOREIGN);
	assert_refused(path, EACCES, "not owned by root");
}

/* Whoever may rename it may put another one in its place. */
static void what_others_could_replace_is_refused(void **state)
{
	const char *inner = fixture_path("inner"), *path = fixture_path("inner/script");
	const char *link = fixture_path("link");

	(void)state;
	assert_int_equal(mkdir(inner, 0755), 0);
	fixture_script("inner/script", "exit 0");
	assert_int_equal(symlink("./inner/../inner/script", link), 0);
	run_path(link, LIMIT_MS);
	assert_result(PROGRAM_EXITED, 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(chmod(inner, i == 0 ? 0775 : 0757), 0);
		assert_refused(path, EACCES, "on its path");
		assert_refused(link, EACCES, "on its path");
	}
	assert_int_equal(chmod(inner, 01777), 0);
	run_path(path, LIMIT_MS);
	assert_result(PROGRAM_EXITED, 0);
	assert_int_equal(chmod(inner, 0755), 0);
	assert_int_equal(chmod(fixture_dir, 0777), 0);
	assert_refused(path, EACCES, "on its path");
	assert_int_equal(chmod(fixture_dir, 0755), 0);
	if (geteuid() != 0)
		return;
	assert_int_equal(lchown(link, 1234, 0), 0);
	assert_refused(link, EACCES, "on its path");
	assert_int_equal(lchown(link, 0, 0), 0);
	assert_int_equal(chown(inner, 1234, 0), 0);
	assert_refused(link, EACCES, "on its path");
}

static void one_that_is_not_wanted_any_more_is_killed_unheard(void **state)
{
	(void)state;
	assert_int_equal(program_start(&f.program,
				 fixture_script("script", "trap '' TERM; echo $$ >$D/child\n"
							  "while :; do sleep 1; done"),
				 &f.environment, LIMIT_MS),
		0);
	fixture_run_ms(&f.loop, 200);
	program_fini(&f.program);
	assert_true(dies_soon("child"));
	fixture_run_ms(&f.loop, 50);
	assert_int_equal(f.ended, 0);
	program_init(&f.program, &f.loop, ended, &f);
}

static void a_child_that_is_heard_of_is_reaped_once(void **state)
{
	(void)state;
	assert_int_equal(program_start(&f.program, fixture_script("script", "exit 4"),
				 &f.environment, LIMIT_MS),
		0);
	pid_t pid = f.program.pid;

	assert_false(program_heard_child(&f.program, pid + 1));
	while (!program_heard_child(&f.program, pid))
		usleep(1000);
	assert_int_equal(f.ended, 1);
	assert_result(PROGRAM_EXITED, 4);
	fixture_run_ms(&f.loop, 20);
	assert_int_equal(f.ended, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_exit_status_is_told),
		TEST(so_is_the_signal_that_killed_it),
		TEST(one_runs_at_a_time),
		TEST(one_that_hangs_is_killed_with_its_children),
		TEST(one_that_gives_in_has_time_to_clean_up),
		TEST(what_is_left_of_its_group_ends_with_it),
		TEST(its_time_can_be_shortened),
		TEST(the_last_line_is_kept),
		TEST(one_that_writes_without_end_takes_no_time_of_ours),
		TEST(much_output_does_not_stop_it),
		TEST(its_environment_is_ours_alone),
		TEST(an_environment_that_is_full_stays_whole),
		TEST(no_descriptor_of_ours_is_left),
		TEST(it_is_alone_and_ordinary),
		TEST(it_has_no_capabilities_and_gets_none),
		TEST(what_cannot_be_run_is_told_with_the_reason),
		TEST(a_foreign_file_is_refused),
		TEST(what_others_could_replace_is_refused),
		TEST(one_that_is_not_wanted_any_more_is_killed_unheard),
		TEST(a_child_that_is_heard_of_is_reaped_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
