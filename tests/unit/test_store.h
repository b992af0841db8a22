/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of the store share: a STATEDIR of its own, and its files as text.
 */
#ifndef TESTS_UNIT_TEST_STORE_H
#define TESTS_UNIT_TEST_STORE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"

#include "io/store.h"

struct fixture {
	char dir[32], path[160];
	struct log log;
	char logged[2000];
};

static inline void keep_line(void *user, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static inline void keep_line(void *user, enum log_level level, const char *format, ...)
{
	struct fixture *f = user;
	size_t len = strlen(f->logged);
	va_list arguments;

	(void)level;
	va_start(arguments, format);
	vsnprintf(f->logged + len, sizeof(f->logged) - len, format, arguments);
	va_end(arguments);
	strncat(f->logged, "\n", sizeof(f->logged) - strlen(f->logged) - 1);
}

static inline int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	scratch_make(f->dir, sizeof(f->dir), "store");
	f->log = (struct log){ .user = f, .write = keep_line };
	*state = f;
	return 0;
}

static inline const char *path(struct fixture *f, const char *name)
{
	snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
	return f->path;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = { "state", "state.new", "state.damaged", "history",
		"history.1", "ruleset.kept" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlink(path(f, names[i]));
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static inline size_t get(struct fixture *f, const char *name, char *buf, size_t size)
{
	FILE *file = fopen(path(f, name), "r");

	if (!file)
		return 0;
	size_t len = fread(buf, 1, size - 1, file);

	buf[len] = '\0';
	fclose(file);
	return len;
}

static inline void put(struct fixture *f, const char *name, const char *text, size_t len)
{
	FILE *file = fopen(path(f, name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static inline bool is_there(struct fixture *f, const char *name)
{
	return access(path(f, name), F_OK) == 0;
}

#endif
