/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pair_kernel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/mirror.h"
#include "core/state.h"

enum { KEY_LEN = 2, WHOLE_LEN = 4, CHANGE_LEN = 2 };

static int describe(uint8_t kind, struct span key, struct span value, struct object *ret)
{
	if ((kind != OBJECT_CONNTRACK && kind != OBJECT_NEIGHBOUR && kind != OBJECT_SA &&
		    kind != OBJECT_POLICY) ||
		key.len != KEY_LEN || (value.len != CHANGE_LEN && value.len < WHOLE_LEN))
		return -1;
	/* An SA's state is the last number sent: in no print. */
	ret->state = kind == OBJECT_SA ? value.data[1] / PAIR_JUMP : value.data[1];
	if (kind == OBJECT_SA && value.len < WHOLE_LEN)
		return 0;
	ret->known = OBJECT_KNOWS_BASE | (kind == OBJECT_SA ? 0 : OBJECT_KNOWS_STATE);
	if (value.len >= WHOLE_LEN) {
		ret->known |= OBJECT_KNOWS_RARE;
		ret->base = (uint32_t)value.data[0] << 8 | value.data[2];
		ret->rare = value.data[3];
	}
	return 0;
}

static uint8_t kind_of(const struct pair_kernel *k, unsigned key)
{
	return k->kind == OBJECT_SA && key >= PAIR_POLICIES ? OBJECT_POLICY : k->kind;
}

void pair_mirror(struct pair *p, uint32_t objects, uint32_t frames)
{
	for (unsigned i = 0; i < 2; i++) {
		struct pair_kernel *k = calloc(1, sizeof(*k));

		if (k == NULL)
			abort();
		k->objects = objects;
		k->frames = frames;
		k->key = 0x5a;
		k->kind = OBJECT_CONNTRACK;
		p->side[i].kernel = k;
	}
	p->side[0].conf->mirror.sessions = true;
	p->side[0].conf->mirror.hold_ms = 600000;
	p->side[0].conf->sync_wait_ms = 60000;
	pair_same_conf(p);
}

void pair_mirror_neighbours(struct pair *p)
{
	pair_mirror(p, PAIR_SESSIONS, 0);
	for (unsigned i = 0; i < 2; i++)
		p->side[i].kernel->kind = OBJECT_NEIGHBOUR;
	p->side[0].conf->mirror.sessions = false;
	p->side[0].conf->mirror.neighbours = true;
	pair_same_conf(p);
}

void pair_mirror_sas(struct pair *p)
{
	pair_mirror(p, PAIR_SESSIONS, 0);
	for (unsigned i = 0; i < 2; i++)
		p->side[i].kernel->kind = OBJECT_SA;
	p->side[0].conf->mirror.sessions = false;
	p->side[0].conf->mirror.ipsec = true;
	pair_same_conf(p);
}

void pair_kernel_start(struct pair *p, unsigned i, struct node_env *env)
{
	struct pair_kernel *k = p->side[i].kernel;

	if (k == NULL)
		return;
	free(k->mirror);
	k->mirror = calloc(1, node_mirror_size(k->objects));
	if (k->mirror == NULL)
		abort();
	memset(&k->dump, 0, sizeof(k->dump));
	env->mirror = k->mirror;
	env->mirror_objects = k->objects;
	env->mirror_frames = k->frames;
	env->mirror_limit[k->kind] = k->limit;
	memset(env->mirror_key, k->key, sizeof(env->mirror_key));
	env->describe = describe;
}

void pair_kernel_clear(struct pair *p, unsigned i)
{
	if (p->side[i].kernel != NULL)
		memset(p->side[i].kernel->session, 0, sizeof(p->side[i].kernel->session));
}

void pair_kernel_free(struct pair *p, unsigned i)
{
	if (p->side[i].kernel != NULL)
		free(p->side[i].kernel->mirror);
	free(p->side[i].kernel);
}

/* ---- what the node hears ------------------------------------------------------------------- */

