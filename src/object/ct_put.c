/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel is told of a session.
 */
#include "ct.h"

#include <errno.h>
#include <netinet/in.h>

#include <linux/netfilter/nfnetlink_conntrack.h>

static struct message start(void *room, unsigned type, unsigned flags, uint8_t family)
{
	return message_start(room, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type),
		(uint16_t)(NLM_F_REQUEST | flags), family);
}

int ct_put_dump(void *room)
{
	struct message m = start(room, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);

	return message_end(&m);
}

static void put_orig(struct message *m, const struct tuple *orig, struct zone zone)
{
	tuple_put(m, CTA_TUPLE_ORIG, orig, zone.dir == TUPLE_ZONE_ORIG ? zone.id : 0);
	if (zone.dir == TUPLE_ZONE_BOTH)
		attr_put_be16(m, CTA_ZONE, zone.id);
}

int ct_put_get(struct span key, void *room)
{
	struct tuple orig;
	struct zone zone;
	struct message m;

	if (tuple_decode_key(key, &orig, &zone) != 0)
		return -EBADMSG;
	m = start(room, IPCTNL_MSG_CT_GET, 0, orig.family);
	put_orig(&m, &orig, zone);
	return message_end(&m);
}

/* What the kernel can be told at any time. TCP is told to be liberal: this kernel has not seen
 * the packets that its windows would be judged by. */
static void put_tcp(struct message *m, const struct ct_session *s, unsigned flags, unsigned mask)
{
	uint8_t *nest = attr_begin(m, CTA_PROTOINFO), *tcp = attr_begin(m, CTA_PROTOINFO_TCP);
	struct nf_ct_tcp_flags both[2];

	if (s->fields & CT_TCP) {
		attr_put_u8(m, CTA_PROTOINFO_TCP_STATE, s->tcp.state);
		attr_put_u8(m, CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, s->tcp.wscale[0]);
		attr_put_u8(m, CTA_PROTOINFO_TCP_WSCALE_REPLY, s->tcp.wscale[1]);
		mask |= CT_TCP_MIRRORED;
	}
	for (unsigned i = 0; i < 2; i++) {
		both[i].flags = (uint8_t)flags;
		both[i].mask = (uint8_t)mask;
		if (s->fields & CT_TCP)
			both[i].flags |= s->tcp.flags[i] & CT_TCP_MIRRORED;
	}
	attr_put(m, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, &both[0], sizeof(both[0]));
	attr_put(m, CTA_PROTOINFO_TCP_FLAGS_REPLY, &both[1], sizeof(both[1]));
	attr_end(m, tcp);
	attr_end(m, nest);
}

static void put_sctp(struct message *m, const struct ct_session *s)
{
	uint8_t *nest = attr_begin(m, CTA_PROTOINFO), *sctp = attr_begin(m, CTA_PROTOINFO_SCTP);

	attr_put_u8(m, CTA_PROTOINFO_SCTP_STATE, s->sctp.state);
	attr_put_be32(m, CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, s->sctp.vtag[0]);
	attr_put_be32(m, CTA_PROTOINFO_SCTP_VTAG_REPLY, s->sctp.vtag[1]);
	attr_end(m, sctp);
	attr_end(m, nest);
}

static void put_protoinfo(struct message *m, const struct ct_session *s)
{
	if (s->orig.proto == IPPROTO_TCP)
		put_tcp(m, s, IP_CT_TCP_FLAG_BE_LIBERAL, CT_TCP_LOCAL);
	else if (s->fields & CT_SCTP)
		put_sctp(m, s);
}

static void put_three(struct message *m, uint16_t type, uint32_t a, uint32_t b, uint32_t c)
{
	uint8_t *nest = attr_begin(m, type);

	attr_put_be32(m, 1, a);
	attr_put_be32(m, 2, b);
	attr_put_be32(m, 3, c);
	attr_end(m, nest);
}

