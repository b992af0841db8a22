/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/hooks.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "program_fixture.h"

enum { GROUP = 7, OTHER = 200 };

static struct fixture {
	struct loop loop;
	struct hooks hooks;
	struct conf conf;
	struct log log;
	uint64_t counted[COUNTER_COUNT];
	unsigned over;
} f;

static void counted(void *user, enum counter counter)
{
	(void)user;
	f.counted[counter]++;
}

static void over(void *user)
{
	(void)user;
	f.over++;
	loop_stop(&f.loop);
}

static void set_hook(unsigned group, const char *path)
{
	snprintf(f.conf.group[group].hook, sizeof(f.conf.group[group].hook), "%s", path);
}

static int set_up(void **state)
{
	const struct hooks_setup setup = {
		.loop = &f.loop,
		.log = &f.log,
		.conf = &f.conf,
		.counted = counted,
		.over = over,
	};

	(void)state;
	memset(&f, 0, sizeof(f));
	fixture_make_dir();
	f.log.write = fixture_note_line;
	f.conf.cluster_id = 9;
	f.conf.self = 1;
	snprintf(f.conf.node[0], sizeof(f.conf.node[0]), "fw1");
	snprintf(f.conf.node[1], sizeof(f.conf.node[1]), "fw2");
	f.conf.n_groups = 2;
	f.conf.group[0].id = GROUP;
	f.conf.group[1].id = OTHER;
	set_hook(0,
		fixture_script("hook", "echo $NSRP_OLD_STATE to $NSRP_STATE $NSRP_TERM >>$D/out"));
	assert_int_equal(loop_init(&f.loop), 0);
	hooks_init(&f.hooks, &setup);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	hooks_fini(&f.hooks);
	loop_fini(&f.loop);
	fixture_remove_dir();
	return 0;
}

static void change_for(uint8_t group, enum group_state from, enum group_state to, uint32_t term,
	enum reason reason)
{
	const struct action_record record = {
		.from = from,
		.to = to,
		.rule = RULE_BETTER,
		.reason = reason,
		.term = term,
	};

	hooks_changed(&f.hooks, group, &record);
}

static void change(enum group_state from, enum group_state to, uint32_t term)
{
	change_for(GROUP, from, to, term, REASON_ELECTED);
}

static bool runs(void)
{
	return f.hooks.hook[GROUP].hooks && program_runs(&f.hooks.hook[GROUP].program);
}

/* The loop goes on until nothing runs and nothing waits. */
static void settle(void)
{
	for (unsigned i = 0; i < 500; i++) {
		fixture_run_ms(&f.loop, 10);
		if (!runs() && !f.hooks.hook[GROUP].waits && !f.hooks.hook[OTHER].waits &&
			!(f.hooks.hook[OTHER].hooks && program_runs(&f.hooks.hook[OTHER].program)))
			return;
	}
	fail_msg("hooks without end");
}

static void until_it_runs(void)
{
	while (!runs())
		fixture_run_ms(&f.loop, 5);
	for (unsigned i = 0; i < 500 && strcmp(fixture_read("begun"), "1\n") != 0; i++)
		fixture_run_ms(&f.loop, 5);
}

static void set_slow_hook(void)
{
	set_hook(0,
		fixture_script("hook", "echo $NSRP_OLD_STATE to $NSRP_STATE $NSRP_TERM >>$D/out\n"
				       "echo 1 >$D/begun; sleep 0.2"));
}

static void assert_out(const char *text)
{
	assert_string_equal(fixture_read("out"), text);
}

static void the_environment_says_what_happened(void **state)
{
	(void)state;
	set_hook(0, fixture_script("hook", "env | grep ^NSRP_ | sort >$D/out"));
	change(GROUP_BACKUP, GROUP_MASTER, 12);
	settle();
	assert_out("NSRP_CLUSTER=9\nNSRP_GROUP=7\nNSRP_NODE=fw2\nNSRP_OLD_STATE=backup\n"
		   "NSRP_PEER=fw1\nNSRP_REASON=elected\nNSRP_RULE=4a\nNSRP_STATE=master\n"
		   "NSRP_TERM=12\n");
}

static void each_state_is_told_in_order(void **state)
{
	(void)state;
	change(GROUP_INIT, GROUP_BACKUP, 1);
	settle();
	change(GROUP_BACKUP, GROUP_MASTER, 2);
	settle();
	change(GROUP_MASTER, GROUP_INOPERABLE, 2);
	settle();
	assert_out("init to backup 1\nbackup to master 2\nmaster to inoperable 2\n");
	assert_int_equal(f.counted[COUNTER_HOOKS_RUN], 3);
	assert_int_equal(f.counted[COUNTER_HOOKS_SKIPPED], 0);
	assert_int_equal(fixture_n_logged, 0);
}

