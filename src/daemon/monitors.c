/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The monitors at work: a sentry for each. Links are watched, pings and ARP ask on a timer of
 * their own; a script's results are brought by whoever runs it. What changes is told to the core,
 * which weighs it.
 */
#include "engine_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/damper.h"
#include "monitor/link.h"
#include "monitor/probe.h"
#include "monitor/prober.h"

enum {
	/* Linux tells of a link at once, but holds back what follows within a second
	 * (net/core/link_watch.c): for so long after each news carriers are asked for. */
	POLL_FOR_MS = 1200,
	FIRST_POLL_US = 500,
	POLL_MS = 5,
};

struct sentry {
	struct engine *engine;
	unsigned index; /* in conf.monitor */
	struct conf_monitor conf;
	bool fails;   /* as told to the core */
	mono_t since; /* of `fails` */
	struct damper damper;
	struct link link;
	struct probe probe;
	struct prober prober;
	struct loop_timer timer;
	struct loop_fd io;
	bool open; /* prober, and io */
	int error; /* of the last question */
	struct monitor_counts count;
	char lost_members[sizeof(((struct report_monitor_fact *)NULL)->lost_members)];
};

static bool asks(const struct sentry *s)
{
	return prober_ops_of(&s->conf) != NULL;
}

static void tell(struct sentry *s, bool fails)
{
	struct event event = { .type = EVENT_MONITOR };

	s->fails = fails;
	s->since = loop_now();
	event.monitor.monitor = s->index;
	event.monitor.ok = !fails;
	engine_step(s->engine, &event);
}

/* ---- those that ask ------------------------------------------------------------------------ */

static void probed(struct sentry *s, bool ok)
{
	if (damper_probed(&s->damper, s->conf.fall, s->conf.rise, ok))
		tell(s, s->damper.failed);
}

static void heard(struct sentry *s, uint16_t sequence)
{
	switch (probe_heard(&s->probe, sequence, loop_now())) {
	case PROBE_GOOD:
		s->count.answers++;
		probed(s, true);
		break;
	case PROBE_TAKEN_BACK:
		s->count.late++;
		if (damper_taken_back(&s->damper))
			tell(s, false);
		break;
	case PROBE_STALE: s->count.late++; break;
	}
}

static void hear(struct sentry *s)
{
	uint16_t sequence;

	for (unsigned i = 0; i < PROBER_HEAR_MAX && prober_hear(&s->prober, &sequence); i++)
		heard(s, sequence);
}

static int send_question(struct sentry *s, uint16_t sequence)
{
	static const struct watch_link none = { .ifindex = 0 };
	const struct watch_link *link = watch_link(s->engine->watch, s->conf.device);

	if (!s->open)
		return -ENOTCONN;
	if (link == NULL)
		link = &none;
	return prober_ask(&s->prober, sequence, link->ifindex, link->mac);
}

/* One that cannot be sent is waited for like any other, and fails. */
static void ask(struct sentry *s)
{
	uint16_t sequence = probe_sent(&s->probe, loop_now(), s->damper.failed);
	int error = send_question(s, sequence);

	if (error == 0)
		s->count.probes++;
	else
		s->count.errors++;
	if (error != s->error && error != 0)
		log_info(s->engine->log, "monitor %s: cannot ask: %s", s->conf.name,
			strerror(-error));
	s->error = error;
}

/* What has arrived is heard before it is judged what has not. */
static void due(void *user, mono_t at)
{
	struct sentry *s = user;

	(void)at;
	hear(s);
	if (probe_expired(&s->probe, loop_now()))
		probed(s, false);
	if (probe_is_due(&s->probe, loop_now()))
		ask(s);
	loop_timer_set(&s->timer, probe_deadline(&s->probe));
}

static void readable(void *user, unsigned readiness)
{
	struct sentry *s = user;

	(void)readiness;
	hear(s);
	loop_timer_set(&s->timer, probe_deadline(&s->probe));
}

