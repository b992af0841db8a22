/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "in_netns.h"

#include "io/rtnl.h"
#include "io/watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

enum { EVENTS_MAX = 512, OUR_PROTO = 158 };

struct fixture {
	struct watch *watch;
	unsigned n;
	struct watch_event event[EVENTS_MAX];
};

static void note(void *user, const struct watch_event *event)
{
	struct fixture *f = user;

	if (f->n < EVENTS_MAX)
		f->event[f->n++] = *event;
}

static int set_up(void **state)
{
	static struct fixture fixture;
	const struct watch_setup setup = {
		.flags = WATCH_ADDRESSES | WATCH_ROUTES | WATCH_NEIGHBOURS,
		.route_proto = OUR_PROTO,
		.quiet_address_proto = OUR_PROTO,
		.heard = note,
		.user = &fixture,
	};

	memset(&fixture, 0, sizeof(fixture));
	*state = NULL;
	if (netns_enter()) {
		assert_int_equal(watch_new(&setup, &fixture.watch), 0);
		*state = &fixture;
	}
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f)
		watch_free(f->watch);
	return 0;
}

/* Reads all that waits; the events before are forgotten. */
static void hear(struct fixture *f)
{
	int result;

	f->n = 0;
	do
		result = watch_read(f->watch);
	while (result > 0);
	assert_int_equal(result, 0);
}

/* Of those heard last, the only one of this type; NULL if there is none. */
static const struct watch_event *find(const struct fixture *f, enum watch_event_type type)
{
	const struct watch_event *found = NULL;

	for (unsigned i = 0; i < f->n; i++)
		if (f->event[i].type == type) {
			assert_null(found);
			found = &f->event[i];
		}
	return found;
}

static unsigned count(const struct fixture *f, enum watch_event_type type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->n; i++)
		n += f->event[i].type == type;
	return n;
}

/* It may take a second until the kernel tells. */
static void wait_for_carrier(struct fixture *f, const char *name, bool carrier)
{
	for (unsigned i = 0; i < 300; i++) {
		hear(f);
		if (watch_link(f->watch, name)->carrier == carrier)
			return;
		sleep_ms(10);
	}
	fail_msg("%s: the carrier's news did not come", name);
}

/* ---- interfaces ---------------------------------------------------------------------------- */

static void interfaces_are_known_at_once(void **state)
{
	const struct watch_link *link;
	char mac[32];
	FIXTURE(f);

	assert_int_equal(f->n, 0);
	link = watch_link(f->watch, "v0");
	assert_non_null(link);
	assert_int_equal(link->ifindex, if_nametoindex("v0"));
	assert_true(link->up && link->carrier && link->ethernet && !link->forwards);
	(void)snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", link->mac[0],
		link->mac[1], link->mac[2], link->mac[3], link->mac[4], link->mac[5]);
	assert_says("ip link show v0", mac);
	assert_ptr_equal(watch_link_by_index(f->watch, link->ifindex), link);
	assert_false(watch_link(f->watch, "lo")->ethernet);
	assert_null(watch_link(f->watch, "nowhere"));
	assert_null(watch_link_by_index(f->watch, 999999));
}

static void a_carrier_that_falls_is_heard_and_can_be_asked_for(void **state)
{
	const struct watch_event *event;
	bool carrier = false;
	FIXTURE(f);

	assert_int_equal(watch_query(f->watch, "v0", &carrier), 0);
	assert_true(carrier);
	run("ip link set p0 down");
	/* Asked, the kernel says so whether the event has come or not. */
	assert_int_equal(watch_query(f->watch, "v0", &carrier), 0);
	assert_false(carrier);
	wait_for_carrier(f, "v0", false);
	assert_true(watch_link(f->watch, "v0")->up);
	assert_false(watch_link(f->watch, "p0")->up);
	run("ip link set p0 up");
	wait_for_carrier(f, "v0", true);
	/* By the operator. */
	run("ip link set v0 down");
	hear(f);
	assert_false(watch_link(f->watch, "v0")->up);
	assert_false(watch_link(f->watch, "v0")->carrier);
	assert_int_equal(watch_query(f->watch, "v0", &carrier), 0);
	assert_false(carrier);
	assert_int_equal(watch_query(f->watch, "nowhere", &carrier), -ENODEV);
	/* What changes nothing that we keep is no event. */
	run("ip link set v1 mtu 1400");
	hear(f);
	event = find(f, WATCH_LINK_CHANGED);
	assert_null(event);
}

