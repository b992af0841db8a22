/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What items say of themselves: which sets and chains the kernel named, where interfaces lie in
 * keys, what is local.
 */
#include "ruleset_part.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netfilter.h>

#include "attr.h"

static const struct {
	uint8_t family;
	const char *name;
} families[] = {
	{ NFPROTO_IPV4, "ip" },
	{ NFPROTO_IPV6, "ip6" },
	{ NFPROTO_INET, "inet" },
	{ NFPROTO_ARP, "arp" },
	{ NFPROTO_BRIDGE, "bridge" },
	{ NFPROTO_NETDEV, "netdev" },
};

const char *ruleset_family_name(uint8_t family)
{
	for (unsigned i = 0; i < ARRAY_LEN(families); i++) {
		if (families[i].family == family)
			return families[i].name;
	}
	return "?";
}

/* Takes `word` off the front of *text when a space follows it. */
static bool take_word(const char **text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*text, word, len) != 0 || (*text)[len] != ' ')
		return false;
	*text += len + 1;
	*text += strspn(*text, " ");
	return true;
}

/* `[FAMILY] TABLE[/SET]` */
static bool names_it(const char *local, uint8_t family, const char *table, const char *set)
{
	size_t len = strlen(table);

	for (unsigned i = 0; i < ARRAY_LEN(families); i++) {
		if (take_word(&local, families[i].name)) {
			if (families[i].family != family)
				return false;
			break;
		}
	}
	if (strncmp(local, table, len) != 0)
		return false;
	return set == NULL ? local[len] == '\0'
			   : local[len] == '/' && strcmp(local + len + 1, set) == 0;
}

bool ruleset_is_local(const struct conf *conf, uint8_t family, const char *table, const char *set)
{
	for (unsigned i = 0; i < conf->mirror.n_local; i++) {
		if (names_it(conf->mirror.local[i], family, table, set))
			return true;
	}
	return false;
}

/* Field lengths of a concatenation: NFTA_SET_DESC_CONCAT. */
static void take_fields(struct span attributes, struct ruleset_layout *layout)
{
	struct attrs in, fields;
	struct attr a;

	if (!ruleset_find_attr(attributes, NFTA_SET_DESC, &a) ||
		!ruleset_find_attr(span_of(a.data, a.len), NFTA_SET_DESC_CONCAT, &a))
		return;
	in = attrs_in(&a);
	while (attr_next(&in, &a) && layout->n_fields < RULESET_PARTS_MAX) {
		fields = attrs_in(&a);
		while (attr_next(&fields, &a)) {
			if (a.type == NFTA_SET_FIELD_LEN && a.len == sizeof(uint32_t) &&
				layout->n_fields < RULESET_PARTS_MAX)
				layout->field_len[layout->n_fields++] = attr_be32(a.data);
		}
	}
}

/* The kernel numbers the sets that it names; a meter is anonymous with a name of its own. 0: that
 * is the set's own name. */
static uint32_t number_of(const char *name)
{
	size_t len = strlen(name);

	if ((strncmp(name, "__set", 5) != 0 && strncmp(name, "__map", 5) != 0) || len <= 5 ||
		len > 14 || strspn(name + 5, "0123456789") != len - 5)
		return 0;
	return (uint32_t)strtoul(name + 5, NULL, 10) + 1;
}

static int describe_set(const struct ruleset_host *host, const struct ruleset_item *table,
	struct ruleset_item *item)
{
	struct ruleset_set *set = calloc(1, sizeof(*set));
	struct span of = item->attributes;
	struct ruleset_layout layout = { .n_fields = 0 };
	uint8_t family = table->table->family;

	if (set == NULL)
		return -ENOMEM;
	item->set = set;
	set->flags = ruleset_attr_u32(of, NFTA_SET_FLAGS, 0);
	set->anonymous = (set->flags & NFT_SET_ANONYMOUS) != 0;
	set->map = (set->flags & (NFT_SET_MAP | NFT_SET_OBJECT)) != 0;
	set->intervals = (set->flags & NFT_SET_INTERVAL) != 0;
	set->live = (set->flags & (NFT_SET_TIMEOUT | NFT_SET_EVAL)) != 0;
	set->number = set->anonymous ? number_of(item->name) : 0;
	set->timeout_ms = ruleset_attr_u64(of, NFTA_SET_TIMEOUT, 0);
	set->local = ruleset_is_local(host->conf, family, table->name, item->name);
	layout.type = ruleset_attr_u32(of, NFTA_SET_KEY_TYPE, 0);
	layout.len = ruleset_attr_u32(of, NFTA_SET_KEY_LEN, 0);
	layout.intervals = set->intervals;
	take_fields(of, &layout);
	set->concatenated = layout.n_fields > 1;
	ruleset_parts_of(&layout, &set->key);
	if ((set->flags & NFT_SET_MAP) != 0) {
		layout = (struct ruleset_layout){
			.type = ruleset_attr_u32(of, NFTA_SET_DATA_TYPE, 0),
			.len = ruleset_attr_u32(of, NFTA_SET_DATA_LEN, 0),
		};
		set->verdicts = layout.type == NFT_DATA_VERDICT;
		ruleset_parts_of(&layout, &set->data);
	}
	if (!set->anonymous) {
		set->seed = ruleset_hash_begin(set->seed);
		ruleset_hash_number(&set->seed, family);
		ruleset_hash_add(&set->seed, table->name, strlen(table->name));
		ruleset_hash_add(&set->seed, item->name, strlen(item->name));
	}
	return 0;
}

static int describe_chain(struct ruleset_item *item)
{
	struct attr hook;

	item->chain = calloc(1, sizeof(*item->chain));
	if (item->chain == NULL)
		return -ENOMEM;
	item->chain->anonymous =
		(ruleset_attr_u32(item->attributes, NFTA_CHAIN_FLAGS, 0) & NFT_CHAIN_BINDING) != 0;
	item->chain->base = ruleset_find_attr(item->attributes, NFTA_CHAIN_HOOK, &hook);
	return 0;
}

int ruleset_item_describe(const struct ruleset_host *host, const struct ruleset_item *table,
	uint8_t family, struct ruleset_item *item)
{
	bool named = item->type != RULESET_RULE;
	size_t len = strlen(item->name);

	if (len >= RULESET_NAME_MAX || (named && len == 0))
		return -EBADMSG;
	if (item->type == RULESET_A_SET)
		return describe_set(host, table, item);
	if (item->type == RULESET_A_CHAIN)
		return describe_chain(item);
	if (item->type != RULESET_TABLE)
		return 0;
	item->table = calloc(1, sizeof(*item->table));
	if (item->table == NULL)
		return -ENOMEM;
	item->table->family = family;
	return 0;
}
