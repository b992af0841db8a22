/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "index.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(struct entry) == 24, "an entry of the index");

enum { HEADS_MIN = 256 };

/* At most so many: a head for every two entries. */
static uint32_t heads_for(uint32_t capacity)
{
	uint32_t heads = HEADS_MIN;

	while (heads < capacity / 2 && heads < 1u << 30)
		heads *= 2;
	return heads;
}

size_t index_memory(uint32_t capacity)
{
	return (size_t)heads_for(capacity) * sizeof(uint32_t) +
	       ((size_t)capacity + 1) * sizeof(struct entry);
}

void index_init(
	struct index *ix, const uint8_t key[SIPHASH_KEY_LEN], uint32_t capacity, void *memory)
{
	uint32_t heads = heads_for(capacity);

	memset(ix, 0, sizeof(*ix));
	ix->key = siphash_key_of(key);
	ix->capacity = capacity;
	ix->head = memory;
	ix->heads_max = heads;
	ix->head_mask = HEADS_MIN - 1;
	ix->entry = (void *)(ix->head + heads);
}

uint64_t index_hash(const struct index *ix, uint8_t kind, struct span key)
{
	struct siphash_key k = ix->key;

	k.k0 ^= kind;
	return siphash(&k, key.data, key.len) & 0xffffffffffff;
}

unsigned index_bucket(uint64_t hash)
{
	return (unsigned)(hash & 0xffffffff) >> 22;
}

static_assert(INDEX_BUCKETS == 1u << 10, "a bucket is named by the tag's upper 10 bits");

uint64_t index_hash_of(const struct entry *e)
{
	return (uint64_t)e->tag_high << 32 | e->tag;
}

/* What no print tells is in no sum. */
static uint16_t state_print(const struct entry *e)
{
	return index_kind(e) == OBJECT_SA ? 0 : e->state;
}

/* What an entry adds to the sum of its bucket. */
static uint64_t weight(const struct entry *e)
{
	uint64_t x = index_hash_of(e) << 16 | state_print(e);

	x *= 0x9e3779b97f4a7c15;
	x ^= x >> 29;
	x += (uint64_t)e->base << 8 | e->rare;
	x *= 0xbf58476d1ce4e5b9;
	x ^= x >> 32;
	return x;
}

static struct index_sums *sums_of(struct index *ix, const struct entry *e)
{
	return index_owner(ix, e) == INDEX_OWN ? &ix->own[index_kind(e)] : &ix->peer[index_kind(e)];
}

static void add_weight(struct index *ix, const struct entry *e)
{
	struct index_sums *sums = sums_of(ix, e);

	sums->sum[index_bucket(e->tag)] += weight(e);
	sums->entries++;
}

static void take_weight(struct index *ix, const struct entry *e)
{
	struct index_sums *sums = sums_of(ix, e);

	sums->sum[index_bucket(e->tag)] -= weight(e);
	sums->entries--;
}

static void set_prints(struct entry *e, const struct object *object)
{
	if (object->known & OBJECT_KNOWS_BASE)
		e->base = object->base;
	if ((object->known & OBJECT_KNOWS_STATE) || object->kind == OBJECT_SA)
		e->state = object->state;
	if (object->known & OBJECT_KNOWS_RARE)
		e->rare = (uint8_t)(object->rare ^ object->rare >> 8);
}

static void set_owner(struct index *ix, struct entry *e, enum index_owner owner)
{
	e->era = ix->era;
	if (owner == INDEX_OWN)
		e->flags |= INDEX_FLAG_OWN;
	else
		e->flags &= (uint8_t)~INDEX_FLAG_OWN;
}

static uint32_t *head_of(struct index *ix, uint32_t tag)
{
	uint32_t i = tag & ix->head_mask;

	if (i < ix->split)
		i = tag & (ix->head_mask << 1 | 1);
	return &ix->head[i];
}

/* One chain more: what of the next one to be split has one more bit of the tag set. */
static void split_chain(struct index *ix)
{
	uint32_t bit = ix->head_mask + 1;

	if (ix->split + bit >= ix->heads_max)
		return;
	uint32_t *stays = &ix->head[ix->split], *goes = &ix->head[ix->split + bit];
	uint32_t i = *stays;

	while (i != 0) {
		struct entry *e = &ix->entry[i];
		uint32_t **end = e->tag & bit ? &goes : &stays;

		**end = i;
		*end = &e->next;
		i = e->next;
	}
	*stays = *goes = 0;
	if (++ix->split == bit) {
		ix->head_mask = ix->head_mask << 1 | 1;
		ix->split = 0;
	}
}

struct entry *index_find(struct index *ix, uint64_t hash, uint8_t kind)
{
	uint32_t tag = (uint32_t)hash;

	for (uint32_t i = *head_of(ix, tag); i != 0; i = ix->entry[i].next) {
		struct entry *e = &ix->entry[i];

		if (e->tag == tag && e->tag_high == hash >> 32 && index_kind(e) == kind)
			return e;
	}
	return NULL;
}

void index_expect(struct index *ix, const uint64_t *hash, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		__builtin_prefetch(head_of(ix, (uint32_t)hash[i]));
	for (unsigned i = 0; i < n; i++)
		__builtin_prefetch(&ix->entry[*head_of(ix, (uint32_t)hash[i])], 1);
}

static uint32_t take_free(struct index *ix)
{
	uint32_t i = ix->free;

	if (i != 0)
		ix->free = ix->entry[i].next;
	else if (ix->used < ix->capacity)
		i = ++ix->used;
	if (ix->used > ix->head_mask + 1 + ix->split)
		split_chain(ix);
	return i;
}

