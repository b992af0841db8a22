/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Conntrack: the sessions that go through this firewall.
 */
#include "ct.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "text.h"

static const char *tcp_state_name(unsigned state)
{
	static const char *const names[] = { "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED",
		"FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2" };

	return state < ARRAY_LEN(names) ? names[state] : "?";
}

static void add_nat(struct text *t, const struct ct_session *s, bool source)
{
	unsigned changed =
		s->nat & (source ? CT_NAT_SRC | CT_NAT_SRC_PORT : CT_NAT_DST | CT_NAT_DST_PORT);
	const uint8_t *port = s->reply.l4 + (source && s->reply.shape == TUPLE_PORTS ? 2 : 0);
	char address[48];

	if (changed == 0)
		return;
	tuple_print_address(s->reply.family, source ? s->reply.dst : s->reply.src, address);
	text_add(t, " %s=%s", source ? "snat" : "dnat", address);
	if (changed & (CT_NAT_SRC_PORT | CT_NAT_DST_PORT))
		text_add(t, "#%u", attr_be16(port));
}

static void add_rare(struct text *t, const struct ct_session *s)
{
	char master[TUPLE_TEXT_MAX];

	if (s->fields & CT_HELPER)
		text_add(t, " helper=%.*s", s->helper_len, s->helper);
	if (s->fields & CT_LABELS) {
		text_add(t, " labels=");
		for (unsigned i = 0; i < CT_LABELS_LEN; i++)
			text_add(t, "%02x", s->labels[i]);
	}
	for (unsigned i = 0; i < 2; i++) {
		const struct ct_seqadj *a = &s->seqadj[i];

		if (s->fields & (i == 0 ? CT_SEQADJ_ORIG : CT_SEQADJ_REPLY))
			text_add(t, " seqadj-%s=%u:%d:%d", i == 0 ? "orig" : "reply", a->position,
				(int32_t)a->before, (int32_t)a->after);
	}
	if (s->fields & CT_SYNPROXY)
		text_add(t, " synproxy=%u:%u:%u", s->synproxy[0], s->synproxy[1], s->synproxy[2]);
	if (s->fields & CT_MASTER) {
		tuple_print(&s->master, master);
		text_add(t, " master=[%s]", master);
	}
}

void ct_print(struct span key, struct span value, char text[OBJECT_TEXT_MAX])
{
	static const char *const zones[] = { "", "zone", "zone-orig", "zone-reply" };
	struct text t = text_in(text);
	struct ct_session s;
	char tuple[TUPLE_TEXT_MAX];

	if (ct_decode(key, value, &s) != 0) {
		text_add(&t, "malformed");
		return;
	}
	tuple_print(&s.orig, tuple);
	text_add(&t, "%s", tuple);
	if (s.zone.dir != TUPLE_ZONE_NONE)
		text_add(&t, " %s=%u", zones[s.zone.dir], s.zone.id);
	if (s.fields & CT_TCP)
		text_add(&t, " %s%s", tcp_state_name(s.tcp.state),
			(s.tcp.flags[0] | s.tcp.flags[1]) & IP_CT_TCP_FLAG_BE_LIBERAL ? " liberal"
										      : "");
	if (s.fields & CT_SCTP)
		text_add(&t, " state=%u vtags=%08x/%08x", s.sctp.state, s.sctp.vtag[0],
			s.sctp.vtag[1]);
	if (value.len != 0)
		text_add(&t, "%s%s%s", s.status & IPS_EXPECTED ? " expected" : "",
			s.status & IPS_SEEN_REPLY ? "" : " unreplied",
			s.status & IPS_ASSURED ? " assured" : "");
	add_nat(&t, &s, true);
	add_nat(&t, &s, false);
	if (s.fields & CT_MARK)
		text_add(&t, " mark=0x%x", s.mark);
	if (s.fields & CT_TIMEOUT)
		text_add(&t, " timeout=%u", s.timeout);
	add_rare(&t, &s);
}

static int describe(struct span key, struct span value, struct object *ret)
{
	struct ct_session s;

	if (value.len == 0 || ct_decode(key, value, &s) != 0)
		return -EBADMSG;
	ret->known = OBJECT_KNOWS_BASE | OBJECT_KNOWS_RARE;
	if (!ct_lacks_state(&s))
		ret->known |= OBJECT_KNOWS_STATE;
	ct_prints(&s, ret);
	return 0;
}

static const uint32_t groups[] = { NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE,
	NFNLGRP_CONNTRACK_DESTROY, 0 };

const struct object_ops ct_ops = {
	.name = "conntrack",
	.kind = OBJECT_CONNTRACK,
	.order = 10,
	.nl_proto = NETLINK_NETFILTER,
	.nl_groups = groups,
	.parse = ct_parse,
	.describe = describe,
	.put_dump = ct_put_dump,
	.put_get = ct_put_get,
	.put_order = ct_put_order,
	.print = ct_print,
};
