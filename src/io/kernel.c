/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	/* A refusal is one small message, charged with its sk_buff. */
	ANSWER_BYTES = 1280,
};

static const int on = 1;

/* ---- messages and batches ------------------------------------------------------------------ */

int kernel_error_of(const struct nlmsghdr *nlh)
{
	int error;

	if (nlh->nlmsg_len < NLMSG_HDRLEN + sizeof(error))
		return -EBADMSG;
	memcpy(&error, (const uint8_t *)nlh + NLMSG_HDRLEN, sizeof(error));
	return error > 0 ? -EBADMSG : error;
}

void kernel_deliver(struct kernel *k, struct object_batch *batch)
{
	if (batch->n > 0)
		k->setup.heard(k->setup.user, batch);
	batch->n = 0;
	batch->used = 0;
}

/* What is taken of the room that a kind was given for an object. */
static size_t room_used(const struct object *o, const uint8_t *room)
{
	size_t key = (size_t)(o->key - room) + o->key_len;
	size_t value = o->value_len > 0 ? (size_t)(o->value - room) + o->value_len : 0;
	size_t origin = o->origin_len > 0 ? (size_t)(o->origin - room) + o->origin_len : 0;
	size_t used = key > value ? key : value;

	used = origin > used ? origin : used;
	assert(used <= OBJECT_KEY_MAX + OBJECT_VALUE_MAX);
	return (used + 7) & ~(size_t)7;
}

int kernel_take(struct kernel *k, struct object_batch *batch, const struct object_ops *const *ops,
	const struct nlmsghdr *nlh)
{
	struct object *o = &batch->object[batch->n];
	uint8_t *room = batch->bytes + batch->used;
	int result = -ENOMSG;

	for (; *ops && result == -ENOMSG; ops++)
		result = (*ops)->parse(&k->host, nlh, o, room);
	if (result)
		return result;
	if (o->kind == OBJECT_POLICY && o->op == OBJECT_WHOLE)
		kernel_policy_seen(k, span_of(o->key, o->key_len));
	batch->used += room_used(o, room);
	batch->n++;
	if (batch->n == OBJECT_BATCH_MAX ||
		batch->used > OBJECT_BATCH_BYTES - OBJECT_KEY_MAX - OBJECT_VALUE_MAX)
		kernel_deliver(k, batch);
	return 0;
}

/* ---- sockets ------------------------------------------------------------------------------- */

int kernel_socket(int nl_proto)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, nl_proto);
	int result;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const void *)&any, sizeof(any)) == 0)
		return fd;
	result = -errno;
	close(fd);
	return result;
}

uint32_t kernel_absent(void)
{
	uint32_t absent = 0;

	for (const struct object_ops *const *ops = object_table; *ops; ops++) {
		int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, (*ops)->nl_proto);

		if (fd < 0 && errno == EPROTONOSUPPORT)
			absent |= 1u << (*ops)->kind;
		if (fd >= 0)
			close(fd);
	}
	return absent;
}

size_t kernel_receive_buffer(int fd, size_t bytes)
{
	/* The kernel doubles what it is told. */
	int told = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;
	int got = 0;
	socklen_t len = sizeof(got);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &told, sizeof(told)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &told, sizeof(told));
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &len) < 0 || got < 0)
		return 0;
	return (size_t)got;
}

static int write_open(struct kernel_channel *c)
{
	size_t room;

	c->write_fd = kernel_socket(c->nl_proto);
	if (c->write_fd < 0)
		return c->write_fd;
	/* Without the echo of what is refused, answers are small. */
	if (setsockopt(c->write_fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) < 0)
		return -errno;
	room = kernel_receive_buffer(c->write_fd, (size_t)KERNEL_SLOTS_MAX * ANSWER_BYTES);
	c->answers_max = room / ANSWER_BYTES > KERNEL_SLOTS_MAX ? KERNEL_SLOTS_MAX
								: (unsigned)(room / ANSWER_BYTES);
	return c->answers_max > 0 ? 0 : -ENOBUFS;
}

static int port_of(int fd, uint32_t *ret_port)
{
	struct sockaddr_nl self;
	socklen_t len = sizeof(self);

	if (getsockname(fd, (void *)&self, &len) < 0)
		return -errno;
	*ret_port = self.nl_pid;
	return 0;
}

static int channel_open(struct kernel *k, struct kernel_channel *c)
{
	uint32_t port = 0;
	int result = write_open(c);

	if (!result)
		result = port_of(c->write_fd, &port);
	if (result)
		return result;
	c->write_port = port;
	c->ask_fd = kernel_socket(c->nl_proto);
	if (c->ask_fd < 0)
		return c->ask_fd;
	if (c->nl_proto == NETLINK_ROUTE && k->setup.route_port != 0)
		port = k->setup.route_port;
	return kernel_event_open(k, c, port);
}

static void close_one(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* ---- the whole ----------------------------------------------------------------------------- */

static struct kernel_channel *channel_for(struct kernel *k, int nl_proto)
{
	struct kernel_channel *c;

	for (c = k->channel; c < k->channel + k->n_channels; c++)
		if (c->nl_proto == nl_proto)
			return c;
	assert(k->n_channels < KERNEL_CHANNELS_MAX);
	k->n_channels++;
	c->nl_proto = nl_proto;
	c->event_fd = c->write_fd = c->ask_fd = -1;
	return c;
}

static void sort_kinds(struct kernel *k)
{
	for (const struct object_ops *const *ops = object_table; *ops; ops++) {
		if (kernel_absent() >> (*ops)->kind & 1)
			continue;
		struct kernel_channel *c = channel_for(k, (*ops)->nl_proto);
		unsigned n = 0;

		while (c->ops[n])
			n++;
		assert(n < OBJECT_KIND_MAX);
		c->ops[n] = *ops;
		assert((*ops)->kind <= OBJECT_KIND_MAX);
		k->kind[(*ops)->kind] = (struct kernel_kind){ *ops, c };
	}
}

int kernel_new(const struct kernel_setup *setup, struct kernel **ret_kernel)
{
	struct kernel *k = calloc(1, sizeof(*k));
	int result = 0;

	if (!k)
		return -ENOMEM;
	k->setup = *setup;
	k->dump.fd = -1;
	k->host.hold_s = setup->hold_s;
	k->host.node = setup->node;
	kernel_event_prepare(k);
	kernel_write_prepare(k);
	kernel_shape_open(k);
	kernel_refresh_host(k);
	sort_kinds(k);
	for (unsigned i = 0; i < k->n_channels && !result; i++)
		result = channel_open(k, &k->channel[i]);
	if (result) {
		log_err(setup->log, "kernel: no access to the tables that are mirrored: %s",
			strerror(-result));
		kernel_free(k);
		return result;
	}
	*ret_kernel = k;
	return 0;
}

void kernel_free(struct kernel *k)
{
	if (!k)
		return;
	for (unsigned i = 0; i < k->n_channels; i++) {
		close_one(k->channel[i].event_fd);
		close_one(k->channel[i].write_fd);
		close_one(k->channel[i].ask_fd);
	}
	kernel_dump_stop(k);
	close_one(k->shape_fd);
	free(k);
}

struct object_host *kernel_host(struct kernel *k)
{
	return &k->host;
}

const struct kernel_counters *kernel_counters(const struct kernel *k)
{
	return &k->counters;
}
