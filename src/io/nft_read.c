/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading: a dump of what changed, between two looks at the generation that must be the same.
 */
#include "nft_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Looking through sets takes at most this part of the time, and comes no more often than that. */
enum { LOOK_SHARE = 20, LOOK_EVERY_MS = 500, EVENTS_WAIT_MS = 50 };

void nft_lose(struct nft *nft)
{
	ruleset_free(nft->ruleset);
	nft->ruleset = NULL;
	nft->stale = true;
}

/* Whether what was read has it already. Generations are told in part: their lowest 16 bits. */
static bool is_old(const struct nft *nft, const struct nlmsghdr *nlh)
{
	const struct nfgenmsg *generic = mnl_nlmsg_get_payload(nlh);
	uint16_t apart = (uint16_t)(ntohs(generic->res_id) - (uint16_t)nft->generation);

	return apart == 0 || apart > UINT16_MAX / 2;
}

static bool hear(struct nft *nft, const struct nlmsghdr *nlh, uint64_t now_ms)
{
	uint32_t generation;

	if (!nft->ruleset || mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg) ||
		is_old(nft, nlh))
		return false;
	switch (ruleset_heard(nft->ruleset, nlh, now_ms)) {
	case RULESET_NEWS_NONE: return false;
	case RULESET_NEWS_ELEMENTS: return true;
	case RULESET_NEWS_TABLES: nft->stale = true; return true;
	case RULESET_NEWS_LOST: nft_lose(nft); return true;
	case RULESET_NEWS_GENERATION:
		if (nft_generation_of(nlh, &generation))
			nft->generation = generation;
		return false;
	}
	return false;
}

