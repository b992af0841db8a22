/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int path_of(const char *statedir, const char *name, char path[PATH_MAX])
{
	int len = snprintf(path, PATH_MAX, "%s/%s", statedir, name);

	return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int store_open(const char *statedir, const char *name, int flags)
{
	char path[PATH_MAX];
	int error = path_of(statedir, name, path);

	if (error)
		return error;
	int fd = open(path, flags | O_CLOEXEC, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);

	return fd < 0 ? -errno : fd;
}

int store_boot(char ret_boot[STORE_BOOT_LEN + 1])
{
	int fd = store_open("/proc/sys/kernel/random", "boot_id", O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, ret_boot, STORE_BOOT_LEN) : -1;

	if (fd >= 0)
		close(fd);
	if (n != STORE_BOOT_LEN)
		return fd < 0 ? fd : -ENODATA;
	ret_boot[STORE_BOOT_LEN] = '\0';
	return 0;
}

int store_write(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

int store_read(const char *statedir, const char *name, char *buf, size_t size, size_t *ret_len)
{
	size_t len = 0;
	int error = 0;
	int fd = store_open(statedir, name, O_RDONLY | O_NONBLOCK);

	if (fd < 0)
		return fd;
	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			error = -errno;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(fd);
	if (!error)
		*ret_len = len;
	return error;
}

static int sync_directory(const char *statedir)
{
	int error = 0;
	int fd = store_open(statedir, ".", O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return fd;
	if (fsync(fd))
		error = -errno;
	close(fd);
	return error;
}

int store_rename(const char *statedir, const char *from, const char *to)
{
	char from_path[PATH_MAX], to_path[PATH_MAX];
	int error = path_of(statedir, from, from_path);

	if (!error)
		error = path_of(statedir, to, to_path);
	if (!error && rename(from_path, to_path))
		error = -errno;
	return error ? error : sync_directory(statedir);
}

int store_replace(
	const char *statedir, const char *name, const char *new_name, const char *bytes, size_t len)
{
	int fd = store_open(statedir, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);

	if (fd < 0)
		return fd;
	int error = store_write(fd, bytes, len);

	if (!error && fsync(fd))
		error = -errno;
	if (close(fd) && !error)
		error = -errno;
	return error ? error : store_rename(statedir, new_name, name);
}
