/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_pair: the least that mirrors sessions, to compare with.
 *
 *   bench_pair FROM TO         paths of two network namespaces
 *
 * One process reads the events of FROM and hands them on as they are; the other makes of them the
 * messages that create and remove the same in TO. Nothing is parsed, kept, sealed or repeated, and
 * what the kernel refuses is not looked at. Both have the daemons' real-time priority: at another
 * one they read and write in larger rows, and the comparison would be of schedulers.
 */
#include "../netns/session.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { VECTOR = 64, EVENT_MAX = 1024, FRAME_MAX = 16 * 1024 };

static void enter(const char *ns)
{
	int fd = open(ns, O_RDONLY | O_CLOEXEC);

	must(fd >= 0 && setns(fd, CLONE_NEWNET) == 0, ns);
	close(fd);
}

static int events_open(void)
{
	const unsigned groups[] = { NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE,
		NFNLGRP_CONNTRACK_DESTROY };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	const struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	int bytes = 64 * 1024 * 1024;

	must(fd >= 0 && bind(fd, (const void *)&self, sizeof(self)) == 0, "event socket");
	must(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) == 0, "buffer");
	for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		must(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			     sizeof(groups[i])) == 0,
			"group");
	return fd;
}

static void run_reader(int to)
{
	static _Alignas(8) uint8_t event[VECTOR][EVENT_MAX], frame[FRAME_MAX];
	struct mmsghdr message[VECTOR];
	struct iovec iov[VECTOR];
	int fd = events_open();

	for (unsigned i = 0; i < VECTOR; i++) {
		iov[i] = (struct iovec){ event[i], EVENT_MAX };
		message[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &iov[i], .msg_iovlen = 1 } };
	}
	for (;;) {
		int n = recvmmsg(fd, message, VECTOR, MSG_WAITFORONE, NULL);
		size_t used = 0;

		for (int i = 0; i < n; i++) {
			size_t len = NLMSG_ALIGN(message[i].msg_len);

			if (used + len > FRAME_MAX) {
				must(send(to, frame, used, 0) == (ssize_t)used, "hand on");
				used = 0;
			}
			memcpy(frame + used, event[i], len);
			used += len;
		}
		must(used == 0 || send(to, frame, used, 0) == (ssize_t)used, "hand on");
	}
}

static void run_writer(int from)
{
	static _Alignas(8) uint8_t frame[FRAME_MAX], answer[8192];
	struct alien kernel;

	alien_open(&kernel);
	for (;;) {
		ssize_t len = recv(from, frame, sizeof(frame), 0);

		if (len <= 0)
			return;
		int left = (int)len;

		for (struct nlmsghdr *nlh = (void *)frame; mnl_nlmsg_ok(nlh, left);
			nlh = mnl_nlmsg_next(nlh, &left)) {
			nlh->nlmsg_flags = NLM_F_REQUEST | (nlh->nlmsg_flags & NLM_F_CREATE);
			nlh->nlmsg_pid = 0;
		}
		must(mnl_socket_sendto(kernel.socket, frame, (size_t)len) == len, "write");
		while (mnl_socket_recvfrom(kernel.socket, answer, sizeof(answer)) > 0)
			;
	}
}

int main(int argc, char **argv)
{
	const struct sched_param param = { .sched_priority = 50 };
	int pair[2];

	must(argc == 3, "arguments");
	(void)sched_setscheduler(0, SCHED_FIFO, &param);
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "socket pair");
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter(argv[2]);
		run_writer(pair[1]);
		return 0;
	}
	enter(argv[1]);
	run_reader(pair[0]);
	return 0;
}
