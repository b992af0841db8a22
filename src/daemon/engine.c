/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine_state.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"
#include "io/kernel.h"
#include "io/neighbours.h"
#include "io/rtnl.h"
#include "io/vip.h"
#include "io/vmac.h"
#include "io/wall.h"

enum { PRIORITY = 50 };

void engine_tell(struct engine *e, const struct message *m)
{
	int result = message_send(e->setup->guardian_fd, m, -1);

	if (result != 0 && result != -EPIPE)
		log_err(e->log, "engine: the guardian was not told: %s", strerror(-result));
}

/* Sends the frames of the actions from i on that go by one path; the index of the last. */
static unsigned send_frames(struct engine *e, unsigned i)
{
	const struct action *first = &e->actions.action[i];
	struct span frame[PATH_BATCH];
	unsigned n = 0;

	for (; n < PATH_BATCH && i + n < e->actions.n; n++) {
		if (first[n].type != ACTION_SEND || first[n].target != first->target)
			break;
		frame[n] = first[n].bytes;
	}
	if (first->target < e->conf->n_paths && e->way[first->target].open)
		(void)path_send_batch(&e->way[first->target].path, frame, n);
	return i + n - 1;
}

static void order(struct engine *e, const struct action *a)
{
	struct message m = { .type = MESSAGE_ORDER };

	m.role.group = e->conf->group[a->target].id;
	m.role.role = a->role.role;
	m.role.term = a->role.term;
	engine_tell(e, &m);
	if (a->role.role == ROLE_TAKE)
		served_taken(e);
}

static void record(struct engine *e, const struct action *a)
{
	struct message m = { .type = MESSAGE_RECORD };

	m.record.wall_ms = wall_now_ms();
	m.record.group = e->conf->group[a->target].id;
	m.record.change = a->record;
	if (a->record.monitor >= 0)
		snprintf(m.record.monitor, sizeof(m.record.monitor), "%s",
			e->conf->monitor[a->record.monitor].name);
	engine_tell(e, &m);
}

static void step(struct engine *e, const struct action *a)
{
	struct message m = { .type = MESSAGE_STEP };

	m.step.group = e->conf->group[a->target].id;
	m.step.step = a->step;
	m.step.at = loop_now();
	engine_tell(e, &m);
}

static void announce(struct engine *e, const struct action *a)
{
	struct message m = { .type = MESSAGE_ANNOUNCE };

	m.group = e->conf->group[a->target].id;
	engine_tell(e, &m);
}

static void save(struct engine *e)
{
	struct message m = { .type = MESSAGE_SAVE };

	m.saved = *node_saved(e->node);
	engine_tell(e, &m);
}

static void entrust(struct engine *e, const struct action *a)
{
	struct message m = { .type = MESSAGE_WILL };

	m.will.len = (uint16_t)a->bytes.len;
	memcpy(m.will.bytes, a->bytes.data, a->bytes.len);
	engine_tell(e, &m);
}

static void leave(struct engine *e)
{
	struct message m = { .type = MESSAGE_EXIT };

	engine_tell(e, &m);
	loop_stop(&e->loop);
}

void engine_carry_out(struct engine *e)
{
	for (unsigned i = 0; i < e->actions.n; i++) {
		const struct action *a = &e->actions.action[i];

		switch (a->type) {
		case ACTION_SEND: i = send_frames(e, i); break;
		case ACTION_ROLE: order(e, a); break;
		case ACTION_ANNOUNCE: announce(e, a); break;
		case ACTION_SAVE: save(e); break;
		case ACTION_REPLY: desk_command_ended(e, a->target, a->result); break;
		case ACTION_RECORD: record(e, a); break;
		case ACTION_STEP: step(e, a); break;
		case ACTION_EXIT: leave(e); break;
		case ACTION_WRITE: tables_write(e, a->bytes); break;
		case ACTION_FETCH: tables_fetch(e, (uint8_t)a->target, a->bytes); break;
		case ACTION_DUMP: tables_dump(e, (uint8_t)a->target); break;
		case ACTION_LOOK: e->looks |= UINT64_C(1) << a->target; break;
		case ACTION_END_DUMP: tables_end_dump(e); break;
		case ACTION_ENTRUST: entrust(e, a); break;
		case ACTION_DOCUMENT_OPEN: dossiers_open(e, (uint8_t)a->target); break;
		case ACTION_DOCUMENT_PIECE: dossiers_add(e, (uint8_t)a->target, a->bytes); break;
		case ACTION_DOCUMENT_APPLY:
			dossiers_apply(e, (uint8_t)a->target, &a->document);
			break;
		case ACTION_DOCUMENT_KEEP:
			dossiers_keep(e, (uint8_t)a->target, &a->document);
			break;
		case ACTION_DOCUMENT_LOAD: dossiers_load(e, (uint8_t)a->target); break;
		}
	}
	e->core_due = node_deadline(e->node);
	loop_timer_set(&e->core_timer, e->core_due);
	wake_set(e->setup->wake, e->core_due, sched_getcpu());
}

