/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * entrusted: the HOLD and PARTING frames that an engine sealed for its guardian.
 */
#ifndef SIM_ENTRUSTED_H
#define SIM_ENTRUSTED_H

#include <assert.h>
#include <string.h>

#include "nsrp/conf.h"
#include "nsrp/wire.h"

/* Zero-initialised = none. */
struct entrusted {
	struct {
		uint16_t len;
		uint8_t bytes[WIRE_WILL_FRAME_MAX];
	} frame[2][CONF_PATHS_MAX];
};

static inline void entrusted_keep(struct entrusted *e, unsigned path, struct span frame)
{
	unsigned type = frame.data[2] - (unsigned)WIRE_FRAME_HOLD;

	assert(type < 2 && path < CONF_PATHS_MAX && frame.len <= WIRE_WILL_FRAME_MAX);
	e->frame[type][path].len = (uint16_t)frame.len;
	memcpy(e->frame[type][path].bytes, frame.data, frame.len);
}

/* The frame for that path, which is the caller's to send, once; empty when there is none. */
static inline struct span entrusted_take(
	struct entrusted *e, enum wire_frame_type type, unsigned path)
{
	uint16_t len = e->frame[type - WIRE_FRAME_HOLD][path].len;

	e->frame[type - WIRE_FRAME_HOLD][path].len = 0;
	return span_of(e->frame[type - WIRE_FRAME_HOLD][path].bytes, len);
}

#endif
