/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hooks.h"
#include "nsrp/node.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct conf_group *group_of(const struct hook *hook)
{
	const struct conf *conf = hook->hooks->setup.conf;

	for (unsigned i = 0; i < conf->n_groups; i++) {
		if (conf->group[i].id == hook->group)
			return &conf->group[i];
	}
	return NULL;
}

static enum group_state old_state(const struct hook *hook)
{
	return hook->was_told ? hook->told.to : hook->wanted.from;
}

static void fill_environment(const struct hook *hook, struct program_environment *e)
{
	const struct conf *conf = hook->hooks->setup.conf;
	const struct action_record *r = &hook->wanted;

	program_environment_add_number(e, "NSRP_CLUSTER", conf->cluster_id);
	program_environment_add(e, "NSRP_NODE", conf->node[conf->self]);
	program_environment_add(e, "NSRP_PEER", conf->node[1 - conf->self]);
	program_environment_add_number(e, "NSRP_GROUP", hook->group);
	program_environment_add(e, "NSRP_OLD_STATE", group_state_name(old_state(hook)));
	program_environment_add(e, "NSRP_STATE", group_state_name(r->to));
	program_environment_add_number(e, "NSRP_TERM", r->term);
	program_environment_add(e, "NSRP_RULE", rule_label(r->rule));
	program_environment_add(e, "NSRP_REASON", reason_text(r->reason));
}

static void arm(struct hooks *h)
{
	mono_t at = MONO_NEVER;

	for (unsigned i = 0; i < HOOKS_MAX; i++) {
		const struct hook *hook = &h->hook[i];

		if (hook->hooks != NULL && hook->waits && !program_runs(&hook->program))
			at = mono_min(at, hook->due);
	}
	loop_timer_set(&h->timer, at);
}

static bool is_idle(const struct hooks *h)
{
	for (unsigned i = 0; i < HOOKS_MAX; i++) {
		const struct hook *hook = &h->hook[i];

		if (hook->hooks != NULL && (hook->waits || program_runs(&hook->program)))
			return false;
	}
	return true;
}

static void go_on(struct hooks *h)
{
	arm(h);
	if (!h->ending || h->over || !is_idle(h))
		return;
	h->over = true;
	h->setup.over(h->setup.user);
}

/* `told` is what the run was for. */
static void note_result(struct hook *hook, const struct program_result *result)
{
	const struct hooks_setup *setup = &hook->hooks->setup;
	char subject[CONF_PATH_MAX + 64];

	if (program_passed(result))
		return;
	(void)snprintf(subject, sizeof(subject), "group %u: hook %s for %s", hook->group,
		hook->path, group_state_name(hook->told.to));
	complain(&hook->complaint, setup->log, loop_now(), subject, result);
	setup->counted(setup->user, COUNTER_HOOKS_FAILED);
	if (result->end == PROGRAM_TIMED_OUT)
		setup->counted(setup->user, COUNTER_PROGRAMS_HUNG);
}

static void ended(void *user, const struct program_result *result)
{
	struct hook *hook = user;

	note_result(hook, result);
	go_on(hook->hooks);
}

static bool is_news(const struct hook *hook)
{
	return !hook->was_told || hook->told.to != hook->wanted.to ||
	       hook->told.term != hook->wanted.term;
}

static void tell(struct hook *hook)
{
	const struct conf_group *group = group_of(hook);
	struct program_environment environment = { .n = 0 };
	int result = 0;

	hook->waits = false;
	if (!is_news(hook))
		return;
	fill_environment(hook, &environment);
	hook->told = hook->wanted;
	hook->was_told = true;
	if (group != NULL)
		(void)snprintf(hook->path, sizeof(hook->path), "%s", group->hook);
	if (hook->path[0] == '\0')
		return;
	hook->hooks->setup.counted(hook->hooks->setup.user, COUNTER_HOOKS_RUN);
	result = program_start(&hook->program, hook->path, &environment,
		hook->hooks->ending ? HOOK_LAST_LIMIT_MS : HOOK_LIMIT_MS);
	if (result == 0)
		return;
	struct program_result failed = {
		.end = PROGRAM_NOT_STARTED,
		.code = -result,
		.why = strerror(-result),
	};

	note_result(hook, &failed);
}

