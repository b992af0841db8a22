/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nsrp/executable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40 }; /* as many as the kernel follows */

/* A path on the way to its file. */
struct way {
	uid_t user;
	int at; /* the directory reached */
	unsigned links;
	bool is_exposed;
	char rest[PATH_MAX]; /* what is still to go */
};

static bool is_trusted(const struct way *w, const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == w->user;
}

/* Where the sticky bit is set nobody replaces what is another's. */
static void pass_directory(struct way *w, const struct stat *st)
{
	bool many = (st->st_mode & (S_IWGRP | S_IWOTH)) && !(st->st_mode & S_ISVTX);

	w->is_exposed |= many || !is_trusted(w, st);
}

/* The directory reached is left for that one. 0 or errno. */
static int enter(struct way *w, const char *name)
{
	int fd = openat(w->at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno;
	if (w->at >= 0)
		close(w->at);
	w->at = fd;
	if (fstat(fd, &st) != 0)
		return errno;
	pass_directory(w, &st);
	return 0;
}

/* Puts where the link leads in front of the rest. 0 or errno. */
static int follow(struct way *w, const char *name)
{
	char whole[2 * PATH_MAX + 1];
	ssize_t len = readlinkat(w->at, name, whole, PATH_MAX);

	if (len < 0)
		return errno;
	if (++w->links > LINKS_MAX)
		return ELOOP;
	(void)snprintf(whole + len, sizeof(whole) - (size_t)len, "/%s", w->rest);
	if (strlen(whole) >= sizeof(w->rest))
		return ENAMETOOLONG;
	memcpy(w->rest, whole, strlen(whole) + 1);
	return whole[0] == '/' ? enter(w, "/") : 0;
}

/* Takes the next name off the rest; false: there is none. */
static bool next_name(struct way *w, char name[NAME_MAX + 1], int *ret_error)
{
	const char *from = w->rest + strspn(w->rest, "/");
	size_t len = strcspn(from, "/");

	*ret_error = len > NAME_MAX ? ENAMETOOLONG : 0;
	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(name, from, len);
	name[len] = '\0';
	from += len + strspn(from + len, "/");
	memmove(w->rest, from, strlen(from) + 1);
	return true;
}

/* Goes to the end of the path. 0 and what is there, or errno. */
static int go(struct way *w, struct stat *ret_st)
{
	char name[NAME_MAX + 1];
	int error = enter(w, "/");

	if (error == 0 && fstat(w->at, ret_st) != 0)
		error = errno;
	while (error == 0 && next_name(w, name, &error)) {
		if (fstatat(w->at, name, ret_st, AT_SYMLINK_NOFOLLOW) != 0)
			return errno;
		if (S_ISLNK(ret_st->st_mode)) {
			w->is_exposed |= !is_trusted(w, ret_st);
			error = follow(w, name);
		} else if (w->rest[0] != '\0') {
			error = enter(w, name);
		}
	}
	return error;
}

enum executable executable_look(const char *path, uid_t user)
{
	struct way w = { .user = user, .at = -1 };
	struct stat st;
	int error;

	if (path[0] != '/')
		return EXECUTABLE_RELATIVE;
	if (strlen(path) >= sizeof(w.rest))
		return EXECUTABLE_HIDDEN;
	memcpy(w.rest, path, strlen(path) + 1);
	error = go(&w, &st);
	if (w.at >= 0)
		close(w.at);
	if (error != 0)
		return error == ENOENT || error == ENOTDIR ? EXECUTABLE_MISSING : EXECUTABLE_HIDDEN;
	if (!S_ISREG(st.st_mode))
		return EXECUTABLE_NO_FILE;
	if (!is_trusted(&w, &st))
		return EXECUTABLE_FOREIGN;
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return EXECUTABLE_WRITABLE;
	/* Without capabilities only the bits of the user's own class count. Those of another user
	 * than the owner may be its group's, which execve() tells. */
	if (!(st.st_mode & (st.st_uid == user ? S_IXUSR : S_IXGRP | S_IXOTH)))
		return EXECUTABLE_NOT;
	return w.is_exposed ? EXECUTABLE_EXPOSED : EXECUTABLE_GOOD;
}

const char *executable_text(enum executable what)
{
	switch (what) {
	case EXECUTABLE_GOOD: return "good";
	case EXECUTABLE_RELATIVE: return "not an absolute path";
	case EXECUTABLE_MISSING: return "there is no such file";
	case EXECUTABLE_HIDDEN: return "it cannot be looked at";
	case EXECUTABLE_NO_FILE: return "not a regular file";
	case EXECUTABLE_FOREIGN: return "not owned by root (or by the user the daemon runs as)";
	case EXECUTABLE_WRITABLE: return "its group or others may write it";
	case EXECUTABLE_NOT: return "not executable (chmod +x)";
	case EXECUTABLE_EXPOSED:
		return "a directory or link on its path is another's, or others may write it "
		       "(namei -l shows which)";
	}
	return "?";
}
