/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * clerk: the documents of a world's machines: they change, are refused, clerks die, operators have
 * wishes; and what must hold of them.
 *
 * Its chance is its own, so that a schedule without documents is the same as ever.
 */
#ifndef SIM_CLERK_H
#define SIM_CLERK_H

#include "nsrp/node.h"

struct world;
struct machine;

/* Before the machines are powered. */
void clerk_init(struct world *w);
/* What an engine that starts is told, before and after. */
void clerk_prepare(const struct machine *m, struct node_env *env);
void clerk_start(struct world *w, struct machine *m);
/* The guardian starts: what engines remembered is gone. */
void clerk_boot(struct machine *m);
/* Clerks die with their guardian; the power takes the ruleset along, too. */
void clerk_end(struct machine *m, bool power);

void clerk_act(struct world *w, struct machine *m, const struct action *a);
/* Items of the queue: a clerk is done with a document; something happens to one. */
void clerk_judged(struct world *w, struct machine *m, uint8_t kind);
void clerk_happens(struct world *w);

/* What could not be read can be read. */
void clerk_heal(struct world *w);
/* Both have the same, or can say why not. */
void clerk_check_quiet(struct world *w);

#endif
