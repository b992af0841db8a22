/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "beat.h"

#include <assert.h>
#include <string.h>

#include "codec.h"
#include "command.h"
#include "document.h"
#include "group.h"
#include "handover.h"
#include "mirror.h"

enum {
	BODY_MAX = WIRE_BEAT_FRAME_MAX - WIRE_HEADER_LEN - CRYPTO_TAG_LEN,
	INTERVAL_MAX_US = 10 * 1000 * 1000,
	TERM_MAX = INT32_MAX, /* a record with more is not well-formed: terms never wrap */
	HANDOVER_RESEND_US = 20 * 1000, /* beats come at least this often during a hand-over */
};

static uint8_t group_flags(const struct node *n, unsigned g)
{
	struct standing own = group_own_standing(n, g);

	return (uint8_t)((own.eligible ? WIRE_GROUP_ELIGIBLE : 0) |
			 (own.operable ? WIRE_GROUP_OPERABLE : 0) |
			 (own.in_sync ? WIRE_GROUP_IN_SYNC : 0) |
			 (own.served ? WIRE_GROUP_SERVED : 0) |
			 (own.holding ? WIRE_GROUP_HOLDING : 0) |
			 (own.preempts ? WIRE_GROUP_PREEMPTS : 0) |
			 (n->group[g].handover.force ? WIRE_GROUP_FORCED : 0));
}

static void put_groups(const struct node *n, struct writer *w)
{
	size_t mark = writer_tlv(w, WIRE_TLV_GROUPS);

	writer_u8(w, WIRE_GROUP_RECORD_LEN);
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		const struct group *group = &n->group[g];
		bool hands_over = group->handover.phase != HANDOVER_NONE;

		writer_u8(w, n->conf->group[g].id);
		writer_u8(w, (uint8_t)group->state);
		writer_u8(w, group_flags(n, g));
		writer_u8(w, n->conf->group[g].priority[n->conf->self]);
		writer_u32(w, group->term);
		writer_u8(w, (uint8_t)handover_step(n, g));
		writer_u8(w, (uint8_t)(hands_over ? group->handover.reason : group->reason));
		writer_u32(w, group->handover.term);
		writer_u16(w, health_failed_weight(&n->health, n->conf, g));
	}
	writer_tlv_end(w, mark);
}

static void put_requests(const struct node *n, struct writer *w)
{
	size_t mark;

	if (n->request.out.active) {
		mark = writer_tlv(w, WIRE_TLV_REQUEST);
		writer_u32(w, n->request.out.id);
		writer_u8(w, n->request.out.verb);
		writer_u8(w, n->request.out.group);
		writer_u8(w, n->request.out.flags);
		writer_tlv_end(w, mark);
	}
	if (n->request.in.answered) {
		mark = writer_tlv(w, WIRE_TLV_ANSWER);
		writer_u32(w, n->request.in.id);
		writer_u8(w, (uint8_t)n->request.in.result);
		writer_tlv_end(w, mark);
	}
}

/* Writes the body of a beat; its flags stand at BODY_FLAGS_AT. */
static size_t put_body(struct node *n, mono_t now, uint8_t *body)
{
	struct writer w = writer_of(body, BODY_MAX);
	size_t mark = writer_tlv(&w, WIRE_TLV_BEAT);

	writer_u64(&w, linkset_next_beat(&n->links, now));
	writer_u32(&w, n->conf->heartbeat_ms * 1000);
	writer_u8(&w, 0);
	writer_u64(&w, n->conf->digest);
	writer_tlv_end(&w, mark);
	mark = writer_tlv(&w, WIRE_TLV_ECHO);
	for (unsigned i = 0; i < n->conf->n_paths; i++) {
		writer_u16(&w, n->conf->path[i].tag);
		writer_u64(&w, n->links.path[i].beat);
	}
	writer_tlv_end(&w, mark);
	put_groups(n, &w);
	put_requests(n, &w);
	mirror_put_channel(n, now, &w);
	documents_put(n, &w);
	vigil_put(&n->vigil, &n->health, n->conf, &w); /* the last: what fits */
	assert(writer_ok(&w));
	return w.used;
}

enum { BODY_FLAGS_AT = 3 + 8 + 4 };

