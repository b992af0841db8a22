/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/channel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FRAME_MAX = 100, RECORD_LEN = 4 };

/* Two ends, and what was delivered. */
struct pair {
	struct channel_out out;
	struct channel_in in;
	mono_t now;
	uint32_t next_written, next_delivered, epochs;
};

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	channel_out_init(&p->out, FRAME_MAX, 0);
	p->now.us = 1000000;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* Records are numbers that grow by one. */
static bool write_record(struct pair *p)
{
	uint8_t *room = channel_out_record(&p->out, p->now, RECORD_LEN);

	if (room == NULL)
		return false;
	memcpy(room, &p->next_written, RECORD_LEN);
	p->next_written++;
	return true;
}

static void deliver(struct pair *p, struct span records)
{
	for (size_t i = 0; i < records.len; i += RECORD_LEN) {
		uint32_t number;

		memcpy(&number, records.data + i, RECORD_LEN);
		assert_int_equal(number, p->next_delivered);
		p->next_delivered++;
	}
}

static void arrives(struct pair *p, uint32_t epoch, uint32_t number, struct span records)
{
	enum channel_heard heard = channel_in_heard(&p->in, p->now, epoch, number, records);

	p->epochs += heard == CHANNEL_EPOCH || heard == CHANNEL_WAITS_EPOCH;
	switch (heard) {
	case CHANNEL_EPOCH:
	case CHANNEL_NEXT:
		deliver(p, records);
		while (channel_in_held(&p->in, p->now, &records))
			deliver(p, records);
		break;
	case CHANNEL_WAITS_EPOCH:
	case CHANNEL_WAITS:
	case CHANNEL_AGAIN:
	case CHANNEL_BEYOND: break;
	}
}

/* Sends what is due by `path`; every lose-th frame is lost (0 = none). */
static unsigned send_all(struct pair *p, unsigned path, unsigned lose)
{
	uint32_t number;
	struct span records;
	unsigned sent = 0;

	channel_out_flush(&p->out);
	while (channel_out_due(&p->out, p->now, &number, &records)) {
		channel_out_sent(&p->out, p->now, number, path);
		sent++;
		if (lose == 0 || sent % lose != 0)
			arrives(p, p->out.epoch, number, records);
	}
	return sent;
}

static void acknowledge(struct pair *p)
{
	struct channel_ack ack;

	channel_in_take_ack(&p->in, &ack);
	assert_true(channel_out_acked(&p->out, p->now, &ack));
}

static void records_arrive_once_and_in_order(void **state)
{
	struct pair *p = *state;

	for (unsigned i = 0; i < 1000; i++)
		assert_true(write_record(p));
	send_all(p, 0, 0);
	acknowledge(p);
	assert_int_equal(p->next_delivered, 1000);
	assert_int_equal(p->epochs, 1);
	assert_int_equal(channel_out_backlog(&p->out), 0);
	assert_true(mono_is_never(channel_out_deadline(&p->out)));
}

static void a_window_is_under_way_and_no_more(void **state)
{
	struct pair *p = *state;

	for (unsigned i = 0; i < CHANNEL_WINDOW * (FRAME_MAX / RECORD_LEN) * 2; i++)
		assert_true(write_record(p));
	channel_out_flush(&p->out);
	assert_int_equal(send_all(p, 0, 1), CHANNEL_WINDOW);
	assert_int_equal(p->next_delivered, 0);
}

static void a_frame_that_later_ones_overtook_is_sent_again_at_once(void **state)
{
	struct pair *p = *state;
	uint32_t number;
	struct span records;

	for (unsigned i = 0; i < 10 * (FRAME_MAX / RECORD_LEN); i++)
		assert_true(write_record(p));
	assert_int_equal(send_all(p, 0, 10), 10); /* the last one is lost */
	acknowledge(p);
	assert_int_equal(send_all(p, 0, 0), 0); /* nothing came behind it */
	for (unsigned i = 0; i < 4 * (FRAME_MAX / RECORD_LEN); i++)
		assert_true(write_record(p));
	send_all(p, 0, 0);
	assert_true(channel_in_ack_due(&p->in, p->now));
	acknowledge(p);
	assert_true(channel_out_due(&p->out, p->now, &number, &records));
	assert_int_equal(number, CHANNEL_FIRST + 9);
	send_all(p, 0, 0);
	acknowledge(p);
	assert_int_equal(p->next_delivered, p->next_written);
}

