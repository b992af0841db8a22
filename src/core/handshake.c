/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "handshake.h"

#include <assert.h>
#include <string.h>

#include "codec.h"

enum {
	SLOT_HELLO_OUT = 0, /* one for each cluster key */
	SLOT_HELLO_IN = SLOT_HELLO_OUT + CRYPTO_CLUSTER_KEYS_MAX,
	SLOT_SESSION, /* two for each kind of session: node 0's, node 1's */

	ANSWER_GAP_MS = 5,
	PREVIOUS_MS = 1000,
	FAILURES_MAX = 100, /* a second, for each path and type */
	RENEW_AFTER_MS = 3600 * 1000,
	RENEW_AFTER_FRAMES = 1 << 28,
};

static unsigned slot_of(enum handshake_session kind, unsigned node)
{
	return SLOT_SESSION + 2 * (unsigned)kind + node;
}

static void make_offer(struct handshake *h)
{
	h->offer++;
	h->crypto->offer(h->crypto->user, h->offer_public);
}

void handshake_keys_changed(struct handshake *h)
{
	unsigned n = h->crypto->cluster_keys(h->crypto->user);

	assert(n >= 1 && n <= CRYPTO_CLUSTER_KEYS_MAX);
	for (unsigned i = 0; i < n; i++)
		h->crypto->derive_hello(h->crypto->user, SLOT_HELLO_OUT + i, i, h->nonce);
	h->hello_key.valid = false;
	h->heard.n_hints = 0;
}

void handshake_init(struct handshake *h, const struct crypto *crypto, uint8_t cluster, uint8_t self,
	const char *release)
{
	size_t len = strlen(release);

	memset(h, 0, sizeof(*h));
	h->crypto = crypto;
	h->cluster = cluster;
	h->self = self;
	memcpy(h->release, release, len < HANDSHAKE_RELEASE_MAX ? len : HANDSHAKE_RELEASE_MAX);
	crypto->random(crypto->user, h->nonce, sizeof(h->nonce));
	handshake_keys_changed(h);
	make_offer(h);
}

bool handshake_has(const struct handshake *h, enum handshake_session kind)
{
	return h->session[kind].valid;
}

/* Our present offer is the one the current session was made of. */
static bool offer_is_used(const struct handshake *h)
{
	const struct session *s = &h->session[SESSION_CURRENT];

	return s->valid && s->pair.own_offer == h->offer;
}

bool handshake_wants_hello(const struct handshake *h)
{
	return h->session[SESSION_CANDIDATE].valid || !offer_is_used(h);
}

bool handshake_renew(struct handshake *h, mono_t now)
{
	const struct session *s = &h->session[SESSION_CURRENT];

	if (!offer_is_used(h))
		return false;
	if (!mono_reached(mono_after_ms(s->made_at, RENEW_AFTER_MS), now) &&
		session_sent_most(s) < RENEW_AFTER_FRAMES)
		return false;
	make_offer(h);
	return true;
}

static void rearrange_session(struct session *s, unsigned n_paths, const int from[CONF_PATHS_MAX])
{
	struct session old = *s;

	uint64_t most = session_sent_most(&old);

	s->sent_floor = most > old.sent_floor ? most : old.sent_floor;
	memset(s->sent, 0, sizeof(s->sent));
	memset(s->heard, 0, sizeof(s->heard));
	for (unsigned i = 0; i < n_paths; i++) {
		s->sent[i] = from[i] >= 0 ? old.sent[from[i]] : s->sent_floor;
		if (from[i] >= 0)
			s->heard[i] = old.heard[from[i]];
		else /* it may have been here before: what was heard then is forgotten */
			s->heard[i].highest = UINT64_MAX;
	}
}

