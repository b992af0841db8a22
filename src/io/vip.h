/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vip: the virtual addresses and routes of the groups, in the kernel.
 *
 * What should be there is a set of held groups; each call changes that set, looks at what is
 * there (one dump of the addresses, without RTNL on Linux 6.9 and later), and sends what makes
 * the difference as one batch. A long batch goes in chunks of some milliseconds: a function
 * that returns true has sent the first, and wants vip_continue() until that returns false; the
 * first chunk holds the first address of every subnet. Starting another change in between is
 * allowed: what is left of the first is worked into it.
 *
 * Ours is what carries VIP_IFA_PROTO or VIP_ROUTE_PROTO. An address of the configuration is
 * its group's whoever put it there, and becomes ours when the group is taken.
 *
 * Addresses. They carry a lease (valid_lft). IPv6 ones are NODAD and deprecated from the
 * start, so that they become the source of nothing that has another choice. An IPv4 address
 * never becomes the source where the node has an own one in the subnet, because it stands
 * behind that: as its secondary, or as a later primary. When the own one comes later, and so
 * behind ours, ours are taken off and put back (vip_heard() tells, vip_add() does it). Taking
 * off a primary does not take along other programs' secondaries: promote_secondaries is on
 * for that batch. Where an own address covers the subnet ours bring no connected route.
 *
 * Routes. IPv4 ones are put before others of the same metric, which come back when ours go;
 * IPv6 ones have metric 512 when the configuration names none; with one of equal metric by
 * another gateway they share the traffic, which the kernel does not let us avoid. They carry
 * the lease, too. IPv4 has no such thing: a route whose addresses expired goes with the
 * interface's last IPv4 address, at the next start (vip_leftovers() tells of it), or by
 * vip_withdraw_all(). (It would go with
 * its preferred source, too; but ours may not be the source of own traffic.) The kernel's own
 * connected route of an IPv6 subnet would outlive the address by the lease; it is removed with
 * it.
 *
 * Virtual MACs. The addresses of a group that has them lie on macvlans (vmac.h), which are up
 * while the group is held or lingers. What goes out takes the way it takes without, by the
 * interface below: there the neighbours are known, and own traffic keeps its way. IPv4 can do
 * that only from an own address; where the node has none in the subnet, the macvlan has the
 * connected route, and the group's routes. In IPv6 there is a link-local address below; a
 * route of ours stands in where no own address covers the subnet. Link-local addresses of the
 * group have their connected route on the macvlan.
 *
 * The lease. Renewing an IPv4 address costs some 5 us and makes one event. Every RTM_NEWADDR
 * of IPv6 costs 0.4 us for each multicast group on the interface, and each address there has
 * one of its own, so that 1000 addresses cost 0.4 s a round. Hence every address carries and
 * renews its own lease, but IPv6 addresses of an interface with more than VIP_IPV6_LEASES have
 * a longer one (vip_lease_s()), and are renewed in turns, one part each time: at most some 1 %
 * of a processor. That one address carries the lease for all of an interface would not do:
 * nothing goes with it when it expires but IPv4 secondaries of the same subnet, and these only
 * where promote_secondaries is off.
 *
 * Nothing here reads a clock.
 */
#ifndef NSRP_IO_VIP_H
#define NSRP_IO_VIP_H

#include "nsrp/base.h"
#include "nsrp/conf.h"
#include "nsrp/log.h"
#include "rtnl.h"
#include "watch.h"

enum {
	VIP_IFA_PROTO = 0x9e,
	VIP_ROUTE_PROTO = 0x9e,
	VIP_LEASE_S = 6,
	VIP_RENEW_MS = 2000,
	VIP_IPV6_METRIC = 512,
	VIP_IPV6_LEASES = 224, /* on one interface, with the lease as given */
	VIP_DEVICES_MAX = CONF_DEVICES_MAX,
};

struct vip;

struct vip_setup {
	struct rtnl *rtnl;         /* borrowed */
	const struct watch *watch; /* borrowed: interfaces by name */
	const struct log *log;     /* borrowed */
	unsigned lease_s;          /* VIP_LEASE_S; tests take less */
};

