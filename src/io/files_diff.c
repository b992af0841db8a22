/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Differences in readable form; of the text of files by diff(1). */
#include "files_state.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_file.h"

#define DIFF "/usr/bin/diff"

enum { OLD_FD = 10, NEW_FD = 11 };

static int memory_of(const struct file_entry *e)
{
	int fd = memfd_create("nsrpd-diff", MFD_CLOEXEC);

	if (fd >= 0 && e != NULL &&
		store_write(fd, (const char *)e->bytes.data, e->bytes.len) != 0) {
		close(fd);
		return -ENOMEM;
	}
	return fd;
}

static int spawn_diff(int old, int new, int to)
{
	char *const arguments[] = { (char[]){ "diff" }, (char[]){ "-u" }, (char[]){ "--label" },
		(char[]){ "here" }, (char[]){ "--label" }, (char[]){ "there" },
		(char[]){ "/dev/fd/10" }, (char[]){ "/dev/fd/11" }, NULL };
	char *const environment[] = { (char[]){ "LC_ALL=C" }, NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return -ENOMEM;
	int error = posix_spawn_file_actions_adddup2(&actions, old, OLD_FD);

	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, new, NEW_FD);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn(&pid, DIFF, &actions, NULL, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	if (error != 0)
		return -error;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static int put_text(const struct files_change *c, FILE *to)
{
	int old = memory_of(c->old), new = memory_of(c->new);
	int result = old < 0 || new < 0 ? -ENOMEM : 0;

	if (result == 0 && fflush(to) != 0)
		result = -errno;
	if (result == 0)
		result = spawn_diff(old, new, fileno(to));
	if (old >= 0)
		close(old);
	if (new >= 0)
		close(new);
	return result;
}

static void put_attributes(const struct file_entry *e, char sign, FILE *to)
{
	if (e != NULL)
		(void)fprintf(to, "%c%s %04o %s:%s, %zu bytes\n", sign,
			e->type == FILE_DIRECTORY ? "directory" : "file", e->mode, e->owner,
			e->group, e->bytes.len);
}

static int put_change(const struct files_change *c, FILE *to)
{
	const struct file_entry *e = c->new != NULL ? c->new : c->old;

	(void)fprintf(to, "%s\n", e->path);
	put_attributes(c->old, '-', to);
	put_attributes(c->new, '+', to);
	return e->type == FILE_REGULAR && c->bytes_differ ? put_text(c, to) : 0;
}

static bool same(const struct file_entry *a, const struct file_entry *b, bool *ret_bytes_differ)
{
	*ret_bytes_differ =
		a->bytes.len != b->bytes.len ||
		(a->bytes.len > 0 && memcmp(a->bytes.data, b->bytes.data, a->bytes.len) != 0);
	return !*ret_bytes_differ && a->type == b->type && a->mode == b->mode &&
	       strcmp(a->owner, b->owner) == 0 && strcmp(a->group, b->group) == 0;
}

int files_diff(const struct files_document *here, const struct files_document *there, FILE *to,
	char why[DOCUMENT_TEXT_MAX])
{
	unsigned i = 0, k = 0;
	int result = 0;

	while (result == 0 && (i < here->n || k < there->n)) {
		struct files_change c = {
			.old = i < here->n ? &here->entry[i] : NULL,
			.new = k < there->n ? &there->entry[k] : NULL,
			.bytes_differ = true,
		};
		int order = c.old == NULL   ? 1
			    : c.new == NULL ? -1
					    : strcmp(c.old->path, c.new->path);

		i += order <= 0;
		k += order >= 0;
		if (order < 0)
			c.new = NULL;
		else if (order > 0)
			c.old = NULL;
		else if (same(c.old, c.new, &c.bytes_differ))
			continue;
		result = put_change(&c, to);
	}
	return result == 0 ? 0 : files_fail(why, result, "diff: %s", strerror(-result));
}
