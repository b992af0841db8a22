/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pair.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/state.h"
#include "pair_document.h"
#include "pair_kernel.h"

static void pair_log(void *user, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void pair_log(void *user, enum log_level level, const char *format, ...)
{
	struct pair_node *side = user;
	struct pair *p = side->pair;
	va_list args;

	(void)level;
	assert(p->n_lines < PAIR_LINES_MAX);
	char *text = p->line[p->n_lines].text;
	int n = snprintf(text, PAIR_LINE_LEN, "%.8s: ", side->conf->node[side->id]);

	va_start(args, format);
	vsnprintf(text + n, PAIR_LINE_LEN - (size_t)n, format, args);
	va_end(args);
	p->line[p->n_lines++].at = p->now;
}

static void default_path(struct conf *c, const char *name, bool secondary)
{
	struct conf_link *path = &c->path[c->n_paths++];

	snprintf(path->name, sizeof(path->name), "%s", name);
	path->tag = (uint16_t)(0x100 + c->n_paths);
	path->secondary = secondary;
	c->n_links += !secondary;
}

static void default_monitor(struct conf *c, uint8_t weight)
{
	struct conf_monitor *m = &c->monitor[c->n_monitors];

	snprintf(m->name, sizeof(m->name), "m%u", c->n_monitors++);
	m->weight = weight;
	m->all_groups = true;
}

static void default_conf(struct conf *c)
{
	c->cluster_id = 3;
	memcpy(c->node[0], "fw1", 4);
	memcpy(c->node[1], "fw2", 4);
	c->heartbeat_ms = 50;
	c->lost_after = 4;
	c->boot_wait_ms = 10000;
	c->boot_wait_max_ms = 60000;
	c->digest = 1;
	default_path(c, "ha0", false);
	default_path(c, "ha1", false);
	default_path(c, "s0", true);
	c->n_groups = 1;
	c->group[0] = (struct conf_group){
		.id = 7,
		.priority = { 50, 100 },
		.preempt_hold_ms = 3000,
		.threshold = 255,
	};
	default_monitor(c, 255);
	default_monitor(c, 100);
}

static void *must_have(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

struct pair *pair_new(void)
{
	struct pair *p = must_have(calloc(1, sizeof(*p)));

	p->item = must_have(calloc(PAIR_ITEMS_MAX, sizeof(*p->item)));
	for (unsigned i = 0; i < 2; i++) {
		struct pair_node *side = &p->side[i];

		side->pair = p;
		side->id = i;
		side->in_sync = side->realtime = true;
		side->clock = i == 0 ? UINT64_C(1000000000) : UINT64_C(77000000000);
		side->conf = &side->confs[0];
		side->log = (struct log){ .user = side, .write = pair_log };
		side->node = must_have(calloc(1, node_size()));
		side->out = must_have(calloc(1, sizeof(*side->out)));
		toy_init(&side->toy, 1000 + i, 0x1111111111111101, 0);
		side->crypto = &side->toy.crypto;
	}
	default_conf(p->side[0].conf);
	pair_same_conf(p);
	return p;
}

void pair_free(struct pair *p)
{
	for (unsigned i = 0; i < 2; i++) {
		pair_kernel_free(p, i);
		pair_documents_free(p, i);
		free(p->side[i].node);
		free(p->side[i].out);
	}
	free(p->item);
	free(p);
}

void pair_same_conf(struct pair *p)
{
	*p->side[1].conf = *p->side[0].conf;
	p->side[1].conf->self = 1;
}

mono_t pair_clock(const struct pair *p, unsigned i)
{
	return (mono_t){ p->side[i].clock + p->now };
}

struct pair_item *pair_push(struct pair *p, unsigned node, uint64_t at)
{
	unsigned i = p->n_items;

	assert(p->n_items < PAIR_ITEMS_MAX);
	for (; i > 0 && p->item[i - 1].at > at; i--)
		p->item[i] = p->item[i - 1];
	p->n_items++;
	p->item[i].at = at;
	p->item[i].node = node;
	p->item[i].boot = p->side[node].boot;
	return &p->item[i];
}

static void take_out(struct pair *p, unsigned i)
{
	p->n_items--;
	for (; i < p->n_items; i++)
		p->item[i] = p->item[i + 1];
}

static void send_frame(struct pair *p, unsigned from, unsigned path, struct span bytes)
{
	p->side[from].n_frames++;
	if (p->cut[from][path] || (p->passes != NULL && !p->passes(p, from, path, bytes)))
		return;
	assert(bytes.len <= PAIR_FRAME_MAX);
	struct pair_item *item = pair_push(p, 1 - from, p->now + PAIR_FRAME_US);

	item->type = PAIR_ITEM_FRAME;
	item->target = path;
	item->len = bytes.len;
	memcpy(item->bytes, bytes.data, bytes.len);
}

void pair_guardian_says(struct pair *p, unsigned i, enum wire_frame_type type)
{
	for (unsigned path = 0; path < p->side[i].conf->n_paths; path++) {
		struct span frame = entrusted_take(&p->side[i].entrusted, type, path);

		if (frame.len > 0)
			send_frame(p, i, path, frame);
	}
}

static void order(struct pair *p, unsigned i, const struct action *a)
{
	p->side[i].ordered = a->role.role;
	if (p->side[i].kernel_hangs)
		return;
	struct pair_item *item = pair_push(p, i, p->now + PAIR_ROLE_US);

	item->type = PAIR_ITEM_ROLE;
	item->target = a->target;
	item->role = a->role;
}

static void carry_out(struct pair *p, unsigned i)
{
	struct pair_node *side = &p->side[i];

	for (unsigned k = 0; k < side->out->n; k++) {
		const struct action *a = &side->out->action[k];

		switch (a->type) {
		case ACTION_SEND: send_frame(p, i, a->target, a->bytes); break;
		case ACTION_ROLE: order(p, i, a); break;
		case ACTION_ANNOUNCE: side->n_announced++; break;
		case ACTION_SAVE: side->disk = *node_saved(side->node); break;
		case ACTION_REPLY:
			side->n_replies++;
			side->result = a->result;
			break;
		case ACTION_RECORD: side->record = a->record; break;
		case ACTION_STEP: side->told |= 1u << a->step; break;
		case ACTION_EXIT: side->exited = true; break;
		case ACTION_LOOK: side->looks |= UINT64_C(1) << a->target; break;
		case ACTION_WRITE:
		case ACTION_FETCH:
		case ACTION_DUMP:
		case ACTION_END_DUMP: pair_kernel_act(p, i, a); break;
		case ACTION_ENTRUST: entrusted_keep(&side->entrusted, a->target, a->bytes); break;
		case ACTION_DOCUMENT_OPEN:
		case ACTION_DOCUMENT_PIECE:
		case ACTION_DOCUMENT_APPLY:
		case ACTION_DOCUMENT_KEEP:
		case ACTION_DOCUMENT_LOAD: pair_document_act(p, i, a); break;
		}
	}
}

/* Reads monitors anew for the groups that want it. */
static void look(struct pair *p, unsigned i)
{
	struct pair_node *side = &p->side[i];
	uint64_t looks = side->looks;

	side->looks = 0;
	for (unsigned m = 0; looks != 0 && m < side->finds; m++)
		pair_monitor(p, i, m, false);
	for (unsigned g = 0; g < CONF_GROUPS_MAX && !side->blind; g++) {
		struct event event = { .type = EVENT_LOOKED,
			.looked = { .group = g, .doubtful = side->doubts } };

		if (looks >> g & 1)
			pair_event(p, i, &event);
	}
}

void pair_event(struct pair *p, unsigned i, const struct event *event)
{
	struct pair_node *side = &p->side[i];

	assert(side->runs && !side->paused);
	node_step(side->node, pair_clock(p, i), event, side->out);
	for (unsigned more = 0; side->out->more; more++) {
		static const struct event timer = { .type = EVENT_TIMER };

		assert(more < PAIR_MORE_MAX);
		carry_out(p, i);
		node_step(side->node, pair_clock(p, i), &timer, side->out);
	}
	/* A deadline that does not move on would make the daemon spin. */
	assert(event->type != EVENT_TIMER ||
		mono_before(pair_clock(p, i), node_deadline(side->node)));
	carry_out(p, i);
	look(p, i);
}

void pair_timer(struct pair *p, unsigned i)
{
	struct event event = { .type = EVENT_TIMER };

	pair_event(p, i, &event);
}

static void start_engine(struct pair *p, unsigned i, uint64_t adopt)
{
	struct pair_node *side = &p->side[i];
	struct node_env env = {
		.conf = side->conf,
		.crypto = side->crypto,
		.log = &side->log,
		.realtime = side->realtime,
		.release = "pair",
	};
	struct event event = { .type = EVENT_CARRIER, .carrier = { .up = true } };

	pair_kernel_start(p, i, &env);
	if (side->papers != NULL)
		env.documents = papers_kinds(side->papers);
	side->boot++;
	side->runs = true;
	side->paused = side->exited = false;
	node_init(side->node, &env, &side->disk, adopt, pair_clock(p, i));
	for (unsigned path = 0; path < side->conf->n_paths && !side->no_carrier; path++) {
		event.carrier.path = path;
		pair_event(p, i, &event);
	}
	if (side->kernel == NULL)
		pair_sync(p, i, side->in_sync);
	pair_documents_start(p, i);
}

void pair_start(struct pair *p, unsigned i)
{
	start_engine(p, i, 0);
}

void pair_restart_engine(struct pair *p, unsigned i)
{
	uint64_t adopt = 0;

	for (unsigned g = 0; g < p->side[i].conf->n_groups; g++)
		adopt |= (uint64_t)p->side[i].owns[g] << g;
	start_engine(p, i, adopt);
}

void pair_kill_engine(struct pair *p, unsigned i)
{
	p->side[i].runs = false;
}

void pair_power_off(struct pair *p, unsigned i)
{
	p->side[i].runs = p->side[i].paused = false;
	p->side[i].boot++;
	memset(p->side[i].owns, 0, sizeof(p->side[i].owns));
	pair_kernel_clear(p, i);
	pair_documents_clear(p, i);
}

static void role_done(struct pair *p, const struct pair_item *item)
{
	struct pair_node *side = &p->side[item->node];
	struct event event = { .type = EVENT_ROLE_DONE };

	side->owns[item->target] = item->role.role == ROLE_TAKE;
	event.role_done.group = item->target;
	event.role_done.role = item->role.role;
	event.role_done.term = item->role.term;
	event.role_done.failed = side->kernel_refuses;
	pair_event(p, item->node, &event);
}

void pair_frame(struct pair *p, unsigned i, unsigned path, const void *bytes, size_t len)
{
	struct event event = { .type = EVENT_FRAME };

	event.frame.path = path;
	event.frame.bytes = span_of(bytes, len);
	pair_event(p, i, &event);
}

static void arrive(struct pair *p, const struct pair_item *item)
{
	const struct pair_node *side = &p->side[item->node];

	if (!side->runs || item->boot != side->boot)
		return;
	if (item->type == PAIR_ITEM_ROLE)
		role_done(p, item);
	else if (item->type == PAIR_ITEM_JUDGED)
		pair_document_judged(p, item->node, (uint8_t)item->target);
	else if (item->type != PAIR_ITEM_FRAME)
		pair_kernel_item(p, item);
	else if (item->target < side->conf->n_paths)
		pair_frame(p, item->node, item->target, item->bytes, item->len);
}

void pair_pause(struct pair *p, unsigned i)
{
	p->side[i].paused = true;
}

void pair_wake(struct pair *p, unsigned i)
{
	p->side[i].paused = false;
	for (unsigned k = 0; k < p->n_items;) {
		if (p->item[k].node != i || p->item[k].at > p->now) {
			k++;
			continue;
		}
		struct pair_item item = p->item[k];

		take_out(p, k);
		arrive(p, &item);
		k = 0;
	}
	pair_timer(p, i);
}

static void pass_time(struct pair *p, uint64_t until)
{
	unsigned owners = p->side[0].owns[0] + p->side[1].owns[0];

	if (until < p->now) /* a kernel was busy */
		return;
	p->nobody_us += owners == 0 ? until - p->now : 0;
	p->both_us += owners == 2 ? until - p->now : 0;
	p->now = until;
}

/* The first item that is not for a paused node, or -1. */
static int next_item(const struct pair *p)
{
	for (unsigned i = 0; i < p->n_items; i++) {
		if (!p->side[p->item[i].node].paused)
			return (int)i;
	}
	return -1;
}

static bool run_next(struct pair *p, uint64_t until)
{
	int k = next_item(p), timer = -1;
	uint64_t at = k >= 0 ? p->item[k].at : UINT64_MAX;

	for (unsigned i = 0; i < 2; i++) {
		const struct pair_node *side = &p->side[i];

		if (!side->runs || side->paused || mono_is_never(node_deadline(side->node)))
			continue;
		uint64_t due = mono_since_us((mono_t){ side->clock }, node_deadline(side->node));

		if (due < at) {
			at = due;
			timer = (int)i;
		}
	}
	if (at > until)
		return false;
	pass_time(p, at > p->now ? at : p->now);
	if (timer >= 0) {
		pair_timer(p, (unsigned)timer);
		return true;
	}
	struct pair_item item = p->item[k];

	take_out(p, (unsigned)k);
	arrive(p, &item);
	return true;
}

void pair_run_us(struct pair *p, uint64_t us)
{
	uint64_t until = p->now + us;

	while (run_next(p, until))
		;
	pass_time(p, until);
}

void pair_run(struct pair *p, uint64_t ms)
{
	pair_run_us(p, ms * 1000);
}

struct conf *pair_next_conf(struct pair *p, unsigned i)
{
	struct pair_node *side = &p->side[i];
	struct conf *next = &side->confs[side->conf == &side->confs[0]];

	*next = *side->conf;
	return next;
}

enum result pair_reload(struct pair *p, unsigned i)
{
	struct pair_node *side = &p->side[i];
	struct conf *next = &side->confs[side->conf == &side->confs[0]];
	enum result result = node_reconfigure(side->node, pair_clock(p, i), next, side->out);

	if (result == RESULT_DONE)
		side->conf = next;
	carry_out(p, i);
	return result;
}