static void add(struct object_batch *b, uint8_t kind, enum object_op op, unsigned key,
	const struct pair_session *s, size_t pad)
{
	struct object *o = &b->object[b->n++];
	uint8_t *room = b->bytes + b->used;

	*o = (struct object){ .kind = kind, .op = (uint8_t)op, .key = room };
	*room++ = (uint8_t)(key >> 8);
	*room++ = (uint8_t)key;
	o->key_len = KEY_LEN;
	o->value = room;
	*room++ = s->status;
	*room++ = s->state;
	*room++ = s->nat;
	*room++ = s->rare;
	memset(room, 0, pad);
	o->value_len = op == OBJECT_CHANGE ? CHANGE_LEN : (uint16_t)(WHOLE_LEN + pad);
	o->known = OBJECT_KNOWS_BASE | OBJECT_KNOWS_STATE;
	o->known |= op == OBJECT_CHANGE ? 0 : OBJECT_KNOWS_RARE;
	o->base = (uint32_t)s->status << 8 | s->nat;
	o->state = s->state;
	o->rare = s->rare;
	if (kind == OBJECT_SA) {
		o->known = op == OBJECT_CHANGE ? 0 : OBJECT_KNOWS_BASE | OBJECT_KNOWS_RARE;
		o->state = s->state / PAIR_JUMP;
	}
	b->used += KEY_LEN + WHOLE_LEN + pad;
	assert(b->used <= sizeof(b->bytes) && b->n <= OBJECT_BATCH_MAX);
}

static void deliver(
	struct pair *p, unsigned i, const struct object_batch *b, enum object_origin origin)
{
	struct event event = { .type = EVENT_OBJECTS };

	event.objects.batch = b;
	event.objects.origin = origin;
	if (b->n > 0)
		pair_event(p, i, &event);
}

static void tell(struct pair *p, unsigned i, enum object_op op, unsigned key, uint8_t marks)
{
	const struct pair_kernel *k = p->side[i].kernel;
	struct object_batch b = { .n = 0 };

	add(&b, kind_of(k, key), op, key, &k->session[key], k->pad);
	b.object[0].marks = marks;
	if (k->kind == OBJECT_SA && op == OBJECT_WHOLE)
		b.object[0].marks |= k->session[key].held ? OBJECT_HELD : OBJECT_AGES;
	deliver(p, i, &b, OBJECT_EVENT);
}

void pair_make(struct pair *p, unsigned i, unsigned key, uint8_t state)
{
	p->side[i].kernel->session[key] = (struct pair_session){ .there = true, .state = state };
	tell(p, i, OBJECT_WHOLE, key, 0);
}

void pair_make_many(struct pair *p, unsigned i, unsigned first, unsigned n)
{
	struct pair_kernel *k = p->side[i].kernel;
	struct object_batch b = { .n = 0 };

	for (unsigned key = first; key < first + n; key++) {
		k->session[key] = (struct pair_session){ .there = true, .state = 1 };
		add(&b, kind_of(k, key), OBJECT_WHOLE, key, &k->session[key], k->pad);
		if (b.n < 32)
			continue;
		deliver(p, i, &b, OBJECT_EVENT);
		b.n = 0;
		b.used = 0;
	}
	deliver(p, i, &b, OBJECT_EVENT);
}

void pair_change(struct pair *p, unsigned i, unsigned key, uint8_t state)
{
	p->side[i].kernel->session[key].state = state;
	p->side[i].kernel->session[key].held = false;
	tell(p, i, OBJECT_CHANGE, key, 0);
}

void pair_change_rare(struct pair *p, unsigned i, unsigned key, uint8_t rare)
{
	p->side[i].kernel->session[key].rare = rare;
	tell(p, i, OBJECT_CHANGE, key, OBJECT_PARTIAL);
}

