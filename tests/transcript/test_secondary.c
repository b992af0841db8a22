/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Secondary paths: roles stay when the HA links bring nothing, or nothing new.
 */
#include "story.h"

static void roles_stay_when_only_a_secondary_path_is_left(void **state)
{
	struct pair *p = *state;

	pair_start_both(p);
	pair_cut(p, 0, true);
	pair_cut(p, 1, true);
	pair_run(p, 10000);
	assert_states(p, GROUP_MASTER, GROUP_PRIMARY_BACKUP);
	assert_silent(p, "peer");
	assert_int_equal(pair_path(p, 0, 2), PATH_ALIVE);
}

/* Frames of some paths come later than the others. */
struct late_frames {
	uint64_t us;
	unsigned from_path, end_path;
	unsigned first, end; /* of a ring */
	struct {
		uint64_t at;
		unsigned to, path;
		size_t len;
		uint8_t bytes[PAIR_FRAME_MAX];
	} frame[256];
};

static bool some_are_late(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	struct late_frames *late = p->user;

	if (path < late->from_path || path >= late->end_path)
		return true;
	unsigned i = late->end++ % ARRAY_LEN(late->frame);

	late->frame[i].at = p->now + late->us;
	late->frame[i].to = 1 - from;
	late->frame[i].path = path;
	late->frame[i].len = frame.len;
	memcpy(late->frame[i].bytes, frame.data, frame.len);
	return false;
}

static void run_with_late_frames(struct pair *p, uint64_t ms)
{
	struct late_frames *late = p->user;

	for (uint64_t until = p->now + ms * 1000; p->now < until;) {
		pair_run(p, 1);
		while (late->first < late->end) {
			unsigned i = late->first % ARRAY_LEN(late->frame);

			if (late->frame[i].at > p->now)
				break;
			late->first++;
			pair_frame(p, late->frame[i].to, late->frame[i].path, late->frame[i].bytes,
				late->frame[i].len);
		}
	}
}

/* Two heartbeats are little time: the first urgent beat does not wait for the next one. */
static void roles_stay_with_the_shortest_detection_time_too(void **state)
{
	static struct late_frames late = { .us = 1000, .from_path = 2, .end_path = 3 };
	struct pair *p = *state;

	p->side[0].conf->lost_after = 2;
	pair_same_conf(p);
	pair_start_both(p);
	p->user = &late;
	p->passes = some_are_late;
	for (unsigned ms = 0; ms < 50; ms += 7) {
		pair_monitor(p, 1, 1, ms % 2); /* a beat at another time than fw1's */
		run_with_late_frames(p, 1000);
		pair_cut(p, 0, true);
		pair_cut(p, 1, true);
		run_with_late_frames(p, 1000);
		pair_cut(p, 0, false);
		pair_cut(p, 1, false);
		run_with_late_frames(p, 1000 + ms);
	}
	assert_silent(p, "peer");
	assert_silent(p, "group");
}

/* What such links bring is no sign of life, and must not hide that secondary paths are needed. */
static void roles_stay_when_links_are_slower_than_the_detection_time(void **state)
{
	static struct late_frames late = { .us = 300000, .from_path = 0, .end_path = 2 };
	struct pair *p = *state;

	pair_start_both(p);
	p->user = &late;
	p->passes = some_are_late;
	run_with_late_frames(p, 3000);
	assert_silent(p, "peer");
	assert_silent(p, "group");
}

struct traffic {
	unsigned beats, urgent;
	unsigned apart; /* not with one by the HA links */
	uint64_t link_at;
};

static bool count_secondary(struct pair *p, unsigned from, unsigned path, struct span frame)
{
	struct traffic *t = p->user;
	struct span beat = pair_tlv(frame, WIRE_TLV_BEAT);

	if (from == 0 && path == 0)
		t->link_at = p->now;
	if (from == 0 && path == 2 && beat.len > 0) {
		t->beats++;
		t->apart += p->now != t->link_at;
		t->urgent += (beat.data[12] & WIRE_BEAT_URGENT) != 0;
	}
	return true;
}

static void urgent_beats_on_secondary_paths_when_links_are_silent(void **state)
{
	struct pair *p = *state;
	struct traffic t = { 0 };

	pair_start_both(p);
	p->user = &t;
	p->passes = count_secondary;
	pair_run(p, 5000);
	assert_in_range(t.beats, 10, 11); /* one in ten heartbeats */
	assert_in_range(t.urgent, 1, 2);  /* one each 5 s measures the round-trip time */
	assert_int_equal(t.apart, 0);
	pair_cut(p, 0, true);
	pair_cut(p, 1, true);
	pair_run(p, 150); /* the last one was heard up to a heartbeat ago */
	t = (struct traffic){ 0 };
	pair_run(p, 1000);
	assert_int_equal(t.urgent, 20);
	assert_int_equal(t.beats, 40); /* and fw2's are answered at once */
	pair_cut(p, 0, false);
	pair_run(p, 100);
	t = (struct traffic){ 0 };
	pair_run(p, 5000);
	assert_in_range(t.beats, 10, 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(roles_stay_when_only_a_secondary_path_is_left),
		STORY(roles_stay_with_the_shortest_detection_time_too),
		STORY(roles_stay_when_links_are_slower_than_the_detection_time),
		STORY(urgent_beats_on_secondary_paths_when_links_are_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
