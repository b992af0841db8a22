/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mirror.h"

#include <assert.h>
#include <string.h>

#include "document.h"
#include "group.h"
#include "state.h"

enum {
	OFFERS_WAIT_MS = 5000,
	BROKEN_WAIT_MS = 1000, /* a channel that could not keep up rests that long */
	HOLD_ALONE_MS = 24 * 3600 * 1000,
	ROOM_FRAMES =
		48, /* under way or waiting: an event has to wait for no more of what can wait */
};

size_t node_mirror_size(uint32_t objects)
{
	return ((sizeof(struct mirror) + 15) & ~(size_t)15) + index_memory(objects);
}

static uint32_t kinds_wanted(const struct conf *conf)
{
	return (conf->mirror.sessions ? OBJECT_SESSIONS : 0) |
	       (conf->mirror.neighbours ? 1u << OBJECT_NEIGHBOUR : 0) |
	       (conf->mirror.ipsec ? OBJECT_IPSEC : 0);
}

static uint32_t kinds_of(const struct node *n)
{
	return kinds_wanted(n->conf) & ~n->env.mirror_absent;
}

struct mirror *mirror_init(struct node *n, mono_t now)
{
	struct mirror *m = n->env.mirror;

	if (m == NULL)
		return NULL;
	m->kinds = kinds_of(n);
	m->on = m->kinds != 0 || documents_any(n);
	m->ipsec.numbers_at = MONO_NEVER;
	m->pass.number = 1;
	m->stamp = 1; /* 0 is a doubt */
	m->fresh = true;
	m->adopt_due = m->settle_due = m->lacking_since = m->bulk_at = MONO_NEVER;
	m->renew_due = MONO_NEVER;
	m->audit_due = m->pass_after = m->down_since = m->rest_until = now;
	index_init(&m->index, n->env.mirror_key, n->env.mirror_objects,
		(uint8_t *)m + ((sizeof(*m) + 15) & ~(size_t)15));
	index_make_single(&m->index, OBJECT_IPSEC);
	channel_out_init(
		&m->out, WIRE_BEAT_FRAME_MAX - MIRROR_FRAME_OVERHEAD, n->env.mirror_frames);
	m->untold = m->adopted_at = m->ipsec.leapt_at = m->out.next;
	return m;
}

void mirror_reconfigure(struct node *n, mono_t now)
{
	struct mirror *m = n->mirror;

	if (m == NULL)
		return;
	bool is_same = m->kinds == kinds_of(n);

	m->kinds = kinds_of(n);
	mirror_ipsec_reconfigured(m);
	m->on = m->kinds != 0 || documents_any(n) || m->ipsec.now == IPSEC_LETS_GO;
	if (is_same)
		return;
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
		mirror_adopt_alone(n, now);
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
	mirror_heard_so_far(m);
	m->peer_restarted = true;
	m->complete = false;
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

	if (m->sending != SENDING_START || mirror_roles_are_open(n))
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
	mirror_judge_role(n, now);
	mirror_ipsec_settle(n, now);
	mirror_ike_settle(n, now);
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
	at = mirror_sooner(at, m->renew_due, now);
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
	at = mono_min(at, mirror_ike_deadline(m, now));
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

bool mirror_has_room(const struct node *n)
{
	const struct mirror *m = n->mirror;
	unsigned wants = m->wants | (m->pass.running ? m->pass.wants : 0);
	uint32_t waiting = m->out.next - m->out.base;

	return m->sending == SENDING_EVENTS &&
	       !(wants & (WANT_RESYNC | WANT_BUCKETS | WANT_OFFERS)) && waiting < ROOM_FRAMES &&
	       waiting < m->out.frames / 4;
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
