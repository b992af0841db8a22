/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the two documents are to each other, and what the operator wants of them. */
#include "document.h"

#include <string.h>

#include "command.h"
#include "mirror.h"
#include "state.h"

enum {
	SYNC_MS = 60000,    /* the other node's answer to a wish is waited for */
	COMPARE_MS = 30000, /* the other node's document is */
};

/* By what the standby's flags say of an offer of the source's. */
static enum document_condition condition_of(uint8_t flags)
{
	if (flags & WIRE_DOCUMENT_WORKING)
		return CONDITION_MOVING;
	if (flags & WIRE_DOCUMENT_REFUSED)
		return CONDITION_REFUSED;
	if (flags & WIRE_DOCUMENT_DRIFTED)
		return CONDITION_DRIFT;
	return flags & WIRE_DOCUMENT_HELD ? CONDITION_HELD : CONDITION_MOVING;
}

static enum document_condition condition_now(const struct node *n, const struct document *d)
{
	if (!d->on)
		return CONDITION_OFF;
	if (!d->known)
		return CONDITION_UNREAD;
	if (!d->peer.known || !(d->peer.flags & WIRE_DOCUMENT_KNOWN))
		return CONDITION_ALONE;
	if (d->peer.format != d->format)
		return CONDITION_FOREIGN;
	if (document_same(&d->own, &d->peer.digest))
		return CONDITION_EQUAL;
	enum document_condition condition = CONDITION_OPEN;

	if (document_offers(d))
		condition = condition_of(d->peer.flags);
	else if (document_is_offered(d))
		condition = condition_of(document_flags(n, d));
	/* What comes and goes by itself is always under way. */
	return document_same(&d->lasting, &d->peer.lasting) && condition != CONDITION_REFUSED
		       ? CONDITION_EQUAL
		       : condition;
}

/* The only assigner. */
static void set_condition(
	struct node *n, mono_t now, struct document *d, enum document_condition condition)
{
	if (d->condition == condition)
		return;
	if (condition == CONDITION_DRIFT || condition == CONDITION_OPEN)
		log_warn(n->env.log, "%s: %s -> %s: %s", document_kind_name(d->kind),
			document_condition_key(d->condition), document_condition_key(condition),
			document_condition_text(condition));
	else
		log_info(n->env.log, "%s: %s -> %s", document_kind_name(d->kind),
			document_condition_key(d->condition), document_condition_key(condition));
	if (condition == CONDITION_DRIFT)
		node_count(n, COUNTER_DOCUMENTS_DRIFTED);
	d->condition = condition;
	d->since = now;
}

/* Once a boot: who joins alone has what both nodes had last. Later it is the past. */
static void judge_start(struct node *n, struct document *d, struct actions *out)
{
	bool loads = d->on && document_has_consent(d) && !n->peer_known;

	if (d->saved->started || n->joining != JOINING_NOT || (loads && !d->known))
		return;
	d->saved->started = true;
	n->save_now = true;
	if (loads)
		node_act(out, ACTION_DOCUMENT_LOAD, d->kind);
}

static void judge_keeping(struct document *d, struct actions *out)
{
	d->has_kept &= d->known && document_same(&d->kept, &d->lasting);
	if (d->has_kept || d->condition != CONDITION_EQUAL || !document_has_consent(d))
		return;
	d->has_kept = true;
	d->kept = d->lasting;
	node_act(out, ACTION_DOCUMENT_KEEP, d->kind)->document =
		(struct action_document){ .digest = d->own };
}

void document_settle_condition(struct node *n, mono_t now, struct document *d, struct actions *out)
{
	set_condition(n, now, d, condition_now(n, d));
	if (!(DOCUMENTS_KEPT >> d->kind & 1))
		return;
	judge_start(n, d, out);
	judge_keeping(d, out);
}

/* A number that no wish of this node's had before, in any of its lives. */
static uint32_t next_sync(const struct document *d, mono_t now)
{
	uint32_t sync = (uint32_t)(now.us / 1000) | 1;

	return sync == d->sync ? sync + 2 : sync;
}

static struct document *document_of(struct node *n, uint8_t kind)
{
	unsigned place = document_place(kind);

	return place < DOCUMENTS && n->document[place].on ? &n->document[place] : NULL;
}

enum result document_sync(struct node *n, mono_t now, const struct command *c)
{
	struct document *d = document_of(n, c->kind);

	if (d == NULL || !d->known)
		return RESULT_NOT_MIRRORED;
	if (!d->peer.known)
		return n->peer_known ? RESULT_NOT_MIRRORED : RESULT_NO_PEER;
	if (!document_is_source(n))
		return RESULT_NO_MASTER;
	d->sync = next_sync(d, now);
	d->sync_until = mono_after_ms(now, SYNC_MS);
	d->dry = c->dry;
	n->beat_now = true;
	if (c->dry)
		return RESULT_DONE;
	d->is_source = d->judged = d->leads = true;
	d->saved->consent = true;
	n->save_now = true;
	log_info(n->env.log, "%s: the operator wants this node's on both",
		document_kind_name(d->kind));
	return RESULT_DONE;
}

enum result document_diff(struct node *n, mono_t now, const struct command *c)
{
	struct document *d = document_of(n, c->kind);

	if (d == NULL || !d->known)
		return RESULT_NOT_MIRRORED;
	if (!d->peer.known || !(d->peer.flags & WIRE_DOCUMENT_KNOWN) || d->peer.format != d->format)
		return n->peer_known ? RESULT_NOT_MIRRORED : RESULT_NO_PEER;
	if (d->incoming.phase != PHASE_NONE)
		return RESULT_BUSY;
	document_begin_incoming(n, d, PURPOSE_COMPARE, 0, true);
	d->incoming.token = c->token;
	d->incoming.until = mono_after_ms(now, COMPARE_MS);
	return RESULT_DONE;
}

static int source_of(const struct node *n, const struct document *d)
{
	if (document_offers(d))
		return n->conf->self;
	return document_is_offered(d) ? 1 - n->conf->self : -1;
}

void documents_look(const struct node *n, struct node_view *v)
{
	for (unsigned i = 0; i < DOCUMENTS; i++) {
		const struct document *d = &n->document[i];
		bool comes = d->incoming.phase == PHASE_RECEIVING;

		v->document[i] = (struct document_view){
			.built = n->env.documents >> d->kind & 1,
			.on = d->on,
			.condition = d->condition,
			.since = d->since,
			.source = source_of(n, d),
			.consent = document_has_consent(d),
			.asked = d->sync != 0 || document_is_asked(d),
			.known = d->known,
			.peer_known = d->peer.known && (d->peer.flags & WIRE_DOCUMENT_KNOWN),
			.own = d->own,
			.peer = d->peer.digest,
			.bytes = d->bytes.len,
			.come = comes ? d->incoming.come : 0,
			.to_come = comes ? d->incoming.length : 0,
			.mine = d->mine,
			.theirs = d->theirs,
		};
		memcpy(v->document[i].trouble, d->trouble, sizeof(d->trouble));
	}
}
