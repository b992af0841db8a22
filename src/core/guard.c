/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nsrp/guard.h"

#include <assert.h>
#include <string.h>

enum { BACKOFF_FIRST_MS = 1000 };

static void act(struct guard_actions *out, enum guard_action_type type, unsigned group,
	uint32_t term, bool report)
{
	assert(out->n < GUARD_ACTIONS_MAX);
	out->action[out->n++] = (struct guard_action){
		.type = type,
		.group = group,
		.term = term,
		.report = report,
	};
}

static struct guard_group fresh_group(void)
{
	return (struct guard_group){ .linger_until = MONO_NEVER };
}

/* Half of what is left of the detection time when the next beat is due. */
uint64_t guard_patience_us(const struct conf *conf)
{
	return (uint64_t)conf->heartbeat_ms * 1000 * (conf->lost_after - 1) / 2;
}

void guard_init(struct guard *g, const struct conf *conf, uint64_t held, mono_t now)
{
	assert(conf->n_groups <= CONF_GROUPS_MAX);
	memset(g, 0, sizeof(*g));
	g->n_groups = conf->n_groups;
	g->patience_us = guard_patience_us(conf);
	g->spawn_due = now;
	g->died_at = g->held_at = MONO_NEVER;
	g->renew_due = now;
	g->renewed_at = now;
	for (unsigned i = 0; i < CONF_GROUPS_MAX; i++) {
		g->group[i] = fresh_group();
		g->group[i].held = held >> i & 1;
	}
}

uint64_t guard_held(const struct guard *g)
{
	uint64_t held = 0;

	for (unsigned i = 0; i < g->n_groups; i++)
		held |= (uint64_t)g->group[i].held << i;
	return held;
}

static bool anything_left(const struct guard *g)
{
	for (unsigned i = 0; i < g->n_groups; i++) {
		if (g->group[i].held || !mono_is_never(g->group[i].linger_until))
			return true;
	}
	return false;
}

static void release(struct guard *g, unsigned i, enum guard_action_type type, bool report,
	struct guard_actions *out)
{
	g->group[i].held = false;
	g->group[i].linger_until = MONO_NEVER;
	act(out, type, i, g->group[i].term, report);
}

/* For an engine that can neither hand over nor say so. */
static void give_up(struct guard *g, struct guard_actions *out)
{
	for (unsigned i = 0; i < g->n_groups; i++) {
		if (g->group[i].held || !mono_is_never(g->group[i].linger_until))
			release(g, i, GUARD_REMOVE, false, out);
	}
	act(out, GUARD_SAY_PARTING, 0, 0, false);
}

void guard_ordered(struct guard *g, mono_t now, unsigned group, enum role role, uint32_t term,
	struct guard_actions *out)
{
	struct guard_group *it = &g->group[group];

	assert(group < g->n_groups);
	out->n = 0;
	it->term = term;
	switch (role) {
	case ROLE_TAKE:
		if (guard_held(g) == 0) {
			g->renewed_at = now;
			g->renew_due = mono_after_ms(now, GUARD_RENEW_MS);
		}
		it->held = true;
		it->yielded = false;
		it->put_backs = 0;
		it->linger_until = MONO_NEVER;
		act(out, GUARD_ADD, group, term, true);
		break;
	case ROLE_DROP: release(g, group, GUARD_REMOVE, true, out); break;
	case ROLE_DROP_LINGER:
		release(g, group, GUARD_REMOVE_LINGER, true, out);
		it->linger_until = mono_after_ms(now, GUARD_LINGER_MS);
		break;
	}
}

void guard_engine_heard(struct guard *g, mono_t due)
{
	g->engine_due = due;
	g->held_at = MONO_NEVER;
}

static bool lease_is_over(const struct guard *g, mono_t now)
{
	return mono_reached(mono_after_ms(g->renewed_at, GUARD_LEASE_MS), now);
}

