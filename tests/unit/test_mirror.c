/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: mirror.c mirror_sync.c mirror_deliver.c mirror_local.c mirror_remote.c */
/* covers: mirror_pass.c mirror_found.c mirror_role.c mirror_wire.c */
/*
 * A mirror against frames and records that its peer would not send, or not then. What a pair does
 * together is told in tests/transcript.
 */
#include "core/mirror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../sim/pair_kernel.h"
#include "core/codec.h"
#include "core/state.h"

static struct pair *p;
static uint32_t next; /* number of the next frame of fw1's that a test makes up */

static int set_up(void **state)
{
	(void)state;
	p = pair_new();
	pair_mirror(p, 64, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pair_free(p);
	return 0;
}

/* fw1 is master and has ten sessions, which fw2 holds. Then its own frames go nowhere. */
static void start(void)
{
	pair_start_both(p);
	pair_make_many(p, 0, 0, 10);
	pair_run(p, 2000);
	assert_int_equal(pair_sessions(p, 1), 10);
	next = pair_mirror_of(p, 1)->in.next;
	pair_forget(p);
}

static struct mirror *standby(void)
{
	return pair_mirror_of(p, 1);
}

static uint64_t counted(enum counter counter)
{
	return pair_counter(p, 1, counter);
}

static const struct pair_session *session(unsigned key)
{
	return pair_session(p, 1, key);
}

/* fw2 hears a TLV of fw1's session. */
static void hear(uint8_t type, const void *value, size_t len)
{
	uint8_t frame[WIRE_FRAME_MAX];
	struct writer w = writer_of(
		frame + WIRE_HEADER_LEN, sizeof(frame) - WIRE_HEADER_LEN - CRYPTO_TAG_LEN);
	size_t mark = writer_tlv(&w, type);

	writer_bytes(&w, value, len);
	writer_tlv_end(&w, mark);
	assert_true(writer_ok(&w));
	len = handshake_seal(&p->side[0].node->handshake, SESSION_CURRENT, 0,
		p->side[0].conf->path[0].tag, frame, w.used);
	pair_frame(p, 1, 0, frame, len);
}

static void hear_numbered(
	uint32_t epoch, uint32_t number, uint32_t heard, const void *records, size_t len)
{
	uint8_t value[WIRE_FRAME_MAX];
	struct writer w = writer_of(value, sizeof(value));

	writer_u32(&w, epoch);
	writer_u32(&w, number);
	writer_u32(&w, standby()->out.epoch);
	writer_u32(&w, heard);
	writer_bytes(&w, records, len);
	hear(WIRE_TLV_DATA, value, w.used);
}

/* Records, by a master that had heard everything. */
static void hear_records(const void *records, size_t len)
{
	hear_numbered(standby()->in.epoch, next++, standby()->out.next, records, len);
}

static void hear_record(uint8_t op, struct span value)
{
	uint8_t bytes[512];
	struct record r = { .op = op, .value = value };

	record_put(&r, bytes);
	hear_records(bytes, record_len(&r));
}

static void hear_object(uint8_t op, unsigned key, uint8_t state, uint32_t heard)
{
	uint8_t bytes[64], key_bytes[2] = { (uint8_t)(key >> 8), (uint8_t)key };
	uint8_t value[4] = { 0, state };
	struct record r = { .op = op, .kind = OBJECT_CONNTRACK };

	r.key = span_of(key_bytes, 2);
	if (op != WIRE_RECORD_REMOVE)
		r.value = span_of(value, op == WIRE_RECORD_CHANGE ? 2 : 4);
	record_put(&r, bytes);
	hear_numbered(standby()->in.epoch, next++, heard, bytes, record_len(&r));
}

static void hear_hashed(uint8_t op, unsigned key)
{
	uint8_t value[7] = { OBJECT_CONNTRACK };
	uint64_t hash = index_hash_of(pair_entry(p, 1, key));

	for (unsigned i = 0; i < 6; i++)
		value[1 + i] = (uint8_t)(hash >> 8 * (5 - i));
	hear_record(op, span_of(value, sizeof(value)));
}

static void hear_begin(uint32_t generation, uint8_t flags, uint8_t buckets)
{
	uint8_t value[5 + RECORD_BITMAP_LEN];
	struct writer w = writer_of(value, sizeof(value));

	memset(value, buckets, sizeof(value));
	writer_u32(&w, generation);
	writer_u8(&w, flags);
	hear_record(WIRE_RECORD_BEGIN, span_of(value, sizeof(value)));
}

static void hear_end(uint32_t generation)
{
	uint8_t value[8] = { 0 };
	struct writer w = writer_of(value, sizeof(value));

	writer_u32(&w, generation);
	hear_record(WIRE_RECORD_END, span_of(value, sizeof(value)));
}

/* ---- frames -------------------------------------------------------------------------------- */

static void tlvs_that_are_too_short_are_malformed(void **state)
{
	static const struct {
		uint8_t type, len;
	} cases[] = { { WIRE_TLV_DATA, 15 }, { WIRE_TLV_DATA, 0 }, { WIRE_TLV_ACK, 7 },
		{ WIRE_TLV_ACK, 9 }, { WIRE_TLV_ACK, 10 }, { WIRE_TLV_CHANNEL, 14 },
		{ WIRE_TLV_CHANNEL, 0 } };
	static const uint8_t value[32];

	(void)state;
	start();
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		hear(cases[i].type, value, cases[i].len);
		assert_int_equal(counted(COUNTER_DROP_MALFORMED), i + 1);
	}
	assert_int_equal(pair_sessions(p, 1), 10);
}

