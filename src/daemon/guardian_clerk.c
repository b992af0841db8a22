/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The clerk, as its parent sees it. */
#include "guardian_state.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clerk.h"

enum {
	AGAIN_MS = 200,       /* a clerk that ended is followed by another, so soon ... */
	AGAIN_MAX_MS = 60000, /* ... and later each time it ended within this time */
	END_TRIES = 40,       /* for what it is doing, when the service ends */
	END_AGAIN_US = 50000,
};

static bool is_wanted(const struct guardian *g)
{
	for (unsigned i = 0; document_table[i] != NULL; i++) {
		if (document_table[i]->wanted(&g->loaded.conf))
			return true;
	}
	return false;
}

static void tell(struct guardian *g, const struct message *m, int fd)
{
	int result = message_send(g->clerk_fd, m, fd);

	if (result != 0 && result != -EPIPE)
		log_err(g->log, "guardian: the clerk was not told: %s", strerror(-result));
}

void clerk_introduce(struct guardian *g)
{
	const struct message m = { .type = MESSAGE_CLERK };
	int fds[2];

	if (g->clerk_fd < 0 || g->engine_fd < 0)
		return;
	int result = message_pair(fds);

	if (result != 0) {
		log_err(g->log, "clerk and engine have no way to each other: %s",
			strerror(-result));
		return;
	}
	tell(g, &m, fds[0]);
	(void)message_send(g->engine_fd, &m, fds[1]);
	close(fds[0]);
	close(fds[1]);
}

static _Noreturn void become_clerk(struct guardian *g, int fd, pid_t parent)
{
	struct clerk_setup setup = {
		.log = g->log,
		.statedir = g->setup->statedir,
		.conf_file = g->setup->conf_file,
		.guardian_fd = fd,
		.wake = g->wake,
		.parent = parent,
	};
	struct conf *conf = malloc(sizeof(*conf)); /* the guardian's, without keys */

	if (conf == NULL)
		_exit(1);
	*conf = g->loaded.conf;
	setup.conf = conf;
	explicit_bzero(&g->loaded, sizeof(g->loaded));
	guardian_shed(g);
	if (g->engine_fd >= 0)
		close(g->engine_fd);
	close(g->control.fd);
	_exit(clerk_run(&setup));
}

static void spawn(struct guardian *g)
{
	int fd = -1;
	pid_t self = getpid(), pid = guardian_fork(&fd);

	if (pid < 0) {
		log_err(g->log, "no clerk: %s", strerror(-pid));
		loop_timer_set(&g->clerk_timer, mono_after_ms(loop_now(), AGAIN_MAX_MS));
		return;
	}
	if (pid == 0)
		become_clerk(g, fd, self);
	g->clerk = pid;
	g->clerk_fd = fd;
	g->clerk_since = loop_now();
	g->clerk_starts++;
	guardian_count(g, COUNTER_CLERK_STARTS, 1);
	clerk_introduce(g);
}

static void due(void *user, mono_t at)
{
	struct guardian *g = user;

	(void)at;
	if (g->clerk == 0 && !g->leaving && is_wanted(g))
		spawn(g);
}

/* It ends when it has nobody to hear. */
static void dismiss(struct guardian *g)
{
	if (g->clerk_fd >= 0)
		close(g->clerk_fd);
	g->clerk_fd = -1;
}

void clerk_init(struct guardian *g)
{
	g->clerk_fd = -1;
	loop_timer_init(&g->clerk_timer, &g->loop, due, g);
	loop_timer_set(&g->clerk_timer, loop_now());
}

void clerk_fini(struct guardian *g)
{
	dismiss(g);
	for (unsigned i = 0; i < END_TRIES && g->clerk != 0; i++) {
		if (waitpid(g->clerk, NULL, WNOHANG) != 0)
			g->clerk = 0;
		else
			(void)usleep(END_AGAIN_US);
	}
	if (g->clerk == 0)
		return;
	log_warn(g->log, "the clerk does not end: killed");
	(void)kill(g->clerk, SIGKILL);
	(void)waitpid(g->clerk, NULL, 0);
	g->clerk = 0;
}

void clerk_reconfigure(struct guardian *g)
{
	struct message m = { .type = MESSAGE_CONF };

	if (!is_wanted(g)) {
		dismiss(g);
		return;
	}
	if (g->clerk == 0) {
		loop_timer_set(&g->clerk_timer, loop_now());
		return;
	}
	int fd = message_pack_conf(&g->loaded.conf);

	if (fd < 0) {
		log_err(g->log, "the clerk keeps the old configuration: %s", strerror(-fd));
		return;
	}
	tell(g, &m, fd);
	close(fd);
}

bool clerk_ended(struct guardian *g, pid_t pid, int status)
{
	if (g->clerk == 0 || pid != g->clerk)
		return false;
	bool dismissed = g->clerk_fd < 0;
	uint64_t lived_ms = mono_since_us(g->clerk_since, loop_now()) / 1000;

	dismiss(g);
	g->clerk = 0;
	if (!dismissed && WIFSIGNALED(status))
		log_err(g->log, "the clerk was killed by signal %d", WTERMSIG(status));
	else if (!dismissed)
		log_err(g->log, "the clerk ended with status %d", WEXITSTATUS(status));
	g->clerk_wait_ms =
		lived_ms > AGAIN_MAX_MS || g->clerk_wait_ms == 0 ? AGAIN_MS : g->clerk_wait_ms * 4;
	if (g->clerk_wait_ms > AGAIN_MAX_MS)
		g->clerk_wait_ms = AGAIN_MAX_MS;
	loop_timer_set(&g->clerk_timer, mono_after_ms(loop_now(), g->clerk_wait_ms));
	return true;
}
