/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ruleset_schema: what each attribute of nf_tables' messages is to a mirror.
 *
 * Attributes that no schema names are carried as they are. Numbers that the kernel has and the
 * oldest headers lack are given here.
 */
#ifndef NSRP_OBJECT_RULESET_SCHEMA_H
#define NSRP_OBJECT_RULESET_SCHEMA_H

#include "nsrp/base.h"

/* Numbers are those of records in a document, and never reused. */
enum ruleset_type {
	RULESET_TABLE = 1,
	RULESET_A_CHAIN = 2,
	RULESET_OBJECT = 3,
	RULESET_FLOWTABLE = 4,
	RULESET_A_SET = 5,
	RULESET_ELEMENT = 6,
	RULESET_RULE = 7,
	RULESET_INTERFACE = 8, /* a logical name that the items after it may use */
	/* Of a patch. */
	RULESET_TABLE_GONE = 9,
	RULESET_SET_CHANGED = 10, /* elements that were added or changed follow, and those gone */
	RULESET_ELEMENT_GONE = 11,
	RULESET_TABLE_CHANGED = 12, /* sets of it, which follow, changed; all else stays */
};

enum ruleset_act {
	RULESET_KEEP = 0, /* as it is */
	RULESET_DROP,     /* the kernel's own, or said by the item's place in the document */
	RULESET_STATE,    /* runs on by itself: carried, but no difference */
	RULESET_NEST,     /* attributes of its own */
	RULESET_SET,      /* a set's name; `id` beside it when the kernel made the name */
	RULESET_CHAIN,    /* a chain's name, likewise */
	RULESET_DEVICE,   /* an interface's name */
	RULESET_VALUE,    /* bytes that may have interfaces in them, by what stands around */
	RULESET_BY_NAME,  /* NFTA_EXPR_DATA: a nest that NFTA_EXPR_NAME before it names */
	RULESET_BY_TYPE,  /* NFTA_OBJ_DATA: likewise, by NFTA_OBJ_TYPE */
	RULESET_NOT_ZERO, /* a number that the kernel shows as zero, but takes only when it is not
			   */
	RULESET_REGISTER, /* what is loaded goes there, or comes from there */
	RULESET_OF_REGISTER, /* said of what is loaded: the kernel takes it beside a register only,
			      * though it shows it without one */
	RULESET_QUOTA, /* NFTA_QUOTA_FLAGS: the kernel sets one and takes it back from nobody */
};

/* Which bytes a RULESET_VALUE below is. */
enum ruleset_role {
	RULESET_ROLE_NONE = 0,
	RULESET_ROLE_KEY,     /* of an element */
	RULESET_ROLE_KEY_END, /* likewise, its end */
	RULESET_ROLE_DATA,    /* likewise, what it maps to */
	RULESET_ROLE_EXPR,    /* of an expression of a rule */
};

enum { RULESET_ATTRS = 24 };

struct ruleset_schema {
	struct ruleset_attr {
		uint8_t act;  /* enum ruleset_act */
		uint8_t role; /* enum ruleset_role, of a nest */
		uint8_t id;   /* attribute type of the id beside a name; 0: there is none */
		bool rules;   /* a rule's list of expressions */
		const struct ruleset_schema *nest;
	} attr[RULESET_ATTRS];
};

enum {
	RULESET_INNER_EXPR = 5, /* NFTA_INNER_EXPR */
	RULESET_OBJECT_USERDATA = 8,
	RULESET_DEVICE_PREFIX = 2, /* NFTA_DEVICE_PREFIX */
	RULESET_TABLE_PERSIST = 4, /* NFT_TABLE_F_PERSIST */
	RULESET_META_SDIFNAME = 34,
};

/* A set without its size. */
extern const struct ruleset_schema ruleset_schema_set_unsized;

/* The end of an interval has no time, though the kernel shows one. */
extern const struct ruleset_schema ruleset_schema_element, ruleset_schema_end;

/* How the kernel talks of a type of item. */
struct ruleset_shape {
	enum ruleset_type type;
	uint8_t make, gone;        /* NFT_MSG_ */
	uint16_t name, handle, id; /* attributes: of its name, handle, id in a batch; 0 = none */
	const struct ruleset_schema *schema;
};
/* NULL = there is none: elements come in lists. */
const struct ruleset_shape *ruleset_shape_of(enum ruleset_type type);
const struct ruleset_shape *ruleset_shape_made(uint8_t message);

/* The attributes in NFTA_EXPR_DATA of that expression, and in NFTA_OBJ_DATA of that type of object;
 * NULL: none that is more than carried. */
const struct ruleset_schema *ruleset_schema_expr(struct span name);
const struct ruleset_schema *ruleset_schema_objdata(uint32_t type);

#endif
