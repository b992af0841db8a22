/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: codec.c frame.c replay.c */
#include "core/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/frame.h"
#include "core/replay.h"

static void integers_are_big_endian_both_ways(void **state)
{
	static const uint8_t expected[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
		0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f };
	uint8_t bytes[sizeof(expected)];
	struct writer w = writer_of(bytes, sizeof(bytes));

	(void)state;
	writer_u8(&w, 0x01);
	writer_u16(&w, 0x0203);
	writer_u32(&w, 0x04050607);
	writer_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
	assert_true(writer_ok(&w));
	assert_memory_equal(bytes, expected, sizeof(expected));

	struct reader r = reader_of(span_of(bytes, sizeof(bytes)));

	assert_int_equal(reader_u8(&r), 0x01);
	assert_int_equal(reader_u16(&r), 0x0203);
	assert_int_equal(reader_u32(&r), 0x04050607);
	assert_int_equal(reader_u64(&r), UINT64_C(0x08090a0b0c0d0e0f));
	assert_true(reader_ok(&r));
	assert_int_equal(r.left, 0);
}

static void a_reader_that_would_overrun_stays_bad_and_reads_zeros(void **state)
{
	static const uint8_t bytes[] = { 0xff, 0xff, 0xff };
	struct reader r = reader_of(span_of(bytes, sizeof(bytes)));

	(void)state;
	assert_int_equal(reader_u8(&r), 0xff);
	assert_int_equal(reader_u32(&r), 0);
	assert_false(reader_ok(&r));
	assert_int_equal(reader_u8(&r), 0); /* though two bytes are left */
	assert_int_equal(reader_bytes(&r, 1).len, 0);
	assert_int_equal(reader_bytes(&r, 0).len, 0);
	assert_false(reader_ok(&r));
}

static void an_empty_reader_is_good_until_it_is_asked(void **state)
{
	struct reader r = reader_of(span_of("", 0));
	struct span value;
	uint8_t type;

	(void)state;
	assert_true(reader_ok(&r));
	assert_int_equal(reader_bytes(&r, 0).len, 0);
	assert_false(reader_tlv(&r, &type, &value)); /* the end, and no fault */
	assert_true(reader_ok(&r));
	reader_u8(&r);
	assert_false(reader_ok(&r));
}

static void a_writer_that_would_overrun_stays_bad_and_writes_nothing(void **state)
{
	uint8_t bytes[4] = { 0, 0, 0, 0xaa };
	struct writer w = writer_of(bytes, 3);

	(void)state;
	writer_u16(&w, 0x0102);
	writer_u16(&w, 0x0304);
	assert_false(writer_ok(&w));
	writer_u8(&w, 0x05); /* though there is room */
	assert_int_equal(w.used, 2);
	assert_int_equal(bytes[2], 0);
	assert_int_equal(bytes[3], 0xaa);
	writer_tlv_end(&w, 3); /* harmless */
	assert_int_equal(bytes[1], 0x02);
}

static void tlvs_survive_the_way(void **state)
{
	uint8_t bytes[16];
	struct writer w = writer_of(bytes, sizeof(bytes));
	size_t mark = writer_tlv(&w, 9);
	struct span value;
	uint8_t type;

	(void)state;
	writer_u32(&w, 0xdeadbeef);
	writer_tlv_end(&w, mark);
	writer_tlv_end(&w, writer_tlv(&w, 10)); /* an empty one */
	assert_int_equal(w.used, 3 + 4 + 3);

	struct reader r = reader_of(span_of(bytes, w.used));

	assert_true(reader_tlv(&r, &type, &value));
	assert_int_equal(type, 9);
	assert_int_equal(value.len, 4);
	assert_int_equal(value.data[0], 0xde);
	assert_true(reader_tlv(&r, &type, &value));
	assert_int_equal(type, 10);
	assert_int_equal(value.len, 0);
	assert_false(reader_tlv(&r, &type, &value));
	assert_true(reader_ok(&r));
}

static void a_tlv_cut_anywhere_is_bad(void **state)
{
	static const uint8_t bytes[] = { 1, 0, 2, 0xaa, 0xbb };

	(void)state;
	for (size_t len = 1; len < sizeof(bytes); len++) {
		struct reader r = reader_of(span_of(bytes, len));
		struct span value = span_of(bytes, 1);
		uint8_t type = 77;

		assert_false(reader_tlv(&r, &type, &value));
		assert_false(reader_ok(&r));
		assert_int_equal(type, 77); /* untouched */
		assert_int_equal(value.len, 1);
		assert_false(reader_tlv(&r, &type, &value)); /* and stays bad */
	}
}

static void a_tlv_longer_than_its_length_field_is_bad(void **state)
{
	static uint8_t bytes[3 + UINT16_MAX + 2];
	struct writer w = writer_of(bytes, sizeof(bytes));
	size_t mark = writer_tlv(&w, 1);

	(void)state;
	writer_bytes(&w, bytes + 3, UINT16_MAX);
	writer_tlv_end(&w, mark);
	assert_true(writer_ok(&w));
	assert_int_equal(bytes[1] << 8 | bytes[2], UINT16_MAX);
	writer_u8(&w, 0);
	writer_tlv_end(&w, mark);
	assert_false(writer_ok(&w));
}

