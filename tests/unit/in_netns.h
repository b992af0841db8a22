/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * in_netns: for tests that change the kernel's network: each in a namespace of its own, which
 * goes with the process, whatever happens to the test.
 */
#ifndef NSRP_TESTS_IN_NETNS_H
#define NSRP_TESTS_IN_NETNS_H

#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
	/* Their link-local addresses come a moment later; no test is to hear of them. */
	for (unsigned i = 0; i < 200; i++) {
		unsigned n = 0;

		run("ip -6 addr show scope link");
		for (const char *at = netns_said; (at = strstr(at, "inet6 fe80")); at++)
			n++;
		if (n == 4 && !strstr(netns_said, "tentative"))
			return true;
		sleep_ms(10);
	}
	fail_msg("no link-local addresses: %s", netns_said);
	return false;
}

/* A process in a network namespace of its own, as another host; it ends with the test. The
 * interface `device`, if not NULL, is moved there and set up, and `setup` run. */
static inline pid_t start_host(const char *device, const char *setup)
{
	int ready[2];
	char command[512], byte = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || unshare(CLONE_NEWNET) != 0 ||
			write(ready[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	if (!device)
		return pid;
	assert_in_range(snprintf(command, sizeof(command),
				"ip link set %s netns %d && nsenter -t %d -n sh -c '"
				"sysctl -qw net.ipv6.conf.%s.accept_dad=0; ip link set %s up; %s'",
				device, (int)pid, (int)pid, device, device, setup),
		1, sizeof(command) - 1);
	run(command);
	return pid;
}

static inline void stop_host(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The test's fixture; skips the test where there is none. */
#define FIXTURE(f)                                                                                 \
	struct fixture *f = *state;                                                                \
	if (!f)                                                                                    \
	skip()

/* Nothing waits there: nobody would be woken. */
static inline void assert_quiet(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&pollfd, 1, 0), 0);
}

#endif