/* ---- links --------------------------------------------------------------------------------- */

static bool has_carrier(const struct sentry *s)
{
	const struct watch_link *link = watch_link(s->engine->watch, s->conf.device);

	return link != NULL && link->carrier;
}

/* Looks for members of the bond or team that lost their carrier; a change is logged. */
static void look_at_members(struct sentry *s)
{
	const struct watch *watch = s->engine->watch;
	const struct watch_link *bond = watch_link(watch, s->conf.device);
	char lost[sizeof(s->lost_members)] = "";
	size_t len = 0;

	for (unsigned i = 0; bond != NULL && i < WATCH_LINKS_MAX; i++) {
		const struct watch_link *member = watch_link_at(watch, i);

		if (member == NULL || member->bond != bond->ifindex || member->carrier ||
			len + strlen(member->name) + 2 > sizeof(lost))
			continue;
		if (len > 0)
			lost[len++] = ' ';
		memcpy(lost + len, member->name, strlen(member->name));
		len += strlen(member->name);
	}
	if (strcmp(lost, s->lost_members) == 0)
		return;
	memcpy(s->lost_members, lost, sizeof(lost));
	if (len > 0)
		log_warn(s->engine->log, "monitor %s: members of %s without carrier: %s",
			s->conf.name, s->conf.device, lost);
	else
		log_info(s->engine->log, "monitor %s: all members of %s have carrier", s->conf.name,
			s->conf.device);
}

static void look_at_link(struct sentry *s)
{
	uint32_t debounce_ms = s->conf.rise * s->conf.interval_ms;

	if (link_changed(&s->link, has_carrier(s), debounce_ms, loop_now()))
		tell(s, !s->link.passes);
	loop_timer_set(&s->timer, link_deadline(&s->link));
	look_at_members(s);
}

static void settled(void *user, mono_t at)
{
	struct sentry *s = user;

	(void)at;
	if (link_settled(&s->link, loop_now()))
		tell(s, false);
}

static void look_at_links(struct engine *e, const char *device)
{
	for (unsigned i = 0; i < e->conf->n_monitors; i++) {
		struct sentry *s = e->sentry[i];

		if (s == NULL || s->conf.type != CONF_MONITOR_LINK)
			continue;
		if (device == NULL || strcmp(s->conf.device, device) == 0)
			look_at_link(s);
		else
			look_at_members(s);
	}
}

/* A path's interface, or a link monitor's. */
static bool is_ours(const struct engine *e, const char *device)
{
	for (unsigned i = 0; i < e->conf->n_paths; i++) {
		if (strcmp(e->way[i].device, device) == 0)
			return true;
	}
	for (unsigned i = 0; i < e->conf->n_monitors; i++) {
		const struct conf_monitor *m = &e->conf->monitor[i];

		if (m->type == CONF_MONITOR_LINK && strcmp(m->device, device) == 0)
			return true;
	}
	return false;
}

static void poll_carriers(void *user, mono_t at)
{
	struct engine *e = user;

	(void)at;
	if (watch_poll(e->watch) == 0 && mono_before(loop_now(), e->poll_until))
		loop_timer_set(&e->poll_timer, mono_after_ms(loop_now(), POLL_MS));
}

void monitors_link_changed(struct engine *e, const struct watch_event *event)
{
	look_at_links(e, event->link.name);
	if (!is_ours(e, event->link.name))
		return;
	/* Links often go together, and the HA links' carriers decide within milliseconds. */
	e->poll_until = mono_after_ms(loop_now(), POLL_FOR_MS);
	loop_timer_set(&e->poll_timer, mono_after_us(loop_now(), FIRST_POLL_US));
}

void monitors_links_resynced(struct engine *e)
{
	look_at_links(e, NULL);
}

