/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vmac_kernel: the words in which macvlans are made, found and removed by rtnetlink.
 */
#ifndef NSRP_IO_VMAC_KERNEL_H
#define NSRP_IO_VMAC_KERNEL_H

#include "nsrp/conf.h"
#include "rtnl.h"
#include "vmac_setting.h"

enum { VMAC_FOUND_MAX = 2 * CONF_VMACS_MAX };

/* A macvlan of ours, as the kernel has it. */
struct vmac_found {
	uint32_t ifindex;
	uint32_t below; /* index; 0: in another network namespace */
	char name[CONF_DEVICE_MAX];
	uint8_t mac[6];
	uint32_t mode, mtu;
	bool up;
	struct vmac_before before;
};

struct vmac_list {
	unsigned n;
	struct vmac_found found[VMAC_FOUND_MAX];
};

/* All of ours in this network namespace, as far as there is room. 0 or negative errno. */
int vmac_kernel_find(struct rtnl *rtnl, struct vmac_list *ret_list);

/* Messages of a batch. The first makes a macvlan, which is down, and gives it its alias: it may be
 * refused in two answers, both with this tag. */
void vmac_kernel_make(struct rtnl *rtnl, const struct conf_vmac *vmac, uint32_t below,
	const struct vmac_before *before, uint32_t tag);
void vmac_kernel_remove(struct rtnl *rtnl, uint32_t ifindex, uint32_t tag);
void vmac_kernel_down(struct rtnl *rtnl, uint32_t ifindex, uint32_t tag);
void vmac_kernel_mtu(struct rtnl *rtnl, uint32_t ifindex, uint32_t mtu, uint32_t tag);

/* The right mode, on the right interface, with the right MAC. */
bool vmac_kernel_is(const struct vmac_found *found, const struct conf_vmac *vmac, uint32_t below);

/* 0 when there is no such interface. */
uint32_t vmac_kernel_mtu_of(const char *device);

#endif
