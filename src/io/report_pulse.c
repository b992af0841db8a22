/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "form.h"
#include "report_part.h"

/* Members of samples in one answer, about: telling them takes half a millisecond. */
enum { MEMBERS_MAX = 800 };

static json_t *path_of(const struct report_input *in, const struct pulse_sample *s, unsigned i)
{
	struct form f;

	form_begin(&f);
	form_text(&f, "name", in->conf->path[i].name);
	form_claim(&f, "secondary", in->conf->path[i].secondary);
	form_text(&f, "state", path_state_name((enum path_state)s->path[i]));
	form_number(&f, "beats", s->beats[i]);
	return form_end(&f);
}

static void put_state(struct form *f, const char *key, uint8_t state)
{
	form_text(
		f, key, state == PULSE_UNKNOWN ? NULL : group_state_name((enum group_state)state));
}

static json_t *group_of(const struct report_input *in, const struct pulse_sample *s, unsigned g)
{
	struct form f;

	form_begin(&f);
	form_number(&f, "id", in->conf->group[g].id);
	put_state(&f, "own", s->own[g]);
	put_state(&f, "peer", s->peer[g]);
	form_number(&f, "failed_weight", s->own_weight[g]);
	form_number(&f, "peer_failed_weight", s->peer_weight[g]);
	return form_end(&f);
}

/* A path or group that was not there yet is left out. */
static json_t *paths_of(const struct report_input *in, const struct pulse_sample *s)
{
	json_t *paths = json_array();

	for (unsigned i = 0; i < in->conf->n_paths; i++) {
		if (s->path[i] != PULSE_UNKNOWN)
			paths = form_append(paths, path_of(in, s, i));
	}
	return paths;
}

static json_t *groups_of(const struct report_input *in, const struct pulse_sample *s)
{
	json_t *groups = json_array();

	for (unsigned g = 0; g < in->conf->n_groups; g++) {
		if (s->own[g] != PULSE_UNKNOWN)
			groups = form_append(groups, group_of(in, s, g));
	}
	return groups;
}

static json_t *failed_of(const struct report_input *in, const uint64_t failed[PULSE_MONITOR_WORDS])
{
	json_t *names = json_array();

	for (unsigned i = 0; i < in->conf->n_monitors; i++) {
		if (pulse_fails(failed, i))
			names = form_append(names, json_string(in->conf->monitor[i].name));
	}
	return names;
}

static void put_ms(struct form *f, const char *key, uint32_t ms)
{
	if (ms == PULSE_NEVER)
		form_null(f, key);
	else
		form_number(f, key, ms);
}

static json_t *sample_of(const struct report_input *in, uint64_t number)
{
	const struct pulse_sample *s = pulse_at(in->pulse, number);
	struct form f;

	form_begin(&f);
	form_number(&f, "number", (int64_t)number);
	form_add(&f, "at", report_wall(in, s->at));
	form_number(&f, "ms", s->ms);
	put_ms(&f, "silence_ms", s->silence_ms);
	form_number(&f, "late_ms", s->late_ms);
	put_ms(&f, "lag_ms", s->lag_ms);
	put_ms(&f, "peer_lag_ms", s->peer_lag_ms);
	form_number(&f, "backlog", s->backlog);
	form_add(&f, "links", paths_of(in, s));
	form_add(&f, "groups", groups_of(in, s));
	form_add(&f, "failed", failed_of(in, s->failed));
	form_add(&f, "peer_failed", failed_of(in, s->peer_failed));
	return form_end(&f);
}

/* Older ones are there when there was a gap. */
static bool is_recent(const struct report_input *in, uint64_t number)
{
	return mono_since_us(pulse_at(in->pulse, number)->at, in->view->now) <=
	       (uint64_t)PULSE_SAMPLES_MAX * PULSE_PERIOD_MS * 1000;
}

json_t *report_pulse(const struct report_input *in, uint64_t from)
{
	unsigned members = 8 + 3 * in->conf->n_paths + 5 * in->conf->n_groups;
	unsigned room = members < MEMBERS_MAX ? MEMBERS_MAX / members : 1;
	uint64_t first = 0, end = 0;
	json_t *samples = json_array();
	struct form f;

	if (in->pulse)
		pulse_range(in->pulse, &first, &end);
	if (from > first)
		first = from < end ? from : end;
	while (first < end && !is_recent(in, first))
		first++;
	for (; first < end && room > 0; first++, room--)
		samples = form_append(samples, sample_of(in, first));
	form_begin(&f);
	form_add(&f, "node", report_node(in, in->conf->self));
	form_add(&f, "peer", report_node(in, 1 - in->conf->self));
	form_add(&f, "now", report_wall(in, in->view->now));
	form_number(&f, "heartbeat_ms", in->conf->heartbeat_ms);
	form_number(&f, "detection_ms", conf_detection_ms(in->conf));
	form_add(&f, "samples", samples);
	form_number(&f, "next", (int64_t)first);
	form_claim(&f, "more", first < end);
	return form_end(&f);
}
