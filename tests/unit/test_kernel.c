/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: kernel.c kernel_event.c kernel_dump.c kernel_host.c */
#include "kernel_fixture.h"

static void queue_object(uint16_t type, uint16_t flags, uint32_t sequence, uint8_t key)
{
	const struct toy_message m = { .header = { .nlmsg_len = sizeof(m),
					       .nlmsg_type = type,
					       .nlmsg_flags = flags,
					       .nlmsg_seq = sequence },
		.op = OBJECT_CHANGE,
		.key = key };

	toy_queue(&m, sizeof(m));
}

static void queue_event(uint8_t key)
{
	queue_object(TOY_TYPE, 0, 0, key);
}

/* ---- events -------------------------------------------------------------------------------- */

static void events_are_delivered_in_batches_and_in_order(void **state)
{
	struct kernel *k = *state;
	int fds[4];

	assert_int_equal(kernel_event_fds(k, fds), 1);
	for (unsigned i = 0; i < 200; i++)
		queue_event((uint8_t)i);
	assert_int_equal(kernel_read_events(k, 0, 1000), 0);
	assert_int_equal(heard.n, 200);
	assert_int_equal(heard.batches, 2);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(heard.object[i].key, i);
	assert_int_equal(kernel_counters(k)->events, 200);
	assert_int_equal(kernel_read_events(k, 0, 1000), 0);
	assert_int_equal(heard.batches, 2);
}

static void no_more_is_read_than_asked_for(void **state)
{
	for (unsigned i = 0; i < 100; i++)
		queue_event((uint8_t)i);
	assert_int_equal(kernel_read_events(*state, 0, 70), 1);
	assert_int_equal(heard.n, 70);
	assert_int_equal(kernel_read_events(*state, 0, 70), 0);
	assert_int_equal(heard.n, 100);
}

static void several_messages_in_one_datagram_are_all_heard(void **state)
{
	struct toy_message two[2] = {
		{ .header = { .nlmsg_len = sizeof(two[0]), .nlmsg_type = TOY_TYPE }, .key = 1 },
		{ .header = { .nlmsg_len = sizeof(two[0]), .nlmsg_type = TOY_TYPE }, .key = 2 }
	};

	toy_queue(two, sizeof(two));
	assert_int_equal(kernel_read_events(*state, 0, 1000), 0);
	assert_int_equal(heard.n, 2);
}

static void what_is_not_understood_is_counted_and_passed_over(void **state)
{
	const struct kernel_counters *counters = kernel_counters(*state);
	struct toy_message m = { .header = { .nlmsg_len = sizeof(m), .nlmsg_type = TOY_TYPE } };
	static const uint8_t long_one[TOY_BYTES];

	queue_event(1);
	queue_object(TOY_ALIEN, 0, 0, 2);
	m.header.nlmsg_len = NLMSG_HDRLEN;
	toy_queue(&m, NLMSG_HDRLEN);
	m.header.nlmsg_len = 4;
	toy_queue(&m, sizeof(m));
	m.header.nlmsg_len = sizeof(m) + 1;
	toy_queue(&m, sizeof(m));
	toy_queue(long_one, sizeof(long_one));
	toy_queue("", 0);
	toy_queue("abc", 3);
	queue_event(3);
	assert_int_equal(kernel_read_events(*state, 0, 1000), 0);
	assert_int_equal(heard.n, 2);
	assert_int_equal(heard.object[1].key, 3);
	assert_int_equal(counters->events, 4);
	assert_int_equal(counters->events_ignored, 1);
	assert_int_equal(counters->malformed, 6);
}

static void a_loss_is_told_when_it_is_over(void **state)
{
	queue_event(1);
	toy_queue_error(ENOBUFS);
	for (unsigned i = 0; i < 40; i++)
		queue_event(2);
	/* An error behind a message is told with the next call. */
	assert_int_equal(kernel_read_events(*state, 0, 1000), 0);
	assert_int_equal(heard.n, 1);
	/* As long as something is queued, more is being lost. */
	assert_int_equal(kernel_read_events(*state, 0, 33), 1);
	assert_int_equal(kernel_counters(*state)->overruns, 1);
	assert_int_equal(kernel_read_events(*state, 0, 1000), -ENOBUFS);
	assert_int_equal(heard.n, 41);
	assert_int_equal(kernel_read_events(*state, 0, 1000), 0);
	assert_int_equal(kernel_counters(*state)->overruns, 1);
}

