/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stream: a stream of small UDP packets, one each millisecond unless told otherwise, and what
 * became of it.
 *
 *   stream echo PORT                            sends every packet back, until it is ended
 *   stream probe ADDRESS PORT N [DISTANCE_US]   sends N packets; prints on one line
 *       sent N received N lost N gap_ms G at_ms T silent_ms S
 *
 * gap_ms is the longest time between two answers, less the packets' own distance; at_ms is when
 * it began. silent_ms is how long nothing had come back when the last packet went, 0 when something
 * came after that: a gap that did not end is in it alone.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DISTANCE_US = 1000, DISTANCE_MAX_US = 1000000, TAIL_MS = 500, PACKETS_MAX = 15 * 60 * 1000 };

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void sleep_until(uint64_t us)
{
	struct timespec t = { (time_t)(us / 1000000), (long)(us % 1000000) * 1000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/* The probe's own lateness is not the network's. */
static void go_realtime(void)
{
	struct sched_param param = { .sched_priority = 10 };

	(void)sched_setscheduler(0, SCHED_FIFO, &param);
}

static int open_socket(const char *address, const char *port, bool listens)
{
	struct addrinfo hints = {
		.ai_family = listens ? AF_INET6 : AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | (listens ? AI_PASSIVE : 0),
	};
	struct addrinfo *info;
	int result = -1;

	if (getaddrinfo(address, port, &hints, &info) != 0)
		return -1;
	int fd = socket(info->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && listens)
		result = bind(fd, info->ai_addr, info->ai_addrlen);
	else if (fd >= 0)
		result = connect(fd, info->ai_addr, info->ai_addrlen);
	freeaddrinfo(info);
	return result == 0 ? fd : -1;
}

static int run_echo(const char *port)
{
	int fd = open_socket(NULL, port, true);

	if (fd < 0) {
		perror("stream: echo");
		return 1;
	}
	for (;;) {
		uint8_t bytes[2048];
		struct sockaddr_storage from;
		socklen_t from_len = sizeof(from);
		ssize_t n =
			recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);

		if (n > 0)
			(void)sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, from_len);
	}
}

struct probe {
	int fd;
	uint64_t distance; /* of packets, in microseconds */
	uint64_t started, last_heard, gap, gap_at;
	uint32_t sent, received;
	bool *heard; /* by sequence */
};

static void hear(struct probe *p)
{
	uint32_t sequence;

	while (recv(p->fd, &sequence, sizeof(sequence), MSG_DONTWAIT) == sizeof(sequence)) {
		uint64_t now = now_us();

		if (sequence >= p->sent || p->heard[sequence])
			continue;
		p->heard[sequence] = true;
		p->received++;
		if (p->last_heard != 0 && now - p->last_heard > p->gap) {
			p->gap = now - p->last_heard;
			p->gap_at = p->last_heard;
		}
		p->last_heard = now;
	}
}

static int run_probe(const char *address, const char *port, uint32_t n, uint64_t distance)
{
	struct probe p = { .fd = open_socket(address, port, false), .distance = distance };

	p.heard = calloc(n, sizeof(*p.heard));
	if (p.fd < 0 || p.heard == NULL) {
		perror("stream: probe");
		free(p.heard);
		return 1;
	}
	p.started = now_us();
	for (uint32_t i = 0; i < n; i++) {
		sleep_until(p.started + i * p.distance);
		p.sent = i + 1;
		(void)send(p.fd, &i, sizeof(i), MSG_DONTWAIT);
		hear(&p);
	}
	uint64_t last_sent = now_us(), end = last_sent + TAIL_MS * 1000;

	while (now_us() < end && p.received < p.sent) {
		struct pollfd wait = { .fd = p.fd, .events = POLLIN };

		(void)poll(&wait, 1, 10);
		hear(&p);
	}
	double gap = p.gap > distance ? (double)(p.gap - distance) / 1000 : 0;
	uint64_t at = p.gap_at > p.started ? p.gap_at - p.started : 0;
	uint64_t heard = p.last_heard != 0 ? p.last_heard : p.started;
	uint64_t silent = heard < last_sent ? last_sent - heard : 0;

	printf("sent %u received %u lost %u gap_ms %.2f at_ms %llu silent_ms %.2f\n", p.sent,
		p.received, p.sent - p.received, gap, (unsigned long long)(at / 1000),
		(double)silent / 1000);
	free(p.heard);
	return p.received > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	go_realtime();
	if (argc == 3 && strcmp(argv[1], "echo") == 0)
		return run_echo(argv[2]);
	if ((argc == 5 || argc == 6) && strcmp(argv[1], "probe") == 0) {
		unsigned long n = strtoul(argv[4], NULL, 10);
		unsigned long distance = argc == 6 ? strtoul(argv[5], NULL, 10) : DISTANCE_US;

		if (n >= 1 && n <= PACKETS_MAX && distance >= 1 && distance <= DISTANCE_MAX_US)
			return run_probe(argv[2], argv[3], (uint32_t)n, distance);
	}
	fprintf(stderr, "usage: stream echo PORT | stream probe ADDRESS PORT N [DISTANCE_US]\n");
	return 2;
}
