/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_report.h"

#include "io/pulse.h"

enum { SECOND = 1000000, START = 50 * SECOND };

/* A pair, and a pulse that begins START after the boot. */
struct ward {
	struct pair *pair;
	struct pulse *pulse;
	mono_t now;
};

static int set_up_ward(void **state)
{
	struct ward *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	set_up((void **)&w->pair);
	w->pulse = pulse_new();
	assert_non_null(w->pulse);
	w->pair->in.pulse = w->pulse;
	w->now = (mono_t){ START };
	pulse_start(w->pulse, &w->pair->conf, w->now);
	*state = w;
	return 0;
}

static int tear_down_ward(void **state)
{
	struct ward *w = *state;

	pulse_free(w->pulse);
	tear_down((void **)&w->pair);
	free(w);
	return 0;
}

/* The engine steps, late_us later than it wanted. */
static void step(struct ward *w, uint64_t after_us, uint64_t late_us)
{
	w->now = mono_after_us(w->now, after_us);
	pulse_woke(w->pulse, w->now, late_us);
	w->pair->view.now = w->now;
	if (pulse_is_due(w->pulse, w->now))
		pulse_close(w->pulse, &w->pair->view);
}

/* A beat each 50 ms by the first path, and each second one by the second. */
static void live(struct ward *w, unsigned seconds)
{
	for (unsigned i = 0; i < seconds * 20; i++) {
		step(w, 50000, 100);
		pulse_beat(w->pulse, 0, w->now);
		if (i % 2 == 0)
			pulse_beat(w->pulse, 1, w->now);
	}
}

static const struct pulse_sample *last(const struct ward *w)
{
	uint64_t first, end;

	pulse_range(w->pulse, &first, &end);
	assert_true(first < end);
	return pulse_at(w->pulse, end - 1);
}

static unsigned count(const struct ward *w)
{
	uint64_t first, end;

	pulse_range(w->pulse, &first, &end);
	return (unsigned)(end - first);
}

static void a_second_is_a_sample(void **state)
{
	struct ward *w = *state;

	w->pair->view.group[1].own.state = GROUP_INOPERABLE;
	w->pair->view.group[1].own.failed_weight = 300;
	w->pair->view.group[1].peer.known = false;
	w->pair->view.path[1].state = PATH_LOST;
	w->pair->view.monitor_ok[1] = false;
	w->pair->view.mirror.lag_us = 7999;
	w->pair->view.mirror.backlog = 5000;
	live(w, 2);
	const struct pulse_sample *s = last(w);

	assert_int_equal(count(w), 2);
	assert_int_equal(s->ms, 1000);
	assert_int_equal(s->silence_ms, 50);
	assert_int_equal(s->late_ms, 0);
	assert_int_equal(s->lag_ms, 7);
	assert_int_equal(s->backlog, 5000);
	assert_int_equal(s->beats[0], 20);
	assert_int_equal(s->beats[1], 10);
	assert_int_equal(s->path[0], PATH_ALIVE);
	assert_int_equal(s->path[1], PATH_LOST);
	assert_int_equal(s->own[0], GROUP_MASTER);
	assert_int_equal(s->peer[0], GROUP_PRIMARY_BACKUP);
	assert_int_equal(s->own[1], GROUP_INOPERABLE);
	assert_int_equal(s->peer[1], PULSE_UNKNOWN);
	assert_int_equal(s->own_weight[1], 300);
	assert_false(pulse_fails(s->failed, 0));
	assert_true(pulse_fails(s->failed, 1));
}

static void silence_grows_until_a_beat_ends_it(void **state)
{
	struct ward *w = *state;

	step(w, SECOND, 0);
	assert_int_equal(last(w)->silence_ms, PULSE_NEVER);
	live(w, 1);
	step(w, SECOND, 0);
	assert_int_equal(last(w)->silence_ms, 1000);
	step(w, SECOND, 0);
	assert_int_equal(last(w)->silence_ms, 2000);
	step(w, 500000, 0);
	pulse_beat(w->pulse, 0, w->now);
	step(w, 500000, 0);
	assert_int_equal(last(w)->silence_ms, 2500);
	assert_int_equal(last(w)->beats[0], 1);
	live(w, 1);
	assert_int_equal(last(w)->silence_ms, 550);
}

