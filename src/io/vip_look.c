/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vip_state.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

static void forget(struct vip *v)
{
	for (unsigned i = 0; i < v->conf->n_addresses; i++)
		v->address[i].present = false;
	for (unsigned i = 0; i < v->n_subnets; i++) {
		struct vip_subnet *s = &v->subnet[i];

		s->own_covers = s->own_inside = s->own_follows = s->prefix_wrong = false;
		s->first = VIP_FIRST_NONE;
		s->own = (struct conf_ip){ .family = 0 };
	}
}

static void find_interfaces(struct vip *v)
{
	for (unsigned i = 0; i < v->n_devices; i++) {
		const struct watch_link *link = watch_link(v->setup.watch, v->device[i].name);

		v->device[i].ifindex = link ? link->ifindex : 0;
	}
	/* Another program's interface of that name is not ours to use. */
	for (unsigned i = 0; i < v->conf->n_vmacs; i++) {
		const struct watch_link *link = watch_link(v->setup.watch, v->conf->vmac[i].name);

		if (link && memcmp(link->mac, v->conf->vmac[i].mac, sizeof(link->mac)) != 0)
			v->device[v->vmac_device[i]].ifindex = 0;
	}
}

/* An address of the node itself: what does it mean for our subnets on that device? */
static void own_seen(struct vip *v, uint16_t device, const struct watch_event *event)
{
	const struct conf_ip *ip = &event->address.ip;
	uint8_t prefix_len = event->address.prefix_len;
	bool secondary = ip->family == AF_INET && (event->address.flags & IFA_F_SECONDARY);

	for (unsigned i = 0; i < v->n_subnets; i++) {
		struct vip_subnet *s = &v->subnet[i];
		bool covers, inside;

		if (s->home != device)
			continue;
		covers = prefix_len <= s->prefix_len &&
			 vip_same_network(ip, &s->network, prefix_len);
		inside = prefix_len > s->prefix_len &&
			 vip_same_network(ip, &s->network, s->prefix_len);
		if (!covers && !inside)
			continue;
		s->own_covers |= covers;
		if (inside && !s->own_inside) {
			s->own_inside = true;
			s->own = *ip;
		}
		/* Of equal subnets the secondary follows the first one's primary. */
		if (secondary && prefix_len == s->prefix_len && s->first == VIP_FIRST_OURS)
			s->own_follows = true;
		if (!secondary && s->first == VIP_FIRST_NONE)
			s->first = VIP_FIRST_OWN;
	}
}

static void ours_seen(struct vip *v, unsigned i, const struct watch_event *event)
{
	struct vip_address *a = &v->address[i];
	struct vip_subnet *s = &v->subnet[a->subnet];

	a->present = true;
	a->proto = event->address.proto;
	a->flags = event->address.flags;
	if (event->address.ip.family == AF_INET && !(a->flags & IFA_F_SECONDARY) &&
		s->first == VIP_FIRST_NONE)
		s->first = VIP_FIRST_OURS;
}

/* One address. Those of an interface come in the kernel's order, in which it looks for a
 * source, too. */
static int address_seen(void *user, const struct nlmsghdr *nlh)
{
	struct vip *v = user;
	struct watch_event event;
	uint16_t device;
	int i;

	if (!nlh) {
		forget(v);
		return 0;
	}
	if (watch_parse(nlh, &event) != 0 || event.type != WATCH_ADDRESS_NEW)
		return 0;
	device = vip_find_device(v, event.ifindex);
	if (device == VIP_NO_DEVICE)
		return 0;
	i = vip_find(v, &event.address.ip, event.address.prefix_len, device);
	if (i >= 0)
		ours_seen(v, (unsigned)i, &event);
	else if (event.address.proto != VIP_IFA_PROTO)
		own_seen(v, device, &event);
	return 0;
}

/* Known when all are seen: whether our primaries have the flag they need. As secondaries they
 * have no route, whatever the flag. */
static void judge_prefixes(struct vip *v)
{
	for (unsigned i = 0; i < v->conf->n_addresses; i++) {
		const struct vip_address *a = &v->address[i];
		struct vip_subnet *s = &v->subnet[a->subnet];

		if (a->present && s->network.family == AF_INET && !(a->flags & IFA_F_SECONDARY) &&
			!(a->flags & IFA_F_NOPREFIXROUTE) == vip_noprefixroute(s))
			s->prefix_wrong = true;
	}
}

/* By a macvlan goes what the node has no own address to send from: then there is a connected
 * route. IPv6 has its link-local address below. */
