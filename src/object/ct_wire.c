/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sessions as compact bytes, and the prints. The layout is that of doc/PROTOCOL.md, "Objects".
 */
#include "ct.h"

#include <errno.h>
#include <netinet/in.h>

enum { FIELDS_MORE = 0x80 };

/* ---- NAT ------------------------------------------------------------------------------- */

/* Where reply.l4 has what source and destination NAT change. */
static size_t nat_at(const struct tuple *reply, bool source)
{
	return source && reply->shape == TUPLE_PORTS ? 2 : 0;
}

bool ct_find_nat(struct ct_session *s)
{
	const struct tuple *o = &s->orig, *r = &s->reply;
	size_t len = tuple_address_len(o->family);
	unsigned nat = 0;

	if (r->shape != o->shape || r->proto != o->proto)
		return false;
	if (memcmp(r->dst, o->src, len) != 0)
		nat |= CT_NAT_SRC;
	if (memcmp(r->src, o->dst, len) != 0)
		nat |= CT_NAT_DST;
	if (memcmp(r->l4 + nat_at(r, true), o->l4, 2) != 0)
		nat |= CT_NAT_SRC_PORT;
	if (r->shape == TUPLE_PORTS && memcmp(r->l4, o->l4 + 2, 2) != 0)
		nat |= CT_NAT_DST_PORT;
	s->nat = (uint8_t)nat;
	s->fields |= nat != 0 ? CT_NAT : 0;
	return true;
}

static uint8_t *encode_nat(uint8_t *at, const struct ct_session *s)
{
	size_t len = tuple_address_len(s->reply.family);

	*at++ = s->nat;
	if (s->nat & CT_NAT_SRC)
		at = bytes_put(at, s->reply.dst, len);
	if (s->nat & CT_NAT_SRC_PORT)
		at = bytes_put(at, s->reply.l4 + nat_at(&s->reply, true), 2);
	if (s->nat & CT_NAT_DST)
		at = bytes_put(at, s->reply.src, len);
	if (s->nat & CT_NAT_DST_PORT)
		at = bytes_put(at, s->reply.l4 + nat_at(&s->reply, false), 2);
	return at;
}

/* `reply` is the answer without NAT, until here. */
static bool decode_nat(struct bytes *r, struct ct_session *s)
{
	size_t len = tuple_address_len(s->reply.family);
	uint8_t nat = bytes_take_8(r);

	if (nat == 0 || (nat & ~CT_NAT_FLAGS) != 0)
		return false;
	if (s->reply.shape != TUPLE_PORTS && (nat & CT_NAT_DST_PORT))
		return false;
	if (s->reply.shape == TUPLE_PLAIN && (nat & CT_NAT_SRC_PORT))
		return false;
	if (nat & CT_NAT_SRC)
		bytes_take_to(r, s->reply.dst, len);
	if (nat & CT_NAT_SRC_PORT)
		bytes_take_to(r, s->reply.l4 + nat_at(&s->reply, true), 2);
	if (nat & CT_NAT_DST)
		bytes_take_to(r, s->reply.src, len);
	if (nat & CT_NAT_DST_PORT)
		bytes_take_to(r, s->reply.l4 + nat_at(&s->reply, false), 2);
	/* What is said to differ does. */
	return ct_find_nat(s) && s->nat == nat;
}

/* ---- TCP ------------------------------------------------------------------------------- */

static unsigned tcp_maxack(const struct ct_session *s, unsigned dir)
{
	return (s->tcp.flags[dir] & IP_CT_TCP_FLAG_MAXACK_SET) != 0;
}

static uint8_t *encode_tcp(uint8_t *at, const struct ct_session *s)
{
	unsigned flags = (s->tcp.flags[0] & 15u) << 4 | (s->tcp.flags[1] & 15u);

	*at++ = (uint8_t)((unsigned)s->tcp.state << 4 | tcp_maxack(s, 0) << 1 | tcp_maxack(s, 1));
	*at++ = (uint8_t)(s->tcp.wscale[0] << 4 | s->tcp.wscale[1]);
	*at++ = (uint8_t)flags;
	return at;
}

