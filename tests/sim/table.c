/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "core/mirror.h"
#include "core/state.h"
#include "machine.h"
#include "world.h"

enum { KEY_LEN = 2, WHOLE_LEN = 4, CHANGE_LEN = 2 };

static int describe(uint8_t kind, struct span key, struct span value, struct object *ret)
{
	if (kind != OBJECT_CONNTRACK)
		return tunnels_describe(kind, key, value, ret);
	if (key.len != KEY_LEN || (value.len != WHOLE_LEN && value.len != CHANGE_LEN))
		return -1;
	ret->known = OBJECT_KNOWS_BASE | OBJECT_KNOWS_STATE;
	ret->state = value.data[1];
	if (value.len == WHOLE_LEN) {
		ret->known |= OBJECT_KNOWS_RARE;
		ret->base = (uint32_t)value.data[0] << 8 | value.data[2];
		ret->rare = value.data[3];
	}
	return 0;
}

void table_start(struct machine *m, struct node_env *env)
{
	struct table *t = &m->table;
	struct mirror *mirror;

	if (!t->on)
		return;
	if (t->memory == NULL)
		t->memory = calloc(1, node_mirror_size(TABLE_OBJECTS));
	if (t->memory == NULL)
		abort();
	/* All but the large arrays of bytes, which need not be zero. */
	mirror = t->memory;
	memset(mirror, 0, offsetof(struct mirror, out));
	memset(&mirror->out, 0, offsetof(struct channel_out, frame));
	memset(&mirror->in, 0, offsetof(struct channel_in, bytes));
	memset((uint8_t *)t->memory + node_mirror_size(0) - index_memory(0), 0,
		index_memory(TABLE_OBJECTS));
	t->dump.running = t->reading_soon = t->lost = false;
	t->n_events = t->n_refused = t->n_fetched = 0;
	tunnels_start(m);
	env->mirror = t->memory;
	env->mirror_objects = TABLE_OBJECTS;
	/* The sums of a walk fit: those of each kind take eight frames. */
	env->mirror_frames = m->world->has_tunnels ? 2 * TABLE_FRAMES : TABLE_FRAMES;
	memset(env->mirror_key, 0x5a, sizeof(env->mirror_key));
	env->describe = describe;
}

void table_clear(struct machine *m)
{
	struct table *t = &m->table;

	memset(t->session, 0, sizeof(t->session));
	t->n_events = 0;
	t->lost = false;
	t->sole_since = 0;
	tunnels_clear(m);
}

/* ---- objects ------------------------------------------------------------------------------- */

static void add_object(struct object_batch *b, const struct table_event *e)
{
	struct object *o = &b->object[b->n++];
	uint8_t *room = b->bytes + b->used;
	const struct row *s = &e->session;

	*o = (struct object){ .kind = OBJECT_CONNTRACK, .op = e->op, .key = room };
	room[0] = e->key;
	room[1] = (uint8_t)~e->key;
	o->key_len = KEY_LEN;
	o->value = room + KEY_LEN;
	room += KEY_LEN;
	room[0] = s->status;
	room[1] = s->state;
	room[2] = s->nat;
	room[3] = s->rare;
	o->value_len = e->op == OBJECT_CHANGE ? CHANGE_LEN : WHOLE_LEN;
	o->known = OBJECT_KNOWS_BASE | OBJECT_KNOWS_STATE |
		   (e->op == OBJECT_CHANGE ? 0 : OBJECT_KNOWS_RARE);
	o->base = (uint32_t)s->status << 8 | s->nat;
	o->state = s->state;
	o->rare = s->rare;
	if (e->partial)
		o->marks |= OBJECT_PARTIAL;
	b->used += 8;
}

static void add_dumped(
	struct world *w, struct machine *m, struct object_batch *b, const struct table_event *e)
{
	const struct row *s = &e->session;

	add_object(b, e);
	b->object[b->n - 1].marks |= OBJECT_JUDGED;
	if (s->held)
		b->object[b->n - 1].marks |= OBJECT_HELD | OBJECT_UNSEEN;
	if (s->held && w->now - s->held_at > m->conf->mirror.hold_ms * UINT64_C(500))
		b->object[b->n - 1].marks |= OBJECT_AGES;
}

/* ---- events -------------------------------------------------------------------------------- */