/* A host behind e0. Between equal interface indexes a veth pair's carrier is news as late as a real
 * one's. */
static pid_t start_late_host(void)
{
	pid_t host = start_host(NULL, NULL);
	char command[256];

	(void)snprintf(command, sizeof(command),
		"ip link add e0 index 900 type veth peer name e1 index 900 netns %d; "
		"ip link set e0 up; nsenter -t %d -n ip link set e1 up",
		(int)host, (int)host);
	run(command);
	return host;
}

static void a_query_knows_before_the_event_comes(void **state)
{
	char command[256];
	bool carrier = false;
	pid_t host;
	FIXTURE(f);

	host = start_late_host();
	/* After news of one kind, the next waits for a second. */
	wait_for_carrier(f, "e0", true);
	(void)snprintf(command, sizeof(command), "nsenter -t %d -n ip link set e1 down", (int)host);
	run(command);
	assert_int_equal(watch_query(f->watch, "e0", &carrier), 0);
	assert_false(carrier);
	/* The table learns of it by a poll, which tells it as an event. */
	assert_true(watch_link(f->watch, "e0")->carrier);
	f->n = 0;
	assert_int_equal(watch_poll(f->watch), 0);
	assert_false(watch_link(f->watch, "e0")->carrier);
	assert_int_equal(f->n, 1);
	assert_int_equal(f->event[0].type, WATCH_LINK_CHANGED);
	assert_string_equal(f->event[0].link.name, "e0");
	assert_int_equal(watch_poll(f->watch), 0);
	assert_int_equal(f->n, 1);
	stop_host(host);
}

/* What the kernel tells of an interface with a master, whose members are of that kind. */
static uint32_t bond_of(const char *kind)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[512];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct watch_event event;

	nlh->nlmsg_type = RTM_NEWLINK;
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));

	info->ifi_index = 7;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "eth7");
	mnl_attr_put_u32(nlh, IFLA_MASTER, 3);
	struct nlattr *nest = mnl_attr_nest_start(nlh, IFLA_LINKINFO);

	if (kind != NULL)
		mnl_attr_put_strz(nlh, IFLA_INFO_SLAVE_KIND, kind);
	mnl_attr_nest_end(nlh, nest);
	assert_int_equal(watch_parse(nlh, &event), 0);
	return event.link.bond;
}

static void a_member_of_a_bond_or_team_names_it(void **state)
{
	(void)state;
	assert_int_equal(bond_of("bond"), 3);
	assert_int_equal(bond_of("team"), 3);
	assert_int_equal(bond_of("bridge"), 0); /* its ports do not stand in for each other */
	assert_int_equal(bond_of("longer-than-any"), 0);
	assert_int_equal(bond_of(NULL), 0);
}

static void places_of_the_table_are_links_or_empty(void **state)
{
	unsigned n = 0, loopback = 0;
	FIXTURE(f);

	for (unsigned i = 0; i < WATCH_LINKS_MAX; i++) {
		const struct watch_link *link = watch_link_at(f->watch, i);

		n += link != NULL;
		loopback += link != NULL && strcmp(link->name, "lo") == 0;
	}
	assert_in_range(n, 5, WATCH_LINKS_MAX - 1);
	assert_int_equal(loopback, 1);
}

/* Who starts in the second before the event has it from the kernel, too. */
static void a_carrier_whose_news_is_late_is_up_when_asked_anew(void **state)
{
	const struct watch_setup setup = { .flags = 0 };
	pid_t host;
	FIXTURE(f);

	host = start_late_host();
	wait_for_carrier(f, "e0", true);
	for (unsigned i = 0; i < 5; i++) {
		struct watch *fresh;

		run("ip link set e0 down; ip link set e0 up");
		assert_int_equal(watch_new(&setup, &fresh), 0);
		assert_int_equal(watch_refresh(fresh, "e0"), 0);
		assert_true(watch_link(fresh, "e0")->carrier);
		assert_int_equal(watch_refresh(fresh, "nowhere"), -ENODEV);
		watch_free(fresh);
	}
	stop_host(host);
}

