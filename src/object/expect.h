/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * expect: one expectation of a helper, taken apart: the session that it waits for.
 */
#ifndef NSRP_OBJECT_EXPECT_H
#define NSRP_OBJECT_EXPECT_H

#include "tuple.h"

/* X(name, bit): the numbers are those of the value's first two bytes, and never reused. */
#define EXPECT_FIELD_TABLE(X)                                                                      \
	X(ADDRESS_MASK, 0) /* absent: from any address */                                          \
	X(PORT_MASK, 1)    /* absent: from any port */                                             \
	X(FLAGS, 2)                                                                                \
	X(CLASS, 3)                                                                                \
	X(NAT, 4)                                                                                  \
	X(HELPER, 5)                                                                               \
	X(FN, 6)                                                                                   \
	X(TIMEOUT, 7)

enum expect_field {
#define X(name, bit) EXPECT_##name = 1 << (bit),
	EXPECT_FIELD_TABLE(X)
#undef X
		EXPECT_FIELDS = 0xff, /* all */
};

enum { EXPECT_NAME_MAX = 31 };

struct expect_name {
	uint8_t len;
	char text[EXPECT_NAME_MAX];
};

struct expectation {
	struct tuple tuple, master;
	struct zone zone;
	uint16_t fields; /* enum expect_field */
	uint8_t address_mask[16], port_mask[2];
	uint32_t flags, class, timeout;
	uint8_t nat_dir; /* what NAT puts back into the expected session, and in which direction */
	uint8_t nat_address[16], nat_port[2];
	struct expect_name helper; /* the master's */
	struct expect_name fn;     /* what the kernel does when the session comes */
};

/* At most OBJECT_VALUE_MAX bytes, of the fields in `fields`. */
size_t expect_encode(const struct expectation *e, uint16_t fields, uint8_t *value);
/* Key and value; a value of no bytes has no fields and no master. 0, or -EBADMSG. */
int expect_decode(struct span key, struct span value, struct expectation *ret);

extern const struct object_ops expect_ops;

#endif
