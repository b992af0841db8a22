/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "files_state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

#define STAGED "/staged"
#define CHANGED "/changed"

struct run {
	struct loop loop;
	struct program program;
	struct program_result result;
};

static void ended(void *user, const struct program_result *result)
{
	struct run *run = user;

	run->result = *result;
	loop_stop(&run->loop);
}

/* 0, or -ECANCELED with what came of it in `why`. */
static int run_program(const char *path, const struct program_environment *environment,
	char why[DOCUMENT_TEXT_MAX])
{
	struct run run = { .result = { .end = PROGRAM_NOT_STARTED } };
	char text[PROGRAM_TEXT_MAX];
	int result = loop_init(&run.loop);

	if (result != 0)
		return files_fail(why, result, "%.100s: %s", path, strerror(-result));
	program_init(&run.program, &run.loop, ended, &run);
	result = program_start(&run.program, path, environment, FILES_PROGRAM_MS);
	if (result == 0)
		loop_run(&run.loop);
	program_fini(&run.program);
	loop_fini(&run.loop);
	if (result != 0)
		return files_fail(why, result, "%.100s: %s", path, strerror(-result));
	if (program_passed(&run.result))
		return 0;
	program_result_text(&run.result, text);
	return files_fail(why, -ECANCELED, "%.60s %s%s%.80s", path, text,
		run.result.line[0] != '\0' ? ": " : "", run.result.line);
}

static int make_path(const struct files *f, const char *name, char path[FILE_PATH_MAX])
{
	int len = snprintf(path, FILE_PATH_MAX, "%s%s", f->setup.statedir, name);

	return len >= FILE_PATH_MAX ? -ENAMETOOLONG : 0;
}

static int list_changes(const struct files *f, const struct files_plan *plan, const char *path)
{
	int fd = open(
		path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;

	(void)f;
	if (to == NULL) {
		int result = -errno;

		if (fd >= 0)
			close(fd);
		return result;
	}
	for (unsigned i = 0; i < plan->n; i++)
		(void)fprintf(to, "%s\n", files_change_path(&plan->change[i]));
	return fclose(to) != 0 ? -errno : 0;
}

static int run_with(const struct files *f, const struct files_plan *plan, const char *program,
	const char *staged, char why[DOCUMENT_TEXT_MAX])
{
	const struct conf *conf = f->setup.conf;
	struct program_environment environment = { .n = 0 };
	char changed[FILE_PATH_MAX];
	int result = make_path(f, CHANGED, changed);

	if (result == 0)
		result = list_changes(f, plan, changed);
	if (result != 0)
		return files_fail(
			why, result, "%s" CHANGED ": %s", f->setup.statedir, strerror(-result));
	program_environment_add(&environment, "NSRP_CHANGED", changed);
	if (staged != NULL)
		program_environment_add(&environment, "NSRP_STAGED", staged);
	program_environment_add(&environment, "NSRP_NODE", conf->node[conf->self]);
	program_environment_add(&environment, "NSRP_PEER", conf->node[1 - conf->self]);
	program_environment_add_number(&environment, "NSRP_CLUSTER", conf->cluster_id);
	result = run_program(program, &environment, why);
	(void)unlink(changed);
	return result;
}

static int stage(const struct files_plan *plan, const char *staged, char why[DOCUMENT_TEXT_MAX])
{
	for (unsigned i = 0; i < plan->n; i++) {
		const struct file_entry *e = plan->change[i].new;
		char path[2 * FILE_PATH_MAX];
		int result;

		if (e == NULL || e->type != FILE_REGULAR)
			continue;
		result = files_make_way(staged, e->path);
		(void)snprintf(path, sizeof(path), "%s%s", staged, e->path);
		if (result == 0)
			result = files_write_new(AT_FDCWD, path, e);
		if (result != 0)
			return files_fail(
				why, result, "%.160s: not staged: %s", e->path, strerror(-result));
	}
	return 0;
}

int files_validate(
	const struct files *f, const struct files_plan *plan, char why[DOCUMENT_TEXT_MAX])
{
	const char *program = f->setup.conf->mirror.files_validate;
	char staged[FILE_PATH_MAX];
	int result;

	if (program[0] == '\0' || plan->n == 0)
		return 0;
	result = make_path(f, STAGED, staged);
	if (result != 0)
		return files_fail(why, result, "%s", strerror(-result));
	files_remove_tree(staged);
	if (mkdir(staged, S_IRWXU) != 0)
		return files_fail(why, -errno, "%.160s: %s", staged, strerror(errno));
	result = stage(plan, staged, why);
	if (result == 0)
		result = run_with(f, plan, program, staged, why);
	files_remove_tree(staged);
	return result;
}

void files_settle(const struct files *f, const struct files_plan *plan, char why[DOCUMENT_TEXT_MAX])
{
	const char *program = f->setup.conf->mirror.files_apply;

	if (plan->n == 0)
		return;
	/* What it says of files that are in force is worth knowing, no more. */
	if (program[0] != '\0' && run_with(f, plan, program, NULL, why) != 0)
		log_warn(f->setup.log, "files: applied, but %s", why);
	(void)files_journal(f, plan, FILES_SETTLED);
}
