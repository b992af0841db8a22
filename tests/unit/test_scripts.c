/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/scripts.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program_fixture.h"

static struct fixture {
	struct loop loop;
	struct scripts scripts;
	struct conf conf;
	struct log log;
	char diary[256]; /* of results: name, + or - */
	unsigned n_probed, most;
	uint64_t counted[COUNTER_COUNT];
} f;

static void probed(void *user, const char *monitor, bool ok)
{
	size_t len = strlen(f.diary);

	(void)user;
	f.n_probed++;
	snprintf(f.diary + len, sizeof(f.diary) - len, "%s%c", monitor, ok ? '+' : '-');
}

static void counted(void *user, enum counter counter)
{
	(void)user;
	f.counted[counter]++;
}

static struct conf_monitor *add(const char *name, const char *program, uint32_t interval_ms)
{
	struct conf_monitor *m = &f.conf.monitor[f.conf.n_monitors++];

	memset(m, 0, sizeof(*m));
	snprintf(m->name, sizeof(m->name), "%s", name);
	snprintf(m->program, sizeof(m->program), "%s", program);
	m->type = CONF_MONITOR_SCRIPT;
	m->interval_ms = interval_ms;
	return m;
}

static int set_up(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	fixture_make_dir();
	f.log.write = fixture_note_line;
	f.conf.cluster_id = 9;
	snprintf(f.conf.node[0], sizeof(f.conf.node[0]), "fw1");
	assert_int_equal(loop_init(&f.loop), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scripts_fini(&f.scripts);
	loop_fini(&f.loop);
	fixture_remove_dir();
	return 0;
}

static void start(void)
{
	const struct scripts_setup setup = {
		.loop = &f.loop,
		.log = &f.log,
		.conf = &f.conf,
		.probed = probed,
		.counted = counted,
	};

	scripts_init(&f.scripts, &setup);
}

static void wait_for_probes(unsigned n)
{
	for (unsigned i = 0; i < 1000 && f.n_probed < n; i++)
		fixture_run_ms(&f.loop, 5);
	assert_true(f.n_probed >= n);
}

static void results_are_told_run_by_run(void **state)
{
	(void)state;
	add("m", fixture_script("s", "if [ -e $D/bad ]; then echo bad; exit 1; fi"), 50);
	f.conf.n_monitors++; /* of another type */
	start();
	wait_for_probes(2);
	fixture_write("bad", "", 0644);
	wait_for_probes(f.n_probed + 3);
	assert_true(f.counted[COUNTER_SCRIPTS_FAILED] >= 2);
	assert_ptr_equal(strstr(f.diary, "m+m+"), f.diary);
	assert_non_null(strstr(f.diary, "m-m-"));
	assert_int_equal(fixture_n_logged, 1);
	assert_non_null(strstr(fixture_logged, "monitor m: "));
	assert_non_null(strstr(fixture_logged, "exited 1, its last line: bad"));
}

static void the_interval_is_kept(void **state)
{
	(void)state;
	add("m", fixture_script("s", "exit 0"), 100);
	start();
	fixture_run_ms(&f.loop, 450);
	assert_in_range(f.n_probed, 2, 5);
}

static void the_environment_says_what_is_watched(void **state)
{
	struct conf_monitor *m =
		add("m", fixture_script("s", "env | grep ^NSRP_ | sort >$D/out"), 60000);

	(void)state;
	snprintf(m->device, sizeof(m->device), "eth5");
	m->target = (struct conf_ip){ AF_INET6, { 0x20, 1, 0xd, 0xb8, [15] = 7 } };
	start();
	wait_for_probes(1);
	assert_string_equal(fixture_read("out"),
		"NSRP_CLUSTER=9\nNSRP_INTERFACE=eth5\nNSRP_MONITOR=m\n"
		"NSRP_NODE=fw1\nNSRP_TARGET=2001:db8::7\n");
	snprintf(f.conf.monitor[0].device, sizeof(m->device), "%s", "");
	f.conf.monitor[0].target.family = 0;
	scripts_reconfigure(&f.scripts);
	wait_for_probes(2);
	assert_string_equal(fixture_read("out"), "NSRP_CLUSTER=9\nNSRP_MONITOR=m\nNSRP_NODE=fw1\n");
}

static void never_two_of_one_run_at_once(void **state)
{
	(void)state;
	add("m",
		fixture_script(
			"s", "mkdir $D/lock || echo twice >$D/twice; sleep 0.12; rmdir $D/lock"),
		50);
	start();
	fixture_run_ms(&f.loop, 620);
	assert_string_equal(fixture_read("twice"), "");
	assert_in_range(f.n_probed, 1, 5);
	assert_true(f.counted[COUNTER_SCRIPTS_SKIPPED] >= 1);
}

static void one_that_hangs_has_failed(void **state)
{
	mono_t began = loop_now();

	(void)state;
	add("m", fixture_script("s", "echo asks; sleep 60"), 50);
	start();
	wait_for_probes(1);
	assert_in_range(mono_since_us(began, loop_now()) / 1000, SCRIPT_LIMIT_MIN_MS,
		SCRIPT_LIMIT_MIN_MS + 5000);
	assert_string_equal(f.diary, "m-");
	assert_non_null(
		strstr(fixture_logged, "did not end in time and was killed, its last line: asks"));
	assert_int_equal(f.counted[COUNTER_PROGRAMS_HUNG], 1);
}

static void a_long_interval_is_the_limit(void **state)
{
	(void)state;
	add("m", fixture_script("s", "sleep 60"), 10000);
	start();
	fixture_run_ms(&f.loop, 50);
	mono_t limit = f.scripts.script[0].program.limit_timer.due;

	assert_in_range(limit.us - loop_now().us, 9000000, 10000000);
}

static void one_that_cannot_be_started_has_failed(void **state)
{
	(void)state;
	add("m", fixture_path("none"), 60000);
	start();
	wait_for_probes(1);
	assert_string_equal(f.diary, "m-");
	assert_non_null(strstr(fixture_logged, "not started: there is no such file"));
}

static unsigned running(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CONF_MONITORS_MAX; i++)
		n += f.scripts.script[i].scripts && program_runs(&f.scripts.script[i].program);
	return n;
}

