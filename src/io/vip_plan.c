/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The order within a plan, and why:
 *
 *  1. Stand-ins for connected routes, and for addresses on macvlans, while those are still
 *     there: nothing is lost between.
 *  2. Addresses off: secondaries before primaries, so that what is promoted is somebody
 *     else's, and once. Where a primary of ours leaves secondaries behind, the interface
 *     promotes them meanwhile.
 *  3. IPv4 routes that must stay once more: with an interface's last IPv4 address the kernel
 *     took all routes through it.
 *  4. Routes of groups given up, and those that need another source.
 *  5. Addresses on: the first of each subnet (on macvlans IPv4 first, then those are set up),
 *     then (when all do not fit one chunk) a first try at the routes, then the rest, then the
 *     routes.
 *  6. Stand-ins that are not needed any more; macvlans down.
 */
#include "vip_state.h"

#include <assert.h>
#include <linux/if_addr.h>
#include <sys/socket.h>

static void push(struct vip *v, enum vip_op_kind kind, unsigned index)
{
	assert(v->n_ops < VIP_OPS_MAX);
	v->op[v->n_ops++] = (struct vip_op){ .kind = (uint8_t)kind, .index = (uint16_t)index };
}

static const struct conf_group *group_of(const struct vip *v, unsigned g)
{
	return &v->conf->group[g];
}

/* The group is neither held nor lingering, and what is there of it goes. */
static bool dropped(const struct vip *v, unsigned g)
{
	return vip_in(v->dirty & ~v->held & ~v->lingering, g);
}

static bool comes_off(const struct vip *v, unsigned i)
{
	unsigned g = vip_conf_address(v, i)->group;

	return v->address[i].present && vip_in(v->dirty, g) &&
	       (!vip_in(v->held, g) || vip_broken(v, i));
}

static bool is_primary(const struct vip *v, unsigned i)
{
	return vip_conf_address(v, i)->ip.family == AF_INET &&
	       !(v->address[i].flags & IFA_F_SECONDARY);
}

/* ---- what is so with each subnet ----------------------------------------------------------- */

/* An IPv4 subnet in which ours stand before an own address is set up anew by all groups with
 * an address there. */
static void mark_broken(struct vip *v)
{
	for (unsigned i = 0; i < v->conf->n_addresses; i++) {
		unsigned g = vip_conf_address(v, i)->group;

		if (vip_conf_address(v, i)->ip.family == AF_INET && vip_in(v->held, g) &&
			vip_broken(v, i))
			v->dirty |= UINT64_C(1) << g;
	}
}

static void mark_subnets(struct vip *v)
{
	for (unsigned i = 0; i < v->n_subnets; i++) {
		struct vip_subnet *s = &v->subnet[i];

		s->held = s->lingers = s->loses_primary = false;
		s->keeps_secondary = s->own_follows;
	}
	for (unsigned i = 0; i < v->conf->n_addresses; i++) {
		struct vip_subnet *s = &v->subnet[v->address[i].subnet];
		unsigned g = vip_conf_address(v, i)->group;

		s->held |= vip_in(v->held, g);
		s->lingers |= vip_in(v->lingering, g);
		if (comes_off(v, i))
			s->loses_primary |= is_primary(v, i);
		else if (v->address[i].present)
			s->keeps_secondary |= !is_primary(v, i);
	}
}

/* A smaller own subnet within is not enough to reach all of ours, and in IPv4 the route must
 * name the own address as source. */
bool vip_wants_route(const struct vip_subnet *s)
{
	unsigned longest = s->network.family == AF_INET ? 32 : 128;

	if (s->own_covers || s->prefix_len == longest)
		return false;
	return (s->held && vip_noprefixroute(s)) || (s->lingers && !s->held);
}

/* ---- the steps ----------------------------------------------------------------------------- */

static void plan_promotion(struct vip *v)
{
	for (unsigned i = 0; i < v->n_devices; i++)
		v->device[i].promote = false;
	for (unsigned i = 0; i < v->n_subnets; i++) {
		const struct vip_subnet *s = &v->subnet[i];
		struct vip_device *d = &v->device[s->device];
		bool promotes = false;

		if (s->network.family != AF_INET || !s->loses_primary || !s->keeps_secondary ||
			d->promote)
			continue;
		(void)vip_look_promotes(v->setup.rtnl, d->ifindex, &promotes);
		if (promotes)
			continue;
		d->promote = true;
	}
}

