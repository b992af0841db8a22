/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "document.h"

#include <string.h>

#include "command.h"
#include "mirror.h"
#include "state.h"

bool document_same(const struct document_digest *a, const struct document_digest *b)
{
	return memcmp(a->bytes, b->bytes, DOCUMENT_DIGEST_LEN) == 0;
}

static bool is_wanted(const struct node *n, uint8_t kind)
{
	const struct conf_mirror *mirror = &n->conf->mirror;
	bool wanted = false;

	switch ((enum document_kind)kind) {
	case DOCUMENT_RULESET: wanted = mirror->ruleset; break;
	case DOCUMENT_FILES: wanted = mirror->n_files > 0; break;
	}
	return wanted && n->env.mirror != NULL && (n->env.documents >> kind & 1);
}

bool documents_any(const struct node *n)
{
	for (unsigned i = 0; i < DOCUMENTS; i++) {
		if (is_wanted(n, document_kind_at(i)))
			return true;
	}
	return false;
}

void documents_init(struct node *n, mono_t now)
{
	for (unsigned i = 0; i < DOCUMENTS; i++) {
		struct document *d = &n->document[i];

		*d = (struct document){ .kind = document_kind_at(i), .since = now };
		d->on = is_wanted(n, d->kind);
		d->saved = &n->saved.document[i];
		d->sync_until = MONO_NEVER;
		document_recall(d, now);
	}
}

bool document_is_source(const struct node *n)
{
	const struct group *first = &n->group[0];

	return n->conf->n_groups > 0 && n->joining == JOINING_NOT && first->state == GROUP_MASTER &&
	       !(first->peer.known && first->peer.state == GROUP_MASTER);
}

bool document_peer_is_source(const struct node *n)
{
	const struct group *first = &n->group[0];

	return n->conf->n_groups > 0 && first->state != GROUP_MASTER && first->peer.known &&
	       first->peer.state == GROUP_MASTER;
}

bool document_has_consent(const struct document *d)
{
	return d->saved->consent || !(DOCUMENTS_ASKED_FOR >> d->kind & 1);
}

bool document_offers(const struct document *d)
{
	return d->on && d->is_source && d->known && d->leads && document_has_consent(d);
}

static bool is_in_maintenance(const struct node *n)
{
	return n->conf->n_groups > 0 && n->group[0].maintenance;
}

/* A new source's counts unless it knows of one that it does not have. */
static void judge_source(struct node *n, mono_t now, struct document *d)
{
	bool was = d->is_source;

	d->is_source = document_is_source(n);
	if (d->is_source != was) {
		d->judged = d->leads = d->dry = false;
		d->sync = 0;
		n->beat_now = true;
	}
	if (d->is_source && d->known && !d->judged) {
		d->judged = true;
		d->leads = !d->saved->heard || document_same(&d->saved->lasting, &d->lasting);
		n->beat_now = true;
	}
	if (d->leads && d->saved->heard) {
		d->saved->heard = false;
		n->save_now = true;
	}
	if (d->sync != 0 && mono_reached(d->sync_until, now)) {
		d->sync = 0;
		d->dry = false;
	}
}

bool document_is_offered(const struct document *d)
{
	return d->on && !d->is_source && d->peer.known && d->peer.format == d->format &&
	       (d->peer.flags & WIRE_DOCUMENT_OFFERS);
}

/* The operator's wish, which was not heeded yet. */
bool document_is_asked(const struct document *d)
{
	return d->on && !d->is_source && d->peer.known && d->peer.format == d->format &&
	       d->peer.sync != 0 && d->peer.sync != d->saved->sync;
}

static bool has_drifted(const struct document *d)
{
	const struct document_saved *s = d->saved;

	return s->heard && (s->result == DOCUMENT_EQUAL || s->result == DOCUMENT_ACCEPTED) &&
	       d->known && !document_same(&d->lasting, &s->lasting);
}

/* What comes and goes by itself at the source is taken along where the rest is, but undoes neither
 * a refusal nor drift. */
static void note_offer(struct node *n, struct document *d)
{
	struct document_saved *s = d->saved;
	bool is_settled = s->heard && document_same(&s->lasting, &d->peer.lasting) &&
			  (s->result == DOCUMENT_REFUSED || has_drifted(d));

	if (s->heard && document_same(&s->offer, &d->peer.digest))
		return;
	s->heard = true;
	s->offer = d->peer.digest;
	s->lasting = d->peer.lasting;
	s->result = is_settled ? s->result : 0;
	n->save_now = true;
}

void document_end_incoming(
	struct node *n, struct document *d, enum result result, struct actions *out)
{
	uint32_t token = d->incoming.token;

	d->incoming = (struct document_incoming){ .phase = PHASE_NONE };
	n->beat_now = true;
	if (token != 0)
		command_reply(n, token, result, out);
}

void document_begin_incoming(struct node *n, struct document *d, enum document_purpose purpose,
	uint32_t sync, bool whole)
{
	d->incoming = (struct document_incoming){
		.phase = PHASE_WANTED,
		.purpose = purpose,
		.sync = sync,
		.whole = whole,
		.digest = d->peer.digest,
		.until = MONO_NEVER,
	};
	n->beat_now = true;
}

