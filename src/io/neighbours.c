/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "neighbours.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "nsrp/object.h"

/* ---- orders ------------------------------------------------------------------------------- */

/* The message at `at`; NULL when there is none that is well-formed. */
static const struct nlmsghdr *message_at(struct span bytes, size_t at)
{
	const struct nlmsghdr *nlh = (const void *)(bytes.data + at);

	return at + NLMSG_HDRLEN + sizeof(struct ndmsg) <= bytes.len &&
			       nlh->nlmsg_len >= NLMSG_HDRLEN + sizeof(struct ndmsg) &&
			       nlh->nlmsg_len <= bytes.len - at &&
			       nlh->nlmsg_len <= RTNL_MESSAGE_MAX
		       ? nlh
		       : NULL;
}

static bool is_neighbours(const struct nlmsghdr *nlh)
{
	const struct ndmsg *header = mnl_nlmsg_get_payload(nlh);

	return (nlh->nlmsg_type == RTM_NEWNEIGH || nlh->nlmsg_type == RTM_DELNEIGH) &&
	       (header->ndm_family == AF_INET || header->ndm_family == AF_INET6);
}

static void add(struct rtnl *rtnl, const struct nlmsghdr *nlh, uint32_t tag)
{
	struct nlmsghdr *copy = rtnl_add(rtnl, nlh->nlmsg_type, nlh->nlmsg_flags, tag);
	size_t len = mnl_nlmsg_get_payload_len(nlh);

	memcpy(mnl_nlmsg_put_extra_header(copy, len), mnl_nlmsg_get_payload(nlh), len);
}

void neighbours_write(struct rtnl *rtnl, struct span bytes, unsigned n, int16_t *ret_error)
{
	size_t at = 0;
	int result;

	rtnl_begin(rtnl);
	for (unsigned i = 0; i < n; i++) {
		const struct nlmsghdr *nlh = message_at(bytes, at);

		ret_error[i] = !nlh ? EBADMSG : !is_neighbours(nlh) ? EPERM : 0;
		if (ret_error[i] == 0 && nlh)
			add(rtnl, nlh, i);
		at = nlh ? at + NLMSG_ALIGN((size_t)nlh->nlmsg_len) : bytes.len;
	}
	result = rtnl_send(rtnl);
	for (unsigned i = 0; i < rtnl_count(rtnl); i++) {
		const struct rtnl_outcome *outcome = rtnl_outcome(rtnl, i);

		ret_error[outcome->tag] = (int16_t) - (result ? result : outcome->error);
	}
}

/* ---- what was installed --------------------------------------------------------------------- */

enum {
	ROUND_MAX = RTNL_BATCH_MAX,
	ROUNDS_MAX = 1000, /* that only a fight with somebody else reaches */
	DST_MAX = 16,
	LLADDR_MAX = 32,
};

struct installed {
	struct ndmsg header;
	uint8_t dst_len, lladdr_len;
	uint8_t dst[DST_MAX], lladdr[LLADDR_MAX];
};

struct round {
	unsigned n;
	struct installed installed[ROUND_MAX];
};

static size_t copy_attribute(const struct nlattr *attr, uint8_t *to, size_t max)
{
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (len > max)
		return 0;
	if (attr && len > 0)
		memcpy(to, mnl_attr_get_payload(attr), len);
	return len;
}

static int installed_heard(void *user, const struct nlmsghdr *nlh)
{
	struct round *round = user;
	const struct nlattr *table[NDA_PROTOCOL + 1];
	struct installed *at = &round->installed[round->n];

	if (!nlh) {
		round->n = 0;
		return 0;
	}
	if (nlh->nlmsg_type != RTM_NEWNEIGH || round->n == ROUND_MAX ||
		!rtnl_attributes(nlh, sizeof(at->header), table, NDA_PROTOCOL))
		return 0;
	*at = (struct installed){ .header = *(const struct ndmsg *)mnl_nlmsg_get_payload(nlh) };
	at->dst_len = (uint8_t)copy_attribute(table[NDA_DST], at->dst, DST_MAX);
	at->lladdr_len = (uint8_t)copy_attribute(table[NDA_LLADDR], at->lladdr, LLADDR_MAX);
	if ((at->header.ndm_flags & NTF_EXT_LEARNED) && at->dst_len > 0 &&
		rtnl_u8(table[NDA_PROTOCOL], 0) == OBJECT_NEIGHBOUR_PROTO)
		round->n++;
	return 0;
}

/* One without a link-layer address is one that did not answer. */
static void give_back(struct rtnl *rtnl, const struct installed *at)
{
	bool keep = at->lladdr_len > 0;
	struct nlmsghdr *nlh =
		rtnl_add(rtnl, keep ? RTM_NEWNEIGH : RTM_DELNEIGH, keep ? NLM_F_REPLACE : 0, 0);
	struct ndmsg *header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));

	header->ndm_family = at->header.ndm_family;
	header->ndm_ifindex = at->header.ndm_ifindex;
	if (keep) {
		header->ndm_state = NUD_STALE;
		header->ndm_flags = at->header.ndm_flags & NTF_ROUTER;
	}
	mnl_attr_put(nlh, NDA_DST, at->dst_len, at->dst);
	if (keep)
		mnl_attr_put(nlh, NDA_LLADDR, at->lladdr_len, at->lladdr);
}

int neighbours_release(struct rtnl *rtnl)
{
	struct round round = { .n = 0 };
	const struct rtnl_reader reader = { .message = installed_heard, .user = &round };

	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		struct nlmsghdr *nlh = rtnl_ask(rtnl, RTM_GETNEIGH);
		int result;

		(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ndmsg));
		result = rtnl_dump(rtnl, &reader);
		if (result || round.n == 0)
			return result;
		rtnl_begin(rtnl);
		for (unsigned k = 0; k < round.n; k++)
			give_back(rtnl, &round.installed[k]);
		result = rtnl_send(rtnl);
		if (result)
			return result;
	}
	return -EBUSY;
}

/* ---- the kernel's limits --------------------------------------------------------------------- */

static int table_heard(void *user, const struct nlmsghdr *nlh)
{
	uint32_t *sum = user;
	const struct nlattr *table[NDTA_THRESH3 + 1];

	if (!nlh)
		*sum = 0;
	else if (nlh->nlmsg_type == RTM_NEWNEIGHTBL &&
		 rtnl_attributes(nlh, sizeof(struct ndtmsg), table, NDTA_THRESH3))
		*sum += rtnl_u32(table[NDTA_THRESH3], 0);
	return 0;
}

int neighbours_limit(struct rtnl *rtnl, uint32_t *ret_limit)
{
	uint32_t sum = 0;
	const struct rtnl_reader reader = { .message = table_heard, .user = &sum };
	struct nlmsghdr *nlh = rtnl_ask(rtnl, RTM_GETNEIGHTBL);
	int result;

	(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ndtmsg));
	result = rtnl_dump(rtnl, &reader);
	if (result == 0)
		*ret_limit = sum;
	return result;
}
