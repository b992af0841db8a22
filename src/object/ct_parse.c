/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel says of a session. This is read for each event and each entry of a dump.
 */
#include "ct.h"

#include <errno.h>
#include <netinet/in.h>

#include <linux/netfilter/nfnetlink_conntrack.h>

/* A bit for each attribute whose data come after the walk. */
enum { SEEN_ORIG = 1, SEEN_REPLY = 2, SEEN_STATUS = 4 };

static void parse_tcp(const struct attr *nest, struct ct_session *s)
{
	struct attrs in = attrs_in(nest);
	struct attr a;

	memset(&s->tcp, 0, sizeof(s->tcp));
	while (attr_next(&in, &a)) {
		if (a.len < 1)
			continue;
		switch (a.type) {
		case CTA_PROTOINFO_TCP_STATE:
			if (a.data[0] >= TCP_CONNTRACK_MAX)
				break;
			s->tcp.state = a.data[0];
			s->fields |= CT_TCP;
			break;
		case CTA_PROTOINFO_TCP_WSCALE_ORIGINAL: s->tcp.wscale[0] = a.data[0] & 15; break;
		case CTA_PROTOINFO_TCP_WSCALE_REPLY: s->tcp.wscale[1] = a.data[0] & 15; break;
		case CTA_PROTOINFO_TCP_FLAGS_ORIGINAL: s->tcp.flags[0] = a.data[0]; break;
		case CTA_PROTOINFO_TCP_FLAGS_REPLY: s->tcp.flags[1] = a.data[0]; break;
		default: break;
		}
	}
	s->tcp.flags[0] &= CT_TCP_MIRRORED | CT_TCP_LOCAL;
	s->tcp.flags[1] &= CT_TCP_MIRRORED | CT_TCP_LOCAL;
	/* One side's offer alone is not in force, and the kernel does not take it. */
	if (!(s->tcp.flags[0] & s->tcp.flags[1] & IP_CT_TCP_FLAG_WINDOW_SCALE))
		memset(s->tcp.wscale, 0, sizeof(s->tcp.wscale));
}

static void parse_sctp(const struct attr *nest, struct ct_session *s)
{
	struct attrs in = attrs_in(nest);
	struct attr a;
	unsigned seen = 0;

	while (attr_next(&in, &a)) {
		if (a.type == CTA_PROTOINFO_SCTP_STATE && a.len >= 1) {
			s->sctp.state = a.data[0];
			seen |= 1;
		} else if (a.type == CTA_PROTOINFO_SCTP_VTAG_ORIGINAL && a.len >= 4) {
			s->sctp.vtag[0] = attr_be32(a.data);
			seen |= 2;
		} else if (a.type == CTA_PROTOINFO_SCTP_VTAG_REPLY && a.len >= 4) {
			s->sctp.vtag[1] = attr_be32(a.data);
			seen |= 4;
		}
	}
	s->fields |= seen == 7 ? CT_SCTP : 0;
}

static void parse_protoinfo(const struct attr *nest, struct ct_session *s)
{
	struct attrs in = attrs_in(nest);
	struct attr a;

	while (attr_next(&in, &a)) {
		if (a.type == CTA_PROTOINFO_TCP)
			parse_tcp(&a, s);
		else if (a.type == CTA_PROTOINFO_SCTP)
			parse_sctp(&a, s);
	}
}

static void parse_helper(const struct attr *nest, struct ct_session *s)
{
	struct attrs in = attrs_in(nest);
	struct attr a;

	while (attr_next(&in, &a)) {
		size_t len = a.type == CTA_HELP_NAME ? strnlen((const char *)a.data, a.len) : 0;

		if (len == 0 || len > CT_HELPER_MAX)
			continue;
		memcpy(s->helper, a.data, len);
		s->helper_len = (uint8_t)len;
		s->fields |= CT_HELPER;
	}
}

/* Three numbers of 32 bits, with attributes numbered from 1; false when all are zero: entries
 * have room for these whether they are in use or not. */
static bool parse_three(const struct attr *nest, uint32_t three[3])
{
	struct attrs in = attrs_in(nest);
	struct attr a;

	memset(three, 0, 3 * sizeof(three[0]));
	while (attr_next(&in, &a)) {
		if (a.type >= 1 && a.type <= 3 && a.len >= 4)
			three[a.type - 1] = attr_be32(a.data);
	}
	return (three[0] | three[1] | three[2]) != 0;
}

static void parse_seqadj(const struct attr *nest, struct ct_session *s, unsigned dir)
{
	uint32_t three[3];

	if (!parse_three(nest, three))
		return;
	s->seqadj[dir] = (struct ct_seqadj){ three[0], three[1], three[2] };
	s->fields |= dir == 0 ? CT_SEQADJ_ORIG : CT_SEQADJ_REPLY;
}