void guard_missing(struct guard *g, mono_t now, unsigned group, struct guard_actions *out)
{
	struct guard_group *it = &g->group[group];

	assert(group < g->n_groups);
	out->n = 0;
	/* What the kernel took away stays away: the timer is about to give the group up. */
	if (!it->held || it->yielded || lease_is_over(g, now))
		return;
	if (mono_reached(mono_after_ms(it->put_back_since, GUARD_PUT_BACK_MS), now)) {
		it->put_back_since = now;
		it->put_backs = 0;
	}
	if (it->put_backs++ < GUARD_PUT_BACK_MAX) {
		act(out, GUARD_PUT_BACK, group, it->term, false);
		return;
	}
	it->yielded = true;
	act(out, GUARD_TELL_TAKEN_AWAY, group, it->term, false);
}

void guard_superseded(struct guard *g, mono_t now, unsigned group)
{
	struct guard_group *it = &g->group[group];

	assert(group < g->n_groups);
	if (!mono_is_never(it->linger_until))
		it->linger_until =
			mono_min(it->linger_until, mono_after_ms(now, GUARD_SUPERSEDED_MS));
}

static mono_t put_back_again_at(const struct guard_group *it)
{
	return it->held && it->yielded ? mono_after_ms(it->put_back_since, GUARD_PUT_BACK_MS)
				       : MONO_NEVER;
}

/* Nobody else took the group: after a while the addresses are tried again. */
static void put_back_again(struct guard *g, mono_t now, struct guard_actions *out)
{
	for (unsigned i = 0; i < g->n_groups; i++) {
		struct guard_group *it = &g->group[i];

		if (!mono_reached(put_back_again_at(it), now))
			continue;
		it->yielded = false;
		it->put_back_since = now;
		it->put_backs = 1;
		act(out, GUARD_PUT_BACK, i, it->term, false);
	}
}

/* The kernel has removed what was not renewed in time. */
static void lose_leases(struct guard *g, mono_t now, struct guard_actions *out)
{
	for (unsigned i = 0; i < g->n_groups; i++) {
		if (!g->group[i].held)
			continue;
		release(g, i, GUARD_REMOVE, false, out);
		act(out, GUARD_TELL_LEASE_LOST, i, g->group[i].term, false);
	}
	g->renewed_at = now;
}

static void keep_leases(struct guard *g, mono_t now, struct guard_actions *out)
{
	if (guard_held(g) == 0) {
		g->renew_due = MONO_NEVER;
		return;
	}
	if (lease_is_over(g, now)) {
		lose_leases(g, now, out);
		return;
	}
	if (!mono_reached(g->renew_due, now) && !mono_is_never(g->renew_due))
		return;
	act(out, GUARD_RENEW, 0, 0, false);
	g->renewed_at = now;
	g->renew_due = mono_after_ms(now, GUARD_RENEW_MS);
}

static mono_t judge_due(const struct guard *g)
{
	if (g->engine != GUARD_ENGINE_RUNNING)
		return MONO_NEVER;
	return mono_is_never(g->held_at) ? mono_after_us(g->engine_due, g->patience_us)
					 : mono_after_ms(g->held_at, GUARD_HANG_MS);
}

/* An engine that is late is spoken for; one that stays late hangs. */
static void judge_silence(struct guard *g, mono_t now, struct guard_actions *out)
{
	mono_t due = judge_due(g);

	if (!mono_reached(due, now))
		return;
	if (mono_since_us(due, now) > GUARD_LATE_MS * UINT64_C(1000)) {
		/* The whole machine was paused: the engine may be waking, too. */
		guard_engine_heard(g, now);
	} else if (mono_is_never(g->held_at)) {
		g->held_at = now;
		act(out, GUARD_SAY_HOLD, 0, 0, false);
	} else {
		g->engine = GUARD_ENGINE_KILLED;
		act(out, GUARD_KILL, 0, 0, false);
		give_up(g, out);
	}
}

