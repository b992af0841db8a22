/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mirror.h"

#include "state.h"

enum {
	ADOPT_AGAIN_MS = 3000, /* the former master goes on forwarding for 2 s */
	RENEW_AFTER_MS = 3000, /* likewise */
};

bool mirror_peer_is_master(const struct node *n)
{
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		if (n->group[g].peer.known && n->group[g].peer.state == GROUP_MASTER)
			return true;
	}
	return false;
}

static enum mirror_role role_now(const struct node *n)
{
	unsigned masters = 0;

	for (unsigned g = 0; g < n->conf->n_groups; g++)
		masters += n->group[g].state == GROUP_MASTER;
	if (masters == 0)
		return MIRROR_IDLE;
	return masters == n->conf->n_groups && !mirror_peer_is_master(n) ? MIRROR_SOLE
									 : MIRROR_SHARED;
}

bool mirror_roles_are_open(const struct node *n)
{
	if (n->joining != JOINING_NOT)
		return true;
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		if (n->group[g].state == GROUP_MASTER && n->group[g].peer.known &&
			n->group[g].peer.state == GROUP_MASTER)
			return true;
	}
	return false;
}

void mirror_adopt(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;

	m->adopted_at = channel_out_number(&m->out);
	if (index_entries(&m->index, INDEX_PEER) > 0)
		m->settle_due = mono_after_ms(now, MIRROR_SETTLE_AFTER_MS);
	index_adopt(&m->index, INDEX_OWN);
}

void mirror_settle_later(struct mirror *m, mono_t now)
{
	if (mono_is_never(m->settle_due))
		m->settle_due = mono_after_ms(now, MIRROR_SETTLE_AFTER_MS);
}

void mirror_renew_later(struct mirror *m, mono_t now)
{
	if (m->role == MIRROR_IDLE && mono_is_never(m->renew_due))
		m->renew_due = mono_after_ms(now, RENEW_AFTER_MS);
}

void mirror_adopt_later(struct mirror *m, mono_t now)
{
	if (mono_is_never(m->adopt_due))
		m->adopt_due = mono_after_ms(now, ADOPT_AGAIN_MS);
}

static void adopt(struct node *n, mono_t now)
{
	mirror_put_plain(n, now, WIRE_RECORD_ADOPT, span_of(NULL, 0));
	mirror_adopt(n, now);
}

void mirror_adopt_alone(struct node *n, mono_t now)
{
	mirror_adopt(n, now);
	n->mirror->complete = false;
}

/* Sessions cannot be judged by the windows that this kernel saw: it does not see all of them any
 * more, or did not while both nodes were masters. Where two of one group met that waits for what
 * comes of it. */
static bool changed_sight(const struct mirror *m, enum mirror_role from)
{
	if (m->role == MIRROR_SHARED)
		return !m->met_master;
	return m->role == MIRROR_IDLE || from == MIRROR_SHARED;
}

/* What this node is master of changed. */
static void role_changed(struct node *n, mono_t now, enum mirror_role from)
{
	struct mirror *m = n->mirror;

	if (m->role > from) {
		m->settle_due = mono_after_ms(now, MIRROR_SETTLE_AFTER_MS);
		mirror_pass_abort(n, WANT_SWEEP | WANT_RENEW);
		m->renew_due = MONO_NEVER;
		m->receiving = false;
	}
	mirror_renew_later(m, now);
	if (changed_sight(m, from)) {
		m->wants |= WANT_LOOSEN;
		m->is_stale |= from != MIRROR_IDLE; /* a standby judged none */
	}
	if (m->role == MIRROR_SOLE && !m->up)
		mirror_adopt_alone(n, now);
	if (!m->up || !mirror_is_sending(m))
		return;
	/* The kernel of who was master of all has everything, once that was agreed upon. */
	if (from == MIRROR_SOLE && m->sending == SENDING_EVENTS)
		m->complete = true;
	if (m->role == MIRROR_IDLE) {
		bool repairs = m->pass.running && (m->pass.wants & WANT_BUCKETS);

		mirror_pass_abort(n, WANT_RESYNC | WANT_BUCKETS | WANT_OFFERS);
		if (m->sending != SENDING_EVENTS)
			m->sending = SENDING_START;
		else if (repairs)
			mirror_put_plain(n, now, WIRE_RECORD_OFFERED, span_of(NULL, 0));
	} else if (m->sending != SENDING_EVENTS || !m->complete) {
		m->sending = SENDING_START;
	} else if (m->role == MIRROR_SOLE) {
		adopt(n, now);
		m->adopt_due = mono_after_ms(now, ADOPT_AGAIN_MS);
	}
}

bool mirror_is_loosening(const struct mirror *m)
{
	return mirror_wants(m) & WANT_LOOSEN;
}

void mirror_met_master(struct node *n)
{
	if (n->mirror != NULL)
		n->mirror->met_master = true;
}

void mirror_forgive(struct mirror *m)
{
	m->wants |= WANT_LOOSEN;
	m->is_stale = true;
}

bool mirror_is_to_forgive(const struct node *n)
{
	const struct mirror *m = n->mirror;

	return m != NULL && m->on && (m->met_master || mirror_is_loosening(m));
}

void mirror_judge_role(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;
	enum mirror_role from = m->role;

	m->role = role_now(n);
	if (m->role != from)
		role_changed(n, now, from);
	if (mono_reached(m->adopt_due, now)) {
		m->adopt_due = MONO_NEVER;
		if (m->role == MIRROR_SOLE && m->sending == SENDING_EVENTS)
			adopt(n, now);
	}
	if (mono_reached(m->settle_due, now)) {
		m->settle_due = MONO_NEVER;
		m->wants |= m->role != MIRROR_IDLE ? WANT_SETTLE : 0;
	}
	if (mono_reached(m->renew_due, now)) {
		m->renew_due = MONO_NEVER;
		m->wants |= WANT_RENEW;
	}
	if (m->met_master && !mirror_roles_are_open(n)) {
		m->met_master = false;
		if (m->role != MIRROR_IDLE) {
			mirror_forgive(m);
			mirror_ipsec_leap(m);
			mirror_settle_later(m, now);
		}
	}
}

bool mirror_is_settled(const struct node *n)
{
	const struct mirror *m = n->mirror;

	if (m == NULL || !m->on)
		return true;
	return mono_is_never(m->settle_due) && !(m->wants & WANT_SETTLE) &&
	       !(m->pass.running && m->pass.wants & WANT_SETTLE);
}
