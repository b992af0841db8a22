/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * device: what an interface is, and what it is part of.
 *
 * An HA interface must belong to nothing else: as a bridge's port or a bond's slave it would
 * fail with its master, or carry frames where nobody expects them. Nor does a macvlan, which a
 * virtual MAC needs, stand on each. `check` asks.
 */
#ifndef NSRP_DEVICE_H
#define NSRP_DEVICE_H

#include "nsrp/conf.h"

struct device_master {
	/* As `ip link` has it: "bridge", "bond", "team", "vrf" …; "" = it has no master, "master" =
	 * one whose kind the kernel does not tell. */
	char kind[CONF_DEVICE_MAX];
	char name[CONF_DEVICE_MAX];     /* the master's; "" = none, or in another namespace */
	bool ethernet;                  /* the interface itself is one, and not the loopback */
	char own_kind[CONF_DEVICE_MAX]; /* the interface's: "vlan", "macvlan" …; "" = hardware */
};

/* Asks the kernel; waits for RTNL. 0, -ENODEV when there is no such interface, or another
 * negative errno. */
int device_look(const char *device, struct device_master *ret_master);

#endif
