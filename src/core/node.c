/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nsrp/node.h"

#include <assert.h>
#include <string.h>

#include "beat.h"
#include "clash.h"
#include "command.h"
#include "document.h"
#include "frame.h"
#include "group.h"
#include "handover.h"
#include "mirror.h"
#include "state.h"
#include "nsrp/guard.h"

enum {
	STOP_MS = 1500,     /* for handing everything over */
	LATE_MIN_US = 1000, /* lateness below this is nobody's business */
};

size_t node_size(void)
{
	return sizeof(struct node);
}

struct action *node_act(struct actions *out, enum action_type type, uint32_t target)
{
	assert(out->n < ACTIONS_MAX);
	struct action *action = &out->action[out->n++];

	*action = (struct action){ .type = type, .target = target };
	return action;
}

int node_group_of_id(const struct node *n, uint8_t id)
{
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		if (n->conf->group[g].id == id)
			return (int)g;
	}
	return -1;
}

uint64_t node_detection_us(const struct node *n)
{
	uint64_t own = (uint64_t)n->conf->heartbeat_ms * 1000;

	return (own > n->peer_interval_us ? own : n->peer_interval_us) * n->conf->lost_after;
}

struct node *node_init(void *mem, const struct node_env *env, const struct node_saved *saved,
	uint64_t adopt, mono_t now)
{
	struct node *n = mem;
	const struct conf *conf = env->conf;

	memset(n, 0, sizeof(*n));
	n->env = *env;
	n->conf = conf;
	n->saved = *saved;
	n->deadline = now;
	handshake_init(&n->handshake, env->crypto, conf->cluster_id, conf->self, env->release);
	linkset_init(&n->links, conf->n_links, conf->n_paths, node_detection_us(n));
	vigil_init(&n->vigil, conf);
	n->joining = adopt != 0 ? JOINING_LATE : JOINING_BOOT;
	n->join_latest = mono_after_ms(now, conf->boot_wait_max_ms);
	n->join_until = adopt != 0 ? mono_after_us(now, node_detection_us(n)) : n->join_latest;
	n->stop_until = MONO_NEVER;
	n->peer_since = now;
	n->beat_due = n->secondary_due = now;
	for (unsigned g = 0; g < conf->n_groups; g++) {
		group_start(n, g, now);
		n->group[g].holding = adopt >> g & 1;
		n->group[g].decided = n->group[g].holding;
		n->group[g].ordered = ROLE_TAKE;
	}
	n->mirror = mirror_init(n, now);
	documents_init(n, now);
	n->in_sync = n->mirror != NULL;
	return n;
}

void node_forget_peer(struct node *n, mono_t now, enum reason reason, struct actions *out)
{
	if (n->peer_known)
		n->forgotten_at = now;
	n->peer_known = false;
	vigil_forget_peer(&n->vigil);
	documents_forget_peer(n);
	n->peer_gone = reason;
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		n->group[g].peer.known = false;
		handover_cancel(n, now, g, RESULT_NO_PEER, out);
		if (reason == REASON_PEER_LOST)
			group_resume_preemption(n, g);
	}
	n->request.in.answered = false;
}

void node_peer_lost(struct node *n, mono_t now, struct actions *out)
{
	n->peer_since = now;
	node_count(n, COUNTER_PEER_LOST);
	node_forget_peer(n, now, REASON_PEER_LOST, out);
}

void node_links_changed(
	struct node *n, mono_t now, const struct linkset_change *change, struct actions *out)
{
	const char *peer = n->conf->node[1 - n->conf->self];

	for (unsigned i = 0; i < n->conf->n_paths; i++) {
		if (change->paths & 1u << i)
			log_info(n->env.log, "%s %s: %s",
				n->conf->path[i].secondary ? "secondary path" : "link",
				n->conf->path[i].name, path_state_name(n->links.path[i].state));
	}
	if (!change->peer)
		return;
	n->peer_since = now;
	if (n->links.peer_alive) {
		log_info(n->env.log, "peer %s: alive", peer);
		for (unsigned g = 0; g < n->conf->n_groups; g++) {
			if (n->group[g].state == GROUP_MASTER)
				group_announce(n, now, g);
		}
		return;
	}
	log_warn(n->env.log, "peer %s: lost, nothing heard for %u ms", peer,
		(unsigned)(n->links.detection_us / 1000));
	node_peer_lost(n, now, out);
}

/* This node was paused for so long that the peer must be thought to have taken over: nothing
 * moves until it was heard, or the detection time is over. */
