/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmac_kernel.h"

#include "vmac.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ALIAS_MAX = 128 };

static const char kind[] = "macvlan";

/* Text of an attribute, cut to fit. */
static void copy_text(const struct nlattr *attr, char *text, size_t size)
{
	size_t len = attr ? strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr)) : 0;

	if (len >= size)
		len = size - 1;
	memset(text, 0, size);
	if (attr)
		memcpy(text, mnl_attr_get_payload(attr), len);
}

static bool is_macvlan(const struct nlattr *info, uint32_t *ret_mode)
{
	const struct nlattr *table[IFLA_INFO_DATA + 1], *data[IFLA_MACVLAN_MODE + 1];
	char text[sizeof(kind) + 1];

	if (!info)
		return false;
	rtnl_nested(info, table, IFLA_INFO_DATA);
	copy_text(table[IFLA_INFO_KIND], text, sizeof(text));
	if (strcmp(text, kind) != 0 || !table[IFLA_INFO_DATA])
		return false;
	rtnl_nested(table[IFLA_INFO_DATA], data, IFLA_MACVLAN_MODE);
	*ret_mode = rtnl_u32(data[IFLA_MACVLAN_MODE], 0);
	return true;
}

static bool parse(const struct nlmsghdr *nlh, struct vmac_found *ret_found)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *table[IFLA_LINK_NETNSID + 1];
	struct vmac_found found = { .ifindex = 0 };
	char alias[ALIAS_MAX];

	if (nlh->nlmsg_type != RTM_NEWLINK ||
		!rtnl_attributes(nlh, sizeof(*info), table, IFLA_LINK_NETNSID) ||
		!is_macvlan(table[IFLA_LINKINFO], &found.mode))
		return false;
	copy_text(table[IFLA_IFALIAS], alias, sizeof(alias));
	if (strncmp(alias, VMAC_ALIAS, strlen(VMAC_ALIAS)) != 0 ||
		!vmac_before_parse(alias, &found.before))
		return false;
	found.ifindex = (uint32_t)info->ifi_index;
	found.up = info->ifi_flags & IFF_UP;
	found.below = table[IFLA_LINK_NETNSID] ? 0 : rtnl_u32(table[IFLA_LINK], 0);
	found.mtu = rtnl_u32(table[IFLA_MTU], 0);
	copy_text(table[IFLA_IFNAME], found.name, sizeof(found.name));
	if (table[IFLA_ADDRESS] && mnl_attr_get_payload_len(table[IFLA_ADDRESS]) == 6)
		memcpy(found.mac, mnl_attr_get_payload(table[IFLA_ADDRESS]), 6);
	*ret_found = found;
	return true;
}

static int heard(void *user, const struct nlmsghdr *nlh)
{
	struct vmac_list *list = user;

	if (!nlh)
		list->n = 0;
	else if (list->n < VMAC_FOUND_MAX && parse(nlh, &list->found[list->n]))
		list->n++;
	return 0;
}

int vmac_kernel_find(struct rtnl *rtnl, struct vmac_list *ret_list)
{
	const struct rtnl_reader reader = { .message = heard, .user = ret_list };
	struct nlmsghdr *nlh = rtnl_ask(rtnl, RTM_GETLINK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	struct nlattr *linkinfo;

	info->ifi_family = AF_UNSPEC;
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	/* The kernel tells of no others. */
	linkinfo = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_str(nlh, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(nlh, linkinfo);
	ret_list->n = 0;
	return rtnl_dump(rtnl, &reader);
}

static struct nlmsghdr *start(
	struct rtnl *rtnl, uint16_t type, uint16_t flags, uint32_t ifindex, uint32_t tag)
{
	struct nlmsghdr *nlh = rtnl_add(rtnl, type, flags, tag);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));

	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)ifindex;
	return nlh;
}

void vmac_kernel_make(struct rtnl *rtnl, const struct conf_vmac *vmac, uint32_t below,
	const struct vmac_before *before, uint32_t tag)
{
	struct nlmsghdr *nlh = start(rtnl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, tag);
	struct nlattr *info, *data;
	char text[VMAC_BEFORE_TEXT_MAX], alias[ALIAS_MAX];

	mnl_attr_put_strz(nlh, IFLA_IFNAME, vmac->name);
	mnl_attr_put(nlh, IFLA_ADDRESS, sizeof(vmac->mac), vmac->mac);
	mnl_attr_put_u32(nlh, IFLA_LINK, below);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_str(nlh, IFLA_INFO_KIND, kind);
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u32(nlh, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);

	/* A new interface gets no alias in the same message. */
	vmac_before_print(before, text);
	(void)snprintf(alias, sizeof(alias), VMAC_ALIAS "; below it: %s", text);
	nlh = start(rtnl, RTM_SETLINK, 0, 0, tag);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, vmac->name);
	mnl_attr_put_str(nlh, IFLA_IFALIAS, alias);
}

void vmac_kernel_remove(struct rtnl *rtnl, uint32_t ifindex, uint32_t tag)
{
	(void)start(rtnl, RTM_DELLINK, 0, ifindex, tag);
}

void vmac_kernel_down(struct rtnl *rtnl, uint32_t ifindex, uint32_t tag)
{
	struct nlmsghdr *nlh = start(rtnl, RTM_SETLINK, 0, ifindex, tag);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);

	info->ifi_change = IFF_UP;
}

void vmac_kernel_mtu(struct rtnl *rtnl, uint32_t ifindex, uint32_t mtu, uint32_t tag)
{
	mnl_attr_put_u32(start(rtnl, RTM_SETLINK, 0, ifindex, tag), IFLA_MTU, mtu);
}

bool vmac_kernel_is(const struct vmac_found *found, const struct conf_vmac *vmac, uint32_t below)
{
	return strcmp(found->name, vmac->name) == 0 && found->below == below &&
	       found->mode == MACVLAN_MODE_BRIDGE &&
	       memcmp(found->mac, vmac->mac, sizeof(found->mac)) == 0;
}

uint32_t vmac_kernel_mtu_of(const char *device)
{
	struct ifreq request = { .ifr_mtu = 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", device);
	if (ioctl(fd, SIOCGIFMTU, &request) != 0)
		request.ifr_mtu = 0;
	close(fd);
	return (uint32_t)request.ifr_mtu;
}
