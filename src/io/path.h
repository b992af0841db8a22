/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * path: a way on which frames travel to the peer, an HA link or a secondary path.
 *
 * One socket for the life of the path, whatever becomes of its interface: the descriptor stays
 * the same. A path without a usable interface or route is *down*; that is a state with a
 * reason, not an error, and ends by itself: path_refresh() ties the socket to an interface that
 * (re)appeared, and the next send that works ends the rest. Each change is logged once. Nothing
 * blocks but what PATH_JOINS does.
 *
 * A transport is one file that ends in one struct path_ops, and one line in path.c's table.
 * Carrier is not known here: a path whose cable is out is up, and nobody answers on it.
 */
#ifndef NSRP_IO_PATH_H
#define NSRP_IO_PATH_H

#include "nsrp/base.h"
#include "nsrp/conf.h"
#include "nsrp/log.h"
#include "nsrp/wire.h"

#include <sys/socket.h>

enum path_flag {
	/* Frames are heard, not only sent. Without it, any number of processes may open the same
	 * path (the guardian, beside the engine): UDP then sends from a port of its own. */
	PATH_HEARS = 1,
	/* Joins our multicast address on the Ethernet interface, without which its hardware may
	 * filter our frames out, for every process of the machine. Takes the RTNL mutex, so it
	 * may block: for the guardian. */
	PATH_JOINS = 2,
};

/* Counts only grow. */
struct path_counters {
	uint64_t sent;
	uint64_t send_errors; /* not taken by the kernel: down, no carrier, too long, no memory */
	/* An egress or output rule, or a full queue, dropped it; or the carrier of an HA link went
	 * within the last second. */
	uint64_t send_filtered;
	uint64_t received;  /* delivered to `heard` */
	uint64_t truncated; /* longer than WIRE_FRAME_MAX; dropped */
	uint64_t foreign;   /* not from the peer's address; dropped */
	uint64_t overruns;  /* dropped by the kernel, the receive buffer being full */
};

struct path;

/* How a transport differs from the other. All return 0 or negative errno. */
struct path_ops {
	const char *name;
	/* Makes p->fd, non-blocking and deaf. */
	int (*make)(struct path *p);
	/* Ties p->fd and p->to to the interface p->ifindex (0: none configured); called again
	 * whenever it may have changed. */
	int (*attach)(struct path *p);
	/* The interface is gone or another: hears nothing until attach. */
	void (*detach)(struct path *p);
	/* Whether a frame refused with -ENOBUFS may have been filtered. */
	bool (*is_filtered)(const struct path *p);
	/* Whether what came from *from is for this path. */
	bool (*is_ours)(const struct path *p, const struct sockaddr_storage *from);
};

extern const struct path_ops path_ethernet, path_udp;

/* The caller's storage. Read `count`; treat the rest as private. */
struct path {
	struct path_counters count;
	const struct path_ops *ops;
	struct conf_link conf;
	const struct log *log; /* borrowed */
	unsigned flags;
	int fd;
	unsigned ifindex;     /* of conf.device; 0: none configured, or not there */
	int error;            /* 0 = up, else why it is down */
	mono_t refused_since; /* by a filter or queue; MONO_NEVER: the last frame was taken */
	bool is_refusal_logged;
	uint32_t kernel_drops;
	unsigned joined; /* ethernet: ifindex where the multicast address is joined */
	bool is_bound;   /* udp: to its local address */
	struct sockaddr_storage to;
	socklen_t to_len;
};

enum { PATH_BATCH = 32 };

/* Where frames are received, 300 kB: one for any number of paths. */
struct path_inbox {
	struct mmsghdr message[PATH_BATCH];
	struct iovec vector[PATH_BATCH];
	struct sockaddr_storage from[PATH_BATCH];
	const struct sockaddr_storage *sender; /* of the frame that is being heard */
	_Alignas(struct cmsghdr) uint8_t control[PATH_BATCH][64];
	uint8_t bytes[PATH_BATCH][WIRE_FRAME_MAX];
};

/* Opens, and looks the interface up by name. *conf is copied. `flags` of enum path_flag. 0 also
 * when the path is down; negative: no socket could be had (not permitted, no descriptors, an
 * address or port that somebody else has). */
int path_open(struct path *p, const struct conf_link *conf, unsigned flags, const struct log *log);
/* Harmless after a failed path_open() and when repeated. */
void path_close(struct path *p);

/* The descriptor to watch for reading; the same until path_close(). */
int path_fd(const struct path *p);

/* 0 = up, else the negative errno of why it is down. */
int path_error(const struct path *p);

/* The interface conf.device is there, with this index, and may have changed; 0 = it is gone. May
 * be told as often as one likes. A path without a device is not concerned. */
void path_refresh(struct path *p, unsigned ifindex);
/* The same for those who watch no interfaces: asks the kernel for the index. */
void path_look_up(struct path *p);

/* Sends one frame; never blocks. 0, or negative errno: it is lost, and counted. */
int path_send(struct path *p, struct span frame);
/* Sends many; returns how many the kernel took. The others are lost, and counted. */
unsigned path_send_batch(struct path *p, const struct span *frames, unsigned n);

/* Takes up to PATH_BATCH datagrams off the socket and calls `heard` for each that is ours; the
 * span is borrowed for the call, in which the path is not to be closed. Returns the number
 * taken (PATH_BATCH: there may be more), 0 when there is none, or negative errno when the path
 * went down. */
int path_receive(struct path *p, struct path_inbox *inbox,
	void (*heard)(void *user, struct span frame), void *user);

/* Within `heard`: the MAC address that the frame came from; false for a transport without. */
bool path_sender_mac(const struct path_inbox *inbox, uint8_t ret_mac[6]);

/* For the transports. */

/* Buffers of `size` bytes, beyond the host's limit where allowed; drop counts; priority. */
void path_tune(int fd, int send_size, int receive_size);
/* Makes the socket deaf, until another filter is attached. */
int path_deafen(int fd);

#endif