static void ran_too_late(struct node *n, mono_t now, uint64_t late_us, struct actions *out)
{
	node_count(n, COUNTER_LATE_DETECTION);
	log_warn(n->env.log, "this node ran %u ms late: listens before it acts",
		(unsigned)(late_us / 1000));
	n->join_earliest = mono_after_us(now, node_detection_us(n));
	if (n->joining == JOINING_BOOT) { /* one that it slept through is none */
		n->join_until = mono_max(n->join_until, n->join_earliest);
	} else {
		n->joining = JOINING_LATE;
		n->join_until = n->join_earliest;
	}
	linkset_forget(&n->links);
	n->peer_since = now;
	node_forget_peer(n, now, REASON_LATE, out);
	for (unsigned g = 0; g < n->conf->n_groups; g++)
		group_suspend(n, now, g, REASON_LATE, out);
}

/* Lateness is measured against what was promised by node_deadline(). */
static void check_lateness(struct node *n, mono_t now, struct actions *out)
{
	uint64_t late_us = mono_since_us(n->deadline, now);
	uint64_t tolerated = (uint64_t)n->conf->heartbeat_ms * 100;

	if (late_us < (tolerated > LATE_MIN_US ? tolerated : LATE_MIN_US))
		return;
	node_count(n, COUNTER_LATE);
	n->will.due |= late_us >= guard_patience_us(n->conf); /* the guardian may have used it */
	if (late_us >= node_detection_us(n))
		ran_too_late(n, now, late_us, out);
	else
		linkset_ran_late(&n->links, now, late_us);
}

static void heard_hello(struct node *n, mono_t now, unsigned path,
	const struct frame_header *header, struct span frame, struct actions *out)
{
	switch (handshake_heard(&n->handshake, now, path, header, frame, n->text)) {
	case HANDSHAKE_NOTHING: break;
	case HANDSHAKE_ANSWER:
		beat_send_hello(n, path, out);
		if (handshake_has(&n->handshake, SESSION_CANDIDATE))
			n->beat_now = true;
		break;
	case HANDSHAKE_STALE: node_count(n, COUNTER_HELLOS_STALE); break;
	case HANDSHAKE_DROP_LENGTH: node_count(n, COUNTER_DROP_LENGTH); return;
	case HANDSHAKE_DROP_KEY: node_count(n, COUNTER_DROP_KEY); return;
	case HANDSHAKE_DROP_RATE: node_count(n, COUNTER_DROP_RATE); return;
	case HANDSHAKE_DROP_AUTH: node_count(n, COUNTER_DROP_AUTH); return;
	case HANDSHAKE_DROP_MALFORMED: node_count(n, COUNTER_DROP_MALFORMED); return;
	}
	node_count(n, COUNTER_HELLOS_HEARD);
	node_count(n, COUNTER_FRAMES_HEARD);
}

/* A session was confirmed; by another boot of the peer when `restarted`. */
static void session_confirmed(struct node *n, mono_t now, bool restarted, struct actions *out)
{
	node_count(n, COUNTER_HANDSHAKES);
	n->beat_now = n->will.due = true;
	if (!restarted)
		return;
	log_info(n->env.log, "peer %s: restarted", n->conf->node[1 - n->conf->self]);
	n->peer_beat = 0;
	n->request.in.id = 0;
	n->will.heard = 0;
	mirror_peer_restarted(n, now);
	linkset_peer_restarted(&n->links, now);
	if (n->peer_known)
		node_forget_peer(n, now, REASON_PEER_LOST, out);
}

static void heard_session(struct node *n, mono_t now, unsigned path,
	const struct frame_header *header, struct span frame, struct actions *out)
{
	switch (handshake_open(&n->handshake, now, path, header, frame, n->text)) {
	case OPENED: break;
	case OPENED_CONFIRMED: session_confirmed(n, now, false, out); break;
	case OPENED_RESTARTED: session_confirmed(n, now, true, out); break;
	case OPENED_LENGTH: node_count(n, COUNTER_DROP_LENGTH); return;
	case OPENED_SESSION: node_count(n, COUNTER_DROP_SESSION); return;
	case OPENED_REPLAY: node_count(n, COUNTER_DROP_REPLAY); return;
	case OPENED_RATE: node_count(n, COUNTER_DROP_RATE); return;
	case OPENED_AUTH: node_count(n, COUNTER_DROP_AUTH); return;
	}
	struct span body = span_of(n->text, header->length - (size_t)CRYPTO_TAG_LEN);
	bool well_formed = header->type == WIRE_FRAME_SESSION
				   ? beat_heard(n, now, path, body, out)
				   : will_heard(n, now, header->type, body, out);

	node_count(n, COUNTER_FRAMES_HEARD);
	if (!well_formed)
		node_count(n, COUNTER_DROP_MALFORMED);
}