static void the_ring_wraps(void **state)
{
	struct ward *w = *state;
	uint64_t first, end;

	for (unsigned i = 0; i < PULSE_SAMPLES_MAX + 10; i++) {
		w->pair->view.mirror.backlog = i;
		step(w, SECOND, 0);
	}
	pulse_range(w->pulse, &first, &end);
	assert_int_equal(first, 10);
	assert_int_equal(end, PULSE_SAMPLES_MAX + 10);
	for (uint64_t i = first; i < end; i++) {
		assert_int_equal(pulse_at(w->pulse, i)->backlog, i);
		assert_int_equal(pulse_at(w->pulse, i)->at.us, START + (i + 1) * SECOND);
	}
}

/* Held up for 7 s in the middle of a second. */
static void time_in_which_nobody_looked_is_in_no_sample(void **state)
{
	struct ward *w = *state;

	live(w, 3);
	step(w, 500000, 0);
	step(w, 7000000, 6950000);
	assert_int_equal(count(w), 3);
	mono_t awake = w->now;

	live(w, 2);
	assert_int_equal(count(w), 5);
	const struct pulse_sample *s = pulse_at(w->pulse, 3);

	assert_int_equal(s->ms, 1000);
	assert_int_equal(s->at.us - (uint64_t)s->ms * 1000, awake.us);
	assert_int_equal(s->late_ms, 6950);
	assert_true(s->silence_ms <= 50);
	assert_int_equal(s->beats[0], 19); /* the one at its very end is the next one's */
	assert_int_equal(last(w)->late_ms, 0);
}

/* Late, but by less than a second; and heartbeats that are rarer than one a second. */
static void what_is_longer_than_a_second_is_no_gap(void **state)
{
	struct ward *w = *state;

	live(w, 1);
	step(w, 1300000, 900000);
	assert_int_equal(last(w)->ms, 1300);
	assert_int_equal(last(w)->late_ms, 900);
	step(w, 10000000, 0);
	assert_int_equal(last(w)->ms, 10000);
	assert_int_equal(count(w), 3);
	step(w, 700000, 0); /* seconds keep their beginnings */
	assert_int_equal(last(w)->ms, 700);
}

static void a_new_engine_goes_on_with_the_samples(void **state)
{
	struct ward *w = *state;

	live(w, 3);
	w->now = mono_after_ms(w->now, 4000);
	pulse_start(w->pulse, &w->pair->conf, w->now);
	step(w, SECOND, 0);
	assert_int_equal(count(w), 4);
	assert_int_equal(last(w)->ms, 1000);
	assert_int_equal(last(w)->late_ms, 0);
	assert_int_equal(last(w)->silence_ms, PULSE_NEVER);
	/* Nonsense of one that died while it wrote. */
	w->pulse->n_groups = CONF_GROUPS_MAX + 1;
	pulse_start(w->pulse, &w->pair->conf, w->now);
	assert_int_equal(count(w), 0);
	step(w, SECOND, 0);
	assert_int_equal(last(w)->path[0], PATH_ALIVE);
}

/* Group 0, the first link and the first monitor go; another link comes. */
static void another_configuration_keeps_what_stays(void **state)
{
	struct ward *w = *state;
	struct conf *conf = calloc(1, sizeof(*conf));

	assert_non_null(conf);
	w->pair->view.path[1].state = PATH_ONE_WAY;
	w->pair->view.group[1].own.state = GROUP_BACKUP;
	w->pair->view.monitor_ok[1] = false;
	live(w, 1);
	*conf = w->pair->conf;
	conf->n_groups = conf->n_monitors = 1;
	conf->group[0] = conf->group[1];
	conf->path[0] = conf->path[1];
	conf->monitor[0] = conf->monitor[1];
	(void)snprintf(conf->path[1].name, CONF_NAME_MAX, "ha9");
	pulse_reconfigure(w->pulse, conf);
	const struct pulse_sample *s = last(w);

	assert_int_equal(s->path[0], PATH_ONE_WAY);
	assert_int_equal(s->beats[0], 10);
	assert_int_equal(s->path[1], PULSE_UNKNOWN);
	assert_int_equal(s->beats[1], 0);
	assert_int_equal(s->own[0], GROUP_BACKUP);
	assert_true(pulse_fails(s->failed, 0));
	assert_false(pulse_fails(s->failed, 1));
	w->pair->in.conf = conf;
	json_t *report = report_pulse(&w->pair->in, 0);
	json_t *sample = element(report, "samples", 0);

	assert_int_equal(json_array_size(json_object_get(sample, "groups")), 1);
	assert_member(element(sample, "links", 0), "name", "\"ha1\"");
	for (size_t i = 0; i < json_array_size(json_object_get(sample, "links")); i++)
		assert_string_not_equal("ha9",
			json_string_value(json_object_get(element(sample, "links", i), "name")));
	assert_member(sample, "failed", "[\"disk\"]");
	json_decref(report);
	free(conf);
}

