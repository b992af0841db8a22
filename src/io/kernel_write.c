/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Telling the kernel.
 *
 * Orders become a row of messages, of which only the last is acknowledged; a refusal is told
 * always. The kernel carries out all of them, also those behind a refused one. So what is tried
 * again in another way comes behind orders that stood behind it. The outcome is that of carrying
 * out one after the other all the same:
 *
 * - What was to replace, and was refused because there is something, is tried again as a removal
 *   and a creation, unless a later order replaces or removes the same object. Later orders that
 *   change that object are repeated behind it.
 * - What may evict, and was refused again, can take with it what a later order has made. So it
 *   ends the row: what stands behind it is run anew, in rows that are short at first, and twice
 *   as long after each that needs no eviction. That bounds how often an order is run.
 *
 * Kinds whose creation replaces are none of that: one message, before and after which there is
 * something.
 *
 * Differences remain where objects are in each other's way: of two that may not evict, the later
 * may be taken and the earlier refused; and one that may evict, but is removed or replaced again
 * by a later order, may not have evicted.
 */
#include "kernel_state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { MESSAGES_MAX = 2 }; /* that an order takes */

void kernel_write_prepare(struct kernel *k)
{
	struct kernel_writing *w = &k->writing;

	for (unsigned i = 0; i < KERNEL_VECTOR; i++) {
		w->iov[i] = (struct iovec){ w->answer[i], sizeof(w->answer[i]) };
		w->vector[i].msg_hdr = (struct msghdr){ .msg_iov = &w->iov[i], .msg_iovlen = 1 };
	}
}

/* ---- a row of messages --------------------------------------------------------------------- */

/* That what is to go is not there is no failure. */
static int verdict(uint8_t op, int error)
{
	/* In the words of XFRM. */
	error = error == ESRCH ? ENOENT : error;

	bool needs_none = op == OBJECT_REMOVE || op == OBJECT_EVICT || op == OBJECT_HOLD ||
			  op == OBJECT_SETTLE || op == OBJECT_LOOSEN || op == OBJECT_RETIME;

	return error == ENOENT && needs_none ? 0 : error;
}

static void order_answered(struct kernel_writing *w, unsigned order, uint8_t op, int error)
{
	/* The steps before a creation do not decide. */
	if (w->order[order]->op == OBJECT_WHOLE && op != OBJECT_CREATE) {
		w->absent += op == OBJECT_REMOVE && verdict(OBJECT_CREATE, error) == ENOENT;
		return;
	}
	w->error[order] = (int16_t)verdict(op, error);
	w->refusals |= w->error[order] != 0;
}

/* Takes one answer; true when it is the last message's. */
static bool answer(struct kernel_writing *w, const struct nlmsghdr *nlh)
{
	uint32_t i = nlh->nlmsg_seq - w->sequence;

	if (nlh->nlmsg_type != NLMSG_ERROR || i >= w->n_slots)
		return false;
	w->slot[i].answered = true;
	w->last_error = -kernel_error_of(nlh);
	/* An order is as many messages as it takes: one that was done undoes no refusal. */
	if (w->last_error != 0)
		order_answered(w, w->slot[i].order, w->slot[i].op, w->last_error);
	return i == w->n_slots - 1;
}

/* Reads what the kernel had to say, which it says while we send. 0, or why not all was heard. */
static int read_answers(struct kernel_writing *w)
{
	int lost = 0;

	for (;;) {
		int n = recvmmsg(
			w->channel->write_fd, w->vector, KERNEL_VECTOR, MSG_DONTWAIT, NULL);

		if (n < 0 && errno == ENOBUFS) {
			lost = ENOBUFS;
		} else if (n < 0 && errno != EINTR) {
			/* To who may not write, the kernel says so once. */
			return lost ? lost : w->last_error ? w->last_error : EIO;
		}
		for (int i = 0; i < n; i++) {
			const struct nlmsghdr *nlh =
				kernel_message(w->answer[i], w->vector[i].msg_len);

			if (nlh && answer(w, nlh))
				return lost;
		}
	}
}

static int transmit(struct kernel_writing *w)
{
	struct iovec iov = { w->bytes, w->used };
	const struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	for (;;) {
		if (sendmsg(w->channel->write_fd, &message, 0) >= 0)
			return 0;
		if (errno != EINTR)
			return errno;
	}
}