/* Stand-ins of which the interface changed. */
static void plan_moves(struct vip *v)
{
	for (unsigned i = 0; i < v->n_subnets; i++)
		if (v->subnet[i].routed && v->subnet[i].routed_by != vip_way(&v->subnet[i]))
			push(v, VIP_OP_DEL_SUBNET, i);
}

/* Two groups may need the same, each on its own macvlan. */
static bool subnet_stays(const struct vip *v, unsigned subnet)
{
	const struct vip_subnet *s = &v->subnet[subnet];

	for (unsigned i = 0; i < v->n_subnets; i++) {
		const struct vip_subnet *other = &v->subnet[i];

		if (i != subnet && vip_wants_route(other) && vip_way(other) == s->routed_by &&
			other->prefix_len == s->prefix_len &&
			vip_ip_equal(&other->network, &s->network))
			return true;
	}
	return false;
}

static void plan_stand_in_ends(struct vip *v)
{
	for (unsigned i = 0; i < v->n_subnets; i++) {
		struct vip_subnet *s = &v->subnet[i];

		if (!s->routed || vip_wants_route(s))
			continue;
		if (subnet_stays(v, i))
			s->routed = false;
		else
			push(v, VIP_OP_DEL_SUBNET, i);
	}
}

static void plan_macvlans(struct vip *v, enum vip_op_kind kind, uint64_t groups)
{
	for (unsigned i = 0; i < v->conf->n_vmacs; i++)
		if (vip_in(groups, v->conf->vmac[i].group) && (kind != VIP_OP_UNKEEP || v->kept[i]))
			push(v, kind, i);
}

static void plan_subnet_routes(struct vip *v, int family)
{
	for (unsigned i = 0; i < v->n_subnets; i++) {
		const struct vip_subnet *s = &v->subnet[i];

		if (vip_wants_route(s) && (family == AF_UNSPEC || s->network.family == family))
			push(v, VIP_OP_ADD_SUBNET, i);
	}
}

/* Returns how many. */
static unsigned plan_removals(struct vip *v)
{
	unsigned before = v->n_ops;

	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = v->conf->n_addresses; i-- > 0;)
			if (comes_off(v, i) && is_primary(v, i) == (pass == 1))
				push(v, VIP_OP_DEL_ADDRESS, i);
	return v->n_ops - before;
}

static void plan_routes(struct vip *v, enum vip_op_kind kind, uint64_t groups)
{
	for (unsigned g = 0; g < v->conf->n_groups; g++)
		for (unsigned i = 0; vip_in(groups, g) && i < group_of(v, g)->n_routes; i++)
			push(v, kind, group_of(v, g)->first_route + i);
}

/* Another group has the same route, and keeps it. */
static bool route_stays(const struct vip *v, unsigned route)
{
	for (unsigned i = 0; i < v->conf->n_routes; i++)
		if (vip_in(v->held | v->lingering, v->conf->route[i].group) &&
			vip_route_equal(&v->conf->route[i], &v->conf->route[route]))
			return true;
	return false;
}

static void plan_drops(struct vip *v)
{
	for (unsigned i = 0; i < v->conf->n_routes; i++) {
		if (!dropped(v, v->conf->route[i].group))
			continue;
		v->route[i].stands = v->route[i].lacking = false;
		v->route[i].put_source = (struct conf_ip){ .family = 0 };
		if (!route_stays(v, i))
			push(v, VIP_OP_DEL_ROUTE, i);
		else
			v->route[i].put_by = VIP_NO_DEVICE;
	}
	for (unsigned i = 0; i < v->conf->n_addresses; i++) {
		const struct vip_address *a = &v->address[i];
		const struct vip_subnet *s = &v->subnet[a->subnet];

		if (a->leader && dropped(v, vip_conf_address(v, i)->group) &&
			s->network.family == AF_INET6 && !s->held && !s->lingers &&
			!s->own_covers && !vip_on_macvlan(s))
			push(v, VIP_OP_DEL_PREFIX, a->subnet);
	}
}

