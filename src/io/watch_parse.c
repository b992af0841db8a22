/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "watch.h"

#include "rtnl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/socket.h>

/* <net/if.h> lacks it, and <linux/if.h> does not go with <net/if.h>. */
enum { FLAG_LOWER_UP = 1 << 16 };

/* An address of this family; false when the size is another family's. */
static bool parse_ip(const struct nlattr *attr, uint8_t family, struct conf_ip *ret_ip)
{
	size_t len = family == AF_INET ? 4 : 16;

	if (!attr || mnl_attr_get_payload_len(attr) != len)
		return false;
	*ret_ip = (struct conf_ip){ .family = family };
	memcpy(ret_ip->bytes, mnl_attr_get_payload(attr), len);
	return true;
}

static bool parse_name(const struct nlattr *attr, char name[CONF_DEVICE_MAX])
{
	size_t len;

	if (!attr)
		return false;
	len = strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	if (len == 0 || len >= CONF_DEVICE_MAX)
		return false;
	memset(name, 0, CONF_DEVICE_MAX);
	memcpy(name, mnl_attr_get_payload(attr), len);
	return true;
}

/* IPv6 forwarding, from what an interface message says of its address families. */
static bool parse_forwards(const struct nlattr *families)
{
	const struct nlattr *family[AF_INET6 + 1], *inet6[IFLA_INET6_CONF + 1];
	const struct nlattr *values;
	int32_t forwarding;

	if (!families)
		return false;
	rtnl_nested(families, family, AF_INET6);
	if (!family[AF_INET6])
		return false;
	rtnl_nested(family[AF_INET6], inet6, IFLA_INET6_CONF);
	values = inet6[IFLA_INET6_CONF];
	if (!values ||
		mnl_attr_get_payload_len(values) < (DEVCONF_FORWARDING + 1) * sizeof(int32_t))
		return false;
	memcpy(&forwarding,
		(const uint8_t *)mnl_attr_get_payload(values) +
			DEVCONF_FORWARDING * sizeof(int32_t),
		sizeof(forwarding));
	return forwarding != 0;
}

/* The master, when it is one that its members stand in for each other in. */
static uint32_t parse_bond(const struct nlattr *master, const struct nlattr *info)
{
	const struct nlattr *table[IFLA_INFO_SLAVE_KIND + 1], *kind;
	char text[8] = "";

	if (!master || !info)
		return 0;
	rtnl_nested(info, table, IFLA_INFO_SLAVE_KIND);
	kind = table[IFLA_INFO_SLAVE_KIND];
	if (!kind || mnl_attr_get_payload_len(kind) >= sizeof(text))
		return 0;
	memcpy(text, mnl_attr_get_payload(kind), mnl_attr_get_payload_len(kind));
	return strcmp(text, "bond") == 0 || strcmp(text, "team") == 0 ? rtnl_u32(master, 0) : 0;
}

static int parse_link(const struct nlmsghdr *nlh, struct watch_event *event)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *table[IFLA_AF_SPEC + 1];
	const struct nlattr *mac;
	struct watch_link *link = &event->link;

	if (!rtnl_attributes(nlh, sizeof(*info), table, IFLA_AF_SPEC))
		return -EBADMSG;
	/* A bridge tells of its ports in the same words: that one leaves is no news. Wireless
	 * events come without a name. */
	if ((info->ifi_family != AF_UNSPEC && info->ifi_family != AF_INET6) || !table[IFLA_IFNAME])
		return -ENOMSG;
	if (info->ifi_index <= 0 || !parse_name(table[IFLA_IFNAME], link->name))
		return -EBADMSG;
	event->type = nlh->nlmsg_type == RTM_DELLINK ? WATCH_LINK_GONE : WATCH_LINK_CHANGED;
	event->ifindex = link->ifindex = (uint32_t)info->ifi_index;
	link->up = info->ifi_flags & IFF_UP;
	/* LOWER_UP is the truth at once when a carrier falls; RUNNING follows it up only when
	 * the interface may send. */
	link->carrier =
		link->up && (info->ifi_flags & FLAG_LOWER_UP) && (info->ifi_flags & IFF_RUNNING);
	mac = table[IFLA_ADDRESS];
	link->ethernet = info->ifi_type == ARPHRD_ETHER && !(info->ifi_flags & IFF_NOARP) && mac &&
			 mnl_attr_get_payload_len(mac) == sizeof(link->mac);
	if (link->ethernet && mac)
		memcpy(link->mac, mnl_attr_get_payload(mac), sizeof(link->mac));
	link->bond = parse_bond(table[IFLA_MASTER], table[IFLA_LINKINFO]);
	link->forwards = parse_forwards(table[IFLA_AF_SPEC]);
	return 0;
}