static void acknowledgements_of_what_was_not_sent_change_nothing(void **state)
{
	struct channel_out *out;

	(void)state;
	start();
	pair_run(p, 100);
	out = &standby()->out;
	uint32_t base = out->base;
	static const struct {
		int32_t epoch, next;
		uint16_t first, end;
	} cases[] = { { 1, 0, 0, 0 }, { -1, 0, 0, 0 }, { 0, 1, 0, 0 }, { 0, 0, 1, 2 },
		{ 0, 0, 5, 5 }, { 0, 0, 0, 65535 } };

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t value[12];
		struct writer w = writer_of(value, sizeof(value));

		writer_u32(&w, out->epoch + (uint32_t)cases[i].epoch);
		writer_u32(&w, out->fresh + (uint32_t)cases[i].next);
		writer_u16(&w, cases[i].first);
		writer_u16(&w, cases[i].end);
		hear(WIRE_TLV_ACK, value, cases[i].end != 0 ? 12 : 8);
		assert_int_equal(out->base, base);
	}
	assert_int_equal(counted(COUNTER_DROP_MALFORMED), 0);
}

static void frames_of_another_place_are_counted(void **state)
{
	static const uint8_t record[] = { WIRE_RECORD_ADOPT << 4, 0, 0 };
	uint32_t epoch;

	(void)state;
	start();
	epoch = standby()->in.epoch;
	hear_numbered(epoch, next - 1, 0, record, sizeof(record)); /* known */
	hear_numbered(epoch - 1, next, 0, record, sizeof(record)); /* an old epoch */
	assert_int_equal(counted(COUNTER_CHANNEL_AGAIN), 2);
	hear_numbered(epoch, next + CHANNEL_WINDOW, 0, record, sizeof(record));
	hear_numbered(epoch, epoch - 1, 0, record, sizeof(record));
	hear_numbered(epoch, next, 0, record, 0); /* no record at all */
	assert_int_equal(counted(COUNTER_CHANNEL_BEYOND), 3);
	assert_int_equal(standby()->in.next, next);
}

static void frames_that_come_early_wait_and_a_new_epoch_asks_for_a_resync(void **state)
{
	static const uint8_t record[] = { WIRE_RECORD_OFFERED << 4, 0, 0 };
	uint32_t epoch;

	(void)state;
	start();
	hear_object(WIRE_RECORD_WHOLE, 20, 1, 0);
	next++;
	hear_object(WIRE_RECORD_WHOLE, 21, 1, 0);
	assert_true(session(20)->there);
	assert_false(session(21)->there);
	next -= 2;
	hear_object(WIRE_RECORD_WHOLE, 22, 1, 0);
	assert_true(session(21)->there && session(22)->there);
	epoch = next + 100;
	assert_true(p->side[1].node->in_sync);
	hear_numbered(epoch, epoch + 1, 0, record, sizeof(record));
	assert_false(standby()->complete);
	pair_timer(p, 1);
	assert_false(p->side[1].node->in_sync);
	hear_numbered(epoch, epoch, 0, record, sizeof(record));
	assert_int_equal(standby()->in.next, epoch + 2);
	assert_true(standby()->offers_heard);
}

/* ---- records ------------------------------------------------------------------------------- */

