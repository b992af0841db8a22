/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "will.h"

#include <assert.h>
#include <string.h>

#include "codec.h"
#include "group.h"
#include "state.h"

enum { BODY_MAX = WIRE_WILL_FRAME_MAX - WIRE_HEADER_LEN - CRYPTO_TAG_LEN };

static size_t put_body(struct node *n, mono_t now, uint8_t *body)
{
	struct writer w = writer_of(body, BODY_MAX);
	size_t mark = writer_tlv(&w, WIRE_TLV_WILL);

	writer_u64(&w, linkset_next_beat(&n->links, now));
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		if (n->group[g].state != GROUP_MASTER)
			continue;
		writer_u8(&w, n->conf->group[g].id);
		writer_u32(&w, n->group[g].term);
	}
	writer_tlv_end(&w, mark);
	assert(writer_ok(&w));
	return w.used;
}

static void entrust(struct node *n, unsigned path, enum wire_frame_type type, const uint8_t *body,
	size_t len, struct actions *out)
{
	uint8_t *frame = out->bytes + out->used;

	assert(out->used + WIRE_WILL_FRAME_MAX <= ACTIONS_BYTES);
	memcpy(frame + WIRE_HEADER_LEN, body, len);
	size_t frame_len =
		handshake_seal_will(&n->handshake, type, path, n->conf->path[path].tag, frame, len);

	node_act(out, ACTION_ENTRUST, path)->bytes = span_of(frame, frame_len);
	out->used += frame_len;
}

void will_entrust(struct node *n, mono_t now, struct actions *out)
{
	uint8_t body[BODY_MAX];

	if (!n->will.due || !handshake_has(&n->handshake, SESSION_CURRENT))
		return;
	n->will.due = false;
	/* PARTING, the last word, has the higher number. */
	for (unsigned type = WIRE_FRAME_HOLD; type <= WIRE_FRAME_PARTING; type++) {
		size_t len = put_body(n, now, body);

		for (unsigned path = 0; path < n->conf->n_paths; path++)
			entrust(n, path, (enum wire_frame_type)type, body, len, out);
	}
}

struct message {
	bool found;
	uint64_t number;
	uint32_t term[CONF_GROUPS_MAX]; /* by group index; 0: not its master */
};

static bool parse_will(const struct node *n, struct span value, struct message *m)
{
	struct reader r = reader_of(value);

	m->found = true;
	m->number = reader_u64(&r);
	while (r.left > 0 && reader_ok(&r)) {
		int g = node_group_of_id(n, reader_u8(&r));
		uint32_t term = reader_u32(&r);

		if (g >= 0)
			m->term[g] = term;
	}
	return reader_ok(&r);
}

static bool parse(const struct node *n, struct span body, struct message *m)
{
	struct reader r = reader_of(body);
	struct span value;
	uint8_t type;

	memset(m, 0, sizeof(*m));
	while (reader_tlv(&r, &type, &value)) {
		if (type == WIRE_TLV_WILL && !parse_will(n, value, m))
			return false;
	}
	return reader_ok(&r) && m->found;
}

/* It was sealed in another situation than the peer is in, by its last beat. */
static bool is_of_another_term(const struct node *n, const struct message *m)
{
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		const struct peer_record *peer = &n->group[g].peer;

		if (m->term[g] != (peer->state == GROUP_MASTER ? peer->term : 0))
			return true;
	}
	return false;
}

static void heard_hold(struct node *n, mono_t now, const struct message *m)
{
	if (!n->peer_known || is_of_another_term(n, m))
		return;
	node_count(n, COUNTER_HOLDS_HEARD);
	log_info(n->env.log, "peer %s: its engine is silent, roles stay for %d ms at most",
		n->conf->node[1 - n->conf->self], LINKSET_HOLD_MS);
	linkset_hold(&n->links, now);
	n->suspect.running = false; /* the machine lives */
}

/* No beat of this boot counts any more: P6.3 takes those with a higher number alone. */
static void heard_parting(struct node *n, mono_t now, struct actions *out)
{
	node_count(n, COUNTER_PARTINGS_HEARD);
	log_warn(n->env.log, "peer %s: its guardian gave everything up",
		n->conf->node[1 - n->conf->self]);
	n->peer_beat = UINT64_MAX;
	linkset_parted(&n->links);
	n->peer_since = now;
	node_forget_peer(n, now, REASON_PEER_PARTED, out);
}

bool will_heard(struct node *n, mono_t now, uint8_t type, struct span body, struct actions *out)
{
	struct message m;

	if (!parse(n, body, &m))
		return false;
	if (m.number <= n->will.heard) /* every path brings it */
		return true;
	n->will.heard = m.number;
	if (type == WIRE_FRAME_HOLD)
		heard_hold(n, now, &m);
	else
		heard_parting(n, now, out);
	return true;
}
