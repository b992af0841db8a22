/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store_file: files in STATEDIR, as store needs them. All return 0 or negative errno, and may
 * block.
 */
#ifndef NSRP_IO_STORE_FILE_H
#define NSRP_IO_STORE_FILE_H

#include "nsrp/base.h"

/* Opens statedir/name with open(2)'s flags (O_CLOEXEC is added), mode 0644. A descriptor or
 * negative errno. */
int store_open(const char *statedir, const char *name, int flags);

/* The id of this boot of the machine, which no other has. */
enum { STORE_BOOT_LEN = 36 };
int store_boot(char ret_boot[STORE_BOOT_LEN + 1]);

/* Writes all of it to fd. */
int store_write(int fd, const char *bytes, size_t len);

/* Reads the file's first `size` bytes at most. */
int store_read(const char *statedir, const char *name, char *buf, size_t size, size_t *ret_len);

/* Gives the file another name, in place of what has it, and makes that last. */
int store_rename(const char *statedir, const char *from, const char *to);

/* Puts these bytes in place of the file: it is the old one or the new one, whole, also after a
 * power cut. new_name is in use meanwhile. */
int store_replace(const char *statedir, const char *name, const char *new_name, const char *bytes,
	size_t len);

#endif
