/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How often the kernel tells of the replay state of SAs. An SA is made with what the sysctls say;
 * of those that are there already each is told.
 */
#include "kernel_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* False: it cannot be written; *changed when it was another number. */
static bool write_sysctl(const struct log *log, const char *name, unsigned value, bool *changed)
{
	char path[64], text[16] = "", wanted[16];
	int fd, len = snprintf(wanted, sizeof(wanted), "%u\n", value);
	bool done;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/core/xfrm_aevent_%s", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) /* a kernel without IPsec */
		return false;
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 && strcmp(text, wanted) == 0) {
		close(fd);
		return true;
	}
	done = fd >= 0 && pwrite(fd, wanted, (size_t)len, 0) == len;
	if (done)
		*changed = true;
	else
		log_warn(log, "kernel: %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return done;
}

/* The kernel answers only what it refuses, as an SA that is gone. */
static int tell(void *user, const struct nlmsghdr *dumped, uint8_t room[OBJECT_NETLINK_MAX])
{
	(void)user;
	return object_put_pace(dumped, room);
}

void kernel_want_numbers(const struct log *log)
{
	bool changed = false;
	int n;

	if (!write_sysctl(log, "etime", OBJECT_NUMBERS_TENTHS, &changed) ||
		!write_sysctl(log, "rseqth", OBJECT_NUMBERS_PACKETS, &changed) || !changed)
		return;
	n = kernel_walk(OBJECT_SA, tell, NULL);
	if (n < 0)
		log_warn(log, "kernel: SAs that are there tell of their numbers as before: %s",
			strerror(-n));
	else
		log_info(log, "kernel: an SA tells of its numbers each second, or %u packets",
			OBJECT_NUMBERS_PACKETS);
}
