/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/annals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct annals annals;
	struct chores chores; /* nothing of it is begun */
};

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return *state == NULL;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void change(struct fixture *f, enum group_state from, enum group_state to, uint64_t at_us)
{
	struct store_record record = {
		.group = 7,
		.change = { .from = from, .to = to, .term = 9, .at = { at_us } },
	};

	annals_add(&f->annals, &f->chores, &record);
}

static void step_at(struct fixture *f, enum step step, uint64_t us)
{
	annals_step(&f->annals, 7, step, (mono_t){ us });
}

static void steps_follow_a_mastership(void **state)
{
	struct fixture *f = *state;

	change(f, GROUP_PRIMARY_BACKUP, GROUP_MASTER, 1000);
	assert_int_equal(f->chores.n_records, 1);
	step_at(f, STEP_ANNOUNCED, 1300);
	step_at(f, STEP_SET, 1400);
	assert_int_equal(f->chores.n_records, 1);
	annals_tell(&f->annals, &f->chores, 7);
	assert_int_equal(f->chores.n_records, 2);
	const struct store_record *sequel = &f->chores.record[1];

	assert_true(sequel->sequel);
	assert_int_equal(sequel->group, 7);
	assert_int_equal(sequel->change.to, GROUP_MASTER);
	assert_int_equal(sequel->change.term, 9);
	assert_int_equal(sequel->change.steps, 1u << STEP_ANNOUNCED | 1u << STEP_SET);
	assert_int_equal(sequel->change.step_us[STEP_ANNOUNCED], 300);
	assert_int_equal(sequel->change.step_us[STEP_SET], 400);

	step_at(f, STEP_SET, 5000); /* put back */
	step_at(f, STEP_SETTLED, 9000);
	annals_tell(&f->annals, &f->chores, 7);
	annals_tell(&f->annals, &f->chores, 7);
	assert_int_equal(f->chores.n_records, 3);
	assert_int_equal(f->chores.record[2].change.steps, 1u << STEP_SETTLED);
	assert_int_equal(f->chores.record[2].change.step_us[STEP_SETTLED], 8000);
}

static void what_follows_nothing_is_passed_over(void **state)
{
	struct fixture *f = *state;

	step_at(f, STEP_SET, 1000);
	annals_tell(&f->annals, &f->chores, 7);
	change(f, GROUP_BACKUP, GROUP_PRIMARY_BACKUP, 2000);
	step_at(f, STEP_SET, 3000);
	annals_tell(&f->annals, &f->chores, 7);
	assert_int_equal(f->chores.n_records, 1);
}

static void changes_of_a_standby_do_not_take_the_steps_of_a_mastership(void **state)
{
	struct fixture *f = *state;

	change(f, GROUP_MASTER, GROUP_BACKUP, 1000);
	change(f, GROUP_BACKUP, GROUP_PRIMARY_BACKUP, 2000);
	step_at(f, STEP_CONFIRMED, 3000);
	annals_tell(&f->annals, &f->chores, 7);
	assert_int_equal(f->chores.record[2].change.to, GROUP_BACKUP);
	assert_int_equal(f->chores.record[2].change.step_us[STEP_CONFIRMED], 2000);
}

static void a_new_mastership_has_steps_of_its_own(void **state)
{
	struct fixture *f = *state;

	change(f, GROUP_PRIMARY_BACKUP, GROUP_MASTER, 1000);
	step_at(f, STEP_SET, 2000);
	annals_tell(&f->annals, &f->chores, 7);
	change(f, GROUP_MASTER, GROUP_INIT, 5000);
	change(f, GROUP_INIT, GROUP_MASTER, 6000);
	step_at(f, STEP_SET, 6100);
	annals_tell(&f->annals, &f->chores, 7);
	assert_int_equal(f->chores.n_records, 5);
	assert_int_equal(f->chores.record[4].change.step_us[STEP_SET], 100);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(steps_follow_a_mastership),
		T(what_follows_nothing_is_passed_over),
		T(changes_of_a_standby_do_not_take_the_steps_of_a_mastership),
		T(a_new_mastership_has_steps_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