static void so_many_run_at_once_and_all_have_their_turn(void **state)
{
	enum { MANY = 2 * SCRIPTS_AT_ONCE + 3 };
	const char *path = fixture_script("s", "sleep 0.05; : >$D/$NSRP_MONITOR");
	char name[8];

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		add(name, path, 30); /* shorter than they take */
	}
	start();
	for (unsigned i = 0; i < 1000 && f.n_probed < 2 * MANY; i++) {
		fixture_run_ms(&f.loop, 2);
		f.most = running() > f.most ? running() : f.most;
	}
	assert_int_equal(f.most, SCRIPTS_AT_ONCE);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		assert_int_equal(access(fixture_path(name), F_OK), 0);
	}
}

static void a_reload_ends_what_is_gone_and_starts_what_changed(void **state)
{
	const char *path =
		fixture_script("s", "echo $NSRP_MONITOR$NSRP_INTERFACE >>$D/out; exec sleep 60");

	(void)state;
	add("gone", path, 60000);
	add("same", path, 60000);
	add("changed", path, 60000);
	start();
	fixture_run_ms(&f.loop, 150);
	assert_int_equal(running(), 3);
	f.conf.monitor[0] = f.conf.monitor[--f.conf.n_monitors];
	f.conf.monitor[1].weight = 3; /* not the program's concern */
	snprintf(f.conf.monitor[0].device, sizeof(f.conf.monitor[0].device), "eth1");
	add("new", path, 60000);
	scripts_reconfigure(&f.scripts);
	assert_int_equal(running(), 1);
	assert_int_equal(f.scripts.running, 1);
	fixture_run_ms(&f.loop, 150);
	assert_int_equal(running(), 3);
	const char *out = fixture_read("out");

	assert_int_equal(strlen(out), strlen("gone\nsame\nchanged\nchangedeth1\nnew\n"));
	assert_non_null(strstr(out, "changedeth1\n"));
	assert_non_null(strstr(out, "new\n"));
	assert_int_equal(f.n_probed, 0);
}

static void a_new_engine_is_told_the_last_results(void **state)
{
	(void)state;
	add("a", fixture_script("s", "exit 0"), 60000);
	add("b", fixture_path("none"), 60000);
	add("c", fixture_script("hangs", "sleep 60"), 60000);
	start();
	wait_for_probes(2);
	f.diary[0] = '\0';
	scripts_tell_again(&f.scripts);
	assert_string_equal(f.diary, "a+b-");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(results_are_told_run_by_run),
		TEST(the_interval_is_kept),
		TEST(the_environment_says_what_is_watched),
		TEST(never_two_of_one_run_at_once),
		TEST(one_that_hangs_has_failed),
		TEST(a_long_interval_is_the_limit),
		TEST(one_that_cannot_be_started_has_failed),
		TEST(so_many_run_at_once_and_all_have_their_turn),
		TEST(a_reload_ends_what_is_gone_and_starts_what_changed),
		TEST(a_new_engine_is_told_the_last_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