static void judge_engine(struct guard *g, mono_t now, struct guard_actions *out)
{
	judge_silence(g, now, out);
	if (g->engine == GUARD_ENGINE_NONE && !g->stopping && mono_reached(g->spawn_due, now)) {
		g->engine = GUARD_ENGINE_RUNNING;
		guard_engine_heard(g, mono_after_ms(now, GUARD_START_MS));
		g->starts++;
		act(out, GUARD_SPAWN, 0, 0, false);
	}
}

void guard_timer(struct guard *g, mono_t now, struct guard_actions *out)
{
	out->n = 0;
	for (unsigned i = 0; i < g->n_groups; i++) {
		if (mono_reached(g->group[i].linger_until, now)) {
			g->group[i].linger_until = MONO_NEVER;
			act(out, GUARD_REMOVE_REST, i, g->group[i].term, false);
		}
	}
	keep_leases(g, now, out);
	put_back_again(g, now, out);
	judge_engine(g, now, out);
	if (g->stopping && g->engine == GUARD_ENGINE_NONE && !anything_left(g))
		act(out, GUARD_EXIT, 0, 0, false);
}

void guard_engine_died(struct guard *g, mono_t now, bool clean, struct guard_actions *out)
{
	bool hung = g->engine == GUARD_ENGINE_KILLED;
	bool again = !mono_is_never(g->died_at) &&
		     mono_since_us(g->died_at, now) < GUARD_SOON_MS * UINT64_C(1000);

	out->n = 0;
	g->engine = GUARD_ENGINE_NONE;
	g->died_at = now;
	if (clean || g->stopping) {
		for (unsigned i = 0; i < g->n_groups; i++) {
			if (g->group[i].held)
				release(g, i, GUARD_REMOVE, false, out);
		}
		if (!clean)
			act(out, GUARD_SAY_PARTING, 0, 0, false);
		g->stopping = true;
		return;
	}
	if (!again && !hung) {
		act(out, GUARD_SAY_HOLD, 0, 0, false);
		g->backoff_ms = 0;
		g->spawn_due = now;
		return;
	}
	give_up(g, out);
	g->backoff_ms = g->backoff_ms == 0 ? BACKOFF_FIRST_MS : g->backoff_ms * 2;
	if (g->backoff_ms > GUARD_BACKOFF_MAX_MS)
		g->backoff_ms = GUARD_BACKOFF_MAX_MS;
	g->spawn_due = mono_after_ms(now, g->backoff_ms);
}

void guard_stop(struct guard *g, mono_t now, struct guard_actions *out)
{
	(void)now;
	out->n = 0;
	g->stopping = true;
	if (g->engine != GUARD_ENGINE_NONE)
		return;
	/* Nobody is there to hand over. */
	give_up(g, out);
	act(out, GUARD_EXIT, 0, 0, false);
}

mono_t guard_deadline(const struct guard *g)
{
	mono_t at = MONO_NEVER;

	at = mono_min(at, judge_due(g));
	if (g->engine == GUARD_ENGINE_NONE && !g->stopping)
		at = mono_min(at, g->spawn_due);
	if (g->engine == GUARD_ENGINE_NONE && g->stopping && !anything_left(g))
		at = (mono_t){ 0 };
	if (guard_held(g) != 0)
		at = mono_min(
			at, mono_min(g->renew_due, mono_after_ms(g->renewed_at, GUARD_RENEW_MS)));
	for (unsigned i = 0; i < g->n_groups; i++)
		at = mono_min(
			at, mono_min(g->group[i].linger_until, put_back_again_at(&g->group[i])));
	return at;
}

void guard_rearrange(struct guard *g, const struct conf *conf, const int from[CONF_GROUPS_MAX])
{
	struct guard_group old[CONF_GROUPS_MAX];

	assert(conf->n_groups <= CONF_GROUPS_MAX);
	memcpy(old, g->group, sizeof(old));
	g->n_groups = conf->n_groups;
	g->patience_us = guard_patience_us(conf);
	for (unsigned i = 0; i < CONF_GROUPS_MAX; i++)
		g->group[i] = i < conf->n_groups && from[i] >= 0 ? old[from[i]] : fresh_group();
}
