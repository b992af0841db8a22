/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * clerk_state: what the files of `clerk` share; no one else's business. clerk.c is the process, and
 * hears guardian and engine; clerk_folder.c has one document; clerk_kept.c what is kept of it;
 * clerk_cpu.c keeps it out of the engine's way.
 */
#ifndef NSRP_DAEMON_CLERK_STATE_H
#define NSRP_DAEMON_CLERK_STATE_H

#include "clerk.h"

#include <sched.h>

/* A document, while the configuration wants it. */
struct folder {
	struct clerk *clerk;
	const struct document_ops *ops; /* NULL: this build has none */
	void *self;                     /* NULL: it is not wanted */
	bool has_fd;
	struct loop_fd io;
	struct loop_timer read_timer, keep_timer;
	mono_t changed_at; /* the first of the changes that were not read; MONO_NEVER */
	bool told;         /* the engine, of what follows */
	int fd;            /* as read last; -1: not, or not to be read */
	struct document_digest digest, lasting;
	int keep_fd; /* what is to be kept, and not written yet; -1: nothing */
	struct document_digest keep_digest;
	char why[DOCUMENT_TEXT_MAX];
};

struct clerk {
	const struct clerk_setup *setup;
	const struct log *log;
	struct conf conf;
	struct loop loop;
	struct loop_fd guardian_io, engine_io;
	int engine_fd;        /* -1 = none */
	cpu_set_t processors; /* on which the clerk may run */
	struct folder folder[DOCUMENTS];
};

/* clerk.c */
/* It may be a while until the engine takes it, as much as it has to do; or it is gone. */
void clerk_tell(const struct clerk *c, const struct message *m, int fd);

/* clerk_cpu.c */
/*
 * A commit of many rules is one system call, which many kernels do not interrupt: whoever is to run
 * on that processor waits for its end, with whatever priority. So the clerk does such work on
 * another than the engine's, where the machine has another: between these two.
 */
void clerk_step_aside(const struct clerk *c);
void clerk_step_back(const struct clerk *c);

/* clerk_folder.c */
/* Of a kind, empty; and then opened, if the configuration wants it. */
void folder_init(struct folder *f, struct clerk *c, uint8_t kind);
/* What was to be kept is written. */
void folder_close(struct folder *f);
/* What was read last, to an engine that knows nothing yet. */
void folder_tell_again(const struct folder *f);
/* What the engine wants. `fd` is sealed memory, borrowed, or -1: there was none. */
void folder_apply(struct folder *f, const struct message_document *m, int fd);
void folder_compare(struct folder *f, const struct message_document *m, int fd);
void folder_keep(struct folder *f, const struct document_digest *digest);
void folder_load(struct folder *f);

#endif
