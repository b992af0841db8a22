/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "announcer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Frames on their way to one system call. */
struct sheaf {
	unsigned n;
	uint8_t bytes[ANNOUNCE_MAX][ANNOUNCE_FRAME_MAX];
	struct sockaddr_ll to[ANNOUNCE_MAX];
	struct iovec vector[ANNOUNCE_MAX];
	struct mmsghdr message[ANNOUNCE_MAX];
};

int announcer_init(struct announcer *a, const struct watch *watch)
{
	*a = (struct announcer){ .watch = watch };
	a->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return a->fd < 0 ? -errno : 0;
}

void announcer_fini(struct announcer *a)
{
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
}

/* From where, and as whom. */
struct sender {
	uint32_t ifindex;
	const uint8_t *mac;
	bool router;
};

static void add(struct sheaf *sheaf, const struct sender *sender, const struct conf_ip *ip,
	enum announce_form form)
{
	unsigned i = sheaf->n++;
	bool ipv4 = ip->family == AF_INET;

	if (ipv4)
		announce_build_arp(sheaf->bytes[i], sender->mac, ip, form);
	else
		announce_build_neighbour(sheaf->bytes[i], sender->mac, ip, sender->router);
	sheaf->to[i] = (struct sockaddr_ll){
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ipv4 ? 0x0806 : 0x86dd),
		.sll_ifindex = (int)sender->ifindex,
		.sll_halen = 6,
	};
	memcpy(sheaf->to[i].sll_addr, sheaf->bytes[i], 6);
	sheaf->vector[i] = (struct iovec){
		.iov_base = sheaf->bytes[i],
		.iov_len = ipv4 ? ANNOUNCE_ARP_LEN : ANNOUNCE_NEIGHBOUR_LEN,
	};
	sheaf->message[i] = (struct mmsghdr){ .msg_hdr = {
						      .msg_name = &sheaf->to[i],
						      .msg_namelen = sizeof(sheaf->to[i]),
						      .msg_iov = &sheaf->vector[i],
						      .msg_iovlen = 1,
					      } };
}

/* A frame that is refused does not hold up those behind it. */
static void dispatch(struct announcer *a, struct sheaf *sheaf)
{
	for (unsigned done = 0; done < sheaf->n;) {
		int n = sendmmsg(a->fd, sheaf->message + done, sheaf->n - done, 0);

		if (n > 0) {
			a->sent += (unsigned)n;
			done += (unsigned)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == ENOBUFS || errno == EAGAIN))
			a->filtered++;
		else
			a->errors++;
		done++;
	}
}

/* Of a macvlan that was set up a moment ago the watch knows only that it is there: it sends when
 * the interface below does. */
static bool find_sender(
	const struct announcer *a, const struct conf *conf, unsigned address, struct sender *ret)
{
	const struct conf_address *conf_address = &conf->address[address];
	const struct conf_vmac *vmac = conf_vmac_of(conf, conf_address);
	const struct watch_link *link = watch_link(a->watch, conf_address->device);
	const struct watch_link *place = vmac ? watch_link(a->watch, vmac->name) : link;

	if (!link || !link->ethernet || !link->carrier || !place)
		return false;
	*ret = (struct sender){
		.ifindex = place->ifindex,
		.mac = vmac ? vmac->mac : link->mac,
		.router = link->forwards,
	};
	return true;
}

void announcer_send(struct announcer *a, const struct conf *conf,
	const struct announce_frame *frames, unsigned n)
{
	struct sheaf sheaf;

	assert(n <= ANNOUNCE_MAX);
	sheaf.n = 0;
	for (unsigned i = 0; i < n; i++) {
		struct sender sender;

		if (!find_sender(a, conf, frames[i].address, &sender))
			a->skipped++;
		else
			add(&sheaf, &sender, &conf->address[frames[i].address].ip, frames[i].form);
	}
	dispatch(a, &sheaf);
}
