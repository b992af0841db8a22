/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The socket is bound under this name and renamed when it is ready, so that it is never seen
 * with another mode, and never missing while one replaces another. */
#define NEW_NAME ".nsrpd.new"

enum { BACKLOG = 16, PEER_GROUPS_MAX = 1024 };

static int address_of(const char *rundir, const char *name, struct sockaddr_un *address)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	int len = snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s", rundir, name);

	return len < 0 || (size_t)len >= sizeof(address->sun_path) ? -ENAMETOOLONG : 0;
}

/* A descriptor or negative errno. */
static int open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* -EADDRINUSE when somebody listens there, 0 when nobody does. */
static int look_for_other(const struct sockaddr_un *address)
{
	int error = 0;
	int fd = open_socket();

	if (fd < 0)
		return fd;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
		errno == EAGAIN) /* the latter: its queue is full */
		error = -EADDRINUSE;
	else if (errno != ENOENT && errno != ECONNREFUSED)
		error = -errno;
	close(fd);
	return error;
}

/* An ACL with one entry more than the mode has: group nsrp-admin may connect. Failure is not
 * told: see the header. */
static void let_admins_in(const char *path, gid_t admins)
{
	enum { READ_WRITE = 6 };
	struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entry[5];
	} acl;
	const struct posix_acl_xattr_entry entries[] = {
		{ ACL_USER_OBJ, READ_WRITE, (uint32_t)ACL_UNDEFINED_ID },
		{ ACL_GROUP_OBJ, READ_WRITE, (uint32_t)ACL_UNDEFINED_ID },
		{ ACL_GROUP, READ_WRITE, admins },
		{ ACL_MASK, READ_WRITE, (uint32_t)ACL_UNDEFINED_ID },
		{ ACL_OTHER, 0, (uint32_t)ACL_UNDEFINED_ID },
	};

	acl.header.a_version = htole32(POSIX_ACL_XATTR_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		acl.entry[i].e_tag = htole16(entries[i].e_tag);
		acl.entry[i].e_perm = htole16(entries[i].e_perm);
		acl.entry[i].e_id = htole32(entries[i].e_id);
	}
	(void)setxattr(path, "system.posix_acl_access", &acl, sizeof(acl), 0);
}

static int set_access(const char *path, const struct control_socket *s)
{
	gid_t group = s->has_readers ? s->readers : s->admins;

	/* Not being allowed to give it away leaves it to the owner and root. */
	if ((s->has_readers || s->has_admins) && chown(path, (uid_t)-1, group) && errno != EPERM)
		return -errno;
	if (chmod(path, S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP))
		return -errno;
	if (s->has_readers && s->has_admins)
		let_admins_in(path, s->admins);
	return 0;
}

/* Within the lock on RUNDIR. */
static int listen_there(const char *rundir, struct control_socket *s)
{
	struct sockaddr_un address, new_address;
	int error = address_of(rundir, CONTROL_SOCKET_NAME, &address);

	if (!error)
		error = address_of(rundir, NEW_NAME, &new_address);
	if (!error)
		error = look_for_other(&address);
	if (error)
		return error;
	(void)unlink(new_address.sun_path); /* of one who was killed here */
	s->fd = open_socket();
	if (s->fd < 0)
		return s->fd;
	/* From bind() to chmod() nobody else may connect. The daemon has one thread. */
	mode_t mask = umask(S_IXUSR | S_IRWXG | S_IRWXO);
	int failed = bind(s->fd, (const struct sockaddr *)&new_address, sizeof(new_address));

	error = failed ? -errno : 0;
	umask(mask);
	if (error)
		goto out;
	error = set_access(new_address.sun_path, s);
	if (!error && listen(s->fd, BACKLOG))
		error = -errno;
	if (!error && rename(new_address.sun_path, address.sun_path))
		error = -errno;
	if (error)
		(void)unlink(new_address.sun_path);
out:
	if (error)
		close(s->fd);
	return error;
}

static bool look_up_group(const char *name, gid_t *gid)
{
	const struct group *group = getgrnam(name);

	if (group)
		*gid = group->gr_gid;
	return group != NULL;
}

int control_listen(const char *rundir, struct control_socket *ret_socket)
{
	struct control_socket s = { .fd = -1 };

	s.has_admins = look_up_group(CONTROL_ADMIN_GROUP, &s.admins);
	s.has_readers = look_up_group(CONTROL_READER_GROUP, &s.readers);

	/* Of two daemons that start at the same time, one sees the other. */
	int lock = open(rundir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (lock < 0)
		return -errno;
	int error = 0;

	if (flock(lock, LOCK_EX | LOCK_NB))
		error = errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
	if (!error)
		error = listen_there(rundir, &s);
	close(lock);
	if (!error)
		*ret_socket = s;
	return error;
}

void control_unlink(const char *rundir)
{
	struct sockaddr_un address;

	if (address_of(rundir, CONTROL_SOCKET_NAME, &address) == 0)
		(void)unlink(address.sun_path);
}

enum control_right control_right_of(
	const struct control_socket *s, uid_t own, uid_t uid, const gid_t *groups, size_t n_groups)
{
	enum control_right right = CONTROL_RIGHT_NONE;

	if (uid == 0 || uid == own)
		return CONTROL_RIGHT_COMMAND;
	for (size_t i = 0; i < n_groups; i++) {
		if (s->has_admins && groups[i] == s->admins)
			return CONTROL_RIGHT_COMMAND;
		if (s->has_readers && groups[i] == s->readers)
			right = CONTROL_RIGHT_READ;
	}
	return right;
}

enum control_right control_right_of_peer(const struct control_socket *s, int fd)
{
	struct ucred peer;
	socklen_t peer_len = sizeof(peer);
	gid_t groups[PEER_GROUPS_MAX + 1];
	socklen_t groups_len = PEER_GROUPS_MAX * sizeof(groups[0]);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len))
		return CONTROL_RIGHT_NONE;
	/* More groups than there is room for (ERANGE) count as none. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_len))
		groups_len = 0;
	size_t n_groups = groups_len / sizeof(groups[0]);

	groups[n_groups++] = peer.gid;
	return control_right_of(s, geteuid(), peer.uid, groups, n_groups);
}