/* Holds no group, and has no configuration. 0 or -ENOMEM. */
int vip_new(const struct vip_setup *setup, struct vip **ret_vip);
/* Leaves the kernel as it is. NULL is allowed. */
void vip_free(struct vip *v);

/* Takes *conf, borrowed until the next call or vip_free(); until then it must not change, but
 * between the end of a change and this call it may: only the ids of its groups are remembered.
 * Groups with the same id stay held; what is left of a change is forgotten, and nothing is
 * written. After a reload: remove the
 * groups that go, configure, vip_leftovers(), then vip_add() what is held. -E2BIG when
 * addresses and routes name more than VIP_DEVICES_MAX interfaces: nothing is changed. */
int vip_configure(struct vip *v, const struct conf *conf);

/* Groups are indexes into conf.group; sets of them have one bit each. */

/* Takes the group: its addresses, then its routes. Idempotent: on a held group it puts back
 * what is missing, mends what is damaged and renews the lease. */
bool vip_add(struct vip *v, unsigned group);

/* Gives the group up. With keep_forwarding, packets that still arrive go on being forwarded:
 * the group's routes stay, and routes of ours stand in for the connected ones of its
 * subnets, until vip_remove_rest(). */
bool vip_remove(struct vip *v, unsigned group, bool keep_forwarding);
bool vip_remove_rest(struct vip *v, unsigned group);

/* Renews the lease of the held groups among `groups`, behind what is left of a change. Call
 * it every VIP_RENEW_MS. An address that is gone comes back by this, since the kernel cannot
 * renew without making: who runs late, or may not put back what others took, must not call. */
bool vip_renew(struct vip *v, uint64_t groups);

/* Sends the next chunk. True while there is more. */
bool vip_continue(struct vip *v);

uint64_t vip_held(const struct vip *v);
/* Given up, but what still arrives is forwarded. */
uint64_t vip_lingering(const struct vip *v);
/* Groups whose change is not sent completely. */
uint64_t vip_pending(const struct vip *v);
/* Addresses and routes that the kernel refused in the group's last change; each was logged,
 * some first ones by name. */
unsigned vip_failed(const struct vip *v, unsigned group);
/* The lease of the configured address i, in seconds. */
unsigned vip_lease_s(const struct vip *v, unsigned i);

/* Held groups which the event may concern: something of theirs went, their interface came or
 * changed, or the node's own addresses in their subnets did. Audit them. */
uint64_t vip_heard(const struct vip *v, const struct watch_event *event);

struct vip_audit {
	uint64_t missing;   /* groups that lack something */
	uint64_t damaged;   /* groups of which something is there, but not as it should be */
	unsigned addresses; /* missing, of all groups asked for */
	unsigned routes;    /* missing */
	unsigned mangled;   /* addresses tentative, failed by DAD, before an own one, not ours */
	unsigned absent;    /* addresses whose interface is not there; not in `missing` */
};

/* Compares the kernel with what the held groups among `groups` should have, and changes
 * nothing: vip_add() puts back. Pending groups are left out. 0 or negative errno. A dump of
 * our routes walks all routes in the kernel: some 10 ms for each 100 000 of a full table. */
int vip_audit(struct vip *v, uint64_t groups, struct vip_audit *ret_audit);

/* At the start, and after a reload: what is there of each group (none of it need be held),
 * and removes what is ours and in no configured group. 0 or negative errno. Blocks until all
 * of that is sent. */
struct vip_leftovers {
	uint64_t complete; /* groups of which every address and route is there */
	uint64_t some;     /* groups of which something is there, be it a route alone */
	unsigned removed;  /* addresses and routes */
};
int vip_leftovers(struct vip *v, struct vip_leftovers *ret_leftovers);

/* Removes every address and route of ours from this network namespace, whatever the
 * configuration. Connected routes that IPv6 addresses brought end with their lease. Blocks
 * until done. 0 or negative errno; *ret_removed is set in either case. */
int vip_withdraw_all(struct rtnl *rtnl, unsigned *ret_removed);

#endif
