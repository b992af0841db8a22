/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mirror.h"

#include <assert.h>
#include <string.h>

#include "group.h"
#include "state.h"

enum {
	OFFERS_WAIT_MS = 5000,
	BROKEN_WAIT_MS = 1000, /* a channel that could not keep up rests that long */
	ADOPT_AGAIN_MS = 3000, /* the former master goes on forwarding for 2 s */
	HOLD_ALONE_MS = 24 * 3600 * 1000,
};

size_t node_mirror_size(uint32_t objects)
{
	return ((sizeof(struct mirror) + 15) & ~(size_t)15) + index_memory(objects);
}

static uint32_t kinds_of(const struct conf *conf)
{
	return (conf->mirror.sessions ? OBJECT_SESSIONS : 0) |
	       (conf->mirror.neighbours ? 1u << OBJECT_NEIGHBOUR : 0);
}

struct mirror *mirror_init(struct node *n, mono_t now)
{
	struct mirror *m = n->env.mirror;

	if (m == NULL)
		return NULL;
	m->kinds = kinds_of(n->conf);
	m->on = m->kinds != 0;
	m->pass.number = 1;
	m->fresh = true;
	m->adopt_due = m->settle_due = m->lacking_since = m->bulk_at = MONO_NEVER;
	m->audit_due = m->pass_after = m->down_since = m->rest_until = now;
	index_init(&m->index, n->env.mirror_key, n->env.mirror_objects,
		(uint8_t *)m + ((sizeof(*m) + 15) & ~(size_t)15));
	channel_out_init(
		&m->out, WIRE_BEAT_FRAME_MAX - MIRROR_FRAME_OVERHEAD, n->env.mirror_frames);
	m->untold = m->adopted_at = m->out.next;
	return m;
}

void mirror_reconfigure(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;

	if (m == NULL || m->kinds == kinds_of(n->conf))
		return;
	m->kinds = kinds_of(n->conf);
	m->on = m->kinds != 0;
	m->audit_due = now;
	if (m->up)
		mirror_break(n, now);
}

const char *mirror_peer_name(const struct node *n)
{
	return n->conf->node[1 - n->conf->self];
}

bool mirror_holds(const struct mirror *m, mono_t now)
{
	return m->up || !mono_reached(mono_after_ms(m->down_since, HOLD_ALONE_MS), now);
}

uint32_t mirror_hash_proof(const struct mirror *m)
{
	static const uint8_t text[] = "nsrp proof";

	return (uint32_t)index_hash(&m->index, 0, span_of(text, sizeof(text)));
}

bool mirror_is_loosening(const struct mirror *m)
{
	return (m->wants | (m->pass.running ? m->pass.wants : 0)) & WANT_LOOSEN;
}

bool mirror_is_sending(const struct mirror *m)
{
	return m->sending >= SENDING_START;
}

void mirror_break(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;

	channel_out_restart(&m->out);
	m->past.unanswered = 0;
	mirror_pass_abort(n, WANT_RESYNC | WANT_BUCKETS | WANT_OFFERS);
	m->sending = SENDING_DOWN;
	m->start_at = mono_after_ms(now, BROKEN_WAIT_MS);
	n->beat_now = true;
}

bool mirror_put(struct node *n, mono_t now, const struct record *r)
{
	struct mirror *m = n->mirror;

	if (!mirror_is_sending(m))
		return false;
	uint8_t *room = channel_out_record(&m->out, now, record_len(r));

	if (room == NULL) {
		node_count(n, COUNTER_CHANNEL_OVERFLOWS);
		log_warn(n->env.log, "mirror: %s cannot keep up: starts anew", mirror_peer_name(n));
		mirror_break(n, now);
		return false;
	}
	record_put(r, room);
	node_count(n, COUNTER_RECORDS_SENT);
	return true;
}

void mirror_put_plain(struct node *n, mono_t now, uint8_t op, struct span value)
{
	struct record r = { .op = op, .value = value };

	(void)mirror_put(n, now, &r);
}

void mirror_put_hash(struct node *n, mono_t now, uint8_t op, const struct entry *e)
{
	uint64_t hash = index_hash_of(e);
	uint8_t value[1 + RECORD_HASH_LEN];
	struct writer w = writer_of(value, sizeof(value));

	writer_u8(&w, index_kind(e));
	writer_u16(&w, (uint16_t)(hash >> 32));
	writer_u32(&w, (uint32_t)hash);
	mirror_put_plain(n, now, op, span_of(value, sizeof(value)));
}

bool mirror_peer_is_master(const struct node *n)
{
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		if (n->group[g].peer.known && n->group[g].peer.state == GROUP_MASTER)
			return true;
	}
	return false;
}

static enum mirror_role role_now(const struct node *n)
{
	unsigned masters = 0;