void pair_remove_bare(struct pair *p, unsigned i, unsigned key)
{
	struct object_batch b = { .n = 0 };

	add(&b, kind_of(p->side[i].kernel, key), OBJECT_REMOVE, key,
		&p->side[i].kernel->session[key], 0);
	b.object[0].value_len = 0;
	p->side[i].kernel->session[key].there = false;
	deliver(p, i, &b, OBJECT_EVENT);
}

void pair_remove(struct pair *p, unsigned i, unsigned key)
{
	p->side[i].kernel->session[key].there = false;
	tell(p, i, OBJECT_REMOVE, key, 0);
}

void pair_repeat(struct pair *p, unsigned i, unsigned key)
{
	tell(p, i, OBJECT_WHOLE, key, 0);
}

void pair_plain_event(struct pair *p, unsigned i, enum event_type type)
{
	struct event event = { .type = type };

	pair_event(p, i, &event);
}

/* ---- orders -------------------------------------------------------------------------------- */

static struct pair_item *answer_later(struct pair *p, unsigned i, enum pair_item_type type)
{
	struct pair_item *item = pair_push(p, i, p->now + PAIR_KERNEL_US);

	item->type = type;
	return item;
}

static void refuse(struct pair *p, unsigned i, const struct object_order *order, enum refusal why)
{
	struct pair_item *item = answer_later(p, i, PAIR_ITEM_REFUSED);

	item->target = why;
	item->len = object_order_len(order);
	memcpy(item->bytes, order, item->len);
}

static void create(struct pair *p, unsigned i, const struct object_order *o, unsigned key)
{
	struct pair_kernel *k = p->side[i].kernel;
	const uint8_t *value = object_order_value(o);

	assert(o->value_len >= WHOLE_LEN);
	if (k->refuses > 0) {
		k->refuses--;
		refuse(p, i, o, k->refuses_why);
		return;
	}
	k->session[key] = (struct pair_session){
		.there = true,
		.status = value[0],
		.state = value[1],
		.nat = value[2],
		.rare = value[3],
		.held = true,
		.liberal = true,
		.held_at = p->now,
	};
}

static bool is_sa_held(const struct pair_kernel *k)
{
	for (unsigned key = 0; key < PAIR_POLICIES; key++) {
		if (k->session[key].there && k->session[key].held)
			return true;
	}
	return false;
}

/* What settling does beside ending the hold; false: it is refused. */
static bool jump(struct pair *p, unsigned i, const struct object_order *o, unsigned key)
{
	struct pair_kernel *k = p->side[i].kernel;
	struct pair_session *s = &k->session[key];
	bool settles = o->op == OBJECT_SETTLE || o->op == OBJECT_RETIME;

	if (o->kind == OBJECT_POLICY) {
		k->early += settles && s->held && is_sa_held(k);
		return true;
	}
	if (settles && k->refuses_settling > 0) {
		k->refuses_settling--;
		refuse(p, i, o, REFUSED_OTHER);
		return false;
	}
	if (settles && s->held)
		s->state = (uint8_t)(s->state + PAIR_JUMP);
	if (o->op == OBJECT_LOOSEN)
		s->state = (uint8_t)(s->state + 2 * PAIR_JUMP);
	return true;
}

static void carry_out(struct pair *p, unsigned i, const struct object_order *o)
{
	struct pair_kernel *k = p->side[i].kernel;
	unsigned key = (unsigned)object_order_key(o)[0] << 8 | object_order_key(o)[1];

	if (o->key_len != KEY_LEN || key >= PAIR_SESSIONS) {
		refuse(p, i, o, REFUSED_OTHER);
		return;
	}
	struct pair_session *s = &k->session[key];

	k->orders[o->op]++;
	if (k->kind == OBJECT_SA && s->there && !jump(p, i, o, key))
		return;
	k->busy_us += k->order_us;
	p->now += k->order_us;
	switch ((enum object_op)o->op) {
	case OBJECT_WHOLE:
		s->there = false;
		create(p, i, o, key);
		break;
	case OBJECT_CREATE:
		if (s->there)
			refuse(p, i, o, REFUSED_CLASH);
		else
			create(p, i, o, key);
		break;
	case OBJECT_CHANGE:
		if (!s->there) {
			refuse(p, i, o, REFUSED_MISSING);
			break;
		}
		s->status = object_order_value(o)[0];
		s->state = object_order_value(o)[1];
		if (o->value_len >= WHOLE_LEN)
			s->rare = object_order_value(o)[3];
		s->held = s->liberal = true;
		s->held_at = p->now;
		break;
	case OBJECT_REMOVE: s->there = false; break;
	case OBJECT_HOLD:
		s->held = true;
		s->held_at = p->now;
		break;
	case OBJECT_SETTLE: s->held = s->liberal = false; break;
	case OBJECT_LOOSEN: s->liberal = true; break;
	case OBJECT_RETIME: s->held = false; break;
	case OBJECT_EVICT: break;
	}
}

