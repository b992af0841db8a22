/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "client.h"
#include "reply.h"
#include "screen.h"
#include "verb.h"
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	EACH_MS = 500,
	LINE_EACH_MS = 1000, /* of the JSON */
	ANSWER_MS = 1000,    /* what the daemon has for an answer */
	FRESH_MS = 10000,    /* after a change the history gets its steps */
	HISTORY_MS = 60 * 1000,
};

/* The answers are owned, or NULL. */
struct watch {
	const char *rundir;
	json_t *status, *history;
	json_t *groups; /* who was what, when history was asked for */
	int64_t status_at, history_at, changed_at;
	bool reached;
	char trouble[CLIENT_ERROR_MAX];
};

static int64_t now_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Puts the answer in the place of the old one. */
static bool ask(struct watch *w, const char *verb, json_t **answer)
{
	json_t *request = json_pack("{s:s}", "verb", verb), *fresh = NULL;
	bool ok = request &&
		  client_ask(w->rundir, request, ANSWER_MS, &fresh, w->trouble) == CLIENT_ANSWERED;

	json_decref(request);
	if (ok) {
		json_decref(*answer);
		*answer = fresh;
	}
	return ok;
}

/* States and terms of both nodes in each group. */
static json_t *groups_of(const json_t *status)
{
	const json_t *groups = json_object_get(status, "groups");
	json_t *all = json_array();

	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *group = json_array_get(groups, i);
		const json_t *peer = json_object_get(group, "peer");

		(void)json_array_append_new(all, json_pack("[s, I, s]", reply_text(group, "state"),
							 (json_int_t)reply_number(group, "term"),
							 reply_text(peer, "state")));
	}
	return all;
}

/* Reading the history costs the daemon more than its status does. */
static bool history_is_due(struct watch *w, int64_t now)
{
	json_t *groups = groups_of(w->status);
	bool changed = !w->history || !json_equal(groups, w->groups);

	if (changed)
		w->changed_at = now;
	json_decref(w->groups);
	w->groups = groups;
	return changed || now - w->history_at >= HISTORY_MS ||
	       (now - w->changed_at <= FRESH_MS && now - w->history_at >= 2 * EACH_MS);
}

static void refresh(struct watch *w)
{
	w->reached = ask(w, "status", &w->status);
	if (!w->reached)
		return;
	w->status_at = now_ms();
	if (history_is_due(w, w->status_at) && ask(w, "history", &w->history))
		w->history_at = w->status_at;
}

/* 0 or negative errno. */
static int draw(struct watch *w, struct screen *screen)
{
	const struct watched watched = {
		.status = w->status,
		.history = w->history,
		.trouble = w->reached ? NULL : w->trouble,
		.age_ms = now_ms() - w->status_at,
	};
	struct page page = page_of(stdout);
	char *text = NULL;
	size_t len = 0;

	page.width = screen->columns;
	page.out = open_memstream(&text, &len);
	if (!page.out)
		return -ENOMEM;
	view_watch(&page, screen->rows, &watched);
	int error = fclose(page.out) ? -ENOMEM : screen_draw(screen, text);

	free(text);
	return error;
}

static int watch_on(struct watch *w, struct screen *screen)
{
	enum screen_input input = SCREEN_QUIET;
	int error = 0;

	while (!error && input != SCREEN_LEAVE) {
		if (input != SCREEN_RESIZED)
			refresh(w);
		error = draw(w, screen);
		if (!error)
			input = screen_wait(screen, EACH_MS);
	}
	return error;
}

/* A line each second, for programs: the status, or {"error"}. */
static int watch_lines(const struct invocation *in)
{
	const struct timespec pause = { LINE_EACH_MS / 1000, 0 };
	struct watch w = { .rundir = in->rundir };

	do {
		json_t *error = NULL;

		w.reached = ask(&w, "status", &w.status);
		if (!w.reached)
			error = json_pack("{s:s}", "error", w.trouble);
		verb_print_json(w.reached ? w.status : error);
		json_decref(error);
	} while (fflush(stdout) == 0 && nanosleep(&pause, NULL) == 0);
	json_decref(w.status);
	return CTL_DONE;
}

int verb_watch(const struct invocation *in)
{
	struct watch w = { .rundir = in->rundir };
	struct screen screen;

	if (in->options & OPTION_JSON)
		return watch_lines(in);
	int error = screen_open(&screen);

	if (error == -ENOTTY)
		return verb_fail(CTL_FAILED,
			"watch needs a terminal; `nsrpctl status` prints once, "
			"`nsrpctl --json watch` a line each second");
	if (!error) {
		error = watch_on(&w, &screen);
		screen_close(&screen);
	}
	json_decref(w.status);
	json_decref(w.history);
	json_decref(w.groups);
	return error ? verb_fail(CTL_FAILED, "the terminal: %s", strerror(-error)) : CTL_DONE;
}
