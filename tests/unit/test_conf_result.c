/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_conf.h"

#include <arpa/inet.h>

static struct conf conf, peer;
static struct found found;

static void assert_ip(const struct conf_ip *ip, const char *text)
{
	char printed[INET6_ADDRSTRLEN] = "";

	assert_non_null(inet_ntop(ip->family, ip->bytes, printed, sizeof(printed)));
	assert_string_equal(printed, text);
}

static void a_line_for_one_node_beats_the_plain_one(void **state)
{
	static const char text[] = CLUSTER LINK GROUP
		"priority.fw1 = 50\npriority = 200\npreempt = yes\npreempt.fw2 = no\n"
		"threshold.fw2 = 7\n";

	(void)state;
	accept_as(text, "fw1", &conf);
	accept_as(text, "fw2", &peer);
	assert_int_equal(conf.self, 0);
	assert_int_equal(peer.self, 1);
	assert_int_equal(conf.group[0].priority[0], 50);
	assert_int_equal(conf.group[0].priority[1], 200);
	assert_memory_equal(conf.group[0].priority, peer.group[0].priority, CONF_NODES);
	assert_true(conf.group[0].preempt);
	assert_false(peer.group[0].preempt);
	assert_int_equal(conf.group[0].threshold, 255);
	assert_int_equal(peer.group[0].threshold, 7);
}

static void lines_for_one_node_replace_a_list_as_a_whole(void **state)
{
	static const char text[] = CLUSTER LINK
		"[group 0]\naddress = 192.0.2.1/24 dev eth0\naddress = 192.0.2.2/24 dev eth0\n"
		"address.fw2 = 192.0.2.2/24 dev eth5\naddress.fw2 = 192.0.2.1/24 dev eth6\n";

	(void)state;
	accept_as(text, "fw1", &conf);
	accept_as(text, "fw2", &peer);
	assert_int_equal(conf.n_addresses, 2);
	assert_int_equal(peer.n_addresses, 2);
	assert_string_equal(conf.address[1].device, "eth0");
	assert_string_equal(peer.address[0].device, "eth5");
	assert_string_equal(peer.address[1].device, "eth6");
}

static void nodes_are_ordered_by_name(void **state)
{
	static const char text[] =
		"[cluster]\nid = 1\nkey-file = /k\n[node zeta]\n[node alpha.example]\n" LINK GROUP
		"priority.zeta = 5\npriority.alpha.example = 6\n";

	(void)state;
	accept_as(text, "zeta", &conf);
	assert_string_equal(conf.node[0], "alpha.example");
	assert_string_equal(conf.node[1], "zeta");
	assert_int_equal(conf.self, 1);
	assert_int_equal(conf.group[0].priority[0], 6);
	assert_int_equal(conf.group[0].priority[1], 5);
}

static void a_logical_interface_stands_for_this_nodes_device(void **state)
{
	static const char text[] =
		CLUSTER "[interface lan]\ndevice.fw1 = eth0\ndevice.fw2 = enp1s0\n"
			"[interface ha]\ndevice = eth2\n"
			"[link ha0]\ninterface = ha\n[group 0]\naddress = 10.0.0.1/24 dev lan\n"
			"route = default via 10.0.0.2 dev lan\n"
			"[monitor m]\ntype = arp\ntarget = 10.0.0.2\ninterface = lan\n";

	(void)state;
	accept_as(text, "fw1", &conf);
	accept_as(text, "fw2", &peer);
	assert_int_equal(conf.n_interfaces, 2);
	assert_string_equal(conf.interface[0].name, "lan");
	assert_string_equal(conf.interface[0].device, "eth0");
	assert_string_equal(conf.interface[0].peer_device, "enp1s0");
	assert_string_equal(peer.interface[0].device, "enp1s0");
	assert_string_equal(peer.interface[0].peer_device, "eth0");
	assert_string_equal(conf.path[0].device, "eth2");
	assert_string_equal(conf.address[0].device, "eth0");
	assert_string_equal(peer.address[0].device, "enp1s0");
	assert_string_equal(peer.route[0].device, "enp1s0");
	assert_string_equal(peer.monitor[0].device, "enp1s0");
	/* The secondary path has one name on both nodes, and so one tag. */
	assert_string_equal(conf.path[1].name, "lan");
	assert_string_equal(peer.path[1].name, "lan");
	assert_int_equal(conf.path[1].tag, peer.path[1].tag);
	assert_string_equal(peer.path[1].device, "enp1s0");
	assert_string_equal(conf_interface_name(&peer, "enp1s0"), "lan");
	assert_string_equal(conf_interface_name(&peer, "eth0"), "eth0");
}

