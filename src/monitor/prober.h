/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * prober: asks a neighbour or a host on the way whether it is there, and hears the answer.
 *
 * Each way of asking is one file that ends in one struct prober_ops, and one line in table.c. It
 * has one raw socket with a filter, so that nothing but answers to its own questions wakes this
 * process. The socket stays the same whatever becomes of the interface: that is looked up by name
 * before each question, and a question that cannot be sent is an unanswered one.
 *
 * It owns no loop and reads no clock. Packets are not asked for their time of arrival: the kernel
 * would then take the time of every packet of the host.
 */
#ifndef NSRP_MONITOR_PROBER_H
#define NSRP_MONITOR_PROBER_H

#include "nsrp/base.h"
#include "nsrp/conf.h"

enum {
	PROBER_PACKET_MAX = 256, /* an answer of ours is shorter */
	PROBER_TOKEN_LEN = 8,
	PROBER_HEAR_MAX = 16, /* packets taken at a time */
};

struct prober;

/* What came off the socket; borrowed for the call. */
struct prober_packet {
	struct span bytes;
	struct conf_ip from; /* family 0: not an IP socket's */
	int hop_limit;       /* IPv6; -1: not told */
};

/* How one way of asking differs from the others. */
struct prober_ops {
	const char *name;
	/* Makes p->fd, non-blocking, with its filter. 0 or negative errno. */
	int (*make)(struct prober *p);
	/* Ties p->fd to p->ifindex, which is not 0. 0 or negative errno. NULL: by SO_BINDTOIFINDEX.
	 */
	int (*attach)(struct prober *p);
	/* Asks. 0 or negative errno. */
	int (*ask)(struct prober *p, uint16_t sequence);
	/* Whether that is an answer to the question *ret_sequence; one that names none answers
	 * the last question. */
	bool (*is_answer)(
		const struct prober *p, const struct prober_packet *packet, uint16_t *ret_sequence);
};

/* The caller's storage. Read `error`; treat the rest as private. */
struct prober {
	const struct prober_ops *ops;
	struct conf_ip target;
	char device[CONF_DEVICE_MAX]; /* empty: any */
	int fd;
	unsigned ifindex; /* that fd is tied to; 0 = none */
	uint16_t last;    /* number of the last question */
	uint16_t id;      /* this prober's own, as far as chance makes it so */
	uint8_t token[PROBER_TOKEN_LEN];
	uint8_t mac[6]; /* of the interface */
	int error;      /* of the last question; 0 = it was sent, or negative errno */
};

/* The way of asking for a monitor of this type and target; NULL: it does not ask. */
const struct prober_ops *prober_ops_of(const struct conf_monitor *conf);

/* Opens. 0, or negative errno: no socket could be had. */
int prober_open(struct prober *p, const struct conf_monitor *conf);
/* Harmless after a failed prober_open() and when repeated. */
void prober_close(struct prober *p);
/* Readable: call prober_hear(). The same until prober_close(). */
int prober_fd(const struct prober *p);

/* Sends a question; `ifindex` and `mac` are those of the interface now, 0 = it is not there. The
 * kernel is not asked for them: for an interface that it does not know it may look for a module,
 * and that takes long. 0, or negative errno, which is in p->error, too. */
int prober_ask(struct prober *p, uint16_t sequence, unsigned ifindex, const uint8_t mac[6]);

/* Takes the next answer that waits; what is none is passed over, PROBER_HEAR_MAX packets at most.
 * True: it answers the question *ret_sequence, and more may wait. */
bool prober_hear(struct prober *p, uint16_t *ret_sequence);

/* For the ways of asking. */

/* An integer option; 0 or negative errno. */
int prober_option(const struct prober *p, int level, int option, int value);
/* Lets pass what the classic BPF program does. 0 or negative errno. */
struct sock_filter;
int prober_filter(const struct prober *p, const struct sock_filter *program, size_t n);
/* The Internet checksum of RFC 1071. */
uint16_t prober_checksum(const uint8_t *bytes, size_t len);

extern const struct prober_ops prober_icmp, prober_icmpv6, prober_arp, prober_neighbour;

#endif