static void parse_labels(const struct attr *a, struct ct_session *s)
{
	static const uint8_t none[CT_LABELS_LEN];
	size_t len = a->len < CT_LABELS_LEN ? a->len : CT_LABELS_LEN;

	memset(s->labels, 0, sizeof(s->labels));
	memcpy(s->labels, a->data, len);
	if (memcmp(s->labels, none, sizeof(none)) != 0)
		s->fields |= CT_LABELS;
}

/* The attributes that few sessions have. */
static int parse_other(const struct attr *a, struct ct_session *s)
{
	uint16_t ignored = 0;

	switch (a->type) {
	case CTA_HELP: parse_helper(a, s); break;
	case CTA_LABELS: parse_labels(a, s); break;
	case CTA_SEQ_ADJ_ORIG: parse_seqadj(a, s, 0); break;
	case CTA_SEQ_ADJ_REPLY: parse_seqadj(a, s, 1); break;
	case CTA_SYNPROXY:
		if (parse_three(a, s->synproxy))
			s->fields |= CT_SYNPROXY;
		break;
	case CTA_TUPLE_MASTER:
		s->fields |= CT_MASTER;
		return tuple_parse(a, s->orig.family, &s->master, &ignored);
	case CTA_ZONE:
		if (a->len < 2)
			return -EBADMSG;
		s->zone.id = attr_be16(a->data);
		s->zone.dir = s->zone.id != 0 ? TUPLE_ZONE_BOTH : TUPLE_ZONE_NONE;
		break;
	default: break;
	}
	return 0;
}

static int parse_tuple(const struct attr *a, struct ct_session *s, bool orig)
{
	uint16_t zone = 0;
	int err = tuple_parse(a, s->orig.family, orig ? &s->orig : &s->reply, &zone);

	if (zone != 0) {
		s->zone.id = zone;
		s->zone.dir = orig ? TUPLE_ZONE_ORIG : TUPLE_ZONE_REPLY;
	}
	return err;
}

/* Sets family, zone, fields and the fields. */
static int parse_session(const struct nlmsghdr *nlh, struct ct_session *s)
{
	struct attrs in = attrs_of(nlh);
	struct attr a;
	unsigned seen = 0;
	int err = 0;

	while (err == 0 && attr_next(&in, &a)) {
		switch (a.type) {
		case CTA_TUPLE_ORIG:
		case CTA_TUPLE_REPLY:
			err = parse_tuple(&a, s, a.type == CTA_TUPLE_ORIG);
			seen |= a.type == CTA_TUPLE_ORIG ? SEEN_ORIG : SEEN_REPLY;
			break;
		case CTA_STATUS:
		case CTA_TIMEOUT:
		case CTA_MARK:
			if (a.len < 4)
				return -EBADMSG;
			if (a.type == CTA_STATUS) {
				s->status = attr_be32(a.data);
				seen |= SEEN_STATUS;
			} else if (a.type == CTA_TIMEOUT) {
				s->timeout = attr_be32(a.data);
				s->fields |= CT_TIMEOUT;
			} else {
				s->mark = attr_be32(a.data);
				s->fields |= s->mark != 0 ? CT_MARK : 0;
			}
			break;
		case CTA_PROTOINFO: parse_protoinfo(&a, s); break;
		default: err = parse_other(&a, s); break;
		}
	}
	if (err != 0 || in.bad || seen != (SEEN_ORIG | SEEN_REPLY | SEEN_STATUS))
		return -EBADMSG;
	return 0;
}

/* The kernel does not tell of an offloaded flow's state: it can only be this one. */
static bool assume_state(struct ct_session *s)
{
	if (s->orig.proto != IPPROTO_TCP || (s->fields & CT_TCP) || !(s->status & IPS_OFFLOAD))
		return false;
	memset(&s->tcp, 0, sizeof(s->tcp));
	s->tcp.state = TCP_CONNTRACK_ESTABLISHED;
	s->fields |= CT_TCP;
	return true;
}

bool ct_lacks_state(const struct ct_session *s)
{
	return (s->orig.proto == IPPROTO_TCP && !(s->fields & CT_TCP)) ||
	       (s->orig.proto == IPPROTO_SCTP && !(s->fields & CT_SCTP));
}

/* What came with a bit of the status, but not with the event. */
static bool lacks_rare(const struct ct_session *s)
{
	return ((s->status & IPS_EXPECTED) && !(s->fields & CT_MASTER)) ||
	       ((s->status & IPS_SEQ_ADJUST) && !(s->fields & (CT_SEQADJ_ORIG | CT_SEQADJ_REPLY)));
}

static void tell_whole(struct ct_session *s, bool dumped, struct object *ret)
{
	bool assumed = assume_state(s), no_state = ct_lacks_state(s), no_rare = lacks_rare(s);

	ret->op = OBJECT_WHOLE;
	ret->known = OBJECT_KNOWS_BASE;
	if (!assumed && !no_state)
		ret->known |= OBJECT_KNOWS_STATE;
	/* A dump leaves nothing out that there is. */
	if (dumped || !no_rare)
		ret->known |= OBJECT_KNOWS_RARE;
	if (!dumped && (no_state || no_rare))
		ret->marks |= OBJECT_PARTIAL;
	ct_prints(s, ret);
}

