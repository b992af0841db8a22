/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pair_fuzz: a pair that agreed and runs, the same at the start of every input, and inputs that
 * are rows of items: control (1), length (2), that many bytes.
 *
 * Control: bit 0 the node that hears, bits 1 and 2 the path, bits 3 to 6 how much time passes
 * before (0 to 15 times 20 ms), bit 7 whatever the fuzzer makes of it.
 */
#ifndef FUZZ_PAIR_FUZZ_H
#define FUZZ_PAIR_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "core/codec.h"
#include "core/state.h"
#include "pair.h"
#include "pair_document.h"
#include "pair_kernel.h"

enum { FUZZ_ITEMS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_item {
	unsigned to, path;
	bool flag;
	struct span bytes;
};

/* Node 1 has asked for the document 11, and node 0 has not heard so. */
static inline void fuzz_begin_documents(struct pair *p)
{
	pair_write(p, 0, DOCUMENT_FILES, 11);
	pair_run_us(p, PAIR_FRAME_US + PAIR_FRAME_US / 2);
}

/* A pair that mirrors up to so many sessions, and does some; 0 = one that mirrors none. */
static inline struct pair *fuzz_pair_of(unsigned sessions)
{
	static struct pair *p;
	static struct node *node[2];
	static struct toy toy[2];
	static struct papers papers[2];
	static uint64_t started;

	if (p == NULL) {
		p = pair_new();
		if (sessions > 0)
			pair_mirror(p, sessions, 16);
		pair_documents(p, sessions > 0 ? 1u << DOCUMENT_FILES : 0);
		pair_start_both(p);
		if (sessions > 0) {
			pair_make_many(p, 0, 0, sessions / 4);
			pair_run(p, 3000);
			fuzz_begin_documents(p);
		}
		p->n_items = 0;
		started = p->now;
		for (unsigned i = 0; i < 2; i++) {
			node[i] = malloc(node_size());
			if (node[i] == NULL)
				abort();
			memcpy(node[i], p->side[i].node, node_size());
			toy[i] = p->side[i].toy;
			papers[i] = *p->side[i].papers;
		}
	}
	for (unsigned i = 0; i < 2; i++) {
		memcpy(p->side[i].node, node[i], node_size());
		p->side[i].toy = toy[i];
		*p->side[i].papers = papers[i];
		p->side[i].owns[0] = i == 0;
		p->side[i].runs = true;
	}
	p->n_items = 0;
	p->now = started;
	return p;
}

static inline struct pair *fuzz_pair(void)
{
	return fuzz_pair_of(0);
}

static inline bool fuzz_next(struct pair *p, struct reader *r, struct fuzz_item *item)
{
	uint8_t control = reader_u8(r);
	uint16_t len = reader_u16(r);

	if (!reader_ok(r))
		return false;
	item->to = control & 1;
	item->path = (control >> 1 & 3) % p->side[0].conf->n_paths;
	item->flag = control >> 7;
	item->bytes = reader_bytes(r, len < r->left ? len : r->left);
	pair_forget(p);
	pair_run(p, (control >> 3 & 15) * 20u);
	return true;
}

/* Nothing that was heard may keep the pair from settling when it is left alone. */
static inline void fuzz_settle(struct pair *p)
{
	pair_forget(p);
	pair_run(p, 500);
}

#endif
