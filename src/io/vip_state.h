/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vip_state: what the files of vip share. vip_index.c fills what follows from the
 * configuration, vip_look.c what the kernel says, vip_plan.c makes operations of both, vip.c
 * sends them, in the words of vip_message.c, and vip_outcome.c judges what became of them.
 */
#ifndef NSRP_IO_VIP_STATE_H
#define NSRP_IO_VIP_STATE_H

#include "vip.h"

enum {
	VIP_NO_DEVICE = 0xffff,
	VIP_LOGGED_MAX = 8, /* refusals of one change that are logged one by one */
	/* Some 10 us each: a chunk takes about 2.5 ms. */
	VIP_CHUNK_COST = 256,
	/* Subnet routes away, twice and away, prefix routes; addresses off and on; routes tried,
	 * added and removed; macvlans up and down, kept and not. */
	VIP_OPS_MAX = 8 * CONF_ADDRESSES_MAX + 4 * CONF_ROUTES_MAX + 4 * CONF_VMACS_MAX,
};

struct vip_device {
	char name[CONF_DEVICE_MAX];
	uint32_t ifindex; /* at the last look; 0 = not there */
	unsigned n_ipv6;  /* configured addresses */
	unsigned turns;   /* rounds in which its IPv6 addresses are renewed once */
	bool promote;     /* promote_secondaries is on where the plan takes addresses off */
	bool promoted;    /* in the chunk that is being made */
};

enum vip_first { VIP_FIRST_NONE, VIP_FIRST_OWN, VIP_FIRST_OURS };

/* A subnet on an interface, in which groups have addresses. */
struct vip_subnet {
	uint16_t device;
	/* Where own addresses in it are: below a macvlan, else `device`. A link-local subnet is
	 * each interface's own. */
	uint16_t home;
	uint8_t prefix_len;
	struct conf_ip network;
	/* As seen. `own` are the node's: neither configured nor ours. */
	bool own_covers;      /* an own address's subnet holds all of this one */
	bool own_inside;      /* an own address lies in it, in a smaller subnet */
	bool own_follows;     /* an own address is IPv4 secondary of one of ours */
	struct conf_ip own;   /* the first one inside */
	enum vip_first first; /* whose IPv4 primary the kernel finds first */
	bool prefix_wrong;    /* our primary has a connected route and should not, or lacks it */
	/* As planned. */
	bool held, lingers; /* a held, a lingering group has an address here */
	bool loses_primary, keeps_secondary;
	/* As done. */
	bool routed;        /* we put a route for it */
	uint16_t routed_by; /* device */
	bool route_present; /* by the last audit */
};

/* Beside conf.address[i]. */
struct vip_address {
	uint16_t device, subnet;
	bool leader; /* the group's first in its subnet */
	bool present;
	uint8_t proto;
	uint32_t flags; /* IFA_F_, when present */
};

/* Beside conf.route[i]. */
struct vip_route {
	uint16_t device; /* as configured, or VIP_NO_DEVICE */
	uint16_t vmac;   /* the group's macvlan there, or VIP_NO_DEVICE */
	uint16_t way;    /* which of the two, as seen */
	uint16_t put_by; /* where it is; VIP_NO_DEVICE: not put */
	bool present;    /* by the last audit */
	bool lacking;    /* the last audit missed it */
	bool stands;     /* another program's equal IPv6 route serves */
	/* IPv4: the source the route must name, and the one it was put with; family 0 = none. */
	struct conf_ip source, put_source;
};

enum vip_op_kind {
	VIP_OP_PROMOTE,     /* device; not planned, but made with the removals of a chunk */
	VIP_OP_UNPROMOTE,   /* device; likewise */
	VIP_OP_ADD_ADDRESS, /* address */
	VIP_OP_DEL_ADDRESS, /* address */
	VIP_OP_TRY_ROUTE,   /* route; it comes again */
	VIP_OP_ADD_ROUTE,   /* route */
	VIP_OP_DEL_ROUTE,   /* route */
	VIP_OP_ADD_SUBNET,  /* subnet: a route of ours in place of the connected one */
	VIP_OP_DEL_SUBNET,  /* subnet */
	VIP_OP_DEL_PREFIX,  /* subnet: the connected route that our IPv6 address brought */
	VIP_OP_UP,          /* vmac: its macvlan */
	VIP_OP_DOWN,        /* vmac */
	VIP_OP_KEEP,        /* vmac: an address that says nothing, see vip_message.c */
	VIP_OP_UNKEEP,      /* vmac */
};

/* A route of ours, as the kernel has it. */
struct vip_kernel_route {
	uint8_t family, prefix_len, scope;
	struct conf_ip destination, gateway; /* family 0 = none */
	uint32_t table, metric, ifindex;     /* 0 = none */
};

struct vip_op {
	uint8_t kind; /* enum vip_op_kind */
	uint16_t index;
};

struct vip {
	struct vip_setup setup;
	const struct conf *conf; /* borrowed; NULL before vip_configure() */
	uint64_t held, lingering, dirty;

