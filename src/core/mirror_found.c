/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a pass finds in this kernel, object by object. */
#include "mirror.h"

#include "state.h"

enum { STAMP_FOUND = CHANNEL_FIRST }; /* no word of the peer's carries it */

static bool has_bucket(const uint8_t bitmap[RECORD_BITMAP_LEN], uint64_t hash)
{
	unsigned bucket = index_bucket(hash);

	return bitmap[bucket / 8] >> bucket % 8 & 1;
}

static void send_object(struct node *n, mono_t now, uint8_t op, const struct object *o)
{
	struct record r = {
		.op = op,
		.kind = o->kind,
		.key = object_key(o),
		.value = object_value(o),
	};

	if (mirror_put(n, now, &r))
		n->mirror->pass.sent++;
}

/* What this kernel has of the peer's does not run out, and does not judge by old TCP windows. */
static void keep_peers(
	struct node *n, mono_t now, const struct object *o, bool loosen, struct actions *out)
{
	if (mirror_is_ipsec(o->kind))
		return; /* which mirror_ipsec_found() sees to */
	if ((o->marks & OBJECT_AGES) && mirror_holds(n->mirror, now))
		mirror_order(n, OBJECT_HOLD, o->kind, object_key(o), span_of(NULL, 0), out);
	if (loosen)
		mirror_loosen(n, o->kind, object_key(o), out);
}

void mirror_sweep(
	struct node *n, uint64_t hash, struct entry *e, const struct object *o, struct actions *out)
{
	node_count(n, COUNTER_SWEPT);
	mirror_forget(n->mirror, hash, o->kind, e);
	mirror_order(n, OBJECT_REMOVE, o->kind, object_key(o), span_of(NULL, 0), out);
}

/* Of a kind that the peer does not mirror, or could not read, its silence tells nothing. */
static bool told_all(const struct mirror *m, uint8_t kind)
{
	return m->sweep_kinds >> kind & 1;
}

static bool is_own_by_role(const struct mirror *m, const struct object *o)
{
	if (mirror_is_ipsec(o->kind))
		return mirror_owns_ipsec(m);
	return m->role != MIRROR_IDLE || mirror_is_learnt(o);
}

/* NULL: there is no room. */
static struct entry *add_found(
	struct node *n, uint64_t hash, const struct object *o, enum index_owner owner)
{
	struct mirror *m = n->mirror;
	struct entry *e = index_add(&m->index, hash, o, owner);

	if (e == NULL) {
		node_count(n, COUNTER_INDEX_FULL);
		return NULL;
	}
	e->pass = m->pass.number;
	e->stamp = owner == INDEX_OWN ? channel_out_number(&m->out) : STAMP_FOUND;
	return e;
}

void mirror_found_unowned(struct node *n, uint64_t hash, const struct object *o)
{
	struct mirror *m = n->mirror;
	struct entry *e = index_find(&m->index, hash, o->kind);

	if (e != NULL && !index_is_dead(e))
		return;
	if (e != NULL)
		index_remove(&m->index, e);
	(void)add_found(n, hash, o, INDEX_PEER);
}

/* In the kernel, and not in the index: of before this start, or its event was lost or waits to be
 * read. On a node that is master of nothing it is what is left of the peer's. */
static void found_unknown(
	struct node *n, mono_t now, uint64_t hash, const struct object *o, struct actions *out)
{
	struct mirror *m = n->mirror;
	bool own = is_own_by_role(m, o);

	if (!own && (m->pass.wants & WANT_SWEEP) && told_all(m, o->kind)) {
		mirror_sweep(n, hash, NULL, o, out);
		return;
	}
	/* Also where the index has no room: who may send by it does not depend on that. */
	if (mirror_is_ipsec(o->kind))
		mirror_ipsec_found(n, o, out);
	struct entry *e = add_found(n, hash, o, own ? INDEX_OWN : INDEX_PEER);

	if (e == NULL)
		return;
	if (m->learned)
		mirror_differed(n);
	if (own) {
		send_object(n, now, WIRE_RECORD_WHOLE, o);
		e->stamp = channel_out_number(&m->out);
		if ((o->marks & OBJECT_HELD) && !mirror_is_shared(o->kind))
			mirror_settle_later(m, now);
		if (m->role == MIRROR_SHARED)
			mirror_loosen(n, o->kind, object_key(o), out);
	} else {
		if (m->learned)
			mirror_ask_bucket(m, index_bucket(hash));
		keep_peers(n, now, o, true, out);
		mirror_renew_later(m, now);
	}
}

/* All packets of its sessions pass this node, and did so long enough to judge windows by them. */
static bool sees_all(const struct mirror *m)
{
	return m->role == MIRROR_SOLE && !(m->pass.wants & WANT_LOOSEN);
}

/* What a kernel forgets when nobody used it for a while is given back to it in the audits that come
 * some time after a takeover: at first nobody could. */
static bool is_to_settle(const struct mirror *m, const struct entry *e, const struct object *o)
{
	bool takes_over = m->pass.wants & WANT_SETTLE;

	if (!(o->marks & OBJECT_HELD))
		return false;
	return mirror_is_shared(o->kind) ? !takes_over : takes_over || (e->flags & INDEX_HELD);
}

static enum object_op settling(const struct mirror *m, const struct object *o)
{
	return mirror_is_shared(o->kind) || sees_all(m) ? OBJECT_SETTLE : OBJECT_RETIME;
}