static void a_loss_is_told_also_when_the_queue_never_ends(void **state)
{
	int result = 1;
	unsigned rounds = 0;

	toy_queue_error(ENOBUFS);
	while (result == 1 && rounds++ < 1000) {
		heard.n = 0;
		while (toy.n < 100)
			queue_event(1);
		result = kernel_read_events(*state, 0, 64);
	}
	assert_int_equal(result, -ENOBUFS);
	/* The buffer of 128 KiB holds 256 events at most. */
	assert_in_range(rounds, 4, 6);
	queue_event(2);
	assert_int_equal(kernel_read_events(*state, 0, 64), 1);
}

static void an_interrupted_read_is_no_loss(void **state)
{
	toy_queue_error(EINTR);
	queue_event(1);
	assert_int_equal(kernel_read_events(*state, 0, 1000), 0);
	assert_int_equal(heard.n, 1);
	toy_queue_error(EIO);
	assert_int_equal(kernel_read_events(*state, 0, 1000), -EIO);
	assert_int_equal(kernel_counters(*state)->overruns, 0);
}

/* ---- dumps --------------------------------------------------------------------------------- */

static void queue_done(uint16_t type, uint16_t flags, int error)
{
	struct {
		struct nlmsghdr header;
		int error;
	} done = { .header = { .nlmsg_len = sizeof(done),
			   .nlmsg_type = type,
			   .nlmsg_flags = flags,
			   .nlmsg_seq = toy.asked },
		.error = error };

	toy_queue(&done, sizeof(done));
}

/* Begins a dump whose first buffer is empty, so that the question's number is known. */
static void begin_dump(struct kernel *k)
{
	queue_object(TOY_TYPE, 0, 77, 1); /* left behind by another question */
	assert_int_equal(kernel_dump_start(k, TOY), 0);
	assert_int_equal(kernel_dump_step(k), 1);
	assert_int_equal(heard.n, 0);
}

static void a_dump_brings_all_and_ends(void **state)
{
	struct kernel *k = *state;

	for (unsigned round = 1; round <= 2; round++) {
		heard.n = 0;
		begin_dump(k);
		assert_int_equal(kernel_dump_start(k, TOY), -EBUSY);
		queue_object(TOY_TYPE, NLM_F_MULTI, toy.asked, 1);
		queue_object(TOY_TYPE, NLM_F_MULTI, toy.asked, 2);
		queue_object(TOY_ALIEN, NLM_F_MULTI, toy.asked, 3);
		queue_done(NLMSG_DONE, NLM_F_MULTI, 0);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(kernel_dump_step(k), 1);
		assert_int_equal(kernel_dump_step(k), 0);
		assert_int_equal(heard.n, 2);
		assert_int_equal(kernel_counters(k)->dumps, round);
		assert_int_equal(kernel_counters(k)->dumped, 2 * round);
	}
	assert_int_equal(kernel_dump_start(k, 9), -EPROTONOSUPPORT);
}

static void a_dump_of_a_changed_table_begins_anew(void **state)
{
	struct kernel *k = *state;
	uint32_t first;

	begin_dump(k);
	first = toy.asked;
	queue_object(TOY_TYPE, NLM_F_MULTI | NLM_F_DUMP_INTR, toy.asked, 1);
	assert_int_equal(kernel_dump_step(k), -EINTR);
	assert_int_equal(heard.n, 1);
	assert_int_equal(kernel_dump_start(k, TOY), -EBUSY);
	queue_object(TOY_TYPE, NLM_F_MULTI, toy.asked, 2); /* of the dump that was broken off */
	assert_int_equal(kernel_dump_step(k), 1);
	assert_int_not_equal(toy.asked, first);
	assert_int_equal(heard.n, 1);
	queue_done(NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, 0);
	assert_int_equal(kernel_dump_step(k), -EINTR);
	queue_object(TOY_TYPE, NLM_F_MULTI, 77, 2);
	assert_int_equal(kernel_dump_step(k), 1);
	queue_done(NLMSG_DONE, NLM_F_MULTI, 0);
	assert_int_equal(kernel_dump_step(k), 0);
	assert_int_equal(kernel_counters(k)->dumps_restarted, 2);
}

