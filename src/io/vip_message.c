/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vip_state.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

enum {
	/* Before the kernel's connected route of an IPv6 subnet (256), beside which it stands
	 * for a while. In IPv4 a route of the same metric may stand before another. */
	SUBNET_METRIC_IPV6 = 255,
	PREFIX_METRIC_IPV6 = 256,
};

static void put_ip(struct nlmsghdr *nlh, uint16_t type, const struct conf_ip *ip)
{
	mnl_attr_put(nlh, type, ip->family == AF_INET ? 4 : 16, ip->bytes);
}

static struct ifaddrmsg *put_address(
	struct nlmsghdr *nlh, const struct conf_ip *ip, uint8_t prefix_len, uint32_t ifindex)
{
	struct ifaddrmsg *message = mnl_nlmsg_put_extra_header(nlh, sizeof(*message));

	message->ifa_family = ip->family;
	message->ifa_prefixlen = prefix_len;
	message->ifa_index = ifindex;
	put_ip(nlh, IFA_LOCAL, ip);
	put_ip(nlh, IFA_ADDRESS, ip);
	return message;
}

void vip_message_del_address(struct rtnl *rtnl, const struct conf_ip *ip, uint8_t prefix_len,
	uint32_t ifindex, uint32_t tag)
{
	put_address(rtnl_add(rtnl, RTM_DELADDR, 0, tag), ip, prefix_len, ifindex);
}

void vip_message_promote(struct rtnl *rtnl, uint32_t ifindex, bool on, uint32_t tag)
{
	struct nlmsghdr *nlh = rtnl_add(rtnl, RTM_SETLINK, 0, tag);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	struct nlattr *families, *inet, *values;

	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)ifindex;
	families = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	inet = mnl_attr_nest_start(nlh, AF_INET);
	values = mnl_attr_nest_start(nlh, IFLA_INET_CONF);
	mnl_attr_put_u32(nlh, IPV4_DEVCONF_PROMOTE_SECONDARIES, on);
	mnl_attr_nest_end(nlh, values);
	mnl_attr_nest_end(nlh, inet);
	mnl_attr_nest_end(nlh, families);
}

static void add_address(const struct vip *v, unsigned i, uint32_t tag)
{
	const struct conf_address *a = vip_conf_address(v, i);
	const struct vip_subnet *s = &v->subnet[v->address[i].subnet];
	uint32_t flags = vip_noprefixroute(s) ? IFA_F_NOPREFIXROUTE : 0;
	unsigned lease_s = vip_lease_s(v, i);
	struct ifa_cacheinfo lease = { .ifa_valid = lease_s, .ifa_prefered = lease_s };
	struct nlmsghdr *nlh =
		rtnl_add(v->setup.rtnl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, tag);

	put_address(nlh, &a->ip, a->prefix_len, v->device[v->address[i].device].ifindex);
	if (a->ip.family == AF_INET6) {
		flags |= IFA_F_NODAD;
		lease.ifa_prefered = 0;
	}
	mnl_attr_put_u32(nlh, IFA_FLAGS, flags);
	mnl_attr_put(nlh, IFA_CACHEINFO, sizeof(lease), &lease);
	mnl_attr_put_u8(nlh, IFA_PROTO, VIP_IFA_PROTO);
}

static struct nlmsghdr *start_route(
	struct rtnl *rtnl, bool add, const struct conf_route *r, uint8_t proto, uint32_t tag)
{
	uint32_t table = r->table ? r->table : RT_TABLE_MAIN;
	/* Neither NLM_F_EXCL nor NLM_F_REPLACE: IPv4 puts it before its equals. */
	struct nlmsghdr *nlh =
		rtnl_add(rtnl, add ? RTM_NEWROUTE : RTM_DELROUTE, add ? NLM_F_CREATE : 0, tag);
	struct rtmsg *message = mnl_nlmsg_put_extra_header(nlh, sizeof(*message));

