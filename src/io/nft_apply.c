/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changing: one batch, bound to the generation that it was made for.
 */
#include "nft_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "nft_text.h"
#include "rtnl.h"

/* Bytes of a batch whose events are heard. */
enum { HEARD_MAX = 256 * 1024 };

enum { FRAME_LEN = 64, KERNEL_TEXT_MAX = 80, PLACE_MAX = 120 };

/* The first of what the kernel refuses. */
struct refusal {
	int error;       /* negative errno; 0 = nothing */
	uint32_t seq;    /* of the message; 0 = all of it */
	uint32_t offset; /* of a byte in it; 0 = not told */
	char text[KERNEL_TEXT_MAX];
};

/* Begin or end of a batch. */
static size_t put_frame(void *room, uint16_t type, uint32_t generation)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(room);
	struct nfgenmsg *generic = mnl_nlmsg_put_extra_header(nlh, sizeof(*generic));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	generic->version = NFNETLINK_V0;
	generic->res_id = htons(NFNL_SUBSYS_NFTABLES);
	if (type == NFNL_MSG_BATCH_BEGIN)
		mnl_attr_put_u32(nlh, NFNL_BATCH_GENID, htonl(generation));
	return nlh->nlmsg_len;
}

static void copy_text(const struct nlattr *attr, char text[KERNEL_TEXT_MAX])
{
	size_t len = mnl_attr_get_payload_len(attr);

	len = len < KERNEL_TEXT_MAX ? len : KERNEL_TEXT_MAX - 1;
	memcpy(text, mnl_attr_get_payload(attr), len);
	text[len] = '\0';
}

static void note(struct refusal *r, const struct nlmsghdr *nlh)
{
	const struct nlattr *table[NLMSGERR_ATTR_OFFS + 1];
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(nlh) < sizeof(*err) ||
		err->error == 0 || (r->error != 0 && r->seq != 0 && r->seq <= nlh->nlmsg_seq))
		return;
	*r = (struct refusal){ .error = err->error, .seq = nlh->nlmsg_seq };
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || !(nlh->nlmsg_flags & NLM_F_CAPPED) ||
		!rtnl_attributes(nlh, sizeof(*err), table, NLMSGERR_ATTR_OFFS))
		return;
	r->offset = rtnl_u32(table[NLMSGERR_ATTR_OFFS], 0);
	if (table[NLMSGERR_ATTR_MSG])
		copy_text(table[NLMSGERR_ATTR_MSG], r->text);
}

