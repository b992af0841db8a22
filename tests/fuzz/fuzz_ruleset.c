/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a document of the peer, and as what the kernel dumps and tells. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>

#include "nsrp/conf.h"
#include "nsrp/ruleset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct conf conf = {
	.n_interfaces = 1,
	.interface = { { .name = "wan", .device = "eth0", .peer_device = "eth1" } },
	.mirror = { .n_local = 2, .local = { "inet own", "inet filter/mine" } },
};

static bool name_of(uint32_t index, char ret_name[CONF_DEVICE_MAX])
{
	memset(ret_name, 0, CONF_DEVICE_MAX);
	memcpy(ret_name, "eth0", sizeof("eth0"));
	return index == 2;
}

static uint32_t index_of(const char *name)
{
	return strcmp(name, "eth0") == 0 ? 2 : 0;
}

static const struct ruleset_host host = {
	.conf = &conf,
	.name_of = name_of,
	.index_of = index_of,
};

/* What was decoded is made from nothing, written again, and is the same when it is read again. */
static void use(const struct ruleset *wanted)
{
	struct ruleset *own = ruleset_new(&host), *again;
	uint8_t before[RULESET_DIGEST_LEN], after[RULESET_DIGEST_LEN], *bytes;
	char why[RULESET_WHY_LEN], place[RULESET_PLACE_LEN];
	struct ruleset_batch *batch, *rule;
	struct ruleset_found found;
	size_t len;

	assert(own != NULL);
	if (ruleset_plan(own, wanted, 1000, &batch, why) == 0) {
		for (uint32_t i = 0; i <= ruleset_batch_count(batch); i++)
			ruleset_batch_say(batch, i, 40, place);
	}
	if (batch != NULL && ruleset_batch_find(batch, ruleset_batch_count(batch), &found) &&
		ruleset_plan_rule(wanted, &found, &host, &rule) == 0)
		ruleset_batch_free(rule);
	ruleset_batch_free(batch);
	ruleset_free(own);
	if (ruleset_is_patch(wanted) || ruleset_encode(wanted, 1000, &bytes, &len) != 0)
		return;
	if (ruleset_decode(&host, span_of(bytes, len), 1000, &again) == 0) {
		ruleset_digest(wanted, before);
		ruleset_digest(again, after);
		assert(memcmp(before, after, sizeof(before)) == 0);
		ruleset_free(again);
	}
	free(bytes);
}

static void hear(const uint8_t *data, size_t size)
{
	struct ruleset *rs = ruleset_new(&host);
	bool finished = false, stale = false;

	assert(rs != NULL);
	while (size >= NLMSG_HDRLEN + 1) {
		struct nlmsghdr header;
		uint8_t *copy;

		memcpy(&header, data, sizeof(header));
		header.nlmsg_len = header.nlmsg_len % 512;
		if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > size)
			break;
		copy = malloc(header.nlmsg_len);
		assert(copy != NULL);
		memcpy(copy, data, header.nlmsg_len);
		memcpy(copy, &header, sizeof(header));
		if (!finished && (header.nlmsg_flags & 1) != 0)
			finished = ruleset_finish(rs) == 0;
		if (finished)
			stale |= ruleset_heard(rs, (const void *)copy, 1000) >= RULESET_NEWS_TABLES;
		else
			(void)ruleset_take(rs, (const void *)copy, 1000);
		free(copy);
		data += header.nlmsg_len;
		size -= header.nlmsg_len;
	}
	ruleset_expire(rs, 2000);
	ruleset_stamp(rs);
	/* What is to be read anew is not written. */
	if (!stale && ruleset_finish(rs) == 0)
		use(rs);
	ruleset_free(rs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ruleset *wanted;

	if (size == 0)
		return 0;
	if ((data[0] & 1) != 0) {
		hear(data + 1, size - 1);
		return 0;
	}
	uint8_t *copy = malloc(size);

	assert(copy != NULL);
	memcpy(copy, data + 1, size - 1);
	if (ruleset_decode(&host, span_of(copy, size - 1), 1000, &wanted) == 0) {
		use(wanted);
		ruleset_free(wanted);
	}
	free(copy);
	return 0;
}
