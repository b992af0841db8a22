/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * files_state: what the files of `files` share; no one else's business. files.c watches and ties
 * them together, files_read.c makes the document, files_plan.c finds what the peer's would change,
 * files_install.c changes it, files_journal.c remembers how far that came, files_program.c runs the
 * operator's programs, files_diff.c compares, files_tree.c has paths without links.
 */
#ifndef NSRP_IO_FILES_STATE_H
#define NSRP_IO_FILES_STATE_H

#include "files.h"
#include "nsrp/file.h"

#include <sys/stat.h>

struct files {
	struct document_setup setup; /* borrowed */
	int inotify_fd;
};

/* A document in memory. */
struct files_document {
	struct span bytes; /* mapped */
	unsigned n;
	struct file_entry *entry; /* owned */
};

/* One difference between what is here and what is to be. */
struct files_change {
	const struct file_entry *old, *new; /* borrowed; NULL: it is not there */
	bool bytes_differ;
};

struct files_plan {
	unsigned n;
	struct files_change *change; /* owned; in ascending order of paths */
	struct file_entry *entry;    /* owned; of a journal: those of the changes */
};

/* How far an installation has come. */
enum files_stage {
	FILES_BEGUN,    /* new files are written beside their places */
	FILES_STAGED,   /* all of them are; they take their places */
	FILES_REPLACED, /* all of them have; old ones are kept, and the program is told */
	FILES_SETTLED,  /* there is nothing to do any more */
};

/* files_tree.c: all take absolute paths, and follow no link. */
/* As openat2(). A descriptor or negative errno; -ELOOP: a link is in the way. */
int files_open(const char *path, int flags);
/* The directory that holds `path`, and the last part of it, borrowed. -EXDEV: between the listed
 * directory and it another file system begins. */
int files_open_parent(const struct files *f, const char *path, const char **ret_name);
/* In words, why neither is to be had: a negative errno. */
const char *files_obstacle(int error);
/* The directory that holds an absolute path, as text. */
void files_parent(const char *path, char ret_parent[FILE_PATH_MAX]);
/* Makes the directories that lead to top/path, mode 0700. 0 or negative errno. */
int files_make_way(const char *top, const char *path);
/* Removes a tree of ours. */
void files_remove_tree(const char *top);
/* Writes `bytes` into a new file of that name in the directory, mode and owner set, synced. 0 or
 * negative errno, then there is no such file. */
int files_write_new(int directory, const char *name, const struct file_entry *entry);
/* 0, or -ENOENT: there is no such user or group. */
int files_owner(const struct file_entry *entry, uid_t *ret_uid, gid_t *ret_gid);

/* files_read.c */
/* Never mirrored, wherever it lies. */
bool files_is_forbidden(const struct files *f, const char *path, const struct stat *st);
/* One of the directories that lead to it is STATEDIR, by whatever name. */
bool files_is_in_statedir(const struct files *f, const char *path);
bool files_is_listed(const struct files *f, const char *path);
/* Writes the document of what is here. */
int files_read(const struct files *f, int memfd, char why[DOCUMENT_TEXT_MAX]);
/* Maps and reads a document; 0 or negative errno with a reason. */
int files_document_open(int fd, struct files_document *ret, char why[DOCUMENT_TEXT_MAX]);
/* The same of what is here. */
int files_document_here(
	const struct files *f, struct files_document *ret, char why[DOCUMENT_TEXT_MAX]);
void files_document_close(struct files_document *d);
/* What was left over when a process was killed is removed. */
void files_sweep(const struct files *f);

/* files_plan.c */
/* What makes `here` of `there`. 0, or negative errno with the reason why it is refused. */
int files_plan_make(const struct files *f, const struct files_document *here,
	const struct files_document *there, struct files_plan *ret, char why[DOCUMENT_TEXT_MAX]);
void files_plan_free(struct files_plan *plan);
const char *files_change_path(const struct files_change *c);

/* files_install.c */
/* Carries the plan out as a whole, or not at all. 0, or negative errno with a reason. After it
 * files_settle() is due. */
int files_install(
	const struct files *f, const struct files_plan *plan, char why[DOCUMENT_TEXT_MAX]);
/* What a process that was killed has left half-done is taken back, or finished. */
void files_recover(const struct files *f);

/* files_journal.c */
/* The installation of the plan has come that far: whoever starts next knows. 0 or negative errno.
 */
int files_journal(const struct files *f, const struct files_plan *plan, enum files_stage stage);
/* How far one has come, and what it changes: without bytes, and old and new are one entry. */
enum files_stage files_journal_read(const struct files *f, struct files_plan *ret);

/* files_program.c */
/* Runs the validate program on what the plan would bring, if there is one. 0, or negative errno
 * with a reason. */
int files_validate(
	const struct files *f, const struct files_plan *plan, char why[DOCUMENT_TEXT_MAX]);
/* What was installed is told to the apply program, if there is one; what it said goes to `why`.
 * Then it is settled. A program whose clerk was killed meanwhile runs again. */
void files_settle(
	const struct files *f, const struct files_plan *plan, char why[DOCUMENT_TEXT_MAX]);

/* files_diff.c */
int files_diff(const struct files_document *here, const struct files_document *there, FILE *to,
	char why[DOCUMENT_TEXT_MAX]);

/* Writes a reason; always `error`. */
int files_fail(char why[DOCUMENT_TEXT_MAX], int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
