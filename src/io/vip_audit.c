/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vip_state.h"

#include <linux/if_addr.h>
#include <string.h>
#include <sys/socket.h>

/* Nothing can be there: the interface is not, nor what a macvlan would stand on. */
static bool is_absent(const struct vip *v, unsigned address)
{
	return !v->device[v->address[address].device].ifindex &&
	       !watch_link(v->setup.watch, vip_conf_address(v, address)->device);
}

/* Of a held group: is there, but not as vip_add() would have it. */
static bool mangled(const struct vip *v, unsigned i)
{
	const struct vip_address *a = &v->address[i];
	const struct vip_subnet *s = &v->subnet[a->subnet];
	uint32_t prefix = vip_noprefixroute(s) ? IFA_F_NOPREFIXROUTE : 0;

	return vip_broken(v, i) || a->proto != VIP_IFA_PROTO ||
	       (s->network.family == AF_INET6 && (a->flags & IFA_F_NOPREFIXROUTE) != prefix);
}

static void audit_addresses(struct vip *v, uint64_t groups, struct vip_audit *audit)
{
	for (unsigned i = 0; i < v->conf->n_addresses; i++) {
		unsigned g = vip_conf_address(v, i)->group;

		if (!vip_in(groups, g))
			continue;
		if (is_absent(v, i)) {
			audit->absent++;
		} else if (!v->address[i].present) {
			audit->missing |= UINT64_C(1) << g;
			audit->addresses++;
		} else if (mangled(v, i)) {
			audit->damaged |= UINT64_C(1) << g;
			audit->mangled++;
		}
	}
}

/* IPv4 addresses stay on a macvlan that somebody set down. */
static void audit_macvlans(const struct vip *v, uint64_t groups, struct vip_audit *audit)
{
	for (unsigned i = 0; i < v->conf->n_vmacs; i++) {
		unsigned g = v->conf->vmac[i].group;
		uint32_t ifindex = v->device[v->vmac_device[i]].ifindex;
		bool up = true;

		if (!vip_in(groups, g) || !ifindex)
			continue;
		(void)vip_look_up(v->setup.rtnl, ifindex, &up);
		if (!up)
			audit->damaged |= UINT64_C(1) << g;
		audit->mangled += !up;
	}
}

static void audit_routes(struct vip *v, uint64_t groups, struct vip_audit *audit)
{
	for (unsigned i = 0; i < v->conf->n_routes; i++) {
		struct vip_route *r = &v->route[i];
		unsigned g = v->conf->route[i].group;

		if (!vip_in(groups, g))
			continue;
		if (r->present)
			r->stands = false;
		if (r->present || r->stands ||
			(r->way != VIP_NO_DEVICE && !v->device[r->way].ifindex))
			continue;
		r->lacking = true;
		audit->missing |= UINT64_C(1) << g;
		audit->routes++;
	}
}

/* The connected routes that we stand in for, each told once by one address in it. */
static void audit_subnets(const struct vip *v, uint64_t groups, struct vip_audit *audit)
{
	for (unsigned i = 0; i < v->conf->n_addresses; i++) {
		const struct vip_subnet *s = &v->subnet[v->address[i].subnet];
		unsigned g = vip_conf_address(v, i)->group;

		if (!vip_in(groups, g) || !v->address[i].leader || !vip_wants_route(s) ||
			s->route_present || !v->device[vip_way(s)].ifindex)
			continue;
		audit->missing |= UINT64_C(1) << g;
		audit->routes++;
	}
}

static bool has_routes(const struct vip *v, uint64_t groups)
{
	bool some = false;

	if (!groups)
		return false;
	for (unsigned i = 0; i < v->conf->n_routes; i++)
		some |= vip_in(groups, v->conf->route[i].group);
	for (unsigned i = 0; i < v->n_subnets; i++)
		some |= v->subnet[i].routed || vip_wants_route(&v->subnet[i]);
	return some;
}

