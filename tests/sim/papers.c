/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "papers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { INCOMING_MAX = 1 << 20 }; /* touched as far as used */

static void put_number(uint8_t *at, uint32_t number)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(number >> 8 * i);
}

static uint32_t number_at(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint8_t byte_of(uint32_t number, size_t at)
{
	return (uint8_t)(number * 31 + at * 7 + at / 251);
}

static struct document_digest digest_of(uint32_t number, uint32_t live)
{
	struct document_digest digest = { { 0 } };

	put_number(digest.bytes, number);
	put_number(digest.bytes + 4, live);
	put_number(digest.bytes + 12, ~number);
	return digest;
}

static void fill(uint8_t *bytes, const struct paper *paper)
{
	for (size_t i = PAPER_LEAST; i < paper->len; i++)
		bytes[i] = byte_of(paper->number, i);
	put_number(bytes, paper->number);
	put_number(bytes + 4, paper->live);
}

/* The number that they are the whole document of; false: of none. */
static bool is_whole(const uint8_t *bytes, size_t len, uint32_t *ret_number)
{
	*ret_number = len >= PAPER_LEAST ? number_at(bytes) : 0;
	for (size_t i = PAPER_LEAST; i < len; i++) {
		if (bytes[i] != byte_of(*ret_number, i))
			return false;
	}
	return len >= PAPER_LEAST;
}

static void *must_have(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

void papers_init(struct papers *p, uint32_t kinds)
{
	for (unsigned i = 0; i < DOCUMENTS; i++) {
		struct paper *paper = &p->paper[i];

		*paper = (struct paper){ .kind = document_kind_at(i), .number = 1, .format = 1 };
		paper->on = kinds >> paper->kind & 1;
		paper->len = PAPER_BYTES;
		if (!paper->on)
			continue;
		paper->bytes[0] = must_have(malloc(INCOMING_MAX));
		paper->bytes[1] = must_have(malloc(INCOMING_MAX));
		paper->incoming = must_have(malloc(INCOMING_MAX));
	}
}

void papers_fini(struct papers *p)
{
	for (unsigned i = 0; i < DOCUMENTS; i++) {
		free(p->paper[i].bytes[0]);
		free(p->paper[i].bytes[1]);
		free(p->paper[i].incoming);
	}
}

uint32_t papers_kinds(const struct papers *p)
{
	uint32_t kinds = 0;

	for (unsigned i = 0; i < DOCUMENTS; i++)
		kinds |= (uint32_t)p->paper[i].on << p->paper[i].kind;
	return kinds;
}

struct paper *papers_of(struct papers *p, uint8_t kind)
{
	unsigned place = document_place(kind);

	assert(place < DOCUMENTS);
	return &p->paper[place];
}

static struct event event_of(const struct paper *paper, enum document_news news)
{
	struct event event = { .type = EVENT_DOCUMENT };

	event.document.kind = paper->kind;
	event.document.news = news;
	event.document.format = paper->format;
	event.document.text = "";
	return event;
}

struct event papers_read(struct paper *paper)
{
	struct event event = event_of(paper, DOCUMENT_IS_READ);

	if (paper->unread) {
		event = event_of(paper, DOCUMENT_UNREADABLE);
		event.document.text = "no such luck";
		return event;
	}
	paper->turn = 1 - paper->turn;
	fill(paper->bytes[paper->turn], paper);
	put_number(paper->patch[paper->turn], paper->before);
	put_number(paper->patch[paper->turn] + 4, paper->live_before);
	put_number(paper->patch[paper->turn] + 8, paper->number);
	put_number(paper->patch[paper->turn] + 12, paper->live);
	event.document.digest = digest_of(paper->number, paper->live);
	event.document.lasting = digest_of(paper->number, 0);
	event.document.bytes = span_of(paper->bytes[paper->turn], paper->len);
	event.document.has_patch = paper->patches && paper->before != 0;
	event.document.base = digest_of(paper->before, paper->live_before);
	event.document.patch = span_of(paper->patch[paper->turn], sizeof(paper->patch[0]));
	return event;
}

void papers_change(struct paper *paper, uint32_t number)
{
	paper->before = paper->number;
	paper->live_before = paper->live;
	paper->number = number;
}

void papers_stir(struct paper *paper, uint32_t live)
{
	papers_change(paper, paper->number);
	paper->live = live;
}

struct event papers_no_clerk(struct paper *paper)
{
	return event_of(paper, DOCUMENT_NO_CLERK);
}

bool papers_die(struct paper *paper)
{
	bool waited = paper->waits;

	paper->waits = paper->open = false;
	paper->before = 0;
	return waited;
}

/* `bytes` begin with number and live. */
static bool same(const struct document_digest *a, const uint8_t *bytes)
{
	struct document_digest b = digest_of(number_at(bytes), number_at(bytes + 4));

	return memcmp(a, &b, sizeof(b)) == 0;
}

static bool is_here(const struct paper *paper, const struct document_digest *digest)
{
	struct document_digest here = digest_of(paper->number, paper->live);

	return memcmp(digest, &here, sizeof(here)) == 0;
}

/* The number of what came; 0: of a patch whose base is not here. */
static uint32_t number_of(struct paper *paper, uint32_t *ret_live)
{
	const uint8_t *result = paper->incoming;
	uint32_t number = 0;

	if (paper->what.form == DOCUMENT_WHOLE) {
		paper->damaged |= !is_whole(paper->incoming, paper->come, &number) ||
				  !same(&paper->what.digest, result);
	} else {
		result += PAPER_LEAST;
		paper->damaged |= paper->come != PAPER_PATCH ||
				  !same(&paper->what.digest, result) ||
				  !same(&paper->what.base, paper->incoming);
		if (is_here(paper, &paper->what.base))
			number = number_at(result);
	}
	*ret_live = number_at(result + 4);
	return number;
}

static enum document_result judge(struct paper *paper)
{
	uint32_t live, number = number_of(paper, &live);
	bool dry = paper->what.purpose == PURPOSE_TRY;

	if (number == 0)
		return DOCUMENT_BASE_MISSING;
	if (paper->refuses) {
		paper->refused++;
		return dry ? DOCUMENT_INVALID : DOCUMENT_REFUSED;
	}
	if (dry)
		return DOCUMENT_VALID;
	paper->applied++;
	papers_change(paper, number);
	paper->live = live;
	return DOCUMENT_ACCEPTED;
}

bool papers_judge(struct paper *paper, struct event *ret_read, struct event *ret_verdict)
{
	if (!paper->waits)
		return false;
	paper->waits = false;
	if (paper->what.purpose == PURPOSE_COMPARE) {
		uint32_t live;

		paper->compared += number_of(paper, &live) != 0;
		*ret_verdict = event_of(paper, DOCUMENT_COMPARED);
	} else {
		*ret_verdict = event_of(paper, DOCUMENT_JUDGED);
		ret_verdict->document.digest = paper->what.digest;
		ret_verdict->document.result = judge(paper);
		if (paper->refuses)
			ret_verdict->document.text = "not to my taste";
	}
	*ret_read = papers_read(paper);
	return true;
}

bool papers_act(struct papers *p, const struct action *a)
{
	struct paper *paper = papers_of(p, (uint8_t)a->target);

	if (a->type == ACTION_DOCUMENT_OPEN) {
		struct event unheard;

		/* What an engine that is no more wanted is done first. */
		(void)papers_judge(paper, &unheard, &unheard);
		paper->open = true;
		paper->come = 0;
	} else if (a->type == ACTION_DOCUMENT_PIECE) {
		assert(paper->open && paper->come + a->bytes.len <= INCOMING_MAX);
		memcpy(paper->incoming + paper->come, a->bytes.data, a->bytes.len);
		paper->come += a->bytes.len;
	} else if (a->type == ACTION_DOCUMENT_APPLY) {
		assert(paper->open && !paper->waits);
		paper->what = a->document;
		paper->open = false;
		paper->waits = true;
		return true;
	} else if (a->type == ACTION_DOCUMENT_KEEP) {
		if (is_here(paper, &a->document.digest))
			paper->keeps = paper->number;
		paper->kept++;
	} else {
		if (paper->keeps != 0)
			papers_change(paper, paper->keeps);
		paper->loaded++;
		return true;
	}
	return false;
}
