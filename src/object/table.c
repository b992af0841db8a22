/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kinds of this build. A new one is a file of its own and one line here.
 */
#include "nsrp/object.h"

#include <errno.h>

#include "ct.h"
#include "expect.h"
#include "neigh.h"
#include "policy.h"
#include "sa.h"

const struct object_ops *const object_table[] = {
	&ct_ops,
	&expect_ops,
	&neigh_ops,
	&sa_ops,
	&policy_ops,
	NULL,
};

const struct object_ops *object_ops_of(uint8_t kind)
{
	for (unsigned i = 0; object_table[i] != NULL; i++) {
		if (object_table[i]->kind == kind)
			return object_table[i];
	}
	return NULL;
}

int object_describe(uint8_t kind, struct span key, struct span value, struct object *ret)
{
	const struct object_ops *ops = object_ops_of(kind);

	return ops != NULL ? ops->describe(key, value, ret) : -EBADMSG;
}
