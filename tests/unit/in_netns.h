/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * in_netns: for tests that change the kernel's network: each in a namespace of its own, which
 * goes with the process, whatever happens to the test.
 */
#ifndef NSRP_TESTS_IN_NETNS_H
#define NSRP_TESTS_IN_NETNS_H

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

enum { SAID_MAX = 256 * 1024 };

/* What a command printed last. */
static char netns_said[SAID_MAX];

/* Runs a command of the shell; its output is in netns_said. Returns its exit status. */
static inline int try_run(const char *command)
{
	FILE *pipe = popen(command, "r");
	size_t n;
	int status;

	assert_non_null(pipe);
	n = fread(netns_said, 1, sizeof(netns_said) - 1, pipe);
	netns_said[n] = '\0';
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Likewise; the test fails when the command does. */
static inline void run(const char *command)
{
	char with_errors[4096];

	assert_in_range(snprintf(with_errors, sizeof(with_errors), "{ %s; } 2>&1", command), 1,
		sizeof(with_errors) - 1);
	if (try_run(with_errors) != 0)
		fail_msg("%s: %s", command, netns_said);
}

/* The command prints this. */
static inline void assert_says(const char *command, const char *text)
{
	run(command);
	if (!strstr(netns_said, text))
		fail_msg("%s: lacks '%s' in:\n%s", command, text, netns_said);
}

static inline void assert_silent_on(const char *command, const char *text)
{
	run(command);
	if (strstr(netns_said, text))
		fail_msg("%s: has '%s' in:\n%s", command, text, netns_said);
}

static inline void sleep_ms(unsigned ms)
{
	const struct timespec time = { .tv_sec = ms / 1000,
		.tv_nsec = (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&time, NULL);
}

/* Enters a new namespace with veth pairs v0-p0 and v1-p1, all up, which do not wait for
 * duplicate address detection. False, and the test is
 * skipped, without the right to. */
static inline bool netns_enter(void)
{
	if (unshare(CLONE_NEWNET) != 0)
		return false;
	run("sysctl -qw net.ipv6.conf.default.accept_dad=0; "
	    "ip link set lo up && ip link add v0 type veth peer name p0 && "
	    "ip link add v1 type veth peer name p1 && "
	    "for i in v0 p0 v1 p1; do ip link set $i up; done");
	return true;
}

#endif