	message->rtm_family = r->family;
	message->rtm_dst_len = r->prefix_len;
	message->rtm_table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC;
	message->rtm_protocol = proto;
	message->rtm_type = RTN_UNICAST;
	message->rtm_scope =
		r->family == AF_INET && !r->gateway.family ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	mnl_attr_put_u32(nlh, RTA_TABLE, table);
	if (r->destination.family)
		put_ip(nlh, RTA_DST, &r->destination);
	if (r->gateway.family)
		put_ip(nlh, RTA_GATEWAY, &r->gateway);
	if (r->metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, r->metric);
	return nlh;
}

void vip_message_del_route(struct rtnl *rtnl, const struct vip_kernel_route *route, uint32_t tag)
{
	const struct conf_route r = {
		.family = route->family,
		.destination = route->destination,
		.prefix_len = route->prefix_len,
		.gateway = route->gateway,
		.metric = route->metric,
		.table = route->table,
	};
	struct nlmsghdr *nlh = start_route(rtnl, false, &r, VIP_ROUTE_PROTO, tag);
	struct rtmsg *message = mnl_nlmsg_get_payload(nlh);

	message->rtm_scope = route->scope;
	if (route->ifindex)
		mnl_attr_put_u32(nlh, RTA_OIF, route->ifindex);
}

static bool put_route(const struct vip *v, bool add, unsigned i, uint32_t tag, int *ret_error)
{
	struct conf_route r = v->conf->route[i];
	bool was_put = v->route[i].put_by != VIP_NO_DEVICE;
	uint16_t device = add || !was_put ? v->route[i].way : v->route[i].put_by;
	struct nlmsghdr *nlh;

	if (device != VIP_NO_DEVICE && !v->device[device].ifindex) {
		*ret_error = -ENODEV;
		return false;
	}
	if (!r.metric && r.family == AF_INET6)
		r.metric = VIP_IPV6_METRIC;
	nlh = start_route(v->setup.rtnl, add, &r, VIP_ROUTE_PROTO, tag);
	if (device != VIP_NO_DEVICE)
		mnl_attr_put_u32(nlh, RTA_OIF, v->device[device].ifindex);
	if (add && v->route[i].source.family)
		put_ip(nlh, RTA_PREFSRC, &v->route[i].source);
	if (add && r.family == AF_INET6)
		mnl_attr_put_u32(nlh, RTA_EXPIRES, v->setup.lease_s);
	return true;
}

/* A connected route: ours, or (proto) the one that the kernel made for our IPv6 address. */
static void put_subnet(const struct vip *v, bool add, const struct vip_subnet *s, uint16_t device,
	uint8_t proto, uint32_t metric, uint32_t tag)
{
	const struct conf_route r = {
		.family = s->network.family,
		.destination = s->network,
		.prefix_len = s->prefix_len,
		.metric = metric,
	};
	struct nlmsghdr *nlh = start_route(v->setup.rtnl, add, &r, proto, tag);

	mnl_attr_put_u32(nlh, RTA_OIF, v->device[device].ifindex);
	if (add && r.family == AF_INET && s->own_inside)
		put_ip(nlh, RTA_PREFSRC, &s->own);
	if (add && r.family == AF_INET6)
		mnl_attr_put_u32(nlh, RTA_EXPIRES, v->setup.lease_s);
}

static bool message_subnet(
	const struct vip *v, struct vip_op op, const struct vip_subnet *s, uint32_t tag)
{
	uint32_t metric = s->network.family == AF_INET6 ? SUBNET_METRIC_IPV6 : 0;
	uint16_t device = op.kind == VIP_OP_ADD_SUBNET   ? vip_way(s)
			  : op.kind == VIP_OP_DEL_SUBNET ? s->routed_by
							 : s->device;

	if (!v->device[device].ifindex)
		return false;
	if (op.kind == VIP_OP_DEL_PREFIX)
		put_subnet(v, false, s, device, RTPROT_KERNEL, PREFIX_METRIC_IPV6, tag);
	else
		put_subnet(
			v, op.kind == VIP_OP_ADD_SUBNET, s, device, VIP_ROUTE_PROTO, metric, tag);
	return true;
}

