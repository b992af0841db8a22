/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_sessions: the load and the clocks of scripts/bench-sessions.
 *
 *   create FIRST N             sessions in this namespace's kernel, as fast as it takes them
 *   flush                      none is left
 *   mirror N RATE NS SECONDS   creates N here, RATE a second (0: all at once), and waits until NS
 *                              has that many more:     arrived N seconds S
 *   await N SECONDS            likewise, without making any: until this namespace has N
 *   udp N ADDRESS NS           N flows of one packet to ports of ADDRESS, then all of NS flushed
 *   tcp N ADDRESS PORT NS      N connections that the server closes, then all of NS flushed
 *   serve PORT                 the server
 *   lag N ADDRESS NS           a flow every 2 ms; when NS has heard of it: p50 p99 max, in ms
 *
 * NS is the path of a network namespace.
 */
#include "../netns/session.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char counted[] = "/proc/sys/net/netfilter/nf_conntrack_count";

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void go_realtime(void)
{
	const struct sched_param param = { .sched_priority = 60 };

	(void)sched_setscheduler(0, SCHED_FIFO, &param);
}

/* ---- another namespace --------------------------------------------------------------------- */

static int own_ns;

static void enter(const char *ns)
{
	int fd = open(ns, O_RDONLY | O_CLOEXEC);

	must(fd >= 0 && setns(fd, CLONE_NEWNET) == 0, ns);
	close(fd);
}

static void leave(void)
{
	must(setns(own_ns, CLONE_NEWNET) == 0, "own namespace");
}

static unsigned count(int fd)
{
	char text[32] = "";

	must(pread(fd, text, sizeof(text) - 1, 0) > 0, "count");
	return (unsigned)strtoul(text, NULL, 10);
}

/* ---- sessions by ctnetlink ----------------------------------------------------------------- */

static struct alien alien;

static void remove_one(const struct nlmsghdr *dumped)
{
	struct nlmsghdr *nlh =
		session_begin(alien_room(&alien), IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST);
	const struct nlattr *tuple = mnl_nlmsg_get_payload_offset(dumped, sizeof(struct nfgenmsg));

	/* The kernel puts it first. */
	must(mnl_attr_get_type(tuple) == CTA_TUPLE_ORIG, "tuple");
	mnl_attr_put(nlh, CTA_TUPLE_ORIG | NLA_F_NESTED, mnl_attr_get_payload_len(tuple),
		mnl_attr_get_payload(tuple));
	alien_added(&alien, nlh);
}

/* One by one: the kernel's own way to remove all keeps every writer of the machine waiting. */
static void flush(void)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	static _Alignas(8) uint8_t room[64 * 1024];
	struct nlmsghdr *ask = session_begin(room, IPCTNL_MSG_CT_GET, NLM_F_REQUEST | NLM_F_DUMP);
	bool done = false;

	must(socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0, "dump socket");
	must(mnl_socket_sendto(socket, ask, ask->nlmsg_len) > 0, "dump");
	alien_open(&alien);
	while (!done) {
		int len = (int)mnl_socket_recvfrom(socket, room, sizeof(room));

		must(len > 0, "dump read");
		for (const struct nlmsghdr *nlh = (const void *)room; mnl_nlmsg_ok(nlh, len);
			nlh = mnl_nlmsg_next(nlh, &len)) {
			done = nlh->nlmsg_type == NLMSG_DONE;
			if (!done)
				remove_one(nlh);
		}
	}
	alien_send(&alien);
	mnl_socket_close(alien.socket);
	mnl_socket_close(socket);
}

static void create(unsigned first, unsigned n, unsigned rate)
{
	unsigned step = rate > 0 ? rate / 1000 + 1 : n;
	double began = now();

	alien_open(&alien);
	for (unsigned done = 0; done < n; done += step) {
		unsigned now_many = step < n - done ? step : n - done;

		must(alien_create(&alien, first + done, now_many, 1) == 0, "create");
		while (rate > 0 && now() < began + (double)(done + now_many) / rate)
			usleep(200);
	}
	mnl_socket_close(alien.socket);
}

/* Waits until there are `wanted`, or for so long that it gets no more. */
static unsigned await(int fd, unsigned wanted, double seconds, double *ret_at)
{
	unsigned have = 0, last = 0;
	double end = now() + seconds;

	*ret_at = now();
	while (have < wanted && now() < end) {
		usleep(500);
		have = count(fd);
		if (have > last) {
			*ret_at = now();
			end = *ret_at + seconds;
		}
		last = have;
	}
	return have;
}

