/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * document_story: transcripts of a pair that mirrors documents.
 */
#ifndef TRANSCRIPT_DOCUMENT_STORY_H
#define TRANSCRIPT_DOCUMENT_STORY_H

#include "mirror_story.h"
#include "pair_document.h"

enum { F = DOCUMENT_FILES, R = DOCUMENT_RULESET };

static inline int documents_begin(void **state)
{
	struct pair *p = pair_new();

	pair_mirror(p, PAIR_SESSIONS, 0);
	pair_documents(p, 1u << F | 1u << R);
	*state = p;
	return 0;
}

#define DOCUMENTS_STORY(name) cmocka_unit_test_setup_teardown(name, documents_begin, story_ends)

static inline struct document_view look(const struct pair *p, unsigned i, uint8_t kind)
{
	static struct node_view view;

	node_look(p->side[i].node, pair_clock(p, i), &view);
	return view.document[document_place(kind)];
}

static inline void assert_condition(
	const struct pair *p, uint8_t kind, enum document_condition condition)
{
	for (unsigned i = 0; i < 2; i++) {
		enum document_condition is = look(p, i, kind).condition;

		if (is == condition)
			continue;
		pair_print(p);
		fail_msg("fw%u: %s, not %s", i + 1, document_condition_key(is),
			document_condition_key(condition));
	}
}

static inline void assert_both_have(const struct pair *p, uint8_t kind, uint32_t number)
{
	if (pair_document(p, 0, kind) != number || pair_document(p, 1, kind) != number)
		pair_print(p);
	assert_int_equal(pair_document(p, 0, kind), number);
	assert_int_equal(pair_document(p, 1, kind), number);
	assert_false(pair_paper(p, 0, kind)->damaged);
	assert_false(pair_paper(p, 1, kind)->damaged);
}

static inline void documents_settle_both(struct pair *p)
{
	pair_start_both(p);
	pair_run(p, 2000);
}

#endif