/* One a round of the loop: to start a program takes a fork. */
static void timer_due(void *user, mono_t due)
{
	struct hooks *h = user;

	(void)due;
	for (unsigned i = 0; i < HOOKS_MAX; i++) {
		struct hook *hook = &h->hook[i];

		if (hook->hooks == NULL || !hook->waits || program_runs(&hook->program) ||
			!mono_reached(hook->due, loop_now()))
			continue;
		tell(hook);
		break;
	}
	go_on(h);
}

/* Something does not die when it is killed. */
static void end_due(void *user, mono_t due)
{
	struct hooks *h = user;

	(void)due;
	if (h->over)
		return;
	h->over = true;
	h->setup.over(h->setup.user);
}

void hooks_init(struct hooks *h, const struct hooks_setup *setup)
{
	h->setup = *setup;
	loop_timer_init(&h->timer, setup->loop, timer_due, h);
	loop_timer_init(&h->end_timer, setup->loop, end_due, h);
}

void hooks_fini(struct hooks *h)
{
	for (unsigned i = 0; i < HOOKS_MAX; i++) {
		if (h->hook[i].hooks != NULL)
			program_fini(&h->hook[i].program);
		h->hook[i].hooks = NULL;
	}
	loop_timer_fini(&h->timer);
	loop_timer_fini(&h->end_timer);
}

static struct hook *hook_of(struct hooks *h, uint8_t group)
{
	struct hook *hook = &h->hook[group];

	if (hook->hooks == NULL) {
		hook->hooks = h;
		hook->group = group;
		program_init(&hook->program, h->setup.loop, ended, hook);
	}
	return hook;
}

void hooks_changed(struct hooks *h, uint8_t group, const struct action_record *change)
{
	struct hook *hook = hook_of(h, group);
	bool known = hook->waits || hook->was_told;
	enum group_state last = hook->waits ? hook->wanted.to : hook->told.to;

	if (h->over || change->from == change->to ||
		(change->reason == REASON_RESUMED && known && last == change->to))
		return;
	if (hook->waits)
		h->setup.counted(h->setup.user, COUNTER_HOOKS_SKIPPED);
	hook->wanted = *change;
	if (!hook->waits)
		hook->due = mono_after_ms(loop_now(), HOOK_DELAY_MS);
	hook->waits = true;
	arm(h);
}

/* Nobody else says that the group is given up: it is not there any more, or no engine is. */
static void give_up(struct hook *hook)
{
	const struct action_record *last = hook->waits ? &hook->wanted : &hook->told;
	struct action_record change = {
		.from = GROUP_MASTER,
		.to = GROUP_INELIGIBLE,
		.rule = RULE_INELIGIBLE,
		.reason = REASON_STOPPING,
		.term = last->term,
	};

	if (last->to == GROUP_MASTER)
		hooks_changed(hook->hooks, hook->group, &change);
}

void hooks_reconfigure(struct hooks *h)
{
	for (unsigned i = 0; i < HOOKS_MAX; i++) {
		struct hook *hook = &h->hook[i];

		if (hook->hooks != NULL && group_of(hook) == NULL)
			give_up(hook);
	}
}

bool hooks_finish(struct hooks *h)
{
	mono_t now = loop_now();

	h->ending = true;
	for (unsigned i = 0; i < HOOKS_MAX; i++) {
		struct hook *hook = &h->hook[i];

		if (hook->hooks == NULL)
			continue;
		give_up(hook);
		hook->due = now;
		program_shorten(&hook->program, HOOK_RUNNING_LIMIT_MS);
	}
	h->over = is_idle(h);
	if (h->over)
		return true;
	arm(h);
	loop_timer_set(&h->end_timer, mono_after_ms(now, HOOKS_END_MS));
	return false;
}

bool hooks_heard_child(struct hooks *h, pid_t pid)
{
	for (unsigned i = 0; i < HOOKS_MAX; i++) {
		if (h->hook[i].hooks != NULL && program_heard_child(&h->hook[i].program, pid))
			return true;
	}
	return false;
}

void hooks_abandon(struct hooks *h)
{
	for (unsigned i = 0; i < HOOKS_MAX; i++) {
		if (h->hook[i].hooks != NULL)
			program_abandon(&h->hook[i].program);
	}
}