static void tell(struct world *w, struct machine *m, uint8_t op, unsigned key, bool partial)
{
	struct table *t = &m->table;

	if (!m->engine)
		return;
	if (!t->reading_soon) {
		t->reading_soon = true;
		world_later(w, w->now + rng_between(&w->rng, 10, 300), ITEM_EVENTS, m->id);
	}
	world_trace(w, "%s: event %u of session %u", m->conf->node[m->id], op, key);
	if (t->n_events == TABLE_EVENTS_MAX) {
		t->lost = true;
		return;
	}
	t->event[t->n_events++] = (struct table_event){
		.op = op,
		.key = (uint8_t)key,
		.partial = partial,
		.session = t->session[key],
	};
}

void table_read(struct world *w, struct machine *m)
{
	static const struct event lost = { .type = EVENT_LOST };
	struct object_batch b = { .n = 0 };
	struct table *t = &m->table;
	bool was_lost = t->lost;

	t->reading_soon = false;
	for (unsigned i = 0; i < t->n_events; i++)
		add_object(&b, &t->event[i]);
	t->n_events = 0;
	t->lost = false;
	machine_objects(w, m, &b, OBJECT_EVENT);
	if (was_lost)
		t->lost_at = w->now;
	if (was_lost && m->engine)
		machine_event(w, m->id, &lost);
}

void table_lose(struct world *w, struct machine *m)
{
	struct table *t = &m->table;

	if (!t->on || !machine_runs(m) || t->n_events == 0)
		return;
	t->n_events = 0;
	t->lost = true;
	tunnels_lose(m);
	(void)w;
}

void table_expire(struct world *w, struct machine *m)
{
	unsigned key = (unsigned)rng_below(&w->rng, TABLE_KEYS);
	struct row *s = &m->table.session[key];

	if (!s->there)
		return;
	/* Where no traffic passes, that it runs out says nothing of the session. */
	if (m->held[key % m->conf->n_groups])
		m->table.touched[key] = w->now;
	tell(w, m, OBJECT_REMOVE, key, false);
	s->there = false;
}

void table_alter(struct world *w, struct machine *m)
{
	unsigned key = (unsigned)rng_below(&w->rng, TABLE_KEYS);
	struct row *s = &m->table.session[key];

	m->table.touched[key] = w->now;
	if (rng_chance(&w->rng, 50))
		s->there = false;
	else if (s->there)
		s->state = 10;
}

/* ---- orders -------------------------------------------------------------------------------- */

static struct row *in_the_way(struct table *t, const struct row *of, unsigned key)
{
	for (unsigned i = 0; of->nat != 0 && i < TABLE_KEYS; i++) {
		if (i != key && t->session[i].there && t->session[i].nat == of->nat)
			return &t->session[i];
	}
	return NULL;
}

/* 0, or why not (enum refusal + 1). */
static int create(struct world *w, struct table *t, unsigned key, const uint8_t *value, bool force)
{
	struct row s = { .there = true, .held = true, .held_at = w->now };

	s.status = value[0];
	s.state = value[1];
	s.nat = value[2];
	s.rare = value[3];
	if (rng_chance(&w->rng, t->refuse))
		return REFUSED_FULL + 1;
	struct row *other = in_the_way(t, &s, key);

	if (other != NULL && !force)
		return REFUSED_CLASH + 1;
	if (other != NULL) {
		other->there = false;
		t->refused_at = w->now;
	}
	t->session[key] = s;
	return 0;
}

static int carry_out(struct world *w, struct machine *m, const struct object_order *o)
{
	struct table *t = &m->table;
	unsigned key = object_order_key(o)[0];
	const uint8_t *value = object_order_value(o);
	struct row *s = &t->session[key];

	if (o->kind != OBJECT_CONNTRACK)
		return tunnels_carry_out(w, m, o);
	if (o->key_len != KEY_LEN || key >= TABLE_KEYS)
		return REFUSED_OTHER + 1;
	table_check_order(w, m, o);
	t->ordered[key] = w->now;
	switch ((enum object_op)o->op) {
	case OBJECT_WHOLE: s->there = false; return create(w, t, key, value, o->force);
	case OBJECT_CREATE: return s->there ? REFUSED_CLASH + 1 : create(w, t, key, value, false);
	case OBJECT_CHANGE:
		if (!s->there)
			return REFUSED_MISSING + 1;
		s->status = value[0];
		s->state = value[1];
		if (o->value_len >= WHOLE_LEN)
			s->rare = value[3];
		s->held = true;
		s->strict = false;
		s->held_at = w->now;
		return 0;
	case OBJECT_REMOVE: s->there = false; return 0;
	case OBJECT_HOLD:
		s->held = true;
		s->held_at = w->now;
		return 0;
	case OBJECT_SETTLE:
		s->held = false;
		s->strict = !s->behind;
		return 0;
	case OBJECT_LOOSEN: s->strict = false; return 0;
	case OBJECT_RETIME: s->held = false; return 0;
	case OBJECT_EVICT: return 0;
	}
	return REFUSED_OTHER + 1;
}