void engine_step(struct engine *e, const struct event *event)
{
	static const struct event timer = { .type = EVENT_TIMER };
	mono_t now = loop_now();

	vitals_woke(e, now);
	node_step(e->node, now, event, &e->actions);
	engine_carry_out(e);
	while (e->actions.more) {
		node_step(e->node, loop_now(), &timer, &e->actions);
		engine_carry_out(e);
	}
	tables_finish(e);
	if (e->looks != 0)
		monitors_look_anew(e);
	vitals_stepped(e, now);
}

static void core_due(void *user, mono_t due)
{
	static const struct event timer = { .type = EVENT_TIMER };
	struct engine *e = user;

	/* What has arrived is heard before silence is judged. */
	if (mono_since_us(due, loop_now()) > LOOP_LATE_US)
		ways_drain(e);
	engine_step(e, &timer);
}

static void role_done(struct engine *e, const struct message *m)
{
	struct event event = { .type = EVENT_ROLE_DONE };
	unsigned group = control_request_group(e->conf, m->role.group);

	if (group == e->conf->n_groups)
		return;
	event.role_done.group = group;
	event.role_done.role = m->role.role;
	event.role_done.term = m->role.term;
	event.role_done.failed = m->role.failed;
	engine_step(e, &event);
}

static void group_event(struct engine *e, enum event_type type, uint8_t id)
{
	struct event event = { .type = type };
	unsigned group = control_request_group(e->conf, id);

	event.lease_lost.group = group;
	if (group < e->conf->n_groups)
		engine_step(e, &event);
}

/* A program of a script monitor came to its end. */
static void probed(struct engine *e, const char *name, bool ok)
{
	for (unsigned i = 0; i < e->conf->n_monitors; i++) {
		if (strcmp(e->conf->monitor[i].name, name) == 0)
			monitors_probed(e, i, ok);
	}
}

static void reconfigure(struct engine *e, const struct message *m, int fd)
{
	const struct conf *old = e->conf;
	struct loaded *next = &e->loaded[1 - e->live];
	int result = message_unpack(fd, next);

	if (result == 0)
		result = seal_set_keys(
			&e->seal, next->key, next->has_previous ? next->previous_key : NULL);
	if (result != 0) {
		desk_reload_ended(e, m->reload.token, strerror(-result));
		return;
	}
	e->live = 1 - e->live;
	e->conf = &next->conf;
	vitals_reconfigure(e);
	(void)node_reconfigure(e->node, loop_now(), e->conf, &e->actions);
	ways_reconfigure(e, old);
	tables_reconfigure(e);
	engine_carry_out(e);
	ways_tell_carriers(e);
	monitors_reconfigure(e);
	claims_reconfigure(e);
	served_reconfigure(e);
	desk_reload_ended(e, m->reload.token, NULL);
}

/* The guardian is gone, and with it whoever renews and removes the addresses: this process, which
 * may do so, removes them, tells the peer, and ends. */
static void orphaned(struct engine *e)
{
	static const struct event stop = { .type = EVENT_STOP };
	struct rtnl *rtnl;
	unsigned removed;

	log_err(e->log, "the guardian is gone: addresses are withdrawn");
	if (rtnl_new(&rtnl) == 0) {
		(void)vip_withdraw_all(rtnl, &removed);
		(void)neighbours_release(rtnl);
		(void)vmac_withdraw_all(rtnl, e->log, &removed);
		rtnl_free(rtnl);
	}
	(void)kernel_leave_ipsec(e->log);
	loop_fd_want(&e->guardian_io, 0);
	engine_step(e, &stop);
	for (unsigned g = 0; g < e->conf->n_groups; g++)
		group_event(e, EVENT_LEASE_LOST, e->conf->group[g].id);
	e->status = 1;
	loop_stop(&e->loop);
}

