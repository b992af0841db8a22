/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tunnels: a model of a machine's kernel as far as IPsec is mirrored: SAs, whose outbound numbers
 * grow with each packet that is sent by them, and a policy for each, which lets packets out or
 * holds them; events, which can be lost, and come late for numbers; orders that can be refused.
 *
 * A machine sends by what its policies let out, whether it has the addresses or not: packets of its
 * own would go that way, too. No number of an SA is sent twice, unless a machine sent TUNNELS_JUMP
 * packets of which its peer's kernel was not told, or was a master whom its peer did not hear, and
 * lost power.
 */
#ifndef SIM_TUNNELS_H
#define SIM_TUNNELS_H

#include "nsrp/event.h"

enum {
	TUNNELS = 3,
	TUNNELS_EVENTS_MAX = 16,       /* that wait to be read; what is more is lost */
	TUNNELS_JUMP = 5000,           /* of an SA's numbers at a takeover */
	TUNNELS_NUMBERS = 1024 * 1024, /* that an SA has; one at its end sends no more */
};

struct world;
struct machine;

struct tunnel_sa {
	bool there, held, jumped; /* jumped: but its limits do not run yet */
	uint8_t spi;              /* it is another SA */
	uint32_t number;          /* sent last */
	uint32_t told;            /* by an event */
	uint64_t told_at;
};

struct tunnel_policy {
	bool there, held;
};

/* Of a machine. */
struct tunnels {
	struct tunnel_sa sa[TUNNELS];
	struct tunnel_policy policy[TUNNELS];
	bool lost, reading_soon;
	unsigned n_events;
	struct tunnel_event {
		uint8_t op, kind, id;
		struct tunnel_sa sa;
		struct tunnel_policy policy;
	} event[TUNNELS_EVENTS_MAX];
};

/* Of the world: what was sent by the present SA of a tunnel. */
struct tunnel_ledger {
	uint8_t spi;
	uint32_t top[2];   /* the highest number, by machine */
	bool lost;         /* the power took along what a master sent whom the other did not hear */
	uint32_t spree[2]; /* packets that the other machine's kernel was not told of */
	uint8_t sent[TUNNELS_NUMBERS / 8];
};

/* Before the machines are powered. Some schedules that mirror have tunnels. */
void tunnels_init(struct world *w);
/* The power goes. */
void tunnels_clear(struct machine *m);
/* What is under way to an engine that starts is not for it. */
void tunnels_start(struct machine *m);

/* For table.c, for the kinds of IPsec. */
int tunnels_describe(uint8_t kind, struct span key, struct span value, struct object *ret);
/* 0, or why not (enum refusal + 1). */
int tunnels_carry_out(struct world *w, struct machine *m, const struct object_order *o);
/* The core hears of one that it asked for. */
void tunnels_fetched(struct world *w, struct machine *m, uint8_t kind, struct span key);
/* Adds all of a kind, as a dump shows them. */
void tunnels_dump(const struct machine *m, uint8_t kind, struct object_batch *b);

/* Items of the queue: packets come; events are read. */
void tunnels_happen(struct world *w);
void tunnels_read(struct world *w, struct machine *m);
/* Events are lost. */
void tunnels_lose(struct machine *m);

/* The master of the first group has nothing held, the other all; and both have the same. */
void tunnels_check_quiet(struct world *w);
/* The same after a packet by each SA. */
void tunnels_check_follow(struct world *w);

#endif