void table_write(struct world *w, struct machine *m, struct span orders)
{
	struct table *t = &m->table;

	for (size_t at = 0; at < orders.len;) {
		const struct object_order *o = (const void *)(orders.data + at);
		size_t len = object_order_len(o);
		int why = carry_out(w, m, o);

		world_trace(w, "%s: order %u of kind %u, %u: %d", m->conf->node[m->id], o->op,
			o->kind, object_order_key(o)[0], why);

		if (why != 0 || o->op == OBJECT_WHOLE)
			t->refused_at = w->now;
		if (why != 0 && t->n_refused < ARRAY_LEN(t->refused) &&
			len <= sizeof(t->refused[0].order)) {
			struct table_refused *r = &t->refused[t->n_refused++];

			memcpy(r->order, o, len);
			r->why = (enum refusal)(why - 1);
		}
		at += len;
	}
}

/* ---- questions ----------------------------------------------------------------------------- */

void table_fetch(struct machine *m, uint8_t kind, struct span key)
{
	struct table *t = &m->table;
	struct table_fetched *f = &t->fetched[t->n_fetched];

	if (key.len != KEY_LEN || t->n_fetched == ARRAY_LEN(t->fetched))
		return;
	f->kind = kind;
	memcpy(f->key, key.data, KEY_LEN);
	t->n_fetched++;
}

static void tell_fetched(struct world *w, struct machine *m, const struct table_fetched *f)
{
	struct object_batch b = { .n = 0 };
	struct table_event e = { .op = OBJECT_WHOLE, .key = f->key[0] };

	if (f->kind != OBJECT_CONNTRACK) {
		tunnels_fetched(w, m, f->kind, span_of(f->key, KEY_LEN));
		return;
	}
	if (e.key >= TABLE_KEYS || !m->table.session[e.key].there)
		return;
	e.session = m->table.session[e.key];
	add_dumped(w, m, &b, &e);
	machine_objects(w, m, &b, OBJECT_FETCHED);
}

void table_tell(struct world *w, struct machine *m)
{
	struct table *t = &m->table;

	if (t->telling)
		return; /* the steps that it leads to, too */
	t->telling = true;
	for (unsigned i = 0; i < t->n_fetched && m->engine; i++)
		tell_fetched(w, m, &t->fetched[i]);
	t->n_fetched = 0;
	for (unsigned i = 0; i < t->n_refused && m->engine; i++) {
		struct event event = { .type = EVENT_REFUSED };

		event.refused.order = (const void *)t->refused[i].order;
		event.refused.why = t->refused[i].why;
		machine_event(w, m->id, &event);
	}
	t->n_refused = 0;
	t->telling = false;
}

/* The kernel fills the next buffer when the one before it is taken. */
static void look_ahead(struct table *t)
{
	t->dump.n = 0;
	for (unsigned i = 0; i < TABLE_CHUNK && t->dump.next < TABLE_KEYS; i++, t->dump.next++) {
		if (t->session[t->dump.next].there)
			t->dump.seen[t->dump.n++] = (struct table_event){
				.op = OBJECT_WHOLE,
				.key = (uint8_t)t->dump.next,
				.session = t->session[t->dump.next],
			};
	}
}

void table_dump(struct world *w, struct machine *m, uint8_t kind)
{
	struct table *t = &m->table;

	if (!t->dump.running) {
		t->dump.running = true;
		t->dump.next = 0;
		if (kind == OBJECT_CONNTRACK)
			look_ahead(t);
		else
			t->dump.n = 0;
	}
	t->dump.kind = kind;
	struct item item =
		world_item(w, w->now + rng_between(&w->rng, 20, 500), ITEM_DUMPED, m->id);

	item.dumped = ++t->dump.step;
	world_push(w, &item);
}