/* The weight of the group's monitors that pass, and would fail with the next probe. */
static uint16_t doubtful_weight(const struct engine *e, unsigned g)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < e->conf->n_monitors; i++) {
		const struct conf_monitor *m = &e->conf->monitor[i];
		const struct sentry *s = e->sentry[i];

		if (s != NULL && (m->all_groups || m->group == g) && !s->damper.failed &&
			s->damper.failures > 0 && s->damper.failures + 1 >= m->fall)
			sum += m->weight;
	}
	return sum < UINT16_MAX ? (uint16_t)sum : UINT16_MAX;
}

/* Within a step of the core, but its list of actions is done with. */
void monitors_look_anew(struct engine *e)
{
	uint64_t groups = e->looks;

	e->looks = 0;
	/* Events of what is found are delivered at once. Where this cannot be done without
	 * waiting, what the kernel told so far has to do. */
	(void)watch_poll(e->watch);
	for (unsigned g = 0; g < e->conf->n_groups; g++) {
		struct event event = { .type = EVENT_LOOKED };

		event.looked.group = g;
		event.looked.doubtful = doubtful_weight(e, g);
		if (groups >> g & 1)
			engine_step(e, &event);
	}
}

/* ---- starting and stopping ----------------------------------------------------------------- */

static void open_prober(struct sentry *s)
{
	struct engine *e = s->engine;
	int result = prober_open(&s->prober, &s->conf);

	if (result != 0) {
		log_err(e->log, "monitor %s: not started: %s", s->conf.name, strerror(-result));
		return;
	}
	s->open = true;
	loop_fd_init(&s->io, &e->loop, prober_fd(&s->prober), readable, s);
}

/* First probes are spread over the interval. */
static void start_asking(struct sentry *s)
{
	uint64_t interval_us = (uint64_t)s->conf.interval_ms * 1000;
	uint64_t after_us = interval_us * s->index / s->engine->conf->n_monitors;

	loop_timer_init(&s->timer, &s->engine->loop, due, s);
	open_prober(s);
	probe_init(&s->probe, s->conf.interval_ms, mono_after_us(loop_now(), after_us));
	loop_timer_set(&s->timer, probe_deadline(&s->probe));
}

static void start_watching(struct sentry *s)
{
	loop_timer_init(&s->timer, &s->engine->loop, settled, s);
	link_init(&s->link, has_carrier(s));
	look_at_members(s);
}

/* Takes up monitor i; one that asks fails until it passes if the one of the same name before it
 * did.
 */
static void start(struct engine *e, unsigned i, bool fails)
{
	struct sentry *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		log_err(e->log, "monitor %s: not started: out of memory", e->conf->monitor[i].name);
		return;
	}
	s->engine = e;
	s->index = i;
	s->conf = e->conf->monitor[i];
	s->prober.fd = -1;
	e->sentry[i] = s;
	if (asks(s))
		start_asking(s);
	else if (s->conf.type == CONF_MONITOR_LINK)
		start_watching(s);
	else
		loop_timer_init(&s->timer, &e->loop, settled, s);
	s->damper.failed = fails;
	tell(s, s->conf.type == CONF_MONITOR_LINK ? !s->link.passes : fails);
}

static void add_counts(struct monitor_counts *sum, const struct monitor_counts *more)
{
	sum->probes += more->probes;
	sum->answers += more->answers;
	sum->late += more->late;
	sum->errors += more->errors;
}

static void stop(struct sentry *s)
{
	add_counts(&s->engine->ended_sentries, &s->count);
	loop_timer_fini(&s->timer);
	if (s->open)
		loop_fd_fini(&s->io);
	prober_close(&s->prober);
	free(s);
}

void monitors_init(struct engine *e)
{
	loop_timer_init(&e->poll_timer, &e->loop, poll_carriers, e);
}

void monitors_start(struct engine *e)
{
	/* Of an interface set up a moment ago the dump may not have the carrier yet. */
	for (unsigned i = 0; i < e->conf->n_monitors; i++) {
		if (e->conf->monitor[i].type == CONF_MONITOR_LINK)
			(void)watch_refresh(e->watch, e->conf->monitor[i].device);
	}
	for (unsigned i = 0; i < e->conf->n_monitors; i++) {
		if (e->sentry[i] == NULL)
			start(e, i, false);
	}
}