static uint16_t way_of(const struct vip *v, unsigned route)
{
	const struct conf_ip *gateway = &v->conf->route[route].gateway;
	const struct vip_route *r = &v->route[route];
	uint16_t way = r->device;

	if (r->vmac == VIP_NO_DEVICE || v->conf->route[route].family != AF_INET)
		return r->device;
	for (unsigned i = 0; i < v->n_subnets; i++) {
		const struct vip_subnet *s = &v->subnet[i];

		if (s->device != r->vmac || s->network.family != AF_INET ||
			(gateway->family && !vip_same_network(gateway, &s->network, s->prefix_len)))
			continue;
		if (vip_way(s) != s->device)
			return r->device;
		way = r->vmac;
	}
	return way;
}

int vip_look(struct vip *v)
{
	const struct rtnl_reader reader = { .message = address_seen, .user = v };
	struct ifaddrmsg *message;
	int result;

	find_interfaces(v);
	message =
		mnl_nlmsg_put_extra_header(rtnl_ask(v->setup.rtnl, RTM_GETADDR), sizeof(*message));
	message->ifa_family = AF_UNSPEC;
	result = rtnl_dump(v->setup.rtnl, &reader);
	if (result)
		forget(v);
	else
		judge_prefixes(v);
	for (unsigned i = 0; !result && i < v->conf->n_routes; i++)
		v->route[i].way = way_of(v, i);
	return result;
}

bool vip_broken(const struct vip *v, unsigned address)
{
	const struct vip_address *a = &v->address[address];
	const struct vip_subnet *s = &v->subnet[a->subnet];

	if (!a->present)
		return false;
	if (s->network.family == AF_INET6)
		return a->flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_OPTIMISTIC);
	/* On a macvlan no own address can stand behind ours. */
	return s->prefix_wrong || (s->first == VIP_FIRST_OURS && !vip_on_macvlan(s) &&
					  (s->own_covers || s->own_inside));
}

struct promotes_answer {
	bool promotes;
};

static int promotes_heard(void *user, const struct nlmsghdr *nlh)
{
	struct promotes_answer *answer = user;
	const struct nlattr *table[IFLA_AF_SPEC + 1], *family[AF_INET + 1];
	const struct nlattr *inet[IFLA_INET_CONF + 1], *values;
	const size_t at = (IPV4_DEVCONF_PROMOTE_SECONDARIES - 1) * sizeof(uint32_t);
	uint32_t value;

	if (!nlh)
		return 0;
	if (!rtnl_attributes(nlh, sizeof(struct ifinfomsg), table, IFLA_AF_SPEC) ||
		!table[IFLA_AF_SPEC])
		return -EBADMSG;
	rtnl_nested(table[IFLA_AF_SPEC], family, AF_INET);
	if (!family[AF_INET])
		return -EBADMSG;
	rtnl_nested(family[AF_INET], inet, IFLA_INET_CONF);
	values = inet[IFLA_INET_CONF];
	if (!values || mnl_attr_get_payload_len(values) < at + sizeof(value))
		return -EBADMSG;
	memcpy(&value, (const uint8_t *)mnl_attr_get_payload(values) + at, sizeof(value));
	answer->promotes = value != 0;
	return 0;
}

/* Asks for one interface. */
static int get_link(struct rtnl *rtnl, uint32_t ifindex, const struct rtnl_reader *reader)
{
	struct nlmsghdr *nlh = rtnl_ask(rtnl, RTM_GETLINK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));

	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)ifindex;
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return rtnl_get(rtnl, reader);
}

int vip_look_promotes(struct rtnl *rtnl, uint32_t ifindex, bool *ret_promotes)
{
	struct promotes_answer answer = { .promotes = false };
	const struct rtnl_reader reader = { .message = promotes_heard, .user = &answer };
	int result = get_link(rtnl, ifindex, &reader);

	if (!result)
		*ret_promotes = answer.promotes;
	return result;
}

static int up_heard(void *user, const struct nlmsghdr *nlh)
{
	struct watch_event event;

	if (nlh && watch_parse(nlh, &event) == 0)
		*(bool *)user = event.link.up;
	return 0;
}

int vip_look_up(struct rtnl *rtnl, uint32_t ifindex, bool *ret_up)
{
	bool up = false;
	const struct rtnl_reader reader = { .message = up_heard, .user = &up };
	int result = get_link(rtnl, ifindex, &reader);

	if (!result)
		*ret_up = up;
	return result;
}