static void put_rare(struct message *m, const struct ct_session *s)
{
	static const uint16_t types[2] = { CTA_SEQ_ADJ_ORIG, CTA_SEQ_ADJ_REPLY };

	for (unsigned i = 0; i < 2; i++) {
		const struct ct_seqadj *a = &s->seqadj[i];

		if (s->fields & (i == 0 ? CT_SEQADJ_ORIG : CT_SEQADJ_REPLY))
			put_three(m, types[i], a->position, a->before, a->after);
	}
	if (s->fields & CT_SYNPROXY)
		put_three(m, CTA_SYNPROXY, s->synproxy[0], s->synproxy[1], s->synproxy[2]);
	if (s->fields & CT_LABELS)
		attr_put(m, CTA_LABELS, s->labels, sizeof(s->labels));
}

static void put_nat(struct message *m, uint16_t type, const struct tuple *reply, bool source)
{
	bool v6 = reply->family == AF_INET6;
	size_t at = source && reply->shape == TUPLE_PORTS ? 2 : 0;
	uint8_t *nest = attr_begin(m, type), *proto;

	attr_put(m, v6 ? CTA_NAT_V6_MINIP : CTA_NAT_V4_MINIP, source ? reply->dst : reply->src,
		v6 ? 16 : 4);
	/* Destination NAT of ICMP changes no id. */
	if (reply->shape == TUPLE_PORTS || (reply->shape == TUPLE_ICMP && source)) {
		proto = attr_begin(m, CTA_NAT_PROTO);
		attr_put(m, CTA_PROTONAT_PORT_MIN, reply->l4 + at, 2);
		attr_put(m, CTA_PROTONAT_PORT_MAX, reply->l4 + at, 2);
		attr_end(m, proto);
	}
	attr_end(m, nest);
}

static void put_helper(struct message *m, const struct ct_session *s)
{
	uint8_t *nest = attr_begin(m, CTA_HELP);
	char name[CT_HELPER_MAX + 1];

	memcpy(name, s->helper, s->helper_len);
	name[s->helper_len] = '\0';
	attr_put(m, CTA_HELP_NAME, name, s->helper_len + 1u);
	attr_end(m, nest);
}

/* The kernel sets CONFIRMED and refuses a status without it; EXPECTED it sets for a session
 * with a master, and refuses it before. */
static uint32_t status_of(const struct ct_session *s, bool create)
{
	uint32_t status = s->status & CT_STATUS_MIRRORED;

	return IPS_CONFIRMED | (create ? status & ~(uint32_t)IPS_EXPECTED : status);
}

static int put_create(const struct object_host *host, const struct ct_session *s, void *room)
{
	struct message m =
		start(room, IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL, s->orig.family);
	struct tuple plain;

	put_orig(&m, &s->orig, s->zone);
	/* The reply as it would be without NAT: the kernel makes NAT of it by what follows. */
	tuple_invert(&s->orig, &plain);
	tuple_put(&m, CTA_TUPLE_REPLY, &plain, s->zone.dir == TUPLE_ZONE_REPLY ? s->zone.id : 0);
	if (s->fields & CT_NAT) {
		/* Both, even if one changes nothing: where one is missing the kernel looks for
		 * a free port by itself. */
		put_nat(&m, CTA_NAT_SRC, &s->reply, true);
		put_nat(&m, CTA_NAT_DST, &s->reply, false);
	}
	attr_put_be32(&m, CTA_STATUS, status_of(s, true));
	attr_put_be32(&m, CTA_TIMEOUT, ct_hold_timeout(host, s));
	if (s->fields & CT_MARK)
		attr_put_be32(&m, CTA_MARK, s->mark);
	put_protoinfo(&m, s);
	if (s->fields & CT_HELPER)
		put_helper(&m, s);
	if (s->fields & CT_MASTER)
		tuple_put(&m, CTA_TUPLE_MASTER, &s->master, 0);
	put_rare(&m, s);
	return message_end(&m);
}

static struct message start_update(const struct ct_session *s, void *room)
{
	struct message m = start(room, IPCTNL_MSG_CT_NEW, 0, s->orig.family);

	put_orig(&m, &s->orig, s->zone);
	return m;
}

