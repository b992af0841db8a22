/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wire: frames on their way, and what happens to them there. Each remembers what it was when it
 * was sent, so that the checks know which ones a node must not believe.
 */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include "nsrp/base.h"

struct world;
struct item;

/* Where the bytes of a frame come from. */
struct origin {
	uint64_t serial;  /* of the frame as its sender sealed it; 0 = nobody's: forged */
	uint64_t sent_at; /* in the world's time, also for one that comes again */
	unsigned from, path;
	uint32_t engine; /* how many the sender had had before the one that sealed it */
	bool altered;    /* it is not what was sent any more */
};

/* Machine `from` sends a frame. */
void wire_send(struct world *w, unsigned from, unsigned path, struct span bytes);

/* A frame comes to machine `to` after some time. `origin`: NULL when it is forged. */
void wire_inject(struct world *w, unsigned to, unsigned path, struct span bytes,
	const struct origin *origin, uint64_t after);

/* The origin of a frame that machine `from` sealed just now. */
struct origin wire_sealed(struct world *w, unsigned from, unsigned path);

/* The frame of an item of type ITEM_FRAME is not needed any more. */
void wire_forget(struct world *w, const struct item *item);

#endif
