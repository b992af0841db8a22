/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files are replaced in three strokes: all new ones are written beside their places, under names of
 * ours; then each takes its place by a rename, while the old one gets a name of ours; then the old
 * ones are kept in STATEDIR. What fails, or is cut short, before the last stroke is taken back as a
 * whole; afterwards it is finished. The journal tells who starts next which it is.
 */
#include "files_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_file.h"

enum { NAME_LEN = 32 };

#define PREVIOUS "/previous"

/* Where a change takes place. */
struct place {
	int directory;
	const char *name;                  /* borrowed from the change */
	char new[NAME_LEN], old[NAME_LEN]; /* ours, for this change */
};

static int find(
	const struct files *f, const struct files_change *c, unsigned number, struct place *ret)
{
	ret->directory = files_open_parent(f, files_change_path(c), &ret->name);
	(void)snprintf(ret->new, NAME_LEN, FILES_OWN_PREFIX "new.%u", number);
	(void)snprintf(ret->old, NAME_LEN, FILES_OWN_PREFIX "old.%u", number);
	return ret->directory < 0 ? ret->directory : 0;
}

/* The directory's own mode and owner; a file's new ones come with the new file. */
static int set_owner(int directory, const char *name, const struct file_entry *e)
{
	uid_t uid;
	gid_t gid;
	int result = files_owner(e, &uid, &gid);
	int fd = result == 0
			 ? openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
			 : -1;

	if (result != 0)
		return result;
	if (fd < 0)
		return -errno;
	if (fchown(fd, uid, gid) != 0 || fchmod(fd, e->mode) != 0)
		result = -errno;
	close(fd);
	return result;
}

/* ---- the first stroke ---------------------------------------------------------------------- */

static int stage(const struct files_change *c, const struct place *p)
{
	if (c->new == NULL)
		return 0;
	if (c->new->type == FILE_REGULAR) {
		(void)unlinkat(p->directory, p->new, 0); /* nobody's */
		(void)unlinkat(p->directory, p->old, 0);
		return files_write_new(p->directory, p->new, c->new);
	}
	if (c->old != NULL)
		return 0;
	if (mkdirat(p->directory, p->name, S_IRWXU) != 0)
		return -errno;
	return set_owner(p->directory, p->name, c->new);
}

static void unstage(const struct files_change *c, const struct place *p)
{
	if (c->new != NULL && c->new->type == FILE_REGULAR)
		(void)unlinkat(p->directory, p->new, 0);
	else if (c->new != NULL && c->old == NULL)
		(void)unlinkat(p->directory, p->name, AT_REMOVEDIR);
}

/* ---- the second ---------------------------------------------------------------------------- */

static int replace(const struct files_change *c, const struct place *p)
{
	const struct file_entry *e = c->new != NULL ? c->new : c->old;

	if (e->type == FILE_DIRECTORY) {
		if (c->new != NULL && c->old != NULL)
			return set_owner(p->directory, p->name, c->new);
		return 0; /* made already; or removed at the end, when it is empty */
	}
	if (c->new == NULL)
		return renameat(p->directory, p->name, p->directory, p->old) != 0 ? -errno : 0;
	if (c->old != NULL && linkat(p->directory, p->name, p->directory, p->old, 0) != 0)
		return -errno;
	return renameat(p->directory, p->new, p->directory, p->name) != 0 ? -errno : 0;
}