static void frame_came(
	struct node *n, mono_t now, unsigned path, struct span frame, struct actions *out)
{
	assert(path < n->conf->n_paths);
	struct frame_place place = {
		.cluster = n->conf->cluster_id,
		.path = n->conf->path[path].tag,
		.self = n->conf->self,
	};
	struct frame_header header;
	enum frame_verdict verdict = frame_parse(frame, &place, &header);

	if (verdict != FRAME_OK)
		node_count(n, frame_counter(verdict));
	else if (header.type == WIRE_FRAME_HELLO)
		heard_hello(n, now, path, &header, frame, out);
	else
		heard_session(n, now, path, &header, frame, out);
}

static void carrier_changed(struct node *n, mono_t now, unsigned path, bool up)
{
	assert(path < n->conf->n_paths);
	bool is_news = n->carrier[path] != up;

	n->carrier[path] = up;
	if (is_news) {
		log_info(n->env.log, "%s %s: carrier %s",
			n->conf->path[path].secondary ? "secondary path" : "link",
			n->conf->path[path].name, up ? "up" : "lost");
		suspect_carrier(n, now, path);
	}
	if (!up || n->carrier_seen || n->conf->path[path].secondary)
		return;
	n->carrier_seen = true;
	if (n->joining == JOINING_BOOT)
		n->join_until = mono_max(n->join_earliest,
			mono_min(n->join_latest, mono_after_ms(now, n->conf->boot_wait_ms)));
}

static void monitor_reported(struct node *n, unsigned monitor, bool ok)
{
	assert(monitor < n->conf->n_monitors);
	if (!health_reported(&n->health, monitor, ok))
		return;
	n->beat_now = true;
	vigil_tell_first(&n->vigil, monitor);
	log_info(n->env.log, "monitor %s: %s", n->conf->monitor[monitor].name,
		ok ? "passes" : "fails");
}

static void lease_lost(struct node *n, mono_t now, unsigned g, struct actions *out)
{
	struct group *group = &n->group[g];

	log_err(n->env.log, "group %u: the lease of its addresses ran out", n->conf->group[g].id);
	handover_cancel(n, now, g, RESULT_NOT_CONFIRMED, out);
	group_suspend(n, now, g, REASON_LEASE_LOST, out);
	group->holding = false;
	n->beat_now = true;
}

/* The node does not fight for the addresses; it yields when the peer is ready. */
static void taken_away(struct node *n, mono_t now, unsigned g, struct actions *out)
{
	struct standing peer = group_peer_standing(n, g);

	log_err(n->env.log, "group %u: another program keeps removing its addresses",
		n->conf->group[g].id);
	if (n->group[g].state == GROUP_MASTER && !handover_is_active(n, g) && peer.known &&
		peer.eligible && peer.operable && peer.in_sync)
		handover_start(n, now, g, REASON_TAKEN_AWAY, false, TOKEN_NONE, out);
}

static void served(struct node *n, unsigned g)
{
	struct group *group = &n->group[g];

	if (group->state != GROUP_MASTER || group->served)
		return;
	group->served = true;
	n->beat_now = true;
}

static void dispatch(struct node *n, mono_t now, const struct event *e, struct actions *out)
{
	switch (e->type) {
	case EVENT_TIMER: break;
	case EVENT_FRAME: frame_came(n, now, e->frame.path, e->frame.bytes, out); break;
	case EVENT_CARRIER: carrier_changed(n, now, e->carrier.path, e->carrier.up); break;
	case EVENT_MONITOR: monitor_reported(n, e->monitor.monitor, e->monitor.ok); break;
	case EVENT_SYNC:
		n->beat_now |= n->in_sync != e->sync.in_sync;
		n->in_sync = e->sync.in_sync;
		break;
	case EVENT_OBJECTS:
		mirror_heard_objects(n, now, e->objects.batch, e->objects.origin, out);
		break;
	case EVENT_DUMPED: mirror_dumped(n, now, e->dumped); break;
	case EVENT_LOST: mirror_lost_events(n); break;
	case EVENT_REFUSED: mirror_refused(n, e->refused.order, e->refused.why, out); break;
	case EVENT_RESYNC: mirror_asked(n, now, true); break;
	case EVENT_AUDIT: mirror_asked(n, now, false); break;
	case EVENT_DOCUMENT: document_told(n, now, e, out); break;
	case EVENT_LOOKED: handover_looked(n, now, e->looked.group, e->looked.doubtful); break;
	case EVENT_SERVED: served(n, e->served.group); break;
	case EVENT_ROLE_DONE:
		group_role_done(n, now, e->role_done.group, e->role_done.role, e->role_done.term,
			e->role_done.failed, out);
		break;
	case EVENT_LEASE_LOST: lease_lost(n, now, e->lease_lost.group, out); break;
	case EVENT_TAKEN_AWAY: taken_away(n, now, e->taken_away.group, out); break;
	case EVENT_CLAIMED:
		clash_heard(n, now, e->claimed.group, e->claimed.known, e->claimed.frames,
			e->claimed.what);
		break;
	case EVENT_COMMAND: command_given(n, now, &e->command, out); break;
	case EVENT_STOP:
		if (!n->stopping) {
			n->stopping = true;
			n->stop_until = mono_after_ms(now, STOP_MS);
			n->beat_now = true;
		}
		break;
	}
}