void handshake_rearrange(struct handshake *h, unsigned n_paths, const int from[CONF_PATHS_MAX])
{
	uint64_t most = 0;

	for (unsigned i = 0; i < CONF_PATHS_MAX; i++)
		most = h->hellos_sent[i] > most ? h->hellos_sent[i] : most;
	for (unsigned i = 0; i < CONF_PATHS_MAX; i++)
		h->hellos_sent[i] = most;
	memset(h->answer_due, 0, sizeof(h->answer_due));
	memset(h->hello_failures, 0, sizeof(h->hello_failures));
	memset(h->session_failures, 0, sizeof(h->session_failures));
	for (unsigned kind = 0; kind < SESSION_KINDS; kind++)
		rearrange_session(&h->session[kind], n_paths, from);
	if (offer_is_used(h) || h->session[SESSION_CANDIDATE].valid)
		make_offer(h);
}

/* The index of the cluster key with that hint, or -1. */
static int key_of_hint(const struct handshake *h, uint8_t hint)
{
	unsigned n = h->crypto->cluster_keys(h->crypto->user);

	for (unsigned i = 0; i < n; i++) {
		if (h->crypto->key_hint(h->crypto->user, i) == hint)
			return (int)i;
	}
	return -1;
}

/* The first key of node 0's list that is in node 1's too; -1 while the peer's is unknown. */
static int common_key(const struct handshake *h)
{
	unsigned n_own = h->crypto->cluster_keys(h->crypto->user);

	if (h->self == 1) {
		for (unsigned i = 0; i < h->heard.n_hints; i++) {
			int own = key_of_hint(h, h->heard.hint[i]);

			if (own >= 0)
				return own;
		}
		return -1;
	}
	for (unsigned i = 0; i < n_own; i++) {
		if (memchr(h->heard.hint, h->crypto->key_hint(h->crypto->user, i),
			    h->heard.n_hints))
			return (int)i;
	}
	return -1;
}

static void put_hello_body(const struct handshake *h, struct writer *w)
{
	unsigned n_keys = h->crypto->cluster_keys(h->crypto->user);
	size_t mark = writer_tlv(w, WIRE_TLV_OFFER);

	writer_u32(w, h->offer);
	writer_bytes(w, h->offer_public, sizeof(h->offer_public));
	writer_tlv_end(w, mark);
	if (h->heard.valid) {
		mark = writer_tlv(w, WIRE_TLV_HEARD);
		writer_bytes(w, h->heard.nonce, sizeof(h->heard.nonce));
		writer_u32(w, h->heard.offer);
		writer_tlv_end(w, mark);
	}
	mark = writer_tlv(w, WIRE_TLV_KEYS);
	for (unsigned i = 0; i < n_keys; i++)
		writer_u8(w, h->crypto->key_hint(h->crypto->user, i));
	writer_tlv_end(w, mark);
	mark = writer_tlv(w, WIRE_TLV_RELEASE);
	writer_bytes(w, h->release, strlen(h->release));
	writer_tlv_end(w, mark);
}

size_t handshake_put_hello(struct handshake *h, unsigned path, uint16_t tag, uint8_t *frame)
{
	enum { CLEAR_LEN = WIRE_HEADER_LEN + CRYPTO_NONCE_LEN };
	struct writer w =
		writer_of(frame + CLEAR_LEN, WIRE_BEAT_FRAME_MAX - CLEAR_LEN - CRYPTO_TAG_LEN);
	unsigned n_keys = h->crypto->cluster_keys(h->crypto->user);
	int common = common_key(h);
	uint64_t sequence = ++h->hellos_sent[path];
	unsigned key = common >= 0 ? (unsigned)common : (unsigned)(sequence % n_keys);

	put_hello_body(h, &w);
	assert(writer_ok(&w));
	struct frame_header header = {
		.type = WIRE_FRAME_HELLO,
		.cluster = h->cluster,
		.path = tag,
		.sender = h->self,
		.key_hint = h->crypto->key_hint(h->crypto->user, key),
		.length = (uint16_t)(CRYPTO_NONCE_LEN + w.used + CRYPTO_TAG_LEN),
		.sequence = sequence,
	};

	frame_put_header(&header, frame);
	memcpy(frame + WIRE_HEADER_LEN, h->nonce, sizeof(h->nonce));
	h->crypto->seal(h->crypto->user, SLOT_HELLO_OUT + key, tag, sequence,
		span_of(frame, CLEAR_LEN), span_of(w.start, w.used), w.start);
	return CLEAR_LEN + w.used + CRYPTO_TAG_LEN;
}

