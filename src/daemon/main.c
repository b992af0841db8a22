/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsrpd [-c FILE] [-n NODE] [-r RUNDIR] [-s STATEDIR] [-f] [-d]
 * nsrpd --withdraw
 * nsrpd --version
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "guardian.h"

enum { EXIT_USAGE = 2 };

struct options {
	const char *conf_file, *node, *rundir, *statedir;
	bool foreground, debug, withdraw, version;
};

static void usage(FILE *to)
{
	fprintf(to, "usage: nsrpd [-c FILE] [-n NODE] [-r RUNDIR] [-s STATEDIR] [-f] [-d]\n"
		    "       nsrpd --withdraw | --version\n"
		    "  -c FILE      configuration (/etc/nsrpd/nsrpd.conf)\n"
		    "  -n NODE      this node's name in it (the host name)\n"
		    "  -r RUNDIR    control socket (/run/nsrpd)\n"
		    "  -s STATEDIR  maintenance, history, highest term (/var/lib/nsrpd)\n"
		    "  -f           stay in the foreground, log to stderr\n"
		    "  -d           log every message, too\n"
		    "  --withdraw   remove addresses, routes, macvlans, IPsec left here\n");
}

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "withdraw", no_argument, NULL, 'W' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:n:r:s:fdh", longs, NULL)) != -1) {
		switch (c) {
		case 'c': o->conf_file = optarg; break;
		case 'n': o->node = optarg; break;
		case 'r': o->rundir = optarg; break;
		case 's': o->statedir = optarg; break;
		case 'f': o->foreground = true; break;
		case 'd': o->debug = true; break;
		case 'W': o->withdraw = true; break;
		case 'V': o->version = true; break;
		case 'h': usage(stdout); return 0;
		default: usage(stderr); return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "nsrpd: unexpected argument `%s`\n", argv[optind]);
		usage(stderr);
		return EXIT_USAGE;
	}
	return -1;
}

static bool make_directory(const struct log *log, const char *path, mode_t mode)
{
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return true;
	log_err(log, "%s: %s", path, strerror(errno));
	return false;
}

/* To stderr; a journal that takes no fields gets the lines alone. */
static void log_to(struct logger *logger, enum logger_style style)
{
	logger_init(logger, STDERR_FILENO, style);
	if (style == LOGGER_SERVICE)
		(void)logger_use_journal(logger, LOGGER_JOURNAL);
}

/* What is wrong with the files is said while somebody reads it; then the journal is written. */
static bool go_to_background(const struct options *o, struct logger *logger)
{
	struct loaded *loaded = calloc(1, sizeof(*loaded));
	char error[LOAD_ERROR_MAX];
	bool good = loaded != NULL && load(o->conf_file, o->node, &logger->log, loaded, error) == 0;

	if (loaded != NULL)
		explicit_bzero(loaded, sizeof(*loaded));
	free(loaded);
	if (!good)
		return false;
	int journal = sd_journal_stream_fd("nsrpd", LOG_INFO, 1);

	if (daemon(0, 0) != 0) {
		log_err(&logger->log, "not in the background: %s", strerror(errno));
		return false;
	}
	if (journal >= 0 && dup2(journal, STDERR_FILENO) == STDERR_FILENO)
		log_to(logger, LOGGER_SERVICE);
	return true;
}

int main(int argc, char **argv)
{
	char host[HOST_NAME_MAX + 1] = "";
	struct options o = {
		.conf_file = "/etc/nsrpd/nsrpd.conf",
		.rundir = "/run/nsrpd",
		.statedir = "/var/lib/nsrpd",
	};
	struct logger logger; /* lives as long as the daemon */
	int status = parse(argc, argv, &o);

	if (status >= 0)
		return status;
	if (o.version) {
		printf("nsrpd %s\n", NSRP_VERSION);
		return 0;
	}
	/* Files that others may not see lie in directories that they may not enter. */
	umask(S_IWGRP | S_IWOTH);
	log_to(&logger, logger_style_of(STDERR_FILENO));
	if (o.debug)
		logger_set_level(&logger, LOG_LEVEL_DEBUG);
	if (o.withdraw)
		return guardian_withdraw(&logger.log);
	if (o.node == NULL && gethostname(host, sizeof(host) - 1) == 0)
		o.node = host;
	if (!make_directory(&logger.log, o.rundir, 0755) ||
		!make_directory(&logger.log, o.statedir, 0700))
		return 1;
	if (!o.foreground && getenv("NOTIFY_SOCKET") == NULL && !go_to_background(&o, &logger))
		return 1;
	struct guardian_setup setup = {
		.conf_file = o.conf_file,
		.node = o.node,
		.rundir = o.rundir,
		.statedir = o.statedir,
		.logger = &logger,
	};

	return guardian_run(&setup);
}