static void a_udp_link_has_two_endpoints(void **state)
{
	static const char text[] = CLUSTER
		"[link ha1]\ntransport = udp\naddress.fw1 = 10.0.0.1\naddress.fw2 = 10.0.0.2:9000\n"
		"[link ha2]\ntransport = udp\ninterface = eth3\naddress.fw1 = [fd00::1]:1\n"
		"address.fw2 = fd00::2\n" GROUP;

	(void)state;
	accept_as(text, "fw2", &conf);
	assert_int_equal(conf.n_links, 2);
	assert_int_equal(conf.path[0].transport, CONF_TRANSPORT_UDP);
	assert_ip(&conf.path[0].local, "10.0.0.2");
	assert_int_equal(conf.path[0].local_port, 9000);
	assert_ip(&conf.path[0].remote, "10.0.0.1");
	assert_int_equal(conf.path[0].remote_port, CONF_UDP_PORT);
	assert_string_equal(conf.path[0].device, "");
	assert_string_equal(conf.path[1].device, "eth3");
	assert_ip(&conf.path[1].local, "fd00::2");
	assert_ip(&conf.path[1].remote, "fd00::1");
	assert_int_equal(conf.path[1].remote_port, 1);
	assert_int_not_equal(conf.path[0].tag, conf.path[1].tag);
	assert_false(conf.path[1].secondary);
}

static void groups_are_sorted_and_keep_the_order_of_their_addresses(void **state)
{
	(void)state;
	accept_it(CLUSTER LINK "[group 10]\naddress = 192.0.2.9/24 dev eth0\n"
			       "[group 2]\naddress = 192.0.2.5/24 dev eth0\n"
			       "route = default via 192.0.2.254\n"
			       "address = 192.0.2.4/24 dev eth1\n[group 0]\n"
			       "route = 10.0.0.0/8 dev eth1\nroute = ::/0 dev eth1\n",
		&conf);
	assert_int_equal(conf.n_groups, 3);
	assert_int_equal(conf.group[0].id, 0);
	assert_int_equal(conf.group[1].id, 2);
	assert_int_equal(conf.group[2].id, 10);
	assert_int_equal(conf.group[0].n_addresses, 0);
	assert_int_equal(conf.group[1].first_address, 0);
	assert_int_equal(conf.group[1].n_addresses, 2);
	assert_ip(&conf.address[0].ip, "192.0.2.5");
	assert_ip(&conf.address[1].ip, "192.0.2.4");
	assert_int_equal(conf.address[1].group, 1);
	assert_int_equal(conf.group[2].first_address, 2);
	assert_int_equal(conf.address[2].group, 2);
	assert_int_equal(conf.group[0].n_routes, 2);
	assert_int_equal(conf.group[1].first_route, 2);
	assert_int_equal(conf.route[2].group, 1);
}

static void a_route_has_all_its_parts(void **state)
{
	(void)state;
	accept_it(CLUSTER LINK GROUP
		"route = default via 192.0.2.2 dev eth0\n"
		"route = 10.1.0.0/16 dev eth0 table 100 via 192.0.2.3 metric 4294967295\n"
		"route = 2001:db8:9::/48 via fe80::1 dev eth0\nroute = ::/0 dev eth0\n"
		"route = 203.0.113.7 dev eth0\nroute = default via fe80::2 dev eth0 metric 7\n",
		&conf);
	assert_int_equal(conf.route[0].family, AF_INET);
	assert_int_equal(conf.route[0].destination.family, 0);
	assert_int_equal(conf.route[0].prefix_len, 0);
	assert_ip(&conf.route[0].gateway, "192.0.2.2");
	assert_ip(&conf.route[1].destination, "10.1.0.0");
	assert_int_equal(conf.route[1].prefix_len, 16);
	assert_int_equal(conf.route[1].metric, UINT32_MAX);
	assert_int_equal(conf.route[1].table, 100);
	assert_int_equal(conf.route[2].family, AF_INET6);
	assert_ip(&conf.route[2].gateway, "fe80::1");
	assert_int_equal(conf.route[3].family, AF_INET6);
	assert_int_equal(conf.route[3].destination.family, 0);
	assert_int_equal(conf.route[3].gateway.family, 0);
	assert_int_equal(conf.route[4].prefix_len, 32);
	assert_int_equal(conf.route[5].family, AF_INET6);
	assert_int_equal(conf.route[5].metric, 7);
}