static int put_change(const struct object_host *host, const struct ct_session *s, void *room)
{
	struct message m = start_update(s, room);

	attr_put_be32(&m, CTA_TIMEOUT, ct_hold_timeout(host, s));
	/* The bits can only be set, and a status without one that is set is refused. */
	if (s->status & (IPS_SEEN_REPLY | IPS_ASSURED))
		attr_put_be32(&m, CTA_STATUS, status_of(s, false));
	attr_put_be32(&m, CTA_MARK, s->fields & CT_MARK ? s->mark : 0);
	put_protoinfo(&m, s);
	put_rare(&m, s);
	return message_end(&m);
}

static int put_hold(
	const struct object_host *host, const struct ct_session *s, bool has_value, void *room)
{
	struct message m = start_update(s, room);

	attr_put_be32(&m, CTA_TIMEOUT, has_value ? ct_hold_timeout(host, s) : host->hold_s);
	return message_end(&m);
}

static int put_flags(struct ct_session *s, struct message *m, unsigned flags, unsigned mask)
{
	s->fields &= (uint16_t)~CT_TCP; /* these flags alone, not the state */
	put_tcp(m, s, flags, mask);
	return message_end(m);
}

static int put_loosen(struct ct_session *s, void *room)
{
	struct message m;

	if (s->orig.proto != IPPROTO_TCP)
		return 0;
	m = start_update(s, room);
	return put_flags(s, &m, IP_CT_TCP_FLAG_BE_LIBERAL, CT_TCP_LOCAL);
}

static int put_settle(const struct object_host *host, struct ct_session *s, bool strict, void *room)
{
	struct ct_settling settling = ct_settle(host, s);
	struct message m;

	settling.strict &= strict;
	if (!settling.retime && !settling.strict)
		return 0;
	m = start_update(s, room);
	if (settling.retime)
		attr_put_be32(&m, CTA_TIMEOUT, settling.timeout);
	if (settling.strict)
		return put_flags(s, &m, 0, IP_CT_TCP_FLAG_BE_LIBERAL);
	return message_end(&m);
}

static int put_remove(const struct ct_session *s, void *room)
{
	struct message m = start(room, IPCTNL_MSG_CT_DELETE, 0, s->orig.family);

	put_orig(&m, &s->orig, s->zone);
	return message_end(&m);
}

static int put_evict(const struct ct_session *s, void *room)
{
	struct message m = start(room, IPCTNL_MSG_CT_DELETE, 0, s->orig.family);

	tuple_put(&m, CTA_TUPLE_REPLY, &s->reply, s->zone.dir == TUPLE_ZONE_REPLY ? s->zone.id : 0);
	if (s->zone.dir == TUPLE_ZONE_BOTH)
		attr_put_be16(&m, CTA_ZONE, s->zone.id);
	return message_end(&m);
}

int ct_put_order(const struct object_host *host, enum object_op op, struct span key,
	struct span value, void *room)
{
	struct ct_session s;

	if (op == OBJECT_REMOVE) /* whatever stands beside the key */
		value.len = 0;
	if (ct_decode(key, value, &s) != 0)
		return -EBADMSG;
	switch (op) {
	case OBJECT_CREATE: return value.len != 0 ? put_create(host, &s, room) : -EBADMSG;
	case OBJECT_CHANGE: return value.len != 0 ? put_change(host, &s, room) : -EBADMSG;
	case OBJECT_EVICT: return value.len != 0 ? put_evict(&s, room) : -EBADMSG;
	case OBJECT_SETTLE: return value.len != 0 ? put_settle(host, &s, true, room) : -EBADMSG;
	case OBJECT_RETIME: return value.len != 0 ? put_settle(host, &s, false, room) : -EBADMSG;
	case OBJECT_HOLD: return put_hold(host, &s, value.len != 0, room);
	case OBJECT_LOOSEN: return put_loosen(&s, room);
	case OBJECT_REMOVE: return put_remove(&s, room);
	case OBJECT_WHOLE: break; /* the caller's to resolve */
	}
	return -EBADMSG;
}
