/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nft_state.h"
#include "rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static bool name_of(uint32_t index, char ret_name[CONF_DEVICE_MAX])
{
	char name[IF_NAMESIZE];

	if (!if_indextoname(index, name))
		return false;
	memcpy(ret_name, name, CONF_DEVICE_MAX);
	return true;
}

static uint32_t index_of(const char *name)
{
	return if_nametoindex(name);
}

uint64_t nft_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void set_buffer(int fd, int forced, int plain, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof(bytes));
}

static int open_socket(int flags, int bytes)
{
	const struct sockaddr_nl self = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_NETFILTER);
	int on = 1;

	if (fd < 0)
		return -errno;
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, bytes);
	if (bind(fd, (const struct sockaddr *)&self, sizeof(self)) < 0 ||
		setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) < 0 ||
		setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

int nft_new(const struct conf *conf, struct nft **ret)
{
	struct nft *nft = calloc(1, sizeof(*nft));
	int group = NFNLGRP_NFTABLES, error = -ENOMEM;

	if (!nft)
		return error;
	nft->host = (struct ruleset_host){ .conf = conf, .name_of = name_of, .index_of = index_of };
	nft->listen = open_socket(SOCK_NONBLOCK, NFT_EVENTS_BYTES);
	nft->ask = open_socket(0, NFT_ANSWERS_BYTES);
	error = nft->listen < 0 ? nft->listen : nft->ask < 0 ? nft->ask : 0;
	if (!error && setsockopt(nft->listen, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
			      sizeof(group)) < 0)
		error = -errno;
	if (error)
		nft_free(nft);
	else
		*ret = nft;
	return error;
}

void nft_free(struct nft *nft)
{
	if (!nft)
		return;
	ruleset_free(nft->ruleset);
	if (nft->listen >= 0)
		close(nft->listen);
	if (nft->ask >= 0)
		close(nft->ask);
	free(nft);
}

int nft_fd(const struct nft *nft)
{
	return nft->listen;
}

struct ruleset *nft_ruleset(struct nft *nft)
{
	return nft->ruleset;
}

const struct ruleset_host *nft_host(const struct nft *nft)
{
	return &nft->host;
}

/* One datagram: 1 there is more, 0 that was the end, negative errno. */
static int read_answer(struct nft *nft, nft_message *each)
{
	ssize_t received = recv(nft->ask, nft->received, sizeof(nft->received), 0);
	int len = (int)received, error;

	if (received < 0)
		return errno == EINTR ? 1 : -errno;
	for (const struct nlmsghdr *nlh = (const void *)nft->received; mnl_nlmsg_ok(nlh, len);
		nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_seq != nft->sequence)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			return -EINTR;
		if (nlh->nlmsg_type == NLMSG_DONE)
			return 0;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->error;
		error = each(nft, nlh);
		if (error)
			return error;
	}
	return 1;
}

/* What an answer that was left half-way has left. */
static void discard(struct nft *nft)
{
	while (recv(nft->ask, nft->received, sizeof(nft->received), MSG_DONTWAIT) > 0)
		;
}

int nft_dump(struct nft *nft, uint8_t message, const struct ruleset_place *of, nft_message *each)
{
	_Alignas(struct nlmsghdr) uint8_t request[1024];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct nfgenmsg *generic = mnl_nlmsg_put_extra_header(nlh, sizeof(*generic));
	int result = 1;

	discard(nft);
	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message);
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++nft->sequence;
	generic->nfgen_family = of ? of->family : AF_UNSPEC;
	generic->version = NFNETLINK_V0;
	/* All have the table's name first; a set's comes second. */
	if (of)
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, of->table);
	if (of && of->set)
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, of->set);
	if (send(nft->ask, nlh, nlh->nlmsg_len, 0) < 0)
		return -errno;
	while (result > 0)
		result = read_answer(nft, each);
	return result;
}

bool nft_generation_of(const struct nlmsghdr *nlh, uint32_t *ret)
{
	const struct nlattr *table[NFTA_GEN_ID + 1];

	if (!rtnl_attributes(nlh, sizeof(struct nfgenmsg), table, NFTA_GEN_ID) ||
		!table[NFTA_GEN_ID] || mnl_attr_get_payload_len(table[NFTA_GEN_ID]) != sizeof(*ret))
		return false;
	*ret = ntohl(mnl_attr_get_u32(table[NFTA_GEN_ID]));
	return true;
}

int nft_generation(struct nft *nft, uint32_t *ret)
{
	_Alignas(struct nlmsghdr) uint8_t request[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	const struct nlmsghdr *answer = (const void *)nft->received;
	struct nfgenmsg *generic = mnl_nlmsg_put_extra_header(nlh, sizeof(*generic));
	ssize_t len;

	discard(nft);
	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = ++nft->sequence;
	generic->version = NFNETLINK_V0;
	if (send(nft->ask, nlh, nlh->nlmsg_len, 0) < 0)
		return -errno;
	len = recv(nft->ask, nft->received, sizeof(nft->received), 0);
	if (len < 0)
		return -errno;
	if (!mnl_nlmsg_ok(answer, (int)len))
		return -EBADMSG;
	if (answer->nlmsg_type == NLMSG_ERROR)
		return ((const struct nlmsgerr *)mnl_nlmsg_get_payload(answer))->error;
	return nft_generation_of(answer, ret) ? 0 : -EBADMSG;
}