static void addresses_have_a_moment_first(void **state)
{
	mono_t began = loop_now();

	(void)state;
	change(GROUP_INIT, GROUP_MASTER, 1);
	assert_false(runs());
	while (!runs())
		fixture_run_ms(&f.loop, 1);
	assert_true(mono_since_us(began, loop_now()) >= HOOK_DELAY_MS * 1000);
	settle();
}

static void while_one_runs_the_latest_state_wins(void **state)
{
	(void)state;
	set_slow_hook();
	change(GROUP_INIT, GROUP_MASTER, 5);
	until_it_runs();
	change(GROUP_MASTER, GROUP_BACKUP, 5);
	change(GROUP_BACKUP, GROUP_INELIGIBLE, 6);
	change(GROUP_INELIGIBLE, GROUP_PRIMARY_BACKUP, 6);
	settle();
	assert_out("init to master 5\nmaster to primary-backup 6\n");
	assert_int_equal(f.counted[COUNTER_HOOKS_SKIPPED], 2);
}

static void what_is_as_it_was_told_is_not_told_again(void **state)
{
	(void)state;
	set_slow_hook();
	change(GROUP_INIT, GROUP_BACKUP, 5);
	until_it_runs();
	change(GROUP_BACKUP, GROUP_PRIMARY_BACKUP, 5);
	change(GROUP_PRIMARY_BACKUP, GROUP_BACKUP, 5);
	settle();
	assert_out("init to backup 5\n");
}

static void another_mastership_is_told_though_the_state_is_the_same(void **state)
{
	(void)state;
	set_slow_hook();
	change(GROUP_INIT, GROUP_MASTER, 5);
	until_it_runs();
	change(GROUP_MASTER, GROUP_BACKUP, 6);
	change(GROUP_BACKUP, GROUP_MASTER, 7);
	/* Then the engine dies, and the next goes on with that. */
	change_for(GROUP, GROUP_INIT, GROUP_MASTER, 7, REASON_RESUMED);
	settle();
	assert_out("init to master 5\nmaster to master 7\n");
}

static void a_mastership_that_is_resumed_is_no_news(void **state)
{
	(void)state;
	change(GROUP_INIT, GROUP_MASTER, 5);
	settle();
	/* Of several groups the highest term counts for all. */
	change_for(GROUP, GROUP_INIT, GROUP_MASTER, 9, REASON_RESUMED);
	settle();
	assert_out("init to master 5\n");
	change_for(OTHER, GROUP_INIT, GROUP_MASTER, 9, REASON_RESUMED);
	change(GROUP_MASTER, GROUP_BACKUP, 9);
	settle();
	assert_out("init to master 5\nmaster to backup 9\n");
}

static void groups_do_not_wait_for_each_other(void **state)
{
	(void)state;
	set_hook(0, fixture_script("slow", "sleep 0.3"));
	set_hook(1, fixture_path("slow"));
	change(GROUP_INIT, GROUP_MASTER, 5);
	change_for(OTHER, GROUP_INIT, GROUP_MASTER, 5, REASON_ELECTED);
	while (!program_runs(&f.hooks.hook[OTHER].program))
		fixture_run_ms(&f.loop, 1);
	assert_true(runs());
	settle();
	assert_int_equal(f.counted[COUNTER_HOOKS_RUN], 2);
}

static void one_that_fails_is_logged_once_and_counted(void **state)
{
	(void)state;
	set_hook(0, fixture_script("hook", "echo cannot reach the switch; exit 3"));
	for (uint32_t term = 1; term < 4; term++) {
		change(GROUP_INIT, GROUP_MASTER, term);
		settle();
	}
	assert_int_equal(fixture_n_logged, 1);
	assert_non_null(strstr(fixture_logged, "group 7: hook "));
	assert_non_null(strstr(
		fixture_logged, "for master: exited 3, its last line: cannot reach the switch"));
	assert_int_equal(f.counted[COUNTER_HOOKS_FAILED], 3);
	assert_int_equal(f.counted[COUNTER_PROGRAMS_HUNG], 0);
}

static void one_that_cannot_be_started_is_logged_and_the_next_told_its_state(void **state)
{
	(void)state;
	char good[CONF_PATH_MAX];

	memcpy(good, f.conf.group[0].hook, sizeof(good));
	set_hook(0, fixture_path("none"));
	change(GROUP_INIT, GROUP_MASTER, 1);
	settle();
	assert_non_null(strstr(fixture_logged, "not started: there is no such file"));
	assert_int_equal(f.counted[COUNTER_HOOKS_FAILED], 1);
	set_hook(0, good);
	change(GROUP_MASTER, GROUP_BACKUP, 1);
	settle();
	assert_out("master to backup 1\n");
}

