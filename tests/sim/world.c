/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fault.h"

void world_trace(struct world *w, const char *format, ...)
{
	if (!w->trace)
		return;
	char *line = w->lines[w->n_lines++ % WORLD_TRACE_LINES];
	enum { STAMP_LEN = 40 };
	va_list args;

	snprintf(line, STAMP_LEN, "%9llu.%03u ms  ", (unsigned long long)(w->now / 1000),
		(unsigned)(w->now % 1000));
	size_t n = strlen(line);

	va_start(args, format);
	vsnprintf(line + n, WORLD_TRACE_LEN - n, format, args);
	va_end(args);
}

void world_fail(struct world *w, const char *format, ...)
{
	va_list args;

	if (w->failed)
		return;
	w->failed = true;
	va_start(args, format);
	vsnprintf(w->failure, sizeof(w->failure), format, args);
	va_end(args);
	world_trace(w, "FAILED: %s", w->failure);
}

static bool item_before(const struct item *a, const struct item *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap_items(struct item *a, struct item *b)
{
	struct item t = *a;

	*a = *b;
	*b = t;
}

void world_push(struct world *w, const struct item *item)
{
	unsigned i = w->n_items++;

	assert(w->n_items <= WORLD_ITEMS_MAX);
	w->heap[i] = *item;
	for (; i > 0 && item_before(&w->heap[i], &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap_items(&w->heap[i], &w->heap[(i - 1) / 2]);
}

static struct item pop(struct world *w)
{
	struct item top = w->heap[0];
	unsigned i = 0;

	w->heap[0] = w->heap[--w->n_items];
	for (;;) {
		unsigned least = i;

		for (unsigned child = 2 * i + 1; child <= 2 * i + 2; child++) {
			if (child < w->n_items && item_before(&w->heap[child], &w->heap[least]))
				least = child;
		}
		if (least == i)
			return top;
		swap_items(&w->heap[i], &w->heap[least]);
		i = least;
	}
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

static int take_frame(struct world *w, const uint8_t *bytes, size_t len)
{
	for (unsigned tries = 0; tries < WORLD_ITEMS_MAX; tries++) {
		unsigned i = w->free_frame++ % WORLD_ITEMS_MAX;

		if (w->frame[i].used)
			continue;
		w->frame[i].used = true;
		w->frame[i].len = (uint16_t)len;
		memcpy(w->frame[i].bytes, bytes, len);
		return (int)i;
	}
	return -1;
}

static void frame_on_its_way(struct world *w, unsigned to, unsigned path, const uint8_t *bytes,
	size_t len, uint64_t at, uint64_t sent_at, bool forged)
{
	int frame;

	/* A flood that nobody drains is lost, as in a real buffer. */
	if (len > WORLD_FRAME_MAX || w->n_items > WORLD_ITEMS_MAX - 1024)
		return;
	frame = take_frame(w, bytes, len);
	if (frame < 0)
		return;
	struct item item = world_item(w, at, ITEM_FRAME, to);

	item.frame.frame = (unsigned)frame;
	item.frame.path = path;
	item.frame.sent_at = sent_at;
	item.frame.forged = forged;
	world_push(w, &item);
}

void world_inject(struct world *w, unsigned to, unsigned path, const uint8_t *bytes, size_t len,
	uint64_t after, uint64_t sent_at, bool forged)
{
	frame_on_its_way(w, to, path, bytes, len, w->now + after, sent_at, forged);
}

static void record(struct world *w, unsigned to, unsigned path, struct span bytes)
{
	unsigned i = (unsigned)rng_below(&w->rng, WORLD_RECORDED);

	if (!rng_chance(&w->rng, 5))
		return;
	if (w->n_recorded < WORLD_RECORDED)
		i = w->n_recorded++;
	w->recorded[i].to = to;
	w->recorded[i].path = path;
	w->recorded[i].sent_at = w->now;
	w->recorded[i].len = (uint16_t)bytes.len;
	memcpy(w->recorded[i].bytes, bytes.data, bytes.len);
}

static void send_once(struct world *w, unsigned from, unsigned path, struct span bytes)
{
	struct wire *wire = &w->wire[from][path];
	uint8_t copy[WORLD_FRAME_MAX];
	size_t len = bytes.len;

	memcpy(copy, bytes.data, len);
	bool forged = false;

	if (rng_chance(&w->rng, wire->corrupt)) {
		forged = true;
		copy[rng_below(&w->rng, len)] ^= (uint8_t)rng_between(&w->rng, 1, 255);
	}
	if (rng_chance(&w->rng, wire->truncate)) {
		forged = true;
		len = rng_below(&w->rng, len);
	}
	frame_on_its_way(w, 1 - from, path, copy, len,
		w->now + wire->delay + rng_below(&w->rng, wire->jitter + 1), w->now, forged);
}

void world_send(struct world *w, unsigned from, unsigned path, struct span bytes)
{
	struct wire *wire = &w->wire[from][path];

	assert(bytes.len <= WORLD_FRAME_MAX);
	record(w, 1 - from, path, bytes);
	if (wire->cut || !w->carrier[path] || rng_chance(&w->rng, wire->loss))
		return;
	send_once(w, from, path, bytes);
	if (rng_chance(&w->rng, wire->duplicate))
		send_once(w, from, path, bytes);
}

static void dispatch(struct world *w, const struct item *item)
{
	struct machine *m = &w->machine[item->machine];

	if (item->type == ITEM_END_FAULT) {
		fault_end(w, item->end.fault, item->end.path, item->end.from);
		return;
	}
	if (item->type == ITEM_POWER_ON) {
		machine_power_on(w, item->machine);
		return;
	}
	if (item->boot != m->boot || (item->type == ITEM_FRAME && !m->engine)) {
		if (item->type == ITEM_FRAME)
			w->frame[item->frame.frame].used = false;
		return;
	}
	if (item->type == ITEM_WAKE) {
		machine_wake(w, m);
	} else if (m->paused_until == 0) {
		machine_item(w, m, item);
	} else if (m->n_inbox < WORLD_INBOX_MAX) {
		m->inbox[m->n_inbox++] = *item;
	} else if (item->type == ITEM_FRAME) {
		w->frame[item->frame.frame].used = false;
	}
}

/* The kernel removes addresses whose lease is over, whoever is alive, and tells who listens. */
static void expire_leases(struct world *w)
{
	for (unsigned i = 0; i < 2; i++) {
		struct machine *m = &w->machine[i];

		for (unsigned g = 0; g < m->conf->n_groups; g++) {
			if (!m->held[g] || m->lease_until[g] > w->now)
				continue;
			if (machine_runs(m))
				machine_missing(w, i, g);
			m->held[g] = false;
		}
	}
}

static bool run_next(struct world *w, uint64_t until)
{
	uint64_t at = w->n_items > 0 ? w->heap[0].at : UINT64_MAX;
	int timer = -1;

	for (int i = 0; i < 2; i++) {
		uint64_t due = machine_due(&w->machine[i]);

		if (due < at) {
			at = due;
			timer = i;
		}
	}
	if (at > until)
		return false;
	w->now = at > w->now ? at : w->now;
	expire_leases(w);
	if (timer >= 0) {
		machine_timer(w, &w->machine[timer]);
	} else {
		struct item item = pop(w);

		dispatch(w, &item);
	}
	check_world(w);
	return true;
}

void world_run(struct world *w, uint64_t until)
{
	while (!w->failed && run_next(w, until))
		;
	if (!w->failed)
		w->now = until;
}
