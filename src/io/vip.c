/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vip_state.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	PROMOTION_COST = 2, /* on and off */
	MACVLAN_COST = 16,
	IPV6_ADDRESSES_A_COST =
		25, /* on its interface, that make an IPv6 address's cost grow by 1 */
};

static uint64_t bit(unsigned group)
{
	return UINT64_C(1) << group;
}

int vip_new(const struct vip_setup *setup, struct vip **ret_vip)
{
	struct vip *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->setup = *setup;
	*ret_vip = v;
	return 0;
}

void vip_free(struct vip *v)
{
	free(v);
}

/* The held groups, by their places in the new configuration. */
static uint64_t moved(const struct vip *v, const struct conf *to)
{
	uint64_t result = 0;

	for (unsigned i = 0; i < v->n_groups; i++)
		for (unsigned j = 0; j < to->n_groups; j++)
			if (vip_in(v->held, i) && v->group_id[i] == to->group[j].id)
				result |= bit(j);
	return result;
}

int vip_configure(struct vip *v, const struct conf *conf)
{
	int result = vip_index(v, conf);

	if (result)
		return result;
	v->held = moved(v, conf);
	v->conf = conf;
	v->n_groups = conf->n_groups;
	for (unsigned i = 0; i < conf->n_groups; i++)
		v->group_id[i] = conf->group[i].id;
	v->lingering = v->dirty = v->renewing = 0;
	v->n_ops = v->next_op = 0;
	memset(v->kept, 0, sizeof(v->kept));
	memset(v->failed, 0, sizeof(v->failed));
	return 0;
}

uint64_t vip_held(const struct vip *v)
{
	return v->held;
}

uint64_t vip_lingering(const struct vip *v)
{
	return v->lingering;
}

uint64_t vip_pending(const struct vip *v)
{
	return v->dirty;
}

unsigned vip_failed(const struct vip *v, unsigned group)
{
	assert(group < CONF_GROUPS_MAX);
	return v->failed[group];
}

unsigned vip_lease_s(const struct vip *v, unsigned i)
{
	bool ipv6 = vip_conf_address(v, i)->ip.family == AF_INET6;

	return v->setup.lease_s * (ipv6 ? v->device[v->address[i].device].turns : 1);
}

/* ---- chunks -------------------------------------------------------------------------------- */

static unsigned cost(const struct vip *v, struct vip_op op)
{
	if (op.kind == VIP_OP_UP || op.kind == VIP_OP_DOWN)
		return MACVLAN_COST;

	bool ipv6_address = (op.kind == VIP_OP_ADD_ADDRESS || op.kind == VIP_OP_DEL_ADDRESS) &&
			    vip_conf_address(v, op.index)->ip.family == AF_INET6;

	return ipv6_address
		       ? 1 + v->device[v->address[op.index].device].n_ipv6 / IPV6_ADDRESSES_A_COST
		       : 1;
}

static void put_promotion(struct vip *v, unsigned device, enum vip_op_kind kind)
{
	struct vip_op op = { .kind = (uint8_t)kind, .index = (uint16_t)device };
	int error;

	(void)vip_message(v, op, VIP_OPS_MAX + op.index * 2U + (kind == VIP_OP_PROMOTE), &error);
}

static struct vip_op op_of_tag(const struct vip *v, uint32_t tag)
{
	uint32_t i = tag - VIP_OPS_MAX;

	if (tag < VIP_OPS_MAX)
		return v->op[tag];
	return (struct vip_op){
		.kind = i % 2 ? VIP_OP_PROMOTE : VIP_OP_UNPROMOTE,
		.index = (uint16_t)(i / 2),
	};
}

/* promote_secondaries is to be on for this operation, and is not yet in this chunk. */
static bool wants_promotion(const struct vip *v, struct vip_op op)
{
	const struct vip_device *d;

	if (op.kind != VIP_OP_DEL_ADDRESS || vip_conf_address(v, op.index)->ip.family != AF_INET)
		return false;
	d = &v->device[v->address[op.index].device];
	return d->promote && !d->promoted;
}

/* A chunk leaves promote_secondaries as it was: it is all done by one system call, so that
 * nothing can end us between. */
static void end_promotions(struct vip *v)
{
	for (unsigned i = 0; i < v->n_devices; i++) {
		if (v->device[i].promoted)
			put_promotion(v, i, VIP_OP_UNPROMOTE);
		v->device[i].promoted = false;
	}
}

/* Sends what is in the batch; tags are indexes into v->op, or those of put_promotion(). */
static void send_ops(struct vip *v)
{
	int result = rtnl_send(v->setup.rtnl);

	for (unsigned i = 0; i < rtnl_count(v->setup.rtnl); i++) {
		const struct rtnl_outcome *o = rtnl_outcome(v->setup.rtnl, i);

		vip_judge(v, op_of_tag(v, o->tag), result ? result : o->error, o->text);
	}
}

static void change_done(struct vip *v)
{
	if (v->n_logged > VIP_LOGGED_MAX)
		log_err(v->setup.log, "addresses and routes: %u more were refused",
			v->n_logged - VIP_LOGGED_MAX);
	v->dirty = 0;
	v->n_ops = v->next_op = 0;
}

