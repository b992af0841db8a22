/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nsrp/device.h"
#include "rtnl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>

/* Copies text that ends within the attribute and fits; else leaves *out as it is. */
static void copy_text(const struct nlattr *attr, char out[CONF_DEVICE_MAX])
{
	if (!attr)
		return;
	const char *text = (const char *)mnl_attr_get_payload(attr);
	size_t len = strnlen(text, mnl_attr_get_payload_len(attr));

	if (len > 0 && len < CONF_DEVICE_MAX) {
		memcpy(out, text, len);
		out[len] = '\0';
	}
}

static int link_heard(void *user, const struct nlmsghdr *nlh)
{
	struct device_master *master = (struct device_master *)user;
	const struct nlattr *link[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];

	*master = (struct device_master){ .kind = "" };
	if (!nlh || nlh->nlmsg_type != RTM_NEWLINK)
		return 0;
	if (!rtnl_attributes(nlh, sizeof(struct ifinfomsg), link, IFLA_MAX))
		return -EBADMSG;
	const struct ifinfomsg *message = (const struct ifinfomsg *)mnl_nlmsg_get_payload(nlh);
	uint32_t index = rtnl_u32(link[IFLA_MASTER], 0);

	master->ethernet =
		message->ifi_type == ARPHRD_ETHER && !(message->ifi_flags & IFF_LOOPBACK);
	if (link[IFLA_LINKINFO]) {
		rtnl_nested(link[IFLA_LINKINFO], info, IFLA_INFO_MAX);
		copy_text(info[IFLA_INFO_KIND], master->own_kind);
	}
	if (!index)
		return 0;
	memcpy(master->kind, "master", sizeof("master"));
	if (link[IFLA_LINKINFO]) {
		rtnl_nested(link[IFLA_LINKINFO], info, IFLA_INFO_MAX);
		copy_text(info[IFLA_INFO_SLAVE_KIND], master->kind);
	}
	if (!if_indextoname(index, master->name))
		master->name[0] = '\0';
	return 0;
}

int device_look(const char *device, struct device_master *ret_master)
{
	struct device_master master = { .kind = "" };
	struct rtnl_reader reader = { .message = link_heard, .user = &master };
	struct rtnl *r;

	if (strnlen(device, CONF_DEVICE_MAX) == CONF_DEVICE_MAX)
		return -ENODEV;
	int error = rtnl_new(&r);
	if (error)
		return error;
	struct nlmsghdr *nlh = rtnl_ask(r, RTM_GETLINK);
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, device);
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	error = rtnl_get(r, &reader);
	rtnl_free(r);
	if (!error)
		*ret_master = master;
	return error;
}