static void malformed_records_are_counted_and_what_stands_before_them_counts(void **state)
{
	static const uint8_t bad[][12] = {
		{ WIRE_RECORD_WHOLE << 4 | 1, 0, 0 },         /* no key */
		{ WIRE_RECORD_WHOLE << 4, 2, 0, 0, 1 },       /* no kind */
		{ WIRE_RECORD_WHOLE << 4 | 1, 97, 0 },        /* a key too long */
		{ WIRE_RECORD_WHOLE << 4 | 1, 2, 255, 9, 9 }, /* a value too long */
		{ WIRE_RECORD_WHOLE << 4 | 1, 2, 200, 0, 1 }, /* cut short */
		{ WIRE_RECORD_SUMS << 4, 9, 9 },              /* cut short */
		{ 1, 2, 0, 0, 1 },                            /* operation 0 */
	};

	(void)state;
	start();
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		uint8_t bytes[64];
		uint8_t key[2] = { 0, (uint8_t)(30 + i) }, value[4] = { 0, 1 };
		struct record r = { .op = WIRE_RECORD_WHOLE, .kind = OBJECT_CONNTRACK };

		r.key = span_of(key, 2);
		r.value = span_of(value, 4);
		record_put(&r, bytes);
		memcpy(bytes + record_len(&r), bad[i], sizeof(bad[i]));
		hear_records(bytes, record_len(&r) + sizeof(bad[i]));
		assert_int_equal(counted(COUNTER_RECORDS_MALFORMED), i + 1);
		assert_true(session(30 + i)->there);
	}
}

static void values_that_no_kind_knows_are_counted_and_later_kinds_skipped(void **state)
{
	static const uint8_t odd[] = { WIRE_RECORD_WHOLE << 4 | 1, 3, 4, 0, 1, 2, 0, 0, 0, 0 };
	static const uint8_t later[] = { WIRE_RECORD_WHOLE << 4 | 9, 2, 1, 0, 1, 0 };

	(void)state;
	start();
	hear_records(odd, sizeof(odd));
	assert_int_equal(counted(COUNTER_RECORDS_MALFORMED), 1);
	hear_records(later, sizeof(later)); /* a kind of a later release */
	assert_int_equal(counted(COUNTER_RECORDS_MALFORMED), 1);
	assert_int_equal(pair_sessions(p, 1), 10);
	/* Records about the mirror that are too short. */
	static const uint8_t few[3];
	static const uint8_t ops[] = { WIRE_RECORD_GONE, WIRE_RECORD_CLAIM, WIRE_RECORD_BEGIN,
		WIRE_RECORD_ASK };

	for (unsigned i = 0; i < ARRAY_LEN(ops); i++) {
		hear_record(ops[i], span_of(few, sizeof(few)));
		assert_int_equal(counted(COUNTER_RECORDS_MALFORMED), 2 + i);
	}
	hear_record(WIRE_RECORD_END, span_of(few, sizeof(few)));
	hear_record(WIRE_RECORD_SUMS, span_of(few, 2));
	assert_true(standby()->complete);
}

static void an_end_counts_only_for_the_beginning_before_it(void **state)
{
	(void)state;
	start();
	uint64_t heard = counted(COUNTER_RESYNCS_HEARD);

	hear_end(7);
	hear_begin(8, WIRE_BEGIN_FULL | WIRE_BEGIN_ADOPT, 0xff);
	hear_end(9);
	assert_int_equal(counted(COUNTER_RESYNCS_HEARD), heard);
	hear_end(8);
	assert_true(standby()->complete);
	assert_int_equal(counted(COUNTER_RESYNCS_HEARD), heard + 1);
	pair_run(p, 50);
	assert_int_equal(pair_sessions(p, 1), 0); /* nothing was confirmed */
}

/* Told twice in one resync, as it ran out between: the one that was not told of is missed all the
 * same. */
static void what_is_told_twice_counts_once(void **state)
{
	(void)state;
	start();
	hear_begin(8, WIRE_BEGIN_FULL | WIRE_BEGIN_ADOPT, 0xff);
	for (unsigned key = 0; key < 9; key++)
		hear_object(WIRE_RECORD_BULK, key, 1, standby()->out.next);
	pair_remove_bare(p, 1, 0);
	hear_object(WIRE_RECORD_BULK, 0, 1, standby()->out.next);
	hear_end(8);
	pair_run(p, 50);
	assert_true(session(0)->there);
	assert_false(session(9)->there);
}