static void tell_change(struct ct_session *s, struct object *ret)
{
	ret->op = OBJECT_CHANGE;
	ret->known = OBJECT_KNOWS_BASE;
	if (!ct_lacks_state(s))
		ret->known |= OBJECT_KNOWS_STATE;
	if ((s->fields & CT_RARE) || (s->status & IPS_SEQ_ADJUST))
		ret->marks |= OBJECT_PARTIAL;
	ct_prints(s, ret);
}

/* Where the timer cannot tell whose packets set it, nothing was seen: a session that is over for
 * its owner ends here, too. Of one without an answer the hold is twice its own time. */
static bool is_unseen(const struct object_host *host, const struct ct_session *s,
	const struct ct_settling *settling)
{
	unsigned either = s->fields & CT_TCP ? s->tcp.flags[0] | s->tcp.flags[1] : 0;
	uint32_t held = ct_hold_timeout(host, s);

	if (either & IP_CT_TCP_FLAG_MAXACK_SET)
		return false;
	return settling->retime || !(s->status & IPS_SEEN_REPLY) ||
	       (settling->timeout <= held && settling->timeout >= held / 2);
}

/* The kernel learns the windows of a new entry from what it sees next, and those of one that is
 * behind never again: what it sees is beyond them. With a session that has a helper its
 * expectations would go. */
static bool is_judged(const struct ct_session *s)
{
	return (s->fields & CT_TCP) && !(s->fields & CT_HELPER) && !(s->status & IPS_OFFLOAD);
}

static void mark_dumped(
	const struct object_host *host, const struct ct_session *s, struct object *ret)
{
	struct ct_settling settling = ct_settle(host, s);

	if (settling.retime || settling.strict)
		ret->marks |= OBJECT_HELD;
	if (is_unseen(host, s, &settling))
		ret->marks |= OBJECT_UNSEEN;
	if (is_judged(s))
		ret->marks |= OBJECT_JUDGED;
	if ((s->fields & CT_TIMEOUT) && !(s->status & IPS_OFFLOAD) &&
		s->timeout < ct_hold_timeout(host, s) / 2)
		ret->marks |= OBJECT_AGES;
}

/* 0 when it is about a session that may be mirrored. */
static int check_message(const struct nlmsghdr *nlh, uint8_t *ret_family)
{
	struct nfgenmsg generic;

	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_CTNETLINK)
		return -ENOMSG;
	if ((nlh->nlmsg_type & 0xff) != IPCTNL_MSG_CT_NEW &&
		(nlh->nlmsg_type & 0xff) != IPCTNL_MSG_CT_DELETE)
		return -ENOMSG;
	if (nlh->nlmsg_len < NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(generic)))
		return -EBADMSG;
	memcpy(&generic, (const uint8_t *)nlh + NLMSG_HDRLEN, sizeof(generic));
	*ret_family = generic.nfgen_family;
	return generic.nfgen_family == AF_INET || generic.nfgen_family == AF_INET6 ? 0 : -ENOMSG;
}

int ct_parse(const struct object_host *host, const struct nlmsghdr *nlh, struct object *ret,
	uint8_t *room)
{
	struct ct_session s;
	bool removed = (nlh->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE;
	uint16_t fields = CT_FIELDS;
	int err = check_message(nlh, &s.orig.family);

	if (err != 0)
		return err;
	s.fields = 0;
	s.zone = (struct zone){ TUPLE_ZONE_NONE, 0 };
	err = parse_session(nlh, &s);
	if (err != 0)
		return err;
	if (!ct_find_nat(&s))
		return -EBADMSG;
	if ((s.status & IPS_TEMPLATE) || (!removed && (s.status & IPS_DYING)) ||
		tuple_is_local(&host->own, &s.orig) || tuple_is_local(&host->own, &s.reply))
		return -ENOMSG;

	*ret = (struct object){ .kind = OBJECT_CONNTRACK, .key = room };
	if (removed) {
		ret->op = OBJECT_REMOVE;
	} else if (nlh->nlmsg_flags & (NLM_F_CREATE | NLM_F_MULTI)) {
		tell_whole(&s, (nlh->nlmsg_flags & NLM_F_MULTI) != 0, ret);
		if (nlh->nlmsg_flags & NLM_F_MULTI)
			mark_dumped(host, &s, ret);
	} else {
		tell_change(&s, ret);
		/* These cannot change, and the kernel takes no change of them. */
		fields &= (uint16_t) ~(CT_NAT | CT_HELPER | CT_MASTER);
	}
	ret->key_len = (uint8_t)(tuple_encode(room, &s.orig, s.zone) - room);
	ret->value = room + ret->key_len;
	ret->value_len = (uint16_t)ct_encode(&s, fields, room + ret->key_len);
	return 0;
}