/* True when too many frames were not authentic within a second. */
static bool too_many(struct failures *f, mono_t now)
{
	if (mono_reached(mono_after_ms(f->since, 1000), now))
		*f = (struct failures){ .since = now };
	return f->n >= FAILURES_MAX;
}

struct hello {
	bool has_offer, has_heard;
	struct heard sender;
	uint8_t heard_nonce[CRYPTO_NONCE_LEN];
	uint32_t heard_offer;
};

static bool parse_hello_tlv(struct hello *hello, uint8_t type, struct span value)
{
	struct reader r = reader_of(value);

	switch (type) {
	case WIRE_TLV_OFFER:
		hello->sender.offer = reader_u32(&r);
		memcpy(hello->sender.public_key, reader_bytes(&r, CRYPTO_PUBLIC_LEN).data,
			reader_ok(&r) ? CRYPTO_PUBLIC_LEN : 0);
		hello->has_offer = reader_ok(&r);
		break;
	case WIRE_TLV_HEARD:
		memcpy(hello->heard_nonce, reader_bytes(&r, CRYPTO_NONCE_LEN).data,
			reader_ok(&r) ? CRYPTO_NONCE_LEN : 0);
		hello->heard_offer = reader_u32(&r);
		hello->has_heard = reader_ok(&r);
		break;
	case WIRE_TLV_KEYS:
		hello->sender.n_hints = 0;
		for (size_t i = 0; i < value.len && i < CRYPTO_CLUSTER_KEYS_MAX; i++)
			hello->sender.hint[hello->sender.n_hints++] = value.data[i];
		break;
	default: break; /* of a later release */
	}
	return reader_ok(&r);
}

static bool parse_hello(struct span body, struct hello *hello)
{
	struct reader r = reader_of(body);
	struct span value;
	uint8_t type;

	memset(hello, 0, sizeof(*hello));
	while (reader_tlv(&r, &type, &value)) {
		if (!parse_hello_tlv(hello, type, value))
			return false;
	}
	return reader_ok(&r) && hello->has_offer && hello->sender.n_hints > 0;
}

static bool same_pair(const struct session *s, const struct session_pair *pair)
{
	return s->valid && s->pair.own_offer == pair->own_offer &&
	       s->pair.peer_offer == pair->peer_offer &&
	       memcmp(s->pair.peer_nonce, pair->peer_nonce, sizeof(pair->peer_nonce)) == 0;
}

static size_t put_transcript(const struct handshake *h, uint8_t *bytes, size_t size)
{
	struct writer w = writer_of(bytes, size);
	bool low = h->self == 0;

	writer_u8(&w, h->cluster);
	writer_bytes(&w, low ? h->nonce : h->heard.nonce, CRYPTO_NONCE_LEN);
	writer_bytes(&w, low ? h->offer_public : h->heard.public_key, CRYPTO_PUBLIC_LEN);
	writer_bytes(&w, low ? h->heard.nonce : h->nonce, CRYPTO_NONCE_LEN);
	writer_bytes(&w, low ? h->heard.public_key : h->offer_public, CRYPTO_PUBLIC_LEN);
	assert(writer_ok(&w));
	return w.used;
}