static void continue_change(struct vip *v)
{
	unsigned spent = 0;

	rtnl_begin(v->setup.rtnl);
	while (v->next_op < v->n_ops && spent < VIP_CHUNK_COST) {
		struct vip_op op = v->op[v->next_op];
		int error;

		if (wants_promotion(v, op)) {
			unsigned device = v->address[op.index].device;

			if (spent + PROMOTION_COST >= VIP_CHUNK_COST)
				break;
			put_promotion(v, device, VIP_OP_PROMOTE);
			v->device[device].promoted = true;
			spent += PROMOTION_COST;
		}
		if (!vip_message(v, op, v->next_op, &error))
			vip_judge(v, op, error, "");
		spent += cost(v, op);
		v->next_op++;
	}
	end_promotions(v);
	send_ops(v);
	if (v->next_op == v->n_ops)
		change_done(v);
}

/* Whether the address's turn to be renewed is in this round. */
static bool renews(const struct vip *v, unsigned i)
{
	unsigned turns = v->device[v->address[i].device].turns;

	if (!vip_in(v->renewing & v->held, vip_conf_address(v, i)->group))
		return false;
	return vip_conf_address(v, i)->ip.family != AF_INET6 || i % turns == v->round % turns;
}

/* The part of a round with this number: the addresses, then the IPv6 routes, then the stand-ins
 * of IPv6. False: there is nothing to renew in it. */
static bool renewal(const struct vip *v, unsigned i, struct vip_op *ret_op)
{
	const struct vip_subnet *s;

	if (i < v->conf->n_addresses) {
		*ret_op = (struct vip_op){ .kind = VIP_OP_ADD_ADDRESS, .index = (uint16_t)i };
		return renews(v, i);
	}
	i -= v->conf->n_addresses;
	if (i < v->conf->n_routes) {
		*ret_op = (struct vip_op){ .kind = VIP_OP_TRY_ROUTE, .index = (uint16_t)i };
		return v->conf->route[i].family == AF_INET6 &&
		       vip_in(v->renewing & v->held, v->conf->route[i].group);
	}
	i -= v->conf->n_routes;
	s = &v->subnet[i];
	*ret_op = (struct vip_op){ .kind = VIP_OP_ADD_SUBNET, .index = (uint16_t)i };
	return s->network.family == AF_INET6 && s->routed && s->held && s->routed_by == vip_way(s);
}

/* Failures show in the audit. */
static void continue_renewal(struct vip *v)
{
	unsigned spent = 0, n = v->conf->n_addresses + v->conf->n_routes + v->n_subnets;

	rtnl_begin(v->setup.rtnl);
	for (; v->renew_next < n && spent < VIP_CHUNK_COST; v->renew_next++) {
		struct vip_op op;
		int error;

		if (!renewal(v, v->renew_next, &op))
			continue;
		(void)vip_message(v, op, 0, &error);
		spent += cost(v, op);
	}
	(void)rtnl_send(v->setup.rtnl);
	if (v->renew_next == n)
		v->renewing = 0;
}

bool vip_continue(struct vip *v)
{
	if (v->next_op < v->n_ops)
		continue_change(v);
	else if (v->renewing)
		continue_renewal(v);
	return v->next_op < v->n_ops || v->renewing;
}

/* ---- changes ------------------------------------------------------------------------------- */

/* Nothing is known of what is there: all of a group given up is taken to be. */
static void assume_present(struct vip *v)
{
	for (unsigned i = 0; i < v->conf->n_addresses; i++)
		if (vip_in(v->dirty & ~v->held, vip_conf_address(v, i)->group)) {
			v->address[i].present = true;
			v->address[i].flags = IFA_F_SECONDARY;
		}
}

static bool change(struct vip *v, unsigned group, uint64_t held, uint64_t lingering)
{
	int result;

	assert(v->conf && group < v->conf->n_groups);
	v->dirty |= bit(group);
	v->held = held;
	v->lingering = lingering;
	result = vip_look(v);
	if (result) {
		log_warn(v->setup.log, "addresses: not read, changed blindly: %s",
			strerror(-result));
		assume_present(v);
	}
	vip_plan(v);
	if (v->n_ops == 0)
		change_done(v);
	return vip_continue(v);
}

bool vip_add(struct vip *v, unsigned group)
{
	return change(v, group, v->held | bit(group), v->lingering & ~bit(group));
}

bool vip_remove(struct vip *v, unsigned group, bool keep_forwarding)
{
	return change(v, group, v->held & ~bit(group),
		keep_forwarding ? v->lingering | bit(group) : v->lingering & ~bit(group));
}

bool vip_remove_rest(struct vip *v, unsigned group)
{
	if (!vip_in(v->lingering, group))
		return vip_pending(v) || v->renewing;
	return vip_remove(v, group, false);
}

bool vip_renew(struct vip *v, uint64_t groups)
{
	v->renewing = groups & v->held;
	v->renew_next = 0;
	v->round++;
	return v->next_op < v->n_ops || !v->renewing ? v->next_op < v->n_ops : vip_continue(v);
}
