/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal of an installation: a file in STATEDIR that has what is changed, and tells by its
 * name how far it has come. It is there as long as anything is half-done.
 *
 * For each change a byte, 1 = there was an old one, 2 = there is to be a new one; then the entry of
 * the old one, or of the new one where there is no old one, without bytes.
 */
#include "files_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_file.h"

enum { HAS_OLD = 1, HAS_NEW = 2, CHANGES_MAX = 2 * FILE_ENTRIES_MAX };

static const char new_name[] = "files.new";

static const char *name_of(enum files_stage stage)
{
	switch (stage) {
	case FILES_BEGUN: return "files.begun";
	case FILES_STAGED: return "files.staged";
	case FILES_REPLACED: return "files.replaced";
	case FILES_SETTLED: break;
	}
	return NULL;
}

static size_t put_change(const struct files_change *c, uint8_t *room)
{
	room[0] = (uint8_t)((c->old != NULL ? HAS_OLD : 0) | (c->new != NULL ? HAS_NEW : 0));
	return 1 + file_put_head(c->old != NULL ? c->old : c->new, 0, room + 1);
}

static int begin(const struct files *f, const struct files_plan *plan)
{
	uint8_t *bytes = malloc((size_t)(plan->n + 1) * (1 + FILE_HEAD_MAX));
	size_t len = 0;

	if (bytes == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < plan->n; i++)
		len += put_change(&plan->change[i], bytes + len);
	int result = store_replace(
		f->setup.statedir, name_of(FILES_BEGUN), new_name, (const char *)bytes, len);

	free(bytes);
	return result;
}

static void forget(const struct files *f)
{
	char path[FILE_PATH_MAX];

	for (enum files_stage stage = FILES_BEGUN; stage < FILES_SETTLED; stage++) {
		if (snprintf(path, sizeof(path), "%s/%s", f->setup.statedir, name_of(stage)) <
			(int)sizeof(path))
			(void)unlink(path);
	}
}

int files_journal(const struct files *f, const struct files_plan *plan, enum files_stage stage)
{
	if (stage == FILES_BEGUN)
		return begin(f, plan);
	if (stage != FILES_SETTLED)
		return store_rename(f->setup.statedir, name_of(stage - 1), name_of(stage));
	forget(f);
	return 0;
}

static int parse(struct span rest, struct files_plan *plan, struct file_entry *entry)
{
	const char *last = "";

	while (rest.len > 0) {
		struct files_change *c = &plan->change[plan->n];
		struct file_entry *e = &entry[plan->n];
		uint8_t has = rest.data[0];

		rest = span_of(rest.data + 1, rest.len - 1);
		if (plan->n == CHANGES_MAX || (has & (HAS_OLD | HAS_NEW)) == 0 ||
			file_next(&rest, last, e) != NULL)
			return -EBADMSG;
		*c = (struct files_change){
			.old = has & HAS_OLD ? e : NULL,
			.new = has &HAS_NEW ? e : NULL,
		};
		last = e->path;
		plan->n++;
	}
	return 0;
}

static int read_plan(const struct files *f, const char *name, struct files_plan *plan)
{
	size_t size = (size_t)CHANGES_MAX * (1 + FILE_HEAD_MAX), len = 0;
	char *bytes = malloc(size);
	int result = -ENOMEM;

	plan->change = calloc(CHANGES_MAX + 1, sizeof(*plan->change));
	plan->entry = calloc(CHANGES_MAX + 1, sizeof(*plan->entry));
	if (bytes != NULL && plan->change != NULL && plan->entry != NULL)
		result = store_read(f->setup.statedir, name, bytes, size, &len);
	if (result == 0)
		result = parse(span_of(bytes, len), plan, plan->entry);
	free(bytes);
	return result;
}

enum files_stage files_journal_read(const struct files *f, struct files_plan *ret)
{
	*ret = (struct files_plan){ .n = 0 };
	for (enum files_stage stage = FILES_BEGUN; stage < FILES_SETTLED; stage++) {
		int fd = store_open(f->setup.statedir, name_of(stage), O_RDONLY | O_NOFOLLOW);
		int result = fd < 0 ? fd : read_plan(f, name_of(stage), ret);

		if (fd >= 0)
			close(fd);
		if (result == 0)
			return stage;
		files_plan_free(ret);
		if (fd >= 0)
			log_err(f->setup.log,
				"files: what an installation that was cut short has left cannot be "
				"read: %s",
				strerror(-result));
	}
	forget(f);
	return FILES_SETTLED;
}