/* IPv6 knows nothing of it: the slower question is asked. */
static void the_carrier_is_told_without_ipv6_too(void **state)
{
	bool carrier = false;
	FIXTURE(f);

	run("sysctl -qw net.ipv6.conf.v0.disable_ipv6=1; ip link set v0 mtu 1000");
	assert_int_equal(watch_query(f->watch, "v0", &carrier), 0);
	assert_true(carrier);
	run("ip link set p0 down");
	assert_int_equal(watch_query(f->watch, "v0", &carrier), 0);
	assert_false(carrier);
}

static void interfaces_come_and_go_and_change_their_names(void **state)
{
	const struct watch_event *event;
	FIXTURE(f);

	run("ip link add v2 type veth peer name p2");
	hear(f);
	assert_int_equal(count(f, WATCH_LINK_NEW), 2);
	assert_non_null(watch_link(f->watch, "v2"));
	run("ip link set v2 address 02:00:00:00:00:77");
	hear(f);
	event = find(f, WATCH_LINK_CHANGED);
	assert_non_null(event);
	assert_int_equal(event->link.mac[5], 0x77);
	run("ip link set v2 name v3");
	hear(f);
	event = find(f, WATCH_LINK_GONE);
	assert_non_null(event);
	assert_string_equal(event->link.name, "v2");
	event = find(f, WATCH_LINK_NEW);
	assert_non_null(event);
	assert_string_equal(event->link.name, "v3");
	assert_null(watch_link(f->watch, "v2"));
	run("ip link del v3");
	hear(f);
	assert_int_equal(count(f, WATCH_LINK_GONE), 2);
	assert_null(watch_link(f->watch, "v3"));
	assert_null(watch_link(f->watch, "p2"));
}

/* In a bridge's words its port is a link that is deleted. */
static void leaving_a_bridge_is_not_going(void **state)
{
	FIXTURE(f);

	run("ip link add br0 type bridge; ip link set v0 master br0; ip link set br0 up");
	hear(f);
	run("ip link set v0 nomaster");
	hear(f);
	assert_int_equal(count(f, WATCH_LINK_GONE), 0);
	assert_non_null(watch_link(f->watch, "v0"));
	assert_true(watch_link(f->watch, "v0")->up);
}

static void forwarding_is_kept_up_to_date(void **state)
{
	FIXTURE(f);

	run("sysctl -qw net.ipv6.conf.v0.forwarding=1");
	hear(f);
	assert_non_null(find(f, WATCH_FORWARDING));
	assert_true(watch_link(f->watch, "v0")->forwards);
	assert_false(watch_link(f->watch, "v1")->forwards);
	run("sysctl -qw net.ipv6.conf.all.forwarding=1");
	hear(f);
	assert_true(watch_link(f->watch, "v1")->forwards);
}

static void interfaces_beyond_the_table_are_left_out(void **state)
{
	FIXTURE(f);

	run("for i in $(seq 1 130); do echo link add a$i type veth peer name b$i; done | ip -batch "
	    "-");
	hear(f);
	assert_int_equal(watch_counters(f->watch)->left_out, 9);
	assert_non_null(watch_link(f->watch, "a125"));
	assert_null(watch_link(f->watch, "a130"));
	/* When there is room again, news of it brings it in. */
	run("ip link del a1; ip link set a130 up");
	hear(f);
	assert_non_null(watch_link(f->watch, "a130"));
}