static const struct frame_place place = { .cluster = 3, .path = 0x1234, .self = 0 };

static struct frame_header header(void)
{
	return (struct frame_header){
		.type = WIRE_FRAME_SESSION,
		.cluster = 3,
		.path = 0x1234,
		.sender = 1,
		.key_hint = 0x77,
		.session = 0xcafebabe,
		.length = 8,
		.sequence = UINT64_C(0x1122334455667788),
	};
}

static void a_header_has_its_bytes_where_the_protocol_puts_them(void **state)
{
	static const uint8_t expected[WIRE_HEADER_LEN] = { 0x4e, 1, 2, 3, 0x12, 0x34, 1, 0x77, 0xca,
		0xfe, 0xba, 0xbe, 0, 8, 0, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88 };
	struct frame_header h = header();
	uint8_t bytes[WIRE_HEADER_LEN];

	(void)state;
	frame_put_header(&h, bytes);
	assert_memory_equal(bytes, expected, sizeof(expected));
}

static enum frame_verdict judge(const uint8_t *frame, size_t len)
{
	struct frame_header parsed;

	return frame_parse(span_of(frame, len), &place, &parsed);
}

static void a_header_survives_the_way(void **state)
{
	uint8_t frame[WIRE_HEADER_LEN + 8 + 20] = { 0 };
	struct frame_header h = header(), parsed;

	(void)state;
	frame_put_header(&h, frame);
	frame[14] = 0xff; /* reserved bytes are ignored, and so is padding */
	assert_int_equal(frame_parse(span_of(frame, sizeof(frame)), &place, &parsed), FRAME_OK);
	assert_int_equal(parsed.type, h.type);
	assert_int_equal(parsed.cluster, h.cluster);
	assert_int_equal(parsed.path, h.path);
	assert_int_equal(parsed.sender, h.sender);
	assert_int_equal(parsed.key_hint, h.key_hint);
	assert_int_equal(parsed.session, h.session);
	assert_int_equal(parsed.length, h.length);
	assert_int_equal(parsed.sequence, h.sequence);
	assert_int_equal(judge(frame, WIRE_HEADER_LEN + 8), FRAME_OK);
}

/* Every fault, from the last that is looked at to the first: each hides the ones before. */
static void the_first_fault_names_the_counter(void **state)
{
	static const struct {
		unsigned at;
		uint8_t value;
		enum frame_verdict verdict;
		enum counter counter;
	} faults[] = {
		{ 13, 9, FRAME_LENGTH, COUNTER_DROP_LENGTH },
		{ 2, WIRE_FRAME_PARTING + 1, FRAME_TYPE, COUNTER_DROP_TYPE },
		{ 6, 0, FRAME_REFLECTED, COUNTER_DROP_REFLECTED },
		{ 5, 0x35, FRAME_PATH, COUNTER_DROP_PATH },
		{ 3, 4, FRAME_CLUSTER, COUNTER_DROP_CLUSTER },
		{ 1, 2, FRAME_VERSION, COUNTER_DROP_VERSION },
		{ 0, 0x4f, FRAME_MAGIC, COUNTER_DROP_MAGIC },
	};
	uint8_t frame[WIRE_HEADER_LEN + 8] = { 0 };
	struct frame_header h = header();

	(void)state;
	frame_put_header(&h, frame);
	for (unsigned i = 0; i < ARRAY_LEN(faults); i++) {
		frame[faults[i].at] = faults[i].value;
		assert_int_equal(judge(frame, sizeof(frame)), faults[i].verdict);
		assert_int_equal(frame_counter(faults[i].verdict), faults[i].counter);
	}
	for (size_t len = 0; len < WIRE_HEADER_LEN; len++)
		assert_int_equal(judge(frame, len), FRAME_SHORT);
	assert_int_equal(frame_counter(FRAME_SHORT), COUNTER_DROP_SHORT);
}

static void a_sender_that_is_no_node_is_refused(void **state)
{
	uint8_t frame[WIRE_HEADER_LEN + 8] = { 0 };
	struct frame_header h = header();

	(void)state;
	h.sender = 2;
	frame_put_header(&h, frame);
	assert_int_equal(judge(frame, sizeof(frame)), FRAME_REFLECTED);
}

static void four_types_are_known(void **state)
{
	uint8_t frame[WIRE_HEADER_LEN + 8] = { 0 };
	struct frame_header h = header();

	(void)state;
	frame_put_header(&h, frame);
	for (unsigned type = 0; type < 256; type++) {
		frame[2] = (uint8_t)type;
		assert_int_equal(judge(frame, sizeof(frame)),
			type >= WIRE_FRAME_HELLO && type <= WIRE_FRAME_PARTING ? FRAME_OK
									       : FRAME_TYPE);
	}
}

