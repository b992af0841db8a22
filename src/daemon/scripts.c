/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scripts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void fill_environment(const struct script *script, struct program_environment *e)
{
	const struct conf *conf = script->scripts->setup.conf;
	const struct conf_monitor *m = &script->monitor;
	char target[INET6_ADDRSTRLEN];

	program_environment_add_number(e, "NSRP_CLUSTER", conf->cluster_id);
	program_environment_add(e, "NSRP_NODE", conf->node[conf->self]);
	program_environment_add(e, "NSRP_MONITOR", m->name);
	if (m->device[0] != '\0')
		program_environment_add(e, "NSRP_INTERFACE", m->device);
	if (m->target.family != 0 &&
		inet_ntop(m->target.family, m->target.bytes, target, sizeof(target)) != NULL)
		program_environment_add(e, "NSRP_TARGET", target);
}

static void note_result(struct script *script, const struct program_result *result)
{
	const struct scripts_setup *setup = &script->scripts->setup;
	char subject[CONF_NAME_MAX + CONF_PATH_MAX + 16];

	script->has_result = true;
	script->passed = program_passed(result);
	if (!script->passed) {
		(void)snprintf(subject, sizeof(subject), "monitor %s: %s", script->monitor.name,
			script->monitor.program);
		complain(&script->complaint, setup->log, loop_now(), subject, result);
		setup->counted(setup->user, COUNTER_SCRIPTS_FAILED);
	}
	if (result->end == PROGRAM_TIMED_OUT)
		setup->counted(setup->user, COUNTER_PROGRAMS_HUNG);
	setup->probed(setup->user, script->monitor.name, script->passed);
}

static void arm(struct scripts *s)
{
	mono_t at = MONO_NEVER;

	for (unsigned i = 0; i < CONF_MONITORS_MAX; i++) {
		const struct script *script = &s->script[i];

		if (script->scripts == NULL)
			continue;
		at = mono_min(at, script->due);
		if (script->waits && s->running < SCRIPTS_AT_ONCE)
			at = (mono_t){ 0 };
	}
	loop_timer_set(&s->timer, at);
}

static void ended(void *user, const struct program_result *result)
{
	struct script *script = user;

	script->scripts->running--;
	note_result(script, result);
	arm(script->scripts);
}

static void start(struct script *script)
{
	struct program_environment environment = { .n = 0 };
	uint32_t limit_ms = script->monitor.interval_ms;

	if (limit_ms < SCRIPT_LIMIT_MIN_MS)
		limit_ms = SCRIPT_LIMIT_MIN_MS;
	script->waits = false;
	fill_environment(script, &environment);
	int result =
		program_start(&script->program, script->monitor.program, &environment, limit_ms);

	if (result == 0) {
		script->scripts->running++;
		return;
	}
	struct program_result failed = {
		.end = PROGRAM_NOT_STARTED,
		.code = -result,
		.why = strerror(-result),
	};

	note_result(script, &failed);
}

static void note_due(struct script *script, mono_t now)
{
	const struct scripts_setup *setup = &script->scripts->setup;

	if (!mono_reached(script->due, now))
		return;
	if (script->waits || program_runs(&script->program))
		setup->counted(setup->user, COUNTER_SCRIPTS_SKIPPED);
	else
		script->waits = true;
	script->due = mono_after_ms(script->due, script->monitor.interval_ms);
	if (mono_reached(script->due, now)) /* after a long pause */
		script->due = mono_after_ms(now, script->monitor.interval_ms);
}

/* One a round of the loop: to start a program takes a fork. */
static void start_next(struct scripts *s)
{
	if (s->running == SCRIPTS_AT_ONCE)
		return;
	for (unsigned i = 0; i < CONF_MONITORS_MAX; i++) {
		unsigned at = (s->turn + i) % CONF_MONITORS_MAX;
		struct script *script = &s->script[at];

		if (script->scripts == NULL || !script->waits || program_runs(&script->program))
			continue;
		s->turn = at + 1;
		start(script);
		return;
	}
}