/* True: the descriptor is taken. */
static bool heard(struct engine *e, const struct message *m, int fd)
{
	static const struct event stop = { .type = EVENT_STOP };

	switch (m->type) {
	case MESSAGE_ROLE_DONE: role_done(e, m); break;
	case MESSAGE_LEASE_LOST: group_event(e, EVENT_LEASE_LOST, m->group); break;
	case MESSAGE_TAKEN_AWAY: group_event(e, EVENT_TAKEN_AWAY, m->group); break;
	case MESSAGE_PROBED: probed(e, m->probed.monitor, m->probed.ok); break;
	case MESSAGE_WRITTEN: errands_done(e, m); break;
	case MESSAGE_COUNTED: e->counted[m->counted.counter] += m->counted.n; break;
	case MESSAGE_CONF: reconfigure(e, m, fd); break;
	case MESSAGE_RELOAD_FAILED: desk_reload_ended(e, m->reload.token, m->reload.text); break;
	case MESSAGE_STOP: engine_step(e, &stop); break;
	case MESSAGE_CLERK: return dossiers_meet(e, fd);
	case MESSAGE_READY:
	case MESSAGE_WILL:
	case MESSAGE_ORDER:
	case MESSAGE_ANNOUNCE:
	case MESSAGE_SAVE:
	case MESSAGE_RECORD:
	case MESSAGE_STEP:
	case MESSAGE_RELOAD:
	case MESSAGE_WRITE:
	case MESSAGE_CLAIMED:
	case MESSAGE_EXIT: break; /* the engine's own */
	case MESSAGE_DOCUMENT_PATCH:
	case MESSAGE_DOCUMENT_READ:
	case MESSAGE_DOCUMENT_UNREAD:
	case MESSAGE_DOCUMENT_JUDGED:
	case MESSAGE_DOCUMENT_COMPARED:
	case MESSAGE_DOCUMENT_APPLY:
	case MESSAGE_DOCUMENT_KEEP:
	case MESSAGE_DOCUMENT_LOAD: break; /* the clerk's */
	}
	return false;
}

static void guardian_says(void *user, unsigned readiness)
{
	struct engine *e = user;
	struct message m;
	int fd, result;

	(void)readiness;
	while ((result = message_receive(e->setup->guardian_fd, &m, &fd)) > 0) {
		if (!heard(e, &m, fd) && fd >= 0)
			close(fd);
	}
	if (result == -EPIPE)
		orphaned(e);
}

/* The guardian stops the engine; a terminal's ^C is for the guardian alone. */
static void ignore_signals(void)
{
	loop_signals_reset();
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
}

static int start_node(struct engine *e)
{
	static const struct event in_sync = { .type = EVENT_SYNC, .sync.in_sync = true };
	const struct loaded *loaded = &e->loaded[e->live];
	struct node_env env = {
		.conf = e->conf,
		.log = e->log,
		.realtime = e->realtime,
		.release = "nsrpd " NSRP_VERSION,
	};
	int result = seal_init(
		&e->seal, loaded->key, loaded->has_previous ? loaded->previous_key : NULL);
	void *memory = malloc(node_size());

	if (result != 0 || memory == NULL) {
		log_err(e->log, "keys: %s",
			result == -EINVAL ? "the two cluster keys cannot be told apart on the "
					    "wire: make another (nsrpctl genkey)"
					  : strerror(result != 0 ? -result : ENOMEM));
		free(memory);
		return result != 0 ? result : -ENOMEM;
	}
	env.crypto = seal_crypto(&e->seal);
	tables_prepare(e, &env);
	env.documents = dossiers_kinds();
	e->node = node_init(memory, &env, e->setup->saved, e->setup->adopt, loop_now());
	if (env.mirror == NULL) /* so nothing is missing */
		engine_step(e, &in_sync);
	return 0;
}

static int start(struct engine *e)
{
	static const struct message ready = { .type = MESSAGE_READY };
	int result = loop_init(&e->loop);

	if (result != 0)
		return result;
	loop_timer_init(&e->core_timer, &e->loop, core_due, e);
	desk_init(e);
	dossiers_init(e);
	monitors_init(e);
	vitals_init(e);
	result = start_node(e);
	if (result == 0)
		result = tables_init(e);
	if (result == 0)
		result = ways_init(e);
	if (result == 0)
		claims_init(e);
	if (result == 0)
		result = process_drop_privileges(e->log);
	if (result != 0)
		return result;
	monitors_start(e);
	served_init(e);
	loop_fd_init(&e->guardian_io, &e->loop, e->setup->guardian_fd, guardian_says, e);
	engine_tell(e, &ready);
	return 0;
}

int engine_run(const struct engine_setup *setup)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return 1;
	ignore_signals();
	process_hide_memory();
	e->setup = setup;
	e->log = &setup->logger->log;
	e->loaded[0] = *setup->loaded;
	e->conf = &e->loaded[0].conf;
	e->counted[COUNTER_ENGINE_STARTS] = setup->starts;
	e->realtime = process_go_realtime(e->log, "engine", PRIORITY);
	if (start(e) != 0)
		return 1;
	log_info(e->log, "node %s of cluster %u runs%s", e->conf->node[e->conf->self],
		e->conf->cluster_id, setup->adopt != 0 ? ", with the addresses found here" : "");
	loop_run(&e->loop);
	desk_fini(e);
	dossiers_fini(e);
	monitors_fini(e);
	claims_fini(e);
	ways_fini(e);
	tables_fini(e);
	loop_fini(&e->loop);
	seal_fini(&e->seal);
	return e->status;
}