static void mirror(unsigned n, unsigned rate, const char *ns, double seconds)
{
	double began, at;
	int fd, status;

	enter(ns);
	fd = open(counted, O_RDONLY | O_CLOEXEC);
	must(fd >= 0, counted);
	leave();
	unsigned before = count(fd);

	began = now();
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid == 0) {
		create(0, n, rate);
		_exit(0);
	}
	unsigned arrived = await(fd, before + n, seconds, &at) - before;

	must(waitpid(pid, &status, 0) == pid && status == 0, "creator");
	printf("arrived %u seconds %.4f\n", arrived, at - began);
}

/* ---- traffic ------------------------------------------------------------------------------- */

static struct sockaddr_in address_of(const char *text, unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	must(inet_pton(AF_INET, text, &a.sin_addr) == 1, text);
	return a;
}

static void udp(unsigned n, const char *address, const char *ns)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (unsigned i = 0; i < n; i++) {
		struct sockaddr_in to = address_of(address, 1024 + i % 60000);

		must(sendto(fd, "", 1, 0, (void *)&to, sizeof(to)) == 1, "send");
	}
	close(fd);
	usleep(200000);
	enter(ns);
	flush();
}

static void tcp(unsigned n, const char *address, unsigned port, const char *ns)
{
	const struct sockaddr_in to = address_of(address, port);
	char byte;

	for (unsigned i = 0; i < n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		must(connect(fd, (const void *)&to, sizeof(to)) == 0, "connect");
		must(recv(fd, &byte, 1, 0) == 0, "end of stream");
		close(fd);
	}
	usleep(200000);
	enter(ns);
	flush();
}

static void serve(unsigned port)
{
	struct sockaddr_in self = address_of("0.0.0.0", port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	must(bind(fd, (void *)&self, sizeof(self)) == 0 && listen(fd, 512) == 0, "listen");
	for (;;)
		close(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
}

/* ---- lag ----------------------------------------------------------------------------------- */

static int listen_in(const char *ns)
{
	const unsigned group = NFNLGRP_CONNTRACK_NEW;
	struct mnl_socket *events;

	enter(ns);
	events = mnl_socket_open2(NETLINK_NETFILTER, SOCK_NONBLOCK | SOCK_CLOEXEC);
	must(events && mnl_socket_bind(events, 0, MNL_SOCKET_AUTOPID) == 0, "event socket");
	must(setsockopt(mnl_socket_get_fd(events), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		     sizeof(group)) == 0,
		"group");
	leave();
	return mnl_socket_get_fd(events);
}

static bool is_heard(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	uint8_t event[4096];

	if (poll(&wait, 1, 100) != 1)
		return false;
	while (recv(fd, event, sizeof(event), MSG_DONTWAIT) > 0)
		;
	return true;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void lag(unsigned n, const char *address, const char *ns)
{
	double *took = calloc(n + 1, sizeof(*took));
	int heard = listen_in(ns), fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned have = 0;

	must(took != NULL && n > 0, "numbers");
	go_realtime();
	for (unsigned i = 0; i < n; i++) {
		struct sockaddr_in to = address_of(address, 1024 + i % 60000);
		double began = now();

		must(sendto(fd, "", 1, 0, (void *)&to, sizeof(to)) == 1, "send");
		if (is_heard(heard))
			took[have++] = 1000 * (now() - began);
		usleep(1500 + 7919 * i % 1000);
	}
	qsort(took, have, sizeof(*took), by_size);
	printf("p50 %.3f p99 %.3f max %.3f lost %u\n", took[have / 2], took[have * 99 / 100],
		took[have > 0 ? have - 1 : 0], n - have);
	free(took);
}

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

static void await_own(unsigned wanted, unsigned seconds)
{
	double at;
	unsigned have = await(open(counted, O_RDONLY | O_CLOEXEC), wanted, seconds, &at);

	printf("arrived %u at %.4f\n", have, at);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	own_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (argc == 4 && strcmp(verb, "create") == 0)
		create(number(argv[2]), number(argv[3]), 0);
	else if (argc == 2 && strcmp(verb, "flush") == 0)
		flush();
	else if (argc == 6 && strcmp(verb, "mirror") == 0)
		mirror(number(argv[2]), number(argv[3]), argv[4], number(argv[5]));
	else if (argc == 4 && strcmp(verb, "await") == 0)
		await_own(number(argv[2]), number(argv[3]));
	else if (argc == 5 && strcmp(verb, "udp") == 0)
		udp(number(argv[2]), argv[3], argv[4]);
	else if (argc == 6 && strcmp(verb, "tcp") == 0)
		tcp(number(argv[2]), argv[3], number(argv[4]), argv[5]);
	else if (argc == 3 && strcmp(verb, "serve") == 0)
		serve(number(argv[2]));
	else if (argc == 5 && strcmp(verb, "lag") == 0)
		lag(number(argv[2]), argv[3], argv[4]);
	else
		must(false, "arguments");
	return 0;
}
