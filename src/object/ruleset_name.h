/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ruleset_name: interfaces in the bytes that rules compare and sets hold.
 *
 * The kernel has them as names, padded with zeros to 16 bytes, or as indexes. The document has 16
 * bytes for each, in one of these forms (section 14 of doc/PROTOCOL.md):
 *
 *   the name itself, of an interface that [interface] does not name
 *   01, eight hex digits, a letter: a logical name, by its hash
 *   02: an index that no interface has; what it stands in matches nothing here either
 *
 * In sets with intervals a name stands for a range: the letter says of which of its ends the bytes
 * are, as the same name ends differently when its length differs.
 */
#ifndef NSRP_OBJECT_RULESET_NAME_H
#define NSRP_OBJECT_RULESET_NAME_H

#include "nsrp/ruleset.h"
#include "ruleset_room.h"

enum ruleset_part_kind {
	RULESET_PART_OTHER,
	RULESET_PART_NAME,      /* an interface's name, 16 bytes; less: the start of a name */
	RULESET_PART_INDEX,     /* an interface's index, 4 bytes of this machine's order */
	RULESET_PART_INDEX_BIG, /* likewise, of network order: in a concatenation with intervals */
};

enum { RULESET_PARTS_MAX = 16, RULESET_NAME_LEN = 16 };

/* Of which parts bytes consist, in the kernel's form. */
struct ruleset_parts {
	unsigned n; /* 0: nothing in them is an interface */
	struct ruleset_part {
		uint8_t kind; /* enum ruleset_part_kind */
		uint16_t len;
	} part[RULESET_PARTS_MAX];
};

/* Which end of an interval the bytes are. */
enum ruleset_end { RULESET_END_NONE, RULESET_END_OPEN, RULESET_END_CLOSED };

/* What a set says of its key or data. */
struct ruleset_layout {
	uint32_t type;  /* libnftables' own number, six bits for each part of a concatenation */
	size_t len;     /* in the kernel's form */
	bool intervals; /* its keys are the ends of intervals */
	unsigned n_fields;
	uint32_t field_len[RULESET_PARTS_MAX]; /* of the parts, where the set describes them */
};
void ruleset_parts_of(const struct ruleset_layout *of, struct ruleset_parts *ret);

/* Appends `in`, in the kernel's form, to `out` in the document's. */
void ruleset_name_to_document(const struct ruleset_host *host, const struct ruleset_parts *parts,
	struct span in, enum ruleset_end end, struct ruleset_room *out);

/* The other way round. 0; -EBADMSG: malformed; -ENODEV: names an interface that is not known here:
 * one with a logical name of that hash, or, hash 0, one of that name. */
struct ruleset_unknown {
	uint32_t hash;
	char name[CONF_DEVICE_MAX];
};
int ruleset_name_to_kernel(const struct ruleset_host *host, const struct ruleset_parts *parts,
	struct span in, struct ruleset_room *out, struct ruleset_unknown *ret_unknown);

/* The hash by which documents refer to a logical name. */
uint32_t ruleset_name_hash(const char *logical);

#endif
