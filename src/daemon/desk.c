/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine_state.h"

#include <stdlib.h>
#include <string.h>

#include "io/form.h"
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
	case CONTROL_PULSE: return report_pulse(in, r->from);
	case CONTROL_VERSION: return report_version(in);
	case CONTROL_HISTORY: /* answered by its own means */
	case CONTROL_FAILOVER:
	case CONTROL_MAINTENANCE:
	case CONTROL_RELOAD:
	case CONTROL_SYNC:
	case CONTROL_VERIFY:
	case CONTROL_DIFF: break;
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
		.node = e->node,
		.counters = s->counters,
		.path_errors = s->path_errors,
		.monitor_facts = s->facts,
		.pulse = e->setup->pulse,
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

/* ---- documents ----------------------------------------------------------------------------- */

/* The core's answer says whether it is under way; what came of it is seen later. */
static void sync_document(struct engine *e, const struct control_request *r, uint32_t token)
{
	struct event event = { .type = EVENT_COMMAND };
	struct desk_wait *w = free_wait(e);
	struct sight *s = sight(e);

	event.command.verb = COMMAND_SYNC;
	event.command.group = COMMAND_ALL_GROUPS;
	event.command.kind = r->document;
	event.command.dry = r->dry;
	event.command.token = token;
	if (s == NULL || w == NULL) {
		control_reply_error(&e->control, token,
			s == NULL ? "out of memory"
				  : "others wait for that already: try again later");
	} else {
		w->token = token;
		await_begin_document(&w->await, r->document, &s->in);
		loop_timer_set(&e->wait_timer, mono_after_ms(loop_now(), AWAIT_LOOK_MS));
		engine_step(e, &event);
	}
	free(s);
}

/* True: the command is under way, and what it brings is waited for. */
static bool goes_on(struct engine *e, uint32_t token, enum result result)
{
	for (unsigned i = 0; i < AWAITS_MAX; i++) {
		struct desk_wait *w = &e->wait[i];

		if (w->token != token || w->await.kind != AWAIT_DOCUMENT)
			continue;
		if (result_ok(result))
			return true;
		w->token = 0;
	}
	return false;
}

static void answer_difference(struct engine *e, uint32_t token, const char *text)
{
	struct form f;

	form_begin(&f);
	form_claim(&f, "equal", text[0] == '\0');
	form_text(&f, "text", text);
	form_text(&f, "node", e->conf->node[e->conf->self]);
	form_text(&f, "peer", e->conf->node[1 - e->conf->self]);
	control_reply(&e->control, token, form_end(&f));
}

void desk_compared(struct engine *e, uint32_t token, const char *text, const char *why)
{
	if (text == NULL)
		control_reply_error(&e->control, token, why);
	else
		answer_difference(e, token, text);
}

static void compare_document(struct engine *e, const struct control_request *r, uint32_t token)
{
	struct event event = { .type = EVENT_COMMAND };
	struct sight *s = sight(e);
	bool equal = s != NULL &&
		     s->view.document[document_place(r->document)].condition == CONDITION_EQUAL;

	free(s);
	if (equal) {
		answer_difference(e, token, "");
		return;
	}
	event.command.verb = COMMAND_DIFF;
	event.command.group = COMMAND_ALL_GROUPS;
	event.command.kind = r->document;
	event.command.token = token;
	engine_step(e, &event);
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
	case CONTROL_SYNC:
		if (request->document != 0)
			sync_document(e, request, token);
		else
			wait_for(e, AWAIT_SYNC, token);
		break;
	case CONTROL_DIFF: compare_document(e, request, token); break;
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
	case CONTROL_PULSE:
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
	if (!goes_on(e, token, result))
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
