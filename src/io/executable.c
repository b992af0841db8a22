/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nsrp/executable.h"

#include <errno.h>
#include <sys/stat.h>

enum executable executable_look(const char *path, uid_t user)
{
	struct stat st;

	if (path[0] != '/')
		return EXECUTABLE_RELATIVE;
	if (stat(path, &st) != 0)
		return errno == ENOENT || errno == ENOTDIR ? EXECUTABLE_MISSING : EXECUTABLE_HIDDEN;
	if (!S_ISREG(st.st_mode))
		return EXECUTABLE_NO_FILE;
	if (st.st_uid != 0 && st.st_uid != user)
		return EXECUTABLE_FOREIGN;
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return EXECUTABLE_WRITABLE;
	/* Without capabilities only the bits of the user's own class count. Those of another user
	 * than the owner may be its group's, which execve() tells. */
	if (!(st.st_mode & (st.st_uid == user ? S_IXUSR : S_IXGRP | S_IXOTH)))
		return EXECUTABLE_NOT;
	return EXECUTABLE_GOOD;
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
	}
	return "?";
}
