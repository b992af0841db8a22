/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: siphash.c record.c */
#include "core/index.h"
#include "core/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OBJECTS = 5000, KIND = OBJECT_CONNTRACK };

struct fixture {
	struct index index;
	void *memory;
};

static int setup(void **state)
{
	static const uint8_t key[SIPHASH_KEY_LEN] = { 1, 2, 3 };
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	f->memory = calloc(1, index_memory(OBJECTS));
	if (f->memory == NULL)
		return -1;
	index_init(&f->index, key, OBJECTS, f->memory);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->memory);
	free(f);
	return 0;
}

static struct object object_of(uint32_t base)
{
	return (struct object){
		.kind = KIND,
		.known = OBJECT_KNOWS_BASE | OBJECT_KNOWS_STATE | OBJECT_KNOWS_RARE,
		.base = base,
		.state = 7,
		.rare = 9,
	};
}

static uint64_t hash_of(const struct index *ix, uint32_t i)
{
	return index_hash(ix, KIND, span_of(&i, sizeof(i)));
}

/* Vectors of the reference implementation's c = 1, d = 3 variant: key 00..0f, text 00, 01, .. */
static void siphash_is_the_published_one(void **state)
{
	uint8_t bytes[16];
	struct siphash_key key;

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		bytes[i] = i;
	key = siphash_key_of(bytes);
	assert_true(siphash(&key, bytes, 0) == UINT64_C(0xabac0158050fc4dc));
	assert_true(siphash(&key, bytes, 1) == UINT64_C(0xc9f49bf37d57ca93));
	assert_true(siphash(&key, bytes, 8) == UINT64_C(0x369095118d299a8e));
}

static void what_is_added_is_found_until_it_is_removed(void **state)
{
	struct index *ix = &((struct fixture *)*state)->index;
	struct object o = object_of(1);

	for (uint32_t i = 0; i < OBJECTS; i++) {
		assert_null(index_find(ix, hash_of(ix, i), KIND));
		assert_non_null(index_add(ix, hash_of(ix, i), &o, INDEX_OWN));
	}
	assert_null(index_add(ix, hash_of(ix, OBJECTS), &o, INDEX_OWN));
	for (uint32_t i = 0; i < OBJECTS; i += 2)
		index_remove(ix, index_find(ix, hash_of(ix, i), KIND));
	for (uint32_t i = 0; i < OBJECTS; i++)
		assert_int_equal(index_find(ix, hash_of(ix, i), KIND) != NULL, i % 2);
	assert_int_equal(ix->own[KIND].entries, OBJECTS / 2);
	assert_non_null(index_add(ix, hash_of(ix, 0), &o, INDEX_OWN));
	assert_int_equal(ix->used, OBJECTS);
}

static bool is_empty(const struct index_sums *sums)
{
	uint64_t any = sums->entries;

	for (unsigned i = 0; i < INDEX_BUCKETS; i++)
		any |= sums->sum[i];
	return any == 0;
}

static void sums_follow_every_change(void **state)
{
	struct index *ix = &((struct fixture *)*state)->index;
	struct index_sums before;
	struct object o = object_of(1), other = object_of(2);
	struct entry *e = index_add(ix, hash_of(ix, 1), &o, INDEX_OWN);

	before = ix->own[KIND];
	index_update(ix, e, &other);
	assert_memory_not_equal(&before, &ix->own[KIND], sizeof(before));
	index_update(ix, e, &o);
	assert_memory_equal(&before, &ix->own[KIND], sizeof(before));
	index_set_owner(ix, e, INDEX_PEER);
	assert_true(is_empty(&ix->own[KIND]));
	assert_memory_equal(&before, &ix->peer[KIND], sizeof(before));
	index_kill(ix, e);
	assert_true(is_empty(&ix->peer[KIND]));
	index_revive(ix, e, &o, INDEX_OWN);
	assert_memory_equal(&before, &ix->own[KIND], sizeof(before));
	index_remove(ix, e);
	assert_true(is_empty(&ix->own[KIND]));
}

static void what_is_not_known_counts_as_unchanged(void **state)
{
	struct index *ix = &((struct fixture *)*state)->index;
	struct object o = object_of(1), part = { .kind = KIND, .state = 8 };
	struct entry *e = index_add(ix, hash_of(ix, 1), &o, INDEX_OWN);

	assert_true(index_same(e, &part));
	part.known = OBJECT_KNOWS_STATE;
	assert_false(index_same(e, &part));
	index_update(ix, e, &part);
	assert_true(index_same(e, &part));
	assert_int_equal(e->base, 1);
}

