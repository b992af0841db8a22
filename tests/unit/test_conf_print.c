/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_conf.h"

static struct conf conf, again;
static char printed[512 * 1024];

/* Everything but the digest: what is printed are the values of one node. */
static void assert_round_trip(const char *text, const char *node)
{
	accept_as(text, node, &conf);
	size_t len = conf_print(&conf, printed, sizeof(printed));

	assert_true(len < sizeof(printed));
	assert_int_equal(strlen(printed), len);
	accept_as(printed, node, &again);
	again.digest = conf.digest;
	assert_memory_equal(&conf, &again, sizeof(conf));
}

static void the_smallest_file_survives_a_round_trip(void **state)
{
	(void)state;
	assert_round_trip(CLUSTER LINK GROUP, "fw1");
	assert_round_trip(CLUSTER LINK GROUP, "fw2");
}

static void the_example_survives_a_round_trip(void **state)
{
	(void)state;
	assert_round_trip(load(EXAMPLE), "fw1");
	assert_round_trip(load(EXAMPLE), "fw2");
}

/* Every value differs from its default. */
static const char full[] =
	"[cluster]\nid = 255\nkey-file = /k\nprevious-key-file = /p\nheartbeat = 5ms\n"
	"heartbeat.fw1 = 5ms\nlost-after = 200\nlost-after.fw1 = 3\nboot-wait = 0s\n"
	"sync-wait = 90s\nmonitor-links = none\n"
	"[node fw1]\n[node fw2]\n"
	"[interface wan]\ndevice.fw1 = eth1\ndevice.fw2 = eth0\n"
	"[interface lan]\ndevice = eth5\n"
	"[link b]\ninterface = eth2\n"
	"[link a]\ntransport = udp\ninterface = eth3\naddress.fw1 = [2001:db8::1]:700\n"
	"address.fw2 = 2001:db8::2\n"
	"[group 9]\npriority.fw1 = 9\npriority.fw2 = 8\npreempt = yes\npreempt-hold = 1500ms\n"
	"address = 10.0.0.1/31 dev lan\naddress = fd00::1/64 dev wan\n"
	"route = default via 10.0.0.0 dev lan\nroute = ::/0 dev wan metric 9 table 8\n"
	"route = 2001:db8:5::/48 via fe80::9 dev eth5\nvirtual-mac = yes\n"
	"secondary-path = wan, eth7\nsecondary-path = eth8\nthreshold = 2\nhook = /hook\n"
	"[group 3]\naddress = 10.3.0.1/16 dev eth9\nsecondary-path.fw1 = none\n"
	"[monitor s]\ntype = script\nprogram = /s\ninterval = 3600s\ngroup = 9\n"
	"[monitor a]\ntype = arp\ninterface = wan\ntarget = 10.0.0.0\nfall = 1\nrise = 200\n"
	"[monitor p]\ntype = ping\ntarget = 2001:db8::9\nweight = 0\n"
	"[monitor l]\ntype = link\ninterface = eth5\ngroup = 3\n"
	"[mirror]\nsessions = no\nipsec = no\nruleset = no\nneighbours = no\nhold = 3601s\n"
	"ruleset-local = inet a, b/c\nfiles = /x\nfiles = /y z,/w\n";

static void every_value_survives_a_round_trip(void **state)
{
	(void)state;
	assert_round_trip(full, "fw1");
	assert_round_trip(full, "fw2");
}

static void all_keys_that_count_are_printed(void **state)
{
	(void)state;
	accept_it(full, &conf);
	conf_print(&conf, printed, sizeof(printed));
	for (size_t i = 0; i < conf_keywords_count; i++) {
		char line[64];

		snprintf(line, sizeof(line), "\n%s", conf_keywords[i].key);
		assert_non_null(strstr(printed, line));
	}
	assert_non_null(strstr(printed, "\npreempt-hold = 1500ms\n"));
	assert_non_null(strstr(printed, "\naddress.fw1 = [2001:db8::1]:700\n"));
	assert_non_null(strstr(printed, "\naddress = 10.0.0.1/31 dev lan\n"));
	assert_non_null(strstr(printed, "\nroute = default via 10.0.0.0 dev lan\n"));
	assert_non_null(strstr(printed, "\nroute = ::/0 dev wan metric 9 table 8\n"));
}

static void a_line_as_long_as_allowed_survives_a_round_trip(void **state)
{
	char text[1024], hook[CONF_LINE_MAX];

	(void)state;
	memset(hook, 'h', sizeof(hook));
	hook[0] = '/';
	hook[CONF_LINE_MAX - strlen("hook=")] = '\0';
	snprintf(text, sizeof(text), CLUSTER LINK GROUP "hook=%s\n", hook);
	assert_round_trip(text, "fw1");
	assert_string_equal(conf.group[0].hook, hook);
}

static void a_file_as_large_as_allowed_survives_a_round_trip(void **state)
{
	static char text[256 * 1024];
	size_t len = (size_t)snprintf(text, sizeof(text), CLUSTER LINK "[group 0]\n");

	(void)state;
	for (unsigned i = 0; i < CONF_ADDRESSES_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"address = fd00::%x:1/64 dev vlan%u\n", i, i % 13);
	for (unsigned i = 0; i < CONF_ROUTES_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"route = 10.%u.%u.0/24 dev vlan1\n", i / 256, i % 256);
	assert_round_trip(text, "fw1");
}

static void a_device_with_a_logical_name_is_printed_by_it(void **state)
{
	(void)state;
	assert_round_trip(CLUSTER LINK "[interface lan]\ndevice = eth0\n"
				       "[group 0]\naddress = 10.0.0.1/24 dev eth0\n",
		"fw1");
	assert_non_null(strstr(printed, "\naddress = 10.0.0.1/24 dev lan\n"));
}

static void a_small_buffer_gets_the_beginning_and_the_whole_length(void **state)
{
	char small[40];

	(void)state;
	accept_it(CLUSTER LINK GROUP, &conf);
	size_t len = conf_print(&conf, printed, sizeof(printed));

	assert_int_equal(conf_print(&conf, NULL, 0), len);
	for (size_t size = 1; size <= sizeof(small); size++) {
		memset(small, 'x', sizeof(small));
		assert_int_equal(conf_print(&conf, small, size), len);
		assert_int_equal(strlen(small), size - 1);
		assert_memory_equal(small, printed, size - 1);
	}
}

static void without_differences_the_digest_survives_too(void **state)
{
	(void)state;
	accept_it(CLUSTER LINK GROUP "priority.fw1 = 4\nroute = default via 192.0.2.3\n", &conf);
	conf_print(&conf, printed, sizeof(printed));
	accept_it(printed, &again);
	assert_int_equal(conf.digest, again.digest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_smallest_file_survives_a_round_trip),
		cmocka_unit_test(the_example_survives_a_round_trip),
		cmocka_unit_test(every_value_survives_a_round_trip),
		cmocka_unit_test(all_keys_that_count_are_printed),
		cmocka_unit_test(a_line_as_long_as_allowed_survives_a_round_trip),
		cmocka_unit_test(a_file_as_large_as_allowed_survives_a_round_trip),
		cmocka_unit_test(a_device_with_a_logical_name_is_printed_by_it),
		cmocka_unit_test(a_small_buffer_gets_the_beginning_and_the_whole_length),
		cmocka_unit_test(without_differences_the_digest_survives_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