struct entry *index_add(
	struct index *ix, uint64_t hash, const struct object *object, enum index_owner owner)
{
	uint32_t i = take_free(ix);

	if (i == 0)
		return NULL;
	struct entry *e = &ix->entry[i];
	uint32_t *head = head_of(ix, (uint32_t)hash);

	*e = (struct entry){
		.next = *head,
		.tag = (uint32_t)hash,
		.tag_high = (uint16_t)(hash >> 32),
		.flags = object->kind,
	};
	*head = i;
	set_owner(ix, e, owner);
	set_prints(e, object);
	add_weight(ix, e);
	return e;
}

void index_remove(struct index *ix, struct entry *e)
{
	uint32_t number = (uint32_t)(e - ix->entry);
	uint32_t *link = head_of(ix, e->tag);

	if (index_is_dead(e))
		ix->dead--;
	else
		take_weight(ix, e);
	while (*link != number)
		link = &ix->entry[*link].next;
	*link = e->next;
	*e = (struct entry){ .next = ix->free };
	ix->free = number;
}

void index_kill(struct index *ix, struct entry *e)
{
	assert(!index_is_dead(e));
	take_weight(ix, e);
	e->flags |= INDEX_DEAD;
	ix->dead++;
}

void index_revive(
	struct index *ix, struct entry *e, const struct object *object, enum index_owner owner)
{
	assert(index_is_dead(e));
	ix->dead--;
	e->flags &= (uint8_t)~INDEX_DEAD;
	e->base = 0;
	e->state = 0;
	e->rare = 0;
	set_prints(e, object);
	set_owner(ix, e, owner);
	add_weight(ix, e);
}

enum index_owner index_owner(const struct index *ix, const struct entry *e)
{
	if (ix->single >> index_kind(e) & 1)
		return ix->single_owner;
	if (e->era != ix->era)
		return ix->era_owner;
	return e->flags & INDEX_FLAG_OWN ? INDEX_OWN : INDEX_PEER;
}

void index_set_owner(struct index *ix, struct entry *e, enum index_owner owner)
{
	assert(!index_is_dead(e));
	take_weight(ix, e);
	set_owner(ix, e, owner);
	add_weight(ix, e);
}

static void bring_up_to_date(struct index *ix)
{
	for (uint32_t i = 1; i <= ix->used; i++)
		set_owner(ix, &ix->entry[i], index_owner(ix, &ix->entry[i]));
	ix->eras = 0;
}

static void move_sums(struct index *ix, unsigned kind, enum index_owner owner)
{
	struct index_sums *to = owner == INDEX_OWN ? &ix->own[kind] : &ix->peer[kind];
	struct index_sums *from = owner == INDEX_OWN ? &ix->peer[kind] : &ix->own[kind];

	if (from->entries == 0)
		return;
	for (unsigned i = 0; i < INDEX_BUCKETS; i++)
		to->sum[i] += from->sum[i];
	to->entries += from->entries;
	memset(from, 0, sizeof(*from));
}

void index_adopt(struct index *ix, enum index_owner owner)
{
	/* Before the number comes round; walks make that all but impossible. */
	if (ix->eras == UINT8_MAX - 1)
		bring_up_to_date(ix);
	ix->eras++;
	ix->era++;
	ix->era_owner = owner;
	for (unsigned kind = 0; kind < INDEX_KINDS; kind++) {
		if (!(ix->single >> kind & 1))
			move_sums(ix, kind, owner);
	}
}

void index_make_single(struct index *ix, uint32_t kinds)
{
	assert(ix->used == 0);
	ix->single = kinds;
	ix->single_owner = INDEX_PEER;
}

void index_own_single(struct index *ix, enum index_owner owner)
{
	if (ix->single_owner == owner)
		return;
	ix->single_owner = owner;
	for (unsigned kind = 0; kind < INDEX_KINDS; kind++) {
		if (ix->single >> kind & 1)
			move_sums(ix, kind, owner);
	}
}

bool index_same(const struct entry *e, const struct object *object)
{
	return (!(object->known & OBJECT_KNOWS_BASE) || e->base == object->base) &&
	       (!(object->known & OBJECT_KNOWS_STATE) || e->state == object->state) &&
	       (!(object->known & OBJECT_KNOWS_RARE) ||
		       e->rare == (uint8_t)(object->rare ^ object->rare >> 8));
}

void index_update(struct index *ix, struct entry *e, const struct object *object)
{
	assert(!index_is_dead(e));
	take_weight(ix, e);
	set_prints(e, object);
	add_weight(ix, e);
}

bool index_is_ahead(const struct entry *e, const struct object *sa)
{
	return (int16_t)(uint16_t)(sa->state - e->state) < 0;
}

void index_advance(struct entry *e, const struct object *sa)
{
	if (!index_is_ahead(e, sa))
		e->state = sa->state;
}

uint32_t index_entries(const struct index *ix, enum index_owner owner)
{
	const struct index_sums *sums = owner == INDEX_OWN ? ix->own : ix->peer;
	uint32_t entries = 0;

	for (unsigned kind = 0; kind < INDEX_KINDS; kind++)
		entries += sums[kind].entries;
	return entries;
}

bool index_walk(struct index *ix, uint32_t *at, unsigned max,
	void (*visit)(void *user, struct entry *e), void *user)
{
	/* What is adopted during a walk may be behind it: only a walk without one counts. */
	if (*at == 1)
		ix->eras = 0;
	for (unsigned i = 0; i < max && *at <= ix->used; i++, ++*at) {
		struct entry *e = &ix->entry[*at];

		if (index_kind(e) == 0) /* free */
			continue;
		if (!index_is_dead(e))
			set_owner(ix, e, index_owner(ix, e));
		visit(user, e);
	}
	return *at <= ix->used;
}
