/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernel_state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Sends the message of `len` bytes at `bytes`. */
static int send_question(int fd, uint32_t sequence, uint8_t *bytes, size_t len)
{
	struct nlmsghdr *nlh = (void *)bytes;
	struct iovec iov = { bytes, len };
	const struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	nlh->nlmsg_seq = sequence;
	for (;;) {
		if (sendmsg(fd, &message, 0) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

/* One datagram; its length, or negative. */
static ssize_t receive(int fd, void *bytes, size_t max)
{
	struct iovec iov = { bytes, max };

	for (;;) {
		struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t len = recvmsg(fd, &message, MSG_DONTWAIT);

		if (len >= 0)
			return message.msg_flags & MSG_TRUNC ? -EMSGSIZE : len;
		if (errno != EINTR)
			return -errno;
	}
}

/* ---- dumps --------------------------------------------------------------------------------- */

/* The kernel keeps a dump, and what it holds for it, until its socket is closed. */
static void break_off(struct kernel_dump *dump)
{
	if (dump->fd >= 0)
		close(dump->fd);
	dump->fd = -1;
}

int kernel_dump_start(struct kernel *k, uint8_t kind)
{
	struct kernel_dump *dump = &k->dump;

	if (dump->kind)
		return -EBUSY;
	dump->kind = kernel_kind_of(k, kind);
	if (!dump->kind)
		return -EPROTONOSUPPORT;
	k->counters.dumps++;
	return 0;
}

void kernel_dump_stop(struct kernel *k)
{
	break_off(&k->dump);
	k->dump.kind = NULL;
}

static int ask(struct kernel *k, struct kernel_dump *dump)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[OBJECT_NETLINK_MAX];
	int len = dump->kind->ops->put_dump(bytes);

	assert(len > 0);
	dump->fd = kernel_socket(dump->kind->channel->nl_proto);
	if (dump->fd < 0)
		return dump->fd;
	dump->shape = kernel_shape(k);
	dump->sequence++;
	return send_question(dump->fd, dump->sequence, bytes, (size_t)len);
}

static void object_dumped(struct kernel *k, const struct nlmsghdr *nlh)
{
	const struct object_ops *const ops[] = { k->dump.kind->ops, NULL };
	int result = kernel_take(k, &k->batch, ops, nlh);

	if (!result)
		k->counters.dumped++;
	else if (result != -ENOMSG)
		k->counters.malformed++;
}

/* Takes what one buffer holds: 1, or how the dump ended. */
static int take(struct kernel *k, const struct kernel_dump *dump, size_t len)
{
	bool changed = kernel_shape(k) != dump->shape;
	int result = 1;

	for (const struct nlmsghdr *nlh = kernel_message(k->dumped, len); nlh && result == 1;
		nlh = kernel_next(nlh, &len)) {
		if (nlh->nlmsg_seq != dump->sequence)
			continue;
		changed |= (nlh->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR)
			result = kernel_error_of(nlh);
		else
			object_dumped(k, nlh);
	}
	return changed && result >= 0 ? -EINTR : result;
}

void kernel_dump_read(struct kernel *k)
{
	struct kernel_dump *dump = &k->dump;
	int result = 0;

	assert(dump->kind);
	if (dump->fd < 0)
		result = ask(k, dump);
	dump->got = result ? result : receive(dump->fd, k->dumped, sizeof(k->dumped));
}

int kernel_dump_take(struct kernel *k)
{
	struct kernel_dump *dump = &k->dump;
	int result = dump->got < 0 ? (int)dump->got : take(k, dump, (size_t)dump->got);

	kernel_deliver(k, &k->batch);
	if (result == 1)
		return 1;
	break_off(dump);
	if (result == -EINTR)
		k->counters.dumps_restarted++;
	else
		dump->kind = NULL;
	return result;
}

int kernel_dump_step(struct kernel *k)
{
	kernel_dump_read(k);
	return kernel_dump_take(k);
}

/* ---- one object ---------------------------------------------------------------------------- */

/* What a datagram of the answer says: 1 = nothing, it belongs to an older question. */
static int answered(struct kernel *k, const struct object_ops *ops, size_t len)
{
	const struct object_ops *const only[] = { ops, NULL };

	for (const struct nlmsghdr *nlh = kernel_message(k->answer, len); nlh;
		nlh = kernel_next(nlh, &len)) {
		int result;

		if (nlh->nlmsg_seq != k->sequence)
			continue;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return kernel_error_of(nlh);
		result = kernel_take(k, &k->asked, only, nlh);
		if (result == -EBADMSG)
			k->counters.malformed++;
		if (result)
			return result == -ENOMSG ? -ENOENT : result;
		k->asked.object[0].op = OBJECT_WHOLE;
		kernel_deliver(k, &k->asked);
		return 0;
	}
	return 1;
}

int kernel_get(struct kernel *k, uint8_t kind, struct span key)
{
	_Alignas(struct nlmsghdr) uint8_t bytes[OBJECT_NETLINK_MAX];
	const struct kernel_kind *known = kernel_kind_of(k, kind);
	int result = known ? known->ops->put_get(key, bytes) : -EPROTONOSUPPORT;

	if (result <= 0)
		return result ? result : -ENOENT;
	result = send_question(known->channel->ask_fd, ++k->sequence, bytes, (size_t)result);
	if (result)
		return result;
	do {
		ssize_t len = receive(known->channel->ask_fd, k->answer, sizeof(k->answer));

		result = len < 0 ? (int)len : answered(k, known->ops, (size_t)len);
	} while (result == 1);
	return result;
}