static void adoption_is_one_assignment_for_all(void **state)
{
	struct index *ix = &((struct fixture *)*state)->index;
	struct object o = object_of(1);
	struct entry *first, *second;

	for (uint32_t i = 0; i < 100; i++)
		index_add(ix, hash_of(ix, i), &o, i % 2 ? INDEX_OWN : INDEX_PEER);
	index_adopt(ix, INDEX_OWN);
	assert_int_equal(ix->own[KIND].entries, 100);
	assert_true(is_empty(&ix->peer[KIND]));
	first = index_find(ix, hash_of(ix, 0), KIND);
	assert_int_equal(index_owner(ix, first), INDEX_OWN);
	index_set_owner(ix, first, INDEX_PEER);
	second = index_add(ix, hash_of(ix, 200), &o, INDEX_PEER);
	assert_int_equal(index_owner(ix, first), INDEX_PEER);
	assert_int_equal(index_owner(ix, second), INDEX_PEER);
	assert_int_equal(ix->peer[KIND].entries, 2);
}

static void count_era(void *user, struct entry *e)
{
	(void)e;
	++*(unsigned *)user;
}

/* More often than the number of eras: nobody's owner is mistaken. */
static void adoptions_without_end_confuse_nobody(void **state)
{
	struct index *ix = &((struct fixture *)*state)->index;
	struct object o = object_of(1);
	uint32_t at = 1;
	unsigned visited = 0;

	index_add(ix, hash_of(ix, 1), &o, INDEX_OWN);
	for (unsigned i = 0; i < 1000; i++) {
		index_adopt(ix, i % 2 ? INDEX_OWN : INDEX_PEER);
		assert_int_equal(index_owner(ix, index_find(ix, hash_of(ix, 1), KIND)),
			i % 2 ? INDEX_OWN : INDEX_PEER);
	}
	while (index_walk(ix, &at, 1, count_era, &visited))
		;
	assert_int_equal(visited, 1);
}

static void remove_visited(void *user, struct entry *e)
{
	index_remove(user, e);
}

static void a_walk_may_remove_what_it_visits(void **state)
{
	struct index *ix = &((struct fixture *)*state)->index;
	struct object o = object_of(1);
	uint32_t at = 1;
	unsigned steps = 1;

	for (uint32_t i = 0; i < 1000; i++)
		index_add(ix, hash_of(ix, i), &o, INDEX_OWN);
	while (index_walk(ix, &at, 64, remove_visited, ix))
		steps++;
	assert_int_equal(steps, 16);
	assert_true(is_empty(&ix->own[KIND]));
	for (uint32_t i = 0; i < OBJECTS; i++)
		assert_non_null(index_add(ix, hash_of(ix, i), &o, INDEX_OWN));
}

/* ---- records --------------------------------------------------------------------------------- */

static void a_record_is_read_as_it_was_written(void **state)
{
	uint8_t value[OBJECT_VALUE_MAX], bytes[RECORD_MAX];

	(void)state;
	memset(value, 0x5a, sizeof(value));
	for (uint8_t op = 1; op < 16; op++) {
		for (size_t len = 0; len <= sizeof(value); len += 85) {
			struct record w = { .op = op, .kind = 3, .base = 0x12345678 }, r;
			bool about_object = op <= WIRE_RECORD_OFFER;

			w.key = span_of("key", about_object ? 3 : 0);
			w.value = span_of(value, op == WIRE_RECORD_REMOVE ? 0 : len);
			record_put(&w, bytes);
			struct reader reader = reader_of(span_of(bytes, record_len(&w)));

			assert_true(record_next(&reader, &r));
			assert_int_equal(r.op, op);
			assert_int_equal(r.key.len, w.key.len);
			assert_int_equal(r.value.len, w.value.len);
			assert_memory_equal(r.value.data, value, r.value.len);
			if (op == WIRE_RECORD_CHANGE)
				assert_int_equal(r.base, w.base);
			assert_false(record_next(&reader, &r));
			assert_true(reader_ok(&reader));
			/* Any byte less is too few. */
			reader = reader_of(span_of(bytes, record_len(&w) - 1));
			assert_false(record_next(&reader, &r));
			assert_false(reader_ok(&reader));
		}
	}
}

static void impossible_records_are_malformed(void **state)
{
	static const uint8_t bad[][8] = {
		{ 0x01, 1, 1, 'k', 'v' },          /* no such op */
		{ 0x10, 1, 1, 'k', 'v' },          /* no kind */
		{ 0x11, 0, 1, 'v' },               /* no key */
		{ 0x11, 200, 1, 'k' },             /* a key that is too long */
		{ 0x11, 1, 255, 0xff, 0xff, 'k' }, /* a value that is too long */
	};
	struct record r;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct reader reader = reader_of(span_of(bad[i], sizeof(bad[i])));

		assert_false(record_next(&reader, &r));
		assert_false(reader_ok(&reader));
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_is_the_published_one),
		TEST(what_is_added_is_found_until_it_is_removed),
		TEST(sums_follow_every_change),
		TEST(what_is_not_known_counts_as_unchanged),
		TEST(adoption_is_one_assignment_for_all),
		TEST(adoptions_without_end_confuse_nobody),
		TEST(a_walk_may_remove_what_it_visits),
		cmocka_unit_test(a_record_is_read_as_it_was_written),
		cmocka_unit_test(impossible_records_are_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