bool nft_heard(struct nft *nft)
{
	uint64_t now_ms = nft_now_ms();
	bool news = !nft->ruleset;

	for (;;) {
		ssize_t received = recv(nft->listen, nft->received, sizeof(nft->received), 0);
		int len = (int)received;

		if (received < 0 && errno == EINTR)
			continue;
		if (received < 0 && errno == ENOBUFS) {
			nft_lose(nft);
			news = true;
			continue;
		}
		if (received < 0)
			return news;
		for (const struct nlmsghdr *nlh = (const void *)nft->received;
			mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			news |= hear(nft, nlh, now_ms);
	}
}

static int take(struct nft *nft, const struct nlmsghdr *nlh)
{
	int error = ruleset_take(nft->ruleset, nlh, nft_now_ms());

	return error == -ENOMSG ? 0 : error;
}

/* What some kernels are built without. */
static int dump_if_any(struct nft *nft, uint8_t message, const struct ruleset_place *of)
{
	int error = nft_dump(nft, message, of, take);

	return error == -EOPNOTSUPP || error == -EINVAL ? 0 : error;
}

static int dump_elements(struct nft *nft)
{
	struct ruleset_cursor at = { 0, 0 };
	struct ruleset_place place;
	int error = 0;

	while (!error && ruleset_next_unread(nft->ruleset, &at, &place))
		error = nft_dump(nft, NFT_MSG_GETSETELEM, &place, take);
	return error;
}

static int dump_tables(struct nft *nft, struct ruleset *old)
{
	struct ruleset_cursor at = { 0, 0 };
	struct ruleset_place place;
	int error = nft_dump(nft, NFT_MSG_GETTABLE, NULL, take);

	if (!error && old)
		ruleset_adopt_tables(nft->ruleset, old);
	if (!error)
		error = nft_dump(nft, NFT_MSG_GETCHAIN, NULL, take);
	while (!error && ruleset_next_table(nft->ruleset, &at, &place)) {
		error = nft_dump(nft, NFT_MSG_GETOBJ, &place, take);
		if (!error)
			error = dump_if_any(nft, NFT_MSG_GETFLOWTABLE, &place);
		if (!error)
			error = nft_dump(nft, NFT_MSG_GETSET, &place, take);
		if (!error)
			error = nft_dump(nft, NFT_MSG_GETRULE, &place, take);
	}
	if (!error && old)
		ruleset_adopt_elements(nft->ruleset, old);
	if (!error)
		error = dump_elements(nft);
	if (!error && old)
		error = ruleset_adopt_gone(nft->ruleset, old);
	return error ? error : ruleset_finish(nft->ruleset);
}

/* A commit tells of itself at its end. */
static int await_events(const struct nft *nft)
{
	struct pollfd fd = { .fd = nft->listen, .events = POLLIN };

	(void)poll(&fd, 1, EVENTS_WAIT_MS);
	return -EINTR;
}

/* A transaction that is under way shows: what was listed is not there when it is asked for
 * (-ENOENT; sets are listed before they are committed), or something is listed twice, as it was and
 * as it will be (-EEXIST). */
static int await_transaction(const struct nft *nft, int error)
{
	return error == -ENOENT || error == -EEXIST ? await_events(nft) : error;
}

/* 0, or -EINTR when it changed meanwhile: then nothing of it holds. */
static int read_tables(struct nft *nft, uint32_t generation)
{
	struct ruleset *old = nft->ruleset;
	uint32_t after = generation;
	int error;

	nft->ruleset = ruleset_new(&nft->host);
	error = nft->ruleset ? dump_tables(nft, old) : -ENOMEM;
	ruleset_free(old);
	if (!error)
		error = nft_generation(nft, &after);
	if (!error && after != generation)
		error = -EINTR;
	if (error) {
		nft_lose(nft);
		return await_transaction(nft, error);
	}
	nft->stale = false;
	nft->generation = generation;
	return 0;
}

/* Reads sets anew. */
static int look_at(struct nft *nft,
	bool (*next)(struct ruleset *, struct ruleset_cursor *, struct ruleset_place *))
{
	struct ruleset_cursor at = { 0, 0 };
	struct ruleset_place place;
	int error = 0;

	while (!error && next(nft->ruleset, &at, &place)) {
		ruleset_look_begin(nft->ruleset, &place);
		error = nft_dump(nft, NFT_MSG_GETSETELEM, &place, take);
		ruleset_look_end(nft->ruleset, &place, !error);
	}
	return await_transaction(nft, error);
}

static int look(struct nft *nft)
{
	uint64_t begin = nft_now_ms();
	int error;

	if (begin < nft->looked_at_ms + LOOK_EVERY_MS + nft->look_cost_ms * LOOK_SHARE)
		return 0;
	error = look_at(nft, ruleset_next_written);
	nft->looked_at_ms = nft_now_ms();
	nft->look_cost_ms = nft->looked_at_ms - begin;
	return error;
}

/* One try: what is here is of one moment, or -EINTR. */
static int try_read(struct nft *nft, bool looks)
{
	uint32_t generation;
	int error = nft_generation(nft, &generation);

	if (error)
		return error;
	(void)nft_heard(nft);
	if (!nft->ruleset || nft->stale)
		error = read_tables(nft, generation);
	else if (nft->generation != generation)
		error = await_events(nft);
	if (!error)
		error = look_at(nft, ruleset_next_unsure);
	if (!error && looks)
		error = look(nft);
	return error;
}

int nft_read(struct nft *nft, bool looks, char why[RULESET_WHY_LEN])
{
	int error = -EINTR;

	for (unsigned i = 0; i < NFT_TRIES && error == -EINTR; i++)
		error = try_read(nft, looks);
	if (error == -EINTR) {
		nft_lose(nft);
		(void)snprintf(why, RULESET_WHY_LEN, "it changes faster than it can be read");
		return -EAGAIN;
	}
	if (error) {
		(void)snprintf(why, RULESET_WHY_LEN, "it cannot be read: %s", strerror(-error));
		return error;
	}
	ruleset_expire(nft->ruleset, nft_now_ms());
	ruleset_stamp(nft->ruleset);
	return 0;
}
