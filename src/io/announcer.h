/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * announcer: sends the frames that announce.h says are due, by one AF_PACKET socket. It never
 * waits. MAC addresses (but virtual ones, which the
 * configuration has), interfaces and whether the node is a router come from the watch; an
 * interface that is not there, not Ethernet, down or without carrier is skipped and counted.
 */
#ifndef NSRP_IO_ANNOUNCER_H
#define NSRP_IO_ANNOUNCER_H

#include "announce.h"
#include "watch.h"

struct announcer {
	int fd;
	const struct watch *watch; /* borrowed */
	uint64_t sent;
	uint64_t skipped;  /* frames for an interface that cannot take them now */
	uint64_t filtered; /* ENOBUFS: a netdev egress rule dropped it, or the queue was full */
	uint64_t errors;   /* frames the kernel refused for another reason */
};

/* 0 or what socket() says. The socket hears nothing. */
int announcer_init(struct announcer *a, const struct watch *watch);
void announcer_fini(struct announcer *a);

/* Sends n <= ANNOUNCE_MAX frames, with one system call when all goes well. */
void announcer_send(struct announcer *a, const struct conf *conf,
	const struct announce_frame *frames, unsigned n);

#endif
