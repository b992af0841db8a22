/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session: sessions by number, as messages of ctnetlink, and a socket that tells the kernel of
 * them as any other program would.
 */
#ifndef NSRP_TESTS_SESSION_H
#define NSRP_TESTS_SESSION_H

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SESSION_ROW = 64 * 1024, SESSION_PORTS = 50000 };

/* What went wrong in the test itself. */
static inline void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s: failed, errno %d\n", what, errno);
	exit(2);
}

/* The two ends of session i: a client's port, and one server. */
struct session_end {
	uint32_t address;
	uint16_t port;
};

static inline struct session_end session_client(unsigned i)
{
	return (struct session_end){ htonl(0x0a000001u + i / SESSION_PORTS),
		htons((uint16_t)(10000 + i % SESSION_PORTS)) };
}

static inline struct session_end session_server(void)
{
	return (struct session_end){ htonl(0xc6336401u), htons(443) };
}

static inline void session_put_tuple(
	struct nlmsghdr *nlh, uint16_t type, struct session_end from, struct session_end to)
{
	struct nlattr *tuple = mnl_attr_nest_start(nlh, type);
	struct nlattr *part = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);

	mnl_attr_put_u32(nlh, CTA_IP_V4_SRC, from.address);
	mnl_attr_put_u32(nlh, CTA_IP_V4_DST, to.address);
	mnl_attr_nest_end(nlh, part);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, IPPROTO_TCP);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, from.port);
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, to.port);
	mnl_attr_nest_end(nlh, part);
	mnl_attr_nest_end(nlh, tuple);
}

static inline struct nlmsghdr *session_begin(void *room, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(room);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	nlh->nlmsg_flags = flags;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_INET;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

/* An established session; as an event has it and as the kernel is told of it. */
static inline struct nlmsghdr *session_new(void *room, unsigned i, uint32_t mark)
{
	struct nlmsghdr *nlh =
		session_begin(room, IPCTNL_MSG_CT_NEW, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
	const struct nf_ct_tcp_flags seen = { 0x03, 0xff };
	struct nlattr *info, *tcp;

	session_put_tuple(nlh, CTA_TUPLE_ORIG, session_client(i), session_server());
	session_put_tuple(nlh, CTA_TUPLE_REPLY, session_server(), session_client(i));
	mnl_attr_put_u32(nlh, CTA_STATUS, htonl(IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED));
	mnl_attr_put_u32(nlh, CTA_TIMEOUT, htonl(3600));
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark));
	info = mnl_attr_nest_start(nlh, CTA_PROTOINFO);
	tcp = mnl_attr_nest_start(nlh, CTA_PROTOINFO_TCP);
	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, 7);
	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_WSCALE_REPLY, 7);
	mnl_attr_put(nlh, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, sizeof(seen), &seen);
	mnl_attr_put(nlh, CTA_PROTOINFO_TCP_FLAGS_REPLY, sizeof(seen), &seen);
	mnl_attr_nest_end(nlh, tcp);
	mnl_attr_nest_end(nlh, info);
	return nlh;
}

static inline struct nlmsghdr *session_delete(void *room, unsigned i)
{
	struct nlmsghdr *nlh = session_begin(room, IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST);

	session_put_tuple(nlh, CTA_TUPLE_ORIG, session_client(i), session_server());
	return nlh;
}

/* ---- another program ----------------------------------------------------------------------- */

struct alien {
	struct mnl_socket *socket;
	unsigned refused; /* of the last row */
	size_t used, last;
	_Alignas(8) uint8_t row[SESSION_ROW], answer[8192];
};

static inline void alien_open(struct alien *a)
{
	int on = 1, bytes = 4 * 1024 * 1024;

	a->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_NONBLOCK | SOCK_CLOEXEC);
	must(a->socket && mnl_socket_bind(a->socket, 0, MNL_SOCKET_AUTOPID) == 0, "alien socket");
	must(mnl_socket_setsockopt(a->socket, NETLINK_CAP_ACK, &on, sizeof(on)) == 0, "CAP_ACK");
	(void)setsockopt(
		mnl_socket_get_fd(a->socket), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	a->used = 0;
	a->refused = 0;
}

/* Sends what is in the row; the bare way to write. */
static inline void alien_send(struct alien *a)
{
	struct nlmsghdr *last = (void *)(a->row + a->last);
	bool acknowledged = false;

	if (a->used == 0)
		return;
	last->nlmsg_flags |= NLM_F_ACK;
	last->nlmsg_seq = 1;
	must(mnl_socket_sendto(a->socket, a->row, a->used) == (ssize_t)a->used, "alien send");
	while (!acknowledged) {
		ssize_t len = mnl_socket_recvfrom(a->socket, a->answer, sizeof(a->answer));
		const struct nlmsghdr *nlh = (const void *)a->answer;
		const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);

		must(len > 0 && nlh->nlmsg_type == NLMSG_ERROR, "alien answer");
		acknowledged = nlh->nlmsg_seq == 1;
		a->refused += error->error != 0;
	}
	a->used = 0;
}

/* Where the next message goes; alien_added() says that it is there. */
static inline void *alien_room(struct alien *a)
{
	if (a->used + 1024 > sizeof(a->row))
		alien_send(a);
	return a->row + a->used;
}

static inline void alien_added(struct alien *a, const struct nlmsghdr *nlh)
{
	a->last = a->used;
	a->used += NLMSG_ALIGN(nlh->nlmsg_len);
}

static inline unsigned alien_create(struct alien *a, unsigned first, unsigned n, uint32_t mark)
{
	a->refused = 0;
	for (unsigned i = first; i < first + n; i++)
		alien_added(a, session_new(alien_room(a), i, mark));
	alien_send(a);
	return a->refused;
}

static inline unsigned alien_delete(struct alien *a, unsigned first, unsigned n)
{
	a->refused = 0;
	for (unsigned i = first; i < first + n; i++)
		alien_added(a, session_delete(alien_room(a), i));
	alien_send(a);
	return a->refused;
}

#endif
