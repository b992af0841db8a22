/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the clerk says, and what came of documents here and there. */
#include "document.h"

#include <assert.h>
#include <string.h>

#include "command.h"
#include "mirror.h"
#include "state.h"

/* One line of printable ASCII, whoever wrote it. */
static void set_text(char to[DOCUMENT_TEXT_MAX], struct span text)
{
	size_t len = text.len < DOCUMENT_TEXT_MAX - 1 ? text.len : DOCUMENT_TEXT_MAX - 1;

	for (size_t i = 0; i < len; i++)
		to[i] = text.data[i] >= 0x20 && text.data[i] <= 0x7e ? (char)text.data[i] : '?';
	to[len] = '\0';
}

static struct span span_of_text(const char *text)
{
	return span_of(text, strlen(text));
}

void document_arrived(struct node *n, struct document *d, struct actions *out)
{
	struct action *a = node_act(out, ACTION_DOCUMENT_APPLY, d->kind);

	node_count(n, COUNTER_DOCUMENTS_HEARD);
	d->incoming.phase = PHASE_APPLYING;
	a->document = (struct action_document){
		.purpose = d->incoming.purpose,
		.form = d->incoming.form,
		.token = d->incoming.token,
		.digest = d->incoming.digest,
		.base = d->incoming.base,
	};
	d->incoming.token = d->incoming.purpose == PURPOSE_COMPARE ? 0 : d->incoming.token;
}

static void note_past(struct document_past *past, mono_t now, enum document_result result,
	const struct document_digest *digest, struct span text)
{
	*past = (struct document_past){
		.times = past->times + 1,
		.result = result,
		.at = now,
		.digest = *digest,
	};
	set_text(past->text, text);
}

void document_recall(struct document *d, mono_t now)
{
	const struct document_saved *s = d->saved;

	if (s->heard && s->result != 0)
		note_past(&d->mine, now, (enum document_result)s->result, &s->offer,
			span_of_text(s->text));
}

/* Not of what comes and goes by itself all the time. */
static void log_result(const struct node *n, const struct document *d, const char *where,
	const struct document_past *past)
{
	if (past->result == DOCUMENT_EQUAL ||
		(past->result == DOCUMENT_ACCEPTED && d->condition == CONDITION_EQUAL))
		return;
	n->env.log->write(n->env.log->user,
		past->result == DOCUMENT_REFUSED ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
		"%s %s %s: %s%s%s", document_kind_name(d->kind), where, mirror_peer_name(n),
		document_result_text(past->result), past->text[0] != '\0' ? ": " : "", past->text);
}

static bool is_final(enum document_result result)
{
	return result == DOCUMENT_EQUAL || result == DOCUMENT_ACCEPTED ||
	       result == DOCUMENT_REFUSED;
}

/* This node is done with what the peer offers. */
void document_judged(struct node *n, mono_t now, struct document *d, enum document_result result,
	uint32_t sync, const struct document_digest *digest, const char *text)
{
	note_past(&d->mine, now, result, digest, span_of_text(text));
	d->mine.asked = sync != 0;
	d->untold = true;
	n->beat_now = true;
	if (sync != 0)
		d->saved->sync = sync;
	if (is_final(result) && d->saved->heard && document_same(&d->saved->offer, digest)) {
		d->saved->result = (uint8_t)result;
		memcpy(d->saved->text, d->mine.text, sizeof(d->saved->text));
	}
	/* A trial is no consent. */
	if (result == DOCUMENT_ACCEPTED || (result == DOCUMENT_EQUAL && document_is_offered(d)))
		d->saved->consent = true;
	n->save_now = true;
	if (result == DOCUMENT_ACCEPTED)
		node_count(n, COUNTER_DOCUMENTS_ACCEPTED);
	if (result == DOCUMENT_REFUSED)
		node_count(n, COUNTER_DOCUMENTS_REFUSED);
	log_result(n, d, "of", &d->mine);
}

void document_refuse(struct node *n, mono_t now, struct document *d, const char *text)
{
	struct document_incoming in = d->incoming;

	d->incoming = (struct document_incoming){ .phase = PHASE_NONE };
	document_judged(n, now, d, in.purpose == PURPOSE_TRY ? DOCUMENT_INVALID : DOCUMENT_REFUSED,
		in.sync, &in.digest, text);
}