static int parse_forwarding(const struct nlmsghdr *nlh, struct watch_event *event)
{
	const struct netconfmsg *conf = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *table[NETCONFA_FORWARDING + 1];

	if (!rtnl_attributes(nlh, sizeof(*conf), table, NETCONFA_FORWARDING))
		return -EBADMSG;
	if (conf->ncm_family != AF_INET6 || !table[NETCONFA_FORWARDING])
		return -ENOMSG;
	event->type = WATCH_FORWARDING;
	event->ifindex = event->link.ifindex = rtnl_u32(table[NETCONFA_IFINDEX], 0);
	event->link.forwards = rtnl_u32(table[NETCONFA_FORWARDING], 0) != 0;
	return 0;
}

static int parse_address(const struct nlmsghdr *nlh, struct watch_event *event)
{
	const struct ifaddrmsg *address = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *table[IFA_PROTO + 1];

	if (!rtnl_attributes(nlh, sizeof(*address), table, IFA_PROTO))
		return -EBADMSG;
	if (address->ifa_family != AF_INET && address->ifa_family != AF_INET6)
		return -ENOMSG;
	event->type = nlh->nlmsg_type == RTM_DELADDR ? WATCH_ADDRESS_GONE : WATCH_ADDRESS_NEW;
	event->ifindex = address->ifa_index;
	event->address.prefix_len = address->ifa_prefixlen;
	event->address.proto = rtnl_u8(table[IFA_PROTO], 0);
	event->address.flags = rtnl_u32(table[IFA_FLAGS], address->ifa_flags);
	/* With a peer, ADDRESS is the peer's and LOCAL ours; without, IPv6 has no LOCAL. */
	if (!parse_ip(table[IFA_LOCAL] ? table[IFA_LOCAL] : table[IFA_ADDRESS], address->ifa_family,
		    &event->address.ip))
		return -EBADMSG;
	return 0;
}

static int parse_route(const struct nlmsghdr *nlh, struct watch_event *event)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *table[RTA_TABLE + 1];

	if (!rtnl_attributes(nlh, sizeof(*route), table, RTA_TABLE))
		return -EBADMSG;
	if (route->rtm_family != AF_INET && route->rtm_family != AF_INET6)
		return -ENOMSG;
	event->type = WATCH_ROUTE_GONE;
	event->ifindex = rtnl_u32(table[RTA_OIF], 0);
	event->route.family = route->rtm_family;
	event->route.prefix_len = route->rtm_dst_len;
	event->route.proto = route->rtm_protocol;
	event->route.table = rtnl_u32(table[RTA_TABLE], route->rtm_table);
	if (table[RTA_DST] &&
		!parse_ip(table[RTA_DST], route->rtm_family, &event->route.destination))
		return -EBADMSG;
	return 0;
}

static int parse_neighbour(const struct nlmsghdr *nlh, struct watch_event *event)
{
	const struct ndmsg *neighbour = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *table[NDA_LLADDR + 1];
	const struct nlattr *mac;

	if (!rtnl_attributes(nlh, sizeof(*neighbour), table, NDA_LLADDR))
		return -EBADMSG;
	if ((neighbour->ndm_family != AF_INET && neighbour->ndm_family != AF_INET6) ||
		!(neighbour->ndm_state & NUD_REACHABLE))
		return -ENOMSG;
	event->type = WATCH_NEIGHBOUR;
	event->ifindex = (uint32_t)neighbour->ndm_ifindex;
	mac = table[NDA_LLADDR];
	if (mac && mnl_attr_get_payload_len(mac) == sizeof(event->neighbour.mac))
		memcpy(event->neighbour.mac, mnl_attr_get_payload(mac),
			sizeof(event->neighbour.mac));
	return parse_ip(table[NDA_DST], neighbour->ndm_family, &event->neighbour.ip) ? 0 : -EBADMSG;
}

int watch_parse(const struct nlmsghdr *nlh, struct watch_event *ret_event)
{
	struct watch_event event = { .ifindex = 0 };
	int result;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK: result = parse_link(nlh, &event); break;
	case RTM_NEWNETCONF: result = parse_forwarding(nlh, &event); break;
	case RTM_NEWADDR:
	case RTM_DELADDR: result = parse_address(nlh, &event); break;
	case RTM_DELROUTE: result = parse_route(nlh, &event); break;
	case RTM_NEWNEIGH: result = parse_neighbour(nlh, &event); break;
	default: result = -ENOMSG; break;
	}
	if (!result)
		*ret_event = event;
	return result;
}
