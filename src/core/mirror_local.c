/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mirror.h"

#include <assert.h>
#include <string.h>

#include "state.h"

/* The orders of a step lie in one row as long as nothing else comes between. */
static struct action *orders_of(struct actions *out)
{
	struct action *last = out->n > 0 ? &out->action[out->n - 1] : NULL;

	if (last != NULL && last->type == ACTION_WRITE &&
		last->bytes.data + last->bytes.len == out->bytes + out->used)
		return last;
	out->used = (out->used + 7) & ~(size_t)7;
	last = node_act(out, ACTION_WRITE, 0);
	last->bytes = span_of(out->bytes + out->used, 0);
	return last;
}

void mirror_order(struct node *n, enum object_op op, uint8_t kind, struct span key,
	struct span value, struct actions *out)
{
	struct object_order order = {
		.kind = kind,
		.op = (uint8_t)op,
		.force = n->mirror->role == MIRROR_IDLE,
		.key_len = (uint8_t)key.len,
		.value_len = (uint16_t)value.len,
	};
	struct action *action = orders_of(out);
	size_t len = object_order_len(&order);
	uint8_t *at = out->bytes + out->used;

	assert(out->used + len <= ACTIONS_BYTES);
	memcpy(at, &order, sizeof(order));
	memcpy(at + sizeof(order), key.data, key.len);
	if (value.len > 0)
		memcpy(at + sizeof(order) + key.len, value.data, value.len);
	out->used += len;
	action->bytes.len += len;
	node_count(n, COUNTER_INSTALLED);
}

void mirror_loosen(struct node *n, uint8_t kind, struct span key, struct actions *out)
{
	if (!mirror_is_shared(kind) && !mirror_is_ipsec(kind))
		mirror_order(n, OBJECT_LOOSEN, kind, key, span_of(NULL, 0), out);
}

void mirror_fetch(struct node *n, uint8_t kind, struct span key, struct actions *out)
{
	assert(out->used + key.len <= ACTIONS_BYTES);
	memcpy(out->bytes + out->used, key.data, key.len);
	node_act(out, ACTION_FETCH, kind)->bytes = span_of(out->bytes + out->used, key.len);
	out->used += key.len;
	node_count(n, COUNTER_FETCHED);
}

void mirror_forget(struct mirror *m, uint64_t hash, uint8_t kind, struct entry *e)
{
	const struct object gone = { .kind = kind };

	if (e != NULL)
		mirror_unconfirm(m, e);
	if (!m->pass.running) {
		if (e != NULL)
			index_remove(&m->index, e);
		return;
	}
	if (e == NULL)
		e = index_add(&m->index, hash, &gone, INDEX_OWN);
	if (e == NULL)
		return;
	if (!index_is_dead(e))
		index_kill(&m->index, e);
	e->pass = m->pass.number;
}

/* It ran out here while the peer keeps it: it is put back, or where the event tells too little for
 * that (an expectation's does), asked for. */
static void ran_out(struct node *n, mono_t now, uint64_t hash, struct entry *e,
	const struct object *o, struct actions *out)
{
	struct mirror *m = n->mirror;

	if (mirror_is_in_doubt(m, e)) {
		mirror_forget(m, hash, o->kind, e);
		return;
	}
	if (o->value_len > 0 && mirror_holds(m, now)) {
		e->pass = m->pass.number;
		node_count(n, COUNTER_RENEWED);
		mirror_order(n, OBJECT_CREATE, o->kind, object_key(o), object_value(o), out);
		return;
	}
	if (!mirror_ike_leaves(n, now, hash, o->kind))
		mirror_ask_bucket(m, index_bucket(hash));
	mirror_forget(m, hash, o->kind, e);
}

/* What is shared is over when this kernel finds that it is not so, not when it forgets it: then the
 * next audit tells the peer, if it has not come back. */
static void removed(
	struct node *n, mono_t now, uint64_t hash, const struct object *o, struct actions *out)
{
	struct mirror *m = n->mirror;
	struct entry *e = index_find(&m->index, hash, o->kind);
	bool is_forgotten = mirror_is_shared(o->kind) && o->value_len > 0;
	bool is_refuted = mirror_is_shared(o->kind) && o->value_len == 0;

	if (e != NULL && index_is_dead(e)) {
		mirror_forget(m, hash, o->kind, e);
		return;
	}
	bool is_peers = e != NULL && index_owner(&m->index, e) == INDEX_PEER;

