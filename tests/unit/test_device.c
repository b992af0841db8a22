/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_path.h"
#include "nsrp/device.h"

#include <errno.h>

static void a_bridge_s_port_is_told(void **state)
{
	struct world *w = world_of(state);
	struct device_master master;

	run(w, A, "ip link add br0 type bridge; ip link set ha master br0");
	enter(w, A);
	assert_int_equal(device_look("ha", &master), 0);
	assert_string_equal(master.kind, "bridge");
	assert_string_equal(master.name, "br0");
	assert_int_equal(device_look("br0", &master), 0);
	assert_string_equal(master.kind, "");
	run(w, A, "ip link set ha nomaster");
	assert_int_equal(device_look("ha", &master), 0);
	assert_string_equal(master.kind, "");
	assert_string_equal(master.name, "");
}

static void what_it_is_itself_is_told(void **state)
{
	struct world *w = world_of(state);
	struct device_master master;

	run(w, A, "ip link add mv link ha type macvlan");
	enter(w, A);
	assert_int_equal(device_look("mv", &master), 0);
	assert_true(master.ethernet);
	assert_string_equal(master.own_kind, "macvlan");
	assert_int_equal(device_look("lo", &master), 0);
	assert_false(master.ethernet);
	assert_string_equal(master.own_kind, "");
}

static void an_interface_that_is_not_there_is_an_error(void **state)
{
	struct world *w = world_of(state);
	struct device_master master = { .kind = "untouched" };

	enter(w, A);
	assert_int_equal(device_look("nowhere", &master), -ENODEV);
	assert_int_equal(device_look("", &master), -ENODEV);
	assert_int_equal(device_look("a_name_far_too_long", &master), -ENODEV);
	assert_string_equal(master.kind, "untouched");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(a_bridge_s_port_is_told),
		T(what_it_is_itself_is_told),
		T(an_interface_that_is_not_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
