/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vip_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 96 }; /* what an operation is about */

static const char *ip_text(const struct conf_ip *ip, char text[INET6_ADDRSTRLEN])
{
	return ip->family ? inet_ntop(ip->family, ip->bytes, text, INET6_ADDRSTRLEN) : "default";
}

/* What an operation is about; the group whose it is, or -1. */
static int describe(const struct vip *v, struct vip_op op, char text[TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN];

	switch ((enum vip_op_kind)op.kind) {
	case VIP_OP_ADD_ADDRESS:
	case VIP_OP_DEL_ADDRESS: {
		const struct conf_address *a = vip_conf_address(v, op.index);

		(void)snprintf(text, TEXT_MAX, "address %s/%u dev %s", ip_text(&a->ip, ip),
			a->prefix_len, a->device);
		return a->group;
	}
	case VIP_OP_TRY_ROUTE:
	case VIP_OP_ADD_ROUTE:
	case VIP_OP_DEL_ROUTE: {
		const struct conf_route *r = &v->conf->route[op.index];

		(void)snprintf(
			text, TEXT_MAX, "route %s/%u", ip_text(&r->destination, ip), r->prefix_len);
		return r->group;
	}
	case VIP_OP_ADD_SUBNET:
	case VIP_OP_DEL_SUBNET:
	case VIP_OP_DEL_PREFIX: {
		const struct vip_subnet *s = &v->subnet[op.index];

		(void)snprintf(text, TEXT_MAX, "connected route %s/%u dev %s",
			ip_text(&s->network, ip), s->prefix_len, v->device[s->device].name);
		return -1;
	}
	case VIP_OP_UP:
	case VIP_OP_DOWN:
	case VIP_OP_KEEP:
	case VIP_OP_UNKEEP: {
		const struct conf_vmac *vmac = &v->conf->vmac[op.index];

		(void)snprintf(text, TEXT_MAX, "interface %s", vmac->name);
		return vmac->group;
	}
	case VIP_OP_PROMOTE:
	case VIP_OP_UNPROMOTE:
		(void)snprintf(
			text, TEXT_MAX, "promote_secondaries of %s", v->device[op.index].name);
		return -1;
	}
	return -1;
}

/* What the operation was for is so, whoever did it. */
static bool is_so(enum vip_op_kind kind, int error)
{
	switch (kind) {
	case VIP_OP_ADD_ADDRESS:
	case VIP_OP_UP:
	case VIP_OP_KEEP:
	case VIP_OP_PROMOTE:
	case VIP_OP_UNPROMOTE: return error == 0;
	case VIP_OP_DOWN: return error == 0 || error == -ENODEV;
	case VIP_OP_TRY_ROUTE: return true;
	case VIP_OP_ADD_ROUTE:
	case VIP_OP_ADD_SUBNET: return error == 0 || error == -EEXIST;
	case VIP_OP_UNKEEP:
	case VIP_OP_DEL_ADDRESS: return error == 0 || error == -EADDRNOTAVAIL || error == -ENODEV;
	case VIP_OP_DEL_ROUTE:
	case VIP_OP_DEL_SUBNET:
	case VIP_OP_DEL_PREFIX: return error == 0 || error == -ESRCH || error == -ENODEV;
	}
	return false;
}

static void refused(struct vip *v, struct vip_op op, int error, const char *kernel_text)
{
	static const char *const what[] = {
		[VIP_OP_PROMOTE] = "not set",
		[VIP_OP_UNPROMOTE] = "not restored",
		[VIP_OP_ADD_ADDRESS] = "not added",
		[VIP_OP_DEL_ADDRESS] = "not removed",
		[VIP_OP_TRY_ROUTE] = "not added",
		[VIP_OP_ADD_ROUTE] = "not added",
		[VIP_OP_DEL_ROUTE] = "not removed",
		[VIP_OP_ADD_SUBNET] = "not added",
		[VIP_OP_DEL_SUBNET] = "not removed",
		[VIP_OP_DEL_PREFIX] = "not removed",
		[VIP_OP_UP] = "not set up",
		[VIP_OP_DOWN] = "not set down",
		[VIP_OP_KEEP] = "given no address to linger",
		[VIP_OP_UNKEEP] = "not rid of its address to linger",
	};
	char text[TEXT_MAX];
	int group = describe(v, op, text);

	if (group >= 0)
		v->failed[group]++;
	/* That the interface is down is told already, and what it takes along comes with it. */
	if (error != -ENETDOWN && v->n_logged++ < VIP_LOGGED_MAX)
		log_err(v->setup.log, "%s: %s: %s%s%s", text, what[op.kind], strerror(-error),
			kernel_text[0] ? ", " : "", kernel_text);
}

void vip_judge(struct vip *v, struct vip_op op, int error, const char *kernel_text)
{
	if (!is_so((enum vip_op_kind)op.kind, error)) {
		refused(v, op, error, kernel_text);
		return;
	}
	if (op.kind == VIP_OP_ADD_ROUTE) {
		struct vip_route *r = &v->route[op.index];

		/* Missed by the audit, yet there: an IPv6 route that differs in its protocol only.
		 */
		r->stands = error == -EEXIST && (r->stands || r->lacking);
		r->lacking = false;
		r->put_source = r->source;
		r->put_by = r->way;
	} else if (op.kind == VIP_OP_DEL_ROUTE) {
		v->route[op.index].put_by = VIP_NO_DEVICE;
	} else if (op.kind == VIP_OP_ADD_SUBNET) {
		v->subnet[op.index].routed = true;
		v->subnet[op.index].routed_by = vip_way(&v->subnet[op.index]);
	} else if (op.kind == VIP_OP_KEEP || op.kind == VIP_OP_UNKEEP) {
		v->kept[op.index] = op.kind == VIP_OP_KEEP;
	} else if (op.kind == VIP_OP_DEL_SUBNET) {
		v->subnet[op.index].routed = false;
	}
}
