/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel_state.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <string.h>

enum {
	RECEIVE_BUFFER = 64 * 1024 * 1024,
	QUEUED_MIN = 512, /* no message in a receive buffer is charged less */
};

/* ---- the socket ---------------------------------------------------------------------------- */

/* Drops what `port` caused, and what bridges learn, which comes in the words of neighbours, before
 * they take room in the buffer. Those messages begin with their family. Loads are big-endian,
 * netlink's numbers the machine's; one beyond the end drops the message, so a length is looked at
 * first: some are a header alone. */
static int drop_own(const struct kernel_channel *c, uint32_t port)
{
	uint32_t family = c->nl_proto == NETLINK_ROUTE ? AF_BRIDGE : UINT32_MAX;
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(port), 4, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, NLMSG_HDRLEN, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NLMSG_HDRLEN),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, family, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = { .len = ARRAY_LEN(f), .filter = f };

	return setsockopt(c->event_fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0
		       ? -errno
		       : 0;
}

/* Events of all kinds come through one socket, so that their order is kept. */
static int join(const struct kernel_channel *c)
{
	for (const struct object_ops *const *ops = c->ops; *ops; ops++)
		for (const uint32_t *group = (*ops)->nl_groups; *group; group++)
			if (setsockopt(c->event_fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group,
				    sizeof(*group)) < 0)
				return -errno;
	return 0;
}

int kernel_event_open(struct kernel *k, struct kernel_channel *c, uint32_t own_port)
{
	size_t wanted = k->setup.receive_buffer ? k->setup.receive_buffer : RECEIVE_BUFFER;
	size_t got;
	int result;

	c->event_fd = kernel_socket(c->nl_proto);
	if (c->event_fd < 0)
		return c->event_fd;
	got = kernel_receive_buffer(c->event_fd, wanted);
	c->queued_max = (unsigned)(got / QUEUED_MIN) + 1;
	if (got < wanted)
		log_warn(k->setup.log,
			"kernel: %zu KiB for events instead of %zu: bursts may need an audit",
			got / 1024, wanted / 1024);
	result = drop_own(c, own_port);
	return result ? result : join(c);
}

void kernel_event_prepare(struct kernel *k)
{
	for (unsigned i = 0; i < KERNEL_VECTOR; i++) {
		k->iov[i] = (struct iovec){ k->events[i], KERNEL_EVENT_MAX };
		k->vector[i].msg_hdr = (struct msghdr){ .msg_iov = &k->iov[i], .msg_iovlen = 1 };
	}
}

unsigned kernel_event_fds(const struct kernel *k, int ret_fds[4])
{
	for (unsigned i = 0; i < k->n_channels; i++)
		ret_fds[i] = k->channel[i].event_fd;
	return k->n_channels;
}

/* ---- reading ------------------------------------------------------------------------------- */

static void datagram_heard(
	struct kernel *k, struct kernel_channel *c, const struct mmsghdr *datagram)
{
	size_t len = datagram->msg_len;
	const struct nlmsghdr *nlh = kernel_message(datagram->msg_hdr.msg_iov->iov_base, len);

	k->counters.malformed += !nlh || datagram->msg_hdr.msg_flags & MSG_TRUNC;
	for (; nlh; nlh = kernel_next(nlh, &len)) {
		int result = kernel_take(k, &k->batch, c->ops, nlh);

		k->counters.events++;
		if (result == -ENOMSG)
			k->counters.events_ignored++;
		else if (result == -ESTALE)
			c->stale = true;
		else if (result)
			k->counters.malformed++;
	}
}

/* From an overrun on, the kernel drops every event until the queue has been read to its end, and
 * does not say so again: only then is the loss over, and told of. */
static int not_read(struct kernel *k, struct kernel_channel *c, int error)
{
	bool lossy = c->lossy > 0;

	switch (error) {
	case EINTR: return 1;
	case ENOBUFS:
		k->counters.overruns++;
		c->lossy = c->queued_max;
		return 1;
	case EAGAIN: c->lossy = 0; return lossy ? -ENOBUFS : 0;
	default: return -error;
	}
}

/* Reads up to *max messages, and deducts them. 1: more may wait; else kernel_read_events(). */
static int read_some(struct kernel *k, struct kernel_channel *c, unsigned *max)
{
	unsigned wanted = *max < KERNEL_VECTOR ? *max : KERNEL_VECTOR;
	int result = recvmmsg(c->event_fd, k->vector, wanted, MSG_DONTWAIT, NULL);
	unsigned n = result > 0 ? (unsigned)result : 0;

	*max -= n > 0 ? n : 1;
	if (result < 0)
		return not_read(k, c, errno);
	for (unsigned i = 0; i < n; i++)
		datagram_heard(k, c, &k->vector[i]);
	if (c->lossy > n) {
		c->lossy -= n;
		return 1;
	}
	if (c->lossy > 0)
		return not_read(k, c, EAGAIN);
	/* After fewer than wanted nothing is left, or an error waits, which poll tells. */
	return n == wanted;
}

int kernel_read_events(struct kernel *k, unsigned i, unsigned max)
{
	struct kernel_channel *c = &k->channel[i];
	int result = 1;

	assert(i < k->n_channels);
	while (result == 1 && max > 0)
		result = read_some(k, c, &max);
	kernel_deliver(k, &k->batch);
	if (c->stale && (result == 0 || result == 1)) {
		c->stale = false;
		return -ENOBUFS;
	}
	return result;
}
