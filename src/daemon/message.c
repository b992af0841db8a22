/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BUFFER_BYTES = 1 << 20,
	SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
};

int message_pair(int ret_fd[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret_fd) != 0)
		return -errno;
	for (unsigned i = 0; i < 2; i++) {
		int size = BUFFER_BYTES; /* a smaller one would do, too */

		(void)setsockopt(ret_fd[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	}
	return 0;
}

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int message_send(int fd, const struct message *message, int with_fd)
{
	struct message copy = *message;
	struct iovec iov = { .iov_base = &copy, .iov_len = sizeof(copy) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;

	if (with_fd >= 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *header = CMSG_FIRSTHDR(&msg);

		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &with_fd, sizeof(with_fd));
	}
	for (;;) {
		if (sendmsg(fd, &msg, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

int message_receive(int fd, struct message *ret_message, int *ret_fd)
{
	struct iovec iov = { .iov_base = ret_message, .iov_len = sizeof(*ret_message) };
	union control control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t n;

	*ret_fd = -1;
	do
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
	if (n == 0)
		return -EPIPE;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			memcpy(ret_fd, CMSG_DATA(c), sizeof(*ret_fd));
	}
	return n == (ssize_t)sizeof(*ret_message) ? 1 : -EBADMSG;
}

int message_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, SEALS) != 0 ? -errno : 0;
}

bool message_is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

static int pack(const void *bytes, size_t len)
{
	int fd = memfd_create("nsrpd-conf", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, bytes, len) != (ssize_t)len) {
		close(fd);
		return -ENOSPC;
	}
	return fd;
}

int message_pack(const struct loaded *loaded)
{
	return pack(loaded, sizeof(*loaded));
}

int message_pack_conf(const struct conf *conf)
{
	return pack(conf, sizeof(*conf));
}

int message_unpack_conf(int fd, struct conf *ret_conf)
{
	if (pread(fd, ret_conf, sizeof(*ret_conf), 0) != (ssize_t)sizeof(*ret_conf))
		return -EBADMSG;
	return 0;
}

int message_unpack(int fd, struct loaded *ret_loaded)
{
	if (pread(fd, ret_loaded, sizeof(*ret_loaded), 0) != (ssize_t)sizeof(*ret_loaded))
		return -EBADMSG;
	return 0;
}
