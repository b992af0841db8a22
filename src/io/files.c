/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files_state.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <unistd.h>

#include "seal_digest.h"

enum {
	READ_TRIES = 3, /* of files that change meanwhile */
	READ_AGAIN_US = 100000,
	WATCHED = IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
		  IN_DELETE_SELF | IN_MOVE_SELF,
};

static bool wanted(const struct conf *conf)
{
	return conf->mirror.n_files > 0;
}

/* ---- news ---------------------------------------------------------------------------------- */

static void watch_directory(const struct files *f, const char *path)
{
	/* What cannot be watched is read at the interval. */
	(void)inotify_add_watch(f->inotify_fd, path, WATCHED | IN_DONT_FOLLOW | IN_ONLYDIR);
}

/* A listed file is watched by its directory: it is replaced rather than written. */
static void watch_listed(const struct files *f, const char *path)
{
	char top[FILE_PATH_MAX];
	char *tops[] = { top, NULL };
	FTSENT *e;

	files_parent(path, top);
	watch_directory(f, top);
	(void)snprintf(top, sizeof(top), "%s", path);
	FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);

	while (tree != NULL && (e = fts_read(tree)) != NULL) {
		if (e->fts_info == FTS_D)
			watch_directory(f, e->fts_path);
	}
	if (tree != NULL)
		(void)fts_close(tree);
}

/* Watches that are there already stay as they are. */
static void watch_all(const struct files *f)
{
	const struct conf_mirror *mirror = &f->setup.conf->mirror;

	for (unsigned i = 0; f->inotify_fd >= 0 && i < mirror->n_files; i++)
		watch_listed(f, mirror->file[i]);
}

static int get_fd(const void *self)
{
	const struct files *f = self;

	return f->inotify_fd;
}

/* Our own files come and go while the peer's are applied. */
static bool is_news(const struct inotify_event *e)
{
	return e->len == 0 || strncmp(e->name, FILES_OWN_PREFIX, strlen(FILES_OWN_PREFIX)) != 0;
}

static bool heard(void *self)
{
	struct files *f = self;
	_Alignas(struct inotify_event) char room[16 * 1024];
	bool news = false;
	ssize_t n;

	while ((n = read(f->inotify_fd, room, sizeof(room))) > 0) {
		for (char *at = room; at < room + n;) {
			const struct inotify_event *e = (const void *)at;

			news |= is_news(e);
			at += sizeof(*e) + e->len;
		}
	}
	return news;
}

/* ---- life ---------------------------------------------------------------------------------- */

static int open_files(const struct document_setup *setup, void **ret_self)
{
	struct files *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -ENOMEM;
	f->setup = *setup;
	f->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (f->inotify_fd < 0)
		log_warn(setup->log, "files: changes are seen late: %s", strerror(errno));
	files_recover(f);
	files_sweep(f);
	*ret_self = f;
	return 0;
}

static void close_files(void *self)
{
	struct files *f = self;

	if (f->inotify_fd >= 0)
		close(f->inotify_fd);
	free(f);
}

/* ---- the document -------------------------------------------------------------------------- */

static int digest_of(int fd, struct document_digest *ret)
{
	struct stat st;
	void *memory = NULL;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (st.st_size > 0)
		memory = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	int result = seal_digest(span_of(memory, (size_t)st.st_size), ret);

	if (memory != NULL)
		(void)munmap(memory, (size_t)st.st_size);
	return result;
}

static int read_files(
	void *self, int memfd, struct document_reading *ret, char why[DOCUMENT_TEXT_MAX])
{
	struct files *f = self;
	int result = -EAGAIN;

	watch_all(f);
	for (unsigned i = 0; result == -EAGAIN && i < READ_TRIES; i++) {
		why[0] = '\0';
		if (i > 0)
			(void)usleep(READ_AGAIN_US);
		if (ftruncate(memfd, 0) != 0 || lseek(memfd, 0, SEEK_SET) != 0)
			return -errno;
		result = files_read(f, memfd, why);
	}
	if (result == 0)
		result = digest_of(memfd, &ret->digest);
	ret->lasting = ret->digest;
	return result;
}

static int carry_out(
	struct files *f, struct files_plan *plan, bool dry, char why[DOCUMENT_TEXT_MAX])
{
	int result = files_validate(f, plan, why);

	return result != 0 || dry ? result : files_install(f, plan, why);
}

static int apply_document(
	struct files *f, const struct document_offer *offer, bool dry, char why[DOCUMENT_TEXT_MAX])
{
	struct files_document here = { .n = 0 }, there = { .n = 0 };
	struct files_plan plan = { .n = 0 };
	struct document_digest digest;
	int result = digest_of(offer->fd, &digest);

	if (result != 0)
		return files_fail(why, result, "%s", strerror(-result));
	if (offer->form != DOCUMENT_WHOLE || memcmp(&digest, &offer->digest, sizeof(digest)) != 0)
		return files_fail(why, -EBADMSG, "what came is not what was offered");
	result = files_document_here(f, &here, why);
	if (result == 0)
		result = files_document_open(offer->fd, &there, why);
	if (result == 0)
		result = files_plan_make(f, &here, &there, &plan, why);
	if (result == 0)
		result = carry_out(f, &plan, dry, why);
	if (result == 0 && !dry)
		files_settle(f, &plan, why);
	files_plan_free(&plan);
	files_document_close(&there);
	files_document_close(&here);
	return result;
}

static void apply(
	void *self, const struct document_offer *offer, bool dry, struct document_verdict *ret)
{
	bool taken = apply_document(self, offer, dry, ret->text) == 0;

	if (dry)
		ret->result = taken ? DOCUMENT_VALID : DOCUMENT_INVALID;
	else
		ret->result = taken ? DOCUMENT_ACCEPTED : DOCUMENT_REFUSED;
}

static int diff(void *self, int fd, FILE *to, char why[DOCUMENT_TEXT_MAX])
{
	struct files_document here = { .n = 0 }, there = { .n = 0 };
	int result = files_document_here(self, &here, why);

	if (result == 0)
		result = files_document_open(fd, &there, why);
	if (result == 0)
		result = files_diff(&here, &there, to, why);
	files_document_close(&there);
	files_document_close(&here);
	return result;
}

const struct document_ops files_ops = {
	.name = "files",
	.kind = DOCUMENT_FILES,
	.format = 1,
	.interval_ms = 10000,
	.wanted = wanted,
	.open = open_files,
	.close = close_files,
	.fd = get_fd,
	.heard = heard,
	.read = read_files,
	.apply = apply,
	.diff = diff,
};