/* The kernel has answered by the time that sendmsg() returns, and says nothing of what it took. */
static void read_refusals(struct nft *nft, struct refusal *r)
{
	for (;;) {
		ssize_t received =
			recv(nft->ask, nft->received, sizeof(nft->received), MSG_DONTWAIT);
		int len = (int)received;

		if (received < 0 && (errno == EINTR || errno == ENOBUFS)) {
			/* More refusals than there is room for: the first ones are there. */
			r->error = r->error ? r->error : -errno;
			continue;
		}
		if (received < 0)
			return;
		for (const struct nlmsghdr *nlh = (const void *)nft->received;
			mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			note(r, nlh);
	}
}

/* Without its end the kernel looks at a batch, and throws it away. */
static int transmit(struct nft *nft, struct span messages, bool dry, struct refusal *r)
{
	_Alignas(struct nlmsghdr) uint8_t begin[FRAME_LEN], end[FRAME_LEN];
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct iovec part[] = {
		{ begin, put_frame(begin, NFNL_MSG_BATCH_BEGIN, nft->generation) },
		{ (void *)(uintptr_t)messages.data, messages.len },
		{ end, put_frame(end, NFNL_MSG_BATCH_END, 0) },
	};
	struct msghdr message = {
		.msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = part,
		.msg_iovlen = dry ? 2 : 3,
	};
	int room = (int)(messages.len + 4 * FRAME_LEN);

	if (setsockopt(nft->ask, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		(void)setsockopt(nft->ask, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	while (recv(nft->ask, nft->received, sizeof(nft->received), MSG_DONTWAIT) > 0)
		;
	if (sendmsg(nft->ask, &message, 0) < 0)
		return -errno;
	*r = (struct refusal){ .error = 0 };
	read_refusals(nft, r);
	return r->error;
}

static int listen_to_events(const struct nft *nft, bool on)
{
	int group = NFNLGRP_NFTABLES;

	return setsockopt(nft->listen, SOL_NETLINK,
		       on ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP, &group,
		       sizeof(group)) < 0
		       ? -errno
		       : 0;
}

/* A message to each listener for each element is what a commit of many costs most: nobody listens
 * meanwhile, and what was changed is dumped. */
static int transmit_unheard(struct nft *nft, const struct ruleset_batch *batch, struct refusal *r)
{
	uint32_t before = nft->generation, after = before;
	int error = listen_to_events(nft, false), again;

	if (!error)
		error = transmit(nft, ruleset_batch_bytes(batch), false, r);
	again = listen_to_events(nft, true);
	if (!again)
		again = nft_generation(nft, &after);
	if (again || after != before + !error) {
		/* Somebody else's change may have gone unheard, too. */
		nft_lose(nft);
		return error;
	}
	if (error)
		return error;
	ruleset_touch(nft->ruleset, batch);
	nft->stale = true;
	nft->generation = after;
	return 0;
}

static void say_refusal(
	const struct ruleset_batch *batch, const struct refusal *r, char why[RULESET_WHY_LEN])
{
	char place[RULESET_PLACE_LEN];

	ruleset_batch_say(batch, r->seq, r->offset, place);
	(void)snprintf(why, RULESET_WHY_LEN, "%.*s: %s%s%s", PLACE_MAX,
		place[0] ? place : "the ruleset as a whole", r->text, r->text[0] ? ": " : "",
		strerror(-r->error));
}

int nft_load(struct nft *nft, const struct ruleset_batch *batch)
{
	struct refusal refusal;
	int error = nft_generation(nft, &nft->generation);

	return error ? error : transmit(nft, ruleset_batch_bytes(batch), false, &refusal);
}

/* Behind the reason, when it is a rule's: that rule, as it would be listed. */
static void add_rule(const struct nft *nft, const struct ruleset *wanted,
	const struct ruleset_batch *batch, uint32_t seq, char why[RULESET_WHY_LEN])
{
	size_t len = strlen(why);
	struct ruleset_found found;
	char text[RULESET_WHY_LEN];

	if (ruleset_batch_find(batch, seq, &found) && found.chain != NULL &&
		nft_rule_text(&nft->host, wanted, &found, text) == 0)
		(void)snprintf(why + len, RULESET_WHY_LEN - len, ": %s", text);
}

/* One try. -ERESTART: the ruleset changed meanwhile, by somebody else or by time. */
static int try_apply(
	struct nft *nft, const struct ruleset *wanted, bool dry, char why[RULESET_WHY_LEN])
{
	struct ruleset_batch *batch = NULL;
	struct refusal refusal = { .error = 0 };
	int error = nft_read(nft, false, why);

	if (!error) {
		error = ruleset_plan(nft->ruleset, wanted, nft_now_ms(), &batch, why);
		if (error == -ENODEV)
			add_rule(nft, wanted, batch, ruleset_batch_count(batch), why);
	}
	if (!error && ruleset_batch_count(batch) > 0) {
		error = !dry && ruleset_batch_bytes(batch).len > HEARD_MAX
				? transmit_unheard(nft, batch, &refusal)
				: transmit(nft, ruleset_batch_bytes(batch), dry, &refusal);
		if (error && refusal.error == 0)
			(void)snprintf(why, RULESET_WHY_LEN, "it cannot be sent to the kernel: %s",
				strerror(-error));
		else if (error)
			say_refusal(batch, &refusal, why);
		if (error && nft->ruleset &&
			ruleset_raced(nft->ruleset, batch, refusal.seq, error)) {
			nft->stale = true;
			error = -ERESTART;
		} else if (error && refusal.error != 0) {
			add_rule(nft, wanted, batch, refusal.seq, why);
		}
	}
	ruleset_batch_free(batch);
	return error;
}

int nft_apply(struct nft *nft, const struct ruleset *wanted,
	const uint8_t digest[RULESET_DIGEST_LEN], bool dry, char why[RULESET_WHY_LEN])
{
	uint8_t now[RULESET_DIGEST_LEN];
	int error = -ERESTART;

	for (unsigned i = 0; i < NFT_TRIES && error == -ERESTART; i++)
		error = try_apply(nft, wanted, dry, why);
	if (error || dry)
		return error;
	error = nft_read(nft, false, why);
	if (error)
		return error;
	ruleset_take_stamp(nft->ruleset, wanted);
	ruleset_digest(nft->ruleset, now);
	if (memcmp(now, digest, RULESET_DIGEST_LEN) == 0)
		return 0;
	(void)snprintf(why, RULESET_WHY_LEN,
		"taken over, but this node's kernel shows it in another form");
	return -EUCLEAN;
}
