/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * neighbours: this kernel's neighbour tables, written on the order of somebody else.
 *
 * What is installed for the peer (nsrp/object.h, OBJECT_NEIGHBOUR_PROTO) is not the kernel's to
 * drop. So it is given back to the kernel when nobody looks after it any more.
 *
 * All of this may wait for RTNL.
 */
#ifndef NSRP_IO_NEIGHBOURS_H
#define NSRP_IO_NEIGHBOURS_H

#include "rtnl.h"

/* Writes `n` netlink messages, in a row in `bytes`, each aligned to 4, as one batch; n is at most
 * RTNL_BATCH_MAX. Only messages that make, change or remove a neighbour are: others are refused
 * with EPERM, malformed ones, with all behind them, with EBADMSG. ret_error: n positive numbers; 0
 * = done. */
void neighbours_write(struct rtnl *rtnl, struct span bytes, unsigned n, int16_t *ret_error);

/* What was installed for the peer is an ordinary neighbour from here on: one that nobody used
 * lately, which the kernel may drop. 0 or negative errno. */
int neighbours_release(struct rtnl *rtnl);

/* How many neighbours this kernel keeps of its own accord at most (gc_thresh3), IPv4 and IPv6
 * together. 0 or negative errno. */
int neighbours_limit(struct rtnl *rtnl, uint32_t *ret_limit);

#endif
