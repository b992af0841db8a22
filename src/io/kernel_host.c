/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel_state.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nf_conntrack_sctp.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SYSCTLS "/proc/sys/net/netfilter/nf_conntrack_"

/* nf_conntrack_events: for every session, or for those made while somebody listens. */
enum { EVENTS_ALWAYS = 1, EVENTS_LISTENED = 2 };

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

/* Where a timeout is kept, by what name the kernel has it, and its value where it has none. */
struct timeout {
	size_t at;
	const char *name; /* behind SYSCTLS */
	uint32_t preset;
};

#define AT(field) offsetof(struct object_timeouts, field)

static const struct timeout timeouts[] = {
	{ AT(tcp[TCP_CONNTRACK_SYN_SENT]), "tcp_timeout_syn_sent", 2 * MINUTE },
	{ AT(tcp[TCP_CONNTRACK_SYN_SENT2]), "tcp_timeout_syn_sent", 2 * MINUTE },
	{ AT(tcp[TCP_CONNTRACK_SYN_RECV]), "tcp_timeout_syn_recv", MINUTE },
	{ AT(tcp[TCP_CONNTRACK_ESTABLISHED]), "tcp_timeout_established", 5 * DAY },
	{ AT(tcp[TCP_CONNTRACK_FIN_WAIT]), "tcp_timeout_fin_wait", 2 * MINUTE },
	{ AT(tcp[TCP_CONNTRACK_CLOSE_WAIT]), "tcp_timeout_close_wait", MINUTE },
	{ AT(tcp[TCP_CONNTRACK_LAST_ACK]), "tcp_timeout_last_ack", 30 },
	{ AT(tcp[TCP_CONNTRACK_TIME_WAIT]), "tcp_timeout_time_wait", 2 * MINUTE },
	{ AT(tcp[TCP_CONNTRACK_CLOSE]), "tcp_timeout_close", 10 },
	{ AT(udp), "udp_timeout", 30 },
	{ AT(udp_stream), "udp_timeout_stream", 2 * MINUTE },
	{ AT(icmp), "icmp_timeout", 30 },
	{ AT(icmpv6), "icmpv6_timeout", 30 },
	{ AT(generic), "generic_timeout", 10 * MINUTE },
	{ AT(gre), "gre_timeout", 30 },
	{ AT(gre_stream), "gre_timeout_stream", 3 * MINUTE },
	{ AT(sctp[SCTP_CONNTRACK_CLOSED]), "sctp_timeout_closed", 10 },
	{ AT(sctp[SCTP_CONNTRACK_COOKIE_WAIT]), "sctp_timeout_cookie_wait", 3 },
	{ AT(sctp[SCTP_CONNTRACK_COOKIE_ECHOED]), "sctp_timeout_cookie_echoed", 3 },
	{ AT(sctp[SCTP_CONNTRACK_ESTABLISHED]), "sctp_timeout_established", 210 },
	{ AT(sctp[SCTP_CONNTRACK_SHUTDOWN_SENT]), "sctp_timeout_shutdown_sent", 3 },
	{ AT(sctp[SCTP_CONNTRACK_SHUTDOWN_RECD]), "sctp_timeout_shutdown_recd", 3 },
	{ AT(sctp[SCTP_CONNTRACK_SHUTDOWN_ACK_SENT]), "sctp_timeout_shutdown_ack_sent", 3 },
	{ AT(sctp[SCTP_CONNTRACK_HEARTBEAT_SENT]), "sctp_timeout_heartbeat_sent", 30 },
};

/* The number at the beginning of an open file; `absent` when there is none. */
static uint32_t read_number(int fd, uint32_t absent)
{
	char text[32], *end;
	ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
	unsigned long value;

	if (len <= 0)
		return absent;
	text[len] = '\0';
	value = strtoul(text, &end, 10);
	return end == text || value > UINT32_MAX ? absent : (uint32_t)value;
}

static uint32_t read_sysctl(const char *name, uint32_t absent)
{
	char path[128];
	uint32_t value;
	int fd;

	(void)snprintf(path, sizeof(path), SYSCTLS "%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return absent;
	value = read_number(fd, absent);
	close(fd);
	return value;
}

void kernel_refresh_host(struct kernel *k)
{
	for (size_t i = 0; i < ARRAY_LEN(timeouts); i++) {
		const struct timeout *t = &timeouts[i];
		uint8_t *at = (uint8_t *)&k->host.timeouts + t->at;

		*(uint32_t *)(void *)at = read_sysctl(t->name, t->preset);
	}
	k->host.tcp_liberal = read_sysctl("tcp_be_liberal", 0) != 0;
}

void kernel_want_events(const struct log *log)
{
	int fd, result;

	if (read_sysctl("events", EVENTS_ALWAYS) != EVENTS_LISTENED)
		return;
	fd = open(SYSCTLS "events", O_WRONLY | O_CLOEXEC);
	result = fd < 0 || write(fd, "1", 1) != 1 ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (result != 0)
		log_warn(log, "kernel: nf_conntrack_events stays 2: %s", strerror(result));
	else
		log_info(log, "kernel: nf_conntrack_events: 2 -> 1, what sessions become is told");
}

uint32_t kernel_conntrack_max(void)
{
	return read_sysctl("max", 0);
}

uint32_t kernel_conntrack_count(void)
{
	return read_sysctl("count", 0);
}

void kernel_shape_open(struct kernel *k)
{
	k->shape_fd = open(SYSCTLS "buckets", O_RDONLY | O_CLOEXEC);
}

uint32_t kernel_shape(const struct kernel *k)
{
	return k->shape_fd < 0 ? 0 : read_number(k->shape_fd, 0);
}
