/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * record: what travels in the channel (section 10 of doc/PROTOCOL.md).
 */
#ifndef NSRP_CORE_RECORD_H
#define NSRP_CORE_RECORD_H

#include "nsrp/object.h"
#include "nsrp/wire.h"
#include "codec.h"

enum {
	RECORD_HASH_LEN = 6,
	RECORD_BITMAP_LEN = 128, /* a bit for each of INDEX_BUCKETS */
	RECORD_SUMS_MAX = 128,   /* sums in one SUMS record */
	RECORD_MAX = 10 + OBJECT_KEY_MAX + OBJECT_VALUE_MAX,
};

struct record {
	uint8_t op;   /* enum wire_record */
	uint8_t kind; /* enum object_kind, enum document_kind; 0: about the mirror itself */
	struct span key, value; /* the second: also what a record about the mirror carries */
	uint32_t base;          /* CHANGE: the print of what it does not tell in full */
};

/* Bytes that it takes in a frame. */
size_t record_len(const struct record *r);
/* Writes record_len() bytes. */
void record_put(const struct record *r, uint8_t *room);
/* Reads the next record; what it points to is borrowed from the reader's source. False: at the
 * end, or malformed: reader_ok() tells. */
bool record_next(struct reader *r, struct record *ret);

#endif
