/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames as the payload of our own EtherType, to our multicast address.
 *
 * An HA link hears through a tap for every protocol, with a filter that passes only ours: such
 * a tap comes before netdev ingress rules, traffic control and a bridge, so that none of them
 * cuts the pair apart. It sends straight to the driver, past queues and their traffic control (and
 * past tcpdump, which shows only what comes in); of egress hooks, netdev rules alone are in the
 * way. On a secondary path we are guests: bound to the one EtherType, through queue and rules like
 * everybody's.
 *
 * The socket is made without a protocol and deaf, and its filter is set after it was bound, so
 * no frame of another interface or protocol is ever heard.
 */
#include "path.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	LINK_BUFFER = 8 << 20, /* the kernel doubles it for its own book-keeping */
	SECONDARY_BUFFER = 1 << 20,
	VLAN_ID_MASK = 0xfff,
};

static bool is_link(const struct path *p)
{
	return !p->conf.secondary;
}

static int ethernet_make(struct path *p)
{
	int one = 1, size = is_link(p) ? LINK_BUFFER : SECONDARY_BUFFER;

	p->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		return -errno;
	int error = path_deafen(p->fd);
	if (error)
		return error;
	if (setsockopt(p->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)))
		return -errno;
	if (is_link(p) && setsockopt(p->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)))
		return -errno;
	path_tune(p->fd, size, p->flags & PATH_HEARS ? size : 4096);
	return 0;
}

/* Passes our EtherType, not sent by this host nor to another's unicast address. The kernel has
 * taken a VLAN tag off by now, whether the hardware or itself found it, so that the frames of
 * every VLAN above look like the interface's own: only priority tags (VLAN 0) are. */
static int hear_ours(int fd)
{
	const uint32_t aux = (uint32_t)SKF_AD_OFF;
	struct sock_filter ours[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, aux + SKF_AD_PROTOCOL),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WIRE_ETHERTYPE, 0, 7),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, aux + SKF_AD_PKTTYPE),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, PACKET_OTHERHOST, 5, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, aux + SKF_AD_VLAN_TAG_PRESENT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, aux + SKF_AD_VLAN_TAG),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, VLAN_ID_MASK, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { .len = ARRAY_LEN(ours), .filter = ours };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

static struct packet_mreq membership(unsigned ifindex)
{
	static const uint8_t mac[ETH_ALEN] = WIRE_MULTICAST_MAC;
	struct packet_mreq m = {
		.mr_ifindex = (int)ifindex,
		.mr_type = PACKET_MR_MULTICAST,
		.mr_alen = ETH_ALEN,
	};

	memcpy(m.mr_address, mac, ETH_ALEN);
	return m;
}

static void leave(struct path *p)
{
	struct packet_mreq m = membership(p->joined);

	/* Fails when the interface took the membership with it. */
	if (p->joined)
		(void)setsockopt(p->fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &m, sizeof(m));
	p->joined = 0;
}

static int join(struct path *p)
{
	struct packet_mreq m = membership(p->ifindex);

	leave(p);
	if (setsockopt(p->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof(m)))
		return -errno;
	p->joined = p->ifindex;
	return 0;
}

/* Takes the socket's pending error, 0 or negative errno. */
static int take_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) ? -errno : -error;
}

static int listen_on(struct path *p)
{
	struct sockaddr_ll self = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(is_link(p) ? ETH_P_ALL : WIRE_ETHERTYPE),
		.sll_ifindex = (int)p->ifindex,
	};

	(void)take_error(p->fd); /* of an interface before */
	if (bind(p->fd, (const struct sockaddr *)&self, sizeof(self)))
		return -errno;
	int error = hear_ours(p->fd);
	/* Bound, but the interface is switched off: the kernel connects the two when it is
	 * switched on. */
	return error ? error : take_error(p->fd);
}

static int ethernet_attach(struct path *p)
{
	static const uint8_t mac[ETH_ALEN] = WIRE_MULTICAST_MAC;
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(WIRE_ETHERTYPE),
		.sll_ifindex = (int)p->ifindex,
		.sll_halen = ETH_ALEN,
	};

	memcpy(to.sll_addr, mac, sizeof(mac));
	memcpy(&p->to, &to, sizeof(to));
	p->to_len = sizeof(to);
	if (p->flags & PATH_JOINS) {
		int error = join(p);

		if (error)
			return error;
	}
	return p->flags & PATH_HEARS ? listen_on(p) : 0;
}

static void ethernet_detach(struct path *p)
{
	(void)path_deafen(p->fd);
	leave(p);
}

/* Past the queues we are also refused when there is no carrier. */
static bool ethernet_is_filtered(const struct path *p)
{
	struct ifreq request = { .ifr_flags = 0 };

	memcpy(request.ifr_name, p->conf.device, sizeof(request.ifr_name));
	if (ioctl(p->fd, SIOCGIFFLAGS, &request))
		return true;
	return request.ifr_flags & IFF_RUNNING;
}

/* The filter has seen to the rest. */
static bool ethernet_is_ours(const struct path *p, const struct sockaddr_storage *from)
{
	struct sockaddr_ll ll;

	(void)p;
	memcpy(&ll, from, sizeof(ll));
	return ll.sll_family == AF_PACKET && ll.sll_pkttype < PACKET_OTHERHOST;
}

const struct path_ops path_ethernet = {
	.name = "ethernet",
	.make = ethernet_make,
	.attach = ethernet_attach,
	.detach = ethernet_detach,
	.is_filtered = ethernet_is_filtered,
	.is_ours = ethernet_is_ours,
};
