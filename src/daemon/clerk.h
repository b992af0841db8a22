/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * clerk: the process that reads and applies documents. It may block, and runs with ordinary
 * priority; the guardian starts it, and starts another when it ends.
 *
 * It watches what its documents are made of, reads one anew some milliseconds after the last of a
 * row of changes, and tells the engine; it applies what the engine gives it, and says what came of
 * it. Of the kinds that go with the power it keeps the last that both nodes had.
 */
#ifndef NSRP_DAEMON_CLERK_H
#define NSRP_DAEMON_CLERK_H

#include "nsrp/document.h"
#include "io/loop.h"
#include "message.h"
#include "wake.h"

#include <sys/types.h>

struct clerk_setup {
	const struct log *log;
	const char *statedir, *conf_file;
	const struct conf *conf; /* copied */
	int guardian_fd;         /* owned */
	struct wake *wake;       /* the engine's; NULL: there is none */
	pid_t parent;
};

/* Runs until the guardian is gone, or does not want it any more. The exit status. */
int clerk_run(const struct clerk_setup *setup);

/* clerk_kept.c: STATEDIR/NAME.kept, the last document that both nodes had. All return 0 or negative
 * errno. */

/* `fd` holds its bytes. */
int clerk_keep(const char *statedir, const struct document_ops *ops,
	const struct document_digest *digest, int fd);
/* What is kept, when that was before this boot of the machine: a memfd, the caller's. -ENOENT:
 * there is none; -ESTALE: it is of this boot; -EBADMSG: damaged, or another format. */
int clerk_kept(
	const char *statedir, const struct document_ops *ops, struct document_digest *ret_digest);

#endif