/* How far it came is seen by what is there: this may be cut short, and is then done again. */
static void take_back(const struct files_change *c, const struct place *p)
{
	const struct file_entry *e = c->new != NULL ? c->new : c->old;

	if (e->type == FILE_DIRECTORY) {
		if (c->new != NULL && c->old != NULL)
			(void)set_owner(p->directory, p->name, c->old);
	} else if (c->old != NULL) {
		(void)renameat(p->directory, p->old, p->directory, p->name);
		(void)unlinkat(p->directory, p->old, 0); /* where both still are one file */
	} else if (faccessat(p->directory, p->new, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
		(void)unlinkat(p->directory, p->name, 0);
	}
}

/* ---- the third ----------------------------------------------------------------------------- */

/* The caller frees what ret->bytes has. */
static int read_old(const struct files_change *c, const struct place *p, struct file_entry *ret)
{
	int fd = openat(p->directory, p->old, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint8_t *bytes = fd >= 0 ? malloc(FILE_BYTES_MAX) : NULL;
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (bytes != NULL && n > 0 && len < FILE_BYTES_MAX) {
		n = read(fd, bytes + len, FILE_BYTES_MAX - len);
		len += n > 0 ? (size_t)n : 0;
	}
	int result = bytes == NULL ? -ENOMEM : n < 0 ? -errno : 0;

	close(fd);
	if (result != 0) {
		free(bytes);
		return result;
	}
	*ret = *c->old;
	ret->bytes = span_of(bytes, len);
	return 0;
}

/* The old one goes to STATEDIR/previous. */
static int keep_at(const struct files *f, const struct file_entry *old)
{
	char top[FILE_PATH_MAX], path[2 * FILE_PATH_MAX];

	if (snprintf(top, sizeof(top), "%s" PREVIOUS, f->setup.statedir) >= (int)sizeof(top))
		return -ENAMETOOLONG;
	int result = files_make_way(top, old->path);

	if (result != 0)
		return result;
	(void)snprintf(path, sizeof(path), "%s%s", top, old->path);
	(void)unlink(path);
	return files_write_new(AT_FDCWD, path, old);
}

static void keep(const struct files *f, const struct files_change *c, const struct place *p)
{
	struct file_entry old;
	int result = read_old(c, p, &old);

	if (result == -ENOENT) /* that is done already */
		return;
	if (result == 0) {
		result = keep_at(f, &old);
		free((void *)(uintptr_t)old.bytes.data);
	}
	if (result != 0)
		log_warn(f->setup.log, "files: the version before of %s is not kept: %s",
			c->old->path, strerror(-result));
	(void)unlinkat(p->directory, p->old, 0);
}

static void finish(const struct files *f, const struct files_change *c, const struct place *p)
{
	if (c->old == NULL)
		return;
	if (c->old->type == FILE_REGULAR)
		keep(f, c, p);
	else if (c->new == NULL && unlinkat(p->directory, p->name, AT_REMOVEDIR) != 0 &&
		 errno != ENOENT)
		log_warn(f->setup.log, "files: %s is not removed: %s", c->old->path,
			strerror(errno));
}

/* ---- all of them --------------------------------------------------------------------------- */

/* Directories come before what lies in them. */
static int each(const struct files *f, const struct files_plan *plan, unsigned *ret_at,
	int (*stroke)(const struct files_change *c, const struct place *p))
{
	int result = 0;

	for (unsigned i = 0; result == 0 && i < plan->n; i++) {
		struct place p;

		*ret_at = i;
		/* What goes may lie in a directory that went before. */
		if (stroke == stage && plan->change[i].new == NULL)
			continue;
		result = find(f, &plan->change[i], i, &p);
		if (result == 0) {
			result = stroke(&plan->change[i], &p);
			close(p.directory);
		}
	}
	return result;
}

/* The names in all directories that were changed last over a power cut. */
static void sync_all(const struct files_plan *plan)
{
	char parent[FILE_PATH_MAX], last[FILE_PATH_MAX] = "";

	for (unsigned i = 0; i < plan->n; i++) {
		files_parent(files_change_path(&plan->change[i]), parent);
		if (strcmp(parent, last) == 0)
			continue;
		int directory = files_open(parent, O_RDONLY | O_DIRECTORY);

		if (directory >= 0) {
			(void)fsync(directory);
			close(directory);
		}
		memcpy(last, parent, sizeof(last));
	}
}

/* What lies in a directory goes before it. */
static void undo(const struct files *f, const struct files_plan *plan, bool replaced)
{
	for (unsigned i = plan->n; i-- > 0;) {
		struct place p;

		if (find(f, &plan->change[i], i, &p) != 0)
			continue;
		if (replaced)
			take_back(&plan->change[i], &p);
		unstage(&plan->change[i], &p);
		close(p.directory);
	}
	sync_all(plan);
	(void)files_journal(f, plan, FILES_SETTLED);
}

static void finish_all(const struct files *f, const struct files_plan *plan)
{
	for (unsigned i = plan->n; i-- > 0;) {
		struct place p;

		if (find(f, &plan->change[i], i, &p) != 0)
			continue;
		finish(f, &plan->change[i], &p);
		close(p.directory);
	}
	sync_all(plan);
}

static int fail(const struct files_plan *plan, unsigned at, int result, char why[DOCUMENT_TEXT_MAX])
{
	return files_fail(why, result, "%.160s: %s", files_change_path(&plan->change[at]),
		files_obstacle(result));
}

int files_install(const struct files *f, const struct files_plan *plan, char why[DOCUMENT_TEXT_MAX])
{
	unsigned at = 0;
	bool staged = false;
	int result = plan->n > 0 ? files_journal(f, plan, FILES_BEGUN) : 0;

	if (plan->n == 0)
		return 0;
	if (result != 0) {
		(void)files_journal(f, plan, FILES_SETTLED);
		return files_fail(why, result, "%.160s: %s", f->setup.statedir, strerror(-result));
	}
	result = each(f, plan, &at, stage);
	if (result == 0) {
		sync_all(plan);
		result = files_journal(f, plan, FILES_STAGED);
		staged = true;
	}
	if (result == 0)
		result = each(f, plan, &at, replace);
	if (result == 0) {
		sync_all(plan);
		result = files_journal(f, plan, FILES_REPLACED);
	}
	if (result != 0) {
		undo(f, plan, staged);
		return fail(plan, at, result, why);
	}
	finish_all(f, plan);
	return 0;
}

void files_recover(const struct files *f)
{
	char why[DOCUMENT_TEXT_MAX] = "";
	struct files_plan plan;
	enum files_stage stage = files_journal_read(f, &plan);

	if (stage == FILES_REPLACED) {
		finish_all(f, &plan);
		log_info(f->setup.log, "files: an installation that was cut short is finished");
		files_settle(f, &plan, why);
	} else if (stage != FILES_SETTLED) {
		undo(f, &plan, stage == FILES_STAGED);
		log_info(f->setup.log, "files: an installation that was cut short is taken back");
	}
	files_plan_free(&plan);
}
