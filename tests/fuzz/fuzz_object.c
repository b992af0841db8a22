/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a message of the kernel, and as a key and value of the peer. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

#include "nsrp/object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct object_host host = {
	.hold_s = 600,
	.n_interfaces = 2,
	.interface = { { "wan", 2 }, { "lan", 3 } },
};

/* In memory of its own, so that a read behind its end is seen. */
static uint8_t *copy_of(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	return copy;
}

static void tell(const struct object_ops *ops, struct span key, struct span value)
{
	_Alignas(8) static uint8_t room[OBJECT_NETLINK_MAX];
	char text[OBJECT_TEXT_MAX];
	struct object o = { 0 };

	for (int op = OBJECT_WHOLE; op <= OBJECT_RETIME; op++)
		assert(ops->put_order(&host, (enum object_op)op, key, value, room) <=
			OBJECT_NETLINK_MAX);
	assert(ops->put_get(key, room) <= OBJECT_NETLINK_MAX);
	(void)ops->describe(key, value, &o);
	ops->print(key, value, text);
	assert(strnlen(text, sizeof(text)) < sizeof(text));
}

static void hear(const struct object_ops *ops, const uint8_t *data, size_t size)
{
	uint8_t *message = copy_of(data, size), room[OBJECT_KEY_MAX + OBJECT_VALUE_MAX];
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)message;
	_Alignas(8) static uint8_t order[OBJECT_NETLINK_MAX];
	struct object o;

	nlh->nlmsg_len = (uint32_t)size;
	if (ops->parse(&host, nlh, &o, room) == 0) {
		struct span key = span_of(o.key, o.key_len), value = span_of(o.value, o.value_len);

		assert(o.key_len <= OBJECT_KEY_MAX && o.value_len <= OBJECT_VALUE_MAX);
		tell(ops, key, value);
		/* What was made here is well-formed. */
		if (ops->put_get(key, order) < 0)
			abort();
	}
	free(message);
}

/* A byte chooses the kind, the next the length of the key or, with none, a message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct object_ops *ops;
	size_t key_len;

	if (size < 2)
		return 0;
	ops = object_table[data[0] % 5];
	key_len = data[1];
	data += 2;
	size -= 2;
	if (key_len == 0) {
		if (size >= NLMSG_HDRLEN)
			hear(ops, data, size);
	} else if (key_len <= size) {
		uint8_t *key = copy_of(data, key_len);
		uint8_t *value = copy_of(data + key_len, size - key_len);

		tell(ops, span_of(key, key_len), span_of(value, size - key_len));
		free(key);
		free(value);
	}
	return 0;
}
