/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clerk_state.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

/* ---- the engine ---------------------------------------------------------------------------- */

void clerk_tell(const struct clerk *c, const struct message *m, int fd)
{
	int result = c->engine_fd < 0 ? -EPIPE : message_send(c->engine_fd, m, fd);

	if (result != 0 && result != -EPIPE && result != -ECONNRESET)
		log_err(c->log, "clerk: the engine was not told: %s", strerror(-result));
}

static void heard(struct clerk *c, const struct message *m, int fd)
{
	unsigned place = document_place(m->document.kind);
	struct folder *f = &c->folder[place < DOCUMENTS ? place : 0];

	if (place == DOCUMENTS || f->ops == NULL)
		return;
	if (m->type == MESSAGE_DOCUMENT_APPLY && m->document.purpose == PURPOSE_COMPARE)
		folder_compare(f, &m->document, fd);
	else if (m->type == MESSAGE_DOCUMENT_APPLY)
		folder_apply(f, &m->document, fd);
	else if (m->type == MESSAGE_DOCUMENT_KEEP)
		folder_keep(f, &m->document.digest);
	else if (m->type == MESSAGE_DOCUMENT_LOAD)
		folder_load(f);
}

static void lose_engine(struct clerk *c)
{
	if (c->engine_fd < 0)
		return;
	loop_fd_fini(&c->engine_io);
	close(c->engine_fd);
	c->engine_fd = -1;
}

static void engine_says(void *user, unsigned readiness)
{
	struct clerk *c = user;
	struct message m;
	int fd, result;

	(void)readiness;
	while ((result = message_receive(c->engine_fd, &m, &fd)) > 0) {
		heard(c, &m, fd);
		if (fd >= 0)
			close(fd);
	}
	if (result == -EPIPE)
		lose_engine(c);
}

/* A new engine knows nothing yet. */
static void meet_engine(struct clerk *c, int fd)
{
	lose_engine(c);
	c->engine_fd = fd;
	loop_fd_init(&c->engine_io, &c->loop, fd, engine_says, c);
	for (unsigned i = 0; i < DOCUMENTS; i++)
		folder_tell_again(&c->folder[i]);
}

/* ---- the guardian -------------------------------------------------------------------------- */

static void open_folders(struct clerk *c)
{
	for (unsigned i = 0; i < DOCUMENTS; i++)
		folder_init(&c->folder[i], c, document_kind_at(i));
}

static void reconfigure(struct clerk *c, int fd)
{
	struct conf *next = malloc(sizeof(*next));

	if (next != NULL && fd >= 0 && message_unpack_conf(fd, next) == 0) {
		for (unsigned i = 0; i < DOCUMENTS; i++)
			folder_close(&c->folder[i]);
		c->conf = *next;
		open_folders(c);
	}
	free(next);
}

static void guardian_says(void *user, unsigned readiness)
{
	struct clerk *c = user;
	struct message m;
	int fd, result;

	(void)readiness;
	while ((result = message_receive(c->setup->guardian_fd, &m, &fd)) > 0) {
		if (m.type == MESSAGE_CLERK && fd >= 0) {
			meet_engine(c, fd);
			continue;
		}
		if (m.type == MESSAGE_CONF)
			reconfigure(c, fd);
		if (fd >= 0)
			close(fd);
	}
	if (result == -EPIPE)
		loop_stop(&c->loop);
}

static void set_signals(void)
{
	loop_signals_reset();
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
}

int clerk_run(const struct clerk_setup *setup)
{
	struct clerk *c = calloc(1, sizeof(*c));
	int result = process_become_clerk(setup->parent);

	set_signals();
	if (c == NULL || result != 0 || loop_init(&c->loop) != 0) {
		log_err(setup->log, "clerk: not started: %s",
			strerror(result != 0 ? -result : ENOMEM));
		free(c);
		return 1;
	}
	c->setup = setup;
	c->log = setup->log;
	c->conf = *setup->conf;
	c->engine_fd = -1;
	if (sched_getaffinity(0, sizeof(c->processors), &c->processors) != 0)
		CPU_ZERO(&c->processors);
	loop_fd_init(&c->guardian_io, &c->loop, setup->guardian_fd, guardian_says, c);
	open_folders(c);
	loop_run(&c->loop);
	for (unsigned i = 0; i < DOCUMENTS; i++)
		folder_close(&c->folder[i]);
	lose_engine(c);
	loop_fd_fini(&c->guardian_io);
	loop_fini(&c->loop);
	free(c);
	return 0;
}
