/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clerk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/store_file.h"

enum { NAME_LEN = 32 };

/* What stands before the bytes. */
struct heading {
	char magic[8];
	uint8_t kind, format;
	uint8_t reserved[6];
	char boot[STORE_BOOT_LEN + 4];
	struct document_digest digest;
	uint64_t length;
};

static const char magic[8] = "nsrpkept";

static void name_of(const struct document_ops *ops, const char *ending, char name[NAME_LEN])
{
	(void)snprintf(name, NAME_LEN, "%.16s.kept%.8s", ops->name, ending);
}

/* From one descriptor's beginning to the other's place. */
static int copy(int from, int to, uint64_t len)
{
	uint8_t piece[64 * 1024];
	uint64_t at = 0;

	while (at < len) {
		size_t most = len - at < sizeof(piece) ? (size_t)(len - at) : sizeof(piece);
		ssize_t n = pread(from, piece, most, (off_t)at);

		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG;
		int result = store_write(to, (const char *)piece, (size_t)n);

		if (result != 0)
			return result;
		at += (uint64_t)n;
	}
	return 0;
}

static int write_kept(int to, const struct heading *heading, int from)
{
	int result = store_write(to, (const char *)heading, sizeof(*heading));

	if (result == 0)
		result = copy(from, to, heading->length);
	if (result == 0 && fsync(to) != 0)
		result = -errno;
	return result;
}

int clerk_keep(const char *statedir, const struct document_ops *ops,
	const struct document_digest *digest, int fd)
{
	struct heading heading = { .kind = ops->kind, .format = ops->format, .digest = *digest };
	char name[NAME_LEN], new_name[NAME_LEN];
	struct stat st;
	int result = store_boot(heading.boot);

	if (result != 0)
		return result;
	if (fstat(fd, &st) != 0)
		return -errno;
	memcpy(heading.magic, magic, sizeof(magic));
	heading.length = (uint64_t)st.st_size;
	name_of(ops, "", name);
	name_of(ops, ".new", new_name);
	int to = store_open(statedir, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);

	if (to < 0)
		return to;
	if (fchmod(to, S_IRUSR | S_IWUSR) != 0)
		result = -errno;
	if (result == 0)
		result = write_kept(to, &heading, fd);
	if (close(to) != 0 && result == 0)
		result = -errno;
	return result != 0 ? result : store_rename(statedir, new_name, name);
}

static int check_heading(
	const struct heading *h, const struct document_ops *ops, const struct stat *st)
{
	char boot[STORE_BOOT_LEN + 1];
	int result = store_boot(boot);

	if (result != 0)
		return result;
	if (memcmp(h->magic, magic, sizeof(magic)) != 0 || h->kind != ops->kind ||
		h->format != ops->format || h->length > DOCUMENT_BYTES_MAX ||
		(uint64_t)st->st_size != sizeof(*h) + h->length)
		return -EBADMSG;
	return memcmp(h->boot, boot, STORE_BOOT_LEN) == 0 ? -ESTALE : 0;
}

/* The rest of `from` as a memfd, or negative errno. */
static int take_rest(int from, uint64_t length)
{
	uint8_t piece[64 * 1024];
	int to = memfd_create("nsrpd-document", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int result = to < 0 ? -errno : 0;

	while (result == 0 && length > 0) {
		ssize_t n = read(from, piece, sizeof(piece));

		result = n <= 0 ? -EBADMSG : store_write(to, (const char *)piece, (size_t)n);
		length -= n > 0 && (uint64_t)n <= length ? (uint64_t)n : length;
	}
	if (result != 0 && to >= 0)
		close(to);
	return result != 0 ? result : to;
}

int clerk_kept(
	const char *statedir, const struct document_ops *ops, struct document_digest *ret_digest)
{
	char name[NAME_LEN];
	struct heading heading;
	struct stat st;

	name_of(ops, "", name);
	int fd = store_open(statedir, name, O_RDONLY | O_NOFOLLOW);

	if (fd < 0)
		return fd;
	int result = fstat(fd, &st) != 0 ? -errno : 0;

	if (result == 0 && read(fd, &heading, sizeof(heading)) != (ssize_t)sizeof(heading))
		result = -EBADMSG;
	if (result == 0)
		result = check_heading(&heading, ops, &st);
	if (result == 0)
		result = take_rest(fd, heading.length);
	close(fd);
	if (result >= 0)
		*ret_digest = heading.digest;
	return result;
}