static bool decode_tcp(struct bytes *r, struct ct_session *s)
{
	unsigned state = bytes_take_8(r), wscale = bytes_take_8(r), flags = bytes_take_8(r);

	s->tcp.state = (uint8_t)(state >> 4);
	s->tcp.wscale[0] = (uint8_t)(wscale >> 4);
	s->tcp.wscale[1] = wscale & 15;
	s->tcp.flags[0] = (uint8_t)(flags >> 4);
	s->tcp.flags[1] = (uint8_t)(flags & 15);
	if (state & 2)
		s->tcp.flags[0] |= IP_CT_TCP_FLAG_MAXACK_SET;
	if (state & 1)
		s->tcp.flags[1] |= IP_CT_TCP_FLAG_MAXACK_SET;
	return (state & 12) == 0 && s->tcp.state < TCP_CONNTRACK_MAX;
}

/* ---- the rare ones --------------------------------------------------------------------- */

static size_t labels_used(const uint8_t *labels)
{
	size_t n = CT_LABELS_LEN;

	while (n > 0 && labels[n - 1] == 0)
		n--;
	return n;
}

static uint8_t *encode_seqadj(uint8_t *at, const struct ct_seqadj *a)
{
	at = bytes_put_32(at, a->position);
	at = bytes_put_32(at, a->before);
	return bytes_put_32(at, a->after);
}

static uint8_t *encode_rare(uint8_t *at, const struct ct_session *s, unsigned fields)
{
	if (fields & CT_LABELS) {
		size_t n = labels_used(s->labels);

		*at++ = (uint8_t)n;
		at = bytes_put(at, s->labels, n);
	}
	if (fields & CT_HELPER) {
		*at++ = s->helper_len;
		at = bytes_put(at, s->helper, s->helper_len);
	}
	if (fields & CT_MASTER)
		at = tuple_encode(at, &s->master, (struct zone){ 0 });
	if (fields & CT_SEQADJ_ORIG)
		at = encode_seqadj(at, &s->seqadj[0]);
	if (fields & CT_SEQADJ_REPLY)
		at = encode_seqadj(at, &s->seqadj[1]);
	for (unsigned i = 0; i < 3 && (fields & CT_SYNPROXY); i++)
		at = bytes_put_32(at, s->synproxy[i]);
	if (fields & CT_SCTP) {
		*at++ = s->sctp.state;
		at = bytes_put_32(at, s->sctp.vtag[0]);
		at = bytes_put_32(at, s->sctp.vtag[1]);
	}
	return at;
}

static bool decode_labels(struct bytes *r, struct ct_session *s)
{
	size_t n = bytes_take_8(r);

	if (n == 0 || n > CT_LABELS_LEN)
		return false;
	memset(s->labels, 0, sizeof(s->labels));
	bytes_take_to(r, s->labels, n);
	return s->labels[n - 1] != 0;
}

static bool decode_helper(struct bytes *r, struct ct_session *s)
{
	size_t n = bytes_take_8(r);

	if (n == 0 || n > CT_HELPER_MAX)
		return false;
	bytes_take_to(r, s->helper, n);
	s->helper_len = (uint8_t)n;
	return memchr(s->helper, 0, n) == NULL;
}

static void decode_seqadj(struct bytes *r, struct ct_seqadj *a)
{
	a->position = bytes_take_32(r);
	a->before = bytes_take_32(r);
	a->after = bytes_take_32(r);
}

static bool decode_rare(struct bytes *r, struct ct_session *s, unsigned fields)
{
	struct zone none;

	if ((fields & CT_LABELS) && !decode_labels(r, s))
		return false;
	if ((fields & CT_HELPER) && !decode_helper(r, s))
		return false;
	if (fields & CT_MASTER) {
		if (!tuple_decode(r, &s->master, &none) || none.dir != TUPLE_ZONE_NONE ||
			s->master.family != s->orig.family)
			return false;
	}
	if (fields & CT_SEQADJ_ORIG)
		decode_seqadj(r, &s->seqadj[0]);
	if (fields & CT_SEQADJ_REPLY)
		decode_seqadj(r, &s->seqadj[1]);
	for (unsigned i = 0; i < 3 && (fields & CT_SYNPROXY); i++)
		s->synproxy[i] = bytes_take_32(r);
	if (fields & CT_SCTP) {
		s->sctp.state = bytes_take_8(r);
		s->sctp.vtag[0] = bytes_take_32(r);
		s->sctp.vtag[1] = bytes_take_32(r);
	}
	return !r->bad;
}

/* ---- the whole ------------------------------------------------------------------------- */

