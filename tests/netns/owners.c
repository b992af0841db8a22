/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * owners: which of two nodes has the addresses, seen from outside, by what their kernels say.
 *
 *   owners NAMESPACE NAMESPACE ADDRESS...
 *
 * A node counts as an owner of an address while the interface that has it is up and has carrier,
 * and the node is not said to be mute. It is told what to do by lines of standard input, each
 * answered by a line; what changes is told on standard error, with the monotonic time.
 *
 *   begin             counts anew              -> begun
 *   mute 1|2          nobody hears that node   -> muted
 *   unmute 1|2        it is heard again        -> unmuted
 *   healed            what follows is apart    -> noted (once)
 *   show              -> owner 1|2|both|some|none takeovers N two_ms T two_healed_ms T none_ms T
 *
 * takeovers: times the first address came to another node than had it last. two_ms: how long both
 * owned any of them, two_healed_ms: since `healed`; none_ms: how long neither owned all of them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { NODES = 2, ADDRESSES_MAX = 8, LINKS_MAX = 32, BUFFER = 64 * 1024, SEQUENCE = 1 };

struct address {
	uint8_t family;
	uint8_t len;
	uint8_t bytes[16];
};

struct node {
	const char *name;
	struct mnl_socket *socket;
	bool mute;
	struct {
		int index;
		bool up;
	} link[LINKS_MAX];
	unsigned n_links;
	int on[ADDRESSES_MAX]; /* index of the interface that has it, or 0 */
	unsigned owns;         /* bits of addresses */
};

static struct node nodes[NODES];
static struct address addresses[ADDRESSES_MAX];
static unsigned n_addresses;

static struct {
	uint64_t since; /* what follows was counted up to here, in microseconds */
	uint64_t two, two_healed, none;
	unsigned takeovers;
	bool healed;
	int last; /* who had the first address, or -1 */
} count = { .last = -1 };

static void die(const char *what)
{
	fprintf(stderr, "owners: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static unsigned all(void)
{
	return (1u << n_addresses) - 1;
}

/* Adds the time since the last change to what it was. */
static void count_time(void)
{
	uint64_t now = now_us(), passed = now - count.since;

	if (nodes[0].owns & nodes[1].owns) {
		count.two += passed;
		count.two_healed += count.healed ? passed : 0;
	}
	if (nodes[0].owns != all() && nodes[1].owns != all())
		count.none += passed;
	count.since = now;
}

static bool link_is_up(const struct node *n, int index)
{
	for (unsigned i = 0; i < n->n_links; i++) {
		if (n->link[i].index == index)
			return n->link[i].up;
	}
	return false;
}

static void judge(struct node *n)
{
	unsigned owns = 0;

	for (unsigned i = 0; i < n_addresses; i++) {
		if (!n->mute && n->on[i] != 0 && link_is_up(n, n->on[i]))
			owns |= 1u << i;
	}
	if (owns == n->owns)
		return;
	count_time();
	n->owns = owns;
	fprintf(stderr, "%" PRIu64 ".%06" PRIu64 " %s owns %s\n", count.since / 1000000,
		count.since % 1000000, n->name,
		owns == all() ? "all"
		: owns == 0   ? "none"
			      : "some");
}

static void heard_link(struct node *n, const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);
	bool up = nlh->nlmsg_type == RTM_NEWLINK && (link->ifi_flags & IFF_UP) &&
		  (link->ifi_flags & IFF_LOWER_UP);
	unsigned i = 0;

	while (i < n->n_links && n->link[i].index != link->ifi_index)
		i++;
	if (nlh->nlmsg_type == RTM_DELLINK) {
		if (i < n->n_links)
			n->link[i] = n->link[--n->n_links];
		return;
	}
	if (i == LINKS_MAX) {
		errno = ENOSPC;
		die(n->name);
	}
	if (i == n->n_links)
		n->link[n->n_links++].index = link->ifi_index;
	n->link[i].up = up;
}

/* IFA_ADDRESS is the other end, where there is an IFA_LOCAL. */
static int find_own(const struct nlattr *attr, void *user)
{
	const struct nlattr **found = user;
	uint16_t type = mnl_attr_get_type(attr);

	if (type == IFA_LOCAL || (type == IFA_ADDRESS && *found == NULL))
		*found = attr;
	return MNL_CB_OK;
}

static bool is_address(const struct address *a, uint8_t family, const struct nlattr *attr)
{
	return a->family == family && mnl_attr_get_payload_len(attr) == a->len &&
	       memcmp(mnl_attr_get_payload(attr), a->bytes, a->len) == 0;
}

static void heard_address(struct node *n, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *found = NULL;
	int index = (int)header->ifa_index, who = (int)(n - nodes);

	(void)mnl_attr_parse(nlh, sizeof(*header), find_own, &found);
	for (unsigned i = 0; found != NULL && i < n_addresses; i++) {
		if (!is_address(&addresses[i], header->ifa_family, found))
			continue;
		if (nlh->nlmsg_type == RTM_NEWADDR) {
			count.takeovers += i == 0 && n->on[0] == 0 && count.last != who;
			count.last = i == 0 ? who : count.last;
			n->on[i] = index;
		} else if (n->on[i] == index) {
			n->on[i] = 0;
		}
	}
}

static int heard(const struct nlmsghdr *nlh, void *user)
{
	struct node *n = user;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK: heard_link(n, nlh); break;
	case RTM_NEWADDR:
	case RTM_DELADDR: heard_address(n, nlh); break;
	default: return MNL_CB_OK;
	}
	judge(n);
	return MNL_CB_OK;
}

