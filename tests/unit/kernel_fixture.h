/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kernel_fixture: a kind of object with the simplest of messages, and a kernel that keeps such
 * objects. The test's sendmsg(), recvmsg() and recvmmsg() stand in the place of libc's.
 *
 * An object's key is one byte; its value two: a place, which no two objects can share (as sessions
 * their reply tuple), and a content.
 */
#ifndef NSRP_TESTS_KERNEL_FIXTURE_H
#define NSRP_TESTS_KERNEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "io/kernel.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { TOY = 1, TOY_KEYS = 256, TOY_TYPE = 0x100, TOY_ALIEN = 0x200, TOY_UNASKED = 0x300 };

struct toy_message {
	struct nlmsghdr header;
	uint8_t op, key, place, content;
};

/* ---- the kind ------------------------------------------------------------------------------ */

static inline int toy_parse(const struct object_host *host, const struct nlmsghdr *nlh,
	struct object *ret, uint8_t *room)
{
	const struct toy_message *m = (const void *)nlh;

	assert_non_null(host);
	if (nlh->nlmsg_type != TOY_TYPE)
		return -ENOMSG;
	if (nlh->nlmsg_len < sizeof(*m))
		return -EBADMSG;
	room[0] = m->key;
	room[1] = m->place;
	room[2] = m->content;
	*ret = (struct object){ .kind = TOY,
		.op = m->op,
		.key_len = 1,
		.value_len = 2,
		.key = room,
		.value = room + 1 };
	return 0;
}

static inline int toy_put(uint16_t type, struct toy_message m, void *room)
{
	m.header.nlmsg_len = sizeof(m);
	m.header.nlmsg_type = type;
	m.header.nlmsg_flags = NLM_F_REQUEST;
	memcpy(room, &m, sizeof(m));
	return sizeof(m);
}

static inline int toy_put_dump(void *room)
{
	return toy_put(TOY_TYPE, (struct toy_message){ .op = 100 }, room);
}

static inline int toy_put_get(struct span key, void *room)
{
	return toy_put(TOY_TYPE, (struct toy_message){ .op = 101, .key = key.data[0] }, room);
}

/* Key 255 is not well-formed. */
static inline int toy_put_order(const struct object_host *host, enum object_op op, struct span key,
	struct span value, void *room)
{
	struct toy_message m = { .op = (uint8_t)op, .key = key.data[0] };

	assert_non_null(host);
	assert_int_not_equal(op, OBJECT_WHOLE);
	if (m.key == 255)
		return -EBADMSG;
	if (value.len == 2) {
		m.place = value.data[0];
		m.content = value.data[1];
	}
	return toy_put(TOY_TYPE, m, room);
}

static const uint32_t toy_groups[] = { 0 };
static const struct object_ops toy_ops = {
	.name = "toy",
	.kind = TOY,
	.nl_proto = NETLINK_NETFILTER,
	.nl_groups = toy_groups,
	.parse = toy_parse,
	.put_dump = toy_put_dump,
	.put_get = toy_put_get,
	.put_order = toy_put_order,
};

const struct object_ops *const object_table[] = { &toy_ops, NULL };

const struct object_ops *object_ops_of(uint8_t kind)
{
	return kind == TOY ? &toy_ops : NULL;
}

uint32_t object_hash(uint32_t seed, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	/* Poor on purpose: the table of keys has to live with collisions. */
	return seed + (len > 0 ? at[0] % 4u : 0);
}

/* ---- the kernel ---------------------------------------------------------------------------- */

struct toy_object {
	bool there, held;
	uint8_t place, content;
};

/* Answers, events or buffers of a dump, in the order in which they will be read. */
enum { TOY_QUEUE_MAX = 2048, TOY_BYTES = 8192 };
struct toy_item {
	int error; /* read as this errno */
	size_t len;
	uint8_t bytes[TOY_BYTES];
};

static struct {
	struct toy_object object[TOY_KEYS];
	unsigned sends, messages, reads;
	int send_error;       /* of the next sendmsg() */
	bool forbidden;       /* the first message is refused, the rest not looked at */
	unsigned answers_max; /* those behind it are lost; 0 = none is */
	unsigned lost;
	uint32_t asked; /* sequence number of the last question */
	unsigned first, n;
	struct toy_item item[TOY_QUEUE_MAX];
} toy;

static inline void toy_queue(const void *bytes, size_t len)
{
	struct toy_item *item = &toy.item[(toy.first + toy.n++) % TOY_QUEUE_MAX];

	assert_in_range(toy.n, 1, TOY_QUEUE_MAX);
	assert_in_range(len, 0, TOY_BYTES);
	item->error = 0;
	item->len = len;
	memcpy(item->bytes, bytes, len);
}

static inline void toy_queue_error(int error)
{
	toy_queue("", 0);
	toy.item[(toy.first + toy.n - 1) % TOY_QUEUE_MAX].error = error;
}

static inline int toy_remove_place(uint8_t place)
{
	for (unsigned i = 0; i < TOY_KEYS; i++)
		if (toy.object[i].there && toy.object[i].place == place) {
			toy.object[i].there = false;
			return 0;
		}
	return ENOENT;
}

static inline bool toy_place_taken(uint8_t place)
{
	for (unsigned i = 0; i < TOY_KEYS; i++)
		if (toy.object[i].there && toy.object[i].place == place)
			return true;
	return false;
}