/* Derives the candidate from our offer and the one just heard. */
static void derive(struct handshake *h, mono_t now, const struct session_pair *pair)
{
	uint8_t transcript[1 + 2 * (CRYPTO_NONCE_LEN + CRYPTO_PUBLIC_LEN)];
	size_t len = put_transcript(h, transcript, sizeof(transcript));
	struct session *s = &h->session[SESSION_CANDIDATE];
	int key = common_key(h);
	uint32_t id = 0;

	if (key < 0 || !h->crypto->derive_session(h->crypto->user, slot_of(SESSION_CANDIDATE, 0),
			       slot_of(SESSION_CANDIDATE, 1), (unsigned)key, h->heard.public_key,
			       span_of(transcript, len), &id))
		return;
	memset(s, 0, sizeof(*s));
	s->valid = true;
	s->id = id;
	s->pair = *pair;
	s->made_at = now;
}

/* An authentic hello: PROTOCOL.md, section 4, steps 2 to 4. */
static enum handshake_outcome judge_hello(
	struct handshake *h, mono_t now, unsigned path, const struct hello *hello)
{
	struct session_pair pair = {
		.own_offer = h->offer,
		.peer_offer = hello->sender.offer,
	};

	memcpy(pair.peer_nonce, hello->sender.nonce, sizeof(pair.peer_nonce));
	h->heard = hello->sender;
	h->heard.valid = true;
	if (!hello->has_heard || hello->heard_offer != h->offer ||
		memcmp(hello->heard_nonce, h->nonce, sizeof(h->nonce)) != 0) {
		if (!mono_reached(h->answer_due[path], now))
			return HANDSHAKE_STALE;
		h->answer_due[path] = mono_after_ms(now, ANSWER_GAP_MS);
		return HANDSHAKE_ANSWER;
	}
	if (same_pair(&h->session[SESSION_CURRENT], &pair) ||
		same_pair(&h->session[SESSION_CANDIDATE], &pair))
		return HANDSHAKE_NOTHING;
	/* A key derived twice would seal two frames with one number. */
	const struct session *candidate = &h->session[SESSION_CANDIDATE];
	bool in_candidate = candidate->valid && candidate->pair.own_offer == h->offer;
	bool same_boot = memcmp(candidate->pair.peer_nonce, pair.peer_nonce, CRYPTO_NONCE_LEN) == 0;

	if (in_candidate && same_boot && pair.peer_offer < candidate->pair.peer_offer)
		return HANDSHAKE_NOTHING;
	if (offer_is_used(h) || (in_candidate && !same_boot))
		make_offer(h);
	else
		derive(h, now, &pair);
	return HANDSHAKE_ANSWER;
}

enum handshake_outcome handshake_heard(struct handshake *h, mono_t now, unsigned path,
	const struct frame_header *header, struct span frame, uint8_t *text)
{
	const size_t clear_len = WIRE_HEADER_LEN + CRYPTO_NONCE_LEN;
	const uint8_t *nonce = frame.data + WIRE_HEADER_LEN;

	if (header->length < CRYPTO_NONCE_LEN + CRYPTO_TAG_LEN)
		return HANDSHAKE_DROP_LENGTH;
	int key = key_of_hint(h, header->key_hint);

	if (key < 0)
		return HANDSHAKE_DROP_KEY;
	if (too_many(&h->hello_failures[path], now))
		return HANDSHAKE_DROP_RATE;
	if (!h->hello_key.valid || h->hello_key.cluster_key != (unsigned)key ||
		memcmp(h->hello_key.nonce, nonce, CRYPTO_NONCE_LEN) != 0) {
		h->crypto->derive_hello(h->crypto->user, SLOT_HELLO_IN, (unsigned)key, nonce);
		h->hello_key.valid = true;
		h->hello_key.cluster_key = (unsigned)key;
		memcpy(h->hello_key.nonce, nonce, CRYPTO_NONCE_LEN);
	}
	struct span sealed =
		span_of(frame.data + clear_len, header->length - (size_t)CRYPTO_NONCE_LEN);

	if (!h->crypto->open(h->crypto->user, SLOT_HELLO_IN, header->path, header->sequence,
		    span_of(frame.data, clear_len), sealed, text)) {
		h->hello_failures[path].n++;
		return HANDSHAKE_DROP_AUTH;
	}
	struct hello hello;

	if (!parse_hello(span_of(text, sealed.len - CRYPTO_TAG_LEN), &hello))
		return HANDSHAKE_DROP_MALFORMED;
	memcpy(hello.sender.nonce, nonce, CRYPTO_NONCE_LEN);
	return judge_hello(h, now, path, &hello);
}