static void lost_events_lead_to_a_new_look(void **state)
{
	FIXTURE(f);

	/* Some 6400 events of several kB. */
	run("i=0; while [ $i -lt 400 ]; do for j in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do "
	    "echo link set v1 mtu $((1400 + j)); done; i=$((i + 1)); done | ip -batch -");
	run("ip link add v2 type veth peer name p2; ip link del v0; ip link set v1 down");
	f->n = 0;
	hear(f);
	assert_int_equal(watch_counters(f->watch)->overruns, 1);
	assert_int_equal(f->event[f->n - 1].type, WATCH_RESYNCED);
	assert_int_equal(count(f, WATCH_RESYNCED), 1);
	assert_non_null(watch_link(f->watch, "v2"));
	assert_null(watch_link(f->watch, "v0"));
	assert_false(watch_link(f->watch, "v1")->up);
	assert_int_equal(count(f, WATCH_LINK_GONE), 2);
}

static void one_read_is_bounded(void **state)
{
	FIXTURE(f);

	run("for i in $(seq 1 200); do echo link set v1 mtu $((1400 + i)); done | ip -batch -");
	assert_int_equal(watch_read(f->watch), 1);
	hear(f);
}

/* ---- addresses, routes, neighbours --------------------------------------------------------- */

static void addresses_are_heard(void **state)
{
	const struct watch_event *event;
	char text[INET6_ADDRSTRLEN];
	FIXTURE(f);

	run("ip addr add 192.0.2.1/24 dev v0");
	hear(f);
	event = find(f, WATCH_ADDRESS_NEW);
	assert_non_null(event);
	assert_int_equal(event->ifindex, if_nametoindex("v0"));
	assert_int_equal(event->address.prefix_len, 24);
	assert_int_equal(event->address.proto, 0);
	assert_string_equal(
		inet_ntop(AF_INET, event->address.ip.bytes, text, sizeof(text)), "192.0.2.1");
	run("ip addr del 192.0.2.1/24 dev v0; ip addr add 10.0.0.1 peer 10.0.0.2/32 dev v0");
	hear(f);
	assert_non_null(find(f, WATCH_ADDRESS_GONE));
	event = find(f, WATCH_ADDRESS_NEW);
	assert_non_null(event);
	assert_int_equal(event->address.ip.bytes[3], 1);
	run("ip addr add 2001:db8::1/64 dev v0 nodad; ip addr del 2001:db8::1/64 dev v0");
	hear(f);
	event = find(f, WATCH_ADDRESS_GONE);
	assert_non_null(event);
	assert_string_equal(
		inet_ntop(AF_INET6, event->address.ip.bytes, text, sizeof(text)), "2001:db8::1");
}

static void only_removals_of_our_routes_are_heard(void **state)
{
	const struct watch_event *event;
	FIXTURE(f);

	run("ip addr add 192.0.2.1/24 dev v0; ip route add 10.0.0.0/8 via 192.0.2.7");
	hear(f);
	run("ip route del 10.0.0.0/8; ip route add 10.0.0.0/8 via 192.0.2.7 proto 158; "
	    "ip route add default via 192.0.2.7 proto 158 table 77");
	assert_quiet(watch_fd(f->watch));
	run("ip route del 10.0.0.0/8");
	hear(f);
	event = find(f, WATCH_ROUTE_GONE);
	assert_non_null(event);
	assert_int_equal(event->route.destination.bytes[0], 10);
	assert_int_equal(event->route.prefix_len, 8);
	assert_int_equal(event->route.proto, OUR_PROTO);
	assert_int_equal(event->route.table, RT_TABLE_MAIN);
	run("ip route del default table 77");
	hear(f);
	event = find(f, WATCH_ROUTE_GONE);
	assert_non_null(event);
	assert_int_equal(event->route.destination.family, 0);
	assert_int_equal(event->route.family, AF_INET);
	assert_int_equal(event->route.table, 77);
}