	if (is_peers && !is_refuted) {
		ran_out(n, now, hash, e, o, out);
		return;
	}
	if (is_forgotten) {
		if (e != NULL)
			e->flags |= INDEX_FORGOTTEN;
		return;
	}
	/* The kernel does not drop by itself what was installed. */
	if (o->marks & OBJECT_HELD)
		mirror_order(n, OBJECT_REMOVE, o->kind, object_key(o), span_of(NULL, 0), out);
	if (e != NULL && !is_peers) {
		struct record r = {
			.op = WIRE_RECORD_REMOVE,
			.kind = o->kind,
			.key = object_key(o),
		};

		(void)mirror_put(n, now, &r);
	}
	mirror_forget(m, hash, o->kind, e);
}

/* Own from now on. The entry when the peer is to be told, which its stamp then tells; else NULL. */
static struct entry *note(struct mirror *m, uint64_t hash, const struct object *o, bool *ret_full)
{
	struct entry *e = index_find(&m->index, hash, o->kind);
	bool is_news = true;

	*ret_full = false;
	if (e == NULL) {
		e = index_add(&m->index, hash, o, INDEX_OWN);
		if (e == NULL) {
			*ret_full = true;
			return NULL;
		}
	} else if (index_is_dead(e)) {
		index_revive(&m->index, e, o, INDEX_OWN);
	} else {
		bool was_own = index_owner(&m->index, e) == INDEX_OWN;

		if (!was_own && mirror_is_shared(o->kind) && index_same(e, o)) {
			e->flags |= mirror_is_learnt(o) ? INDEX_LEARNT : 0;
			return NULL;
		}
		e->flags &= (uint8_t)~INDEX_FORGOTTEN;
		is_news = !was_own || !index_same(e, o) || mirror_is_moving(o);
		if (!was_own) {
			index_set_owner(&m->index, e, INDEX_OWN);
			e->flags |= INDEX_HELD;
		}
		if (is_news)
			index_update(&m->index, e, o);
	}
	if (!is_news)
		return NULL;
	e->pass = m->pass.number;
	return e;
}

/* Where both nodes are masters the peer's last word may have been written over what this event
 * tells: the packet came before it, the event after. */
static bool may_be_outdated(struct mirror *m, uint64_t hash, const struct object *o)
{
	const struct entry *e = index_find(&m->index, hash, o->kind);

	return m->role == MIRROR_SHARED && !mirror_is_shared(o->kind) && e != NULL &&
	       !index_is_dead(e) && index_owner(&m->index, e) == INDEX_PEER;
}

/* What somebody else does with the objects of a node that is not to send is mended by an audit; but
 * nothing goes out by it meanwhile, nor by what is new while the owner hands over. True: it is the
 * owner. */
static bool is_owners(struct node *n, uint64_t hash, const struct object *o, struct actions *out)
{
	struct mirror *m = n->mirror;
	bool owns = mirror_owns_ipsec(m);

	if (!owns)
		mirror_ike_installed(n, hash, o);
	if (o->op == OBJECT_WHOLE && (!owns || m->ipsec.now == IPSEC_HOLDS))
		mirror_ipsec_found(n, o, out);
	return owns;
}

static void changed(
	struct node *n, mono_t now, uint64_t hash, const struct object *o, struct actions *out)
{
	struct mirror *m = n->mirror;
	bool is_full;

	if (mirror_is_ipsec(o->kind) && !is_owners(n, hash, o, out)) {
		node_count(n, COUNTER_EVENTS_UNCHANGED);
		return;
	}
	if ((o->marks & OBJECT_PARTIAL) || o->op == OBJECT_CHANGE) {
		const struct entry *e = index_find(&m->index, hash, o->kind);

		if ((o->marks & OBJECT_PARTIAL) || e == NULL || index_is_dead(e)) {
			mirror_fetch(n, o->kind, object_key(o), out);
			return;
		}
	}
	bool look_again = may_be_outdated(m, hash, o);

	/* A new one, of which the other node may see a direction; no news where the end of one like
	 * it was not heard. */
	if (m->role != MIRROR_SOLE && o->op == OBJECT_WHOLE)
		mirror_loosen(n, o->kind, object_key(o), out);
	struct entry *e = note(m, hash, o, &is_full);

	if (e == NULL) {
		node_count(n, is_full ? COUNTER_INDEX_FULL : COUNTER_EVENTS_UNCHANGED);
		/* The end of the pass makes room. */
		m->audit_now |= is_full && m->index.dead > 0;
		return;
	}
	struct record r = {
		.op = o->op == OBJECT_CHANGE ? WIRE_RECORD_CHANGE : WIRE_RECORD_WHOLE,
		.kind = o->kind,
		.key = object_key(o),
		.value = object_value(o),
		.base = o->base,
	};

