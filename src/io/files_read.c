/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files_state.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LOOKUP_MAX = 16 * 1024 };

/* What is to be read. */
struct walk {
	const struct files *files;
	unsigned n;
	char *path[FILE_ENTRIES_MAX]; /* owned */
	char *why;
};

/* ---- what belongs to it -------------------------------------------------------------------- */

static bool is_same_file(const char *path, const struct stat *st)
{
	struct stat other;

	return path[0] != '\0' && st != NULL && stat(path, &other) == 0 &&
	       other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

bool files_is_forbidden(const struct files *f, const char *path, const struct stat *st)
{
	const struct conf *conf = f->setup.conf;
	const char *const own[] = { f->setup.conf_file, conf->key_file, conf->previous_key_file };
	const char *name = strrchr(path, '/') + 1;

	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		if (strcmp(path, own[i]) == 0 || is_same_file(own[i], st))
			return true;
	}
	return file_is_below(path, f->setup.statedir) || is_same_file(f->setup.statedir, st) ||
	       strncmp(name, FILES_OWN_PREFIX, strlen(FILES_OWN_PREFIX)) == 0;
}

bool files_is_in_statedir(const struct files *f, const char *path)
{
	char way[FILE_PATH_MAX];
	struct stat st;

	(void)snprintf(way, sizeof(way), "%s", path);
	for (char *slash = strchr(way + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		bool is_it = stat(way, &st) == 0 && is_same_file(f->setup.statedir, &st);

		*slash = '/';
		if (is_it)
			return true;
	}
	return false;
}

bool files_is_listed(const struct files *f, const char *path)
{
	const struct conf_mirror *mirror = &f->setup.conf->mirror;

	for (unsigned i = 0; i < mirror->n_files; i++) {
		if (file_is_below(path, mirror->file[i]))
			return true;
	}
	return false;
}

/* ---- the walk ------------------------------------------------------------------------------ */

static int add(struct walk *w, const char *path)
{
	if (!file_path_is_good(path, strlen(path)))
		return files_fail(w->why, -ENAMETOOLONG, "%.160s: the path is too long", path);
	if (w->n == FILE_ENTRIES_MAX)
		return files_fail(w->why, -EFBIG, "there are more than %d files", FILE_ENTRIES_MAX);
	w->path[w->n] = strdup(path);
	if (w->path[w->n] == NULL)
		return files_fail(w->why, -ENOMEM, "out of memory");
	w->n++;
	return 0;
}

/* 0 also of what is left out. */
static int found(struct walk *w, FTS *tree, FTSENT *e)
{
	switch (e->fts_info) {
	case FTS_D:
		if (files_is_forbidden(w->files, e->fts_path, e->fts_statp)) {
			(void)fts_set(tree, e, FTS_SKIP);
			return 0;
		}
		return add(w, e->fts_path);
	case FTS_F:
		return files_is_forbidden(w->files, e->fts_path, e->fts_statp)
			       ? 0
			       : add(w, e->fts_path);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		if (e->fts_errno == ENOENT) /* it went meanwhile, or was never there */
			return 0;
		return files_fail(
			w->why, -e->fts_errno, "%.160s: %s", e->fts_path, strerror(e->fts_errno));
	default: return 0;
	}
}

static int walk_below(struct walk *w, char *top)
{
	char *tops[] = { top, NULL };
	FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	FTSENT *e;
	int result = 0;

	if (tree == NULL)
		return files_fail(w->why, -errno, "%.160s: %s", top, strerror(errno));
	while (result == 0 && (e = fts_read(tree)) != NULL)
		result = found(w, tree, e);
	(void)fts_close(tree);
	return result;
}

/* One of the list. That it is not there is as good as any other content. */
static int walk_listed(struct walk *w, const char *path)
{
	char top[FILE_PATH_MAX];
	struct stat st;
	int fd = files_open(path, O_PATH | O_NOFOLLOW);
	int result = 0;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return files_fail(w->why, fd, "%.160s: %s", path,
			fd == -ELOOP ? "a symbolic link is in the way" : strerror(-fd));
	if (fstat(fd, &st) != 0)
		result = files_fail(w->why, -errno, "%.160s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		result = files_fail(w->why, -EINVAL, "%.160s: %s", path,
			S_ISLNK(st.st_mode) ? "it is a symbolic link"
					    : "it is neither a file nor a directory");
	close(fd);
	(void)snprintf(top, sizeof(top), "%s", path);
	return result != 0 ? result : walk_below(w, top);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lists may name a thing twice. */
static int walk_all(struct walk *w)
{
	const struct conf_mirror *mirror = &w->files->setup.conf->mirror;
	unsigned kept = 0;
	int result = 0;

	for (unsigned i = 0; result == 0 && i < mirror->n_files; i++)
		result = walk_listed(w, mirror->file[i]);
	qsort(w->path, w->n, sizeof(w->path[0]), by_path);
	for (unsigned i = 0; i < w->n; i++) {
		if (kept > 0 && strcmp(w->path[kept - 1], w->path[i]) == 0)
			free(w->path[i]);
		else
			w->path[kept++] = w->path[i];
	}
	w->n = kept;
	return result;
}

/* ---- entries ------------------------------------------------------------------------------- */

static void name_owners(const struct stat *st, struct file_entry *e)
{
	char room[LOOKUP_MAX];
	struct passwd user, *found_user = NULL;
	struct group group, *found_group = NULL;

	(void)getpwuid_r(st->st_uid, &user, room, sizeof(room), &found_user);
	if (found_user != NULL && strlen(user.pw_name) < FILE_NAME_MAX)
		(void)snprintf(e->owner, sizeof(e->owner), "%s", user.pw_name);
	else
		(void)snprintf(e->owner, sizeof(e->owner), "#%u", st->st_uid);
	(void)getgrgid_r(st->st_gid, &group, room, sizeof(room), &found_group);
	if (found_group != NULL && strlen(group.gr_name) < FILE_NAME_MAX)
		(void)snprintf(e->group, sizeof(e->group), "%s", group.gr_name);
	else
		(void)snprintf(e->group, sizeof(e->group), "#%u", st->st_gid);
}

/* What was said of the length stands, or the whole is read again. */
static int copy(int fd, FILE *to, size_t len)
{
	char piece[64 * 1024];

	while (len > 0) {
		ssize_t n = read(fd, piece, len < sizeof(piece) ? len : sizeof(piece));

		if (n <= 0)
			return n < 0 ? -errno : -EAGAIN;
		if (fwrite(piece, 1, (size_t)n, to) != (size_t)n)
			return -ENOSPC;
		len -= (size_t)n;
	}
	return 0;
}

static int put_entry(struct walk *w, const char *path, int fd, FILE *to, size_t *total)
{
	struct file_entry e = { .type = FILE_REGULAR };
	uint8_t head[FILE_HEAD_MAX];
	struct stat st;

	if (fstat(fd, &st) != 0)
		return files_fail(w->why, -errno, "%.160s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		e.type = FILE_DIRECTORY;
	else if (!S_ISREG(st.st_mode))
		return -EAGAIN;
	size_t len = e.type == FILE_REGULAR ? (size_t)st.st_size : 0;

	if (len > FILE_BYTES_MAX)
		return files_fail(w->why, -EFBIG, "%.160s: it is longer than 4 MiB", path);
	*total += len;
	if (*total > FILES_BYTES_MAX)
		return files_fail(w->why, -EFBIG, "all files together are longer than 32 MiB");
	e.mode = st.st_mode & 07777;
	(void)snprintf(e.path, sizeof(e.path), "%s", path);
	name_owners(&st, &e);
	size_t head_len = file_put_head(&e, (uint32_t)len, head);

	if (fwrite(head, 1, head_len, to) != head_len)
		return -ENOSPC;
	int result = copy(fd, to, len);

	return result == 0 || result == -EAGAIN || result == -ENOSPC
		       ? result
		       : files_fail(w->why, result, "%.160s: %s", path, strerror(-result));
}

static int put_all(struct walk *w, FILE *to)
{
	size_t total = 0;
	int result = 0;

	for (unsigned i = 0; result == 0 && i < w->n; i++) {
		int fd = files_open(w->path[i], O_RDONLY | O_NONBLOCK | O_NOFOLLOW);

		if (fd == -ENOENT || fd == -ELOOP)
			continue; /* it went, or became a link, meanwhile */
		if (fd < 0)
			return files_fail(w->why, fd, "%.160s: %s", w->path[i], strerror(-fd));
		result = put_entry(w, w->path[i], fd, to, &total);
		close(fd);
	}
	return result;
}

int files_read(const struct files *f, int memfd, char why[DOCUMENT_TEXT_MAX])
{
	struct walk *w = calloc(1, sizeof(*w));
	int fd = fcntl(memfd, F_DUPFD_CLOEXEC, 0);
	FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;
	int result = -ENOMEM;

	if (w != NULL && to != NULL) {
		w->files = f;
		w->why = why;
		result = walk_all(w);
		if (result == 0)
			result = put_all(w, to);
	}
	if (to != NULL && fclose(to) != 0 && result == 0)
		result = -errno;
	else if (to == NULL && fd >= 0)
		close(fd);
	if (result == -EAGAIN && why[0] == '\0')
		(void)files_fail(why, result, "a file changes all the time");
	for (unsigned i = 0; w != NULL && i < w->n; i++)
		free(w->path[i]);
	free(w);
	return result;
}

/* ---- documents in memory ------------------------------------------------------------------- */

static int parse(struct files_document *d, char why[DOCUMENT_TEXT_MAX])
{
	struct span rest = d->bytes;
	const char *last = "";

	d->entry = calloc(FILE_ENTRIES_MAX, sizeof(*d->entry));
	if (d->entry == NULL)
		return files_fail(why, -ENOMEM, "out of memory");
	while (rest.len > 0) {
		if (d->n == FILE_ENTRIES_MAX)
			return files_fail(
				why, -EBADMSG, "there are more than %d files", FILE_ENTRIES_MAX);
		const char *wrong = file_next(&rest, last, &d->entry[d->n]);

		if (wrong != NULL)
			return files_fail(why, -EBADMSG, "%s", wrong);
		last = d->entry[d->n++].path;
	}
	return 0;
}

int files_document_open(int fd, struct files_document *ret, char why[DOCUMENT_TEXT_MAX])
{
	struct stat st;
	void *memory = NULL;

	*ret = (struct files_document){ .n = 0 };
	if (fstat(fd, &st) != 0)
		return files_fail(why, -errno, "%s", strerror(errno));
	if (st.st_size > 0)
		memory = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return files_fail(why, -errno, "%s", strerror(errno));
	ret->bytes = span_of(memory, (size_t)st.st_size);
	int result = parse(ret, why);

	if (result != 0)
		files_document_close(ret);
	return result;
}

int files_document_here(
	const struct files *f, struct files_document *ret, char why[DOCUMENT_TEXT_MAX])
{
	int fd = memfd_create("nsrpd-files", MFD_CLOEXEC);
	int result = fd < 0 ? files_fail(why, -errno, "%s", strerror(errno)) : 0;

	if (result == 0)
		result = files_read(f, fd, why);
	if (result == 0)
		result = files_document_open(fd, ret, why);
	if (fd >= 0)
		close(fd);
	return result;
}

void files_document_close(struct files_document *d)
{
	if (d->bytes.len > 0)
		(void)munmap((void *)(uintptr_t)d->bytes.data, d->bytes.len);
	free(d->entry);
	*d = (struct files_document){ .n = 0 };
}

void files_sweep(const struct files *f)
{
	const struct conf_mirror *mirror = &f->setup.conf->mirror;

	for (unsigned i = 0; i < mirror->n_files; i++) {
		char top[FILE_PATH_MAX];
		char *tops[] = { top, NULL };
		FTSENT *e;

		files_parent(mirror->file[i], top); /* a file's leftovers lie beside it */
		FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);

		while (tree != NULL && (e = fts_read(tree)) != NULL) {
			if (e->fts_info == FTS_D && e->fts_level > 0 &&
				!file_is_below(e->fts_path, mirror->file[i]))
				(void)fts_set(tree, e, FTS_SKIP);
			else if (e->fts_info == FTS_F && strncmp(e->fts_name, FILES_OWN_PREFIX,
								 strlen(FILES_OWN_PREFIX)) == 0)
				(void)unlink(e->fts_accpath);
		}
		if (tree != NULL)
			(void)fts_close(tree);
	}
}
