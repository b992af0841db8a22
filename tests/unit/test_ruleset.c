/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: ruleset_*.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "nsrp/ruleset.h"
#include "object/ruleset_document.h"
#include "object/ruleset_name.h"
#include "object/ruleset_room.h"

/* ---- two nodes that know the same interface by two names ---------------------------------- */

static bool name_of(uint32_t index, char ret_name[CONF_DEVICE_MAX])
{
	strncpy(ret_name, index == 7 ? "eth1" : "enp3s0", CONF_DEVICE_MAX);
	return index == 7 || index == 9;
}

static uint32_t index_of(const char *name)
{
	return strcmp(name, "eth1") == 0 ? 7 : strcmp(name, "enp3s0") == 0 ? 9 : 0;
}

static struct conf here = { .n_interfaces = 1, .interface = { { "wan", "eth1", "enp3s0" } } };
static struct conf there = { .n_interfaces = 1, .interface = { { "wan", "enp3s0", "eth1" } } };
static struct conf nowhere;

static const struct ruleset_host host_here = { &here, name_of, index_of };
static const struct ruleset_host host_there = { &there, name_of, index_of };
static const struct ruleset_host host_nowhere = { &nowhere, name_of, index_of };

/* `bytes` of this node as those of the other; what that says. */
static int carry(struct ruleset_parts parts, const void *bytes, size_t len, enum ruleset_end end,
	struct ruleset_room *ret)
{
	struct ruleset_room document = { .data = NULL };
	struct ruleset_unknown unknown;
	int error;

	ruleset_name_to_document(&host_here, &parts, span_of(bytes, len), end, &document);
	error = ruleset_name_to_kernel(
		&host_there, &parts, span_of(document.data, document.len), ret, &unknown);
	ruleset_room_free(&document);
	return error;
}

static void assert_carried(struct ruleset_parts parts, const void *bytes, size_t len,
	enum ruleset_end end, const void *expected, size_t expected_len)
{
	struct ruleset_room room = { .data = NULL };

	assert_int_equal(carry(parts, bytes, len, end, &room), 0);
	assert_int_equal(room.len, expected_len);
	assert_memory_equal(room.data, expected, expected_len);
	ruleset_room_free(&room);
}

static const struct ruleset_parts one_name = { 1, { { RULESET_PART_NAME, 16 } } };

static void a_name_becomes_the_other_nodes(void **state)
{
	(void)state;
	assert_carried(one_name, "eth1\0\0\0\0\0\0\0\0\0\0\0", 16, RULESET_END_NONE,
		"enp3s0\0\0\0\0\0\0\0\0\0", 16);
	assert_carried(one_name, "eth11\0\0\0\0\0\0\0\0\0\0", 16, RULESET_END_NONE,
		"eth11\0\0\0\0\0\0\0\0\0\0", 16);
}

static void the_start_of_names_is_as_long_as_it_is(void **state)
{
	const struct ruleset_parts start = { 1, { { RULESET_PART_NAME, 4 } } };

	(void)state;
	assert_carried(start, "eth1", 4, RULESET_END_NONE, "enp3s0", 6);
	assert_carried((struct ruleset_parts){ 1, { { RULESET_PART_NAME, 3 } } }, "eth", 3,
		RULESET_END_NONE, "eth", 3);
}

