/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_conf.h"

static void contradictions_of_a_link_are_found(void **state)
{
	static const struct fault faults[] = {
		{ 7, "", 6, "[link ha0] interface: found nothing, allowed: an interface" },
		{ 7, "interface.fw1 = eth2", 6, "[link ha0] interface: found nothing" },
		{ 7, "interface = eth2\naddress.fw1 = 10.0.0.1\naddress.fw2 = 10.0.0.2", 9,
			"[link ha0] address: found an address, allowed: none with transport" },
		{ 7, "transport = udp", 6, "[link ha0] address: found not both addresses" },
		{ 7, "transport = udp\naddress.fw1 = 10.0.0.1", 6, "found not both addresses" },
		{ 7, "transport = udp\naddress.fw2 = 10.0.0.2", 8, "found not both addresses" },
		{ 7, "transport = udp\naddress.fw1 = 10.0.0.1\naddress.fw2 = fd00::2", 9,
			"found IPv4 and IPv6, allowed: addresses of one family" },
		{ 7, "transport = udp\naddress.fw1 = 10.0.0.1\naddress.fw2 = 10.0.0.1", 9,
			"found the same address and port for both nodes" },
		{ 7, "transport = udp\naddress.fw1 = 10.0.0.1\naddress.fw2 = 10.0.0.1:8133", 9,
			"found the same address and port for both nodes" },
		{ 7, "transport = udp\naddress.fw1 = fe80::1\naddress.fw2 = fe80::2", 6,
			"a link-local address needs one" },
		{ 7, "transport = udp\naddress.fw1 = 10.0.0.1\naddress.fw2 = 192.0.2.1", 9,
			"found a virtual address of group 0, allowed: the node's own" },
		{ 7, "interface = eth2\ntransport = ethernet\ntransport.fw2 = udp", 9,
			"found `ethernet` for fw1 and `udp` for fw2, allowed: the same" },
		{ 7, "interface = eth2\n[link ha1]\ninterface = eth2", 9,
			"[link ha1] interface: found the interface of another link" },
		{ 7, "interface = eth2\n[link ha1]\ninterface.fw1 = eth3\ninterface.fw2 = eth2", 10,
			"[link ha1] interface: found the interface of another link" },
		{ 7, "interface = eth0", 7, "found `eth0`, which carries an address of group 0" },
		{ 7, "interface.fw1 = eth2\ninterface.fw2 = eth0", 8,
			"found `eth0`, which carries an address of group 0" },
		{ 7,
			"interface = eth2\n[link a]\ninterface = e1\n[link b]\ninterface = e2\n"
			"[link c]\ninterface = e3\n[link d]\ninterface = e4",
			14, "[link d]: found one more [link], allowed: 4 at most" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

static void two_udp_links_need_two_endpoints(void **state)
{
	static struct conf conf;
	static struct found found;

	(void)state;
	assert_int_equal(read_as(CLUSTER "[link a]\ntransport = udp\naddress.fw1 = 10.0.0.1\n"
					 "address.fw2 = 10.0.0.2\n[link b]\ntransport = udp\n"
					 "address.fw1 = 10.0.0.1\naddress.fw2 = 10.0.0.3\n" GROUP,
				 "fw1", &conf, &found),
		-EINVAL);
	assert_int_equal(found.n, 1);
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 13,
		"[link b] address: found the address and port of another link"));
	accept_it(CLUSTER "[link a]\ntransport = udp\naddress.fw1 = 10.0.0.1\n"
			  "address.fw2 = 10.0.0.2\n[link b]\ntransport = udp\n"
			  "address.fw1 = 10.0.0.1:9\naddress.fw2 = 10.0.0.2:9\n" GROUP,
		&conf);
}

static void a_logical_interface_is_one_device(void **state)
{
	static const struct fault faults[] = {
		{ 0, "[interface a]\ndevice = x\n[interface b]\ndevice = x", 13,
			"[interface b] device: found `x`, which is [interface a] already" },
		{ 7, "interface = a\n[interface a]\ndevice.fw1 = eth2\ndevice.fw2 = eth0", 7,
			"found `eth0`, which carries an address of group 0" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

static void contradictions_of_addresses_are_found(void **state)
{
	static const struct fault faults[] = {
		{ 0, "address = 192.0.2.1/24 dev eth0", 10,
			"found `192.0.2.1/24 dev eth0` a second time, allowed: once (see line 9)" },
		{ 0, "address = 192.0.2.1/25 dev eth1", 10, "a second time" },
		{ 0, "[group 1]\naddress = 192.0.2.1/24 dev eth1", 11,
			"[group 1] address: found `192.0.2.1/24 dev eth1` a second time" },
		{ 0, "address = fe80::1/64 dev eth0\naddress = fe80::1/64 dev eth0", 11,
			"found `fe80::1/64 dev eth0` a second time" },
		{ 0, "address = 2001:db8::1/64 dev eth0\naddress = 2001:DB8:0::1/64 dev eth1", 11,
			"found `2001:DB8:0::1/64 dev eth1` a second time" },
		{ 0, "[group 1]\naddress.fw1 = 198.51.100.1/24 dev eth1", 11,
			"which fw2 has not, allowed: the same addresses for both nodes" },
	};
	static struct conf conf;

	(void)state;
	/* The last one also leaves fw2's group 1 empty. */
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
	accept_it(CLUSTER LINK GROUP "address = fe80::1/64 dev eth0\n"
				     "address = fe80::1/64 dev eth1\n",
		&conf);
}

static void contradictions_of_routes_are_found(void **state)
{
	static const struct fault faults[] = {
		{ 0, "route = default via 192.0.2.1 dev eth0", 10,
			"whose gateway is a virtual address of this pair" },
		{ 0, "route = default via 192.0.2.2\nroute = 0.0.0.0/0 via 192.0.2.3", 11,
			"found a second route to the same destination (see line 10)" },
		{ 0, "route = 10.0.0.0/8 dev eth0\nroute = 10.0.0.0/8 dev eth1", 11,
			"found a second route to the same destination (see line 10)" },
	};
	static struct conf conf;

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
	accept_it(CLUSTER LINK GROUP
		"route = default via 192.0.2.2\n"
		"route = default via 192.0.2.2 metric 5\n"
		"route = default via 192.0.2.2 table 5\n"
		"route = 10.0.0.0/8 via 192.0.2.2\nroute = 10.0.0.0/9 dev eth0\n",
		&conf);
	assert_int_equal(conf.n_routes, 5);
}

static void a_monitor_has_what_its_type_needs_and_no_more(void **state)
{
	static const struct fault faults[] = {
		{ 0, "[monitor m]\ntype = link", 10,
			"[monitor m] interface: found nothing, allowed" },
		{ 0, "[monitor m]\ntype = link\ninterface = e\ntarget = 1.2.3.4", 13,
			"target: found one, allowed: none (type link has no use for it)" },
		{ 0, "[monitor m]\ntype = link\ninterface = e\nprogram = /x", 13,
			"program: found one, allowed: none (type link" },
		{ 0, "[monitor m]\ntype = ping", 10, "(type ping needs it)" },
		{ 0, "[monitor m]\ntype = ping\ntarget = 1.2.3.4\nprogram = /x", 13,
			"program: found one, allowed: none (type ping" },
		{ 0, "[monitor m]\ntype = ping\ntarget = fe80::1", 10,
			"a link-local target needs one" },
		{ 0, "[monitor m]\ntype = arp\ninterface = e", 10, "(type arp needs it)" },
		{ 0, "[monitor m]\ntype = arp\ntarget = 1.2.3.4", 10, "interface: found nothing" },
		{ 0, "[monitor m]\ntype = script", 10, "(type script needs it)" },
		{ 0, "[monitor m]\ntype = ping\ntarget = 1.2.3.4\ngroup = 1", 13,
			"[monitor m] group: found `1`, allowed: the id of a [group] of this file" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

static void a_detection_time_out_of_bounds_is_found(void **state)
{
	static const struct fault faults[] = {
		{ 1, "[cluster]\nheartbeat = 10s\nlost-after = 7", 3,
			"found a detection time of 70000ms (heartbeat 10000ms x 7), allowed: "
			"10ms" },
		{ 1, "[cluster]\nheartbeat = 1s\nlost-after = 61", 3, "61000ms" },
		{ 1, "[cluster]\nlost-after.fw2 = 255\nlost-after = 2\nheartbeat = 240ms", 2,
			"61200ms" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

static void a_secondary_path_is_no_ha_link(void **state)
{
	static const struct fault faults[] = {
		{ 0, "secondary-path = eth0, eth2", 10,
			"found `eth2`, which is an HA link's interface, allowed: a data "
			"interface" },
		{ 0, "secondary-path = a,b,c,d,e,f,g,h,i,j,k,l,m", 10,
			"found one more, allowed: 12 secondary paths at most" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

static void path_names_of_one_tag_are_found(void **state)
{
	static struct conf conf;
	static struct found found;
	char name[2][CONF_NAME_MAX] = { "p", "" }, text[512];

	(void)state;
	do {
		static unsigned n;

		snprintf(name[1], sizeof(name[1]), "p%u", n++);
	} while (conf_path_tag(name[0]) != conf_path_tag(name[1]));
	snprintf(text, sizeof(text),
		CLUSTER "[link %s]\ninterface = eth2\n[link %s]\ninterface = eth3\n" GROUP, name[0],
		name[1]);
	assert_int_equal(read_as(text, "fw1", &conf, &found), -EINVAL);
	assert_int_equal(found.n, 1);
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 8, "rename one"));
	assert_int_equal(
		read_as(CLUSTER "[link eth0]\ninterface = eth2\n" GROUP "secondary-path = eth0\n",
			"fw1", &conf, &found),
		-EINVAL);
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 10, "path eth0: found the same tag"));
}

static void no_name_has_the_tag_zero(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 1000000; n++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", n);
		assert_int_not_equal(conf_path_tag(name), 0);
	}
}

static void keys_stand_once(void **state)
{
	static const struct fault faults[] = {
		{ 2, "id = 1\nid = 1", 3,
			"[cluster] id: found a second time, allowed: once (see line 2)" },
		{ 0, "priority.fw1 = 1\npriority.fw1 = 2", 11, "(see line 10)" },
		{ 0, "preempt = no\npreempt.fw1 = no\npreempt = no", 12, "(see line 10)" },
	};
	static struct conf conf;

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
	accept_it(CLUSTER LINK GROUP "priority = 1\npriority.fw1 = 2\npriority.fw2 = 3\n", &conf);
}

static void unknown_keys_are_found_with_the_nearest_word(void **state)
{
	static const struct fault faults[] = {
		{ 1, "[cluster]\nheartbeats = 1s", 2, "; did you mean `heartbeat`?" },
		{ 1, "[cluster]\nhartbeet = 1s", 2, "; did you mean `heartbeat`?" },
		{ 1, "[cluster]\nhold = 1m", 2, "; `hold` belongs to [mirror]" },
		{ 1, "[cluster]\nID = 1", 2, "found an unknown key, allowed: id, key-file, prev" },
		{ 1, "[cluster]\nlost_after.fw1 = 3", 2, "; did you mean `lost-after`?" },
		{ 1, "[cluster]\nlost-after.fw3 = 3", 2, "found node `fw3`, allowed: fw1, fw2" },
		{ 1, "[cluster]\nlost-after. = 3", 2, "found node ``, allowed: fw1, fw2" },
		{ 1, "[cluster]\nlost-after.FW1 = 3", 2, "found node `FW1`, allowed: fw1, fw2" },
		{ 0, "rise = 1", 10, "; `rise` belongs to [monitor]" },
		{ 0, "zzz = 1", 10, "threshold, hook" },
		{ 0, "prio = 1", 10, "[group 0] prio: found an unknown key, allowed: priority" },
		{ 0, "adress = 1", 10, "; did you mean `address`?" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

static void what_is_probably_not_meant_is_warned_of(void **state)
{
	static const struct fault faults[] = {
		{ 0, "route = default via 203.0.113.1 dev eth0", 10,
			"whose gateway is in no network of the group's addresses on eth0" },
		{ 0, "route = default via 192.0.2.9 dev eth1", 10, "addresses on eth1" },
		{ 0, "route = default via 203.0.113.1", 10, "in no network of the group's" },
		{ 0, "[group 1]", 10, "[group 1] address: found none; the group owns nothing" },
		{ 0,
			"route = default dev eth0\n[group 1]\naddress = 10.0.0.1/8 dev eth1\n"
			"route = default dev eth1",
			13, "found a second route to the same dest" },
		{ 0,
			"address.fw1 = 192.0.2.1/24 dev eth0\naddress.fw2 = 192.0.2.1/24 dev eth1\n"
			"secondary-path.fw1 = eth0\nsecondary-path.fw2 = eth1",
			12, "secondary path eth0 of fw1 is none of fw2" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_WARNING);
}

static void a_threshold_out_of_reach_is_warned_of(void **state)
{
	static const char base[] = "[cluster]\nid = 1\nkey-file = /k\nmonitor-links = none\n"
				   "[node a]\n[node b]\n" LINK GROUP;
	static struct conf conf;
	static struct found found;
	char text[1024];

	(void)state;
	snprintf(text, sizeof(text),
		"%sthreshold = 101\n[monitor m]\ntype = link\n"
		"interface = eth0\nweight = 50\n[monitor n]\ntype = link\ninterface = eth1\n"
		"weight = 50\ngroup = 0\n",
		base);
	assert_int_equal(read_as(text, "a", &conf, &found), 0);
	assert_true(was_found(&found, CONF_SEVERITY_WARNING, 11,
		"found 101, which its monitors cannot reach: their weights make 100 together"));
	memcpy(strstr(text, "101"), "100", 3);
	assert_int_equal(read_as(text, "a", &conf, &found), 0);
	assert_false(was_found(&found, CONF_SEVERITY_WARNING, 11, ""));
	snprintf(text, sizeof(text),
		"%s[monitor watch]\ntype = link\ninterface = eth0\nweight = 0\n", base);
	assert_int_equal(read_as(text, "a", &conf, &found), 0);
	assert_true(was_found(&found, CONF_SEVERITY_WARNING, 9,
		"found 255, which its monitors cannot reach: all of them only watch (weight 0)"));
}

static void a_target_that_is_a_virtual_address_is_warned_of(void **state)
{
	static const struct fault faults[] = {
		{ 0, "[monitor m]\ntype = ping\ntarget = 192.0.2.1", 12,
			"found a virtual address of this pair (see line " },
		{ 0, "[monitor m]\ntype = arp\ninterface = eth0\ntarget = 192.0.2.1", 13,
			"found a virtual address of this pair (see line " },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_WARNING);
}

static void a_monitor_of_all_groups_counts_for_each(void **state)
{
	static struct conf conf;
	static struct found found;

	(void)state;
	assert_int_equal(
		read_as("[cluster]\nid = 1\nkey-file = /k\nmonitor-links = none\n[node a]\n"
			"[node b]\n" LINK GROUP "[group 1]\naddress = 10.0.0.1/8 dev eth1\n"
			"[monitor m]\ntype = link\ninterface = eth0\nweight = 7\n",
			"a", &conf, &found),
		0);
	assert_true(was_found(&found, CONF_SEVERITY_WARNING, 9, "make 7 together"));
	assert_true(was_found(&found, CONF_SEVERITY_WARNING, 11, "make 7 together"));
}

static void a_link_local_gateway_needs_no_warning(void **state)
{
	static struct conf conf;
	static struct found found;

	(void)state;
	assert_int_equal(read_as(CLUSTER LINK GROUP "route = default via fe80::1 dev eth9\n"
						    "route = default via 192.0.2.254\n"
						    "route = 10.0.0.0/8 via 192.0.2.254 dev eth0\n",
				 "fw1", &conf, &found),
		0);
	assert_int_equal(found.n, 0);
}

static void a_udp_link_may_share_a_data_interface(void **state)
{
	static const struct fault fault = { 7,
		"transport = udp\ninterface = eth0\naddress.fw1 = 10.0.0.1\naddress.fw2 = 10.0.0.2",
		8, "found `eth0`, which carries an address of group 0" };

	(void)state;
	assert_true(fault_is_found(&fault, CONF_SEVERITY_WARNING));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contradictions_of_a_link_are_found),
		cmocka_unit_test(two_udp_links_need_two_endpoints),
		cmocka_unit_test(a_logical_interface_is_one_device),
		cmocka_unit_test(contradictions_of_addresses_are_found),
		cmocka_unit_test(contradictions_of_routes_are_found),
		cmocka_unit_test(a_monitor_has_what_its_type_needs_and_no_more),
		cmocka_unit_test(a_detection_time_out_of_bounds_is_found),
		cmocka_unit_test(a_secondary_path_is_no_ha_link),
		cmocka_unit_test(path_names_of_one_tag_are_found),
		cmocka_unit_test(no_name_has_the_tag_zero),
		cmocka_unit_test(keys_stand_once),
		cmocka_unit_test(unknown_keys_are_found_with_the_nearest_word),
		cmocka_unit_test(what_is_probably_not_meant_is_warned_of),
		cmocka_unit_test(a_threshold_out_of_reach_is_warned_of),
		cmocka_unit_test(a_target_that_is_a_virtual_address_is_warned_of),
		cmocka_unit_test(a_monitor_of_all_groups_counts_for_each),
		cmocka_unit_test(a_link_local_gateway_needs_no_warning),
		cmocka_unit_test(a_udp_link_may_share_a_data_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