/* What is asked for is not offered any more, or another one is. */
static void judge_incoming(struct node *n, struct document *d, bool tried, struct actions *out)
{
	struct document_incoming *in = &d->incoming;
	bool stays = in->phase == PHASE_NONE || in->phase == PHASE_APPLYING;

	if (in->purpose == PURPOSE_COMPARE && !stays && d->peer.known) {
		if (!document_same(&in->digest, &d->peer.digest)) {
			in->digest = d->peer.digest;
			in->phase = PHASE_WANTED;
			in->asked = false;
		}
		return;
	}
	bool applies = in->purpose == PURPOSE_APPLY && document_is_offered(d) &&
		       (in->sync != 0 || d->saved->result == 0);

	if (stays || (document_same(&in->digest, &d->peer.digest) &&
			     (in->purpose == PURPOSE_TRY ? tried : applies)))
		return;
	document_end_incoming(n, d, RESULT_NO_PEER, out);
}

/* Whether this node lacks what the peer offers. */
static void judge_offer(struct node *n, mono_t now, struct document *d, struct actions *out)
{
	bool asked = document_is_asked(d), tried = asked && (d->peer.flags & WIRE_DOCUMENT_DRY);

	if (document_is_offered(d))
		note_offer(n, d);
	judge_incoming(n, d, tried, out);
	if (d->incoming.phase != PHASE_NONE || !d->known || (!document_is_offered(d) && !tried))
		return;
	if (!asked && d->saved->result != 0)
		return;
	if (document_same(&d->own, &d->peer.digest))
		document_judged(n, now, d, DOCUMENT_EQUAL, asked ? d->peer.sync : 0, &d->own, "");
	else if (asked || !is_in_maintenance(n))
		document_begin_incoming(
			n, d, tried ? PURPOSE_TRY : PURPOSE_APPLY, asked ? d->peer.sync : 0, false);
}

uint8_t document_flags(const struct node *n, const struct document *d)
{
	bool offered = document_is_offered(d);
	bool works = d->incoming.phase != PHASE_NONE && d->incoming.purpose == PURPOSE_APPLY;

	return (uint8_t)((d->known ? WIRE_DOCUMENT_KNOWN : 0) |
			 (document_offers(d) ? WIRE_DOCUMENT_OFFERS : 0) |
			 (d->dry ? WIRE_DOCUMENT_DRY : 0) |
			 (document_has_consent(d) ? WIRE_DOCUMENT_CONSENT : 0) |
			 (offered && d->saved->result == 0 && !works && is_in_maintenance(n)
					 ? WIRE_DOCUMENT_HELD
					 : 0) |
			 (works ? WIRE_DOCUMENT_WORKING : 0) |
			 (offered && d->saved->result == DOCUMENT_REFUSED ? WIRE_DOCUMENT_REFUSED
									  : 0) |
			 (offered && has_drifted(d) ? WIRE_DOCUMENT_DRIFTED : 0));
}

void documents_settle(struct node *n, mono_t now, struct actions *out)
{
	for (unsigned i = 0; i < DOCUMENTS; i++) {
		struct document *d = &n->document[i];

		if (d->on) {
			judge_source(n, now, d);
			judge_offer(n, now, d, out);
			if (d->incoming.phase == PHASE_COMPLETE)
				document_arrived(n, d, out);
			if (d->incoming.phase != PHASE_NONE && mono_reached(d->incoming.until, now))
				document_end_incoming(n, d, RESULT_TIMEOUT, out);
			document_send(n, now, d, out);
		}
		document_settle_condition(n, now, d, out);
	}
}

mono_t documents_deadline(const struct node *n, mono_t now)
{
	mono_t at = MONO_NEVER;

	for (unsigned i = 0; i < DOCUMENTS; i++) {
		const struct document *d = &n->document[i];

		if (!d->on)
			continue;
		if (d->sync != 0)
			at = mirror_sooner(at, d->sync_until, now);
		if (d->incoming.phase == PHASE_NONE)
			continue;
		at = mirror_sooner(at, d->incoming.until, now);
		if (d->incoming.asked && d->incoming.phase != PHASE_APPLYING)
			at = mirror_sooner(at, d->incoming.again_at, now);
	}
	return at;
}

void documents_forget_peer(struct node *n)
{
	for (unsigned i = 0; i < DOCUMENTS; i++)
		n->document[i].peer.known = false;
}

void documents_reconfigure(struct node *n, mono_t now, struct actions *out)
{
	for (unsigned i = 0; i < DOCUMENTS; i++) {
		struct document *d = &n->document[i];
		bool on = is_wanted(n, d->kind);

		if (d->on == on)
			continue;
		if (d->incoming.phase != PHASE_NONE)
			document_end_incoming(n, d, RESULT_NOT_MIRRORED, out);
		d->on = on;
		d->is_source = d->judged = d->leads = d->outgoing.active = false;
		d->sync = 0;
		n->beat_now = true;
	}
	(void)now;
}
