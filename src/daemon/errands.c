/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errands: orders for the kernel's tables that route netlink has, which the guardian writes: such a
 * write may wait for RTNL, and the engine never does. One message is under way at a time, and
 * short, so that an order to take addresses never waits for more than that.
 */
#include "engine_state.h"

#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <string.h>

/* One that waits; order and netlink message follow, each padded to 8 bytes. */
struct errand {
	uint32_t order_len, message_len;
};

static size_t padded(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

static struct errand *errand_at(struct errands *q, size_t at)
{
	return (void *)(q->bytes + at);
}

static const struct object_order *order_of(const struct errand *errand)
{
	return (const void *)(errand + 1);
}

static const uint8_t *message_of(const struct errand *errand)
{
	return (const uint8_t *)(errand + 1) + padded(errand->order_len);
}

static size_t errand_len(const struct errand *errand)
{
	return sizeof(*errand) + padded(errand->order_len) + padded(errand->message_len);
}

bool errands_has(uint8_t kind)
{
	const struct object_ops *ops = object_ops_of(kind);

	return ops != NULL && ops->nl_proto == NETLINK_ROUTE;
}

bool errands_wait(const struct engine *e)
{
	return e->tables.errands.begin < e->tables.errands.end;
}

static void refuse(struct engine *e, const struct object_order *order, int error)
{
	e->tables.errands.refused++;
	tables_refused(e, order, error);
}

/* False: there is no room. What is done makes some. */
static bool make_room(struct errands *q, size_t len)
{
	if (q->end + len <= sizeof(q->bytes))
		return true;
	memmove(q->bytes, q->bytes + q->begin, q->end - q->begin);
	q->end -= q->begin;
	q->begin = 0;
	return q->end + len <= sizeof(q->bytes);
}

void errands_add(struct engine *e, const struct object_order *order)
{
	struct errands *q = &e->tables.errands;
	_Alignas(8) uint8_t message[OBJECT_NETLINK_MAX];
	int len = object_ops_of(order->kind)
			  ->put_order(kernel_host(e->tables.kernel), (enum object_op)order->op,
				  span_of(object_order_key(order), order->key_len),
				  span_of(object_order_value(order), order->value_len), message);
	size_t order_len = object_order_len(order);

	if (len == 0)
		return;
	q->orders++;
	if (len < 0) {
		refuse(e, order, -len);
		return;
	}
	struct errand errand = {
		.order_len = (uint32_t)order_len,
		.message_len = (uint32_t)len,
	};

	if (!make_room(q, errand_len(&errand))) {
		refuse(e, order, ENOBUFS);
		return;
	}
	uint8_t *at = q->bytes + q->end;

	memcpy(at, &errand, sizeof(errand));
	memcpy(at + sizeof(errand), order, order_len);
	memcpy(at + sizeof(errand) + padded(order_len), message, (size_t)len);
	q->end += errand_len(&errand);
}

/* Takes the first `n` off; `error` of each, or `why` for all. */
static void take_off(struct engine *e, unsigned n, const int16_t *error, int why)
{
	struct errands *q = &e->tables.errands;

	for (unsigned i = 0; i < n && q->begin < q->end; i++) {
		const struct errand *errand = errand_at(q, q->begin);
		const struct object_order *order = order_of(errand);
		bool needs_none = order->op == OBJECT_REMOVE || order->op == OBJECT_SETTLE;
		int what = error != NULL ? error[i] : why;

		if (what != 0 && !(what == ENOENT && needs_none))
			refuse(e, order, what);
		q->begin += errand_len(errand);
	}
	q->under_way = 0;
}

void errands_send(struct engine *e)
{
	struct errands *q = &e->tables.errands;
	struct message m = { .type = MESSAGE_WRITE };

	if (q->under_way > 0 || !errands_wait(e))
		return;
	for (size_t at = q->begin; at < q->end && m.write.n < MESSAGE_WRITES_MAX;) {
		const struct errand *errand = errand_at(q, at);

		if (m.write.len + padded(errand->message_len) > sizeof(m.write.bytes))
			break;
		memcpy(m.write.bytes + m.write.len, message_of(errand), errand->message_len);
		m.write.len = (uint16_t)(m.write.len + NLMSG_ALIGN(errand->message_len));
		m.write.n++;
		at += errand_len(errand);
	}
	int result = message_send(e->setup->guardian_fd, &m, -1);

	if (result == 0)
		q->under_way = m.write.n;
	else
		take_off(e, UINT_MAX, NULL, -result);
}

void errands_done(struct engine *e, const struct message *m)
{
	struct errands *q = &e->tables.errands;
	unsigned n = q->under_way < MESSAGE_WRITES_MAX ? q->under_way : MESSAGE_WRITES_MAX;

	take_off(e, n, m->written.error, 0);
	errands_send(e);
	if (!errands_wait(e))
		tables_dump_goes_on(e);
	tables_finish(e);
}
