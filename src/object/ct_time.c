/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long a session lives: its own time, the hold on the node that does not see its packets,
 * and the end of the hold.
 */
#include "ct.h"

#include <netinet/in.h>

/* When the host's own are not known. */
enum { TIMEOUT_FALLBACK_S = 30 };

static uint32_t tcp_timeout(const struct object_timeouts *t, const struct ct_session *s)
{
	/* An event that says nothing of TCP's state: what is assured has been established. */
	unsigned state = s->status & IPS_ASSURED      ? TCP_CONNTRACK_ESTABLISHED
			 : s->status & IPS_SEEN_REPLY ? TCP_CONNTRACK_SYN_RECV
						      : TCP_CONNTRACK_SYN_SENT;

	if (s->fields & CT_TCP)
		state = s->tcp.state;
	if (state == TCP_CONNTRACK_SYN_SENT2) /* for which there is no sysctl */
		state = TCP_CONNTRACK_SYN_SENT;
	return t->tcp[state];
}

uint32_t ct_own_timeout(const struct object_timeouts *t, const struct ct_session *s)
{
	bool stream = (s->status & IPS_ASSURED) != 0;
	uint32_t own;

	switch (s->orig.proto) {
	case IPPROTO_TCP: own = tcp_timeout(t, s); break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE: own = stream ? t->udp_stream : t->udp; break;
	case IPPROTO_ICMP: own = t->icmp; break;
	case IPPROTO_ICMPV6: own = t->icmpv6; break;
	case IPPROTO_GRE: own = stream ? t->gre_stream : t->gre; break;
	case IPPROTO_SCTP:
		own = t->sctp[s->fields & CT_SCTP ? s->sctp.state % ARRAY_LEN(t->sctp) : 0];
		break;
	default: own = t->generic; break;
	}
	if (own == 0)
		own = t->generic;
	return own != 0 ? own : TIMEOUT_FALLBACK_S;
}

uint32_t ct_hold_timeout(const struct object_host *host, const struct ct_session *s)
{
	uint32_t own;

	if (s->status & IPS_SEEN_REPLY)
		return host->hold_s;
	own = ct_own_timeout(&host->timeouts, s);
	return own > UINT32_MAX / 2 ? own : 2 * own;
}

/*
 * This kernel gives a session that it sees packets of the session's own timeout, so only a
 * silent one needs any. TCP tells for each direction whether this kernel has seen an
 * acknowledgement; CREATE, CHANGE and LOOSEN take that mark off. For others the timeout must do:
 * one that is not above the hold is the hold's.
 *
 * Where the own timeout is longer than the hold, the silent session gets it all: how much of it
 * the other node had used up is not known here, and too short a time ends sessions in use.
 */
struct ct_settling ct_settle(const struct object_host *host, const struct ct_session *s)
{
	uint32_t own = ct_own_timeout(&host->timeouts, s);
	uint32_t held = ct_hold_timeout(host, s);
	struct ct_settling settling = { .timeout = own };

	if ((s->status & IPS_OFFLOAD) || !(s->fields & CT_TIMEOUT))
		return settling;
	if (s->fields & CT_TCP) {
		unsigned either = s->tcp.flags[0] | s->tcp.flags[1];
		unsigned both = s->tcp.flags[0] & s->tcp.flags[1];

		settling.strict = !host->tcp_liberal && (both & IP_CT_TCP_FLAG_MAXACK_SET) &&
				  (either & IP_CT_TCP_FLAG_BE_LIBERAL);
		if (either & IP_CT_TCP_FLAG_MAXACK_SET)
			return settling;
	}
	settling.retime = s->timeout > own || (own > held && s->timeout <= held);
	return settling;
}