static void assert_dump_fails(struct kernel *k, int error)
{
	assert_int_equal(kernel_dump_step(k), error);
	begin_dump(k);
	kernel_dump_stop(k);
}

static void a_failed_dump_leaves_room_for_the_next(void **state)
{
	struct kernel *k = *state;
	static const uint8_t header[NLMSG_HDRLEN];

	begin_dump(k);
	queue_done(NLMSG_DONE, NLM_F_MULTI, -ENOMEM);
	assert_dump_fails(k, -ENOMEM);
	begin_dump(k);
	queue_done(NLMSG_ERROR, 0, -EPERM);
	assert_dump_fails(k, -EPERM);
	begin_dump(k);
	queue_done(NLMSG_ERROR, 0, 5);
	assert_dump_fails(k, -EBADMSG);
	begin_dump(k);
	toy_queue_error(ENOBUFS);
	assert_dump_fails(k, -ENOBUFS);
	begin_dump(k); /* nothing more comes */
	assert_dump_fails(k, -EAGAIN);
	toy.send_error = ENOMEM;
	assert_int_equal(kernel_dump_start(k, TOY), 0);
	assert_dump_fails(k, -ENOMEM);
	begin_dump(k);
	toy_queue(header, sizeof(header));
	assert_int_equal(kernel_dump_step(k), 1);
	toy_queue_error(EINTR);
	queue_done(NLMSG_DONE, NLM_F_MULTI, 0);
	assert_int_equal(kernel_dump_step(k), 0);
	kernel_dump_stop(k);
}

/* ---- one object ---------------------------------------------------------------------------- */

static void one_object_comes_whole(void **state)
{
	const uint8_t key = 7;
	uint32_t next = toy.asked;

	/* The number of the question is known: they are counted. */
	queue_object(TOY_TYPE, 0, next + 77, 9);
	queue_object(TOY_TYPE, 0, next + 1, 7);
	assert_int_equal(kernel_get(*state, TOY, span_of(&key, 1)), 0);
	assert_int_equal(heard.n, 1);
	assert_int_equal(heard.object[0].key, 7);
	assert_int_equal(heard.object[0].op, OBJECT_WHOLE);
}

static void one_object_that_cannot_be_had_says_why(void **state)
{
	const uint8_t key = 7;
	const struct span span = span_of(&key, 1);

	toy_answer(toy.asked + 1, ENOENT);
	assert_int_equal(kernel_get(*state, TOY, span), -ENOENT);
	queue_object(TOY_ALIEN, 0, toy.asked + 1, 7);
	assert_int_equal(kernel_get(*state, TOY, span), -ENOENT);
	assert_int_equal(kernel_get(*state, TOY, span), -EAGAIN);
	toy.send_error = ENOMEM;
	assert_int_equal(kernel_get(*state, TOY, span), -ENOMEM);
	assert_int_equal(kernel_get(*state, 9, span), -EPROTONOSUPPORT);
	assert_int_equal(heard.n, 0);
}

/* ---- the host ------------------------------------------------------------------------------ */

static void timeouts_are_those_of_the_host(void **state)
{
	const struct object_host *host = kernel_host(*state);
	uint32_t value = 432000;
	FILE *file = fopen("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established", "r");

	if (file) {
		assert_int_equal(fscanf(file, "%u", &value), 1);
		assert_int_equal(fclose(file), 0);
	}
	assert_int_equal(host->timeouts.tcp[3], value);
	assert_int_equal(host->timeouts.tcp[0], 0);
	assert_true(host->timeouts.udp > 0 && host->timeouts.gre_stream > 0);
	assert_int_equal(host->hold_s, 600);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kernel_up, kernel_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(events_are_delivered_in_batches_and_in_order),
		TEST(no_more_is_read_than_asked_for),
		TEST(several_messages_in_one_datagram_are_all_heard),
		TEST(what_is_not_understood_is_counted_and_passed_over),
		TEST(a_loss_is_told_when_it_is_over),
		TEST(a_loss_is_told_also_when_the_queue_never_ends),
		TEST(an_interrupted_read_is_no_loss),
		TEST(a_dump_brings_all_and_ends),
		TEST(a_dump_of_a_changed_table_begins_anew),
		TEST(a_failed_dump_leaves_room_for_the_next),
		TEST(one_object_comes_whole),
		TEST(one_object_that_cannot_be_had_says_why),
		TEST(timeouts_are_those_of_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
