/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nsrp/executable.h"

#define PATH_VARIABLE "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum { STATUS_NOT_RUN = 127, FIRST_FREE_FD = 3 };

static _Noreturn void fail(int failure, int error, enum executable looks)
{
	struct program_failure told = { .error = error, .looks = (int)looks };

	(void)!write(failure, &told, sizeof(told));
	_exit(STATUS_NOT_RUN);
}

/* 0 or negative errno. The bounding set stays as it is: a file with capabilities (ping) would be
 * refused by execve() without it, and runs without them so. */
static int drop_capabilities(void)
{
	cap_t none = cap_init();
	int result = 0;

	if (none == NULL)
		return -ENOMEM;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
		cap_set_proc(none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		result = -errno;
	cap_free(none);
	return result;
}

static int be_ordinary(void)
{
	struct sched_param param = { .sched_priority = 0 };

	if (setsid() < 0 || sched_setscheduler(0, SCHED_OTHER, &param) != 0 || chdir("/") != 0)
		return -errno;
	umask(S_IWGRP | S_IWOTH);
	return drop_capabilities();
}

/* Leaves 0 to 2, and until execve() `failure`. */
static int set_descriptors(int output)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
		dup2(output, STDERR_FILENO) < 0 ||
		close_range(FIRST_FREE_FD, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
		return -errno;
	return 0;
}

static void list_environment(
	const struct program_environment *e, const char *list[PROGRAM_ENVIRONMENT_MAX + 2])
{
	const char *at = e->text;
	unsigned n = 0;

	list[n++] = PATH_VARIABLE;
	for (unsigned i = 0; i < e->n; i++) {
		list[n++] = at;
		at += strlen(at) + 1;
	}
	list[n] = NULL;
}

void program_become(pid_t parent, const char *path, const struct program_environment *environment,
	int output, int failure)
{
	const char *variables[PROGRAM_ENVIRONMENT_MAX + 2];
	const char *arguments[] = { path, NULL };
	int result;

	/* First of all, so that a guardian that is killed leaves nothing behind. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it was killed before */
		_exit(1);
	output = fcntl(output, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	failure = fcntl(failure, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	loop_signals_reset();
	result = be_ordinary();
	if (result == 0)
		result = set_descriptors(output);
	if (result != 0)
		fail(failure, -result, EXECUTABLE_GOOD);
	enum executable looks = executable_look(path, geteuid());

	if (looks != EXECUTABLE_GOOD)
		fail(failure, looks == EXECUTABLE_MISSING ? ENOENT : EACCES, looks);
	list_environment(environment, variables);
	/* execve() does not write to them. */
	(void)execve(
		path, (char *const *)(uintptr_t)arguments, (char *const *)(uintptr_t)variables);
	fail(failure, errno, EXECUTABLE_GOOD);
}