static void ends_of_intervals_end_the_other_name(void **state)
{
	(void)state;
	assert_carried(one_name, "eth1\0\0\0\0\0\0\0\0\0\0\0\1", 16, RULESET_END_OPEN,
		"enp3s0\0\0\0\0\0\0\0\0\0\1", 16);
	assert_carried(one_name, "eth2\0\0\0\0\0\0\0\0\0\0\0", 16, RULESET_END_OPEN,
		"enp3s1\0\0\0\0\0\0\0\0\0", 16);
	assert_carried(one_name, "eth1\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16,
		RULESET_END_CLOSED, "enp3s0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16);
}

static void an_index_goes_through_the_name(void **state)
{
	const struct ruleset_parts index = { 1, { { RULESET_PART_INDEX, 4 } } };
	uint32_t seven = 7, nine = 9, eight = 8, gone = 0x7fffffff;

	(void)state;
	assert_carried(index, &seven, 4, RULESET_END_NONE, &nine, 4);
	assert_carried(index, &eight, 4, RULESET_END_NONE, &gone, 4);
}

static void a_logical_name_that_is_not_known_is_told(void **state)
{
	struct ruleset_room document = { .data = NULL }, room = { .data = NULL };
	struct ruleset_unknown unknown = { .hash = 0 };
	const struct span name = span_of("eth1\0\0\0\0\0\0\0\0\0\0\0", 16);

	(void)state;
	ruleset_name_to_document(&host_here, &one_name, name, RULESET_END_NONE, &document);
	assert_int_equal(ruleset_name_to_kernel(&host_nowhere, &one_name,
				 span_of(document.data, document.len), &room, &unknown),
		-ENODEV);
	assert_int_equal(unknown.hash, ruleset_name_hash("wan"));
	assert_int_equal(ruleset_name_to_kernel(&host_there, &one_name,
				 span_of(document.data, document.len - 1), &room, &unknown),
		-EBADMSG);
	ruleset_room_free(&document);
	ruleset_room_free(&room);
}

static void parts_of_a_concatenation_are_found(void **state)
{
	struct ruleset_layout layout = { .type = 41 << 12 | 7 << 6 | 13, .len = 24 };
	struct ruleset_parts parts;

	(void)state;
	ruleset_parts_of(&layout, &parts);
	assert_int_equal(parts.n, 3);
	assert_int_equal(parts.part[0].kind, RULESET_PART_NAME);
	assert_int_equal(parts.part[1].len, 4);
	layout.len = 28; /* not what the types need */
	ruleset_parts_of(&layout, &parts);
	assert_int_equal(parts.n, 0);
}

/* ---- a kernel that is made of messages ----------------------------------------------------- */

static void put_message(struct ruleset *rs, struct ruleset_room *room, size_t message)
{
	ruleset_room_message_end(room, message);
	assert_int_equal(ruleset_take(rs, (const void *)(room->data + message), 1000), 0);
	ruleset_room_free(room);
}

static void add_table(struct ruleset *rs, const char *name, uint64_t handle)
{
	struct ruleset_room room = { .data = NULL };
	size_t message = ruleset_room_message(&room, NFT_MSG_NEWTABLE, 0, NFPROTO_INET, 0);

	ruleset_room_text(&room, NFTA_TABLE_NAME, name);
	ruleset_room_u64(&room, NFTA_TABLE_HANDLE, handle);
	put_message(rs, &room, message);
}

/* `unknown` stands for what a newer kernel may tell. */
static void add_set(struct ruleset *rs, const char *table, const char *name, uint32_t unknown)
{
	struct ruleset_room room = { .data = NULL };
	size_t message = ruleset_room_message(&room, NFT_MSG_NEWSET, 0, NFPROTO_INET, 0);

	ruleset_room_text(&room, NFTA_SET_TABLE, table);
	ruleset_room_text(&room, NFTA_SET_NAME, name);
	ruleset_room_u32(&room, NFTA_SET_KEY_TYPE, 7);
	ruleset_room_u32(&room, NFTA_SET_KEY_LEN, 4);
	if (unknown != 0)
		ruleset_room_u32(&room, 200, unknown);
	put_message(rs, &room, message);
}

static size_t begin_elements(struct ruleset_room *room, uint8_t type, const char *set)
{
	size_t message = ruleset_room_message(room, type, 0, NFPROTO_INET, 0);

	ruleset_room_text(room, NFTA_SET_ELEM_LIST_TABLE, "t");
	ruleset_room_text(room, NFTA_SET_ELEM_LIST_SET, set);
	return message;
}

static void put_elements(struct ruleset_room *room, uint32_t first, uint32_t step, unsigned n)
{
	size_t list = ruleset_room_open(room, NFTA_SET_ELEM_LIST_ELEMENTS), element, key;

	for (unsigned i = 0; i < n; i++) {
		element = ruleset_room_open(room, NFTA_LIST_ELEM);
		key = ruleset_room_open(room, NFTA_SET_ELEM_KEY);
		ruleset_room_u32(room, NFTA_DATA_VALUE, first + i * step);
		ruleset_room_close(room, key);
		ruleset_room_close(room, element);
	}
	ruleset_room_close(room, list);
}

/* A table `t` with a set `s` of n numbers from `first` on. */
static struct ruleset *sample(uint32_t first, uint32_t step, unsigned n, uint32_t unknown)
{
	struct ruleset *rs = ruleset_new(&host_here);
	struct ruleset_room room = { .data = NULL };
	struct ruleset_cursor at = { 0, 0 };
	struct ruleset_place place;
	size_t message;

	assert_non_null(rs);
	add_table(rs, "t", first + 5);
	add_set(rs, "t", "s", unknown);
	while (ruleset_next_unread(rs, &at, &place))
		assert_string_equal(place.set, "s");
	message = begin_elements(&room, NFT_MSG_NEWSETELEM, "s");
	put_elements(&room, first, step, n);
	put_message(rs, &room, message);
	assert_int_equal(ruleset_finish(rs), 0);
	return rs;
}

static bool same_digest(const struct ruleset *a, const struct ruleset *b)
{
	uint8_t x[RULESET_DIGEST_LEN], y[RULESET_DIGEST_LEN];

	ruleset_digest(a, x);
	ruleset_digest(b, y);
	return memcmp(x, y, sizeof(x)) == 0;
}

static void the_digest_knows_no_order(void **state)
{
	struct ruleset *up = sample(10, 1, 5, 0), *down = sample(14, UINT32_MAX, 5, 0);
	struct ruleset *other = sample(10, 1, 6, 0);

	(void)state;
	assert_true(same_digest(up, down));
	assert_false(same_digest(up, other));
	ruleset_free(up);
	ruleset_free(down);
	ruleset_free(other);
}

static void an_event_does_what_reading_anew_would(void **state)
{
	struct ruleset *rs = sample(10, 1, 5, 0), *five = sample(10, 1, 5, 0),
		       *four = sample(11, 1, 4, 0);
	struct ruleset_room room = { .data = NULL };
	size_t message = begin_elements(&room, NFT_MSG_DELSETELEM, "s");

	(void)state;
	put_elements(&room, 10, 1, 1);
	ruleset_room_message_end(&room, message);
	assert_int_equal(ruleset_heard(rs, (const void *)room.data, 1000), RULESET_NEWS_ELEMENTS);
	assert_true(same_digest(rs, four));
	room.data[offsetof(struct nlmsghdr, nlmsg_type)] = NFT_MSG_NEWSETELEM;
	assert_int_equal(ruleset_heard(rs, (const void *)room.data, 1000), RULESET_NEWS_ELEMENTS);
	assert_true(same_digest(rs, five));
	ruleset_room_free(&room);
	ruleset_free(rs);
	ruleset_free(five);
	ruleset_free(four);
}

static struct ruleset *decoded(const struct ruleset *rs, uint8_t **bytes, size_t *len)
{
	struct ruleset *again;

	assert_int_equal(ruleset_encode(rs, 1000, bytes, len), 0);
	assert_int_equal(ruleset_decode(&host_there, span_of(*bytes, *len), 1000, &again), 0);
	return again;
}

static void what_no_header_knows_is_carried(void **state)
{
	struct ruleset *rs = sample(1, 1, 3, 77), *plain = sample(1, 1, 3, 0), *again;
	uint8_t *bytes;
	size_t len;

	(void)state;
	assert_false(same_digest(rs, plain));
	again = decoded(rs, &bytes, &len);
	assert_true(same_digest(rs, again));
	free(bytes);
	ruleset_free(again);
	ruleset_free(plain);
	ruleset_free(rs);
}

static void a_document_cut_short_is_refused(void **state)
{
	struct ruleset *rs = sample(1, 1, 3, 0), *again = NULL;
	unsigned taken = 0;
	uint8_t *bytes;
	size_t len;

	(void)state;
	ruleset_free(decoded(rs, &bytes, &len));
	for (size_t n = 0; n < len; n++) {
		uint8_t *cut = malloc(n + 1);

		assert_non_null(cut);
		memcpy(cut, bytes, n);
		if (ruleset_decode(&host_there, span_of(cut, n), 1000, &again) == 0) {
			/* Between two records it is a document of less. */
			assert_false(same_digest(rs, again));
			ruleset_free(again);
			taken++;
		}
		free(cut);
	}
	assert_true(taken <= 7);
	free(bytes);
	ruleset_free(rs);
}

static void a_local_table_is_in_no_document(void **state)
{
	struct ruleset *rs = sample(1, 1, 3, 0), *again;
	uint8_t *bytes;
	size_t len;

	(void)state;
	ruleset_free(decoded(rs, &bytes, &len));
	there.mirror.n_local = 1;
	memcpy(there.mirror.local[0], "inet t", sizeof("inet t"));
	assert_int_equal(ruleset_decode(&host_there, span_of(bytes, len), 1000, &again), -EBADMSG);
	there.mirror.n_local = 0;
	free(bytes);
	ruleset_free(rs);
}

static void what_is_there_needs_no_message(void **state)
{
	struct ruleset *rs = sample(1, 1, 3, 0), *four = sample(1, 1, 4, 0), *nothing, *again;
	char why[RULESET_WHY_LEN];
	struct ruleset_batch *batch;
	uint8_t *bytes;
	size_t len;

	(void)state;
	again = decoded(rs, &bytes, &len);
	nothing = ruleset_new(&host_there);
	assert_int_equal(ruleset_plan(rs, again, 1000, &batch, why), 0);
	assert_int_equal(ruleset_batch_count(batch), 0);
	ruleset_batch_free(batch);
	assert_int_equal(ruleset_plan(four, again, 1000, &batch, why), 0);
	assert_int_equal(ruleset_batch_count(batch), 1);
	ruleset_batch_free(batch);
	/* Table, set, elements. */
	assert_int_equal(ruleset_plan(nothing, again, 1000, &batch, why), 0);
	assert_int_equal(ruleset_batch_count(batch), 3);
	ruleset_batch_free(batch);
	free(bytes);
	ruleset_free(nothing);
	ruleset_free(again);
	ruleset_free(four);
	ruleset_free(rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_becomes_the_other_nodes),
		cmocka_unit_test(the_start_of_names_is_as_long_as_it_is),
		cmocka_unit_test(ends_of_intervals_end_the_other_name),
		cmocka_unit_test(an_index_goes_through_the_name),
		cmocka_unit_test(a_logical_name_that_is_not_known_is_told),
		cmocka_unit_test(parts_of_a_concatenation_are_found),
		cmocka_unit_test(the_digest_knows_no_order),
		cmocka_unit_test(an_event_does_what_reading_anew_would),
		cmocka_unit_test(what_no_header_knows_is_carried),
		cmocka_unit_test(a_document_cut_short_is_refused),
		cmocka_unit_test(a_local_table_is_in_no_document),
		cmocka_unit_test(what_is_there_needs_no_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
