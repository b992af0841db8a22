/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the peer's document would change here, and whether it may. */
#include "files_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *files_change_path(const struct files_change *c)
{
	return c->new != NULL ? c->new->path : c->old->path;
}

static bool same_bytes(const struct file_entry *a, const struct file_entry *b)
{
	return a->bytes.len == b->bytes.len &&
	       (a->bytes.len == 0 || memcmp(a->bytes.data, b->bytes.data, a->bytes.len) == 0);
}

static bool same_entry(const struct file_entry *a, const struct file_entry *b)
{
	return a->type == b->type && a->mode == b->mode && strcmp(a->owner, b->owner) == 0 &&
	       strcmp(a->group, b->group) == 0 && same_bytes(a, b);
}

/* What lies at the place of something new: 0, or why nothing may come there. */
static int look_at_place(
	const struct files *f, const struct file_entry *e, char why[DOCUMENT_TEXT_MAX])
{
	const char *name;
	struct stat st;
	int directory = files_open_parent(f, e->path, &name);

	if (directory == -ENOENT) /* its directory comes as well, or is told of as missing */
		return 0;
	if (directory < 0)
		return files_fail(why, directory, "%.160s: %s", e->path, files_obstacle(directory));
	int result = fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW);

	close(directory);
	return result != 0 ? 0
			   : files_fail(why, -EEXIST, "%.160s: there is %s here", e->path,
				     S_ISLNK(st.st_mode)   ? "a symbolic link"
				     : S_ISDIR(st.st_mode) ? "a directory"
				     : S_ISREG(st.st_mode) ? "another file"
							   : "something else");
}

/* Nothing of the peer's document is believed. */
static int may_come(const struct files *f, const struct file_entry *e, char why[DOCUMENT_TEXT_MAX])
{
	uid_t uid;
	gid_t gid;

	if (!files_is_listed(f, e->path))
		return files_fail(why, -EPERM, "%.160s: it is not in this node's list", e->path);
	if (files_is_forbidden(f, e->path, NULL) || files_is_in_statedir(f, e->path))
		return files_fail(why, -EPERM, "%.160s: it is never mirrored", e->path);
	if (files_owner(e, &uid, &gid) != 0)
		return files_fail(why, -ENOENT, "%.120s: there is no owner %s or group %s here",
			e->path, e->owner, e->group);
	return 0;
}

static int add(const struct files *f, struct files_plan *plan, const struct file_entry *old,
	const struct file_entry *new, char why[DOCUMENT_TEXT_MAX])
{
	if (old != NULL && new != NULL && old->type != new->type)
		return files_fail(why, -EEXIST, "%.160s: it is %s here", old->path,
			old->type == FILE_DIRECTORY ? "a directory" : "a file");
	if (old == NULL) {
		int result = look_at_place(f, new, why);

		if (result != 0)
			return result;
	}
	plan->change[plan->n++] = (struct files_change){
		.old = old,
		.new = new,
		.bytes_differ = old == NULL || new == NULL || !same_bytes(old, new),
	};
	return 0;
}

int files_plan_make(const struct files *f, const struct files_document *here,
	const struct files_document *there, struct files_plan *ret, char why[DOCUMENT_TEXT_MAX])
{
	unsigned i = 0, k = 0;
	size_t total = 0;
	int result = 0;

	*ret = (struct files_plan){ .change =
					    calloc(here->n + there->n + 1, sizeof(*ret->change)) };
	if (ret->change == NULL)
		return files_fail(why, -ENOMEM, "out of memory");
	while (result == 0 && (i < here->n || k < there->n)) {
		const struct file_entry *old = i < here->n ? &here->entry[i] : NULL;
		const struct file_entry *new = k < there->n ? &there->entry[k] : NULL;
		int order = old == NULL ? 1 : new == NULL ? -1 : strcmp(old->path, new->path);

		i += order <= 0;
		k += order >= 0;
		if (order >= 0) {
			total += new->bytes.len;
			result = may_come(f, new, why);
		}
		if (result == 0 && (order != 0 || !same_entry(old, new)))
			result = add(f, ret, order <= 0 ? old : NULL, order >= 0 ? new : NULL, why);
	}
	if (result == 0 && total > FILES_BYTES_MAX)
		result = files_fail(why, -EFBIG, "all files together are longer than 32 MiB");
	if (result != 0)
		files_plan_free(ret);
	return result;
}

void files_plan_free(struct files_plan *plan)
{
	free(plan->change);
	free(plan->entry);
	*plan = (struct files_plan){ .n = 0 };
}
