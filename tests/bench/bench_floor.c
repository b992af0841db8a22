/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_floor: what the kernel alone takes for the two ends of a failover.
 *
 *   bench_floor INTERFACE PEER ROUNDS      the ends of a veth pair, both up; prints for each round
 *       carrier_ms T announce_ms T
 *
 * carrier_ms: from the order that takes PEER down until the news that INTERFACE lost its carrier is
 * read. announce_ms: two addresses given to INTERFACE in one message, both answered, and one
 * gratuitous ARP sent for each.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <net/if.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ADDRESSES = 2, BUFFER = 16 * 1024, ARP_LEN = 42, PREFIX = 24, ROUNDS_MAX = 10000 };

/* From the networks that stand for examples. */
static const uint8_t address[ADDRESSES][4] = { { 192, 0, 2, 1 }, { 198, 51, 100, 1 } };

static _Alignas(8) char buffer[BUFFER];

static void must(bool claim, const char *what)
{
	if (claim)
		return;
	fprintf(stderr, "bench_floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct mnl_socket *open_netlink(unsigned groups)
{
	const struct timeval patience = { .tv_sec = 5 };
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	must(s != NULL && mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) == 0, "netlink");
	must(setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &patience,
		     sizeof(patience)) == 0,
		"time limit");
	return s;
}

/* All orders of the row are answered, none with an error. */
static void await_answers(struct mnl_socket *s, unsigned n)
{
	while (n > 0) {
		ssize_t len = mnl_socket_recvfrom(s, buffer, sizeof(buffer));

		must(len > 0, "answer");
		int left = (int)len;

		for (struct nlmsghdr *nlh = (void *)buffer; mnl_nlmsg_ok(nlh, left);
			nlh = mnl_nlmsg_next(nlh, &left)) {
			const struct nlmsgerr *answer = mnl_nlmsg_get_payload(nlh);

			errno = -answer->error;
			must(nlh->nlmsg_type == NLMSG_ERROR && answer->error == 0, "order");
			n--;
		}
	}
}

static void set_link(struct mnl_socket *s, unsigned index, bool up)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link;

	nlh->nlmsg_type = RTM_NEWLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));
	link->ifi_index = (int)index;
	link->ifi_change = IFF_UP;
	link->ifi_flags = up ? IFF_UP : 0;
	must(mnl_socket_sendto(s, nlh, nlh->nlmsg_len) > 0, "link order");
}

/* Until the kernel tells that the interface has carrier, or none. */
static void await_carrier(struct mnl_socket *events, unsigned index, bool carrier)
{
	for (;;) {
		ssize_t len = mnl_socket_recvfrom(events, buffer, sizeof(buffer));

		must(len > 0, "news of the carrier");
		int left = (int)len;

		for (struct nlmsghdr *nlh = (void *)buffer; mnl_nlmsg_ok(nlh, left);
			nlh = mnl_nlmsg_next(nlh, &left)) {
			const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);

			if (nlh->nlmsg_type == RTM_NEWLINK && link->ifi_index == (int)index &&
				((link->ifi_flags & IFF_LOWER_UP) != 0) == carrier)
				return;
		}
	}
}

static double measure_carrier(
	struct mnl_socket *orders, struct mnl_socket *events, unsigned index, unsigned peer)
{
	double took, began = now_ms();

	set_link(orders, peer, false);
	await_carrier(events, index, false);
	took = now_ms() - began;
	await_answers(orders, 1);
	set_link(orders, peer, true);
	await_answers(orders, 1);
	await_carrier(events, index, true);
	return took;
}

static void write_addresses(struct mnl_socket *s, unsigned index, uint16_t type)
{
	size_t used = 0;

	for (unsigned i = 0; i < ADDRESSES; i++) {
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer + used);
		struct ifaddrmsg *header;

		nlh->nlmsg_type = type;
		nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK |
				   (type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_REPLACE : 0);
		header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
		header->ifa_family = AF_INET;
		header->ifa_prefixlen = PREFIX;
		header->ifa_index = index;
		mnl_attr_put(nlh, IFA_LOCAL, sizeof(address[i]), address[i]);
		mnl_attr_put(nlh, IFA_ADDRESS, sizeof(address[i]), address[i]);
		used += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	must(mnl_socket_sendto(s, buffer, used) > 0, "addresses");
	await_answers(s, ADDRESSES);
}

static void announce(int packet, const uint8_t owner[4])
{
	static const uint8_t fixed[] = { 0, ARPHRD_ETHER, ETH_P_IP >> 8, 0, ETH_ALEN, 4, 0,
		ARPOP_REQUEST };
	uint8_t frame[ARP_LEN] = { 0 };

	memset(frame, 0xff, ETH_ALEN);
	frame[ETH_ALEN] = 2; /* a locally administered source */
	frame[2 * ETH_ALEN] = ETH_P_ARP >> 8;
	frame[2 * ETH_ALEN + 1] = ETH_P_ARP & 0xff;
	memcpy(frame + ETH_HLEN, fixed, sizeof(fixed));
	memcpy(frame + ETH_HLEN + sizeof(fixed), frame + ETH_ALEN, ETH_ALEN);
	memcpy(frame + ETH_HLEN + sizeof(fixed) + ETH_ALEN, owner, 4);
	memcpy(frame + ARP_LEN - 4, owner, 4);
	must(send(packet, frame, sizeof(frame), 0) == (ssize_t)sizeof(frame), "ARP");
}

static double measure_announcement(struct mnl_socket *orders, int packet, unsigned index)
{
	double took, began = now_ms();

	write_addresses(orders, index, RTM_NEWADDR);
	for (unsigned i = 0; i < ADDRESSES; i++)
		announce(packet, address[i]);
	took = now_ms() - began;
	write_addresses(orders, index, RTM_DELADDR);
	return took;
}

static unsigned index_of(const char *name)
{
	unsigned index = if_nametoindex(name);

	must(index != 0, name);
	return index;
}

int main(int argc, char **argv)
{
	const struct sched_param param = { .sched_priority = 10 };
	unsigned long rounds = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench_floor INTERFACE PEER ROUNDS\n");
		return 2;
	}
	unsigned index = index_of(argv[1]), peer = index_of(argv[2]);
	struct sockaddr_ll self = { .sll_family = AF_PACKET, .sll_ifindex = (int)index };
	struct mnl_socket *orders = open_netlink(0), *events = open_netlink(RTMGRP_LINK);
	int packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	must(packet >= 0 && bind(packet, (void *)&self, sizeof(self)) == 0, "packet socket");
	(void)sched_setscheduler(0, SCHED_FIFO, &param);
	for (unsigned long i = 0; i < rounds; i++) {
		double carrier = measure_carrier(orders, events, index, peer);

		printf("carrier_ms %.4f announce_ms %.4f\n", carrier,
			measure_announcement(orders, packet, index));
	}
	mnl_socket_close(events);
	mnl_socket_close(orders);
	close(packet);
	return 0;
}
