/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guardian_state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "engine.h"
#include "io/neighbours.h"
#include "io/rtnl.h"

void guardian_tell(struct guardian *g, const struct message *message)
{
	if (g->engine_fd < 0)
		return;
	int result = message_send(g->engine_fd, message, -1);

	if (result != 0 && result != -EPIPE && result != -ECONNRESET)
		log_err(g->log, "guardian: the engine was not told: %s", strerror(-result));
}

void guardian_tell_group(struct guardian *g, enum message_type type, unsigned group)
{
	struct message m = { .type = type };

	m.group = g->loaded.conf.group[group].id;
	guardian_tell(g, &m);
}

void guardian_count(struct guardian *g, enum counter counter, uint32_t n)
{
	struct message m = { .type = MESSAGE_COUNTED };

	m.counted.counter = counter;
	m.counted.n = n;
	guardian_tell(g, &m);
}

static int index_of_id(const struct conf *conf, uint8_t id)
{
	for (unsigned i = 0; i < conf->n_groups; i++) {
		if (conf->group[i].id == id)
			return (int)i;
	}
	return -1;
}

/* The guardian's own part of a new configuration. */
static void put_in_force(struct guardian *g, const struct loaded *next, struct conf *old)
{
	int from[CONF_GROUPS_MAX];

	*old = g->loaded.conf;
	g->loaded = *next;
	for (unsigned i = 0; i < next->conf.n_groups; i++)
		from[i] = index_of_id(old, next->conf.group[i].id);
	guard_rearrange(&g->guard, &next->conf, from);
	steward_reconfigure(g, old);
	programs_reconfigure(g);
	clerk_reconfigure(g);
}

/* NULL when the new configuration is in force, else why it is not. *next and *old are memory to
 * work with. */
static const char *reload(struct guardian *g, uint32_t token, struct loaded *next, struct conf *old,
	char error[LOAD_ERROR_MAX])
{
	if (next == NULL || old == NULL)
		return "out of memory";
	if (load(g->setup->conf_file, g->setup->node, g->log, next, error) != 0)
		return error;
	if (!conf_can_replace(&g->loaded.conf, &next->conf))
		return "cluster id, nodes and node names only change with a restart";
	int fd = message_pack(next);
	struct message m = { .type = MESSAGE_CONF };

	if (fd < 0)
		return strerror(-fd);
	/* Under the old numbers, and before the engine has others. */
	steward_settle(g);
	m.reload.token = token;
	int result = message_send(g->engine_fd, &m, fd);

	close(fd);
	if (result != 0)
		return "the engine does not answer";
	put_in_force(g, next, old);
	return NULL;
}

void guardian_reload(struct guardian *g, uint32_t token)
{
	struct message m = { .type = MESSAGE_RELOAD_FAILED };
	char error[LOAD_ERROR_MAX];
	struct loaded *next = malloc(sizeof(*next));
	struct conf *old = malloc(sizeof(*old));
	const char *why = reload(g, token, next, old, error);

	if (next != NULL)
		explicit_bzero(next, sizeof(*next));
	free(next);
	free(old);
	if (why == NULL) {
		log_info(g->log, "configuration: %s is in force", g->setup->conf_file);
		return;
	}
	log_err(g->log, "configuration: the old one stays: %s", why);
	m.reload.token = token;
	snprintf(m.reload.text, sizeof(m.reload.text), "%s", why);
	guardian_tell(g, &m);
}

static void ordered(struct guardian *g, const struct message *m)
{
	struct guard_actions actions;
	int group = index_of_id(&g->loaded.conf, m->role.group);

	if (group < 0)
		return;
	guard_ordered(&g->guard, loop_now(), (unsigned)group, m->role.role, m->role.term, &actions);
	guardian_obey(g, &actions);
}

static void engine_is_ready(struct guardian *g)
{
	scripts_tell_again(&g->scripts);
	g->engine_ready = true;
	if (!g->ready_told && sd_notify(0, "READY=1") >= 0)
		g->ready_told = true;
}

static void record(struct guardian *g, const struct message *m)
{
	struct store_record record = {
		.wall_ms = m->record.wall_ms,
		.group = m->record.group,
		.change = m->record.change,
	};

	memcpy(record.monitor, m->record.monitor, sizeof(record.monitor));
	annals_add(&g->annals, &g->chores, &record);
	hooks_changed(&g->hooks, m->record.group, &m->record.change);
}

void guardian_check_wake(struct guardian *g)
{
	mono_t due = wake_get(g->wake);

	if (due.us == g->wake_seen.us)
		return;
	g->wake_seen = due;
	guard_engine_heard(&g->guard, due);
}

static void write_neighbours(struct guardian *g, const struct message *m)
{
	struct message done = { .type = MESSAGE_WRITTEN };

	done.written.n = m->write.n;
	neighbours_write(
		g->rtnl, span_of(m->write.bytes, m->write.len), m->write.n, done.written.error);
	guardian_tell(g, &done);
}

static void superseded(struct guardian *g, const struct message *m)
{
	int group = index_of_id(&g->loaded.conf, m->group);

	if (group >= 0)
		guard_superseded(&g->guard, loop_now(), (unsigned)group);
}

/* What is of use to the next engine alone is not worth a write. */
static void save(struct guardian *g, const struct node_saved *saved)
{
	bool outlives = store_differs(&g->saved, saved);

	g->saved = *saved;
	if (outlives)
		chores_save(&g->chores, saved);
}

