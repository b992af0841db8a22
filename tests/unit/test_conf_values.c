/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_conf.h"

static void a_bad_value_of_cluster_is_found(void **state)
{
	static const struct fault faults[] = {
		{ 2, "id = 0", 2, "[cluster] id: found `0`, allowed: 1 to 255" },
		{ 2, "id = 256", 2, "found `256`, allowed: 1 to 255" },
		{ 2, "id = -1", 2, "found `-1`" },
		{ 2, "id = 01", 2, "found `01`" },
		{ 2, "id = one", 2, "found `one`" },
		{ 2, "id = 1 2", 2, "found `1 2`" },
		{ 2, "id = 4294967297", 2, "found `4294967297`" },
		{ 2, "id = 99999999999999999999", 2, "found `99999999999999999999`" },
		{ 2, "id =", 2, "[cluster] id: found nothing, allowed: 1 to 255" },
		{ 2, "id = ; 1", 2, "found nothing" },
		{ 2, "", 1, "[cluster] id: found nothing, allowed: 1 to 255" },
		{ 2, "id.fw1 = 1", 1, "[cluster] id: found nothing for fw2" },
		{ 2, "id = 1\nid.fw2 = 2", 3, "found `1` for fw1 and `2` for fw2" },
		{ 3, "key-file = cluster.key", 3, "found `cluster.key`, allowed: an absolute" },
		{ 3, "key-file = none", 3, "found `none`, allowed: an absolute path" },
		{ 3, "key-file = /etc/../key", 3, "found `/etc/../key`" },
		{ 3, "key-file = /etc/./key", 3, "found `/etc/./key`" },
		{ 3, "key-file = /etc//key", 3, "found `/etc//key`" },
		{ 3, "key-file = /etc/", 3, "found `/etc/`" },
		{ 3, "key-file =", 3, "[cluster] key-file: found nothing" },
		{ 3, "", 1, "[cluster] key-file: found nothing, allowed: an absolute path" },
		{ 1, "[cluster]\nprevious-key-file = key", 2, "found `key`, allowed: none, or" },
		{ 1, "[cluster]\nheartbeat = 50", 2,
			"found `50`, allowed: 5ms to 10s (give a unit: ms, s, m or h)" },
		{ 1, "[cluster]\nheartbeat = 4ms", 2, "found `4ms`, allowed: 5ms to 10s" },
		{ 1, "[cluster]\nheartbeat = 10001ms", 2, "found `10001ms`" },
		{ 1, "[cluster]\nheartbeat = 0.5s", 2, "found `0.5s`" },
		{ 1, "[cluster]\nheartbeat = 50 ms", 2, "found `50 ms`" },
		{ 1, "[cluster]\nheartbeat = ms", 2, "found `ms`" },
		{ 1, "[cluster]\nheartbeat = 50us", 2, "found `50us`" },
		{ 1, "[cluster]\nheartbeat = 050ms", 2, "found `050ms`" },
		{ 1, "[cluster]\nheartbeat = 4294967295h", 2, "found `4294967295h`" },
		{ 1, "[cluster]\nheartbeat = 29446773h", 2,
			"found `29446773h`" }, /* 128 ms in 32 bits */
		{ 1, "[cluster]\nheartbeat = 50ms\nheartbeat.fw2 = 60ms", 3, "for fw2" },
		{ 1, "[cluster]\nlost-after = 1", 2, "found `1`, allowed: 2 to 255" },
		{ 1, "[cluster]\nlost-after = 256", 2, "found `256`, allowed: 2 to 255" },
		{ 1, "[cluster]\nlost-after = 4s", 2, "found `4s`, allowed: 2 to 255" },
		{ 1, "[cluster]\nboot-wait = 61s", 2, "found `61s`, allowed: 0s to 60s" },
		{ 1, "[cluster]\nboot-wait = 10", 2, "give a unit" },
		{ 1, "[cluster]\nsync-wait = 61m", 2, "found `61m`, allowed: 0s to 1h" },
		{ 1, "[cluster]\nsync-wait = never", 2, "found `never`" },
		{ 1, "[cluster]\nmonitor-links = yes", 2, "found `yes`, allowed: auto or none" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

static void a_bad_value_of_a_link_is_found(void **state)
{
	static const struct fault faults[] = {
		{ 7, "interface = eth2\ntransport = tcp", 8,
			"found `tcp`, allowed: ethernet or udp" },
		{ 7, "interface = abcdefghijklmnop", 7, "(that is too long)" },
		{ 7, "interface = a/b", 7, "[link ha0] interface: found `a/b`, allowed: a device" },
		{ 7, "interface = eth 2", 7, "found `eth 2`" },
		{ 7, "interface = eth2:1", 7, "found `eth2:1`" },
		{ 7, "interface = eth2,eth3", 7, "found `eth2,eth3`" },
		{ 7, "interface =;eth2", 7, "found `;eth2`" },
		{ 7, "interface = \xc3\xa4", 7, "found `\xc3\xa4`" },
		{ 7, "interface = none", 7, "(that is no interface)" },
		{ 7, "interface = ..", 7, "(that is no interface)" },
		{ 7, "interface =", 7, "found nothing" },
		{ 7, "transport = udp\naddress = 10.0.0.1", 8,
			"[link ha0] address: found no node, allowed: KEY.NODE" },
		{ 7, "transport = udp\naddress.fw1 = 10.0.0\naddress.fw2 = 10.0.0.2", 8,
			"address.fw1: found `10.0.0`, allowed: IPv4, IPv4:PORT" },
		{ 7, "transport = udp\naddress.fw1 = 10.0.0.1:0\naddress.fw2 = 10.0.0.2", 8,
			"(a port is 1 to 65535)" },
		{ 7, "transport = udp\naddress.fw1 = 10.0.0.1:65536\naddress.fw2 = 10.0.0.2", 8,
			"(a port is 1 to 65535)" },
		{ 7, "transport = udp\naddress.fw1 = 10.0.0.1:\naddress.fw2 = 10.0.0.2", 8,
			"(a port is 1 to 65535)" },
		{ 7, "transport = udp\naddress.fw1 = [10.0.0.1]:9\naddress.fw2 = 10.0.0.2", 8,
			"(brackets are for IPv6)" },
		{ 7, "transport = udp\naddress.fw1 = [fd00::1]9\naddress.fw2 = fd00::2", 8,
			"found `[fd00::1]9`" },
		{ 7, "transport = udp\naddress.fw1 = [fd00::1\naddress.fw2 = fd00::2", 8,
			"found `[fd00::1`" },
		{ 7, "transport = udp\naddress.fw1 = 0.0.0.0\naddress.fw2 = 10.0.0.2", 8,
			"(that is unspecified)" },
		{ 7, "transport = udp\naddress.fw1 = ff02::1\naddress.fw2 = fd00::2", 8,
			"(that is multicast)" },
		{ 7, "transport = udp\naddress.fw1 = 255.255.255.255\naddress.fw2 = 10.0.0.2", 8,
			"(that is broadcast)" },
		{ 7, "interface = eth2\n[interface lan]\ndevice = a/b", 9,
			"[interface lan] device: found `a/b`, allowed: a device" },
		{ 7, "interface = eth2\n[interface lan]", 8,
			"[interface lan] device: found nothing, allowed: a device" },
		{ 7, "interface = eth2\n[interface lan]\ndevice.fw1 = eth0", 8,
			"[interface lan] device: found nothing for fw2" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

static void a_bad_value_of_a_group_is_found(void **state)
{
	static const struct fault faults[] = {
		{ 0, "priority = 0", 10, "found `0`, allowed: 1 to 255, the lower wins" },
		{ 0, "priority.fw1 = 256", 10, "[group 0] priority.fw1: found `256`" },
		{ 0, "preempt = true", 10, "found `true`, allowed: yes or no" },
		{ 0, "preempt = Yes", 10, "found `Yes`, allowed: yes or no" },
		{ 0, "preempt-hold = 601s", 10, "found `601s`, allowed: 0s to 600s" },
		{ 0, "preempt-hold = 0", 10, "give a unit" },
		{ 0, "virtual-mac = 1", 10, "found `1`, allowed: yes or no" },
		{ 0, "virtual-mac.fw2 = yes", 10, "allowed: the same for both" },
		{ 0, "threshold = 0", 10, "found `0`, allowed: 1 to 255" },
		{ 0, "threshold = 256", 10, "found `256`, allowed: 1 to 255" },
		{ 0, "hook = notify.sh", 10, "found `notify.sh`, allowed: none, or an absolute" },
		{ 0, "secondary-path = eth/0", 10, "found `eth/0`, allowed: auto, none, or" },
		{ 0, "secondary-path = eth0,,eth1", 10, "found nothing" },
		{ 0, "secondary-path = eth0,", 10, "found nothing" },
		{ 0, "secondary-path = none, eth0", 10, "found `none, eth0` with others" },
		{ 0, "secondary-path = eth0\nsecondary-path = auto", 11,
			"found `auto` with others" },
		{ 0, "secondary-path.fw2 = none, none", 10, "found `none, none` with others" },
		{ 0, "route = default", 10, "(give `via IP`, `dev INTERFACE`, or both)" },
		{ 0, "route = 10.0.0.0/33 dev eth0", 10, "(a prefix length is 0 to 32)" },
		{ 0, "route = fd00::/129 dev eth0", 10, "(a prefix length is 0 to 128)" },
		{ 0, "route = 10.0.0.1/24 dev eth0", 10, "bits behind its prefix" },
		{ 0, "route = net via 192.0.2.2", 10, "(that is no address)" },
		{ 0, "route = default via gateway", 10, "(the gateway is no address)" },
		{ 0, "route = default via 0.0.0.0", 10, "(that is unspecified)" },
		{ 0, "route = default via 127.0.0.1", 10, "(the gateway is loopback)" },
		{ 0, "route = default via fe80::1", 10, "a link-local gateway needs" },
		{ 0, "route = 10.0.0.0/8 via fd00::1", 10, "differ in family" },
		{ 0, "route = default via 192.0.2.2 dev a/b", 10, "found `default via" },
		{ 0, "route = default via 192.0.2.2 dev abcdefghijklmnop", 10, "too long" },
		{ 0, "route = default via 192.0.2.2 via 192.0.2.3", 10, "given twice" },
		{ 0, "route = default dev eth0 dev eth1", 10, "given twice" },
		{ 0, "route = default dev eth0 metric 1 metric 1", 10, "given twice" },
		{ 0, "route = default dev eth0 table 1 table 2", 10, "given twice" },
		{ 0, "route = default dev eth0 metric 0", 10, "metric and table are 1 to" },
		{ 0, "route = default dev eth0 table main", 10, "metric and table are 1 to" },
		{ 0, "route = default dev eth0 metric 4294967296", 10, "metric and table are" },
		{ 0, "route = default dev eth0 metric", 10, "found `default dev eth0 metric`" },
		{ 0, "route = default dev eth0 proto 4", 10, "found `default dev eth0 proto 4`" },
		{ 0, "route =", 10, "[group 0] route: found nothing, allowed: default|IP" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

static void a_bad_virtual_address_is_found(void **state)
{
	static const struct fault faults[] = {
		{ 9, "address =", 9, "[group 0] address: found nothing, allowed: IP/LENGTH dev" },
		{ 9, "address = 192.0.2.1/24", 9, "(give `dev INTERFACE`)" },
		{ 9, "address = 192.0.2.1/24 dev", 9, "(give `dev INTERFACE`)" },
		{ 9, "address = 192.0.2.1/24 eth0", 9, "(give `dev INTERFACE`)" },
		{ 9, "address = 192.0.2.1/24 dev eth0 eth1", 9, "nothing may follow" },
		{ 9, "address = 192.0.2.1 dev eth0", 9, "(give a prefix length, as in" },
		{ 9, "address = 192.0.2.1/33 dev eth0", 9, "(a prefix length is 0 to 32)" },
		{ 9, "address = 192.0.2.1/0 dev eth0", 9, "leaves no network" },
		{ 9, "address = 2001:db8::1/129 dev eth0", 9, "(a prefix length is 0 to 128)" },
		{ 9, "address = 192.0.2.1/x dev eth0", 9, "(a prefix length is 0 to 32)" },
		{ 9, "address = 192.0.2.256/24 dev eth0", 9, "(that is no address)" },
		{ 9, "address = 192.0.2.1/24 dev abcdefghijklmnop", 9, "(that is too long)" },
		{ 9, "address = 192.0.2.1/24 dev a/b", 9, "(that is no interface)" },
		{ 9, "address = 192.0.2.0/24 dev eth0", 9, "(that is the network's own address)" },
		{ 9, "address = 192.0.2.255/24 dev eth0", 9, "network's broadcast address" },
		{ 9, "address = 192.0.2.3/30 dev eth0", 9, "network's broadcast address" },
		{ 9, "address = 224.0.0.18/24 dev eth0", 9, "(that is multicast)" },
		{ 9, "address = ff02::12/64 dev eth0", 9, "(that is multicast)" },
		{ 9, "address = 0.0.0.0/24 dev eth0", 9, "(that is unspecified)" },
		{ 9, "address = ::/64 dev eth0", 9, "(that is unspecified)" },
		{ 9, "address = 255.255.255.255/32 dev eth0", 9, "(that is broadcast)" },
		{ 9, "address = 127.0.0.2/8 dev eth0", 9, "(that is loopback)" },
		{ 9, "address = ::1/128 dev eth0", 9, "(that is loopback)" },
		{ 9, "address = 2001:db8::/64 dev eth0", 9, "subnet-router anycast" },
		{ 9, "address = ::ffff:192.0.2.1/120 dev eth0", 9, "IPv4-mapped" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

#define PING "[monitor m]\ntype = ping\ntarget = 192.0.2.2\n"

static void a_bad_value_of_a_monitor_is_found(void **state)
{
	static const struct fault faults[] = {
		{ 0, "[monitor m]", 10, "[monitor m] type: found nothing, allowed: link, ping" },
		{ 0, "[monitor m]\ntype = icmp", 11, "found `icmp`, allowed: link, ping, arp" },
		{ 0, PING "interface = a/b", 13, "[monitor m] interface: found `a/b`" },
		{ 0, "[monitor m]\ntype = ping\ntarget = host", 12,
			"found `host`, allowed: an IPv4" },
		{ 0, "[monitor m]\ntype = ping\ntarget = 224.0.0.1", 12, "(that is multicast)" },
		{ 0, "[monitor m]\ntype = ping\ntarget = ::", 12, "(that is unspecified)" },
		{ 0, "[monitor m]\ntype = ping\ntarget = 1.2.3.4/8", 12, "found `1.2.3.4/8`" },
		{ 0, "[monitor m]\ntype = script\nprogram = ./x", 12, "found `./x`, allowed: an" },
		{ 0, PING "interval = 9ms", 13, "found `9ms`, allowed: 10ms to 1h" },
		{ 0, PING "interval = 61m", 13, "found `61m`" },
		{ 0, PING "interval = 1", 13, "give a unit" },
		{ 0, PING "fall = 0", 13, "found `0`, allowed: 1 to 255" },
		{ 0, PING "fall = 256", 13, "found `256`" },
		{ 0, PING "rise = 0", 13, "found `0`, allowed: 1 to 255" },
		{ 0, PING "rise = 256", 13, "found `256`" },
		{ 0, PING "weight = 256", 13, "found `256`, allowed: 0 to 255" },
		{ 0, PING "weight = -1", 13, "found `-1`" },
		{ 0, PING "group = 256", 13, "found `256`, allowed: all, or the id of a [group]" },
		{ 0, PING "group = none", 13, "found `none`" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

static void a_bad_value_of_mirror_is_found(void **state)
{
	static const struct fault faults[] = {
		{ 0, "[mirror]\nsessions = on", 11, "[mirror] sessions: found `on`, allowed: yes" },
		{ 0, "[mirror]\nipsec = off", 11, "[mirror] ipsec: found `off`" },
		{ 0, "[mirror]\nruleset = 1", 11, "[mirror] ruleset: found `1`" },
		{ 0, "[mirror]\nneighbours =", 11, "[mirror] neighbours: found nothing" },
		{ 0, "[mirror]\nruleset-local = ip6tables filter", 11, "(the family is unknown)" },
		{ 0, "[mirror]\nruleset-local = inet a b", 11, "found `inet a b`, allowed: none" },
		{ 0, "[mirror]\nruleset-local = inet a/", 11, "found `inet a/`" },
		{ 0, "[mirror]\nruleset-local = inet /a", 11, "found `inet /a`" },
		{ 0, "[mirror]\nruleset-local = a/b/c", 11, "found `a/b/c`" },
		{ 0, "[mirror]\nruleset-local = a*", 11, "found `a*`" },
		{ 0, "[mirror]\nruleset-local = a, none", 11, "found `a, none` with others" },
		{ 0, "[mirror]\nruleset-local = a,,b", 11, "found nothing" },
		{ 0,
			"[mirror]\nruleset-local = "
			"inet abcdefghijklmnopqrstuvwxyz12345/abcdefghijklmnopqrstuvwxyz12345",
			11, "(that is too long)" },
		{ 0, "[mirror]\nfiles = etc/hosts", 11, "found `etc/hosts`, allowed: none, or" },
		{ 0, "[mirror]\nfiles = /a, b", 11, "found `b`" },
		{ 0, "[mirror]\nfiles = /a/../b", 11, "found `/a/../b`" },
		{ 0, "[mirror]\nfiles = /a\nfiles = none", 12, "found `none` with others" },
		{ 0, "[mirror]\nhold = 999ms", 11, "found `999ms`, allowed: 1s to 24h" },
		{ 0, "[mirror]\nhold = 25h", 11, "found `25h`" },
		{ 0, "[mirror]\nhold = 600", 11, "give a unit" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

static void the_ends_of_each_range_are_accepted(void **state)
{
	static struct conf conf;
	static const char *const lines[] = {
		"[cluster]\nid = 255\n",
		"[cluster]\nid = 1\nheartbeat = 5ms\nlost-after = 2\n",
		"[cluster]\nid = 1\nheartbeat = 10s\nlost-after = 6\nboot-wait = 60s\n",
		"[cluster]\nid = 1\nlost-after = 255\nboot-wait = 0s\nsync-wait = 1h\n",
	};
	static const char rest[] =
		"key-file = /k\n[node fw1]\n[node fw2]\n" LINK "[group 255]\n"
		"address = 192.0.2.0/31 dev eth0\naddress = 2001:db8::/127 dev eth0\n"
		"address = 198.51.100.0/32 dev eth0\npriority = 1\nthreshold = 1\n"
		"preempt-hold = 600s\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		char text[1024];

		snprintf(text, sizeof(text), "%s%s", lines[i], rest);
		accept_it(text, &conf);
	}
	assert_int_equal(conf.lost_after, 255);
	assert_int_equal(conf.sync_wait_ms, 3600000);
	assert_int_equal(conf.group[0].id, 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_value_of_cluster_is_found),
		cmocka_unit_test(a_bad_value_of_a_link_is_found),
		cmocka_unit_test(a_bad_value_of_a_group_is_found),
		cmocka_unit_test(a_bad_virtual_address_is_found),
		cmocka_unit_test(a_bad_value_of_a_monitor_is_found),
		cmocka_unit_test(a_bad_value_of_mirror_is_found),
		cmocka_unit_test(the_ends_of_each_range_are_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