	unsigned n_devices, n_subnets;
	struct vip_device device[VIP_DEVICES_MAX];
	struct vip_subnet subnet[CONF_ADDRESSES_MAX];
	struct vip_address address[CONF_ADDRESSES_MAX];
	struct vip_route route[CONF_ROUTES_MAX];
	uint16_t vmac_device[CONF_VMACS_MAX]; /* beside conf.vmac: the macvlan */
	bool kept[CONF_VMACS_MAX];            /* likewise: it has that address */
	uint16_t by_ip[CONF_ADDRESSES_MAX];   /* addresses, sorted */
	/* Of the configuration's groups; it may be another one by the time of a reload. */
	unsigned n_groups;
	uint8_t group_id[CONF_GROUPS_MAX];

	unsigned n_ops, next_op;
	struct vip_op op[VIP_OPS_MAX];
	unsigned failed[CONF_GROUPS_MAX];
	unsigned n_logged; /* refusals, in this change */

	uint64_t renewing; /* groups of the round under way */
	unsigned round;    /* counts them */
	unsigned renew_next;
};

static inline bool vip_in(uint64_t groups, unsigned group)
{
	return groups >> group & 1;
}

static inline const struct conf_address *vip_conf_address(const struct vip *v, unsigned i)
{
	return &v->conf->address[i];
}

/* ---- vip_index.c */

/* Fills device, subnet, address, route, by_ip from `conf`. 0 or -E2BIG. */
int vip_index(struct vip *v, const struct conf *conf);
/* The configured address with this IP and prefix length on this device, or -1. */
int vip_find(const struct vip *v, const struct conf_ip *ip, uint8_t prefix_len, uint16_t device);
uint16_t vip_find_device(const struct vip *v, uint32_t ifindex); /* or VIP_NO_DEVICE */
bool vip_ip_equal(const struct conf_ip *a, const struct conf_ip *b);
/* The first prefix_len bits are the same; so is the family. */
bool vip_same_network(const struct conf_ip *a, const struct conf_ip *b, unsigned prefix_len);
bool vip_route_equal(const struct conf_route *a, const struct conf_route *b);
/* As seen: our addresses there bring no connected route. */
bool vip_noprefixroute(const struct vip_subnet *s);
/* As seen: the device by which the subnet is reached. */
uint16_t vip_way(const struct vip_subnet *s);
static inline bool vip_on_macvlan(const struct vip_subnet *s)
{
	return s->home != s->device;
}

/* ---- vip_look.c */

/* Finds the interfaces and reads all addresses. 0 or negative errno. */
int vip_look(struct vip *v);
/* Whether an interface promotes secondaries by its own setting. 0 or negative errno. */
int vip_look_promotes(struct rtnl *rtnl, uint32_t ifindex, bool *ret_promotes);
/* Whether an interface is up. 0 or negative errno. */
int vip_look_up(struct rtnl *rtnl, uint32_t ifindex, bool *ret_up);
/* The address is there, but not as it should be, and replacing it does not mend that. */
bool vip_broken(const struct vip *v, unsigned address);

/* ---- vip_route.c */

/* Calls `seen` for every route of ours, and with NULL when all before is void. 0 or negative
 * errno. */
int vip_each_route(struct rtnl *rtnl,
	void (*seen)(void *user, const struct vip_kernel_route *route), void *user);
/* The configured route, or -1. */
int vip_find_route(const struct vip *v, const struct vip_kernel_route *route);
/* This may be a connected route of ours for the subnet. */
bool vip_is_subnet_route(
	const struct vip *v, unsigned subnet, const struct vip_kernel_route *route);
/* Sets route[].present and subnet[].route_present. 0 or negative errno. */
int vip_look_routes(struct vip *v);

/* ---- vip_plan.c */

/* A route of ours serves the subnet in place of a connected one. */
bool vip_wants_route(const struct vip_subnet *s);
/* Makes v->op for the dirty groups, of what the last look saw. Asks for promote_secondaries
 * where it matters. */
void vip_plan(struct vip *v);

/* ---- vip_outcome.c */

/* An operation was answered with `error` (0 = done) and the kernel's own words: notes what is there
 * now, counts what failed for its group, and logs the first VIP_LOGGED_MAX of a change. */
void vip_judge(struct vip *v, struct vip_op op, int error, const char *kernel_text);

/* ---- vip_message.c */

/* The message of an operation, appended to the batch. False: there is nothing to say (*ret_error
 * 0, or -ENODEV when its interface is not there). There must be room in the batch. */
bool vip_message(const struct vip *v, struct vip_op op, uint32_t tag, int *ret_error);
void vip_message_up(struct rtnl *rtnl, uint32_t ifindex, bool up, uint32_t tag);
void vip_message_promote(struct rtnl *rtnl, uint32_t ifindex, bool on, uint32_t tag);
void vip_message_del_address(struct rtnl *rtnl, const struct conf_ip *ip, uint8_t prefix_len,
	uint32_t ifindex, uint32_t tag);

void vip_message_del_route(struct rtnl *rtnl, const struct vip_kernel_route *route, uint32_t tag);

#endif