static void secondary_paths_are_the_private_interfaces(void **state)
{
	(void)state;
	accept_it(CLUSTER LINK GROUP "address = 10.1.2.3/8 dev a\naddress = 172.31.0.1/16 dev b\n"
				     "address = 172.32.0.1/16 dev c\naddress = 172.15.0.1/16 dev "
				     "c\naddress = 192.168.3.1/24 dev d\n"
				     "address = fd12::1/64 dev e\naddress = 2001:db8::1/64 dev f\n"
				     "address = 10.1.2.4/8 dev a\naddress = fe80::5/64 dev g\n"
				     "[group 1]\naddress = 192.168.3.2/24 dev d\n"
				     "[group 2]\nsecondary-path = none\n"
				     "address = 192.168.4.1/24 dev h\n"
				     "[group 3]\nsecondary-path = i, d\nsecondary-path = j\n",
		&conf);
	static const char *const wanted[] = { "a", "b", "d", "e", "i", "j" };

	assert_int_equal(conf.n_paths, conf.n_links + ARRAY_LEN(wanted));
	for (unsigned i = 0; i < ARRAY_LEN(wanted); i++) {
		const struct conf_link *path = &conf.path[conf.n_links + i];

		assert_string_equal(path->name, wanted[i]);
		assert_string_equal(path->device, wanted[i]);
		assert_true(path->secondary);
		assert_int_equal(path->transport, CONF_TRANSPORT_ETHERNET);
		assert_int_equal(path->tag, conf_path_tag(wanted[i]));
	}
	assert_int_equal(conf.group[1].secondary_choice, CONF_CHOICE_AUTO);
	assert_int_equal(conf.group[2].secondary_choice, CONF_CHOICE_NONE);
	assert_int_equal(conf.group[3].secondary_choice, CONF_CHOICE_LIST);
}

static void auto_takes_no_more_secondary_paths_than_there_is_room_for(void **state)
{
	char text[4096] = CLUSTER LINK GROUP;
	size_t len = strlen(text);

	(void)state;
	for (unsigned i = 0; i < CONF_SECONDARY_MAX + 2; i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "address = 10.%u.0.1/16 dev v%u\n", i, i);
	assert_int_equal(read_as(text, "fw1", &conf, &found), 0);
	assert_true(was_found(&found, CONF_SEVERITY_NOTE, LINES + 1 + CONF_SECONDARY_MAX,
		"[group 0] secondary-path: `auto` finds more than 12 interfaces"));
	assert_int_equal(conf.n_paths, CONF_SECONDARY_MAX + 1);
	assert_string_equal(conf.path[CONF_SECONDARY_MAX].name, "v11");
}

static void every_interface_of_a_group_is_a_link_monitor(void **state)
{
	(void)state;
	accept_it(CLUSTER LINK GROUP "address = 192.0.2.2/24 dev eth0\n"
				     "address = 198.51.100.1/24 dev eth1\n"
				     "[group 7]\naddress = 192.0.2.7/24 dev eth0\n"
				     "address = 203.0.113.1/24 dev eth5\n"
				     "[monitor up]\ntype = link\ninterface = eth1\nweight = 9\n"
				     "interval = 1s\nfall = 1\nrise = 2\ngroup = 7\n"
				     "[monitor eth5]\ntype = ping\ninterface = eth5\n"
				     "target = 203.0.113.9\n",
		&conf);
	static const struct {
		const char *name, *device;
		unsigned group, weight;
		bool automatic, all;
	} wanted[] = {
		{ "up", "eth1", 1, 9, false, false },
		{ "eth5", "eth5", 0, 255, false, true },
		{ "eth0/0", "eth0", 0, 255, true, false },
		{ "eth0/7", "eth0", 1, 255, true, false },
		{ "eth5/7", "eth5", 1, 255, true, false },
	};

	assert_int_equal(conf.n_monitors, ARRAY_LEN(wanted));
	for (unsigned i = 0; i < ARRAY_LEN(wanted); i++) {
		const struct conf_monitor *m = &conf.monitor[i];

		assert_string_equal(m->name, wanted[i].name);
		assert_string_equal(m->device, wanted[i].device);
		assert_int_equal(m->automatic, wanted[i].automatic);
		assert_int_equal(m->all_groups, wanted[i].all);
		assert_int_equal(m->group, wanted[i].group);
		assert_int_equal(m->weight, wanted[i].weight);
	}
	assert_int_equal(conf.monitor[0].interval_ms, 1000);
	assert_int_equal(conf.monitor[0].fall, 1);
	assert_int_equal(conf.monitor[0].rise, 2);
	assert_int_equal(conf.monitor[1].type, CONF_MONITOR_PING);
	assert_int_equal(conf.monitor[2].type, CONF_MONITOR_LINK);
	assert_int_equal(conf.monitor[2].interval_ms, 200);
	assert_int_equal(conf.monitor[2].fall, 3);
}

