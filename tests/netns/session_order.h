/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session_order: orders for the sessions of session.h, made of what the kind reads in their
 * messages; and a kernel to give them to.
 */
#ifndef NSRP_TESTS_SESSION_ORDER_H
#define NSRP_TESTS_SESSION_ORDER_H

#include "session.h"

#include "io/kernel.h"

#include <stdarg.h>
#include <string.h>

struct orders {
	size_t used, max;
	uint8_t *bytes; /* owned */
};

static inline void orders_new(struct orders *o, unsigned n)
{
	o->used = 0;
	o->max = (size_t)n * 160;
	o->bytes = malloc(o->max);
	must(o->bytes != NULL, "memory");
}

static inline void orders_free(struct orders *o)
{
	free(o->bytes);
}

/* Adds an order for the object that a message tells of. */
static inline void orders_add(struct orders *o, uint8_t op, bool force, const struct nlmsghdr *nlh)
{
	static struct object_host host = { .hold_s = 600 };
	uint8_t room[OBJECT_KEY_MAX + OBJECT_VALUE_MAX];
	bool bare = op == OBJECT_REMOVE || op == OBJECT_HOLD || op == OBJECT_LOOSEN;
	struct object_order order = { .kind = OBJECT_CONNTRACK, .op = op, .force = force };
	uint8_t *at = o->bytes + o->used;
	struct object object;

	must(object_ops_of(OBJECT_CONNTRACK)->parse(&host, nlh, &object, room) == 0, "parse");
	order.key_len = object.key_len;
	order.value_len = bare ? 0 : object.value_len;
	must(o->used + object_order_len(&order) <= o->max, "room for orders");
	memset(at, 0, object_order_len(&order));
	memcpy(at, &order, sizeof(order));
	memcpy(at + sizeof(order), object.key, order.key_len);
	memcpy(at + sizeof(order) + order.key_len, object.value, order.value_len);
	o->used += object_order_len(&order);
}

static inline void orders_add_session(struct orders *o, uint8_t op, unsigned i, uint32_t mark)
{
	_Alignas(8) uint8_t room[1024];

	orders_add(o, op, false, session_new(room, i, mark));
}

static inline unsigned orders_write(struct orders *o, struct kernel *k)
{
	unsigned refused = kernel_write(k, span_of(o->bytes, o->used));

	o->used = 0;
	return refused;
}

__attribute__((format(printf, 3, 4))) static inline void log_to_stderr(
	void *user, enum log_level level, const char *format, ...)
{
	va_list args;

	(void)user;
	(void)level;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static const struct log stderr_log = { .write = log_to_stderr };

#endif
