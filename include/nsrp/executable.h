/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * executable: whether a file may be run as a hook or as the program of a script monitor.
 *
 * The guardian runs what the configuration names, as root: nobody but root may have a say in what
 * stands there. The daemon looks before each run, `check` when it is asked.
 */
#ifndef NSRP_EXECUTABLE_H
#define NSRP_EXECUTABLE_H

#include "nsrp/base.h"

#include <sys/types.h>

enum executable {
	EXECUTABLE_GOOD,
	EXECUTABLE_RELATIVE, /* not an absolute path */
	EXECUTABLE_MISSING,
	EXECUTABLE_HIDDEN,   /* it could not be looked at: no permission, a loop of links … */
	EXECUTABLE_NO_FILE,  /* a directory, a device … */
	EXECUTABLE_FOREIGN,  /* owned by another than root, or `user` */
	EXECUTABLE_WRITABLE, /* by its group or by others */
	EXECUTABLE_NOT,      /* no permission to execute it */
	EXECUTABLE_EXPOSED,  /* a directory on its path, or a link, is another's than root's or
			      * `user`'s; or its group or others may write a directory that is not
			      * sticky: they could put another file in its place */
};

/* Looks at the file and all that leads to it, behind symbolic links, for a daemon that runs as
 * `user`. May wait for the disk. */
enum executable executable_look(const char *path, uid_t user);

/* What is wrong, to stand behind the path and a colon. */
const char *executable_text(enum executable what);

#endif
