/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the kernel finds policies; nsrp/object.h, struct object_lengths. */
#include "kernel_state.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The answer, or negative errno; the kernel gives it while it is asked. */
static ssize_t ask(int fd, uint8_t bytes[KERNEL_EVENT_MAX])
{
	int len = object_put_ask_thresholds(bytes);

	if (send(fd, bytes, (size_t)len, 0) < 0)
		return -errno;
	ssize_t got = recv(fd, bytes, KERNEL_EVENT_MAX, MSG_DONTWAIT);

	return got < 0 ? -errno : got;
}

static void look(const struct kernel *k, int fd)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[KERNEL_EVENT_MAX], room[OBJECT_NETLINK_MAX];
	ssize_t got = ask(fd, bytes);
	const struct nlmsghdr *answer = got > 0 ? kernel_message(bytes, (size_t)got) : NULL;
	int len = answer ? object_put_thresholds(&k->lengths, answer, room) : 0;

	if (len == 0)
		return;
	if (send(fd, room, (size_t)len, 0) == len)
		log_info(k->setup.log, "kernel: thresholds of the hash of policies are lowered");
	else
		log_warn(k->setup.log, "kernel: thresholds of the hash of policies: %s",
			strerror(errno));
}

/* On a socket of its own: questions for objects may be under way on theirs. */
void kernel_policy_seen(struct kernel *k, struct span key)
{
	if (!object_lengths_add(&k->lengths, key))
		return;
	int fd = kernel_socket(NETLINK_XFRM);

	if (fd < 0)
		return;
	look(k, fd);
	close(fd);
}
