/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ruleset_walk: one item's attributes, from the kernel's form into the document's, back, or into a
 * hash.
 */
#ifndef NSRP_OBJECT_RULESET_WALK_H
#define NSRP_OBJECT_RULESET_WALK_H

#include "ruleset_hash.h"
#include "ruleset_name.h"
#include "ruleset_room.h"
#include "ruleset_schema.h"

enum ruleset_way { RULESET_TO_DOCUMENT, RULESET_TO_KERNEL, RULESET_TO_HASH };

/* What a name of a set or chain refers to. */
struct ruleset_ref {
	bool anonymous;              /* the kernel made the name */
	uint32_t id;                 /* in the batch */
	char name[24];               /* of an anonymous set, here */
	struct ruleset_hash content; /* of an anonymous one */
};

enum { RULESET_RULE_EXPRS = 192 };

struct ruleset_walk {
	enum ruleset_way way;
	const struct ruleset_host *host; /* of the first two ways */
	struct ruleset_room *out;        /* likewise */
	struct ruleset_hash hash;        /* of the third: begun by the caller */
	/* Looks up a name; false: it is not in this table. NULL: no name refers to anything made by
	 * the kernel. Not called on the first way. */
	bool (*find)(
		const void *user, enum ruleset_act act, const char *name, struct ruleset_ref *ret);
	const void *user;
	/* Of an element's key and data; NULL: they hold no interfaces. */
	const struct ruleset_parts *key, *data;
	enum ruleset_end key_is;
	const uint8_t *kind; /* enum ruleset_part_kind, of each of a rule's expressions; or NULL */
	/* After -ENODEV. */
	struct ruleset_unknown unknown;
};

/* 0; -EBADMSG: malformed; -ENODEV: an interface that is not known here; -ENOENT: a name that find()
 * does not know. That there was no memory is told by w->out. */
int ruleset_walk(
	struct ruleset_walk *w, const struct ruleset_schema *schema, struct span attributes);

/* What each expression of a rule, whose attributes are given in either form, does with interfaces.
 * -EBADMSG: malformed, or more expressions than the kernel takes. */
int ruleset_kinds(struct span attributes, uint8_t kind[RULESET_RULE_EXPRS]);

#endif
