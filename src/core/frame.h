/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * frame: the clear header of every frame (doc/PROTOCOL.md, section 2).
 */
#ifndef NSRP_CORE_FRAME_H
#define NSRP_CORE_FRAME_H

#include "nsrp/base.h"
#include "nsrp/tables.h"
#include "nsrp/wire.h"

struct frame_header {
	uint8_t type; /* enum wire_frame_type */
	uint8_t cluster;
	uint16_t path;
	uint8_t sender;
	uint8_t key_hint;
	uint32_t session;
	uint16_t length; /* bytes behind the header, tag included */
	uint64_t sequence;
};

/* Who is listening, and on which path: a frame must be meant for it. */
struct frame_place {
	uint8_t cluster;
	uint16_t path;
	uint8_t self;
};

enum frame_verdict {
	FRAME_OK,
	FRAME_SHORT,
	FRAME_MAGIC,
	FRAME_VERSION,
	FRAME_CLUSTER,
	FRAME_PATH,
	FRAME_REFLECTED,
	FRAME_TYPE,
	FRAME_LENGTH,
};

void frame_put_header(const struct frame_header *header, uint8_t ret_bytes[WIRE_HEADER_LEN]);

/* Judges the clear header of `frame`, in the order of PROTOCOL.md. On FRAME_OK, *ret_header is
 * set and the frame holds at least WIRE_HEADER_LEN + length bytes. */
enum frame_verdict frame_parse(
	struct span frame, const struct frame_place *place, struct frame_header *ret_header);

/* The counter under which a dropped frame is counted; `verdict` is not FRAME_OK. */
enum counter frame_counter(enum frame_verdict verdict);

#endif