	(void)mirror_put(n, now, &r);
	e->stamp = channel_out_number(&m->out);
	if (mirror_is_moving(o))
		m->ipsec.numbers_at = now;
	if (look_again)
		mirror_fetch(n, o->kind, object_key(o), out);
	if (o->origin_len > 0)
		mirror_fetch(n, o->origin_kind, span_of(o->origin, o->origin_len), out);
}

/* What was asked for. No traffic passed here: it stays the peer's, or is over if the peer said so.
 */
static void fetched(
	struct node *n, mono_t now, uint64_t hash, const struct object *o, struct actions *out)
{
	struct mirror *m = n->mirror;
	struct entry *e = index_find(&m->index, hash, o->kind);
	bool is_peers = e != NULL && !index_is_dead(e) && index_owner(&m->index, e) == INDEX_PEER;

	if (!is_peers || !(o->marks & OBJECT_UNSEEN))
		changed(n, now, hash, o, out);
	else if (mirror_is_in_doubt(m, e))
		mirror_sweep(n, hash, e, o, out);
}

void mirror_heard_objects(struct node *n, mono_t now, const struct object_batch *batch,
	enum object_origin origin, struct actions *out)
{
	struct mirror *m = n->mirror;

	uint64_t hash[OBJECT_BATCH_MAX];
	uint32_t kinds;

	if (m == NULL || !m->on)
		return;
	kinds = m->kinds;
	if (origin == OBJECT_DUMPED && m->ipsec.now == IPSEC_LETS_GO)
		kinds |= OBJECT_IPSEC;
	for (unsigned i = 0; i < batch->n; i++)
		hash[i] =
			index_hash(&m->index, batch->object[i].kind, object_key(&batch->object[i]));
	index_expect(&m->index, hash, batch->n);
	for (unsigned i = 0; i < batch->n; i++) {
		const struct object *o = &batch->object[i];

		if (!(kinds >> o->kind & 1))
			continue;
		if (origin == OBJECT_DUMPED)
			mirror_pass_object(n, now, hash[i], o, out);
		else if (o->op == OBJECT_REMOVE)
			removed(n, now, hash[i], o, out);
		else if (origin == OBJECT_FETCHED)
			fetched(n, now, hash[i], o, out);
		else
			changed(n, now, hash[i], o, out);
	}
}

void mirror_lost_events(struct node *n)
{
	if (n->mirror == NULL)
		return;
	node_count(n, COUNTER_EVENTS_LOST);
	log_warn(n->env.log, "mirror: the kernel lost events: its table is compared");
	n->mirror->audit_now = true;
	/* A session that ended and began anew unheard looks like the one before. */
	if (n->mirror->role == MIRROR_SHARED)
		n->mirror->wants |= WANT_LOOSEN;
}

static void refused_whole(
	struct node *n, uint64_t hash, uint8_t kind, struct entry *e, enum refusal why)
{
	struct mirror *m = n->mirror;

	if (why == REFUSED_SELF) { /* for the peer to have, not for this node */
		if (e != NULL)
			e->pass = 0;
		return;
	}
	if (why == REFUSED_MISSING) /* what it belongs to has not come yet */
		mirror_ask_bucket(m, index_bucket(hash));
	node_count(n, why == REFUSED_CLASH  ? COUNTER_REFUSED_CLASH
		      : why == REFUSED_FULL ? COUNTER_REFUSED_FULL
					    : COUNTER_REFUSED_OTHER);
	if (e != NULL && !index_is_dead(e))
		mirror_forget(m, hash, kind, e);
}

void mirror_refused(
	struct node *n, const struct object_order *order, enum refusal why, struct actions *out)
{
	struct mirror *m = n->mirror;

	if (m == NULL)
		return;
	uint64_t hash = index_hash(
		&m->index, order->kind, span_of(object_order_key(order), order->key_len));
	struct entry *e = index_find(&m->index, hash, order->kind);

	switch ((enum object_op)order->op) {
	case OBJECT_WHOLE:
	case OBJECT_CREATE: refused_whole(n, hash, order->kind, e, why); break;
	case OBJECT_CHANGE:
		node_count(n, COUNTER_MISSING);
		if (e != NULL && !index_is_dead(e) && index_owner(&m->index, e) == INDEX_PEER) {
			mirror_ask_bucket(m, index_bucket(hash));
			mirror_forget(m, hash, order->kind, e);
		}
		break;
	case OBJECT_SETTLE:
	case OBJECT_LOOSEN:
	case OBJECT_RETIME:
		node_count(n, COUNTER_REFUSED_OTHER);
		if (order->kind == OBJECT_SA)
			mirror_ipsec_refused(n, order, out);
		break;
	case OBJECT_REMOVE:
	case OBJECT_EVICT:
	case OBJECT_HOLD: node_count(n, COUNTER_REFUSED_OTHER); break;
	}
}