/* Sends one body by one path, under the session and, while there is one, the candidate. */
static void send_body(struct node *n, unsigned path, const uint8_t *body, size_t len, uint8_t flags,
	struct actions *out)
{
	for (unsigned kind = SESSION_CURRENT; kind <= SESSION_CANDIDATE; kind++) {
		if (!handshake_has(&n->handshake, kind))
			continue;
		uint8_t *frame = out->bytes + out->used;

		assert(out->used + WIRE_BEAT_FRAME_MAX <= ACTIONS_BYTES);
		memcpy(frame + WIRE_HEADER_LEN, body, len);
		frame[WIRE_HEADER_LEN + BODY_FLAGS_AT] = flags;
		size_t frame_len = handshake_seal(
			&n->handshake, kind, path, n->conf->path[path].tag, frame, len);

		node_act(out, ACTION_SEND, path)->bytes = span_of(frame, frame_len);
		out->used += frame_len;
		node_count(n, COUNTER_BEATS_SENT);
		node_count(n, COUNTER_FRAMES_SENT);
	}
}

void beat_send_hello(struct node *n, unsigned path, struct actions *out)
{
	uint8_t *frame = out->bytes + out->used;

	assert(out->used + WIRE_BEAT_FRAME_MAX <= ACTIONS_BYTES);
	size_t len = handshake_put_hello(&n->handshake, path, n->conf->path[path].tag, frame);

	node_act(out, ACTION_SEND, path)->bytes = span_of(frame, len);
	out->used += len;
	node_count(n, COUNTER_FRAMES_SENT);
}

static void send_beat(struct node *n, mono_t now, unsigned first, unsigned end, uint8_t flags,
	struct actions *out)
{
	uint8_t body[BODY_MAX];
	size_t len = put_body(n, now, body);

	flags |= n->env.realtime ? WIRE_BEAT_REALTIME : 0;
	for (unsigned path = first; path < end; path++) {
		if (handshake_wants_hello(&n->handshake))
			beat_send_hello(n, path, out);
		send_body(n, path, body, len, flags, out);
	}
}

static uint64_t heartbeat_us(const struct node *n)
{
	return (uint64_t)n->conf->heartbeat_ms * 1000;
}

static uint64_t interval_us(const struct node *n)
{
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		if (n->group[g].handover.phase != HANDOVER_NONE &&
			heartbeat_us(n) > HANDOVER_RESEND_US)
			return HANDOVER_RESEND_US;
	}
	return heartbeat_us(n);
}

/* Node 0 sends its beat with the one it hears, and waits an eighth of the interval longer for that:
 * so it wakes once for both, and what it echoes is fresh. */
static uint64_t step_us(const struct node *n)
{
	return n->conf->self == 0 && n->links.peer_alive ? interval_us(n) / 8 : 0;
}

static void fall_in_step(struct node *n, mono_t now)
{
	if (step_us(n) > 0 && mono_reached(n->beat_due, mono_after_us(now, interval_us(n))))
		n->beat_now = true;
}

void beat_send_due(struct node *n, mono_t now, struct actions *out)
{
	unsigned n_links = n->conf->n_links, n_paths = n->conf->n_paths;
	bool urgent = linkset_is_urgent(&n->links, now, heartbeat_us(n));
	bool due = n->beat_now || mono_reached(n->beat_due, now);
	/* Urgency begins between two beats; the peer may have no time to wait for the next. */
	bool secondary =
		(due && mono_reached(n->secondary_due, now)) || (urgent && (due || !n->urgent));

	n->urgent = urgent;
	if (due) {
		send_beat(n, now, 0, n_links, 0, out);
		n->beat_due = mono_after_us(now, interval_us(n) + step_us(n));
		n->beat_now = false;
	}
	if (secondary && n_paths > n_links) {
		bool probes = urgent || linkset_wants_probe(&n->links, now);

		send_beat(n, now, n_links, n_paths, probes ? WIRE_BEAT_URGENT : 0, out);
		if (probes)
			linkset_probed(&n->links);
		n->secondary_due = mono_after_us(
			now, heartbeat_us(n) * LINKSET_SECONDARY_FACTOR - heartbeat_us(n) / 2);
	}
}

void beat_send_parting(struct node *n, mono_t now, struct actions *out)
{
	send_beat(n, now, 0, n->conf->n_paths, WIRE_BEAT_PARTING, out);
}

void beat_send_probe(struct node *n, mono_t now, unsigned path, struct actions *out)
{
	send_beat(n, now, path, path + 1, WIRE_BEAT_URGENT, out);
}

mono_t beat_deadline(const struct node *n, mono_t now)
{
	return mono_min(n->beat_due, linkset_urgent_at(&n->links, now, heartbeat_us(n)));
}