static void a_frame_larger_than_any_may_be_is_refused(void **state)
{
	static uint8_t frame[WIRE_FRAME_MAX + 100];
	struct frame_header h = header();

	(void)state;
	h.length = WIRE_FRAME_MAX - WIRE_HEADER_LEN;
	frame_put_header(&h, frame);
	assert_int_equal(judge(frame, sizeof(frame)), FRAME_OK);
	h.length++;
	frame_put_header(&h, frame);
	assert_int_equal(judge(frame, sizeof(frame)), FRAME_LENGTH);
}

static bool accept(struct replay *r, uint64_t sequence)
{
	if (!replay_is_new(r, sequence))
		return false;
	replay_accepted(r, sequence);
	return true;
}

static void a_number_counts_once(void **state)
{
	struct replay r = { 0 };

	(void)state;
	assert_false(accept(&r, 0));
	for (uint64_t i = 1; i < 2000; i++) {
		assert_true(accept(&r, i));
		assert_false(accept(&r, i));
	}
}

static void numbers_may_overtake_each_other_within_the_window(void **state)
{
	struct replay r = { 0 };

	(void)state;
	assert_true(accept(&r, 1000));
	assert_true(accept(&r, 745)); /* 255 below the highest */
	assert_false(accept(&r, 744));
	assert_false(accept(&r, 745));
	for (uint64_t i = 746; i < 1000; i++)
		assert_true(accept(&r, i));
	for (uint64_t i = 745; i <= 1000; i++)
		assert_false(accept(&r, i));
	assert_true(accept(&r, 1001));
	assert_false(accept(&r, 745));
}

static void a_jump_forgets_nothing_that_it_should_not(void **state)
{
	static const uint64_t jumps[] = { 1, 2, 63, 64, 65, 127, 128, 254, 255, 256, 257, 319, 320,
		321, 100000, UINT64_C(1) << 40 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(jumps); i++) {
		for (uint64_t start = 500; start < 570; start++) {
			struct replay r = { 0 };

			assert_true(accept(&r, start));
			assert_true(accept(&r, start + jumps[i]));
			assert_false(accept(&r, start));
			assert_false(accept(&r, start + jumps[i]));
			/* Between them all within the window is new, once. */
			for (uint64_t k = 1; k < jumps[i] && k < REPLAY_WINDOW; k++) {
				assert_true(accept(&r, start + jumps[i] - k));
				assert_false(accept(&r, start + jumps[i] - k));
			}
		}
	}
}

/* Against the plain definition: a set of all numbers accepted. */
static void the_window_equals_its_definition(void **state)
{
	static bool seen[20000];
	struct replay r = { 0 };
	uint64_t highest = 0, x = 1;

	(void)state;
	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < 100000; i++) {
		x = x * UINT64_C(6364136223846793005) + 1442695040888963407u;
		uint64_t base = highest > 400 ? highest - 400 : 0;
		uint64_t sequence = base + (x >> 33) % (x >> 60 == 0 ? 1200 : 500);

		if (sequence >= ARRAY_LEN(seen))
			break;
		bool expected = sequence > highest ||
				(sequence != 0 && !seen[sequence] && highest - sequence <= 255);

		assert_int_equal(accept(&r, sequence), expected);
		seen[sequence] |= expected;
		highest = expected && sequence > highest ? sequence : highest;
	}
	assert_true(highest > 15000);
}

static void the_largest_number_is_no_trouble(void **state)
{
	struct replay r = { 0 };

	(void)state;
	assert_true(accept(&r, UINT64_MAX - 1));
	assert_true(accept(&r, UINT64_MAX));
	assert_false(accept(&r, UINT64_MAX));
	assert_false(accept(&r, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_big_endian_both_ways),
		cmocka_unit_test(a_reader_that_would_overrun_stays_bad_and_reads_zeros),
		cmocka_unit_test(an_empty_reader_is_good_until_it_is_asked),
		cmocka_unit_test(a_writer_that_would_overrun_stays_bad_and_writes_nothing),
		cmocka_unit_test(tlvs_survive_the_way),
		cmocka_unit_test(a_tlv_cut_anywhere_is_bad),
		cmocka_unit_test(a_tlv_longer_than_its_length_field_is_bad),
		cmocka_unit_test(a_header_has_its_bytes_where_the_protocol_puts_them),
		cmocka_unit_test(a_header_survives_the_way),
		cmocka_unit_test(the_first_fault_names_the_counter),
		cmocka_unit_test(a_sender_that_is_no_node_is_refused),
		cmocka_unit_test(four_types_are_known),
		cmocka_unit_test(a_frame_larger_than_any_may_be_is_refused),
		cmocka_unit_test(a_number_counts_once),
		cmocka_unit_test(numbers_may_overtake_each_other_within_the_window),
		cmocka_unit_test(a_jump_forgets_nothing_that_it_should_not),
		cmocka_unit_test(the_window_equals_its_definition),
		cmocka_unit_test(the_largest_number_is_no_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
