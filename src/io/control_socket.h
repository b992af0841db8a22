/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * control_socket: the listening socket RUNDIR/nsrpd.sock, and who may do what on it.
 *
 * Rights, by the kernel's word about the connecting process (SO_PEERCRED, SO_PEERGROUPS: no
 * look-up that could wait for a name server):
 *   command   uid 0, the daemon's own uid, members of group nsrp-admin
 *   read      members of group nsrp
 *   none      everybody else
 * The file has mode 0660 and group nsrp. Where that leaves the members of nsrp-admin out, an
 * ACL entry lets them in; on a file system without ACLs an administrator must be a member of
 * both groups. If there is no group nsrp, the file's group is nsrp-admin; without both, only
 * the owner and root come in.
 */
#ifndef NSRP_IO_CONTROL_SOCKET_H
#define NSRP_IO_CONTROL_SOCKET_H

#include "nsrp/base.h"

#include <sys/types.h>

#define CONTROL_SOCKET_NAME "nsrpd.sock"
#define CONTROL_ADMIN_GROUP "nsrp-admin"
#define CONTROL_READER_GROUP "nsrp"

enum control_right { CONTROL_RIGHT_NONE, CONTROL_RIGHT_READ, CONTROL_RIGHT_COMMAND };

struct control_socket {
	int fd; /* owned by whoever called control_listen(); non-blocking, close-on-exec */
	bool has_admins, has_readers; /* the groups exist */
	gid_t admins, readers;
};

/* Makes the socket and listens: for the guardian, which hands it on to each engine it forks, so
 * that a client who comes while the engine is restarted only waits. A file left behind by a
 * dead daemon is replaced. May block (groups are looked up). 0; -EADDRINUSE when another daemon
 * lives in this RUNDIR, -ENAMETOOLONG, -ENOTDIR, or what the kernel says of RUNDIR. */
int control_listen(const char *rundir, struct control_socket *ret_socket);

/* Removes the file, at a clean end. */
void control_unlink(const char *rundir);

/* What a process with these credentials may do. `own` = the daemon's uid. */
enum control_right control_right_of(const struct control_socket *socket, uid_t own, uid_t uid,
	const gid_t *groups, size_t n_groups);

/* The same, of whoever is at the other end of `fd`. */
enum control_right control_right_of_peer(const struct control_socket *socket, int fd);

#endif
