/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * papers: a model of a clerk with one document of each kind.
 *
 * A document is a number, and another one that changes by itself, `live`; its bytes are made of the
 * number, so that half of one is never taken for another. A patch names two documents. What the
 * clerk is given it judges when it is asked to.
 */
#ifndef SIM_PAPERS_H
#define SIM_PAPERS_H

#include "nsrp/event.h"

enum {
	PAPER_BYTES = 6000, /* preset of their length */
	PAPER_LEAST = 8,    /* bytes */
	PAPER_PATCH = 16,
};

struct paper {
	uint8_t kind;
	bool on;                                    /* this build has it */
	uint32_t number, live, before, live_before; /* before = 0: that is not known */
	size_t len;
	bool patches; /* a change is told with a patch of the one before */
	bool refuses; /* what comes */
	bool unread;  /* it cannot be read */
	uint8_t format;
	/* Two rows of bytes, since the core may still read the one before. Owned. */
	uint8_t *bytes[2];
	unsigned turn;
	uint8_t patch[2][PAPER_PATCH];
	/* What comes in. */
	bool open;
	size_t come;
	uint8_t *incoming; /* owned */
	bool waits;        /* for papers_judge() */
	struct action_document what;
	uint32_t keeps;                                    /* that number; 0 = none */
	unsigned applied, refused, compared, kept, loaded; /* how often */
	bool damaged;                                      /* what came was not whole */
};

struct papers {
	struct paper paper[DOCUMENTS];
	unsigned deaths; /* while something waited */
};

/* Zeroed memory -> kinds of that set (bit by number), all with the document 1. */
void papers_init(struct papers *p, uint32_t kinds);
void papers_fini(struct papers *p);
uint32_t papers_kinds(const struct papers *p);

/* What the clerk says of its document, to a core that may not know it yet. */
struct event papers_read(struct paper *paper);
/* It is another one from now on. */
void papers_change(struct paper *paper, uint32_t number);
/* More of it changes by itself. */
void papers_stir(struct paper *paper, uint32_t live);
struct event papers_no_clerk(struct paper *paper);
/* The clerk ends: what it was doing is forgotten. True: there was something. */
bool papers_die(struct paper *paper);

/* An action of the core; true when papers_judge(), or papers_read() when that says that nothing
 * waits, is due later. */
bool papers_act(struct papers *p, const struct action *a);
/* Carries out what waits. *ret_read is to be told first, when it returns true. */
bool papers_judge(struct paper *paper, struct event *ret_read, struct event *ret_verdict);

struct paper *papers_of(struct papers *p, uint8_t kind);

#endif
