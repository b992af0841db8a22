/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vip_state.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

static void get_ip(const struct nlattr *attr, uint8_t family, struct conf_ip *ret_ip)
{
	size_t len = family == AF_INET ? 4 : 16;

	*ret_ip = (struct conf_ip){ .family = 0 };
	if (!attr || mnl_attr_get_payload_len(attr) != len)
		return;
	ret_ip->family = family;
	memcpy(ret_ip->bytes, mnl_attr_get_payload(attr), len);
}

static bool parse(const struct nlmsghdr *nlh, struct vip_kernel_route *ret_route)
{
	const struct rtmsg *message = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *table[RTA_TABLE + 1];

	if (nlh->nlmsg_type != RTM_NEWROUTE ||
		!rtnl_attributes(nlh, sizeof(*message), table, RTA_TABLE))
		return false;
	if ((message->rtm_family != AF_INET && message->rtm_family != AF_INET6) ||
		message->rtm_protocol != VIP_ROUTE_PROTO || (message->rtm_flags & RTM_F_CLONED))
		return false;
	*ret_route = (struct vip_kernel_route){
		.family = message->rtm_family,
		.prefix_len = message->rtm_dst_len,
		.scope = message->rtm_scope,
		.table = rtnl_u32(table[RTA_TABLE], message->rtm_table),
		.metric = rtnl_u32(table[RTA_PRIORITY], 0),
		.ifindex = rtnl_u32(table[RTA_OIF], 0),
	};
	get_ip(table[RTA_DST], message->rtm_family, &ret_route->destination);
	get_ip(table[RTA_GATEWAY], message->rtm_family, &ret_route->gateway);
	return true;
}

struct each {
	void (*seen)(void *user, const struct vip_kernel_route *route);
	void *user;
	bool first; /* family: what the other one said stays valid */
};

static int heard(void *user, const struct nlmsghdr *nlh)
{
	struct each *each = user;
	struct vip_kernel_route route;

	if (nlh && parse(nlh, &route))
		each->seen(each->user, &route);
	else if (!nlh && each->first)
		each->seen(each->user, NULL);
	return 0;
}

int vip_each_route(struct rtnl *rtnl,
	void (*seen)(void *user, const struct vip_kernel_route *route), void *user)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	int result = 0;

	for (unsigned i = 0; i < ARRAY_LEN(families) && !result; i++) {
		struct each each = { .seen = seen, .user = user, .first = i == 0 };
		const struct rtnl_reader reader = { .message = heard, .user = &each };
		struct rtmsg *message =
			mnl_nlmsg_put_extra_header(rtnl_ask(rtnl, RTM_GETROUTE), sizeof(*message));

		message->rtm_family = families[i];
		message->rtm_protocol = VIP_ROUTE_PROTO;
		result = rtnl_dump(rtnl, &reader);
	}
	return result;
}

static bool is_by(const struct vip *v, uint16_t device, const struct vip_kernel_route *route)
{
	return device == VIP_NO_DEVICE || v->device[device].ifindex == route->ifindex;
}

int vip_find_route(const struct vip *v, const struct vip_kernel_route *route)
{
	for (unsigned i = 0; i < v->conf->n_routes; i++) {
		const struct conf_route *r = &v->conf->route[i];
		uint32_t metric = !r->metric && r->family == AF_INET6 ? VIP_IPV6_METRIC : r->metric;

		if (r->family == route->family && r->prefix_len == route->prefix_len &&
			vip_ip_equal(&r->destination, &route->destination) &&
			vip_ip_equal(&r->gateway, &route->gateway) && metric == route->metric &&
			(r->table ? r->table : RT_TABLE_MAIN) == route->table &&
			is_by(v, v->route[i].way, route))
			return (int)i;
	}
	return -1;
}

bool vip_is_subnet_route(const struct vip *v, unsigned subnet, const struct vip_kernel_route *route)
{
	const struct vip_subnet *s = &v->subnet[subnet];

	return !route->gateway.family && route->table == RT_TABLE_MAIN &&
	       s->network.family == route->family && s->prefix_len == route->prefix_len &&
	       vip_ip_equal(&s->network, &route->destination) && is_by(v, vip_way(s), route);
}

static void seen(void *user, const struct vip_kernel_route *route)
{
	struct vip *v = user;
	int i;

	if (!route) {
		for (i = 0; i < (int)v->conf->n_routes; i++)
			v->route[i].present = false;
		for (i = 0; i < (int)v->n_subnets; i++)
			v->subnet[i].route_present = false;
		return;
	}
	/* Groups may have the same route, or subnet. */
	i = vip_find_route(v, route);
	for (unsigned j = 0; i >= 0 && j < v->conf->n_routes; j++)
		if (vip_route_equal(&v->conf->route[i], &v->conf->route[j]) &&
			v->route[i].way == v->route[j].way)
			v->route[j].present = true;
	for (unsigned j = 0; j < v->n_subnets; j++)
		if (vip_is_subnet_route(v, j, route))
			v->subnet[j].route_present = true;
}

int vip_look_routes(struct vip *v)
{
	return vip_each_route(v->setup.rtnl, seen, v);
}
