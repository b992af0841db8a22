/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flood: new UDP flows, one packet each, to ports 10000 to 59999 of an address.
 *
 *   flood ADDRESS RATE SECONDS      RATE flows a second, or as many as there can be;
 *                                   prints `sent N`
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_PORT = 10000, PORTS = 50000, BATCH = 64 };

struct flood {
	int fd; /* the source of the present flows; a new one when all ports were used */
	struct sockaddr_in to[BATCH];
	struct mmsghdr message[BATCH];
	unsigned long sent;
};

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void send_some(struct flood *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		f->to[i].sin_port = htons((uint16_t)(FIRST_PORT + (f->sent + i) % PORTS));
	if (f->sent % PORTS + n > PORTS || f->fd < 0) {
		if (f->fd >= 0)
			close(f->fd);
		f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	}
	if (sendmmsg(f->fd, f->message, n, 0) < 0 && errno == EBADF)
		exit(1);
	f->sent += n;
}

static void run(struct flood *f, unsigned long rate, unsigned seconds)
{
	static uint8_t byte[1];
	static struct iovec iov = { byte, sizeof(byte) };
	uint64_t start = now_us(), end = start + (uint64_t)seconds * 1000000, now;

	for (unsigned i = 0; i < BATCH; i++)
		f->message[i].msg_hdr = (struct msghdr){ .msg_name = &f->to[i],
			.msg_namelen = sizeof(f->to[i]),
			.msg_iov = &iov,
			.msg_iovlen = 1 };
	while ((now = now_us()) < end) {
		if (f->sent > (now - start) * rate / 1000000)
			(void)usleep(500);
		else
			send_some(f, BATCH);
	}
}

int main(int argc, char **argv)
{
	struct flood f = { .fd = -1 };
	struct sockaddr_in to = { .sin_family = AF_INET };

	if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: flood ADDRESS RATE SECONDS\n");
		return 2;
	}
	for (unsigned i = 0; i < BATCH; i++)
		f.to[i] = to;
	run(&f, strtoul(argv[2], NULL, 10), (unsigned)strtoul(argv[3], NULL, 10));
	printf("sent %lu\n", f.sent);
	return 0;
}
