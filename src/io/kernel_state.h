/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kernel_state: what the files of kernel share; no one else's business.
 */
#ifndef NSRP_IO_KERNEL_STATE_H
#define NSRP_IO_KERNEL_STATE_H

#include "kernel.h"

#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
	KERNEL_CHANNELS_MAX = 4, /* protocols */
	KERNEL_VECTOR = 32,      /* events read by one call */
	/* The largest event that is understood. The odd lines keep the beginnings of messages from
	 * sharing one set of the cache. */
	KERNEL_EVENT_MAX = 4096 + 5 * 64,
	KERNEL_DUMP_MAX = 64 * 1024,  /* more than the kernel puts into one buffer of a dump */
	KERNEL_WRITE_MAX = 64 * 1024, /* bytes for one sendmsg */
	KERNEL_SLOTS_MAX = 1024,      /* messages in them */
	KERNEL_ORDERS_MAX = 1024,     /* orders judged together */
	KERNEL_KEYS_MAX = 4096,       /* slots of the hash of their keys */
};

/* The sockets of one protocol. */
struct kernel_channel {
	int nl_proto;
	const struct object_ops *ops[OBJECT_KIND_MAX + 1]; /* this protocol's; ended by NULL */
	int event_fd, write_fd, ask_fd;                    /* owned */
	uint32_t write_port;
	bool stale; /* an event told that much changed, and not what */
	/* Events were lost, and may be until the queue is empty, which it is at the latest when
	 * this many more are read; 0 = none. */
	unsigned lossy;
	unsigned queued_max;  /* events that the receive buffer may hold */
	unsigned answers_max; /* messages whose refusals the write socket has room for */
};

struct kernel_kind {
	const struct object_ops *ops; /* NULL = there is none of this number */
	struct kernel_channel *channel;
};

/* The dump under way. */
struct kernel_dump {
	const struct kernel_kind *kind; /* NULL = none */
	int fd;                         /* owned; -1 = still to be asked for */
	uint32_t sequence;
	uint32_t shape; /* of the tables when it was asked for */
	ssize_t got;    /* what the last read brought: bytes, or negative errno */
};

/* A message of the row that is being written. */
struct kernel_slot {
	uint16_t order; /* index into kernel_writing.order */
	uint8_t op;     /* what the message does */
	bool answered;
};

/* Orders that are judged together, and the row of messages under construction for some. */
struct kernel_writing {
	struct kernel_channel *channel; /* of the orders */
	const struct object_order *run; /* orders before this have been run once */
	unsigned n;
	const struct object_order *order[KERNEL_ORDERS_MAX];
	int16_t error[KERNEL_ORDERS_MAX]; /* of each order, positive; 0 = done */
	bool again[KERNEL_ORDERS_MAX];    /* replaced what was there */
	bool refusals;                    /* some error is not 0 */
	/* Whether what is to replace removes first, and what tells: how many orders replace, how
	 * many had to try again, and how many removed nothing. */
	bool removes_first;
	unsigned wholes, present, absent;

	uint32_t sequence; /* of slot 0, once sent */
	int last_error;
	unsigned n_slots;
	struct kernel_slot slot[KERNEL_SLOTS_MAX];
	size_t used, last; /* bytes; where the last message begins */
	_Alignas(struct nlmsghdr) uint8_t bytes[KERNEL_WRITE_MAX];

	uint16_t key[KERNEL_KEYS_MAX]; /* hash of objects: index of an order + 1; 0 = free */
	struct mmsghdr vector[KERNEL_VECTOR];
	struct iovec iov[KERNEL_VECTOR];
	_Alignas(struct nlmsghdr) uint8_t answer[KERNEL_VECTOR][64];
};

struct kernel {
	struct kernel_setup setup;
	struct kernel_counters counters;
	unsigned n_channels;
	struct kernel_channel channel[KERNEL_CHANNELS_MAX];
	struct kernel_kind kind[OBJECT_KIND_MAX + 1]; /* by number */
	uint32_t sequence;
	int shape_fd; /* owned; -1 when there is none */
	struct object_host host;
	struct object_lengths lengths; /* of policies that were heard of, or written */
	struct kernel_dump dump;
	struct object_batch batch; /* events and dumps */
	struct object_batch asked; /* kernel_get(), which `heard` may call */
	struct kernel_writing writing;
	struct mmsghdr vector[KERNEL_VECTOR];
	struct iovec iov[KERNEL_VECTOR];
	_Alignas(64) uint8_t events[KERNEL_VECTOR][KERNEL_EVENT_MAX];
	_Alignas(struct nlmsghdr) uint8_t dumped[KERNEL_DUMP_MAX];
	_Alignas(struct nlmsghdr) uint8_t answer[KERNEL_EVENT_MAX];
};

/* The message at `nlh`, or NULL when `len` bytes hold none. */
static inline const struct nlmsghdr *kernel_message(const void *nlh, size_t len)
{
	const struct nlmsghdr *message = nlh;

	return len >= sizeof(*message) && message->nlmsg_len >= sizeof(*message) &&
			       message->nlmsg_len <= len
		       ? message
		       : NULL;
}

/* The one behind it; *len is what is left from *nlh on. */
static inline const struct nlmsghdr *kernel_next(const struct nlmsghdr *nlh, size_t *len)
{
	size_t step = NLMSG_ALIGN((size_t)nlh->nlmsg_len);

	*len -= step < *len ? step : *len;
	return kernel_message((const uint8_t *)nlh + step, *len);
}

/* Errors of netlink are negative numbers behind the header. 0 when there is none. */
int kernel_error_of(const struct nlmsghdr *nlh);

/* Puts what a message says, by the first of `ops` that knows it, into the batch, and delivers that
 * when it is full. 0, -ENOMSG, -EBADMSG. */
int kernel_take(struct kernel *k, struct object_batch *batch, const struct object_ops *const *ops,
	const struct nlmsghdr *nlh);
/* A policy was heard of, or is written: by what is seen of them the kernel is told how to find
 * them. */
void kernel_policy_seen(struct kernel *k, struct span key);
/* Delivers what is in the batch. */
void kernel_deliver(struct kernel *k, struct object_batch *batch);

/* A bound, non-blocking socket; its number, or negative errno. */
int kernel_socket(int nl_proto);
/* Of the receive buffer, by force where allowed. The bytes that it has then. */
size_t kernel_receive_buffer(int fd, size_t bytes);
/* NULL if the kind is not known. */
static inline const struct kernel_kind *kernel_kind_of(const struct kernel *k, uint8_t kind)
{
	return kind <= OBJECT_KIND_MAX && k->kind[kind].ops ? &k->kind[kind] : NULL;
}

/* Of each object of a dump: writes a message for the kernel into room, and returns its length; 0:
 * none. */
typedef int kernel_walked(
	void *user, const struct nlmsghdr *dumped, uint8_t room[OBJECT_NETLINK_MAX]);
/* A dump of its own, to its end, by who may wait for the kernel. How many messages were written, or
 * negative errno. */
int kernel_walk(uint8_t kind, kernel_walked *each, void *user);

void kernel_write_prepare(struct kernel *k);

/* The socket that hears events, which those that `own_port` caused do not reach. */
int kernel_event_open(struct kernel *k, struct kernel_channel *c, uint32_t own_port);
void kernel_event_prepare(struct kernel *k);

/* Once: what kernel_shape() reads. */
void kernel_shape_open(struct kernel *k);
/* A number that changes when a dump under way may have missed something, because the kernel's
 * tables were laid out anew. The kernel does not say so itself for conntrack. */
uint32_t kernel_shape(const struct kernel *k);

#endif
