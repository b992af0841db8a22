/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * process: what a process is to the host: real-time priority, locked memory, privileges.
 */
#ifndef NSRP_DAEMON_PROCESS_H
#define NSRP_DAEMON_PROCESS_H

#include "nsrp/log.h"

#include <sys/types.h>

/* SCHED_FIFO with SCHED_RESET_ON_FORK, and mlockall(MCL_ONFAULT); a warning where the host does
 * not allow it. True when the priority is real-time. */
bool process_go_realtime(const struct log *log, const char *name, int priority);

/* Drops from root to user `nsrp` with CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_NICE and CAP_IPC_LOCK,
 * and no way back. Without such a user it stays root's, with these capabilities alone, and a
 * warning. 0 or negative errno. */
int process_drop_privileges(const struct log *log);

/* What the clerk keeps of root's: what files and nftables need, and a network namespace of its own
 * to try things in. It ends with its parent. 0 or negative errno. */
int process_become_clerk(pid_t parent);

/* Lets the engine, as user `nsrp`, open by name what lies in the directory: it gets that user's
 * group, which may pass, unless everybody may. */
void process_let_engine_in(const struct log *log, const char *directory);

/* No core dumps and no ptrace: there are keys in memory. */
void process_hide_memory(void);

#endif