static void only_what_the_ranges_lack_is_sent_again(void **state)
{
	struct pair *p = *state;

	for (unsigned i = 0; i < 60 * (FRAME_MAX / RECORD_LEN); i++)
		assert_true(write_record(p));
	send_all(p, 0, 20); /* three of sixty are lost, one of them the last */
	acknowledge(p);
	assert_int_equal(send_all(p, 0, 0), 2);
	acknowledge(p);
	assert_int_equal(p->out.base, CHANNEL_FIRST + 59);
	assert_int_equal(p->next_delivered, 59 * (FRAME_MAX / RECORD_LEN));
}

static void silence_sends_the_oldest_again(void **state)
{
	struct pair *p = *state;

	write_record(p);
	send_all(p, 0, 1);
	assert_int_equal(
		channel_out_deadline(&p->out).us, p->now.us + CHANNEL_RESEND_MS * UINT64_C(1000));
	assert_int_equal(send_all(p, 0, 0), 0);
	p->now = channel_out_deadline(&p->out);
	assert_int_equal(send_all(p, 0, 0), 1);
	assert_int_equal(p->next_delivered, 1);
}

static void what_was_under_way_on_a_dead_path_goes_by_another(void **state)
{
	struct pair *p = *state;

	for (unsigned i = 0; i < 5; i++) {
		write_record(p);
		send_all(p, i % 2, 1);
	}
	channel_out_path_lost(&p->out, 0);
	assert_int_equal(send_all(p, 1, 0), 3);
	channel_out_path_lost(&p->out, 0);
	assert_int_equal(send_all(p, 1, 0), 0);
}

static void a_full_backlog_takes_nothing_and_breaks_nothing(void **state)
{
	struct pair *p = *state;
	uint32_t written;

	while (write_record(p))
		;
	written = p->next_written;
	assert_in_range(p->out.next - p->out.base, CHANNEL_FRAMES - 2, CHANNEL_FRAMES);
	assert_false(write_record(p));
	for (unsigned i = 0; i < 100 && p->next_delivered < written; i++) {
		send_all(p, 0, 0);
		acknowledge(p);
	}
	assert_int_equal(p->next_delivered, written);
	assert_true(write_record(p));
}

/* The bytes run round: what is read is still what was written. */
static void the_ring_of_bytes_is_used_again_and_again(void **state)
{
	struct pair *p = *state;

	channel_out_init(&p->out, WIRE_FRAME_MAX - 100, 0);
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < 20 * 2275; i++)
			assert_true(write_record(p));
		send_all(p, 0, round % 7);
		acknowledge(p);
		p->now = mono_after_ms(p->now, 10);
	}
	for (unsigned i = 0; i < 100 && p->next_delivered < p->next_written; i++) {
		p->now = mono_after_ms(p->now, CHANNEL_RESEND_MS);
		send_all(p, 0, 0);
		acknowledge(p);
	}
	assert_int_equal(p->next_delivered, p->next_written);
}

static void a_restart_begins_a_new_epoch_and_drops_the_old(void **state)
{
	struct pair *p = *state;

	write_record(p);
	send_all(p, 0, 0);
	write_record(p);
	channel_out_restart(&p->out);
	assert_int_equal(channel_out_backlog(&p->out), 0);
	p->next_delivered = p->next_written;
	write_record(p);
	send_all(p, 0, 0);
	assert_int_equal(p->epochs, 2);
	assert_int_equal(p->next_delivered, p->next_written);
	assert_int_equal(channel_in_heard(&p->in, p->now, CHANNEL_FIRST, CHANNEL_FIRST + 1,
				 span_of("1234", 4)),
		CHANNEL_AGAIN);
}

static void nonsense_is_not_acknowledged(void **state)
{
	struct pair *p = *state;
	struct channel_ack ack = { .epoch = CHANNEL_FIRST, .next = CHANNEL_FIRST + 5 };

	write_record(p);
	send_all(p, 0, 1);
	assert_false(channel_out_acked(&p->out, p->now, &ack)); /* never sent */
	ack.next = CHANNEL_FIRST;
	ack.n = 1;
	ack.range[0].first = 3;
	ack.range[0].end = 2;
	assert_false(channel_out_acked(&p->out, p->now, &ack));
	ack.range[0].end = 9;
	assert_false(channel_out_acked(&p->out, p->now, &ack));
	ack.epoch++;
	ack.n = 0;
	assert_false(channel_out_acked(&p->out, p->now, &ack));
	assert_int_equal(p->out.in_flight, 1);
}

