/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/vigil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nsrp/wire.h"

static struct conf conf;
static struct health health;
static struct vigil ours, theirs;

static void make(unsigned n)
{
	memset(&conf, 0, sizeof(conf));
	memset(&health, 0, sizeof(health));
	conf.n_monitors = n;
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(conf.monitor[i].name, sizeof(conf.monitor[i].name), "monitor-%u", i);
		conf.monitor[i].weight = (uint8_t)i;
	}
	vigil_init(&ours, &conf);
	vigil_init(&theirs, &conf);
}

/* One beat, with so much room left; the number of bytes written. */
static size_t tell(size_t room)
{
	uint8_t bytes[512];
	struct writer w = writer_of(bytes, room);

	vigil_put(&ours, &health, &conf, &w);
	assert_true(writer_ok(&w));
	if (w.used == 0)
		return 0;
	assert_int_equal(bytes[0], WIRE_TLV_MONITORS);
	struct span value = span_of(bytes + 3, w.used - 3);

	assert_true(vigil_is_well_formed(value));
	vigil_heard(&theirs, &conf, value);
	return w.used;
}

static unsigned known(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CONF_MONITORS_MAX; i++)
		n += theirs.peer[i].known;
	return n;
}

static void what_one_tells_the_other_knows(void **state)
{
	(void)state;
	make(3);
	health.failed[1] = true;
	assert_int_equal(tell(512), 3 + 1 + 3 * WIRE_MONITOR_RECORD_LEN);
	assert_int_equal(known(), 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(theirs.peer[i].ok, i != 1);
		assert_int_equal(theirs.peer[i].weight, i);
	}
	vigil_forget_peer(&theirs);
	assert_int_equal(known(), 0);
}

static void none_are_told_when_there_are_none(void **state)
{
	(void)state;
	make(0);
	assert_int_equal(tell(512), 0);
}

static void many_are_told_in_turn_and_news_first(void **state)
{
	(void)state;
	make(CONF_MONITORS_MAX);
	for (unsigned beats = 1; beats <= CONF_MONITORS_MAX / VIGIL_RECORDS_MAX; beats++) {
		(void)tell(512);
		assert_int_equal(known(), beats * VIGIL_RECORDS_MAX);
	}
	health.failed[100] = true;
	vigil_tell_first(&ours, 100);
	(void)tell(512);
	assert_false(theirs.peer[100].ok);
}

static void a_beat_without_room_tells_fewer_or_none(void **state)
{
	(void)state;
	make(20);
	for (size_t room = 0; room < 10; room++)
		assert_int_equal(tell(room), 0);
	assert_int_equal(tell(10), 10);
	assert_int_equal(known(), 1);
	assert_int_equal(tell(21), 16);
	assert_int_equal(known(), 3);
}

static void names_that_the_other_has_not_are_passed_over(void **state)
{
	(void)state;
	make(2);
	(void)snprintf(conf.monitor[0].name, sizeof(conf.monitor[0].name), "else");
	vigil_init(&theirs, &conf);
	(void)tell(512);
	assert_int_equal(known(), 1);
	assert_true(theirs.peer[1].known);
}

static void what_is_not_whole_records_is_malformed(void **state)
{
	uint8_t value[1 + 3 * 8] = { 6 };

	(void)state;
	assert_false(vigil_is_well_formed(span_of(value, 0)));
	assert_true(vigil_is_well_formed(span_of(value, 1)));
	assert_true(vigil_is_well_formed(span_of(value, 7)));
	assert_false(vigil_is_well_formed(span_of(value, 8)));
	value[0] = 5;
	assert_false(vigil_is_well_formed(span_of(value, 6)));
	value[0] = 0;
	assert_false(vigil_is_well_formed(span_of(value, 7)));
	value[0] = 8; /* of a later release */
	make(1);
	for (unsigned i = 0; i < 4; i++)
		value[1 + i] = (uint8_t)(ours.tag[0] >> (24 - 8 * i));
	value[5] = 77;
	assert_true(vigil_is_well_formed(span_of(value, 9)));
	vigil_heard(&theirs, &conf, span_of(value, 9));
	assert_int_equal(theirs.peer[0].weight, 77);
}

/* Written down: both releases of a pair have to make the same of a name. */
static void the_tag_of_a_name_is_fnv_1a(void **state)
{
	(void)state;
	make(1);
	(void)snprintf(conf.monitor[0].name, sizeof(conf.monitor[0].name), "foobar");
	vigil_init(&ours, &conf);
	assert_int_equal(ours.tag[0], 0xbf9cf968);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_one_tells_the_other_knows),
		cmocka_unit_test(none_are_told_when_there_are_none),
		cmocka_unit_test(many_are_told_in_turn_and_news_first),
		cmocka_unit_test(a_beat_without_room_tells_fewer_or_none),
		cmocka_unit_test(names_that_the_other_has_not_are_passed_over),
		cmocka_unit_test(what_is_not_whole_records_is_malformed),
		cmocka_unit_test(the_tag_of_a_name_is_fnv_1a),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
