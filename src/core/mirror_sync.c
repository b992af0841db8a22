/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether this node has what the master has, and what it asks for when it has not. */
#include "mirror.h"

#include <string.h>

#include "state.h"

enum {
	ASK_EVERY_MS = 5000, /* and twice as long each time it did not help */
	ASK_MAX_MS = 320000,
	FORGOTTEN_MS = 500, /* without a resync that should come by itself */
};

/* NULL: this node has what the peer has; else what it lacks. */
static const char *lacking(const struct node *n)
{
	const struct mirror *m = n->mirror;

	if (!(m->kinds & (OBJECT_SESSIONS | OBJECT_IPSEC))) /* nothing else is worth waiting for */
		return NULL;
	if (!n->peer_known || !mirror_peer_is_master(n))
		return m->fresh && m->peer.known && m->peer.keeps ? "the peer has what was before"
								  : NULL;
	if (!m->complete)
		return m->receiving ? "the resync is not complete" : "no resync has come";
	if (m->is_stale)
		return "its sessions have this node's old TCP windows";
	if (!m->peer.known)
		return NULL;
	if (m->peer.broken || m->peer.epoch != m->in.epoch)
		return "the peer starts its channel anew";
	return m->peer.lag_ms > MIRROR_LAG_MAX_MS ? "the channel lags" : NULL;
}

void mirror_judge_sync(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;
	const char *lack;
	bool in_sync;

	if (m == NULL)
		return;
	m->keeps |= m->complete;
	m->is_stale &= mirror_is_loosening(m);
	m->fresh &= !m->complete && m->role == MIRROR_IDLE;
	lack = lacking(n);
	if (lack == NULL) {
		m->lacking_since = MONO_NEVER;
		m->waited = false;
	} else if (mono_is_never(m->lacking_since)) {
		m->lacking_since = now;
	} else if (!m->waited &&
		   mono_reached(mono_after_ms(m->lacking_since, n->conf->sync_wait_ms), now)) {
		m->waited = true;
		log_warn(n->env.log, "mirror: counts as in sync after %u s, though %s",
			n->conf->sync_wait_ms / 1000, lack);
	}
	in_sync = lack == NULL || m->waited;
	if (n->in_sync == in_sync)
		return;
	n->in_sync = in_sync;
	n->beat_now = true;
	log_info(n->env.log, "mirror: %s with %s", in_sync ? "in sync" : "not in sync",
		mirror_peer_name(n));
}

void mirror_ask_bucket(struct mirror *m, unsigned bucket)
{
	m->ask = true;
	m->ask_buckets[bucket / 8] |= (uint8_t)(1u << bucket % 8);
}

static void ask_all(struct mirror *m)
{
	m->ask = true;
	memset(m->ask_buckets, 0xff, sizeof(m->ask_buckets));
}

/* The peer is master, and does not know that this node lacks what it has. */
static bool is_forgotten(const struct node *n, mono_t now)
{
	const struct mirror *m = n->mirror;

	return !m->complete && !m->receiving && !mono_is_never(m->lacking_since) &&
	       mono_reached(mono_after_ms(m->lacking_since, FORGOTTEN_MS), now) &&
	       mono_reached(mono_after_ms(m->asked_for_all_at, ASK_EVERY_MS), now);
}

void mirror_ask_settle(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;

	if (is_forgotten(n, now)) {
		ask_all(m);
		m->ask_due = m->asked_for_all_at = now;
	}
	/* A peer that sends all does not listen. */
	if (!m->ask || m->receiving || !mono_reached(m->ask_due, now) || !mirror_is_sending(m))
		return;
	mirror_put_plain(n, now, WIRE_RECORD_ASK, span_of(m->ask_buckets, sizeof(m->ask_buckets)));
	m->ask = false;
	memset(m->ask_buckets, 0, sizeof(m->ask_buckets));
	m->ask_ms = m->ask_ms == 0 ? ASK_EVERY_MS : m->ask_ms * 2;
	m->ask_ms = m->ask_ms > ASK_MAX_MS ? ASK_MAX_MS : m->ask_ms;
	m->ask_due = mono_after_ms(now, m->ask_ms);
}

mono_t mirror_sync_deadline(const struct node *n, mono_t now)
{
	const struct mirror *m = n->mirror;
	bool lacks = !mono_is_never(m->lacking_since);
	mono_t at = MONO_NEVER;

	if (m->ask)
		at = mirror_sooner(at, m->ask_due, now);
	if (lacks && !m->waited)
		at = mirror_sooner(at, mono_after_ms(m->lacking_since, n->conf->sync_wait_ms), now);
	if (lacks && !m->complete) {
		at = mirror_sooner(at, mono_after_ms(m->lacking_since, FORGOTTEN_MS), now);
		at = mirror_sooner(at, mono_after_ms(m->asked_for_all_at, ASK_EVERY_MS), now);
	}
	return at;
}

void mirror_asked(struct node *n, mono_t now, bool resync)
{
	struct mirror *m = n->mirror;

	if (m == NULL)
		return;
	m->audit_now = true;
	m->pass_after = m->ask_due = now;
	m->ask_ms = 0;
	m->verify = !resync;
	if (!resync)
		return;
	if (m->role != MIRROR_IDLE && m->sending == SENDING_EVENTS)
		m->sending = SENDING_START;
	if (m->role == MIRROR_SOLE)
		return;
	ask_all(m);
}