/* ---- questions ----------------------------------------------------------------------------- */

/* The kernel fills the next buffer as soon as it is asked. */
static void look_ahead(struct pair_kernel *k)
{
	k->dump.n = 0;
	for (; k->dump.n < PAIR_DUMP_STEP && k->dump.next < k->dump.end; k->dump.next++) {
		if (!k->session[k->dump.next].there)
			continue;
		k->dump.seen[k->dump.n].key = k->dump.next;
		k->dump.seen[k->dump.n++].session = k->session[k->dump.next];
	}
}

static void dump(struct pair *p, unsigned i, uint32_t kind)
{
	struct pair_kernel *k = p->side[i].kernel;

	if (!k->dump.running) {
		k->dump.running = true;
		k->dump.kind = (uint8_t)kind;
		k->dump.next = kind == kind_of(k, PAIR_POLICIES) && kind != k->kind ? PAIR_POLICIES
			       : kind == k->kind                                    ? 0
										    : PAIR_SESSIONS;
		k->dump.end = kind == k->kind && kind == OBJECT_SA ? PAIR_POLICIES : PAIR_SESSIONS;
		k->dumps += kind == k->kind;
	}
	look_ahead(k);
	k->dump.asked = true;
	if (!k->dump_waits)
		answer_later(p, i, PAIR_ITEM_DUMPED);
}

void pair_dump_goes_on(struct pair *p, unsigned i)
{
	p->side[i].kernel->dump_waits = false;
	if (p->side[i].kernel->dump.asked)
		answer_later(p, i, PAIR_ITEM_DUMPED);
}

void pair_kernel_act(struct pair *p, unsigned i, const struct action *a)
{
	if (a->type == ACTION_DUMP) {
		dump(p, i, a->target);
		return;
	}
	if (a->type == ACTION_END_DUMP) {
		p->side[i].kernel->dump.running = false;
		return;
	}
	if (a->type == ACTION_FETCH) {
		struct pair_item *item = answer_later(p, i, PAIR_ITEM_FETCHED);

		p->side[i].kernel->fetches++;
		item->len = a->bytes.len;
		memcpy(item->bytes, a->bytes.data, a->bytes.len);
		return;
	}
	for (size_t at = 0; at < a->bytes.len;) {
		const struct object_order *o = (const void *)(a->bytes.data + at);

		carry_out(p, i, o);
		at += object_order_len(o);
	}
}