	for (unsigned g = 0; g < n->conf->n_groups; g++)
		masters += n->group[g].state == GROUP_MASTER;
	if (masters == 0)
		return MIRROR_IDLE;
	return masters == n->conf->n_groups && !mirror_peer_is_master(n) ? MIRROR_SOLE
									 : MIRROR_SHARED;
}

/* Two masters of one group, or a node that still listens: who owns what is open. */
static bool roles_are_open(const struct node *n)
{
	if (n->joining != JOINING_NOT)
		return true;
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		if (n->group[g].state == GROUP_MASTER && n->group[g].peer.known &&
			n->group[g].peer.state == GROUP_MASTER)
			return true;
	}
	return false;
}

void mirror_adopt(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;

	m->adopted_at = channel_out_number(&m->out);
	if (index_entries(&m->index, INDEX_PEER) > 0)
		m->settle_due = mono_after_ms(now, MIRROR_SETTLE_AFTER_MS);
	index_adopt(&m->index, INDEX_OWN);
}

void mirror_settle_later(struct mirror *m, mono_t now)
{
	if (mono_is_never(m->settle_due))
		m->settle_due = mono_after_ms(now, MIRROR_SETTLE_AFTER_MS);
}

static void adopt(struct node *n, mono_t now)
{
	mirror_adopt(n, now);
	mirror_put_plain(n, now, WIRE_RECORD_ADOPT, span_of(NULL, 0));
}

/* Master of all, and alone: everything is its own. The peer, which may be master all the while and
 * have noticed nothing, must say all that it has before this node has it again. */
static void adopt_alone(struct node *n, mono_t now)
{
	mirror_adopt(n, now);
	n->mirror->complete = false;
}

/* Sessions cannot be judged by the windows that this kernel saw: it does not see all of them any
 * more, or did not while both nodes were masters. Where two of one group met that waits for what
 * comes of it. */
static bool changed_sight(const struct mirror *m, enum mirror_role from)
{
	if (m->role == MIRROR_SHARED)
		return !m->met_master;
	return m->role == MIRROR_IDLE || from == MIRROR_SHARED;
}

/* What this node is master of changed. */
static void role_changed(struct node *n, mono_t now, enum mirror_role from)
{
	struct mirror *m = n->mirror;

	if (m->role > from) {
		m->settle_due = mono_after_ms(now, MIRROR_SETTLE_AFTER_MS);
		mirror_pass_abort(n, WANT_SWEEP);
		m->receiving = false;
	}
	if (changed_sight(m, from)) {
		m->wants |= WANT_LOOSEN;
		m->is_stale |= from != MIRROR_IDLE; /* a standby judged none */
	}
	if (m->role == MIRROR_SOLE && !m->up)
		adopt_alone(n, now);
	if (!m->up || !mirror_is_sending(m))
		return;
	/* The kernel of who was master of all has everything, once that was agreed upon. */
	if (from == MIRROR_SOLE && m->sending == SENDING_EVENTS)
		m->complete = true;
	if (m->role == MIRROR_IDLE) {
		mirror_pass_abort(n, WANT_RESYNC | WANT_BUCKETS | WANT_OFFERS);
		if (m->sending != SENDING_EVENTS)
			m->sending = SENDING_START;
	} else if (m->sending != SENDING_EVENTS || !m->complete) {
		m->sending = SENDING_START;
	} else if (m->role == MIRROR_SOLE) {
		adopt(n, now);
		m->adopt_due = mono_after_ms(now, ADOPT_AGAIN_MS);
	}
}

static void judge_role(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;
	enum mirror_role from = m->role;

	m->role = role_now(n);
	if (m->role != from)
		role_changed(n, now, from);
	if (mono_reached(m->adopt_due, now)) {
		m->adopt_due = MONO_NEVER;
		if (m->role == MIRROR_SOLE && m->sending == SENDING_EVENTS)
			adopt(n, now);
	}
	if (mono_reached(m->settle_due, now)) {
		m->settle_due = MONO_NEVER;
		m->wants |= m->role != MIRROR_IDLE ? WANT_SETTLE : 0;
	}
	if (m->met_master && !roles_are_open(n)) {
		m->met_master = false;
		if (m->role != MIRROR_IDLE) {
			mirror_forgive(m);
			mirror_settle_later(m, now);
		}
	}
}

static void came_up(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;

	m->up = true;
	m->up_since = now;
	m->start_at = now;
	m->offers_heard = false;
}

static void went_down(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;

	/* Where not even what was untold before had been told, that stands. */
	if (m->sending == SENDING_EVENTS)
		m->untold = m->out.base;
	m->up = false;
	m->down_since = now;
	mirror_break(n, now);
	m->receiving = false;
	m->adopt_due = MONO_NEVER;
	m->peer.known = false;
	if (m->role == MIRROR_SOLE)
		adopt_alone(n, now);
}