static void what_comes_too_early_is_not_kept(void **state)
{
	struct pair *p = *state;
	struct span four = span_of("1234", 4);

	assert_int_equal(channel_in_heard(&p->in, p->now, 10, 9, four), CHANNEL_BEYOND);
	assert_int_equal(channel_in_heard(&p->in, p->now, 10, 10, span_of("", 0)), CHANNEL_BEYOND);
	assert_int_equal(channel_in_heard(&p->in, p->now, 10, 11, four), CHANNEL_WAITS_EPOCH);
	assert_int_equal(
		channel_in_heard(&p->in, p->now, 10, 10 + CHANNEL_WINDOW, four), CHANNEL_BEYOND);
	assert_int_equal(p->in.held, 1);
}

static void acknowledgements_wait_a_little_but_not_for_gaps(void **state)
{
	struct pair *p = *state;

	write_record(p);
	send_all(p, 0, 0);
	assert_false(channel_in_ack_due(&p->in, p->now));
	assert_true(channel_in_ack_due(&p->in, mono_after_us(p->now, CHANNEL_ACK_US)));
	assert_int_equal(channel_in_deadline(&p->in).us, p->now.us + CHANNEL_ACK_US);
	for (unsigned i = 1; i < CHANNEL_ACK_FRAMES; i++) {
		write_record(p);
		send_all(p, 0, 0);
	}
	assert_true(channel_in_ack_due(&p->in, p->now));
	acknowledge(p);
	assert_true(mono_is_never(channel_in_deadline(&p->in)));
}

static void rest_is_over(struct pair *p)
{
	struct span records;

	p->in.rests = false;
	while (channel_in_held(&p->in, p->now, &records))
		deliver(p, records);
}

static void write_frames(struct pair *p, unsigned n)
{
	for (unsigned i = 0; i < n * (FRAME_MAX / RECORD_LEN); i++)
		assert_true(write_record(p));
}

static void who_rests_keeps_a_window_and_acknowledges_nothing_of_it(void **state)
{
	struct pair *p = *state;

	p->in.rests = true;
	write_frames(p, 2 * CHANNEL_WINDOW);
	assert_int_equal(send_all(p, 0, 0), CHANNEL_WINDOW);
	assert_int_equal(p->next_delivered, 0);
	assert_false(channel_in_ack_due(&p->in, p->now));
	assert_true(mono_is_never(channel_in_deadline(&p->in)));
	acknowledge(p); /* asked for by something else, it says nothing new */
	assert_int_equal(p->out.base, CHANNEL_FIRST);
	assert_int_equal(p->out.in_flight, CHANNEL_WINDOW);
	assert_int_equal(send_all(p, 0, 0), 0);
	rest_is_over(p);
	assert_int_equal(p->next_delivered, CHANNEL_WINDOW * (FRAME_MAX / RECORD_LEN));
	assert_true(channel_in_ack_due(&p->in, p->now));
	acknowledge(p);
	assert_int_equal(send_all(p, 0, 0), CHANNEL_WINDOW);
	acknowledge(p);
	assert_int_equal(p->next_delivered, p->next_written);
}

static void what_is_sent_again_to_who_rests_is_delivered_once(void **state)
{
	struct pair *p = *state;

	p->in.rests = true;
	write_frames(p, 4);
	assert_int_equal(send_all(p, 0, 0), 4);
	p->now = mono_after_ms(p->now, CHANNEL_RESEND_MS);
	p->in.rests = false; /* and nobody has looked at what waits */
	assert_int_equal(send_all(p, 0, 0), 4);
	assert_int_equal(p->next_delivered, 0);
	rest_is_over(p);
	assert_int_equal(p->next_delivered, p->next_written);
	assert_int_equal(p->in.held, 0);
}

static void who_rests_tells_of_gaps(void **state)
{
	struct pair *p = *state;

	p->in.rests = true;
	write_frames(p, 10);
	assert_int_equal(send_all(p, 0, 5), 10); /* the fifth and the last are lost */
	assert_true(channel_in_ack_due(&p->in, p->now));
	acknowledge(p);
	assert_int_equal(send_all(p, 0, 0), 1); /* the fifth alone */
	rest_is_over(p);
	assert_int_equal(p->next_delivered, 9 * (FRAME_MAX / RECORD_LEN));
}

