/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guardian_state.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nsrp/executable.h"

static void counted(void *user, enum counter counter)
{
	guardian_count(user, counter, 1);
}

static void probed(void *user, const char *monitor, bool ok)
{
	struct message m = { .type = MESSAGE_PROBED };

	(void)snprintf(m.probed.monitor, sizeof(m.probed.monitor), "%s", monitor);
	m.probed.ok = ok;
	guardian_tell(user, &m);
}

static void hooks_are_over(void *user)
{
	struct guardian *g = user;

	loop_stop(&g->loop);
}

static void look(const struct guardian *g, const char *whose, const char *path)
{
	enum executable what = executable_look(path, geteuid());

	if (what != EXECUTABLE_GOOD)
		log_warn(g->log, "%s: %s: %s", whose, path, executable_text(what));
}

/* Better now than at the next failover. */
static void look_at_all(const struct guardian *g)
{
	const struct conf *conf = &g->loaded.conf;
	char whose[CONF_NAME_MAX + 16];

	for (unsigned i = 0; i < conf->n_groups; i++) {
		if (conf->group[i].hook[0] == '\0')
			continue;
		(void)snprintf(whose, sizeof(whose), "[group %u] hook", conf->group[i].id);
		look(g, whose, conf->group[i].hook);
	}
	for (unsigned i = 0; i < conf->n_monitors; i++) {
		const struct conf_monitor *m = &conf->monitor[i];

		if (m->type != CONF_MONITOR_SCRIPT)
			continue;
		(void)snprintf(whose, sizeof(whose), "[monitor %s] program", m->name);
		look(g, whose, m->program);
	}
}

void programs_init(struct guardian *g)
{
	const struct hooks_setup hooks = {
		.loop = &g->loop,
		.log = g->log,
		.conf = &g->loaded.conf,
		.user = g,
		.counted = counted,
		.over = hooks_are_over,
	};
	const struct scripts_setup scripts = {
		.loop = &g->loop,
		.log = g->log,
		.conf = &g->loaded.conf,
		.user = g,
		.probed = probed,
		.counted = counted,
	};

	look_at_all(g);
	hooks_init(&g->hooks, &hooks);
	scripts_init(&g->scripts, &scripts);
}

void programs_fini(struct guardian *g)
{
	scripts_fini(&g->scripts);
	hooks_fini(&g->hooks);
}

void programs_reconfigure(struct guardian *g)
{
	look_at_all(g);
	hooks_reconfigure(&g->hooks);
	scripts_reconfigure(&g->scripts);
}

bool programs_finish(struct guardian *g)
{
	scripts_fini(&g->scripts);
	return hooks_finish(&g->hooks);
}

bool programs_heard_child(struct guardian *g, pid_t pid)
{
	return scripts_heard_child(&g->scripts, pid) || hooks_heard_child(&g->hooks, pid);
}

void programs_abandon(struct guardian *g)
{
	scripts_abandon(&g->scripts);
	hooks_abandon(&g->hooks);
}
