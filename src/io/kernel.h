/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kernel: the mirrored tables of this machine's kernel, as objects.
 *
 * Three netlink sockets for each protocol in use, with one life: one hears events, one writes, one
 * asks for single objects; and one for each dump, which ends with it. Events that the writing
 * socket caused are dropped in the kernel by a socket filter, so that what the peer told us is not
 * told back; so are those of whoever writes in its place. Which messages say what is the kinds'
 * knowledge (nsrp/object.h); this file knows netlink.
 *
 * Nothing blocks but for the time the kernel needs to carry out what it is given, which is
 * bounded by the size of a batch.
 */
#ifndef NSRP_IO_KERNEL_H
#define NSRP_IO_KERNEL_H

#include "nsrp/log.h"
#include "nsrp/object.h"

struct kernel;

struct kernel_counters {
	uint64_t events;          /* messages heard */
	uint64_t events_ignored;  /* not mirrored by their nature */
	uint64_t overruns;        /* times events were lost (ENOBUFS) */
	uint64_t malformed;       /* messages that were not what they should be */
	uint64_t dumps, dumped;   /* dumps begun; objects they brought */
	uint64_t dumps_restarted; /* the table changed its shape meanwhile (NLM_F_DUMP_INTR) */
	uint64_t orders, refused; /* messages written; those the kernel did not take */
};

struct kernel_setup {
	const struct log *log; /* borrowed */
	uint32_t hold_s;
	uint8_t node; /* this node's number, 0 or 1 */
	/* The port id of who writes route netlink in place of kernel_write(): its events are
	 * dropped. 0: nobody does. */
	uint32_t route_port;
	/* Of the event sockets; SO_RCVBUFFORCE where allowed. One queued conntrack event takes
	 * 1280 bytes. 0 = 64 MiB. */
	size_t receive_buffer;
	/* Events and dumps are delivered through this; the batch is borrowed for the call, which
	 * must not read events or dumps again, but may write, and ask for single objects unless it
	 * is the answer to such a question. */
	void (*heard)(void *user, const struct object_batch *batch);
	/* An order was refused: `error` is positive. Called from kernel_write(), and must not call
	 * it. */
	void (*refused)(void *user, const struct object_order *order, int error);
	void *user; /* borrowed */
};

/* 0 and *ret_kernel, or negative errno (logged). */
int kernel_new(const struct kernel_setup *setup, struct kernel **ret_kernel);
void kernel_free(struct kernel *k); /* NULL is allowed */

/* What the kinds know of this host: own addresses are the caller's to fill in. */
struct object_host *kernel_host(struct kernel *k);
/* Reads the sysctls anew (timeouts, liberal). */
void kernel_refresh_host(struct kernel *k);

/* Event sockets: wait for each to become readable, then kernel_read_events() with its index. */
unsigned kernel_event_fds(const struct kernel *k, int ret_fds[4]);
/* Reads up to `max` messages. 0: nothing is left; 1: more waits; -ENOBUFS: events were lost, or one
 * told that much changed and not what, and
 * the loss is over: once the buffer ran over the kernel drops all until it has been read to its
 * end, so an audit that begins now misses nothing, and one that began earlier may. Reading goes on
 * with the next call. Other negative errno: the socket failed. */
int kernel_read_events(struct kernel *k, unsigned i, unsigned max);

/* Starts a dump of `kind`; one at a time, -EBUSY otherwise. -EPROTONOSUPPORT: no such kind. */
int kernel_dump_start(struct kernel *k, uint8_t kind);
/* Delivers the next objects, one buffer of the kernel's (some 32 KiB). 1: more is to come; 0: the
 * dump is complete; -EINTR: the table changed its shape: what was delivered stands, and the dump
 * begins anew with the next call, as often as that happens; else negative errno: the dump ended. */
int kernel_dump_step(struct kernel *k);
/* The two halves of a step. read: the system calls, which take as long as the kernel needs to walk
 * its table; any thread may make it, as long as nobody else touches the dump. take: the rest. */
void kernel_dump_read(struct kernel *k);
int kernel_dump_take(struct kernel *k);
void kernel_dump_stop(struct kernel *k);

/* Kinds that this kernel knows nothing of, bit by number; they take no part in anything. */
uint32_t kernel_absent(void);

/* Asks for one object now; it is delivered as WHOLE. 0, -ENOENT, -EBADMSG, other errno. */
int kernel_get(struct kernel *k, uint8_t kind, struct span key);

/* Carries out orders (struct object_order, in a row, 8-byte aligned): rows for the kernel, each
 * acknowledged once, errors attributed to their orders. The outcome is that of one after the
 * other (kernel_write.c says how, and what differs). WHOLE: creates; what exists already is removed
 * first, and with `force` also what is in the way. That what is to be removed, evicted, held,
 * settled or loosened is not there is no refusal. Returns the number refused. */
unsigned kernel_write(struct kernel *k, struct span orders);

/* A session that was made while nobody listened never says that it changed or ended, where the
 * kernel is left to its preset. Needs the right to write sysctls; logged. */
void kernel_want_events(const struct log *log);

/* The kernel tells of an SA's replay state as OBJECT_NUMBERS_* say, and not with every other
 * packet, as it does unasked. Needs the right to write sysctls, and to configure IPsec; logged.
 * Waits for the kernel. */
void kernel_want_numbers(const struct log *log);

/* When nobody looks after this node any more: removes what it holds of the peer's SAs, and the
 * policies of those tunnels, which would block for good. What only this node has stays, held or
 * not. Needs the right to configure IPsec; logged. Waits for the kernel. 0 or negative errno. */
int kernel_leave_ipsec(const struct log *log);

/* Net-wide: nf_conntrack_max and nf_conntrack_count of this namespace; 0 when unknown. */
uint32_t kernel_conntrack_max(void);
uint32_t kernel_conntrack_count(void);

const struct kernel_counters *kernel_counters(const struct kernel *k);

#endif
