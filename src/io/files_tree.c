/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files_state.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <grp.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store_file.h"

enum { LOOKUP_MAX = 16 * 1024 };

int files_fail(char why[DOCUMENT_TEXT_MAX], int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
	(void)vsnprintf(why, DOCUMENT_TEXT_MAX, format, arguments);
	va_end(arguments);
	return error;
}

int files_open(const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

const char *files_obstacle(int error)
{
	return error == -ELOOP    ? "a symbolic link is in the way"
	       : error == -EXDEV  ? "another file system begins in its way"
	       : error == -ENOENT ? "its directory is not here"
				  : strerror(-error);
}

void files_parent(const char *path, char ret_parent[FILE_PATH_MAX])
{
	size_t len = (size_t)(strrchr(path, '/') - path);

	len = len < 1 ? 1 : len < FILE_PATH_MAX ? len : FILE_PATH_MAX - 1;
	memcpy(ret_parent, path, len);
	ret_parent[len] = '\0';
}

/* The nearest listed path that `path` lies below; NULL: it is listed itself, or does not belong to
 * any. */
static const char *listed_above(const struct files *f, const char *path)
{
	const struct conf_mirror *mirror = &f->setup.conf->mirror;
	const char *found = NULL;

	for (unsigned i = 0; i < mirror->n_files; i++) {
		if (strcmp(path, mirror->file[i]) == 0)
			return NULL;
		if (file_is_below(path, mirror->file[i]) &&
			(found == NULL || strlen(mirror->file[i]) > strlen(found)))
			found = mirror->file[i];
	}
	return found;
}

int files_open_parent(const struct files *f, const char *path, const char **ret_name)
{
	const char *top = listed_above(f, path);
	char parent[FILE_PATH_MAX];
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};

	files_parent(path, parent);
	*ret_name = strrchr(path, '/') + 1;
	if (top == NULL || strcmp(parent, top) == 0)
		return files_open(parent, O_RDONLY | O_DIRECTORY);
	int base = files_open(top, O_RDONLY | O_DIRECTORY);

	if (base < 0)
		return base;
	long fd = syscall(SYS_openat2, base, parent + strlen(top) + 1, &how, sizeof(how));
	int result = fd < 0 ? -errno : (int)fd;

	close(base);
	return result;
}

int files_make_way(const char *top, const char *path)
{
	char way[2 * FILE_PATH_MAX];
	size_t top_len = strlen(top);

	if (snprintf(way, sizeof(way), "%s%s", top, path) >= (int)sizeof(way))
		return -ENAMETOOLONG;
	for (char *slash = way + top_len; slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int made = mkdir(way, S_IRWXU);

		*slash = '/';
		if (made != 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

void files_remove_tree(const char *top)
{
	char *paths[] = { strdup(top), NULL };
	FTS *tree = paths[0] != NULL ? fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
	FTSENT *e;

	while (tree != NULL && (e = fts_read(tree)) != NULL) {
		if (e->fts_info == FTS_DP)
			(void)rmdir(e->fts_accpath);
		else if (e->fts_info != FTS_D)
			(void)unlink(e->fts_accpath);
	}
	if (tree != NULL)
		(void)fts_close(tree);
	free(paths[0]);
}

static bool take_number(const char *name, unsigned long *ret)
{
	char *end;

	if (name[0] != '#')
		return false;
	*ret = strtoul(name + 1, &end, 10);
	return end != name + 1 && *end == '\0' && *ret < UINT32_MAX;
}

int files_owner(const struct file_entry *entry, uid_t *ret_uid, gid_t *ret_gid)
{
	char room[LOOKUP_MAX];
	struct passwd user, *found_user = NULL;
	struct group group, *found_group = NULL;
	unsigned long number;

	if (take_number(entry->owner, &number))
		*ret_uid = (uid_t)number;
	else if (getpwnam_r(entry->owner, &user, room, sizeof(room), &found_user) == 0 &&
		 found_user != NULL)
		*ret_uid = user.pw_uid;
	else
		return -ENOENT;
	if (take_number(entry->group, &number))
		*ret_gid = (gid_t)number;
	else if (getgrnam_r(entry->group, &group, room, sizeof(room), &found_group) == 0 &&
		 found_group != NULL)
		*ret_gid = group.gr_gid;
	else
		return -ENOENT;
	return 0;
}

/* The owner first: a change of it takes some bits of the mode away. */
static int fill(int fd, const struct file_entry *entry)
{
	uid_t uid;
	gid_t gid;
	int result = files_owner(entry, &uid, &gid);

	if (result == 0)
		result = store_write(fd, (const char *)entry->bytes.data, entry->bytes.len);
	if (result == 0 &&
		(fchown(fd, uid, gid) != 0 || fchmod(fd, entry->mode) != 0 || fsync(fd) != 0))
		result = -errno;
	return result;
}

int files_write_new(int directory, const char *name, const struct file_entry *entry)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		S_IRUSR | S_IWUSR);

	if (fd < 0)
		return -errno;
	int result = fill(fd, entry);

	if (close(fd) != 0 && result == 0)
		result = -errno;
	if (result != 0)
		(void)unlinkat(directory, name, 0);
	return result;
}