static void monitor_links_none_makes_no_monitor(void **state)
{
	(void)state;
	accept_it("[cluster]\nmonitor-links = none\nid = 1\nkey-file = /k\n[node fw1]\n"
		  "[node fw2]\n" LINK GROUP,
		&conf);
	assert_false(conf.monitor_links_auto);
	assert_int_equal(conf.n_monitors, 0);
}

static void lists_are_read_from_one_line_or_several(void **state)
{
	(void)state;
	accept_it(CLUSTER LINK GROUP
		"[mirror]\nfiles = /a,/b ,\t/c d\nfiles = /e\n"
		"ruleset-local = inet  local, filter/block\n"
		"ruleset-local = ip6\tx-1/y_2.z\nneighbours = no\nhold = 24h\n",
		&conf);
	assert_int_equal(conf.mirror.n_files, 4);
	assert_string_equal(conf.mirror.file[0], "/a");
	assert_string_equal(conf.mirror.file[1], "/b");
	assert_string_equal(conf.mirror.file[2], "/c d");
	assert_string_equal(conf.mirror.file[3], "/e");
	assert_int_equal(conf.mirror.n_local, 3);
	assert_string_equal(conf.mirror.local[0], "inet local");
	assert_string_equal(conf.mirror.local[1], "filter/block");
	assert_string_equal(conf.mirror.local[2], "ip6 x-1/y_2.z");
	assert_false(conf.mirror.neighbours);
	assert_int_equal(conf.mirror.hold_ms, 86400000);
}

/* Adds n lines, sections or items; n_max of them must be accepted and one more refused. */
static void assert_bound(const char *start, const char *format, unsigned n_max, const char *part)
{
	static char text[512 * 1024];

	for (unsigned n = n_max; n <= n_max + 1; n++) {
		size_t len = (size_t)snprintf(text, sizeof(text), "%s", start);

		for (unsigned i = 0; i < n; i++) {
			char digits[2][12];
			const char *at = format;

			snprintf(digits[0], sizeof(digits[0]), "%u", i / 250);
			snprintf(digits[1], sizeof(digits[1]), "%u", i % 250 + 1);
			for (; *at != '\0'; at++) {
				const char *put = *at == 'A'   ? digits[0]
						  : *at == 'B' ? digits[1]
							       : NULL;

				if (put == NULL)
					text[len++] = *at;
				else
					len += (size_t)snprintf(
						text + len, sizeof(text) - len, "%s", put);
			}
		}
		text[len] = '\0';
		int result = read_as(text, "fw1", &conf, &found);

		if (result != (n == n_max ? 0 : -EINVAL))
			show(&found);
		assert_int_equal(result, n == n_max ? 0 : -EINVAL);
	}
	assert_int_equal(found.n_errors, 1);
	for (unsigned i = 0; i < found.n; i++) {
		if (found.item[i].severity == CONF_SEVERITY_ERROR)
			assert_non_null(strstr(found.item[i].text, part));
	}
}

