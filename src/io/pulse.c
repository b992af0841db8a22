/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pulse.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* Held up for so long, nobody looked. */
enum { GAP_US = PULSE_PERIOD_MS * 1000 };

static_assert(CONF_MONITORS_MAX % 64 == 0, "a bit for each monitor");

struct pulse *pulse_new(void)
{
	struct pulse *p =
		mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void pulse_free(struct pulse *p)
{
	if (p != NULL)
		(void)munmap(p, sizeof(*p));
}

/* ---- what the indexes mean ------------------------------------------------------------------ */

/* For each index of the next configuration the present one, or -1. */
struct moves {
	int path[CONF_PATHS_MAX], group[CONF_GROUPS_MAX], monitor[CONF_MONITORS_MAX];
	bool any;
};

static int find_name(const char name[][CONF_NAME_MAX], unsigned n, const char *wanted)
{
	for (unsigned i = 0; i < n; i++) {
		if (strncmp(name[i], wanted, CONF_NAME_MAX) == 0)
			return (int)i;
	}
	return -1;
}

static int find_group(const struct pulse *p, uint8_t id)
{
	for (unsigned g = 0; g < p->n_groups; g++) {
		if (p->group[g] == id)
			return (int)g;
	}
	return -1;
}

static void find_moves(const struct pulse *p, const struct conf *conf, struct moves *m)
{
	m->any = p->n_paths != conf->n_paths || p->n_groups != conf->n_groups ||
		 p->n_monitors != conf->n_monitors;
	for (unsigned i = 0; i < conf->n_paths; i++) {
		m->path[i] = find_name(p->path, p->n_paths, conf->path[i].name);
		m->any |= m->path[i] != (int)i;
	}
	for (unsigned g = 0; g < conf->n_groups; g++) {
		m->group[g] = find_group(p, conf->group[g].id);
		m->any |= m->group[g] != (int)g;
	}
	for (unsigned i = 0; i < conf->n_monitors; i++) {
		m->monitor[i] = find_name(p->monitor, p->n_monitors, conf->monitor[i].name);
		m->any |= m->monitor[i] != (int)i;
	}
}

static void move_monitors(struct pulse_sample *s, const struct pulse_sample *was,
	const struct moves *m, unsigned n_monitors)
{
	memset(s->failed, 0, sizeof(s->failed));
	memset(s->peer_failed, 0, sizeof(s->peer_failed));
	for (unsigned i = 0; i < n_monitors; i++) {
		if (m->monitor[i] < 0)
			continue;
		unsigned from = (unsigned)m->monitor[i];

		s->failed[i / 64] |= (uint64_t)pulse_fails(was->failed, from) << i % 64;
		s->peer_failed[i / 64] |= (uint64_t)pulse_fails(was->peer_failed, from) << i % 64;
	}
}

static void move_sample(struct pulse_sample *s, const struct moves *m, const struct conf *conf)
{
	const struct pulse_sample was = *s;

	for (unsigned i = 0; i < conf->n_paths; i++) {
		int from = m->path[i];

		s->path[i] = from < 0 ? PULSE_UNKNOWN : was.path[from];
		s->beats[i] = from < 0 ? 0 : was.beats[from];
	}
	for (unsigned g = 0; g < conf->n_groups; g++) {
		int from = m->group[g];

		s->own[g] = from < 0 ? PULSE_UNKNOWN : was.own[from];
		s->peer[g] = from < 0 ? PULSE_UNKNOWN : was.peer[from];
		s->own_weight[g] = from < 0 ? 0 : was.own_weight[from];
		s->peer_weight[g] = from < 0 ? 0 : was.peer_weight[from];
	}
	move_monitors(s, &was, m, conf->n_monitors);
}

static void name_all(struct pulse *p, const struct conf *conf)
{
	p->n_paths = conf->n_paths;
	p->n_groups = conf->n_groups;
	p->n_monitors = conf->n_monitors;
	for (unsigned i = 0; i < conf->n_paths; i++)
		(void)snprintf(p->path[i], CONF_NAME_MAX, "%s", conf->path[i].name);
	for (unsigned g = 0; g < conf->n_groups; g++)
		p->group[g] = conf->group[g].id;
	for (unsigned i = 0; i < conf->n_monitors; i++)
		(void)snprintf(p->monitor[i], CONF_NAME_MAX, "%s", conf->monitor[i].name);
}

void pulse_reconfigure(struct pulse *p, const struct conf *conf)
{
	struct moves m;
	uint32_t beats[CONF_PATHS_MAX];

	find_moves(p, conf, &m);
	if (!m.any)
		return;
	for (unsigned i = 0; i < PULSE_SAMPLES_MAX && i < p->made; i++)
		move_sample(&p->sample[i], &m, conf);
	memcpy(beats, p->beats, sizeof(beats));
	for (unsigned i = 0; i < conf->n_paths; i++)
		p->beats[i] = m.path[i] < 0 ? 0 : beats[m.path[i]];
	name_all(p, conf);
}

/* ---- a sample ------------------------------------------------------------------------------- */

static void begin(struct pulse *p, mono_t now)
{
	p->begun = now;
	p->late_us = p->silence_us = 0;
	memset(p->beats, 0, sizeof(p->beats));
}

void pulse_start(struct pulse *p, const struct conf *conf, mono_t now)
{
	if (p->n_paths > CONF_PATHS_MAX || p->n_groups > CONF_GROUPS_MAX ||
		p->n_monitors > CONF_MONITORS_MAX)
		memset(p, 0, sizeof(*p));
	pulse_reconfigure(p, conf);
	begin(p, now);
	p->due = mono_after_ms(now, PULSE_PERIOD_MS);
	p->heard_at = MONO_NEVER;
}

void pulse_woke(struct pulse *p, mono_t now, uint64_t late_us)
{
	if (late_us >= GAP_US) {
		begin(p, now);
		p->due = mono_after_ms(now, PULSE_PERIOD_MS);
		/* What came meanwhile is about to be heard. */
		if (!mono_is_never(p->heard_at))
			p->heard_at = now;
	}
	if (late_us > p->late_us)
		p->late_us = late_us;
}

static void note_silence(struct pulse *p, mono_t now)
{
	uint64_t us = mono_is_never(p->heard_at) ? 0 : mono_since_us(p->heard_at, now);

	if (us > p->silence_us)
		p->silence_us = us;
}

void pulse_beat(struct pulse *p, unsigned i, mono_t now)
{
	note_silence(p, now);
	p->heard_at = now;
	p->beats[i]++;
}

static uint32_t ms_of(uint64_t us)
{
	return us / 1000 < UINT32_MAX ? (uint32_t)(us / 1000) : UINT32_MAX - 1;
}

static void look_at_paths(struct pulse_sample *s, const struct pulse *p, const struct node_view *v)
{
	for (unsigned i = 0; i < v->n_paths; i++) {
		s->path[i] = (uint8_t)v->path[i].state;
		s->beats[i] = p->beats[i] < UINT16_MAX ? (uint16_t)p->beats[i] : UINT16_MAX;
	}
}

static void look_at_groups(struct pulse_sample *s, const struct node_view *v)
{
	for (unsigned g = 0; g < v->n_groups; g++) {
		const struct group_view *group = &v->group[g];

		s->own[g] = (uint8_t)group->own.state;
		s->own_weight[g] = group->own.failed_weight;
		s->peer[g] = group->peer.known ? (uint8_t)group->peer.state : PULSE_UNKNOWN;
		s->peer_weight[g] = group->peer.known ? group->peer.failed_weight : 0;
	}
}

static void look_at_monitors(
	struct pulse_sample *s, const struct pulse *p, const struct node_view *v)
{
	for (unsigned i = 0; i < p->n_monitors; i++) {
		const struct monitor_view *peer = &v->peer_monitor[i];

		s->failed[i / 64] |= (uint64_t)!v->monitor_ok[i] << i % 64;
		s->peer_failed[i / 64] |= (uint64_t)(peer->known && !peer->ok) << i % 64;
	}
}

void pulse_close(struct pulse *p, const struct node_view *view)
{
	struct pulse_sample *s = &p->sample[p->made % PULSE_SAMPLES_MAX];
	size_t backlog = view->mirror.backlog;
	bool up = view->mirror.up;

	note_silence(p, view->now);
	*s = (struct pulse_sample){
		.at = view->now,
		.ms = ms_of(mono_since_us(p->begun, view->now)),
		.silence_ms = mono_is_never(p->heard_at) ? PULSE_NEVER : ms_of(p->silence_us),
		.late_ms = ms_of(p->late_us),
		.lag_ms = up ? ms_of(view->mirror.lag_us) : PULSE_NEVER,
		.peer_lag_ms = up ? ms_of(view->mirror.peer_lag_us) : PULSE_NEVER,
		.backlog = backlog < UINT32_MAX ? (uint32_t)backlog : UINT32_MAX,
	};
	look_at_paths(s, p, view);
	look_at_groups(s, view);
	look_at_monitors(s, p, view);
	p->made++;
	begin(p, view->now);
	/* The seconds keep their beginnings. */
	p->due = mono_after_us(p->due, (mono_since_us(p->due, view->now) / GAP_US + 1) * GAP_US);
}

void pulse_range(const struct pulse *p, uint64_t *ret_first, uint64_t *ret_end)
{
	*ret_first = p->made > PULSE_SAMPLES_MAX ? p->made - PULSE_SAMPLES_MAX : 0;
	*ret_end = p->made;
}

const struct pulse_sample *pulse_at(const struct pulse *p, uint64_t number)
{
	return &p->sample[number % PULSE_SAMPLES_MAX];
}
