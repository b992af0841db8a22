/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire.h"

#include <assert.h>
#include <string.h>

#include "world.h"

/* The frame that was let go last is used first: its memory is warm. */
static int take_frame(struct world *w)
{
	if (w->n_spare > 0)
		return (int)w->spare[--w->n_spare];
	return w->n_frames < WORLD_ITEMS_MAX ? (int)w->n_frames++ : -1;
}

void wire_forget(struct world *w, const struct item *item)
{
	assert(item->type == ITEM_FRAME && w->n_spare < WORLD_ITEMS_MAX);
	w->spare[w->n_spare++] = item->frame.frame;
}

/* NULL: a flood that nobody drains is lost, as in a real buffer. */
static struct frame *on_its_way(
	struct world *w, unsigned to, unsigned path, struct span bytes, uint64_t at)
{
	struct item item = world_item(w, at, ITEM_FRAME, to);

	if (bytes.len > WORLD_FRAME_MAX || w->n_items > WORLD_ITEMS_MAX - 1024)
		return NULL;
	int i = take_frame(w);

	if (i < 0)
		return NULL;
	struct frame *frame = &w->frame[i];

	frame->len = (uint16_t)bytes.len;
	memcpy(frame->bytes, bytes.data, bytes.len);
	item.frame.frame = (unsigned)i;
	item.frame.path = path;
	world_push(w, &item);
	return frame;
}

struct origin wire_sealed(struct world *w, unsigned from, unsigned path)
{
	return (struct origin){
		.serial = ++w->serial,
		.sent_at = w->now,
		.from = from,
		.path = path,
		.engine = w->machine[from].engines,
	};
}

void wire_inject(struct world *w, unsigned to, unsigned path, struct span bytes,
	const struct origin *origin, uint64_t after)
{
	struct frame *frame = on_its_way(w, to, path, bytes, w->now + after);

	if (frame != NULL)
		frame->origin = origin != NULL ? *origin : (struct origin){ 0 };
}

static void record(struct world *w, unsigned to, struct span bytes, const struct origin *origin)
{
	unsigned i = (unsigned)rng_below(&w->rng, WORLD_RECORDED);

	if (!rng_chance(&w->rng, 5))
		return;
	if (w->n_recorded < WORLD_RECORDED)
		i = w->n_recorded++;
	w->recorded[i].to = to;
	w->recorded[i].origin = *origin;
	w->recorded[i].len = (uint16_t)bytes.len;
	memcpy(w->recorded[i].bytes, bytes.data, bytes.len);
}

static void send_once(
	struct world *w, const struct wire *wire, struct span bytes, const struct origin *origin)
{
	bool corrupt = rng_chance(&w->rng, wire->corrupt);
	uint64_t where = corrupt ? rng_below(&w->rng, bytes.len) : 0;
	uint8_t how = corrupt ? (uint8_t)rng_between(&w->rng, 1, 255) : 0;
	bool truncate = rng_chance(&w->rng, wire->truncate);
	size_t len = truncate ? rng_below(&w->rng, bytes.len) : bytes.len;
	uint64_t at = w->now + wire->delay + rng_below(&w->rng, wire->jitter + 1);
	if (rng_chance(&w->rng, wire->withheld))
		at += rng_below(&w->rng, wire->withheld_us + 1);
	struct frame *frame = on_its_way(w, 1 - origin->from, origin->path, bytes, at);

	if (frame == NULL)
		return;
	frame->len = (uint16_t)len; /* what was cut off still lies behind it in memory */
	frame->origin = *origin;
	frame->origin.altered = corrupt || truncate;
	frame->bytes[where] ^= how;
}

void wire_send(struct world *w, unsigned from, unsigned path, struct span bytes)
{
	const struct wire *wire = &w->wire[from][path];
	struct origin origin = wire_sealed(w, from, path);

	assert(bytes.len <= WORLD_FRAME_MAX);
	record(w, 1 - from, bytes, &origin);
	if (wire->cut || !w->carrier[path] || rng_chance(&w->rng, wire->loss))
		return;
	send_once(w, wire, bytes, &origin);
	if (rng_chance(&w->rng, wire->duplicate))
		send_once(w, wire, bytes, &origin);
}
