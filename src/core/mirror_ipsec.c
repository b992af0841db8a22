/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is to send by IPsec.
 *
 * Two nodes that send by one SA must never use a number twice, and a remote gateway takes what
 * comes with an old number for a replay. So SAs and policies have one owner, all of them: the
 * master of the first group of the configuration, whose addresses tunnels end at. On the other node
 * they are held. A node that becomes the owner walks through both tables at once, without waiting
 * for what else is going on: SAs first, whose numbers jump, then the policies that let packets out.
 * One that gives the group up holds them before it gives up the addresses.
 *
 * The kernel knows for each object whether it is held, so that nothing is done twice, and an engine
 * that starts anew finds out what is left to do.
 *
 * An SA whose numbers the kernel does not let jump is removed: the policies that are settled after
 * it would send by it, with numbers that were used. A node that is not to mirror IPsec any more,
 * by its configuration, settles what it holds, and has no more to do with it.
 */
#include "mirror.h"

#include "group.h"
#include "state.h"

bool mirror_owns_ipsec(const struct mirror *m)
{
	return m->index.single_owner == INDEX_OWN;
}

bool mirror_ipsec_takes_numbers(const struct mirror *m)
{
	return m->ipsec.now == IPSEC_HOLDS && m->ipsec.done;
}

static bool is_releasing(const struct group *group)
{
	return group->handover.phase == HANDOVER_STOPPING ||
	       group->handover.phase == HANDOVER_RELEASING;
}

/* A node that holds the addresses, but listens before it acts, leaves all as it is. */
static enum mirror_ipsec judge(const struct node *n)
{
	const struct group *first = &n->group[0];

	if (first->state == GROUP_MASTER)
		return is_releasing(first) ? IPSEC_HOLDS : IPSEC_SENDS;
	if (first->state == GROUP_INIT && first->holding)
		return n->mirror->ipsec.now;
	return IPSEC_HOLDS;
}

void mirror_ipsec_settle(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;
	const struct group *first = &n->group[0];
	enum mirror_ipsec next;

	if (!(m->kinds & OBJECT_IPSEC) || n->conf->n_groups == 0)
		return;
	if (first->state == GROUP_MASTER)
		index_own_single(&m->index, INDEX_OWN);
	else if (first->peer.known && first->peer.state == GROUP_MASTER)
		index_own_single(&m->index, INDEX_PEER);
	next = judge(n);
	if (next == m->ipsec.now)
		return;
	m->ipsec.now = next;
	m->ipsec.done = m->ipsec.unread = false;
	m->wants |= WANT_IPSEC;
	if (next == IPSEC_SENDS)
		mirror_settle_later(m, now);
}

bool mirror_ipsec_is_held(const struct node *n)
{
	const struct mirror *m = n->mirror;

	return m == NULL || !(m->kinds & OBJECT_IPSEC) ||
	       m->index.own[OBJECT_SA].entries + m->index.own[OBJECT_POLICY].entries == 0 ||
	       (m->ipsec.now == IPSEC_HOLDS && m->ipsec.done);
}

void mirror_ipsec_reconfigured(struct mirror *m)
{
	bool lets_go = m->ipsec.now == IPSEC_LETS_GO;

	if (!(m->kinds & OBJECT_IPSEC) == lets_go)
		return;
	if (lets_go) {
		m->ipsec.now = IPSEC_UNDECIDED;
		m->wants &= ~(unsigned)WANT_IPSEC;
	} else if (m->ipsec.now != IPSEC_UNDECIDED) {
		m->ipsec.now = IPSEC_LETS_GO;
		m->ipsec.done = false;
		m->wants |= WANT_IPSEC;
	}
}

void mirror_ipsec_leap(struct mirror *m)
{
	if (!(m->kinds & OBJECT_IPSEC) || !mirror_owns_ipsec(m))
		return;
	m->ipsec.leap = true;
	m->wants |= WANT_IPSEC;
}

void mirror_ipsec_is_behind(struct mirror *m, const struct mirror_delivery *d)
{
	if (!m->ipsec.leaping && !channel_before(d->heard, m->ipsec.leapt_at))
		mirror_ipsec_leap(m);
}

void mirror_ipsec_found(struct node *n, const struct object *o, struct actions *out)
{
	struct mirror *m = n->mirror;
	bool held = o->marks & OBJECT_HELD, ages = o->marks & OBJECT_AGES;
	bool urgent = m->pass.running && (m->pass.wants & WANT_IPSEC);
	/* The SAs come first, and all of them: what another pass, or the end of one with another
	 * aim, finds meanwhile is left alone. */
	bool too_early = urgent ? m->ipsec.aim != m->ipsec.now : !m->ipsec.done;
	enum object_op op;

	switch (m->ipsec.now) {
	case IPSEC_UNDECIDED: return;
	case IPSEC_SENDS:
		if (too_early)
			return;
		/* What is both has jumped: its limits wait for a quieter moment. */
		if (held && !(ages && urgent))
			op = OBJECT_SETTLE;
		else if (!held && m->ipsec.leaping && o->kind == OBJECT_SA)
			op = OBJECT_LOOSEN;
		else
			return;
		break;
	case IPSEC_HOLDS:
		if (!ages)
			return;
		op = OBJECT_HOLD;
		break;
	case IPSEC_LETS_GO:
		if (!held || too_early)
			return;
		op = OBJECT_RETIME;
		break;
	default: return;
	}
	mirror_order(n, op, o->kind, object_key(o), object_value(o), out);
}

void mirror_ipsec_begins(struct mirror *m)
{
	m->ipsec.aim = m->ipsec.now;
	m->ipsec.leaping = m->ipsec.leap;
	m->ipsec.leap = false;
	m->ipsec.unread = false;
}

void mirror_ipsec_put_back(struct mirror *m)
{
	m->ipsec.leap |= m->ipsec.leaping;
	m->ipsec.leaping = false;
}

/* In another pass than its own the SA may have jumped before: then its own finds nothing to do. */
void mirror_ipsec_refused(struct node *n, const struct object_order *order, struct actions *out)
{
	struct mirror *m = n->mirror;
	struct span key = span_of(object_order_key(order), order->key_len);

	if (m->pass.running && (m->pass.wants & WANT_IPSEC)) {
		log_warn(n->env.log, "mirror: an SA whose numbers cannot jump is removed");
		mirror_order(n, OBJECT_REMOVE, order->kind, key, span_of(NULL, 0), out);
	} else {
		m->wants |= WANT_IPSEC;
	}
}

void mirror_ipsec_ended(struct node *n, struct actions *out)
{
	static const char *const what[] = { "left alone", "held", "which this node sends by",
		"let go: they are mirrored no more" };
	struct mirror *m = n->mirror;

	if (m->ipsec.leaping)
		m->ipsec.leapt_at = channel_out_number(&m->out);
	m->ipsec.leaping = false;
	m->ipsec.done = m->ipsec.aim == m->ipsec.now;
	/* A hand-over may wait for it. */
	out->more = true;
	if (m->pass.seen > 0)
		log_info(n->env.log, "mirror: %u objects of IPsec, %s", m->pass.seen,
			what[m->ipsec.now]);
	if (m->ipsec.now == IPSEC_LETS_GO && m->ipsec.done)
		m->ipsec.now = IPSEC_UNDECIDED;
}
