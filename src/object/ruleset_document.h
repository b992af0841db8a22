/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ruleset_document: the bytes of a ruleset, or of what changed in one (section 14 of
 * doc/PROTOCOL.md).
 *
 * A head, then records, each padded to 8 bytes: its header, the item's name, its attributes. A
 * record belongs to the last table, chain or set before it. Numbers are in the byte order of the
 * machine that wrote them, as netlink attributes are; the head tells it.
 */
#ifndef NSRP_OBJECT_RULESET_DOCUMENT_H
#define NSRP_OBJECT_RULESET_DOCUMENT_H

#include "ruleset_part.h"

enum { RULESET_ALIGN = 8, RULESET_ORDER = 0x01020304 };

#define RULESET_MAGIC "NSRPRULE"

enum { RULESET_FORM_WHOLE = 0, RULESET_FORM_PATCH = 1 };

struct ruleset_head {
	char magic[8];
	uint32_t order;           /* RULESET_ORDER */
	uint32_t form;            /* RULESET_FORM_ */
	struct ruleset_hash live; /* what counts of the live elements */
};

struct ruleset_record {
	uint8_t type;      /* enum ruleset_type */
	uint8_t family;    /* of a table */
	uint16_t name_len; /* with its NUL; 0 = none */
	uint32_t len;      /* of the attributes */
	uint64_t left_ms;  /* an element's time; 0 = no end. A set: RULESET_KEPT */
};

/* A set in a patch whose elements did not change: its attributes are followed by their sum. */
enum { RULESET_KEPT = 1 };

#endif