size_t ct_encode(const struct ct_session *s, uint16_t fields, uint8_t *value)
{
	uint8_t *at = value;
	unsigned have = s->fields & fields, more = have >> 7;

	*at++ = (uint8_t)((s->status & CT_STATUS_MIRRORED) | (have & 0x7f) |
			  (more != 0 ? FIELDS_MORE : 0));
	if (more != 0)
		*at++ = (uint8_t)more;
	if (have & CT_TIMEOUT)
		at = bytes_put_varint(at, s->timeout);
	if (have & CT_TCP)
		at = encode_tcp(at, s);
	if (have & CT_NAT)
		at = encode_nat(at, s);
	if (have & CT_MARK)
		at = bytes_put_32(at, s->mark);
	if (more != 0)
		at = encode_rare(at, s, have);
	return (size_t)(at - value);
}

static bool decode_value(struct bytes *r, struct ct_session *s)
{
	unsigned first = bytes_take_8(r), more = first & FIELDS_MORE ? bytes_take_8(r) : 0;
	unsigned fields = (first & (CT_FIELDS & 0x7f)) | more << 7;

	if ((more == 0 && (first & FIELDS_MORE)) || (fields & ~(unsigned)CT_FIELDS) != 0)
		return false;
	s->status = first & CT_STATUS_MIRRORED;
	if (fields & CT_TIMEOUT)
		s->timeout = bytes_take_varint(r);
	if ((fields & CT_TCP) && (s->orig.proto != IPPROTO_TCP || !decode_tcp(r, s)))
		return false;
	if ((fields & CT_SCTP) && s->orig.proto != IPPROTO_SCTP)
		return false;
	if ((fields & CT_NAT) && !decode_nat(r, s))
		return false;
	if (fields & CT_MARK) {
		s->mark = bytes_take_32(r);
		if (s->mark == 0)
			return false;
	}
	s->fields = (uint16_t)fields;
	return decode_rare(r, s, fields) && r->at == r->end;
}

int ct_decode(struct span key, struct span value, struct ct_session *ret)
{
	struct bytes r = bytes_of(value);
	int err = tuple_decode_key(key, &ret->orig, &ret->zone);

	if (err != 0)
		return err;
	if (!tuple_invert(&ret->orig, &ret->reply))
		return -EBADMSG;
	ret->fields = 0;
	ret->nat = 0;
	ret->status = ret->timeout = ret->mark = 0;
	ret->helper_len = 0;
	return value.len == 0 || decode_value(&r, ret) ? 0 : -EBADMSG;
}

/* ---- prints ---------------------------------------------------------------------------- */

static uint16_t fold(uint32_t hash)
{
	return (uint16_t)(hash ^ hash >> 16);
}

static uint16_t tcp_print(const struct ct_session *s)
{
	unsigned both = IP_CT_TCP_FLAG_WINDOW_SCALE | IP_CT_TCP_FLAG_SACK_PERM;

	return (uint16_t)((unsigned)s->tcp.state << 12 | (s->tcp.wscale[0] & 15u) << 8 |
			  (s->tcp.wscale[1] & 15u) << 4 | (s->tcp.flags[0] & both) << 2 |
			  (s->tcp.flags[1] & both));
}

void ct_prints(const struct ct_session *s, struct object *ret)
{
	uint8_t base[1 + 4 + 1 + 36 + CT_HELPER_MAX], *at = base;
	uint8_t rare[1 + CT_LABELS_LEN + TUPLE_MAX + 36];

	*at++ = s->status & CT_STATUS_MIRRORED;
	at = bytes_put_32(at, s->fields & CT_MARK ? s->mark : 0);
	if (s->fields & CT_NAT)
		at = encode_nat(at, s);
	if (s->fields & CT_HELPER)
		at = bytes_put(at, s->helper, s->helper_len);
	ret->base = object_hash(0, base, (size_t)(at - base));

	ret->state = 0;
	if (s->fields & CT_TCP) {
		ret->state = tcp_print(s);
	} else if (s->fields & CT_SCTP) {
		at = encode_rare(rare, s, CT_SCTP);
		ret->state = fold(object_hash(0, rare, (size_t)(at - rare)));
	}

	ret->rare = 0;
	if (s->fields & CT_RARE) {
		at = encode_rare(rare, s, s->fields & CT_RARE);
		ret->rare = fold(object_hash(s->fields & CT_RARE, rare, (size_t)(at - rare)));
	}
}