static void every_bound_of_the_structure_is_checked(void **state)
{
	(void)state;
	assert_bound(CLUSTER LINK "[group 0]\n", "address = 10.0.A.B/16 dev eth0\n",
		CONF_ADDRESSES_MAX, "allowed: 2048 at most");
	assert_bound(CLUSTER LINK "[group 0]\n", "route = 10.0.A.B dev eth0\n", CONF_ROUTES_MAX,
		"allowed: 512 at most");
	assert_bound(CLUSTER LINK, "[group B]\n", CONF_GROUPS_MAX, "allowed: 64 at most");
	assert_bound(CLUSTER LINK GROUP, "[interface iB]\ndevice = dB\n", CONF_INTERFACES_MAX,
		"allowed: 64 at most");
	assert_bound(CLUSTER LINK "[group 0]\n", "[monitor mB]\ntype = ping\ntarget = 10.0.0.B\n",
		CONF_MONITORS_MAX, "allowed: 192 at most");
	assert_bound(CLUSTER LINK "[group 0]\n", "address = 203.0.113.B/24 dev eB\n",
		CONF_MONITORS_MAX, "`monitor-links = auto` makes one for each");
	assert_bound(CLUSTER LINK GROUP "[mirror]\n", "files = /f/B\n", CONF_FILES_MAX,
		"allowed: 32 at most");
	assert_bound(CLUSTER LINK GROUP "[mirror]\n", "ruleset-local = tB\n", CONF_LOCAL_TABLES_MAX,
		"allowed: 32 at most");
}

#define UNWATCHED                                                                                  \
	"[cluster]\nid = 1\nkey-file = /etc/nsrpd/cluster.key\nmonitor-links = none\n"             \
	"[node fw1]\n[node fw2]\n" LINK "[group 0]\nsecondary-path = none\n"

static void more_interfaces_than_can_be_had_are_refused(void **state)
{
	(void)state;
	assert_bound(UNWATCHED, "address = 10.A.B.1/24 dev eA-B\n", CONF_DEVICES_MAX,
		"found `10.1.7.1/24 dev e1-7`, which names one interface more than addresses and "
		"routes may have, allowed: 256 at most");
	assert_bound(UNWATCHED "address = 192.0.2.1/24 dev eth0\n",
		"route = 10.A.B.0/24 dev eA-B\n", CONF_DEVICES_MAX - 1,
		"route: found `10.1.6.0/24 dev e1-6`, which names");
	/* Each with its macvlan. */
	assert_bound(UNWATCHED "virtual-mac = yes\nroute = 192.0.2.0/24 dev x\n",
		"address = 10.A.B.1/24 dev eA-B\n", CONF_DEVICES_MAX / 2 - 1,
		"route: found `192.0.2.0/24 dev x`, which names one");
}

static void more_sections_or_lines_than_can_be_meant_are_refused(void **state)
{
	static char text[512 * 1024];
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; i < 600; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "[mirror]\n");
	assert_int_equal(read_as(text, "fw1", &conf, &found), -EINVAL);
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 513, "more than 512 sections"));
	len = (size_t)snprintf(text, sizeof(text), CLUSTER LINK GROUP "[mirror]\n");
	for (unsigned i = 0; i < 17000; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "files = /a\n");
	assert_int_equal(read_as(text, "fw1", &conf, &found), -EINVAL);
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 10 + 16384 - 3, "more than 16384"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_for_one_node_beats_the_plain_one),
		cmocka_unit_test(lines_for_one_node_replace_a_list_as_a_whole),
		cmocka_unit_test(nodes_are_ordered_by_name),
		cmocka_unit_test(a_logical_interface_stands_for_this_nodes_device),
		cmocka_unit_test(a_udp_link_has_two_endpoints),
		cmocka_unit_test(groups_are_sorted_and_keep_the_order_of_their_addresses),
		cmocka_unit_test(a_route_has_all_its_parts),
		cmocka_unit_test(secondary_paths_are_the_private_interfaces),
		cmocka_unit_test(auto_takes_no_more_secondary_paths_than_there_is_room_for),
		cmocka_unit_test(every_interface_of_a_group_is_a_link_monitor),
		cmocka_unit_test(monitor_links_none_makes_no_monitor),
		cmocka_unit_test(lists_are_read_from_one_line_or_several),
		cmocka_unit_test(every_bound_of_the_structure_is_checked),
		cmocka_unit_test(more_interfaces_than_can_be_had_are_refused),
		cmocka_unit_test(more_sections_or_lines_than_can_be_meant_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