void vip_message_up(struct rtnl *rtnl, uint32_t ifindex, bool up, uint32_t tag)
{
	struct ifinfomsg *info =
		mnl_nlmsg_put_extra_header(rtnl_add(rtnl, RTM_SETLINK, 0, tag), sizeof(*info));

	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)ifindex;
	info->ifi_flags = up ? IFF_UP : 0;
	info->ifi_change = IFF_UP;
}

/* An interface without an IPv4 address takes nothing in unless its reverse path filter is off, or
 * the way back is by itself. Where a group lingers, the dummy address of RFC 7600 stands in for the
 * ones that left: no host asks for it, and none of its scope becomes a source. */
static const struct conf_ip dummy = { .family = AF_INET, .bytes = { 192, 0, 0, 8 } };

static void message_keep(const struct vip *v, uint32_t ifindex, uint32_t tag)
{
	const struct ifa_cacheinfo lease = { .ifa_valid = v->setup.lease_s,
		.ifa_prefered = v->setup.lease_s };
	struct nlmsghdr *nlh =
		rtnl_add(v->setup.rtnl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, tag);

	put_address(nlh, &dummy, 32, ifindex)->ifa_scope = RT_SCOPE_HOST;
	mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NOPREFIXROUTE);
	mnl_attr_put(nlh, IFA_CACHEINFO, sizeof(lease), &lease);
	mnl_attr_put_u8(nlh, IFA_PROTO, VIP_IFA_PROTO);
}

static bool message_macvlan(const struct vip *v, struct vip_op op, uint32_t tag, int *ret_error)
{
	uint32_t ifindex = v->device[v->vmac_device[op.index]].ifindex;

	if (!ifindex) {
		*ret_error = -ENODEV;
		return false;
	}
	if (op.kind == VIP_OP_KEEP)
		message_keep(v, ifindex, tag);
	else if (op.kind == VIP_OP_UNKEEP)
		vip_message_del_address(v->setup.rtnl, &dummy, 32, ifindex, tag);
	else
		vip_message_up(v->setup.rtnl, ifindex, op.kind == VIP_OP_UP, tag);
	return true;
}

static bool message_address(const struct vip *v, struct vip_op op, uint32_t tag, int *ret_error)
{
	const struct conf_address *a = vip_conf_address(v, op.index);
	uint32_t ifindex = v->device[v->address[op.index].device].ifindex;

	if (!ifindex) {
		*ret_error = -ENODEV;
		return false;
	}
	if (op.kind == VIP_OP_ADD_ADDRESS)
		add_address(v, op.index, tag);
	else
		vip_message_del_address(v->setup.rtnl, &a->ip, a->prefix_len, ifindex, tag);
	return true;
}

bool vip_message(const struct vip *v, struct vip_op op, uint32_t tag, int *ret_error)
{
	*ret_error = 0;
	switch ((enum vip_op_kind)op.kind) {
	case VIP_OP_PROMOTE:
	case VIP_OP_UNPROMOTE:
		vip_message_promote(
			v->setup.rtnl, v->device[op.index].ifindex, op.kind == VIP_OP_PROMOTE, tag);
		return true;
	case VIP_OP_ADD_ADDRESS:
	case VIP_OP_DEL_ADDRESS: return message_address(v, op, tag, ret_error);
	case VIP_OP_TRY_ROUTE:
	case VIP_OP_ADD_ROUTE: return put_route(v, true, op.index, tag, ret_error);
	case VIP_OP_DEL_ROUTE: return put_route(v, false, op.index, tag, ret_error);
	case VIP_OP_ADD_SUBNET:
	case VIP_OP_DEL_SUBNET:
	case VIP_OP_DEL_PREFIX: return message_subnet(v, op, &v->subnet[op.index], tag);
	case VIP_OP_UP:
	case VIP_OP_DOWN:
	case VIP_OP_KEEP:
	case VIP_OP_UNKEEP: return message_macvlan(v, op, tag, ret_error);
	}
	return false;
}
