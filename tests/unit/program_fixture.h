/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * program_fixture: a folder with scripts, and a loop that runs until something is over.
 */
#ifndef NSRP_PROGRAM_FIXTURE_H
#define NSRP_PROGRAM_FIXTURE_H

#include "io/loop.h"
#include "nsrp/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"

enum { FIXTURE_PATH_MAX = 128, FIXTURE_PATIENCE_MS = 10000 };

static char fixture_dir[FIXTURE_PATH_MAX];

/* The last line that was logged, and how many were since the folder was made. */
static char fixture_logged[4096];
static unsigned fixture_n_logged;

__attribute__((format(printf, 3, 4))) static inline void fixture_note_line(
	void *user, enum log_level level, const char *format, ...)
{
	va_list arguments;

	(void)user;
	(void)level;
	va_start(arguments, format);
	vsnprintf(fixture_logged, sizeof(fixture_logged), format, arguments);
	va_end(arguments);
	fixture_n_logged++;
}

static inline void fixture_make_dir(void)
{
	scratch_make(fixture_dir, sizeof(fixture_dir), "program");
	fixture_logged[0] = '\0';
	fixture_n_logged = 0;
}

static inline void fixture_remove_dir(void)
{
	char command[FIXTURE_PATH_MAX + 16];

	snprintf(command, sizeof(command), "rm -rf %s", fixture_dir);
	FILE *shell = popen(command, "r");

	assert_non_null(shell);
	assert_int_equal(pclose(shell), 0);
}

/* Its path, until four more were asked for. */
static inline const char *fixture_path(const char *name)
{
	static char path[4][FIXTURE_PATH_MAX * 2];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", fixture_dir, name);
	return p;
}

static inline const char *fixture_write(const char *name, const char *text, mode_t mode)
{
	const char *path = fixture_path(name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

/* A shell script whose $D is the folder. */
static inline const char *fixture_script(const char *name, const char *body)
{
	char text[2048];

	snprintf(text, sizeof(text), "#!/bin/sh\nD=%s\n%s\n", fixture_dir, body);
	return fixture_write(name, text, 0755);
}

/* What a file of the folder holds; "" when there is none. */
static inline const char *fixture_read(const char *name)
{
	static char text[8192];
	FILE *file = fopen(fixture_path(name), "r");

	text[0] = '\0';
	if (file) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		(void)fclose(file);
	}
	return text;
}

static inline void fixture_patience_over(void *user, mono_t due)
{
	(void)due;
	loop_stop(user);
	fail_msg("nothing came of it");
}

/* Runs the loop until somebody stops it, which must not take long. */
static inline void fixture_run(struct loop *loop)
{
	struct loop_timer patience;

	loop_timer_init(&patience, loop, fixture_patience_over, loop);
	loop_timer_set(&patience, mono_after_ms(loop_now(), FIXTURE_PATIENCE_MS));
	loop_run(loop);
	loop_timer_fini(&patience);
}

static inline void fixture_stop(void *user, mono_t due)
{
	(void)due;
	loop_stop(user);
}

static inline void fixture_run_ms(struct loop *loop, uint32_t ms)
{
	struct loop_timer end;

	loop_timer_init(&end, loop, fixture_stop, loop);
	loop_timer_set(&end, mono_after_ms(loop_now(), ms));
	loop_run(loop);
	loop_timer_fini(&end);
}

#endif