static void a_neighbour_that_answers_is_heard(void **state)
{
	const struct watch_event *event;
	FIXTURE(f);

	run("ip addr add 192.0.2.1/24 dev v0");
	hear(f);
	run("ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev v0 nud stale; "
	    "ip neigh add 192.0.2.8 lladdr 02:00:00:00:00:08 dev v0 nud permanent");
	assert_quiet(watch_fd(f->watch));
	run("ip neigh change 192.0.2.7 lladdr 02:00:00:00:00:07 dev v0 nud reachable; "
	    "ip neigh del 192.0.2.7 dev v0");
	hear(f);
	event = find(f, WATCH_NEIGHBOUR);
	assert_non_null(event);
	assert_int_equal(event->neighbour.ip.bytes[3], 7);
	assert_int_equal(event->neighbour.mac[5], 7);
	assert_int_equal(event->ifindex, if_nametoindex("v0"));
}

/* ---- parsing, without a kernel ------------------------------------------------------------- */

struct message {
	_Alignas(struct nlmsghdr) uint8_t bytes[512];
};

static struct nlmsghdr *start(struct message *m, uint16_t type, const void *header, size_t len)
{
	struct nlmsghdr *nlh;

	memset(m, 0, sizeof(*m));
	nlh = mnl_nlmsg_put_header(m->bytes);
	nlh->nlmsg_type = type;
	memcpy(mnl_nlmsg_put_extra_header(nlh, len), header, len);
	return nlh;
}

static void malformed_messages_are_told_from_foreign_ones(void **state)
{
	const struct ifaddrmsg address = { .ifa_family = AF_INET, .ifa_prefixlen = 24 };
	const struct ifinfomsg link = { .ifi_index = 7, .ifi_type = ARPHRD_ETHER };
	const struct ifinfomsg bridge = { .ifi_family = AF_BRIDGE, .ifi_index = 7 };
	struct watch_event event;
	struct message m;
	struct nlmsghdr *nlh;

	(void)state;
	nlh = start(&m, RTM_NEWADDR, &address, sizeof(address));
	assert_int_equal(watch_parse(nlh, &event), -EBADMSG); /* no address */
	mnl_attr_put(nlh, IFA_LOCAL, 16, "0123456789abcdef");
	assert_int_equal(watch_parse(nlh, &event), -EBADMSG); /* another family's */
	nlh->nlmsg_len = NLMSG_LENGTH(2);
	assert_int_equal(watch_parse(nlh, &event), -EBADMSG);
	nlh = start(&m, RTM_NEWLINK, &link, sizeof(link));
	assert_int_equal(watch_parse(nlh, &event), -ENOMSG); /* no name: a wireless event */
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "a_name_that_is_too_long");
	assert_int_equal(watch_parse(nlh, &event), -EBADMSG);
	nlh = start(&m, RTM_NEWLINK, &link, sizeof(link));
	mnl_attr_put(nlh, IFLA_IFNAME, 2, "v0"); /* no final NUL */
	mnl_attr_put(nlh, IFLA_ADDRESS, 3, "abc");
	assert_int_equal(watch_parse(nlh, &event), 0);
	assert_string_equal(event.link.name, "v0");
	assert_false(event.link.ethernet);
	nlh = start(&m, RTM_DELLINK, &bridge, sizeof(bridge));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "v0");
	assert_int_equal(watch_parse(nlh, &event), -ENOMSG);
	nlh = start(&m, RTM_NEWRULE, &bridge, sizeof(bridge));
	assert_int_equal(watch_parse(nlh, &event), -ENOMSG);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(interfaces_are_known_at_once),
		T(a_carrier_that_falls_is_heard_and_can_be_asked_for),
		T(a_query_knows_before_the_event_comes),
		cmocka_unit_test(a_member_of_a_bond_or_team_names_it),
		T(places_of_the_table_are_links_or_empty),
		T(a_carrier_whose_news_is_late_is_up_when_asked_anew),
		T(the_carrier_is_told_without_ipv6_too),
		T(interfaces_come_and_go_and_change_their_names),
		T(leaving_a_bridge_is_not_going),
		T(forwarding_is_kept_up_to_date),
		T(interfaces_beyond_the_table_are_left_out),
		T(lost_events_lead_to_a_new_look),
		T(one_read_is_bounded),
		T(addresses_are_heard),
		T(only_removals_of_our_routes_are_heard),
		T(a_neighbour_that_answers_is_heard),
		cmocka_unit_test(malformed_messages_are_told_from_foreign_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
