/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine_state.h"

#include <stdlib.h>
#include <string.h>

#include "io/report.h"
#include "io/store.h"
#include "io/wall.h"

/* The core's counters, with what paths, guardian and control socket counted. */
static void sum_counters(const struct engine *e, uint64_t sum[COUNTER_COUNT])
{
	struct path_counters paths;

	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		sum[i] = node_counters(e->node)[i] + e->counted[i];
	ways_counters(e, &paths);
	sum[COUNTER_SEND_ERRORS] += paths.send_errors;
	sum[COUNTER_SEND_FILTERED] += paths.send_filtered;
	sum[COUNTER_RECEIVE_OVERRUNS] += paths.overruns;
}

static json_t *show(const struct report_input *in, enum control_show what)
{
	switch (what) {
	case CONTROL_SHOW_GROUPS: return report_groups(in);
	case CONTROL_SHOW_LINKS: return report_links(in);
	case CONTROL_SHOW_MONITORS: return report_monitors(in);
	case CONTROL_SHOW_MIRROR: return report_mirror(in);
	case CONTROL_SHOW_COUNTERS: return report_counters(in);
	case CONTROL_SHOW_CONFIG: return report_config(in);
	}
	return NULL;
}

static json_t *report(
	const struct engine *e, const struct control_request *r, const struct report_input *in)
{
	json_t *history = NULL;

	switch (r->verb) {
	case CONTROL_STATUS: return report_status(in);
	case CONTROL_SHOW: return show(in, r->what);
	case CONTROL_WHY:
		return report_why(in, r->has_group ? control_request_group(e->conf, r->group)
						   : COMMAND_ALL_GROUPS);
	case CONTROL_VERSION: return report_version(in);
	case CONTROL_HISTORY: /* answered by its own means */
	case CONTROL_FAILOVER:
	case CONTROL_MAINTENANCE:
	case CONTROL_RELOAD: break;
	}
	return history;
}

/* Answers what only asks. */
static json_t *look(const struct engine *e, const struct control_request *r)
{
	struct node_view *view = malloc(sizeof(*view));
	uint64_t counters[COUNTER_COUNT];
	int errors[CONF_PATHS_MAX] = { 0 };
	json_t *answer = NULL;

	if (view == NULL)
		return NULL;
	sum_counters(e, counters);
	for (unsigned i = 0; i < e->conf->n_paths; i++)
		errors[i] = e->way[i].open ? path_error(&e->way[i].path) : 0;
	node_look(e->node, loop_now(), view);
	struct report_input in = {
		.conf = e->conf,
		.view = view,
		.counters = counters,
		.path_errors = errors,
		.wall_ms = wall_now_ms(),
		.version = NSRP_VERSION,
	};

	answer = report(e, r, &in);
	free(view);
	return answer;
}

static void command(struct engine *e, const struct control_request *r, uint32_t token)
{
	struct event event = { .type = EVENT_COMMAND };
	const char *why = control_request_command(r, e->conf, token, &event.command);

	if (why != NULL)
		control_reply_error(&e->control, token, why);
	else
		engine_step(e, &event);
}

static void reload(struct engine *e, uint32_t token)
{
	struct message m = { .type = MESSAGE_RELOAD };

	m.reload.token = token;
	if (message_send(e->setup->guardian_fd, &m, -1) != 0)
		control_reply_error(&e->control, token, "the guardian does not answer");
}

static void history(struct engine *e, uint32_t token)
{
	json_t *lines = NULL;
	int result = store_history_read(e->setup->statedir, &lines);

	if (result != 0)
		control_reply_error(&e->control, token, strerror(-result));
	else
		control_reply(&e->control, token, lines);
}

static void requested(void *user, const struct control_request *request, uint32_t token)
{
	struct engine *e = user;

	switch (request->verb) {
	case CONTROL_FAILOVER:
	case CONTROL_MAINTENANCE: command(e, request, token); break;
	case CONTROL_RELOAD: reload(e, token); break;
	case CONTROL_HISTORY: history(e, token); break;
	case CONTROL_WHY:
		if (request->has_group &&
			control_request_group(e->conf, request->group) == e->conf->n_groups) {
			control_reply_error(&e->control, token, result_text(RESULT_NO_GROUP));
			break;
		}
		control_reply(&e->control, token, look(e, request));
		break;
	case CONTROL_STATUS:
	case CONTROL_SHOW:
	case CONTROL_VERSION: control_reply(&e->control, token, look(e, request)); break;
	}
}

static void counted(void *user, enum counter counter)
{
	struct engine *e = user;

	e->counted[counter]++;
}

void desk_init(struct engine *e)
{
	struct control_handlers handlers = {
		.user = e,
		.requested = requested,
		.counted = counted,
	};

	control_init(&e->control, &e->loop, &e->setup->control, &handlers);
}

void desk_fini(struct engine *e)
{
	control_fini(&e->control);
}

void desk_command_ended(struct engine *e, uint32_t token, enum result result)
{
	control_reply(&e->control, token, report_result(result));
}

void desk_reload_ended(struct engine *e, uint32_t token, const char *error)
{
	if (token == 0)
		return;
	if (error != NULL)
		control_reply_error(&e->control, token, error);
	else
		control_reply(&e->control, token, report_result(RESULT_DONE));
}