static inline int toy_apply(const struct toy_message *m)
{
	struct toy_object *o = &toy.object[m->key];

	if (m->op == OBJECT_EVICT)
		return toy_remove_place(m->place);
	if (m->op == OBJECT_CREATE) {
		if (o->there || toy_place_taken(m->place))
			return EEXIST;
		*o = (struct toy_object){ true, false, m->place, m->content };
		return 0;
	}
	if (!o->there)
		return ENOENT;
	if (m->op == OBJECT_REMOVE)
		o->there = false;
	else if (m->op == OBJECT_CHANGE)
		o->content = m->content;
	else
		o->held = m->op == OBJECT_HOLD;
	return 0;
}

static inline void toy_answer(uint32_t sequence, int error)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} a = { .header = { .nlmsg_len = sizeof(a),
			.nlmsg_type = NLMSG_ERROR,
			.nlmsg_seq = sequence },
		.error = { .error = -error } };

	if (toy.answers_max > 0 && toy.n >= toy.answers_max) {
		if (toy.lost++ == 0)
			toy_queue_error(ENOBUFS);
		return;
	}
	toy_queue(&a, sizeof(a));
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	const uint8_t *at = message->msg_iov->iov_base;
	size_t left = message->msg_iov->iov_len;

	assert_true(fd >= 0 && flags == 0);
	toy.sends++;
	if (toy.send_error) {
		errno = toy.send_error;
		toy.send_error = 0;
		return -1;
	}
	for (; left > 0; at += sizeof(struct toy_message), left -= sizeof(struct toy_message)) {
		const struct toy_message *m = (const void *)at;
		int error = toy.forbidden ? EPERM : 0;
		bool last = left == sizeof(*m);

		assert_int_equal(m->header.nlmsg_len, sizeof(*m));
		toy.messages++;
		toy.asked = m->header.nlmsg_seq;
		if (m->op >= 100)
			continue;
		assert_int_equal((m->header.nlmsg_flags & NLM_F_ACK) != 0, last);
		if (!toy.forbidden)
			error = toy_apply(m);
		if (error || last)
			toy_answer(m->header.nlmsg_seq, error);
		if (toy.forbidden)
			break;
	}
	return (ssize_t)message->msg_iov->iov_len;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	struct toy_item *item = &toy.item[toy.first];
	size_t max = message->msg_iov->iov_len;
	int error = toy.n == 0 ? EAGAIN : item->error;

	assert_true(fd >= 0 && flags == MSG_DONTWAIT);
	toy.reads++;
	if (toy.n > 0) {
		toy.first = (toy.first + 1) % TOY_QUEUE_MAX;
		toy.n--;
	}
	if (error) {
		errno = error;
		return -1;
	}
	message->msg_flags = item->len > max ? MSG_TRUNC : 0;
	memcpy(message->msg_iov->iov_base, item->bytes, item->len < max ? item->len : max);
	return (ssize_t)(item->len < max ? item->len : max);
}

/* As the kernel: an error behind the first message waits for the next call. */
int recvmmsg(int fd, struct mmsghdr *vector, unsigned n, int flags, struct timespec *timeout)
{
	unsigned i = 0;

	assert_null(timeout);
	while (i < n) {
		ssize_t len;

		if (i > 0 && (toy.n == 0 || toy.item[toy.first].error))
			break;
		len = recvmsg(fd, &vector[i].msg_hdr, flags);
		if (len < 0)
			return -1;
		vector[i++].msg_len = (unsigned)len;
	}
	return (int)i;
}

/* ---- the one under test -------------------------------------------------------------------- */

enum { HEARD_MAX = 4096, REFUSED_MAX = 4096 };

static struct {
	unsigned n, batches, n_refused;
	struct toy_message object[HEARD_MAX];
	struct toy_message refused[REFUSED_MAX];
	int error[REFUSED_MAX];
} heard;

static inline void on_heard(void *user, const struct object_batch *batch)
{
	assert_ptr_equal(user, &heard);
	assert_in_range(batch->n, 1, OBJECT_BATCH_MAX);
	heard.batches++;
	for (unsigned i = 0; i < batch->n; i++) {
		const struct object *o = &batch->object[i];

		assert_in_range(heard.n, 0, HEARD_MAX - 1);
		heard.object[heard.n++] = (struct toy_message){
			.op = o->op, .key = o->key[0], .place = o->value[0], .content = o->value[1]
		};
	}
}

static inline void on_refused(void *user, const struct object_order *order, int error)
{
	assert_ptr_equal(user, &heard);
	assert_in_range(heard.n_refused, 0, REFUSED_MAX - 1);
	assert_true(error > 0);
	heard.error[heard.n_refused] = error;
	heard.refused[heard.n_refused++] =
		(struct toy_message){ .op = order->op, .key = object_order_key(order)[0] };
}

__attribute__((format(printf, 3, 4))) static inline void log_nothing(
	void *user, enum log_level level, const char *format, ...)
{
	(void)user;
	(void)level;
	(void)format;
}

static const struct log no_log = { .write = log_nothing };

static inline int kernel_up(void **state)
{
	const struct kernel_setup setup = { .log = &no_log,
		.hold_s = 600,
		.receive_buffer = 64 * 1024,
		.heard = on_heard,
		.refused = on_refused,
		.user = &heard };
	struct kernel *k;

	memset(&toy, 0, sizeof(toy));
	memset(&heard, 0, sizeof(heard));
	assert_int_equal(kernel_new(&setup, &k), 0);
	*state = k;
	return 0;
}

static inline int kernel_down(void **state)
{
	kernel_free(*state);
	return 0;
}

#endif