/* An interface without an IPv4 address takes nothing in where there is a reverse path filter, and
 * the kernel's multicast reports bring traffic to a macvlan as soon as it is up. In IPv6 an address
 * needs an interface that is. */
enum phase { PHASE_BEFORE_UP, PHASE_LEADERS, PHASE_REST };

static enum phase phase_of(const struct vip *v, unsigned i)
{
	const struct conf_address *a = vip_conf_address(v, i);

	if (!v->address[i].leader)
		return PHASE_REST;
	return a->vmac && a->ip.family == AF_INET ? PHASE_BEFORE_UP : PHASE_LEADERS;
}

static void plan_addresses(struct vip *v, uint64_t groups, enum phase phase)
{
	for (unsigned i = 0; i < v->conf->n_addresses; i++)
		if (vip_in(groups, vip_conf_address(v, i)->group) && phase_of(v, i) == phase)
			push(v, VIP_OP_ADD_ADDRESS, i);
}

/* By an IPv4 gateway the kernel takes the first primary in whose subnet that is: ours, where
 * an own one lies in a smaller subnet beside it. Then the route must name the own one. */
static struct conf_ip source_of(const struct vip *v, unsigned route)
{
	const struct conf_ip *gateway = &v->conf->route[route].gateway;
	uint16_t device = v->route[route].way;

	for (unsigned i = 0; gateway->family == AF_INET && i < v->n_subnets; i++) {
		const struct vip_subnet *s = &v->subnet[i];

		if (s->held && s->own_inside && !s->own_covers &&
			(device == VIP_NO_DEVICE || device == s->home) &&
			vip_same_network(gateway, &s->network, s->prefix_len))
			return s->own;
	}
	return (struct conf_ip){ .family = 0 };
}

/* A route with another source, or by another interface, is another route: the old one goes. */
static void plan_sources(struct vip *v, uint64_t groups)
{
	for (unsigned i = 0; i < v->conf->n_routes; i++) {
		struct vip_route *r = &v->route[i];

		r->source = source_of(v, i);
		if (vip_in(groups, v->conf->route[i].group) &&
			(!vip_ip_equal(&r->source, &r->put_source) ||
				(r->put_by != VIP_NO_DEVICE && r->put_by != r->way)))
			push(v, VIP_OP_DEL_ROUTE, i);
	}
}

static void plan_takes(struct vip *v, uint64_t groups)
{
	unsigned n = 0;

	for (unsigned g = 0; g < v->conf->n_groups; g++)
		n += vip_in(groups, g) ? group_of(v, g)->n_addresses : 0;
	plan_addresses(v, groups, PHASE_BEFORE_UP);
	plan_macvlans(v, VIP_OP_UP, groups);
	plan_addresses(v, groups, PHASE_LEADERS);
	if (n > RTNL_BATCH_MAX)
		plan_routes(v, VIP_OP_TRY_ROUTE, groups);
	plan_addresses(v, groups, PHASE_REST);
}

void vip_plan(struct vip *v)
{
	uint64_t takes, gives;
	unsigned removals;

	v->n_ops = v->next_op = 0;
	v->n_logged = 0;
	mark_broken(v);
	mark_subnets(v);
	for (unsigned g = 0; g < v->conf->n_groups; g++)
		if (vip_in(v->dirty, g))
			v->failed[g] = 0;
	takes = v->dirty & v->held;
	gives = v->dirty & ~v->held & ~v->lingering;

	plan_promotion(v);
	plan_moves(v);
	plan_macvlans(v, VIP_OP_KEEP, v->dirty & v->lingering);
	plan_subnet_routes(v, AF_UNSPEC);
	removals = plan_removals(v);
	if (removals) {
		plan_subnet_routes(v, AF_INET);
		plan_routes(v, VIP_OP_ADD_ROUTE, v->lingering | (v->held & ~takes));
	}
	plan_drops(v);
	plan_sources(v, takes);
	plan_takes(v, takes);
	if (takes)
		plan_subnet_routes(v, AF_INET);
	plan_routes(v, VIP_OP_ADD_ROUTE, takes);
	plan_stand_in_ends(v);
	plan_macvlans(v, VIP_OP_UNKEEP, takes | gives);
	plan_macvlans(v, VIP_OP_DOWN, gives);
}
