/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "watch_filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

/* A port that no socket has: the kernel hands out high ones, downwards from below it. */
#define NO_PORT UINT32_MAX

#define AT(field) ((unsigned)offsetof(struct nlmsghdr, field))
#define BEHIND(type, field) ((unsigned)(NLMSG_HDRLEN + offsetof(struct type, field)))

/* The instructions below, in order; the jumps name them. */
enum {
	LOAD_TYPE,
	IS_NEW_ROUTE,
	IS_DEL_ROUTE,
	IS_NEW_ADDRESS,
	IS_DEL_ADDRESS,
	IS_DEL_NEIGHBOUR,
	IS_NEW_NEIGHBOUR,
	LOAD_NEIGHBOUR_FAMILY,
	IS_BRIDGE,
	LOAD_NEIGHBOUR_STATE,
	IS_REACHABLE,
	LOAD_ROUTE_PROTO,
	IS_OUR_ROUTE,
	ADDRESS_ATTRIBUTES, /* A = where a new address's attributes begin */
	ADDRESS_PROTO_TYPE,
	FIND_ADDRESS_PROTO, /* A = where the attribute is, or 0 */
	HAS_ADDRESS_PROTO,
	TO_INDEX,
	LOAD_ADDRESS_PROTO,
	IS_QUIET_ADDRESS,
	LOAD_PORT,
	IS_OWN_PORT,
	DROP,
	KEEP,
	INSTRUCTIONS,
};

static struct sock_filter instruction(unsigned code, uint32_t k)
{
	return (struct sock_filter){ .code = (uint16_t)code, .k = k };
}

/* At `here`: go to `yes` when the comparison holds, else to `no`. */
static struct sock_filter jump(unsigned code, uint32_t k, unsigned here, unsigned yes, unsigned no)
{
	return (struct sock_filter){ .code = (uint16_t)(BPF_JMP | code | BPF_K),
		.jt = (uint8_t)(yes - here - 1),
		.jf = (uint8_t)(no - here - 1),
		.k = k };
}

/* Loads are big-endian, netlink's numbers the machine's. */
int watch_filter_attach(int fd, const struct watch_setup *setup)
{
	struct sock_filter f[INSTRUCTIONS];
	const struct sock_fprog program = { .len = INSTRUCTIONS, .filter = f };
	unsigned wanted_route = setup->route_proto ? LOAD_ROUTE_PROTO : LOAD_PORT;
	unsigned new_address = setup->quiet_address_proto ? ADDRESS_ATTRIBUTES : LOAD_PORT;
	uint32_t port = setup->own_port ? setup->own_port : NO_PORT;

#define TYPE(here, type, yes) jump(BPF_JEQ, htons(type), here, yes, (here) + 1)
	f[LOAD_TYPE] = instruction(BPF_LD | BPF_H | BPF_ABS, AT(nlmsg_type));
	f[IS_NEW_ROUTE] = TYPE(IS_NEW_ROUTE, RTM_NEWROUTE, DROP);
	f[IS_DEL_ROUTE] = TYPE(IS_DEL_ROUTE, RTM_DELROUTE, wanted_route);
	f[IS_NEW_ADDRESS] = TYPE(IS_NEW_ADDRESS, RTM_NEWADDR, new_address);
	f[IS_DEL_ADDRESS] = TYPE(IS_DEL_ADDRESS, RTM_DELADDR, LOAD_PORT);
	f[IS_DEL_NEIGHBOUR] = TYPE(IS_DEL_NEIGHBOUR, RTM_DELNEIGH, DROP);
#undef TYPE
	f[IS_NEW_NEIGHBOUR] =
		jump(BPF_JEQ, htons(RTM_NEWNEIGH), IS_NEW_NEIGHBOUR, LOAD_NEIGHBOUR_FAMILY, KEEP);
	f[LOAD_NEIGHBOUR_FAMILY] = instruction(BPF_LD | BPF_B | BPF_ABS, BEHIND(ndmsg, ndm_family));
	f[IS_BRIDGE] = jump(BPF_JEQ, AF_BRIDGE, IS_BRIDGE, DROP, LOAD_NEIGHBOUR_STATE);
	f[LOAD_NEIGHBOUR_STATE] = instruction(BPF_LD | BPF_H | BPF_ABS, BEHIND(ndmsg, ndm_state));
	f[IS_REACHABLE] = jump(BPF_JSET, htons(NUD_REACHABLE), IS_REACHABLE, KEEP, DROP);
	f[LOAD_ROUTE_PROTO] = instruction(BPF_LD | BPF_B | BPF_ABS, BEHIND(rtmsg, rtm_protocol));
	f[IS_OUR_ROUTE] = jump(BPF_JEQ, setup->route_proto, IS_OUR_ROUTE, LOAD_PORT, DROP);
	f[ADDRESS_ATTRIBUTES] =
		instruction(BPF_LD | BPF_IMM, (uint32_t)(NLMSG_HDRLEN + sizeof(struct ifaddrmsg)));
	f[ADDRESS_PROTO_TYPE] = instruction(BPF_LDX | BPF_IMM, IFA_PROTO);
	f[FIND_ADDRESS_PROTO] =
		instruction(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_NLATTR));
	f[HAS_ADDRESS_PROTO] = jump(BPF_JEQ, 0, HAS_ADDRESS_PROTO, LOAD_PORT, TO_INDEX);
	f[TO_INDEX] = instruction(BPF_MISC | BPF_TAX, 0);
	f[LOAD_ADDRESS_PROTO] = instruction(BPF_LD | BPF_B | BPF_IND, sizeof(struct nlattr));
	f[IS_QUIET_ADDRESS] =
		jump(BPF_JEQ, setup->quiet_address_proto, IS_QUIET_ADDRESS, DROP, LOAD_PORT);
	f[LOAD_PORT] = instruction(BPF_LD | BPF_W | BPF_ABS, AT(nlmsg_pid));
	f[IS_OWN_PORT] = jump(BPF_JEQ, htonl(port), IS_OWN_PORT, DROP, KEEP);
	f[DROP] = instruction(BPF_RET | BPF_K, 0);
	f[KEEP] = instruction(BPF_RET | BPF_K, UINT32_MAX);
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}