void monitors_fini(struct engine *e)
{
	for (unsigned i = 0; i < CONF_MONITORS_MAX; i++) {
		if (e->sentry[i] != NULL)
			stop(e->sentry[i]);
		e->sentry[i] = NULL;
	}
	loop_timer_fini(&e->poll_timer);
}

/* Asks the same: weight, group, rise and fall may change without starting anew. */
static bool is_same(const struct conf_monitor *a, const struct conf_monitor *b)
{
	return strcmp(a->name, b->name) == 0 && a->type == b->type &&
	       strcmp(a->device, b->device) == 0 &&
	       memcmp(&a->target, &b->target, sizeof(a->target)) == 0 &&
	       strcmp(a->program, b->program) == 0 && a->interval_ms == b->interval_ms;
}

static bool did_fail(struct sentry *const old[CONF_MONITORS_MAX], const char *name)
{
	for (unsigned k = 0; k < CONF_MONITORS_MAX; k++) {
		if (old[k] != NULL && strcmp(old[k]->conf.name, name) == 0)
			return old[k]->fails;
	}
	return false;
}

void monitors_reconfigure(struct engine *e)
{
	struct sentry *old[CONF_MONITORS_MAX];

	memcpy(old, e->sentry, sizeof(old));
	memset(e->sentry, 0, sizeof(e->sentry));
	for (unsigned i = 0; i < e->conf->n_monitors; i++) {
		for (unsigned k = 0; k < CONF_MONITORS_MAX; k++) {
			if (old[k] == NULL || !is_same(&old[k]->conf, &e->conf->monitor[i]))
				continue;
			e->sentry[i] = old[k];
			old[k] = NULL;
			e->sentry[i]->index = i;
			e->sentry[i]->conf = e->conf->monitor[i];
			break;
		}
	}
	for (unsigned i = 0; i < e->conf->n_monitors; i++) {
		if (e->sentry[i] == NULL)
			start(e, i, did_fail(old, e->conf->monitor[i].name));
	}
	for (unsigned k = 0; k < CONF_MONITORS_MAX; k++) {
		if (old[k] != NULL)
			stop(old[k]);
	}
}

/* ---- for others ---------------------------------------------------------------------------- */

void monitors_probed(struct engine *e, unsigned monitor, bool ok)
{
	if (monitor >= e->conf->n_monitors || e->sentry[monitor] == NULL ||
		e->sentry[monitor]->conf.type != CONF_MONITOR_SCRIPT)
		return;
	e->sentry[monitor]->count.probes++;
	if (ok)
		e->sentry[monitor]->count.answers++;
	probed(e->sentry[monitor], ok);
}

void monitors_look(const struct engine *e, struct report_monitor_fact facts[CONF_MONITORS_MAX])
{
	for (unsigned i = 0; i < e->conf->n_monitors; i++) {
		const struct sentry *s = e->sentry[i];

		facts[i] = (struct report_monitor_fact){ .since = MONO_NEVER };
		if (s == NULL)
			continue;
		facts[i].since = s->since;
		facts[i].failures = s->damper.failures;
		facts[i].passes = s->damper.passes;
		facts[i].rtt_us = s->probe.patience.last_us;
		facts[i].probes = s->count.probes;
		facts[i].answers = s->count.answers;
		facts[i].late = s->count.late;
		facts[i].errors = s->count.errors;
		facts[i].error = s->error;
		memcpy(facts[i].lost_members, s->lost_members, sizeof(s->lost_members));
	}
}

void monitors_counters(const struct engine *e, struct monitor_counts *ret_sum)
{
	*ret_sum = e->ended_sentries;
	for (unsigned i = 0; i < CONF_MONITORS_MAX; i++) {
		if (e->sentry[i] != NULL)
			add_counts(ret_sum, &e->sentry[i]->count);
	}
}