/* All that is there; until the end of a dump when one was asked for. */
static void read_node(struct node *n, bool dump)
{
	static char buffer[BUFFER];

	for (;;) {
		ssize_t len = recv(mnl_socket_get_fd(n->socket), buffer, sizeof(buffer),
			dump ? 0 : MSG_DONTWAIT);

		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (len < 0)
			die(n->name);
		if (mnl_cb_run(buffer, (size_t)len, 0, 0, heard, n) == MNL_CB_STOP && dump)
			return;
	}
}

static void ask(struct node *n, uint16_t type, size_t header_len)
{
	char buffer[NLMSG_SPACE(sizeof(struct ifinfomsg))];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = SEQUENCE;
	memset(mnl_nlmsg_put_extra_header(nlh, header_len), 0, header_len);
	if (mnl_socket_sendto(n->socket, nlh, nlh->nlmsg_len) < 0)
		die(n->name);
	read_node(n, true);
}

static void open_node(struct node *n, const char *name)
{
	char path[128];
	int size = 8 * 1024 * 1024;

	(void)snprintf(path, sizeof(path), "/run/netns/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
		die(path);
	close(fd);
	n->name = name;
	n->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (n->socket == NULL ||
		mnl_socket_bind(n->socket, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
			MNL_SOCKET_AUTOPID) != 0)
		die(name);
	(void)setsockopt(
		mnl_socket_get_fd(n->socket), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	ask(n, RTM_GETLINK, sizeof(struct ifinfomsg));
	ask(n, RTM_GETADDR, sizeof(struct ifaddrmsg));
}

static void show(void)
{
	const char *owner = nodes[0].owns & nodes[1].owns   ? "both"
			    : nodes[0].owns == all()        ? "1"
			    : nodes[1].owns == all()        ? "2"
			    : nodes[0].owns | nodes[1].owns ? "some"
							    : "none";

	count_time();
	printf("owner %s takeovers %u two_ms %.1f two_healed_ms %.1f none_ms %.1f\n", owner,
		count.takeovers, (double)count.two / 1000, (double)count.two_healed / 1000,
		(double)count.none / 1000);
}

static bool set_mute(const char *number, bool mute)
{
	int i = number[0] - '1';

	if (i < 0 || i >= NODES)
		return false;
	nodes[i].mute = mute;
	judge(&nodes[i]);
	return true;
}

static void command(const char *line)
{
	char verb[16] = "", number[2] = "";

	(void)sscanf(line, "%15s %1s", verb, number);
	if (strcmp(verb, "begin") == 0) {
		count_time();
		count.two = count.two_healed = count.none = 0;
		count.takeovers = 0;
		count.healed = false;
		puts("begun");
	} else if (strcmp(verb, "mute") == 0 && set_mute(number, true)) {
		puts("muted");
	} else if (strcmp(verb, "unmute") == 0 && set_mute(number, false)) {
		puts("unmuted");
	} else if (strcmp(verb, "healed") == 0) {
		count_time();
		count.healed = true;
		puts("noted");
	} else if (strcmp(verb, "show") == 0) {
		show();
	} else {
		puts("what?");
	}
	fflush(stdout);
}

static bool read_address(const char *text)
{
	struct address *a = &addresses[n_addresses];

	if (n_addresses == ADDRESSES_MAX)
		return false;
	a->family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	a->len = a->family == AF_INET6 ? 16 : 4;
	n_addresses++;
	return inet_pton(a->family, text, a->bytes) == 1;
}

static void run(void)
{
	struct pollfd wait[NODES + 1] = { [NODES] = { .fd = STDIN_FILENO, .events = POLLIN } };
	char line[64];

	for (unsigned i = 0; i < NODES; i++)
		wait[i] = (struct pollfd){ mnl_socket_get_fd(nodes[i].socket), POLLIN, 0 };
	for (;;) {
		if (poll(wait, NODES + 1, -1) < 0 && errno != EINTR)
			die("poll");
		for (unsigned i = 0; i < NODES; i++)
			read_node(&nodes[i], false);
		if (wait[NODES].revents == 0)
			continue;
		if (fgets(line, sizeof(line), stdin) == NULL)
			return;
		command(line);
	}
}

int main(int argc, char **argv)
{
	struct sched_param param = { .sched_priority = 10 };

	for (int i = 3; i < argc; i++) {
		if (!read_address(argv[i]))
			argc = 0;
	}
	if (argc < 4) {
		fprintf(stderr, "usage: owners NAMESPACE NAMESPACE ADDRESS...\n");
		return 2;
	}
	/* When something is seen is when it happened. */
	(void)sched_setscheduler(0, SCHED_FIFO, &param);
	count.since = now_us();
	for (unsigned i = 0; i < NODES; i++)
		open_node(&nodes[i], argv[1 + i]);
	run();
	return 0;
}