int vip_audit(struct vip *v, uint64_t groups, struct vip_audit *ret_audit)
{
	struct vip_audit audit = { .missing = 0 };
	bool routes;
	int result;

	groups &= v->held & ~v->dirty;
	result = groups ? vip_look(v) : 0;
	routes = has_routes(v, groups);
	if (!result && routes)
		result = vip_look_routes(v);
	if (result)
		return result;
	if (groups) {
		audit_addresses(v, groups, &audit);
		audit_macvlans(v, groups, &audit);
	}
	if (routes) {
		audit_routes(v, groups, &audit);
		audit_subnets(v, groups, &audit);
	}
	*ret_audit = audit;
	return 0;
}

/* ---- events -------------------------------------------------------------------------------- */

/* Held groups with an address or a route on this interface. */
static uint64_t on_device(const struct vip *v, const char *name)
{
	uint64_t groups = 0;

	for (unsigned i = 0; i < v->conf->n_addresses; i++)
		if (strcmp(v->conf->address[i].device, name) == 0)
			groups |= UINT64_C(1) << v->conf->address[i].group;
	for (unsigned i = 0; i < v->conf->n_routes; i++)
		if (strcmp(v->conf->route[i].device, name) == 0)
			groups |= UINT64_C(1) << v->conf->route[i].group;
	return groups & v->held;
}

/* Held groups whose macvlan this is. */
static uint64_t on_macvlan(const struct vip *v, const char *name)
{
	uint64_t groups = 0;

	for (unsigned i = 0; i < v->conf->n_vmacs; i++)
		if (strcmp(v->conf->vmac[i].name, name) == 0)
			groups |= UINT64_C(1) << v->conf->vmac[i].group;
	return groups & v->held;
}

/* Of ours: its group. Of the node's own: the groups with addresses in a subnet it touches. */
static uint64_t of_address(const struct vip *v, const struct watch_event *event)
{
	uint16_t device = vip_find_device(v, event->ifindex);
	uint64_t groups = 0;
	int i;

	if (device == VIP_NO_DEVICE)
		return 0;
	i = vip_find(v, &event->address.ip, event->address.prefix_len, device);
	if (i >= 0)
		return v->held & UINT64_C(1) << vip_conf_address(v, (unsigned)i)->group;
	for (unsigned j = 0; j < v->conf->n_addresses; j++) {
		const struct vip_subnet *s = &v->subnet[v->address[j].subnet];
		uint8_t shorter = event->address.prefix_len < s->prefix_len
					  ? event->address.prefix_len
					  : s->prefix_len;

		if (s->home == device && vip_same_network(&event->address.ip, &s->network, shorter))
			groups |= UINT64_C(1) << vip_conf_address(v, j)->group;
	}
	return groups & v->held;
}

static uint64_t of_route(const struct vip *v, const struct watch_event *event)
{
	uint64_t groups = 0;

	for (unsigned i = 0; i < v->conf->n_routes; i++) {
		const struct conf_route *r = &v->conf->route[i];

		if (r->family == event->route.family && r->prefix_len == event->route.prefix_len &&
			vip_ip_equal(&r->destination, &event->route.destination))
			groups |= UINT64_C(1) << r->group;
	}
	for (unsigned i = 0; i < v->conf->n_addresses; i++) {
		const struct vip_subnet *s = &v->subnet[v->address[i].subnet];

		if (s->routed && s->prefix_len == event->route.prefix_len &&
			vip_ip_equal(&s->network, &event->route.destination))
			groups |= UINT64_C(1) << vip_conf_address(v, i)->group;
	}
	return groups & v->held;
}

uint64_t vip_heard(const struct vip *v, const struct watch_event *event)
{
	if (!v->conf || !v->held)
		return 0;
	switch (event->type) {
	case WATCH_LINK_NEW:
	case WATCH_LINK_CHANGED:
		return on_device(v, event->link.name) | on_macvlan(v, event->link.name);
	case WATCH_LINK_GONE: return on_macvlan(v, event->link.name);
	case WATCH_ADDRESS_NEW:
	case WATCH_ADDRESS_GONE: return of_address(v, event);
	case WATCH_ROUTE_GONE:
		return event->route.proto == VIP_ROUTE_PROTO ? of_route(v, event) : 0;
	case WATCH_RESYNCED: return v->held;
	case WATCH_FORWARDING:
	case WATCH_NEIGHBOUR: break;
	}
	return 0;
}
