/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pair_kernel: a table of sessions for each side of a pair that mirrors.
 *
 * A session's key is a number; its value is a status, a state, what NAT makes of it, something
 * rare, and bytes that only make it longer. Orders are carried out at once; refusals, answers and
 * the steps of dumps come PAIR_KERNEL_US later, and a dump is as old as its question.
 */
#ifndef SIM_PAIR_KERNEL_H
#define SIM_PAIR_KERNEL_H

#include "nsrp/object.h"
#include "pair.h"

enum {
	PAIR_KERNEL_US = 100,
	PAIR_SESSIONS = 2048,
	PAIR_DUMP_STEP = 64,
	PAIR_PAD_MAX = 400,
	PAIR_POLICIES =
		PAIR_SESSIONS / 2, /* where SAs are mirrored: keys from here on are policies */
	PAIR_JUMP = 20,            /* of an SA's numbers, when it is settled */
};

struct pair_session {
	bool there;
	uint8_t status, state, nat, rare;
	bool held;        /* its timer is the hold's */
	bool liberal;     /* windows are not looked at */
	uint64_t held_at; /* when the hold's timer began to run */
};

struct pair_kernel {
	void *mirror; /* owned */
	uint32_t objects, frames;
	uint32_t limit; /* of the peer's; 0 = none */
	uint8_t kind;   /* enum object_kind: what the sessions are to the mirror */
	uint8_t key;    /* of the hash, over and over */
	size_t pad;     /* of every value */
	struct pair_session session[PAIR_SESSIONS];
	unsigned orders[OBJECT_RETIME + 1]; /* carried out or refused, by operation */
	unsigned fetches, dumps;
	unsigned order_us; /* that one takes, in which the node does nothing else; preset 0 */
	uint64_t busy_us;  /* that all took */
	unsigned refuses;  /* creations, from now on */
	enum refusal refuses_why;
	unsigned refuses_settling; /* SAs, from now on */
	unsigned early;            /* policies that were settled while an SA was held */
	uint32_t unreadable;       /* kinds whose dumps fail; bit by number */
	bool dump_waits;           /* its next step does not come */
	enum dump_result result;   /* of the next step, instead of the usual one; then DUMP_MORE */
	struct {
		bool running, asked;
		uint8_t kind;
		unsigned next, end, n;
		struct {
			unsigned key;
			struct pair_session session;
		} seen[PAIR_DUMP_STEP];
	} dump;
};

/* Both sides mirror, with an index of so many objects and a channel of so many frames (0 = as
 * many as it can keep). Before the start. */
void pair_mirror(struct pair *p, uint32_t objects, uint32_t frames);
/* The same, but what the tables hold is of another kind. Before the start. */
void pair_mirror_neighbours(struct pair *p);
/* SAs, whose state is the last number sent, and policies; held means so. */
void pair_mirror_sas(struct pair *p);
/* The kernel's table is lost with the power; the mirror's memory with every engine. */
void pair_kernel_start(struct pair *p, unsigned i, struct node_env *env);
void pair_kernel_clear(struct pair *p, unsigned i);
void pair_kernel_free(struct pair *p, unsigned i);

/* Traffic makes a session, changes its state, or something rare of it that the event tells only in
 * part; it ends, or runs out. The node hears of it at once. */
void pair_make(struct pair *p, unsigned i, unsigned key, uint8_t state);
void pair_make_many(struct pair *p, unsigned i, unsigned first, unsigned n);
void pair_change(struct pair *p, unsigned i, unsigned key, uint8_t state);
void pair_change_rare(struct pair *p, unsigned i, unsigned key, uint8_t rare);
void pair_remove(struct pair *p, unsigned i, unsigned key);
/* The event tells too little to make it anew. */
void pair_remove_bare(struct pair *p, unsigned i, unsigned key);
/* The node hears the event again, though nothing changed. */
void pair_repeat(struct pair *p, unsigned i, unsigned key);
/* A step of a dump that waited goes on. */
void pair_dump_goes_on(struct pair *p, unsigned i);
void pair_plain_event(struct pair *p, unsigned i, enum event_type type);

/* Equal but for timers and flags. */
bool pair_same(const struct pair *p, unsigned key);
/* The first session that differs, or -1. */
int pair_different(const struct pair *p);
/* Sessions in the table. */
unsigned pair_sessions(const struct pair *p, unsigned i);
const struct pair_session *pair_session(const struct pair *p, unsigned i, unsigned key);
struct mirror *pair_mirror_of(const struct pair *p, unsigned i);
/* The entry of a session in the index; NULL. */
struct entry *pair_entry(const struct pair *p, unsigned i, unsigned key);
bool pair_owns(const struct pair *p, unsigned i, unsigned key);

/* For pair.c: actions, and items that are due. */
void pair_kernel_act(struct pair *p, unsigned i, const struct action *a);
void pair_kernel_item(struct pair *p, const struct pair_item *item);

#endif
