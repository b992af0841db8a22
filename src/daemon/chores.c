/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "chores.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void chores_init(struct chores *c, const char *statedir, const struct log *log)
{
	memset(c, 0, sizeof(*c));
	c->statedir = statedir;
	c->log = log;
}

static int work(const struct chores *c)
{
	int result = c->save ? store_save(c->statedir, &c->saved) : 0;

	if (result != 0)
		log_err(c->log, "%s/state: not saved: %s", c->statedir, strerror(-result));
	for (unsigned i = 0; i < c->n_records; i++) {
		int added = store_history_add(c->statedir, &c->record[i]);

		if (added != 0) {
			log_warn(c->log, "%s/history: not written: %s", c->statedir,
				strerror(-added));
			return added;
		}
	}
	return result;
}

void chores_start(struct chores *c)
{
	if (c->child != 0 || (!c->save && c->n_records == 0))
		return;
	pid_t pid = fork();

	if (pid < 0) {
		log_err(c->log, "no child to write %s: %s", c->statedir, strerror(errno));
		return;
	}
	if (pid == 0)
		_exit(work(c) == 0 ? 0 : 1);
	c->child = pid;
	c->save = false;
	c->n_records = 0;
}

void chores_save(struct chores *c, const struct node_saved *saved)
{
	c->save = true;
	c->saved = *saved;
	chores_start(c);
}

void chores_record(struct chores *c, const struct store_record *record)
{
	if (c->n_records == CHORES_RECORDS_MAX) {
		c->lost_records++;
		return;
	}
	c->record[c->n_records++] = *record;
}

bool chores_ended(struct chores *c, pid_t pid, int status)
{
	if (c->child == 0 || pid != c->child)
		return false;
	(void)status; /* the child has said what went wrong */
	c->child = 0;
	chores_start(c);
	return true;
}

void chores_finish(struct chores *c)
{
	if (c->child != 0)
		(void)waitpid(c->child, NULL, 0);
	c->child = 0;
	(void)work(c);
	c->save = false;
	c->n_records = 0;
}