/* A body, decoded, before any of it is used. */
struct message {
	bool has_beat, has_request, has_answer;
	uint64_t number, digest;
	uint32_t interval_us;
	uint8_t flags;
	uint64_t echo_here, echo_best;
	struct peer_record record[CONF_GROUPS_MAX]; /* by group index */
	uint32_t request_id, answer_id;
	uint8_t verb, group, request_flags, result;
	struct span channel, data, ack, monitors, documents; /* data NULL: none */
};

static bool parse_record(struct reader *r, struct peer_record *record)
{
	uint8_t state = reader_u8(r);

	record->known = true;
	record->state = (enum group_state)state;
	record->flags = reader_u8(r);
	record->priority = reader_u8(r);
	record->term = reader_u32(r);
	record->handover = reader_u8(r);
	record->reason = (enum reason)reader_u8(r);
	record->handover_term = reader_u32(r);
	record->failed_weight = reader_u16(r);
	return state >= GROUP_INIT && state <= GROUP_INOPERABLE && record->term <= TERM_MAX &&
	       record->handover_term <= TERM_MAX;
}

static bool parse_groups(const struct node *n, struct reader *r, struct message *m)
{
	uint8_t record_len = reader_u8(r);

	if (!reader_ok(r) || record_len < WIRE_GROUP_RECORD_LEN)
		return false;
	while (r->left > 0) {
		struct reader record = reader_of(reader_bytes(r, record_len));
		uint8_t id = reader_u8(&record);
		struct peer_record parsed;

		if (!reader_ok(r) || !parse_record(&record, &parsed))
			return false;
		int g = node_group_of_id(n, id);

		if (g >= 0)
			m->record[g] = parsed;
	}
	return true;
}

static bool parse_echo(const struct node *n, unsigned path, struct reader *r, struct message *m)
{
	while (r->left > 0) {
		uint16_t tag = reader_u16(r);
		uint64_t number = reader_u64(r);

		if (!reader_ok(r))
			return false;
		if (tag == n->conf->path[path].tag)
			m->echo_here = number;
		m->echo_best = number > m->echo_best ? number : m->echo_best;
	}
	return true;
}

static bool parse_tlv(
	const struct node *n, unsigned path, uint8_t type, struct span value, struct message *m)
{
	struct reader r = reader_of(value);

	switch (type) {
	case WIRE_TLV_BEAT:
		m->has_beat = true;
		m->number = reader_u64(&r);
		m->interval_us = reader_u32(&r);
		m->flags = reader_u8(&r);
		m->digest = reader_u64(&r);
		break;
	case WIRE_TLV_ECHO: return parse_echo(n, path, &r, m);
	case WIRE_TLV_GROUPS: return parse_groups(n, &r, m);
	case WIRE_TLV_REQUEST:
		m->has_request = true;
		m->request_id = reader_u32(&r);
		m->verb = reader_u8(&r);
		m->group = reader_u8(&r);
		m->request_flags = reader_u8(&r);
		break;
	case WIRE_TLV_ANSWER:
		m->has_answer = true;
		m->answer_id = reader_u32(&r);
		m->result = reader_u8(&r);
		break;
	case WIRE_TLV_CHANNEL: m->channel = value; return value.len >= WIRE_CHANNEL_LEN;
	case WIRE_TLV_MONITORS: m->monitors = value; return vigil_is_well_formed(value);
	case WIRE_TLV_DOCUMENTS: m->documents = value; return documents_are_well_formed(value);
	case WIRE_TLV_DATA: m->data = value; break;
	case WIRE_TLV_ACK: m->ack = value; break;
	default: break; /* of a later release */
	}
	return reader_ok(&r);
}

static bool parse(const struct node *n, unsigned path, struct span body, struct message *m)
{
	struct reader r = reader_of(body);
	struct span value;
	uint8_t type;

	memset(m, 0, sizeof(*m));
	while (reader_tlv(&r, &type, &value)) {
		if (!parse_tlv(n, path, type, value, m))
			return false;
	}
	return reader_ok(&r);
}

/* It was master, gave way to this one, and was not heard as a master before. */
static bool was_unheard_master(const struct peer_record *before, const struct peer_record *record)
{
	return record->reason == REASON_TWO_MASTERS &&
	       (!before->known ||
		       (before->state != GROUP_MASTER && before->reason != record->reason));
}

/* It was heard before, and said something else. */
static bool had_said_otherwise(const struct peer_record *before, const struct peer_record *record)
{
	return before->state != 0 &&
	       (before->state == GROUP_MASTER || record->term > before->term ||
		       before->reason != record->reason);
}