static void one_that_hangs_is_killed_logged_and_the_last_state_told(void **state)
{
	(void)state;
	set_hook(0,
		fixture_script("hook", "echo $NSRP_OLD_STATE to $NSRP_STATE >>$D/out\n"
				       "echo 1 >$D/begun\n"
				       "[ $NSRP_STATE != master ] || { echo waits; sleep 60; }"));
	change(GROUP_INIT, GROUP_MASTER, 1);
	until_it_runs();
	mono_t limit = f.hooks.hook[GROUP].program.limit_timer.due;

	assert_in_range(limit.us - loop_now().us, 20000000, 30000000);
	change(GROUP_MASTER, GROUP_BACKUP, 1);
	program_shorten(&f.hooks.hook[GROUP].program, 50);
	settle();
	assert_out("init to master\nmaster to backup\n");
	assert_non_null(
		strstr(fixture_logged, "for master: did not end in time and was killed, its last "
				       "line: waits"));
	assert_int_equal(f.counted[COUNTER_PROGRAMS_HUNG], 1);
	assert_int_equal(f.counted[COUNTER_HOOKS_FAILED], 1);
}

static void a_group_without_a_hook_runs_nothing_and_remembers(void **state)
{
	(void)state;
	change_for(OTHER, GROUP_INIT, GROUP_MASTER, 1, REASON_ELECTED);
	change_for(33, GROUP_INIT, GROUP_MASTER, 1, REASON_ELECTED); /* not in the file */
	settle();
	assert_int_equal(f.counted[COUNTER_HOOKS_RUN], 0);
	set_hook(1, fixture_path("hook")); /* a reload */
	change_for(OTHER, GROUP_INELIGIBLE, GROUP_BACKUP, 1, REASON_ELECTED);
	settle();
	assert_out("master to backup 1\n");
}

static void the_service_that_ends_tells_the_final_state(void **state)
{
	(void)state;
	assert_true(hooks_finish(&f.hooks));
	f.hooks.ending = f.hooks.over = false;
	change(GROUP_INIT, GROUP_MASTER, 1);
	settle();
	change(GROUP_MASTER, GROUP_INELIGIBLE, 1);
	assert_false(hooks_finish(&f.hooks));
	fixture_run(&f.loop);
	assert_int_equal(f.over, 1);
	assert_out("init to master 1\nmaster to ineligible 1\n");
}

static void without_an_engine_a_master_that_ends_is_told_all_the_same(void **state)
{
	(void)state;
	change(GROUP_INIT, GROUP_MASTER, 1);
	settle();
	assert_false(hooks_finish(&f.hooks));
	fixture_run(&f.loop);
	assert_out("init to master 1\nmaster to ineligible 1\n");
}

static void the_end_waits_for_no_hook_for_long(void **state)
{
	mono_t began = loop_now();

	(void)state;
	set_hook(0, fixture_script("hook", "echo $NSRP_STATE >>$D/out\necho 1 >$D/begun\n"
					   "[ $NSRP_STATE = ineligible ] || sleep 60"));
	change(GROUP_INIT, GROUP_MASTER, 1);
	until_it_runs();
	assert_false(hooks_finish(&f.hooks));
	fixture_run(&f.loop);
	assert_true(mono_since_us(began, loop_now()) < 8000000);
	assert_out("master\nineligible\n");
}

static void a_master_that_is_taken_out_of_the_configuration_is_told(void **state)
{
	(void)state;
	change(GROUP_BACKUP, GROUP_MASTER, 4);
	settle();
	f.conf.n_groups = 1;
	f.conf.group[0] = f.conf.group[1];
	hooks_reconfigure(&f.hooks);
	settle();
	assert_out("backup to master 4\nmaster to ineligible 4\n");
	hooks_reconfigure(&f.hooks); /* once */
	settle();
	assert_out("backup to master 4\nmaster to ineligible 4\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_environment_says_what_happened),
		TEST(each_state_is_told_in_order),
		TEST(addresses_have_a_moment_first),
		TEST(while_one_runs_the_latest_state_wins),
		TEST(what_is_as_it_was_told_is_not_told_again),
		TEST(another_mastership_is_told_though_the_state_is_the_same),
		TEST(a_mastership_that_is_resumed_is_no_news),
		TEST(groups_do_not_wait_for_each_other),
		TEST(one_that_fails_is_logged_once_and_counted),
		TEST(one_that_cannot_be_started_is_logged_and_the_next_told_its_state),
		TEST(one_that_hangs_is_killed_logged_and_the_last_state_told),
		TEST(a_group_without_a_hook_runs_nothing_and_remembers),
		TEST(a_master_that_is_taken_out_of_the_configuration_is_told),
		TEST(the_service_that_ends_tells_the_final_state),
		TEST(without_an_engine_a_master_that_ends_is_told_all_the_same),
		TEST(the_end_waits_for_no_hook_for_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