static void dumped(struct pair *p, unsigned i)
{
	struct pair_kernel *k = p->side[i].kernel;
	uint64_t aged = p->side[i].conf->mirror.hold_ms * UINT64_C(500);
	struct event event = { .type = EVENT_DUMPED, .dumped = k->result };

	if (!k->dump.asked)
		return;
	k->dump.asked = false;
	k->result = DUMP_MORE;
	if (k->unreadable >> k->dump.kind & 1) {
		event.dumped = DUMP_FAILED;
		k->dump.n = 0;
	} else if (event.dumped == DUMP_MORE && k->dump.next == k->dump.end) {
		event.dumped = DUMP_DONE;
	}
	if (event.dumped == DUMP_AGAIN)
		k->dump.next = 0;
	k->dump.running = event.dumped == DUMP_MORE || event.dumped == DUMP_AGAIN;
	for (unsigned from = 0; from < k->dump.n; from += 32) {
		struct object_batch b = { .n = 0 };

		for (unsigned n = from; n < k->dump.n && n < from + 32; n++) {
			const struct pair_session *s = &k->dump.seen[n].session;

			add(&b, k->dump.kind, OBJECT_WHOLE, k->dump.seen[n].key, s, k->pad);
			b.object[b.n - 1].marks =
				OBJECT_JUDGED | (s->held || s->liberal ? OBJECT_HELD : 0) |
				(s->held ? OBJECT_UNSEEN : 0) |
				(s->held && p->now - s->held_at > aged ? OBJECT_AGES : 0);
			if (k->kind == OBJECT_SA)
				b.object[b.n - 1].marks = s->held ? OBJECT_HELD : OBJECT_AGES;
		}
		deliver(p, i, &b, OBJECT_DUMPED);
	}
	pair_event(p, i, &event);
}

void pair_kernel_item(struct pair *p, const struct pair_item *item)
{
	struct pair_kernel *k = p->side[item->node].kernel;
	struct event event = { .type = EVENT_REFUSED };
	_Alignas(8) uint8_t order[OBJECT_NETLINK_MAX];
	struct object_batch b = { .n = 0 };

	if (item->type == PAIR_ITEM_DUMPED) {
		dumped(p, item->node);
	} else if (item->type == PAIR_ITEM_FETCHED) {
		unsigned key = (unsigned)item->bytes[0] << 8 | item->bytes[1];

		if (!k->session[key].there)
			return;
		add(&b, kind_of(k, key), OBJECT_WHOLE, key, &k->session[key], k->pad);
		b.object[0].marks = k->session[key].held ? OBJECT_UNSEEN : 0;
		deliver(p, item->node, &b, OBJECT_FETCHED);
	} else {
		memcpy(order, item->bytes, item->len);
		event.refused.order = (const void *)order;
		event.refused.why = (enum refusal)item->target;
		pair_event(p, item->node, &event);
	}
}

/* ---- what a test asks ---------------------------------------------------------------------- */

bool pair_same(const struct pair *p, unsigned key)
{
	const struct pair_session *a = pair_session(p, 0, key), *b = pair_session(p, 1, key);

	return a->there == b->there &&
	       (!a->there || (a->status == b->status && a->state == b->state && a->nat == b->nat &&
				     a->rare == b->rare));
}

int pair_different(const struct pair *p)
{
	for (unsigned key = 0; key < PAIR_SESSIONS; key++) {
		if (!pair_same(p, key))
			return (int)key;
	}
	return -1;
}

unsigned pair_sessions(const struct pair *p, unsigned i)
{
	unsigned n = 0;

	for (unsigned key = 0; key < PAIR_SESSIONS; key++)
		n += p->side[i].kernel->session[key].there;
	return n;
}

const struct pair_session *pair_session(const struct pair *p, unsigned i, unsigned key)
{
	return &p->side[i].kernel->session[key];
}

struct mirror *pair_mirror_of(const struct pair *p, unsigned i)
{
	return p->side[i].node->mirror;
}

struct entry *pair_entry(const struct pair *p, unsigned i, unsigned key)
{
	struct index *ix = &pair_mirror_of(p, i)->index;
	uint8_t bytes[KEY_LEN] = { (uint8_t)(key >> 8), (uint8_t)key };
	uint8_t kind = kind_of(p->side[i].kernel, key);

	return index_find(ix, index_hash(ix, kind, span_of(bytes, KEY_LEN)), kind);
}

bool pair_owns(const struct pair *p, unsigned i, unsigned key)
{
	const struct entry *e = pair_entry(p, i, key);

	return e != NULL && !index_is_dead(e) &&
	       index_owner(&pair_mirror_of(p, i)->index, e) == INDEX_OWN;
}