static bool holds_anything(const struct node *n)
{
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		if (n->group[g].holding || n->group[g].state == GROUP_MASTER ||
			n->group[g].handover.phase == HANDOVER_RELEASED ||
			n->group[g].handover.phase == HANDOVER_RECLAIMING)
			return true;
	}
	return false;
}

/* What time alone, or the event before it, brought about. */
static void settle(struct node *n, mono_t now, struct actions *out)
{
	struct linkset_change change = linkset_expire(&n->links, now);

	node_links_changed(n, now, &change, out);
	suspect_settle(n, now, out);
	if (handshake_renew(&n->handshake, now)) {
		node_count(n, COUNTER_REKEYS);
		n->beat_now = true;
	}
	command_expire(n, now, out);
	if (n->joining != JOINING_NOT && mono_reached(n->join_until, now))
		n->joining = JOINING_NOT;
	mirror_judge_sync(n, now);
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		handover_expire(n, now, g, out);
		group_judge(n, now, g, out);
	}
	mirror_settle(n, now, out);
	documents_settle(n, now, out);
	for (unsigned g = 0; g < n->conf->n_groups; g++)
		group_settle_announcement(n, now, g, out);
	for (unsigned g = 0; g < n->conf->n_groups; g++)
		group_tell_settled(n, g, out);
}

static mono_t earliest(const struct node *n, mono_t now)
{
	mono_t at = mono_min(linkset_deadline(&n->links), beat_deadline(n, now));

	at = mono_min(at, suspect_deadline(n));
	if (n->joining != JOINING_NOT)
		at = mono_min(at, n->join_until);
	if (n->request.out.active)
		at = mono_min(at, n->request.out.until);
	if (n->stopping)
		at = mono_min(at, mono_before(now, n->stop_until) ? n->stop_until : MONO_NEVER);
	for (unsigned g = 0; g < n->conf->n_groups; g++)
		at = mono_min(at, group_deadline(n, now, g));
	at = mono_min(at, documents_deadline(n, now));
	return mono_min(at, mirror_deadline(n, now));
}

static void finish_step(struct node *n, mono_t now, struct actions *out)
{
	mirror_send(n, now, out);
	if (n->stopping && !n->parted && !holds_anything(n)) {
		n->parted = true;
		beat_send_parting(n, now, out);
		node_act(out, ACTION_EXIT, 0);
	}
	if (!n->parted) {
		will_entrust(n, now, out);
		beat_send_due(n, now, out);
	}
	if (n->save_now)
		node_act(out, ACTION_SAVE, 0);
	n->save_now = false;
	n->deadline = n->parted ? MONO_NEVER : earliest(n, now);
	out->full = mirror_is_full(n, now);
}

void node_continue(struct node *n, mono_t now, const struct event *event, struct actions *out)
{
	mirror_step_begins(n, now);
	dispatch(n, now, event, out);
	settle(n, now, out);
	finish_step(n, now, out);
}

void node_step(struct node *n, mono_t now, const struct event *event, struct actions *out)
{
	out->more = out->full = false;
	out->n = 0;
	out->used = 0;
	if (n->parted)
		return;
	check_lateness(n, now, out);
	node_continue(n, now, event, out);
}

mono_t node_deadline(const struct node *n)
{
	return n->deadline;
}

const struct node_saved *node_saved(const struct node *n)
{
	return &n->saved;
}

const uint64_t *node_counters(const struct node *n)
{
	return n->counter;
}
