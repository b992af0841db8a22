/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * invocation: what the command line asks for. One table of verbs drives parsing, help and the
 * calls.
 */
#ifndef NSRP_CTL_INVOCATION_H
#define NSRP_CTL_INVOCATION_H

#include "nsrp/base.h"

#include <stdio.h>

#define RUNDIR_DEFAULT "/run/nsrpd"

enum ctl_exit {
	CTL_DONE = 0,
	CTL_FAILED = 1, /* refused or failed */
	CTL_USAGE = 2,
	CTL_UNREACHABLE = 3, /* the daemon */
};

/* Options; each verb allows some, and all allow those of OPTION_ANYWHERE. */
enum ctl_option {
	OPTION_JSON = 1,
	OPTION_RUNDIR = 2,
	OPTION_HELP = 4,
	OPTION_ANYWHERE = OPTION_JSON | OPTION_RUNDIR | OPTION_HELP,
	OPTION_CHECK = 8,
	OPTION_FORCE = 16,
	OPTION_NODE = 32,
	OPTION_LISTEN = 64,
	OPTION_DRY_RUN = 128,
};

enum { INVOCATION_ARGUMENTS_MAX = 2, INVOCATION_ERROR_MAX = 160 };

struct verb;

struct invocation {
	const struct verb *verb;
	unsigned options; /* given ones, enum ctl_option */
	const char *rundir;
	const char *node;   /* NULL = none */
	const char *listen; /* NULL = none */
	unsigned n_arguments;
	const char *argument[INVOCATION_ARGUMENTS_MAX]; /* NULL = not given */
};

struct verb {
	const char *name;
	const char *synopsis; /* arguments and options, "" = none */
	const char *help;
	unsigned options; /* allowed beside OPTION_ANYWHERE */
	unsigned min_arguments, max_arguments;
	const char *words; /* the choices for the first argument, with blanks between; or NULL */
	int first_group;   /* the argument that is a group's id; -1 = none */
	/* Does it; the exit status. */
	int (*run)(const struct invocation *in);
};

extern const struct verb verbs[];
extern const size_t verbs_count;

/* Reads the arguments behind the program's name; no verb means status. False: `error` says what
 * is wrong. The pointers in *ret_in are those of argv. */
bool invocation_parse(int argc, const char *const *argv, struct invocation *ret_in,
	char error[INVOCATION_ERROR_MAX]);

/* The id in the argument that is one; false when it is not given. */
bool invocation_group(const struct invocation *in, uint8_t *ret_id);

/* The help page, made of the table. */
void invocation_help(FILE *out);

#endif