static void a_repair_sweeps_its_buckets_only(void **state)
{
	unsigned bucket, gone = 0;

	(void)state;
	start();
	bucket = index_bucket(index_hash_of(pair_entry(p, 1, 3)));
	for (unsigned key = 0; key < 10; key++)
		gone += index_bucket(index_hash_of(pair_entry(p, 1, key))) == bucket;
	uint8_t value[5 + RECORD_BITMAP_LEN] = { 0, 0, 0, 9 };

	value[5 + bucket / 8] = (uint8_t)(1u << bucket % 8);
	hear_record(WIRE_RECORD_BEGIN, span_of(value, sizeof(value)));
	hear_end(9);
	pair_run(p, 50);
	assert_false(session(3)->there);
	assert_int_equal(pair_sessions(p, 1), 10 - gone);
	assert_true(standby()->complete);
}

static void what_is_gone_is_swept_and_own_objects_are_not_gone(void **state)
{
	(void)state;
	start();
	hear_hashed(WIRE_RECORD_GONE, 2);
	pair_run(p, 50);
	assert_false(session(2)->there);
	pair_make(p, 1, 40, 1);
	hear_hashed(WIRE_RECORD_GONE, 40);
	hear_object(WIRE_RECORD_REMOVE, 40, 0, standby()->out.next);
	pair_run(p, 50);
	assert_true(session(40)->there);
	assert_true(pair_owns(p, 1, 40));
}

/* P10.3 */
static void a_word_that_crossed_an_adoption_is_set_aside(void **state)
{
	uint32_t number;

	(void)state;
	start();
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 1000);
	assert_int_equal(pair_state(p, 1, 0), GROUP_MASTER);
	assert_true(pair_owns(p, 1, 4));
	next = standby()->in.next;
	standby()->adopted_at = number = channel_out_number(&standby()->out);
	hear_object(WIRE_RECORD_WHOLE, 4, 9, number);
	hear_object(WIRE_RECORD_CHANGE, 5, 9, number);
	hear_hashed(WIRE_RECORD_CLAIM, 6);
	assert_int_equal(session(4)->state, 1);
	assert_int_equal(session(5)->state, 1);
	assert_true(pair_owns(p, 1, 6));
	hear_object(WIRE_RECORD_WHOLE, 4, 9, number + 1);
	assert_int_equal(session(4)->state, 9);
	assert_false(pair_owns(p, 1, 4));
}

/* P10.4, and the claim that answers. */
static void bulk_of_an_own_object_is_followed_by_node_1_when_its_word_was_heard(void **state)
{
	uint32_t before;

	(void)state;
	start();
	before = channel_out_number(&standby()->out);
	pair_make(p, 1, 40, 1);
	hear_object(WIRE_RECORD_BULK, 40, 5, before);
	assert_true(pair_owns(p, 1, 40));
	assert_int_equal(session(40)->state, 1);
	hear_object(WIRE_RECORD_BULK, 40, 5, before + 1);
	assert_false(pair_owns(p, 1, 40));
	assert_int_equal(session(40)->state, 5);
	/* A claim needs the same. */
	before = channel_out_number(&standby()->out);
	pair_change(p, 1, 40, 6);
	assert_true(pair_owns(p, 1, 40));
	hear_hashed(WIRE_RECORD_CLAIM, 40);
	assert_false(pair_owns(p, 1, 40));
	hear_hashed(WIRE_RECORD_CLAIM, 40); /* it has it */
	assert_false(pair_owns(p, 1, 40));
}

static void a_standby_takes_no_offers_and_answers_no_asking_for_all(void **state)
{
	uint8_t all[RECORD_BITMAP_LEN];

	(void)state;
	start();
	hear_object(WIRE_RECORD_OFFER, 50, 1, 0);
	assert_false(session(50)->there);
	memset(all, 0xff, sizeof(all));
	hear_record(WIRE_RECORD_ASK, span_of(all, sizeof(all)));
	pair_run(p, 2000);
	assert_int_equal(counted(COUNTER_RESYNCS_SENT), 0);
}

static void sums_that_name_no_bucket_or_kind_ask_for_nothing(void **state)
{
	uint8_t value[3 + 8] = { OBJECT_CONNTRACK, 0xff, 0xff };

	(void)state;
	start();
	hear_record(WIRE_RECORD_SUMS, span_of(value, sizeof(value)));
	value[0] = 200;
	value[1] = value[2] = 0;
	hear_record(WIRE_RECORD_SUMS, span_of(value, sizeof(value)));
	assert_false(standby()->ask);
	value[0] = OBJECT_CONNTRACK;
	value[10] = 1;
	hear_record(WIRE_RECORD_SUMS, span_of(value, sizeof(value)));
	assert_int_equal(counted(COUNTER_SUMS_DIFFER), 1);
}

/* ---- the rest ------------------------------------------------------------------------------ */

