/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pair_document.h"

#include <stdlib.h>

void pair_documents(struct pair *p, uint32_t kinds)
{
	for (unsigned i = 0; i < 2; i++) {
		p->side[i].papers = calloc(1, sizeof(*p->side[i].papers));
		if (p->side[i].papers == NULL)
			abort();
		papers_init(p->side[i].papers, kinds);
	}
	p->side[0].conf->mirror.ruleset = kinds >> DOCUMENT_RULESET & 1;
	p->side[0].conf->mirror.n_files = kinds >> DOCUMENT_FILES & 1;
	pair_same_conf(p);
}

static void tell(struct pair *p, unsigned i, struct paper *paper)
{
	struct event event = papers_read(paper);

	if (p->side[i].runs)
		pair_event(p, i, &event);
}

void pair_documents_start(struct pair *p, unsigned i)
{
	struct papers *papers = p->side[i].papers;

	for (unsigned k = 0; papers != NULL && k < DOCUMENTS; k++) {
		if (papers->paper[k].on)
			tell(p, i, &papers->paper[k]);
	}
}

void pair_documents_clear(struct pair *p, unsigned i)
{
	struct papers *papers = p->side[i].papers;

	for (unsigned k = 0; papers != NULL && k < DOCUMENTS; k++) {
		struct document_saved *saved = &p->side[i].disk.document[k];

		*saved = (struct document_saved){ .consent = saved->consent };
		(void)papers_die(&papers->paper[k]);
	}
}

void pair_documents_free(struct pair *p, unsigned i)
{
	if (p->side[i].papers != NULL)
		papers_fini(p->side[i].papers);
	free(p->side[i].papers);
}

void pair_document_act(struct pair *p, unsigned i, const struct action *a)
{
	if (!papers_act(p->side[i].papers, a) || p->side[i].clerk_hangs)
		return;
	struct pair_item *item = pair_push(p, i, p->now + PAIR_CLERK_US);

	item->type = PAIR_ITEM_JUDGED;
	item->target = a->target;
}

void pair_document_judged(struct pair *p, unsigned i, uint8_t kind)
{
	struct event read, verdict;

	if (!papers_judge(pair_paper(p, i, kind), &read, &verdict)) {
		tell(p, i, pair_paper(p, i, kind));
		return;
	}
	pair_event(p, i, &read);
	pair_event(p, i, &verdict);
}

void pair_write(struct pair *p, unsigned i, uint8_t kind, uint32_t number)
{
	papers_change(pair_paper(p, i, kind), number);
	tell(p, i, pair_paper(p, i, kind));
}

void pair_stir(struct pair *p, unsigned i, uint8_t kind, uint32_t live)
{
	papers_stir(pair_paper(p, i, kind), live);
	tell(p, i, pair_paper(p, i, kind));
}

uint32_t pair_document(const struct pair *p, unsigned i, uint8_t kind)
{
	return pair_paper(p, i, kind)->number;
}

void pair_kill_clerk(struct pair *p, unsigned i)
{
	for (unsigned k = 0; k < DOCUMENTS; k++) {
		struct paper *paper = &p->side[i].papers->paper[k];
		struct event event = papers_no_clerk(paper);

		if (!paper->on)
			continue;
		(void)papers_die(paper);
		pair_event(p, i, &event);
		tell(p, i, paper);
	}
}

static void command(struct pair *p, unsigned i, enum command_verb verb, uint8_t kind, bool dry)
{
	struct event event = { .type = EVENT_COMMAND };

	event.command.verb = verb;
	event.command.group = COMMAND_ALL_GROUPS;
	event.command.kind = kind;
	event.command.dry = dry;
	event.command.token = ++p->side[i].token;
	pair_event(p, i, &event);
}

void pair_sync_document(struct pair *p, unsigned i, uint8_t kind, bool dry)
{
	command(p, i, COMMAND_SYNC, kind, dry);
}

void pair_compare(struct pair *p, unsigned i, uint8_t kind)
{
	command(p, i, COMMAND_DIFF, kind, false);
}
