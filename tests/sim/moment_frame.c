/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "moment.h"

#include <string.h>

#include "check.h"
#include "core/state.h"
#include "machine.h"
#include "stats.h"
#include "wire.h"

void moment_replay(struct world *w, unsigned m)
{
	(void)m;
	for (unsigned i = 0; i < 10 && w->n_recorded > 0; i++) {
		unsigned k = (unsigned)rng_below(&w->rng, w->n_recorded);
		const struct origin *origin = &w->recorded[k].origin;
		unsigned to = w->recorded[k].to, path = origin->path;

		if (rng_chance(&w->rng, 10))
			to = 1 - to; /* back to its sender */
		if (rng_chance(&w->rng, 10))
			path = moment_path(w);
		wire_inject(w, to, path, span_of(w->recorded[k].bytes, w->recorded[k].len), origin,
			rng_below(&w->rng, 2 * check_heartbeat_us(w)));
	}
}

/* Forged frames, from random bytes to ones that are right up to the tag. */
static void forge(struct world *w, unsigned n)
{
	uint8_t bytes[128];
	unsigned to = moment_machine(w), path = moment_path(w);

	for (unsigned i = 0; i < n; i++) {
		size_t len = rng_between(&w->rng, 0, sizeof(bytes));

		for (size_t b = 0; b < len; b++)
			bytes[b] = (uint8_t)rng_next(&w->rng);
		if (n > 10 && w->n_recorded > 0) {
			unsigned k = (unsigned)rng_below(&w->rng, w->n_recorded);

			to = w->recorded[k].to;
			path = w->recorded[k].origin.path;
			len = w->recorded[k].len < sizeof(bytes) ? w->recorded[k].len
								 : sizeof(bytes);
			memcpy(bytes, w->recorded[k].bytes, len);
			bytes[16] = 0x10; /* a sequence far ahead */
			if (len > 3 && rng_chance(&w->rng, 20))
				bytes[rng_below(&w->rng, 16)] ^= 1;
			if (rng_chance(&w->rng, 20)) { /* shorter than any tag */
				bytes[12] = 0;
				bytes[13] = 3;
			}
		}
		wire_inject(w, to, path, span_of(bytes, len), NULL, rng_below(&w->rng, 1000));
	}
}

void moment_garbage(struct world *w, unsigned m)
{
	(void)m;
	forge(w, 10);
}

void moment_flood(struct world *w, unsigned m)
{
	(void)m;
	forge(w, 400);
}

void moment_malformed(struct world *w, unsigned m)
{
	uint8_t frame[WORLD_FRAME_MAX];
	struct machine *machine = &w->machine[m];
	unsigned path = moment_path(w);
	size_t len = rng_between(&w->rng, 1, 200);

	if (!machine_runs(machine) || path >= machine->conf->n_paths ||
		!handshake_has(&machine->node->handshake, SESSION_CURRENT))
		return;
	for (size_t i = 0; i < len; i++)
		frame[WIRE_HEADER_LEN + i] = (uint8_t)rng_next(&w->rng);
	frame[WIRE_HEADER_LEN] = (uint8_t)rng_between(&w->rng, WIRE_TLV_BEAT, WIRE_TLV_ANSWER);
	if (len > 1)
		frame[WIRE_HEADER_LEN + 1] = 0xff; /* the value ends behind the body */
	len = handshake_seal(&machine->node->handshake, SESSION_CURRENT, path,
		machine->conf->path[path].tag, frame, len);
	struct origin origin = wire_sealed(w, m, path);

	wire_inject(w, 1 - m, path, span_of(frame, len), &origin, 50);
}

void moment_rekey(struct world *w, unsigned m)
{
	static const struct event timer = { .type = EVENT_TIMER };

	if (!machine_runs(&w->machine[m]))
		return;
	w->machine[m].node->handshake.session[SESSION_CURRENT].made_at.us = 0;
	machine_event(w, m, &timer);
}