static void found_own(
	struct node *n, mono_t now, struct entry *e, const struct object *o, struct actions *out)
{
	struct mirror *m = n->mirror;
	uint64_t hash = index_hash_of(e);
	unsigned wants = m->pass.wants;

	if (!index_same(e, o)) {
		mirror_differed(n);
		index_update(&m->index, e, o);
		send_object(n, now, WIRE_RECORD_WHOLE, o);
		e->stamp = channel_out_number(&m->out);
	} else if ((wants & WANT_RESYNC) ||
		   ((wants & WANT_BUCKETS) && has_bucket(m->pass.buckets, hash))) {
		send_object(n, now, WIRE_RECORD_BULK, o);
	} else if ((wants & WANT_OFFERS) && !channel_before(e->stamp, m->untold)) {
		send_object(n, now, WIRE_RECORD_OFFER, o);
	} else if (o->kind == OBJECT_SA && !(wants & WANT_IPSEC)) {
		/* Its numbers, which no comparison finds different. */
		send_object(n, now, WIRE_RECORD_WHOLE, o);
	}
	if (mirror_is_ipsec(o->kind))
		mirror_ipsec_found(n, o, out);
	else if (is_to_settle(m, e, o))
		mirror_order(n, settling(m, o), o->kind, object_key(o), object_value(o), out);
	if (wants & WANT_LOOSEN)
		mirror_loosen(n, o->kind, object_key(o), out);
	e->flags &= (uint8_t) ~(INDEX_HELD | INDEX_FORGOTTEN);
}

/* The peer has it no more. */
static bool is_stale(const struct mirror *m, const struct entry *e)
{
	return e->stamp != m->stamp &&
	       (e->stamp == 0 || (told_all(m, index_kind(e)) &&
					 has_bucket(m->sweep_buckets, index_hash_of(e))));
}

/* On a master: the peer does not speak of it, but traffic passes here; or the peer restarted, and
 * what it lost did not end. On any node: this kernel knows it by itself. */
static bool is_served_here(const struct mirror *m, const struct entry *e, const struct object *o)
{
	if (!is_stale(m, e))
		return false;
	if (mirror_is_learnt(o))
		return true;
	if (mirror_is_ipsec(o->kind))
		return false;
	return m->role != MIRROR_IDLE &&
	       (!(o->marks & OBJECT_UNSEEN) || (m->peer_restarted && e->stamp != 0));
}

static void found_peers(
	struct node *n, mono_t now, struct entry *e, const struct object *o, struct actions *out)
{
	struct mirror *m = n->mirror;
	unsigned wants = m->pass.wants;

	if ((wants & WANT_SWEEP) && is_served_here(m, e, o)) {
		index_set_owner(&m->index, e, INDEX_OWN);
		index_update(&m->index, e, o);
		mirror_settle_later(m, now);
		send_object(n, now, WIRE_RECORD_WHOLE, o);
		e->stamp = channel_out_number(&m->out);
		if (wants & WANT_LOOSEN)
			mirror_loosen(n, o->kind, object_key(o), out);
		return;
	}
	if ((wants & WANT_SWEEP) && is_stale(m, e)) {
		mirror_sweep(n, index_hash_of(e), e, o, out);
		return;
	}
	if (!index_same(e, o)) {
		/* Not as the peer said: it is to say it again. */
		mirror_differed(n);
		mirror_ask_bucket(m, index_bucket(index_hash_of(e)));
		index_update(&m->index, e, o);
	}
	e->flags |= mirror_is_learnt(o) ? INDEX_LEARNT : 0;
	if ((wants & WANT_RENEW) && (o->marks & OBJECT_JUDGED)) {
		mirror_order(n, OBJECT_WHOLE, o->kind, object_key(o), object_value(o), out);
		return;
	}
	if (mirror_is_ipsec(o->kind))
		mirror_ipsec_found(n, o, out);
	keep_peers(n, now, o, wants & WANT_LOOSEN, out);
}

void mirror_pass_object(
	struct node *n, mono_t now, uint64_t hash, const struct object *o, struct actions *out)
{
	struct mirror *m = n->mirror;

	if (!m->pass.running)
		return;
	if (m->ipsec.now == IPSEC_LETS_GO && mirror_is_ipsec(o->kind)) {
		m->pass.seen++;
		mirror_ipsec_found(n, o, out);
		return;
	}
	struct entry *e = index_find(&m->index, hash, o->kind);

	if (e != NULL && index_is_dead(e)) {
		if (e->pass == m->pass.number)
			return;
		/* A pass that came to no end left it. */
		index_remove(&m->index, e);
		e = NULL;
	}
	if (e == NULL) {
		m->pass.seen++;
		found_unknown(n, now, hash, o, out);
		return;
	}
	bool own = index_owner(&m->index, e) == INDEX_OWN;

	if (o->kind == OBJECT_SA)
		index_advance(e, o);
	/* What an event or the peer said since the pass began is newer than the dump. */
	if (e->pass == m->pass.number) {
		if (mirror_is_ipsec(o->kind))
			mirror_ipsec_found(n, o, out);
		if (m->pass.wants & WANT_LOOSEN)
			mirror_loosen(n, o->kind, object_key(o), out);
		return;
	}
	e->pass = m->pass.number;
	m->pass.seen++;
	if (own)
		found_own(n, now, e, o, out);
	else
		found_peers(n, now, e, o, out);
}
