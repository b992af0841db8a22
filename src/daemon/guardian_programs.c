/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guardian_state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
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

/* Now, and not only at the next failover; by a child, since file systems may not answer. It holds
 * nothing of ours meanwhile: another guardian may follow. */
static void look_aside(struct guardian *g)
{
	pid_t parent = getpid();

	g->look_again = g->looker != 0;
	if (g->looker != 0)
		return;
	pid_t pid = fork();

	if (pid < 0) {
		log_warn(g->log, "hooks and scripts were not looked at: %s", strerror(errno));
		return;
	}
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
			_exit(1);
		look_at_all(g);
		_exit(0);
	}
	g->looker = pid;
}

static bool looker_ended(struct guardian *g, pid_t pid)
{
	if (g->looker == 0 || pid != g->looker || waitpid(pid, NULL, WNOHANG) != pid)
		return false;
	g->looker = 0;
	if (g->look_again)
		look_aside(g);
	return true;
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

	look_aside(g);
	hooks_init(&g->hooks, &hooks);
	scripts_init(&g->scripts, &scripts);
}

void programs_fini(struct guardian *g)
{
	if (g->looker != 0)
		(void)kill(g->looker, SIGKILL);
	scripts_fini(&g->scripts);
	hooks_fini(&g->hooks);
}

void programs_reconfigure(struct guardian *g)
{
	look_aside(g);
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
	return scripts_heard_child(&g->scripts, pid) || hooks_heard_child(&g->hooks, pid) ||
	       looker_ended(g, pid);
}

void programs_abandon(struct guardian *g)
{
	scripts_abandon(&g->scripts);
	hooks_abandon(&g->hooks);
}
