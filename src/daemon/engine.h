/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * engine: the process that decides: the core, its paths, and the control socket.
 */
#ifndef NSRP_DAEMON_ENGINE_H
#define NSRP_DAEMON_ENGINE_H

#include "load.h"
#include "wake.h"
#include "io/control_socket.h"
#include "io/logger.h"
#include "io/pulse.h"

/* What the engine inherits from the guardian that forked it. */
struct engine_setup {
	const struct loaded *loaded;    /* copied */
	const struct node_saved *saved; /* copied */
	uint64_t adopt;                 /* groups whose addresses are here, by index */
	uint64_t starts;                /* which engine of this guardian it is, from 1 */
	int guardian_fd;                /* owned */
	struct wake *wake;              /* shared with the guardian */
	struct pulse *pulse;            /* likewise; it outlives the engine */
	uint32_t guardian_port;         /* of its route netlink socket */
	struct control_socket control;  /* shared with the guardian */
	struct logger *logger;          /* the child's own */
	const char *statedir;           /* borrowed; history is read there */
};

/* Runs until ACTION_EXIT, or until the guardian is gone. Returns the exit status: 0 when its work
 * is done. */
int engine_run(const struct engine_setup *setup);

#endif
