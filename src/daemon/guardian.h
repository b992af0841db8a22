/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * guardian: the small privileged process that stays. It forks the engine, writes addresses and
 * routes as the engine orders, announces them, keeps their leases, reads the configuration, and
 * forks children for what may block. What it decides stands in core/guard.c.
 */
#ifndef NSRP_DAEMON_GUARDIAN_H
#define NSRP_DAEMON_GUARDIAN_H

#include "load.h"
#include "io/logger.h"

struct guardian_setup {
	const char *conf_file, *node, *rundir, *statedir; /* borrowed */
	struct logger *logger;                            /* borrowed */
};

/* Runs the daemon until it is told to stop. The exit status. */
int guardian_run(const struct guardian_setup *setup);

/* `nsrpd --withdraw`: removes every address, route and macvlan of ours in this network namespace,
 * and what it holds of the peer's IPsec. */
int guardian_withdraw(const struct log *log);

#endif