void mirror_peer_restarted(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;

	if (m == NULL)
		return;
	/* It knows nothing of the present epoch, whether it was missed or not. */
	if (m->up)
		went_down(n, now);
	channel_in_forget(&m->in);
	m->peer_restarted = true;
	m->complete = false;
}

void mirror_met_master(struct node *n)
{
	if (n->mirror != NULL)
		n->mirror->met_master = true;
}

void mirror_forgive(struct mirror *m)
{
	m->wants |= WANT_LOOSEN;
	m->is_stale = true;
}

bool mirror_is_to_forgive(const struct node *n)
{
	const struct mirror *m = n->mirror;

	return m != NULL && m->on && (m->met_master || mirror_is_loosening(m));
}

static void judge_channel(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;
	bool up = m->on && n->peer_known && n->links.peer_alive &&
		  handshake_has(&n->handshake, SESSION_CURRENT);

	if (up && !m->up)
		came_up(n, now);
	else if (!up && m->up)
		went_down(n, now);
	if (m->up && m->sending == SENDING_DOWN && mono_reached(m->start_at, now))
		m->sending = SENDING_START;
}

static void begin_resync(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;

	m->sending = SENDING_RESYNC;
	m->resync_since = now;
	m->wants |= WANT_RESYNC;
	if (m->role == MIRROR_SOLE)
		mirror_adopt(n, now);
	node_count(n, COUNTER_RESYNCS_SENT);
	log_info(n->env.log, "mirror: resync to %s begins", mirror_peer_name(n));
}

/* What the peer needs, once it is clear who is master. */
static void judge_start(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;

	if (m->sending != SENDING_START || roles_are_open(n))
		return;
	if (m->role != MIRROR_IDLE) {
		if (m->role == MIRROR_SHARED || m->offers_heard ||
			mono_reached(mono_after_ms(m->up_since, OFFERS_WAIT_MS), now))
			begin_resync(n, now);
	} else if (index_entries(&m->index, INDEX_OWN) > 0 && mirror_peer_is_master(n)) {
		m->sending = SENDING_OFFERS;
		m->wants |= WANT_OFFERS;
	} else {
		mirror_put_plain(n, now, WIRE_RECORD_OFFERED, span_of(NULL, 0));
		m->sending = SENDING_EVENTS;
	}
}

void mirror_settle(struct node *n, mono_t now, struct actions *out)
{
	if (n->mirror == NULL)
		return;
	/* What came before the peer was lost is taken before that has its consequences. */
	mirror_deliver_held(n, now, out);
	if (!n->links.peer_alive && channel_in_is_held(&n->mirror->in))
		return;
	judge_channel(n, now);
	judge_role(n, now);
	judge_start(n, now);
	mirror_judge_sync(n, now);
	mirror_ask_settle(n, now);
	mirror_verify_settle(n, now);
	mirror_pass_settle(n, now, out);
}

mono_t mirror_deadline(const struct node *n, mono_t now)
{
	const struct mirror *m = n->mirror;
	mono_t at = MONO_NEVER;

	if (m == NULL)
		return at;
	at = mirror_sooner(at, m->adopt_due, now);
	at = mirror_sooner(at, m->settle_due, now);
	at = mirror_sooner(at, m->start_at, now);
	if (channel_in_is_held(&m->in))
		at = mono_min(at, mono_max(m->rest_until, mono_after_us(now, 1)));
	if (m->up && m->has_path) {
		at = mirror_sooner(at, channel_out_deadline(&m->out), now);
		at = mirror_sooner(at, channel_in_deadline(&m->in), now);
	}
	if (m->sending == SENDING_START)
		at = mirror_sooner(at, mono_after_ms(m->up_since, OFFERS_WAIT_MS), now);
	at = mono_min(at, mirror_sync_deadline(n, now));
	if (mirror_pass_is_busy(m))
		return mono_after_us(now, 1);
	return mirror_sooner(at, mirror_pass_deadline(m), now);
}

bool mirror_is_full(const struct node *n, mono_t now)
{
	const struct mirror *m = n->mirror;

	/* A peer that takes nothing at all is not waited for. */
	return m != NULL && channel_out_is_full(&m->out) &&
	       channel_out_lag_us(&m->out, now) < (uint64_t)MIRROR_LAG_MAX_MS * 1000;
}

uint32_t mirror_mark(struct node *n)
{
	if (n->mirror == NULL)
		return 0;
	channel_out_flush(&n->mirror->out);
	return channel_out_number(&n->mirror->out);
}

bool mirror_is_drained(const struct node *n, uint32_t number)
{
	const struct mirror *m = n->mirror;

	return m == NULL || !mirror_is_sending(m) || !channel_before(m->out.base, number);
}
