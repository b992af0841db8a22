/* SPDX-License-Identifier: GPL-3.0-or-later */
/* queue: what is pending in a world, in a binary heap. */
#include <assert.h>

#include "world.h"

static bool item_before(const struct item *a, const struct item *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void world_push(struct world *w, const struct item *item)
{
	unsigned i = w->n_items++;

	assert(w->n_items <= WORLD_ITEMS_MAX);
	for (; i > 0 && item_before(item, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		w->heap[i] = w->heap[(i - 1) / 2];
	w->heap[i] = *item;
}

struct item world_pop(struct world *w)
{
	struct item top = w->heap[0];
	const struct item *last = &w->heap[--w->n_items];
	unsigned i = 0;

	for (;;) {
		unsigned least = 2 * i + 1;

		if (least + 1 < w->n_items && item_before(&w->heap[least + 1], &w->heap[least]))
			least++;
		if (least >= w->n_items || !item_before(&w->heap[least], last))
			break;
		w->heap[i] = w->heap[least];
		i = least;
	}
	w->heap[i] = *last;
	return top;
}

struct item world_item(struct world *w, uint64_t at, enum item_type type, unsigned machine)
{
	return (struct item){
		.at = at,
		.order = w->order++,
		.type = type,
		.machine = machine,
		.boot = w->machine[machine].boot,
	};
}

void world_later(struct world *w, uint64_t at, enum item_type type, unsigned machine)
{
	struct item item = world_item(w, at, type, machine);

	world_push(w, &item);
}

void world_end_fault(struct world *w, uint64_t at, unsigned fault, unsigned path, unsigned from)
{
	struct item item = world_item(w, at, ITEM_END_FAULT, 0);

	item.end.fault = fault;
	item.end.path = path;
	item.end.from = from;
	world_push(w, &item);
}
