/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file: the bytes of the document `files`: a row of entries, in ascending order of their paths.
 *
 *   type (1), mode (2), length of owner (1), owner, length of group (1), group, length of path (2),
 *   path; of a file: length (4), its bytes
 *
 * Owner and group are names, or `#` and the number of one that has no name. Integers are
 * big-endian. Pure: no file is touched here.
 */
#ifndef NSRP_FILE_H
#define NSRP_FILE_H

#include "nsrp/base.h"

enum file_type { FILE_REGULAR = 1, FILE_DIRECTORY = 2 };

enum {
	FILE_PATH_MAX = 1024, /* with the final NUL */
	FILE_NAME_MAX = 33,   /* of an owner or a group, likewise */
	FILE_BYTES_MAX = 4 * 1024 * 1024,
	FILE_ENTRIES_MAX = 4096,
	FILE_HEAD_MAX = 1 + 2 + 2 * FILE_NAME_MAX + 2 + FILE_PATH_MAX + 4,
};

struct file_entry {
	enum file_type type;
	uint16_t mode; /* permission bits, 07777 at most */
	char owner[FILE_NAME_MAX], group[FILE_NAME_MAX];
	char path[FILE_PATH_MAX]; /* absolute; no empty, `.` or `..` part; no `/` at its end */
	struct span bytes;        /* of a file; borrowed from the document */
};

/* Writes all but the file's bytes (FILE_HEAD_MAX bytes of room); how much. `entry` is well-formed.
 */
size_t file_put_head(const struct file_entry *entry, uint32_t bytes, uint8_t *room);

/* Reads the entry at the beginning of *rest, and moves *rest behind it. `last` is the path of the
 * one before, "" = none; not within *ret_entry. NULL, or what is wrong; the text is constant. */
const char *file_next(struct span *rest, const char *last, struct file_entry *ret_entry);

/* True when a path has the form that an entry needs. */
bool file_path_is_good(const char *path, size_t len);

/* True when `path` is `top`, or lies below it. */
bool file_is_below(const char *path, const char *top);

#endif
