/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vip_state.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

enum {
	STRAYS_MAX = 112,  /* of each kind, in one pass: both fit one batch */
	PASSES_MAX = 1000, /* a number that only a fight with somebody else reaches */
	DEVICES_MAX = 16,  /* on which promote_secondaries is turned on, in one pass */
};

struct stray_address {
	struct conf_ip ip;
	uint8_t prefix_len;
	bool secondary;
	uint32_t ifindex;
};

/* What is ours and must go. */
struct strays {
	const struct vip *vip; /* NULL: all of ours */
	unsigned n_addresses, n_routes;
	struct stray_address address[STRAYS_MAX];
	struct vip_kernel_route route[STRAYS_MAX];
};

static int address_heard(void *user, const struct nlmsghdr *nlh)
{
	struct strays *strays = user;
	struct watch_event event;
	uint16_t device;

	if (!nlh) {
		strays->n_addresses = 0;
		return 0;
	}
	if (watch_parse(nlh, &event) != 0 || event.type != WATCH_ADDRESS_NEW ||
		event.address.proto != VIP_IFA_PROTO || strays->n_addresses == STRAYS_MAX)
		return 0;
	if (strays->vip) {
		device = vip_find_device(strays->vip, event.ifindex);
		if (device != VIP_NO_DEVICE && vip_find(strays->vip, &event.address.ip,
						       event.address.prefix_len, device) >= 0)
			return 0;
	}
	strays->address[strays->n_addresses++] = (struct stray_address){
		.ip = event.address.ip,
		.prefix_len = event.address.prefix_len,
		.secondary = event.address.ip.family == AF_INET &&
			     (event.address.flags & IFA_F_SECONDARY),
		.ifindex = event.ifindex,
	};
	return 0;
}

/* A connected route stays while a group that is held may need it. */
static bool belongs(const struct vip *v, const struct vip_kernel_route *route)
{
	bool found = vip_find_route(v, route) >= 0;

	for (unsigned i = 0; i < v->n_subnets && !found; i++)
		found = v->subnet[i].routed && vip_is_subnet_route(v, i, route);
	return found;
}

static void route_seen(void *user, const struct vip_kernel_route *route)
{
	struct strays *strays = user;

	if (!route)
		strays->n_routes = 0;
	else if (strays->n_routes < STRAYS_MAX && !(strays->vip && belongs(strays->vip, route)))
		strays->route[strays->n_routes++] = *route;
}

static int find(struct rtnl *rtnl, struct strays *strays)
{
	const struct rtnl_reader reader = { .message = address_heard, .user = strays };
	struct ifaddrmsg *message =
		mnl_nlmsg_put_extra_header(rtnl_ask(rtnl, RTM_GETADDR), sizeof(*message));
	int result;

	message->ifa_family = AF_UNSPEC;
	result = rtnl_dump(rtnl, &reader);
	return result ? result : vip_each_route(rtnl, route_seen, strays);
}

/* Interfaces on which a primary goes, and what is behind it must stay. Returns how many. */
static unsigned find_promoting(
	struct rtnl *rtnl, const struct strays *strays, uint32_t ifindex[DEVICES_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < strays->n_addresses && n < DEVICES_MAX; i++) {
		const struct stray_address *a = &strays->address[i];
		bool known = a->ip.family != AF_INET || a->secondary, promotes = true;

		for (unsigned j = 0; j < n; j++)
			known |= ifindex[j] == a->ifindex;
		if (!known && vip_look_promotes(rtnl, a->ifindex, &promotes) == 0 && !promotes)
			ifindex[n++] = a->ifindex;
	}
	return n;
}

/* One batch. 0 or negative errno; adds to *removed what went. */
static int take_off(struct rtnl *rtnl, const struct strays *strays, unsigned *removed)
{
	enum { PROMOTE, REMOVE };
	uint32_t ifindex[DEVICES_MAX] = { 0 };
	unsigned n = find_promoting(rtnl, strays, ifindex);
	int result;

	rtnl_begin(rtnl);
	for (unsigned i = 0; i < n; i++)
		vip_message_promote(rtnl, ifindex[i], true, PROMOTE);
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = strays->n_addresses; i-- > 0;) {
			const struct stray_address *a = &strays->address[i];

			if ((a->ip.family == AF_INET && !a->secondary) == (pass == 1))
				vip_message_del_address(
					rtnl, &a->ip, a->prefix_len, a->ifindex, REMOVE);
		}
	for (unsigned i = 0; i < strays->n_routes; i++)
		vip_message_del_route(rtnl, &strays->route[i], REMOVE);
	for (unsigned i = 0; i < n; i++)
		vip_message_promote(rtnl, ifindex[i], false, PROMOTE);
	result = rtnl_send(rtnl);
	for (unsigned i = 0; !result && i < rtnl_count(rtnl); i++) {
		const struct rtnl_outcome *o = rtnl_outcome(rtnl, i);

		*removed += o->tag == REMOVE && o->error == 0;
	}
	return result;
}

/* Until there is nothing left, or nothing goes. */
static int remove_strays(struct rtnl *rtnl, const struct vip *vip, unsigned *removed)
{
	struct strays strays = { .vip = vip };

	for (unsigned i = 0; i < PASSES_MAX; i++) {
		unsigned before = *removed;
		int result = find(rtnl, &strays);

		if (result || strays.n_addresses + strays.n_routes == 0)
			return result;
		result = take_off(rtnl, &strays, removed);
		if (result || *removed == before)
			return result ? result : -EBUSY;
	}
	return -EBUSY;
}

int vip_withdraw_all(struct rtnl *rtnl, unsigned *ret_removed)
{
	*ret_removed = 0;
	return remove_strays(rtnl, NULL, ret_removed);
}

int vip_leftovers(struct vip *v, struct vip_leftovers *ret_leftovers)
{
	struct vip_leftovers leftovers = { .removed = 0 };
	int result = vip_look(v);

	if (!result)
		result = vip_look_routes(v);
	if (!result)
		result = remove_strays(v->setup.rtnl, v, &leftovers.removed);
	if (result)
		return result;
	leftovers.complete =
		v->conf->n_groups == 64 ? UINT64_MAX : (UINT64_C(1) << v->conf->n_groups) - 1;
	for (unsigned i = 0; i < v->conf->n_addresses; i++) {
		uint64_t group = UINT64_C(1) << vip_conf_address(v, i)->group;

		if (v->address[i].present)
			leftovers.some |= group;
		else
			leftovers.complete &= ~group;
	}
	for (unsigned i = 0; i < v->conf->n_routes; i++) {
		uint64_t group = UINT64_C(1) << v->conf->route[i].group;

		if (v->route[i].present)
			leftovers.some |= group;
		else
			leftovers.complete &= ~group;
	}
	leftovers.complete &= leftovers.some;
	*ret_leftovers = leftovers;
	return 0;
}