/* The clerk's word on what it was given. */
static void clerk_judged(struct node *n, mono_t now, struct document *d, const struct event *event)
{
	struct document_incoming in = d->incoming;
	enum document_result result = event->document.result;

	if (in.phase != PHASE_APPLYING || in.purpose == PURPOSE_COMPARE ||
		!document_same(&in.digest, &event->document.digest))
		return;
	if (result == DOCUMENT_BASE_MISSING && in.form == DOCUMENT_PATCH) {
		document_begin_incoming(n, d, in.purpose, in.sync, true);
		d->incoming.digest = in.digest;
		return;
	}
	d->incoming = (struct document_incoming){ .phase = PHASE_NONE };
	document_judged(n, now, d, result, in.sync, &in.digest, event->document.text);
}

void document_heard_verdict(struct node *n, mono_t now, struct document *d,
	enum document_result result, uint32_t sync, const struct document_digest *digest,
	struct span text)
{
	bool is_news = d->theirs.times == 0 || d->theirs.result != result ||
		       !document_same(&d->theirs.digest, digest);
	bool answers = sync != 0 && sync == d->sync;

	if (!is_news && !answers)
		return;
	note_past(&d->theirs, now, result, digest, text);
	d->theirs.asked = answers;
	if (answers) {
		d->sync = 0;
		d->dry = false;
		n->beat_now = true;
	}
	log_result(n, d, "at", &d->theirs);
}

/* More of it is another than what comes and goes by itself. */
static void is_edited(struct node *n, struct document *d)
{
	struct document_saved *s = d->saved;

	/* A change of what counts for nobody makes it count. */
	if (d->is_source && d->judged)
		d->leads = true;
	/* This node had all that is lasting of the offer, and waited for the rest: it drifts. */
	if (!d->is_source && s->heard && s->result == 0 &&
		document_same(&d->lasting, &s->lasting)) {
		s->result = DOCUMENT_ACCEPTED;
		n->save_now = true;
	}
}

static void is_read(struct node *n, struct document *d, const struct event *event)
{
	bool changed = !d->known || !document_same(&d->own, &event->document.digest);

	if (d->known && !document_same(&d->lasting, &event->document.lasting))
		is_edited(n, d);
	d->known = true;
	d->own = event->document.digest;
	d->lasting = event->document.lasting;
	d->format = event->document.format;
	d->bytes = event->document.bytes;
	d->has_patch = event->document.has_patch;
	d->base = event->document.base;
	d->patch = event->document.patch;
	d->trouble[0] = '\0';
	if (changed)
		d->outgoing.active = false; /* the peer asks for this one */
	else
		d->outgoing.begun = false; /* the same in other bytes, of which none went yet */
	d->outgoing.form = DOCUMENT_WHOLE;
	d->outgoing.at = 0;
	if (!changed)
		return;
	node_count(n, COUNTER_DOCUMENTS_READ);
	n->beat_now = true;
}

/* The clerk does not know it any more. */
static void is_unread(struct node *n, struct document *d, const char *why)
{
	if (d->on && strcmp(d->trouble, why) != 0)
		log_warn(n->env.log, "%s: not read: %s", document_kind_name(d->kind), why);
	n->beat_now |= d->known;
	d->known = d->has_patch = d->outgoing.active = false;
	d->bytes = d->patch = span_of(NULL, 0);
	set_text(d->trouble, span_of_text(why));
}

static void has_no_clerk(struct node *n, mono_t now, struct document *d, struct actions *out)
{
	is_unread(n, d, "the process that reads it has ended");
	if (d->incoming.phase == PHASE_APPLYING && d->incoming.purpose != PURPOSE_COMPARE)
		document_refuse(n, now, d, "the process that was to apply it has ended");
	else if (d->incoming.phase != PHASE_NONE)
		document_end_incoming(n, d, RESULT_NOT_MIRRORED, out);
}

void document_told(struct node *n, mono_t now, const struct event *event, struct actions *out)
{
	unsigned place = document_place(event->document.kind);

	assert(place < DOCUMENTS);
	struct document *d = &n->document[place];

	switch (event->document.news) {
	case DOCUMENT_IS_READ: is_read(n, d, event); break;
	case DOCUMENT_UNREADABLE: is_unread(n, d, event->document.text); break;
	case DOCUMENT_JUDGED: clerk_judged(n, now, d, event); break;
	case DOCUMENT_COMPARED:
		if (d->incoming.phase == PHASE_APPLYING && d->incoming.purpose == PURPOSE_COMPARE)
			document_end_incoming(n, d, RESULT_DONE, out);
		break;
	case DOCUMENT_NO_CLERK: has_no_clerk(n, now, d, out); break;
	}
}
