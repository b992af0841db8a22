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
	tables_counters(e, sum);

	struct monitor_counts monitors;

	monitors_counters(e, &monitors);
	sum[COUNTER_MONITOR_PROBES] += monitors.probes;
	sum[COUNTER_MONITOR_ANSWERS] += monitors.answers;
	sum[COUNTER_MONITOR_LATE] += monitors.late;
	sum[COUNTER_MONITOR_ERRORS] += monitors.errors;
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
	case CONTROL_RELOAD:
	case CONTROL_SYNC:
	case CONTROL_VERIFY: break;
	}
	return history;
}

/* What reports are made of. */
struct sight {
	struct node_view view;
	uint64_t counters[COUNTER_COUNT];
	int path_errors[CONF_PATHS_MAX];
	struct report_monitor_fact facts[CONF_MONITORS_MAX];
	struct report_input in;
};

/* NULL: out of memory. The caller frees it. */
static struct sight *sight(const struct engine *e)
{
	struct sight *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	sum_counters(e, s->counters);
	for (unsigned i = 0; i < e->conf->n_paths; i++)
		s->path_errors[i] = e->way[i].open ? path_error(&e->way[i].path) : 0;
	monitors_look(e, s->facts);
	node_look(e->node, loop_now(), &s->view);
	s->in = (struct report_input){
		.conf = e->conf,
		.view = &s->view,
		.counters = s->counters,
		.path_errors = s->path_errors,
		.monitor_facts = s->facts,
		.wall_ms = wall_now_ms(),
		.version = NSRP_VERSION,
	};
	return s;
}

/* Answers what only asks. */
static json_t *look(const struct engine *e, const struct control_request *r)
{
	struct sight *s = sight(e);

	if (s == NULL)
		return NULL;
	json_t *answer = report(e, r, &s->in);

	free(s);
	return answer;
}

/* ---- what is answered when it is over ------------------------------------------------------ */

/* True: it is over. */
static bool look_at_wait(struct engine *e, struct desk_wait *w)
{
	static const struct event audit = { .type = EVENT_AUDIT };
	struct sight *s = sight(e);
	json_t *answer = NULL;
	enum await_step step = s != NULL ? await_look(&w->await, &s->in, &answer) : AWAIT_OVER;

	free(s);
	if (step == AWAIT_AGAIN)
		engine_step(e, &audit);
	if (step != AWAIT_OVER)
		return false;
	control_reply(&e->control, w->token, answer);
	return true;
}

static void look_at_waits(void *user, mono_t due)
{
	struct engine *e = user;
	bool any = false;

	(void)due;
	for (unsigned i = 0; i < AWAITS_MAX; i++) {
		struct desk_wait *w = &e->wait[i];

		if (w->token != 0 && look_at_wait(e, w))
			w->token = 0;
		any |= w->token != 0;
	}
	if (any)
		loop_timer_set(&e->wait_timer, mono_after_ms(loop_now(), AWAIT_LOOK_MS));
}

static struct desk_wait *free_wait(struct engine *e)
{
	for (unsigned i = 0; i < AWAITS_MAX; i++) {
		if (e->wait[i].token == 0)
			return &e->wait[i];
	}
	return NULL;
}

static void wait_for(struct engine *e, enum await_kind kind, uint32_t token)
{
	const struct event event = { .type = kind == AWAIT_SYNC ? EVENT_RESYNC : EVENT_AUDIT };
	struct desk_wait *w = free_wait(e);
	struct sight *s = sight(e);
	const char *why = s == NULL   ? "out of memory"
			  : w == NULL ? "others wait for that already: try again later"
				      : await_refusal(kind, &s->in);

	if (why != NULL) {
		control_reply_error(&e->control, token, why);
	} else {
		w->token = token;
		await_begin(&w->await, kind, &s->in);
		engine_step(e, &event);
		loop_timer_set(&e->wait_timer, mono_after_ms(loop_now(), AWAIT_LOOK_MS));
	}
	free(s);
}

/* ---- requests ------------------------------------------------------------------------------ */

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
	case CONTROL_SYNC: wait_for(e, AWAIT_SYNC, token); break;
	case CONTROL_VERIFY: wait_for(e, AWAIT_VERIFY, token); break;
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

	loop_timer_init(&e->wait_timer, &e->loop, look_at_waits, e);
	control_init(&e->control, &e->loop, &e->setup->control, &handlers);
}

void desk_fini(struct engine *e)
{
	control_fini(&e->control);
	loop_timer_fini(&e->wait_timer);
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
