/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/wills.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { FIRST_TAG = 0x1234, FIRST_PORT = 28133, N_PATHS = 2 };

static struct wills w;
static struct path sender[N_PATHS], receiver[N_PATHS];
static struct path_inbox inbox;
static struct {
	unsigned n;
	uint8_t type, mark; /* of the last */
} heard[N_PATHS], *hears;

static void quiet(void *user, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void quiet(void *user, enum log_level level, const char *format, ...)
{
	(void)user;
	(void)level;
	(void)format;
}

static const struct log nobody = { .write = quiet };

/* Over UDP on the loopback interface. */
static struct conf_link link_of(unsigned i, unsigned from, unsigned to)
{
	const uint8_t loopback[4] = { 127, 0, 0, 1 };
	struct conf_link link = {
		.transport = CONF_TRANSPORT_UDP,
		.tag = (uint16_t)(FIRST_TAG + i),
		.local_port = (uint16_t)(FIRST_PORT + 2 * i + from),
		.remote_port = (uint16_t)(FIRST_PORT + 2 * i + to),
	};

	link.local.family = link.remote.family = AF_INET;
	memcpy(link.local.bytes, loopback, sizeof(loopback));
	memcpy(link.remote.bytes, loopback, sizeof(loopback));
	return link;
}

static int set_up(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	memset(heard, 0, sizeof(heard));
	for (unsigned i = 0; i < N_PATHS; i++) {
		struct conf_link out = link_of(i, 0, 1), in = link_of(i, 1, 0);

		assert_int_equal(path_open(&sender[i], &out, 0, &nobody), 0);
		assert_int_equal(path_open(&receiver[i], &in, PATH_HEARS, &nobody), 0);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_PATHS; i++) {
		path_close(&sender[i]);
		path_close(&receiver[i]);
	}
	return 0;
}

static void hear(void *user, struct span frame)
{
	(void)user;
	hears->n++;
	hears->type = frame.data[2];
	hears->mark = frame.data[WIRE_HEADER_LEN];
}

static void listen_to_all(void)
{
	for (unsigned i = 0; i < N_PATHS; i++) {
		hears = &heard[i];
		(void)path_receive(&receiver[i], &inbox, hear, NULL);
	}
}

static void keep(enum wire_frame_type type, unsigned i, uint8_t mark)
{
	uint8_t bytes[WIRE_HEADER_LEN + 20] = { WIRE_MAGIC, WIRE_VERSION, (uint8_t)type };

	bytes[4] = (uint8_t)((FIRST_TAG + i) >> 8);
	bytes[5] = (uint8_t)(FIRST_TAG + i);
	bytes[WIRE_HEADER_LEN] = mark;
	wills_keep(&w, span_of(bytes, sizeof(bytes)));
}

static void each_frame_goes_by_its_path_once(void **state)
{
	(void)state;
	keep(WIRE_FRAME_HOLD, 0, 1);
	keep(WIRE_FRAME_HOLD, 1, 2);
	keep(WIRE_FRAME_PARTING, 0, 3);
	assert_true(wills_send(&w, WIRE_FRAME_HOLD, sender, N_PATHS));
	listen_to_all();
	for (unsigned i = 0; i < N_PATHS; i++) {
		assert_int_equal(heard[i].n, 1);
		assert_int_equal(heard[i].type, WIRE_FRAME_HOLD);
		assert_int_equal(heard[i].mark, i + 1);
	}
	assert_false(wills_send(&w, WIRE_FRAME_HOLD, sender, N_PATHS));
	assert_true(wills_send(&w, WIRE_FRAME_PARTING, sender, N_PATHS));
	listen_to_all();
	assert_int_equal(heard[0].mark, 3);
	assert_int_equal(heard[1].n, 1);
}

static void a_newer_frame_replaces_the_one_before(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		keep(WIRE_FRAME_HOLD, 0, (uint8_t)i);
	assert_true(wills_send(&w, WIRE_FRAME_HOLD, sender, N_PATHS));
	listen_to_all();
	assert_int_equal(heard[0].n, 1);
	assert_int_equal(heard[0].mark, 99);
}

static void another_engine_begins_with_none(void **state)
{
	(void)state;
	keep(WIRE_FRAME_HOLD, 0, 1);
	keep(WIRE_FRAME_PARTING, 0, 1);
	wills_forget(&w);
	assert_false(wills_send(&w, WIRE_FRAME_HOLD, sender, N_PATHS));
	assert_false(wills_send(&w, WIRE_FRAME_PARTING, sender, N_PATHS));
}

static void paths_that_are_no_more_leave_room(void **state)
{
	(void)state;
	for (unsigned i = 2; i < 200; i++)
		keep(WIRE_FRAME_HOLD, i, 1);
	keep(WIRE_FRAME_HOLD, 1, 7);
	assert_true(wills_send(&w, WIRE_FRAME_HOLD, sender, N_PATHS));
	listen_to_all();
	assert_int_equal(heard[1].mark, 7);
	assert_int_equal(heard[0].n, 0);
}

static void what_is_no_frame_is_set_aside(void **state)
{
	static const uint8_t bytes[WIRE_WILL_FRAME_MAX + 1] = { WIRE_MAGIC, WIRE_VERSION,
		WIRE_FRAME_HOLD };

	(void)state;
	wills_keep(&w, span_of(bytes, WIRE_HEADER_LEN - 1));
	wills_keep(&w, span_of(bytes, sizeof(bytes)));
	for (unsigned i = 0; i < ARRAY_LEN(w.frame); i++)
		assert_int_equal(w.frame[i].len, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(each_frame_goes_by_its_path_once),
		T(a_newer_frame_replaces_the_one_before),
		T(another_engine_begins_with_none),
		T(paths_that_are_no_more_leave_room),
		T(what_is_no_frame_is_set_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
