/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * flood: more sessions than is good.
 *
 *   flood ADDRESS RATE SECONDS   new UDP flows, one packet each, to ports 10000 to 59999 of
 *                                ADDRESS: RATE a second, or as many as there can be; prints
 *                                `sent N`
 *   flood churn N SECONDS        in this namespace's kernel, which is told of them: the last N of
 *                                ever new sessions are there, as fast as it takes them; prints
 *                                `made N`
 *   flood create|remove N        N of them at once
 */
#include "session.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_PORT = 10000, PORTS = 50000, BATCH = 64, ROUND = 500, NUMBERS = 100 * ROUND };

static struct alien alien;

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

/* Their numbers go round; a round of them more than N is there for a moment. */
static void churn(unsigned n, unsigned seconds)
{
	uint64_t end = now_us() + (uint64_t)seconds * 1000000, made = 0;

	n -= n % ROUND;
	must(n + ROUND <= NUMBERS, "too many");
	for (; now_us() < end; made += ROUND) {
		(void)alien_create(&alien, (unsigned)(made % NUMBERS), ROUND, 1);
		if (made >= n)
			(void)alien_delete(&alien, (unsigned)((made - n) % NUMBERS), ROUND);
	}
	printf("made %llu\n", (unsigned long long)made);
}

/* False: not one of these. */
static bool tells_the_kernel(int argc, char **argv)
{
	unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;

	if (argc == 4 && strcmp(argv[1], "churn") == 0) {
		alien_open(&alien);
		churn(n, (unsigned)strtoul(argv[3], NULL, 10));
	} else if (argc == 3 && strcmp(argv[1], "create") == 0) {
		alien_open(&alien);
		must(alien_create(&alien, 0, n, 1) == 0, "create");
	} else if (argc == 3 && strcmp(argv[1], "remove") == 0) {
		alien_open(&alien);
		(void)alien_delete(&alien, 0, n);
	} else {
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct flood f = { .fd = -1 };
	struct sockaddr_in to = { .sin_family = AF_INET };

	if (tells_the_kernel(argc, argv))
		return 0;
	if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: flood ADDRESS RATE SECONDS | churn N SECONDS | "
				"create N | remove N\n");
		return 2;
	}
	for (unsigned i = 0; i < BATCH; i++)
		f.to[i] = to;
	run(&f, strtoul(argv[2], NULL, 10), (unsigned)strtoul(argv[3], NULL, 10));
	printf("sent %lu\n", f.sent);
	return 0;
}
