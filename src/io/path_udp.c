/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames as UDP datagrams, over IPv4 or IPv6, for routed and cloud links.
 *
 * The socket is bound to the configured local address, there or not yet, and not connected: a
 * connected one needs a route while it is made, reports a peer that is just restarting as an
 * error that costs us a frame of our own, and is deaf to a peer whose source port a NAT
 * rewrites or whose guardian speaks from another port. So datagrams of the peer's address are
 * taken from any port, and we always send to the configured one. The address is checked here
 * and not by a socket filter, whose refusals the kernel counts as overruns of the buffer. It
 * keeps out noise; who sent a frame, only the seal tells.
 *
 * Large frames may be fragmented on the way. IPv4 does not listen to ICMP about the path's MTU,
 * which can be forged; IPv6 has to, since only the sender fragments there.
 *
 * An output rule that drops is seen (EPERM); what a queue or an egress rule drops, the kernel
 * does not tell a UDP socket.
 */
#include "path.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <unistd.h>

enum {
	LINK_BUFFER = 8 << 20,
	SECONDARY_BUFFER = 1 << 20,
};

static bool is_ipv6(const struct path *p)
{
	return p->conf.remote.family == AF_INET6;
}

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

static socklen_t address(struct sockaddr_storage *out, const struct conf_ip *ip, uint16_t port)
{
	memset(out, 0, sizeof(*out));
	if (ip->family == AF_INET6) {
		/* A link-local address means the interface that the socket is tied to. */
		struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

		memcpy(&a.sin6_addr, ip->bytes, sizeof(a.sin6_addr));
		memcpy(out, &a, sizeof(a));
		return sizeof(a);
	}
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	memcpy(&a.sin_addr, ip->bytes, sizeof(a.sin_addr));
	memcpy(out, &a, sizeof(a));
	return sizeof(a);
}

static int udp_make(struct path *p)
{
	int size = p->conf.secondary ? SECONDARY_BUFFER : LINK_BUFFER;
	int error;

	p->fd = socket(is_ipv6(p) ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		IPPROTO_UDP);
	if (p->fd < 0)
		return -errno;
	if (is_ipv6(p)) {
		error = set_int(p->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		if (!error)
			error = set_int(p->fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
		if (!error)
			error = set_int(p->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
		if (!error)
			error = set_int(p->fd, IPPROTO_IPV6, IPV6_TCLASS, IPTOS_CLASS_CS6);
	} else {
		error = set_int(p->fd, IPPROTO_IP, IP_FREEBIND, 1);
		if (!error)
			error = set_int(p->fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
		if (!error)
			error = set_int(p->fd, IPPROTO_IP, IP_TOS, IPTOS_CLASS_CS6);
	}
	if (!error && !(p->flags & PATH_HEARS))
		error = path_deafen(p->fd);
	path_tune(p->fd, size, size); /* after IP_TOS, which sets the priority too */
	return error;
}

static int udp_attach(struct path *p)
{
	struct sockaddr_storage self;
	int error = set_int(p->fd, SOL_SOCKET, SO_BINDTOIFINDEX, (int)p->ifindex);

	if (error)
		return error;
	p->to_len = address(&p->to, &p->conf.remote, p->conf.remote_port);
	if (p->is_bound)
		return 0;

	/* Not before the interface is there: bound to the address alone we would hear everybody
	 * who can reach it. */
	uint16_t port = p->flags & PATH_HEARS ? p->conf.local_port : 0;
	socklen_t len = address(&self, &p->conf.local, port);
	if (bind(p->fd, (const struct sockaddr *)&self, len))
		return -errno;
	p->is_bound = true;
	return 0;
}

/* Stays tied to the index of an interface that is no more, and so hears nothing. */
static void udp_detach(struct path *p)
{
	(void)p;
}

static bool udp_is_filtered(const struct path *p)
{
	(void)p;
	return true;
}

static bool udp_is_ours(const struct path *p, const struct sockaddr_storage *from)
{
	if (from->ss_family != p->conf.remote.family)
		return false;
	if (from->ss_family == AF_INET6) {
		struct sockaddr_in6 a;

		memcpy(&a, from, sizeof(a));
		return memcmp(&a.sin6_addr, p->conf.remote.bytes, sizeof(a.sin6_addr)) == 0;
	}
	struct sockaddr_in a;

	memcpy(&a, from, sizeof(a));
	return memcmp(&a.sin_addr, p->conf.remote.bytes, sizeof(a.sin_addr)) == 0;
}

const struct path_ops path_udp = {
	.name = "udp",
	.make = udp_make,
	.attach = udp_attach,
	.detach = udp_detach,
	.is_filtered = udp_is_filtered,
	.is_ours = udp_is_ours,
};
