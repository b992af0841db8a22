/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pair_document: the clerk of each side of a pair, for pair.c.
 */
#ifndef SIM_PAIR_DOCUMENT_H
#define SIM_PAIR_DOCUMENT_H

#include "pair.h"
#include "papers.h"

enum { PAIR_CLERK_US = 3000 }; /* that it takes to judge */

void pair_documents_start(struct pair *p, unsigned i);
/* The guardian is no more: what an engine remembered goes with it. */
void pair_documents_clear(struct pair *p, unsigned i);
void pair_documents_free(struct pair *p, unsigned i);
void pair_document_act(struct pair *p, unsigned i, const struct action *a);
void pair_document_judged(struct pair *p, unsigned i, uint8_t kind);

static inline struct paper *pair_paper(const struct pair *p, unsigned i, uint8_t kind)
{
	return papers_of(p->side[i].papers, kind);
}

#endif