static void a_report_tells_all_of_a_sample(void **state)
{
	struct ward *w = *state;

	w->pair->view.peer_monitor[0] = (struct monitor_view){ true, false, 100 };
	w->pair->view.mirror.peer_lag_us = 3000;
	live(w, 1);
	json_t *report = report_pulse(&w->pair->in, 0);
	json_t *sample = element(report, "samples", 0);

	assert_member(report, "node", "\"fw1\"");
	assert_member(report, "peer", "\"fw2\"");
	assert_member(report, "heartbeat_ms", "50");
	assert_member(report, "detection_ms", "200");
	assert_member(report, "next", "1");
	assert_member(report, "more", "false");
	assert_member(sample, "number", "0");
	assert_member(sample, "at", "\"1970-01-01T00:16:40.000Z\"");
	assert_member(sample, "ms", "1000");
	assert_member(sample, "silence_ms", "50");
	assert_member(sample, "late_ms", "0");
	assert_member(sample, "lag_ms", "0");
	assert_member(sample, "peer_lag_ms", "3");
	assert_member(sample, "backlog", "0");
	assert_member(sample, "failed", "[]");
	assert_member(sample, "peer_failed", "[\"gateway\"]");
	assert_member(element(sample, "links", 0), "beats", "19");
	assert_member(element(sample, "links", 0), "state", "\"alive\"");
	assert_member(element(sample, "groups", 1), "id", "5");
	assert_member(element(sample, "groups", 1), "own", "\"master\"");
	assert_member(element(sample, "groups", 1), "peer", "\"primary-backup\"");
	json_decref(report);
}

/* All of them come, once each, in order, however many answers that takes. */
static void a_report_goes_on_where_it_ended(void **state)
{
	struct ward *w = *state;
	json_int_t next = 0;
	bool more = true;
	unsigned answers = 0;

	for (unsigned i = 0; i < PULSE_SAMPLES_MAX + 5; i++)
		step(w, SECOND, 0);
	while (more) {
		json_t *report = report_pulse(&w->pair->in, (uint64_t)next);
		json_t *samples = json_object_get(report, "samples");

		next = next == 0 ? 5 : next;
		assert_true(json_array_size(samples) > 0);
		for (size_t i = 0; i < json_array_size(samples); i++, next++)
			assert_int_equal(next, json_integer_value(json_object_get(
						       json_array_get(samples, i), "number")));
		assert_int_equal(next, json_integer_value(json_object_get(report, "next")));
		more = json_is_true(json_object_get(report, "more"));
		answers++;
		json_decref(report);
	}
	assert_int_equal(next, PULSE_SAMPLES_MAX + 5);
	assert_true(answers > 5);
	json_t *beyond = report_pulse(&w->pair->in, UINT64_MAX);

	assert_member(beyond, "samples", "[]");
	assert_member(beyond, "more", "false");
	json_decref(beyond);
}

static void what_is_older_than_a_quarter_of_an_hour_is_not_told(void **state)
{
	struct ward *w = *state;

	live(w, 10);
	step(w, (uint64_t)895 * SECOND, (uint64_t)895 * SECOND);
	json_t *report = report_pulse(&w->pair->in, 0);

	assert_int_equal(json_array_size(json_object_get(report, "samples")), 5 + 1);
	json_decref(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define PULSE(name) cmocka_unit_test_setup_teardown(name, set_up_ward, tear_down_ward)
		PULSE(a_second_is_a_sample),
		PULSE(silence_grows_until_a_beat_ends_it),
		PULSE(the_ring_wraps),
		PULSE(time_in_which_nobody_looked_is_in_no_sample),
		PULSE(what_is_longer_than_a_second_is_no_gap),
		PULSE(a_new_engine_goes_on_with_the_samples),
		PULSE(another_configuration_keeps_what_stays),
		PULSE(a_report_tells_all_of_a_sample),
		PULSE(a_report_goes_on_where_it_ended),
		PULSE(what_is_older_than_a_quarter_of_an_hour_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