static void row_send(struct kernel *k, struct kernel_writing *w)
{
	int lost;

	if (w->n_slots == 0)
		return;
	((struct nlmsghdr *)(void *)(w->bytes + w->last))->nlmsg_flags |= NLM_F_ACK;
	w->sequence = k->sequence + 1;
	k->sequence += w->n_slots;
	w->last_error = 0;
	lost = transmit(w);
	if (!lost)
		lost = read_answers(w);
	for (unsigned i = 0; lost && i < w->n_slots; i++)
		if (!w->slot[i].answered)
			order_answered(w, w->slot[i].order, w->slot[i].op, lost);
	w->n_slots = 0;
	w->used = 0;
}

/* Adds the message that was written behind those of the row, to do `op`; its length. Events of XFRM
 * carry the port id that stands in the message, others the socket's. */
static int message_add(struct kernel *k, struct kernel_writing *w, unsigned order, uint8_t op)
{
	struct nlmsghdr *nlh = (void *)(w->bytes + w->used);
	size_t len = NLMSG_ALIGN((size_t)nlh->nlmsg_len);

	assert(w->n_slots < KERNEL_SLOTS_MAX);
	nlh->nlmsg_seq = k->sequence + 1 + w->n_slots;
	if (w->channel->nl_proto == NETLINK_XFRM)
		nlh->nlmsg_pid = w->channel->write_port;
	w->slot[w->n_slots++] = (struct kernel_slot){ .order = (uint16_t)order, .op = op };
	w->last = w->used;
	w->used += len;
	return (int)len;
}

/* Adds what does `op` for an order. */
static void row_add(struct kernel *k, struct kernel_writing *w, unsigned order, uint8_t op)
{
	const struct object_order *o = w->order[order];
	const struct object_ops *ops = k->kind[o->kind].ops;
	int len;

	if (w->n_slots + MESSAGES_MAX > w->channel->answers_max ||
		w->used + OBJECT_NETLINK_MAX > sizeof(w->bytes))
		row_send(k, w);
	len = ops->put_order(&k->host, op, span_of(object_order_key(o), o->key_len),
		span_of(object_order_value(o), o->value_len), w->bytes + w->used);
	order_answered(w, order, op, len < 0 ? -len : 0);
	assert(len <= OBJECT_NETLINK_MAX);
	if (o->kind == OBJECT_POLICY && op == OBJECT_CREATE)
		kernel_policy_seen(k, span_of(object_order_key(o), o->key_len));
	while (len > 0)
		len -= message_add(k, w, order, op);
}

/* ---- trying again -------------------------------------------------------------------------- */

static bool same_object(const struct object_order *a, const struct object_order *b)
{
	return a->kind == b->kind && a->key_len == b->key_len &&
	       memcmp(object_order_key(a), object_order_key(b), a->key_len) == 0;
}

/* Where the hash has the order's object, or may have it. */
static uint16_t *entry_of(struct kernel_writing *w, const struct object_order *o)
{
	uint32_t i = object_hash(o->kind, object_order_key(o), o->key_len);

	for (;; i++) {
		uint16_t *entry = &w->key[i % KERNEL_KEYS_MAX];

		if (*entry == 0 || same_object(w->order[*entry - 1], o))
			return entry;
	}
}

/* Of every object, the last order that says what is there, whatever was before. */
static void note_last(struct kernel_writing *w)
{
	memset(w->key, 0, sizeof(w->key));
	for (unsigned i = 0; i < w->n; i++)
		if (w->order[i]->op == OBJECT_WHOLE || w->order[i]->op == OBJECT_REMOVE)
			*entry_of(w, w->order[i]) = (uint16_t)(i + 1);
}

/* Replaces what is in the place of what was refused for it. */
static void replace(struct kernel *k, struct kernel_writing *w)
{
	note_last(w);
	for (unsigned i = 0; i < w->n; i++) {
		uint8_t op = w->order[i]->op;
		unsigned last = *entry_of(w, w->order[i]);

		w->again[i] = op == OBJECT_WHOLE && w->error[i] == EEXIST && last == i + 1;
		if (w->again[i]) {
			w->present++;
			row_add(k, w, i, OBJECT_REMOVE);
			row_add(k, w, i, OBJECT_CREATE);
		} else if (op == OBJECT_WHOLE && w->error[i] == EEXIST) {
			w->error[i] = 0;
		} else if (last > 0 && last <= i && w->again[last - 1] && op != OBJECT_CREATE) {
			row_add(k, w, i, op);
		}
	}
	row_send(k, w);
}