static void timer_due(void *user, mono_t due)
{
	struct scripts *s = user;
	mono_t now = loop_now();

	(void)due;
	for (unsigned i = 0; i < CONF_MONITORS_MAX; i++) {
		if (s->script[i].scripts != NULL)
			note_due(&s->script[i], now);
	}
	start_next(s);
	arm(s);
}

static void take_away(struct script *script)
{
	if (script->scripts == NULL)
		return;
	script->scripts->running -= program_runs(&script->program);
	program_fini(&script->program);
	memset(script, 0, sizeof(*script));
}

/* What of a monitor is the program's concern. */
static bool runs_alike(const struct conf_monitor *a, const struct conf_monitor *b)
{
	return a->type == b->type && a->interval_ms == b->interval_ms &&
	       strcmp(a->name, b->name) == 0 && strcmp(a->program, b->program) == 0 &&
	       strcmp(a->device, b->device) == 0 &&
	       memcmp(&a->target, &b->target, sizeof(a->target)) == 0;
}

static bool is_wanted(const struct script *script)
{
	const struct conf *conf = script->scripts->setup.conf;

	for (unsigned i = 0; i < conf->n_monitors; i++) {
		if (runs_alike(&conf->monitor[i], &script->monitor))
			return true;
	}
	return false;
}

static void add(struct scripts *s, const struct conf_monitor *monitor)
{
	struct script *free_one = NULL;

	for (unsigned i = 0; i < CONF_MONITORS_MAX; i++) {
		struct script *script = &s->script[i];

		if (script->scripts == NULL)
			free_one = free_one != NULL ? free_one : script;
		else if (runs_alike(&script->monitor, monitor))
			return;
	}
	if (free_one == NULL) /* there are as many as monitors */
		return;
	free_one->scripts = s;
	free_one->monitor = *monitor;
	free_one->due = loop_now();
	program_init(&free_one->program, s->setup.loop, ended, free_one);
}

void scripts_reconfigure(struct scripts *s)
{
	const struct conf *conf = s->setup.conf;

	for (unsigned i = 0; i < CONF_MONITORS_MAX; i++) {
		if (s->script[i].scripts != NULL && !is_wanted(&s->script[i]))
			take_away(&s->script[i]);
	}
	for (unsigned i = 0; i < conf->n_monitors; i++) {
		if (conf->monitor[i].type == CONF_MONITOR_SCRIPT)
			add(s, &conf->monitor[i]);
	}
	arm(s);
}

void scripts_init(struct scripts *s, const struct scripts_setup *setup)
{
	s->setup = *setup;
	loop_timer_init(&s->timer, setup->loop, timer_due, s);
	scripts_reconfigure(s);
}

void scripts_fini(struct scripts *s)
{
	for (unsigned i = 0; i < CONF_MONITORS_MAX; i++)
		take_away(&s->script[i]);
	loop_timer_fini(&s->timer);
}

void scripts_tell_again(const struct scripts *s)
{
	for (unsigned i = 0; i < CONF_MONITORS_MAX; i++) {
		const struct script *script = &s->script[i];

		if (script->scripts != NULL && script->has_result)
			s->setup.probed(s->setup.user, script->monitor.name, script->passed);
	}
}

bool scripts_heard_child(struct scripts *s, pid_t pid)
{
	for (unsigned i = 0; i < CONF_MONITORS_MAX; i++) {
		if (s->script[i].scripts != NULL && program_heard_child(&s->script[i].program, pid))
			return true;
	}
	return false;
}

void scripts_abandon(struct scripts *s)
{
	for (unsigned i = 0; i < CONF_MONITORS_MAX; i++) {
		if (s->script[i].scripts != NULL)
			program_abandon(&s->script[i].program);
	}
}