void table_dumped(struct world *w, struct machine *m, uint32_t step)
{
	struct table *t = &m->table;
	struct event event = { .type = EVENT_DUMPED, .dumped = DUMP_MORE };
	struct object_batch b = { .n = 0 };

	if (!m->engine || !t->dump.running || step != t->dump.step)
		return;
	struct table_event seen[TABLE_CHUNK];
	unsigned n = t->dump.n;

	memcpy(seen, t->dump.seen, sizeof(seen));
	for (unsigned i = 0; i < n; i++)
		add_dumped(w, m, &b, &seen[i]);
	tunnels_dump(m, t->dump.kind, &b);
	if (rng_chance(&w->rng, 2)) {
		event.dumped = rng_chance(&w->rng, 50) ? DUMP_AGAIN : DUMP_FAILED;
		t->dump.next = 0;
		look_ahead(t);
	} else if (t->dump.kind != OBJECT_CONNTRACK || t->dump.next == TABLE_KEYS) {
		event.dumped = DUMP_DONE;
	} else {
		look_ahead(t);
	}
	t->dump.running = event.dumped == DUMP_MORE || event.dumped == DUMP_AGAIN;
	world_trace(w, "%s: a step of a dump of kind %u: %u objects, result %u",
		m->conf->node[m->id], t->dump.kind, b.n, event.dumped);
	machine_objects(w, m, &b, OBJECT_DUMPED);
	for (unsigned i = 0; i < n; i++)
		table_check_dumped(w, m, &seen[i]);
	if (m->engine)
		machine_event(w, m->id, &event);
}

/* ---- traffic ------------------------------------------------------------------------------- */

static void packet(struct world *w, struct machine *m, unsigned key)
{
	struct row *s = &m->table.session[key];
	unsigned what = (unsigned)rng_below(&w->rng, 100);

	struct row *other = &w->machine[1 - m->id].table.session[key];

	m->table.touched[key] = w->now;
	other->behind = other->there && other->sighted;
	if (!s->there) {
		struct row fresh = {
			.there = true, .strict = true, .sighted = true, .touched_at = w->now
		};

		if (what < 60)
			return;
		fresh.nat = rng_chance(&w->rng, 50) ? 0 : (uint8_t)(key + 1);
		/* Some are NATed to what another session may have on the other machine. */
		if (w->machine[0].conf->n_groups == 1 && fresh.nat != 0 && rng_chance(&w->rng, 20))
			fresh.nat = (uint8_t)rng_between(&w->rng, 1, TABLE_KEYS);
		fresh.state = 1;
		if (in_the_way(&m->table, &fresh, key) != NULL)
			return;
		*s = fresh;
		tell(w, m, OBJECT_WHOLE, key, false);
		return;
	}
	s->held = false;
	s->sighted = true;
	s->touched_at = w->now;
	if (what < 15) {
		tell(w, m, OBJECT_REMOVE, key, false);
		s->there = false;
	} else if (what < 45) {
		s->state = (uint8_t)rng_between(&w->rng, 1, 9);
		tell(w, m, OBJECT_CHANGE, key, false);
	} else if (what < 55) {
		s->status = (uint8_t)rng_below(&w->rng, 4);
		tell(w, m, OBJECT_CHANGE, key, false);
	} else if (what < 60) {
		s->rare = (uint8_t)rng_below(&w->rng, 4);
		tell(w, m, OBJECT_CHANGE, key, true);
	}
}

static bool serves(const struct machine *m, unsigned group)
{
	return m->powered && m->held[group];
}

void table_traffic(struct world *w)
{
	unsigned n = (unsigned)rng_between(&w->rng, 1, 8);

	if (w->no_traffic)
		return;
	table_check_ready(w, &w->machine[0]);
	table_check_ready(w, &w->machine[1]);
	for (unsigned i = 0; i < n; i++) {
		unsigned key = (unsigned)rng_below(&w->rng, TABLE_KEYS);
		unsigned group = key % w->machine[0].conf->n_groups;
		unsigned first = (unsigned)rng_below(&w->rng, 2);
		struct machine *m = &w->machine[first];

		/* The answers may come another way. */
		if (rng_chance(&w->rng, 10))
			group = (unsigned)rng_below(&w->rng, w->machine[0].conf->n_groups);
		if (!serves(m, group))
			m = &w->machine[1 - first];
		if (serves(m, group))
			packet(w, m, key);
	}
	world_later(w, w->now + rng_between(&w->rng, 100, w->traffic_gap), ITEM_TRAFFIC, 0);
}
