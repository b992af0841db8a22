/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vmac: the macvlans that virtual MACs need, and the settings that make them work.
 *
 * There is one for each conf.vmac, on both nodes, whoever is master: made at the start, with
 * everything set, and down. Taking a group is then no more than to set it up and to add the
 * addresses, which vip.h does in one batch.
 *
 * Mode bridge: guests of this host that have macvlans of their own on the same interface reach
 * the group as hosts on the wire do; and a frame that another node sends with our address goes
 * on to the interface below, where it is heard (ear.h). In private mode it would not.
 *
 * Ours is what is a macvlan and has VMAC_ALIAS at the beginning of its alias. The alias also
 * keeps the settings that the interface below had before, so that whoever removes the last
 * macvlan there restores them: this guardian, the next one, or vmac_withdraw_all(). A setting
 * that somebody changed meanwhile stays as it is.
 *
 * Settings: vmac_setting.h. They are checked with each vmac_mend().
 */
#ifndef NSRP_IO_VMAC_H
#define NSRP_IO_VMAC_H

#include "nsrp/base.h"
#include "nsrp/conf.h"
#include "nsrp/log.h"
#include "rtnl.h"
#include "watch.h"

#define VMAC_ALIAS "nsrpd virtual MAC"

struct vmac;

struct vmac_setup {
	struct rtnl *rtnl;     /* borrowed */
	struct watch *watch;   /* borrowed; told of what is made */
	const struct log *log; /* borrowed */
};

/* Has no configuration. 0 or -ENOMEM. */
int vmac_new(const struct vmac_setup *setup, struct vmac **ret_vmac);
/* Leaves the kernel as it is. NULL is allowed. */
void vmac_free(struct vmac *v);

/* Takes *conf, borrowed until the next call or vmac_free(), and makes what is lacking; what is
 * there already is adopted, and set down unless its group is one of `up`. The kernel's refusals
 * are logged. 0 or negative errno. */
int vmac_configure(struct vmac *v, const struct conf *conf, uint64_t up);

/* Removes what is ours and not of the configuration, and restores what that changed. Returns how
 * many macvlans went. */
unsigned vmac_prune(struct vmac *v);

/* Removes all of ours, likewise. */
void vmac_remove(struct vmac *v);

/* Makes what the group lacks. Unless `surely`, nobody is asked when all is there as far as the
 * watch knows, which may not have heard yet. */
void vmac_make(struct vmac *v, unsigned group, bool surely);

/* Looks after everything: what is lacking is made, but not of the groups `held`, which is for who
 * looks after their addresses to order; what is up and of none of `up` is set down; settings
 * are put back. Returns how many things were mended, each of which is logged. */
unsigned vmac_mend(struct vmac *v, uint64_t held, uint64_t up);

/* Removes every macvlan of ours from this network namespace, whatever the configuration, and
 * restores what that changed. 0 or negative errno; *ret_removed is set in either case. */
int vmac_withdraw_all(struct rtnl *rtnl, const struct log *log, unsigned *ret_removed);

#endif