/* Makes room for the first order that may evict and was refused; n when there is none. */
static unsigned evict(struct kernel *k, struct kernel_writing *w)
{
	unsigned i = 0;

	while (i < w->n &&
		!(w->error[i] == EEXIST && w->order[i]->op == OBJECT_WHOLE && w->order[i]->force))
		i++;
	if (i == w->n)
		return i;
	row_add(k, w, i, OBJECT_EVICT);
	row_add(k, w, i, OBJECT_CREATE);
	row_send(k, w);
	return i;
}

/* What is to be replaced comes in crowds, as when a table is sent again. Where most of what was to
 * be made was there, the next orders remove it first, until most of it is not. */
static void learn(struct kernel_writing *w)
{
	unsigned strange = w->removes_first ? w->absent : w->present;

	if (strange > w->wholes / 2)
		w->removes_first = !w->removes_first;
}

/* ---- orders -------------------------------------------------------------------------------- */

static void order_add(struct kernel *k, struct kernel_writing *w, unsigned order)
{
	const struct object_order *o = w->order[order];

	if (o->op != OBJECT_WHOLE) {
		row_add(k, w, order, o->op);
		return;
	}
	if (k->kind[o->kind].ops->replaces) {
		row_add(k, w, order, OBJECT_CREATE);
		return;
	}
	w->wholes++;
	if (w->removes_first)
		row_add(k, w, order, OBJECT_REMOVE);
	row_add(k, w, order, OBJECT_CREATE);
}

/* The orders of one protocol from *at on, at most `max`; *at is behind them then. */
static void gather(struct kernel *k, const struct object_order **at, const struct object_order *end,
	unsigned max)
{
	struct kernel_writing *w = &k->writing;

	w->n = 0;
	w->wholes = w->present = w->absent = 0;
	w->refusals = false;
	w->channel = NULL;
	while (*at < end && w->n < max) {
		const struct object_order *o = *at;
		const struct kernel_kind *kind = kernel_kind_of(k, o->kind);
		bool first_run = o >= w->run;

		assert(object_order_len(o) <= (size_t)((const uint8_t *)end - (const uint8_t *)o));
		if (kind && w->channel && kind->channel != w->channel)
			return;
		*at = (const void *)((const uint8_t *)o + object_order_len(o));
		k->counters.orders += first_run;
		/* A creation that was made before would find itself. */
		if (!first_run && o->op == OBJECT_CREATE)
			continue;
		w->order[w->n] = o;
		if (kind)
			w->channel = kind->channel;
		if (kind)
			order_add(k, w, w->n);
		else
			order_answered(w, w->n, OBJECT_CREATE, EPROTONOSUPPORT);
		w->n++;
	}
}

/* Reports what was refused of the first `final` orders, and of those that are not run again. */
static unsigned report(struct kernel *k, unsigned final)
{
	const struct kernel_writing *w = &k->writing;
	unsigned refused = 0;

	for (unsigned i = 0; i < w->n; i++) {
		if (w->error[i] == 0 || (i >= final && w->order[i]->op != OBJECT_CREATE))
			continue;
		refused++;
		k->setup.refused(k->setup.user, w->order[i], w->error[i]);
	}
	return refused;
}

unsigned kernel_write(struct kernel *k, struct span orders)
{
	struct kernel_writing *w = &k->writing;
	const struct object_order *at = (const void *)orders.data;
	const struct object_order *end = (const void *)(orders.data + orders.len);
	unsigned max = KERNEL_ORDERS_MAX, refused = 0;

	w->run = at;
	while (at < end) {
		unsigned evicting;

		gather(k, &at, end, max);
		row_send(k, w);
		w->run = at > w->run ? at : w->run;
		max = max * 2 < KERNEL_ORDERS_MAX ? max * 2 : KERNEL_ORDERS_MAX;
		if (w->refusals)
			replace(k, w);
		learn(w);
		if (!w->refusals)
			continue;
		evicting = evict(k, w);
		refused += report(k, evicting + 1);
		if (evicting < w->n) {
			const struct object_order *o = w->order[evicting];

			at = (const void *)((const uint8_t *)o + object_order_len(o));
			max = 1;
		}
	}
	k->counters.refused += refused;
	return refused;
}