/* The candidate has been confirmed: it replaces the current session. */
static enum handshake_opened promote(struct handshake *h, mono_t now)
{
	struct session *current = &h->session[SESSION_CURRENT];
	const struct session *candidate = &h->session[SESSION_CANDIDATE];
	bool restarted =
		current->valid &&
		memcmp(current->pair.peer_nonce, candidate->pair.peer_nonce, CRYPTO_NONCE_LEN) != 0;

	for (unsigned node = 0; node < CONF_NODES; node++) {
		if (current->valid)
			h->crypto->copy(h->crypto->user, slot_of(SESSION_PREVIOUS, node),
				slot_of(SESSION_CURRENT, node));
		h->crypto->copy(h->crypto->user, slot_of(SESSION_CURRENT, node),
			slot_of(SESSION_CANDIDATE, node));
	}
	h->session[SESSION_PREVIOUS] = *current;
	/* What a former boot sent counts no more: its numbers may be higher than this one's. */
	h->session[SESSION_PREVIOUS].valid &= !restarted;
	h->previous_until = mono_after_ms(now, PREVIOUS_MS);
	*current = *candidate;
	h->session[SESSION_CANDIDATE].valid = false;
	return restarted ? OPENED_RESTARTED : OPENED_CONFIRMED;
}

enum handshake_opened handshake_open(struct handshake *h, mono_t now, unsigned path,
	const struct frame_header *header, struct span frame, uint8_t *text)
{
	unsigned peer = 1u - h->self;
	unsigned kind;

	if (header->length < CRYPTO_TAG_LEN)
		return OPENED_LENGTH;
	if (mono_reached(h->previous_until, now))
		h->session[SESSION_PREVIOUS].valid = false;
	for (kind = 0; kind < SESSION_KINDS; kind++) {
		if (h->session[kind].valid && h->session[kind].id == header->session)
			break;
	}
	if (kind == SESSION_KINDS)
		return OPENED_SESSION;
	if (too_many(&h->session_failures[path], now))
		return OPENED_RATE;
	switch (session_open(
		&h->session[kind], h->crypto, slot_of(kind, peer), path, header, frame, text)) {
	case SESSION_OK: break;
	case SESSION_REPLAY: return OPENED_REPLAY;
	case SESSION_AUTH: h->session_failures[path].n++; return OPENED_AUTH;
	}
	return kind == SESSION_CANDIDATE ? promote(h, now) : OPENED;
}

static size_t seal(struct handshake *h, enum handshake_session kind, enum wire_frame_type type,
	unsigned path, uint16_t tag, uint8_t *frame, size_t text_len)
{
	struct frame_header header = {
		.type = (uint8_t)type,
		.cluster = h->cluster,
		.path = tag,
		.sender = h->self,
	};

	return session_seal(&h->session[kind], h->crypto, slot_of(kind, h->self), path, &header,
		frame, text_len);
}

size_t handshake_seal(struct handshake *h, enum handshake_session kind, unsigned path, uint16_t tag,
	uint8_t *frame, size_t text_len)
{
	return seal(h, kind, WIRE_FRAME_SESSION, path, tag, frame, text_len);
}

size_t handshake_seal_will(struct handshake *h, enum wire_frame_type type, unsigned path,
	uint16_t tag, uint8_t *frame, size_t text_len)
{
	return seal(h, SESSION_CURRENT, type, path, tag, frame, text_len);
}