static void heard(struct guardian *g, const struct message *m)
{
	int group;

	switch (m->type) {
	case MESSAGE_READY: engine_is_ready(g); break;
	case MESSAGE_WILL: wills_keep(&g->wills, span_of(m->will.bytes, m->will.len)); break;
	case MESSAGE_ORDER: ordered(g, m); break;
	case MESSAGE_ANNOUNCE:
		group = index_of_id(&g->loaded.conf, m->group);
		if (group >= 0)
			steward_announce(g, (unsigned)group);
		break;
	case MESSAGE_SAVE: save(g, &m->saved); break;
	case MESSAGE_RECORD: record(g, m); break;
	case MESSAGE_STEP:
		annals_step(&g->annals, m->step.group, m->step.step, m->step.at);
		annals_tell(&g->annals, &g->chores, m->step.group);
		break;
	case MESSAGE_RELOAD: guardian_reload(g, m->reload.token); break;
	case MESSAGE_WRITE: write_neighbours(g, m); break;
	case MESSAGE_CLAIMED: superseded(g, m); break;
	case MESSAGE_EXIT: g->engine_exits = true; break;
	case MESSAGE_ROLE_DONE:
	case MESSAGE_LEASE_LOST:
	case MESSAGE_TAKEN_AWAY:
	case MESSAGE_PROBED:
	case MESSAGE_COUNTED:
	case MESSAGE_WRITTEN:
	case MESSAGE_CONF:
	case MESSAGE_RELOAD_FAILED:
	case MESSAGE_STOP:
	case MESSAGE_CLERK: break; /* the guardian's own */
	case MESSAGE_DOCUMENT_PATCH:
	case MESSAGE_DOCUMENT_READ:
	case MESSAGE_DOCUMENT_UNREAD:
	case MESSAGE_DOCUMENT_JUDGED:
	case MESSAGE_DOCUMENT_COMPARED:
	case MESSAGE_DOCUMENT_APPLY:
	case MESSAGE_DOCUMENT_KEEP:
	case MESSAGE_DOCUMENT_LOAD: break; /* between clerk and engine */
	}
}

static void engine_says(void *user, unsigned readiness)
{
	struct guardian *g = user;
	struct message m;
	int fd, result;

	(void)readiness;
	while ((result = message_receive(g->engine_fd, &m, &fd)) > 0) {
		if (fd >= 0)
			close(fd); /* engines send none */
		heard(g, &m);
	}
	chores_start(&g->chores);
	if (result == -EPIPE)
		loop_fd_want(&g->engine_io, 0); /* SIGCHLD follows */
	guardian_check_wake(g);
	guardian_arm(g);
}

pid_t guardian_fork(int *ret_fd)
{
	int fds[2];
	int result = message_pair(fds);

	if (result != 0)
		return result;
	pid_t pid = fork();

	result = pid < 0 ? -errno : pid;
	if (pid <= 0)
		close(fds[0]);
	if (pid != 0)
		close(fds[1]);
	if (pid >= 0)
		*ret_fd = fds[pid == 0];
	return result;
}

void guardian_shed(struct guardian *g)
{
	for (unsigned i = 0; i < g->n_paths; i++)
		close(path_fd(&g->path[i]));
	close(watch_fd(g->watch));
	close(g->announcer.fd);
	programs_abandon(g);
	loop_fini(&g->loop);
}

/* In the child: only what the engine is to have is kept. */
static void become_engine(struct guardian *g, int fd)
{
	struct engine_setup setup = {
		.loaded = &g->loaded,
		.saved = &g->saved,
		.adopt = guard_held(&g->guard),
		.starts = g->guard.starts,
		.guardian_fd = fd,
		.wake = g->wake,
		.pulse = g->pulse,
		.guardian_port = rtnl_port(g->rtnl),
		.control = g->control,
		.logger = g->setup->logger,
		.statedir = g->setup->statedir,
	};

	guardian_shed(g);
	if (g->clerk_fd >= 0)
		close(g->clerk_fd);
	_exit(engine_run(&setup));
}

void guardian_spawn(struct guardian *g)
{
	int fd = -1;

	wills_forget(&g->wills);
	g->parting_due = false;
	g->wake_seen = (mono_t){ 0 };
	wake_set(g->wake, g->wake_seen, -1);
	pid_t pid = guardian_fork(&fd);

	if (pid < 0) {
		struct guard_actions actions;

		log_err(g->log, "no engine: %s", strerror(-pid));
		guard_engine_died(&g->guard, loop_now(), false, &actions);
		guardian_obey(g, &actions);
		return;
	}
	if (pid == 0)
		become_engine(g, fd);
	g->engine = pid;
	g->engine_fd = fd;
	g->engine_ready = g->engine_exits = false;
	loop_fd_init(&g->engine_io, &g->loop, g->engine_fd, engine_says, g);
	guardian_count(g, COUNTER_ENGINE_STARTS, (uint32_t)g->guard.starts);
	guardian_count(g, COUNTER_HOLDS_SENT, g->n_holds);
	guardian_count(g, COUNTER_PARTINGS_SENT, g->n_partings);
	guardian_count(g, COUNTER_CLERK_STARTS, g->clerk_starts);
	clerk_introduce(g);
}

void guardian_engine_ended(struct guardian *g, int status)
{
	struct guard_actions actions;

	/* What it said last comes before its end. */
	engine_says(g, LOOP_READ);
	loop_fd_fini(&g->engine_io);
	close(g->engine_fd);
	g->engine_fd = -1;
	g->engine = 0;
	bool clean = g->engine_exits && WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (!clean && WIFSIGNALED(status))
		log_err(g->log, "the engine was killed by signal %d", WTERMSIG(status));
	else if (!clean)
		log_err(g->log, "the engine ended with status %d", WEXITSTATUS(status));
	guard_engine_died(&g->guard, loop_now(), clean, &actions);
	guardian_obey(g, &actions);
}