/* What the peer says of group g is news: P6.3 holds. */
static void heard_group(struct node *n, mono_t now, unsigned g, const struct peer_record *record,
	struct actions *out)
{
	struct group *group = &n->group[g];
	/* It was said, be it by a boot that is no more. */
	bool held = group->peer.flags & WIRE_GROUP_HOLDING;
	/* A mastership of the peer's may have come and gone unheard: with a term of its own, or
	 * with the very one that this node chose meanwhile. */
	bool had = record->term > group->peer.term && record->term >= group->term;

	bool gave_way = group->state == GROUP_MASTER && was_unheard_master(&group->peer, record);
	bool is_news = gave_way && had_said_otherwise(&group->peer, record);

	if (gave_way)
		mirror_met_master(n);
	group->peer = *record;
	if (!record->known)
		return;
	if (is_news)
		group_met_master(n, now, g, true, out);
	group_note_term(n, g, record->term);
	if ((held || had) && !(record->flags & WIRE_GROUP_HOLDING) && group->state == GROUP_MASTER)
		group_announce(n, now, g);
	handover_heard(n, now, g, out);
}

static void heard_requests(struct node *n, mono_t now, const struct message *m, struct actions *out)
{
	if (m->has_answer)
		command_answered(n, m->answer_id, m->result, out);
	if (m->has_request)
		command_requested(n, now, m->request_id, m->verb, m->group, m->request_flags, out);
	else
		n->request.in.answered = false;
}

static void heard_facts(struct node *n, mono_t now, const struct message *m, struct actions *out)
{
	uint32_t interval = m->interval_us < INTERVAL_MAX_US ? m->interval_us : INTERVAL_MAX_US;

	n->peer_beat = m->number;
	n->peer_echo = m->echo_best;
	n->peer_interval_us = interval;
	n->links.detection_us = node_detection_us(n);
	n->peer_realtime = m->flags & WIRE_BEAT_REALTIME;
	if (n->peer_digest != m->digest && m->digest != n->conf->digest)
		log_warn(n->env.log, "configuration: %s reads another file than this node",
			n->conf->node[1 - n->conf->self]);
	n->peer_digest = m->digest;
	n->peer_known = true;
	n->joining = JOINING_NOT;
	fall_in_step(n, now);
	for (unsigned g = 0; g < n->conf->n_groups; g++)
		heard_group(n, now, g, &m->record[g], out);
	if (m->channel.data != NULL)
		(void)mirror_heard_channel(n, m->channel);
	if (m->monitors.data != NULL)
		vigil_heard(&n->vigil, n->conf, m->monitors);
	documents_heard(n, m->documents);
	heard_requests(n, now, m, out);
}

/* By all secondary paths where it came by one: of that one this direction may be cut. */
static void answer_urgent(struct node *n, mono_t now, unsigned path, struct actions *out)
{
	if (path < n->conf->n_links)
		send_beat(n, now, path, path + 1, 0, out);
	else
		send_beat(n, now, n->conf->n_links, n->conf->n_paths, 0, out);
}

/* The peer's last words; every path brings them. */
static void heard_parting(struct node *n, mono_t now, const struct message *m, struct actions *out)
{
	if (m->number <= n->peer_beat)
		return;
	n->peer_beat = m->number;
	log_info(n->env.log, "peer %s: stops", n->conf->node[1 - n->conf->self]);
	linkset_parted(&n->links);
	n->peer_since = now;
	node_forget_peer(n, now, REASON_PEER_PARTED, out);
}

bool beat_heard(struct node *n, mono_t now, unsigned path, struct span body, struct actions *out)
{
	struct message m;

	if (!parse(n, path, body, &m))
		return false;
	if (m.ack.data != NULL && !mirror_heard_ack(n, now, m.ack))
		return false;
	if (m.data.data != NULL)
		return mirror_heard_data(n, now, m.data, out);
	if (!m.has_beat)
		return true;
	bool is_news = m.number > n->peer_beat;

	node_count(n, COUNTER_BEATS_HEARD);
	if (m.flags & WIRE_BEAT_PARTING) {
		heard_parting(n, now, &m, out);
		return true;
	}
	/* An overtaken beat speaks for its path; it does not bring a peer back to life. */
	struct linkset_change change = linkset_heard(&n->links, path, now, m.number, m.echo_here,
		is_news || n->links.peer_alive ? m.echo_best : 0);

	node_links_changed(n, now, &change, out);
	suspect_heard(n, m.echo_best);
	if (m.flags & WIRE_BEAT_URGENT)
		answer_urgent(n, now, path, out);
	if (!is_news)
		node_count(n, COUNTER_BEATS_OLD);
	else if (!change.fresh)
		node_count(n, COUNTER_BEATS_STALE);
	else
		heard_facts(n, now, &m, out);
	return true;
}