static void a_removal_that_comes_twice_costs_nothing(void **state)
{
	(void)state;
	start();
	pair_make(p, 1, 40, 1);
	uint64_t sent = counted(COUNTER_RECORDS_SENT);

	pair_remove(p, 1, 40);
	assert_int_equal(counted(COUNTER_RECORDS_SENT), sent + 1);
	pair_remove(p, 1, 40);
	assert_int_equal(counted(COUNTER_RECORDS_SENT), sent + 1);
	/* And an order that the kernel refuses is only counted. */
	struct {
		struct object_order order;
		uint8_t key[8];
	} refused = { .order = { .kind = OBJECT_CONNTRACK, .key_len = 2 }, .key = { 0, 40 } };
	struct event event = { .type = EVENT_REFUSED };

	event.refused.order = &refused.order;
	event.refused.why = REFUSED_MISSING;
	for (uint8_t op = OBJECT_REMOVE; op <= OBJECT_RETIME; op++) {
		refused.order.op = op;
		pair_event(p, 1, &event);
	}
	assert_int_equal(counted(COUNTER_REFUSED_OTHER), 7);
	refused.order.op = OBJECT_CHANGE;
	pair_event(p, 1, &event);
	assert_int_equal(counted(COUNTER_MISSING), 1);
	assert_false(standby()->ask); /* it is not the peer's */
}

static void the_views_numbers_are_those_of_the_index(void **state)
{
	struct node_view view;

	(void)state;
	start();
	pair_make(p, 1, 40, 1);
	node_look(p->side[1].node, pair_clock(p, 1), &view);
	assert_int_equal(view.mirror.local[OBJECT_CONNTRACK], 1);
	assert_int_equal(view.mirror.mirrored[OBJECT_CONNTRACK], 10);
	assert_int_equal(view.mirror.index_used, 11);
	assert_int_equal(view.mirror.index_size, 64);
	assert_true(view.mirror.on && view.mirror.up && view.mirror.complete);
	assert_false(view.mirror.sending || view.mirror.receiving || view.mirror.waited);
	assert_int_equal(view.mirror.lag_us, 0);
}

static void a_node_without_a_mirror_does_nothing_of_it(void **state)
{
	static const enum event_type plain[] = { EVENT_LOST, EVENT_RESYNC, EVENT_AUDIT,
		EVENT_DUMPED };
	static const uint8_t value[32];
	static struct object_batch batch = { .n = 1 };
	struct event event = { .type = EVENT_OBJECTS };
	struct object_order order = { .kind = OBJECT_CONNTRACK, .op = OBJECT_WHOLE };
	struct pair *with = p;

	(void)state;
	p = pair_new();
	pair_start_both(p);
	for (unsigned i = 0; i < ARRAY_LEN(plain); i++)
		pair_plain_event(p, 1, plain[i]);
	event.objects.batch = &batch;
	pair_event(p, 1, &event);
	event = (struct event){ .type = EVENT_REFUSED };
	event.refused.order = &order;
	pair_event(p, 1, &event);
	hear(WIRE_TLV_DATA, value, 32);
	hear(WIRE_TLV_ACK, value, 8);
	hear(WIRE_TLV_CHANNEL, value, 15);
	pair_restart_engine(p, 0);
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
	pair_run(p, 1000);
	assert_int_equal(counted(COUNTER_DROP_MALFORMED), 0);
	assert_int_equal(counted(COUNTER_RECORDS_HEARD), 0);
	pair_free(p);
	p = with;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tlvs_that_are_too_short_are_malformed),
		TEST(acknowledgements_of_what_was_not_sent_change_nothing),
		TEST(frames_of_another_place_are_counted),
		TEST(frames_that_come_early_wait_and_a_new_epoch_asks_for_a_resync),
		TEST(malformed_records_are_counted_and_what_stands_before_them_counts),
		TEST(values_that_no_kind_knows_are_counted_and_later_kinds_skipped),
		TEST(an_end_counts_only_for_the_beginning_before_it),
		TEST(what_is_told_twice_counts_once),
		TEST(a_repair_sweeps_its_buckets_only),
		TEST(what_is_gone_is_swept_and_own_objects_are_not_gone),
		TEST(a_word_that_crossed_an_adoption_is_set_aside),
		TEST(bulk_of_an_own_object_is_followed_by_node_1_when_its_word_was_heard),
		TEST(a_standby_takes_no_offers_and_answers_no_asking_for_all),
		TEST(sums_that_name_no_bucket_or_kind_ask_for_nothing),
		TEST(a_removal_that_comes_twice_costs_nothing),
		TEST(the_views_numbers_are_those_of_the_index),
		TEST(a_node_without_a_mirror_does_nothing_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