/* Else, should the peer's last word be lost, nothing under way would make it say so again. */
static void what_was_heard_and_not_delivered_is_asked_for(void **state)
{
	struct pair *p = *state;
	struct channel_ack ack = { .epoch = CHANNEL_FIRST, .next = CHANNEL_FIRST, .n = 1 };

	write_frames(p, 10);
	send_all(p, 0, 0);
	ack.range[0].end = 10;
	assert_true(channel_out_acked(&p->out, p->now, &ack));
	assert_int_equal(p->out.in_flight, 1);
	p->now = channel_out_deadline(&p->out);
	assert_int_equal(send_all(p, 0, 0), 1);
	acknowledge(p);
	assert_int_equal(channel_out_backlog(&p->out), 0);
	assert_true(mono_is_never(channel_out_deadline(&p->out)));
}

/* Loss, repetition, disorder and rests, by chance: every record arrives once and in order. */
static void a_bad_path_loses_nothing(void **state)
{
	struct pair *p = *state;
	struct channel_ack lost;
	uint64_t x = 88172645463325252u;

	for (unsigned step = 0; step < 20000; step++) {
		uint32_t number;
		struct span records;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p->now = mono_after_us(p->now, x % 500);
		if (p->out.next - p->out.base < CHANNEL_WINDOW)
			write_record(p);
		if (x >> 20 & 1)
			channel_out_flush(&p->out);
		if (channel_out_due(&p->out, p->now, &number, &records)) {
			channel_out_sent(&p->out, p->now, number, x >> 21 & 1);
			if ((x >> 22 & 3) != 0)
				arrives(p, p->out.epoch, number, records);
			if ((x >> 24 & 7) == 0)
				arrives(p, p->out.epoch, number, records);
		}
		if (p->in.open && channel_in_ack_due(&p->in, p->now) && (x >> 27 & 1))
			acknowledge(p);
		else if (p->in.open && (x >> 28 & 15) == 0)
			channel_in_take_ack(&p->in, &lost);
		if ((x >> 32 & 15) == 0)
			p->in.rests = true;
		else if ((x >> 36 & 7) == 0)
			rest_is_over(p);
	}
	rest_is_over(p);
	assert_in_range(p->next_written - p->next_delivered, 0, CHANNEL_WINDOW * 25);
	assert_true(p->next_delivered > 10000);
}

/* Also when it is sent again, long after. */
static void a_frame_says_what_was_heard_when_it_was_written(void **state)
{
	const struct channel_point early = { 7, 9 }, late = { 7, 10 };
	struct pair *p = *state;
	uint32_t first, second;
	struct span records;

	channel_out_heard(&p->out, early);
	assert_true(write_record(p));
	first = channel_out_number(&p->out);
	channel_out_heard(&p->out, early);
	assert_true(write_record(p));
	assert_int_equal(channel_out_number(&p->out), first);
	channel_out_heard(&p->out, late);
	assert_true(write_record(p));
	second = channel_out_number(&p->out);
	assert_int_equal(second, first + 1);
	assert_true(channel_out_due(&p->out, p->now, &first, &records));
	channel_out_sent(&p->out, p->now, first, 0);
	channel_out_path_lost(&p->out, 0);
	assert_true(channel_out_due(&p->out, p->now, &first, &records));
	assert_int_equal(records.len, 2 * RECORD_LEN);
	assert_int_equal(channel_out_knows(&p->out, first).next, early.next);
	assert_int_equal(channel_out_knows(&p->out, second).next, late.next);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(records_arrive_once_and_in_order),
		TEST(a_frame_says_what_was_heard_when_it_was_written),
		TEST(a_window_is_under_way_and_no_more),
		TEST(a_frame_that_later_ones_overtook_is_sent_again_at_once),
		TEST(only_what_the_ranges_lack_is_sent_again),
		TEST(silence_sends_the_oldest_again),
		TEST(what_was_under_way_on_a_dead_path_goes_by_another),
		TEST(a_full_backlog_takes_nothing_and_breaks_nothing),
		TEST(the_ring_of_bytes_is_used_again_and_again),
		TEST(a_restart_begins_a_new_epoch_and_drops_the_old),
		TEST(nonsense_is_not_acknowledged),
		TEST(what_comes_too_early_is_not_kept),
		TEST(acknowledgements_wait_a_little_but_not_for_gaps),
		TEST(who_rests_keeps_a_window_and_acknowledges_nothing_of_it),
		TEST(what_is_sent_again_to_who_rests_is_delivered_once),
		TEST(who_rests_tells_of_gaps),
		TEST(what_was_heard_and_not_delivered_is_asked_for),
		TEST(a_bad_path_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
