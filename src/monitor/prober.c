/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prober.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

int prober_option(const struct prober *p, int level, int option, int value)
{
	return setsockopt(p->fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

int prober_filter(const struct prober *p, const struct sock_filter *program, size_t n)
{
	/* A sock_fprog is not const, but the kernel only reads. */
	struct sock_fprog all = { .len = (unsigned short)n,
		.filter = (struct sock_filter *)(uintptr_t)program };

	return setsockopt(p->fd, SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof(all)) ? -errno : 0;
}

uint16_t prober_checksum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	if (len % 2)
		sum += (uint32_t)bytes[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Takes the pending error of an interface that was there before. */
static void forget_error(const struct prober *p)
{
	int error;
	socklen_t len = sizeof(error);

	(void)getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &len);
}

/* Ties the socket to the interface, unless it is that already. */
static int attach(struct prober *p, unsigned ifindex)
{
	unsigned before = p->ifindex;

	if (p->device[0] == '\0')
		return 0;
	p->ifindex = ifindex;
	if (ifindex == 0)
		return -ENODEV;
	if (ifindex == before)
		return 0;
	forget_error(p);
	int result = p->ops->attach ? p->ops->attach(p)
				    : prober_option(p, SOL_SOCKET, SO_BINDTOIFINDEX, (int)ifindex);

	if (result)
		p->ifindex = 0;
	return result;
}

int prober_open(struct prober *p, const struct conf_monitor *conf)
{
	*p = (struct prober){ .ops = prober_ops_of(conf), .target = conf->target, .fd = -1 };
	memcpy(p->device, conf->device, sizeof(p->device));
	if (p->ops == NULL)
		return -EPROTONOSUPPORT;
	if (getrandom(p->token, sizeof(p->token), 0) != (ssize_t)sizeof(p->token) ||
		getrandom(&p->id, sizeof(p->id), 0) != (ssize_t)sizeof(p->id))
		return -EIO;
	int result = p->ops->make(p);

	if (result) {
		prober_close(p);
		return result;
	}
	p->error = p->device[0] == '\0' ? 0 : -ENODEV;
	return 0;
}

void prober_close(struct prober *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

int prober_fd(const struct prober *p)
{
	return p->fd;
}

int prober_ask(struct prober *p, uint16_t sequence, unsigned ifindex, const uint8_t mac[6])
{
	p->last = sequence;
	memcpy(p->mac, mac, sizeof(p->mac));
	p->error = attach(p, ifindex);
	if (p->error)
		return p->error;
	p->error = p->ops->ask(p, sequence);
	/* The kernel may have untied the socket from an interface that was switched off. */
	if (p->error == -ENXIO || p->error == -ENODEV)
		p->ifindex = 0;
	return p->error;
}

static int hop_limit(struct msghdr *header)
{
	int value = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)
			memcpy(&value, CMSG_DATA(c), sizeof(value));
	}
	return value;
}

static struct conf_ip ip_of(const struct sockaddr_storage *from)
{
	struct conf_ip ip = { .family = 0 };
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (from->ss_family == AF_INET) {
		memcpy(&in, from, sizeof(in));
		ip.family = AF_INET;
		memcpy(ip.bytes, &in.sin_addr, 4);
	} else if (from->ss_family == AF_INET6) {
		memcpy(&in6, from, sizeof(in6));
		ip.family = AF_INET6;
		memcpy(ip.bytes, &in6.sin6_addr, 16);
	}
	return ip;
}

/* The next packet. False: none waits. */
static bool take(struct prober *p, bool *ret_answered, uint16_t *ret_sequence)
{
	uint8_t bytes[PROBER_PACKET_MAX];
	_Alignas(struct cmsghdr) uint8_t control[64];
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	struct iovec vector = { bytes, sizeof(bytes) };
	struct msghdr header = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len = recvmsg(p->fd, &header, MSG_DONTWAIT);

	*ret_answered = false;
	if (len < 0) /* an error of the interface comes once, and hides nothing */
		return errno != EAGAIN;
	struct prober_packet packet = {
		.bytes = span_of(bytes, (size_t)len),
		.from = ip_of(&from),
		.hop_limit = hop_limit(&header),
	};

	*ret_sequence = p->last;
	*ret_answered = p->ops->is_answer(p, &packet, ret_sequence);
	return true;
}

bool prober_hear(struct prober *p, uint16_t *ret_sequence)
{
	bool answered;

	for (unsigned i = 0; p->fd >= 0 && i < PROBER_HEAR_MAX; i++) {
		if (!take(p, &answered, ret_sequence))
			return false;
		if (answered)
			return true;
	}
	return false;
}
