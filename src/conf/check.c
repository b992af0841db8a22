/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include <string.h>

#include "ip.h"
#include "keyword.h"

enum { DETECTION_MIN_MS = 10, DETECTION_MAX_MS = 60000 };

unsigned conf_check_line(
	const struct conf_draft *draft, const struct conf_block *block, unsigned keyword)
{
	return conf_source_line(draft->source, block, keyword, draft->node);
}

void conf_check_cluster(const struct conf_draft *draft)
{
	const struct conf_block *block = conf_draft_next_block(draft, CONF_SECTION_CLUSTER, NULL);
	uint32_t detection_ms = conf_detection_ms(&draft->conf);

	if (block == NULL)
		return;
	if (detection_ms < DETECTION_MIN_MS || detection_ms > DETECTION_MAX_MS)
		conf_error(draft->source->findings,
			conf_check_line(draft, block, KEYWORD_CLUSTER_LOST_AFTER),
			"[%s] lost-after: found a detection time of %ums (heartbeat %ums x %u), "
			"allowed: 10ms to 60s",
			block->title, detection_ms, draft->conf.heartbeat_ms,
			draft->conf.lost_after);
}

void conf_check_interfaces(const struct conf_draft *draft)
{
	const struct conf *conf = &draft->conf;

	for (unsigned i = 0; i < conf->n_interfaces; i++) {
		for (unsigned j = 0; j < i; j++) {
			const struct conf_block *block = draft->interface_block[i];

			if (strcmp(conf->interface[i].device, conf->interface[j].device) != 0)
				continue;
			conf_error(draft->source->findings,
				conf_check_line(draft, block, KEYWORD_INTERFACE_DEVICE),
				"[%s] device: found `%s`, which is [interface %s] already, "
				"allowed: one name for each device",
				block->title, conf->interface[i].device, conf->interface[j].name);
		}
	}
}

static bool group_has(const struct conf *conf, unsigned group, const struct conf_address *wanted)
{
	const struct conf_group *g = &conf->group[group];

	for (unsigned i = 0; i < g->n_addresses; i++) {
		const struct conf_address *a = &conf->address[g->first_address + i];

		if (conf_ip_equal(&a->ip, &wanted->ip) && a->prefix_len == wanted->prefix_len)
			return true;
	}
	return false;
}

/* Every address of a must be one of b's, in the same group; the interface may differ. */
static void check_addresses_of(const struct conf_draft *a, const struct conf_draft *b)
{
	for (unsigned i = 0; i < a->conf.n_addresses; i++) {
		const struct conf_address *address = &a->conf.address[i];
		const struct conf_entry *entry = a->address_entry[i];

		if (!group_has(&b->conf, address->group, address))
			conf_error(a->source->findings, entry->line,
				"[%s] %s: found `%s`, which %s has not, allowed: the same "
				"addresses for both nodes",
				a->group_block[address->group]->title, entry->name, entry->value,
				b->pair->node[b->node]);
	}
}

/* A path is known to the peer by its name. */
static void check_paths_of(const struct conf_draft *a, const struct conf_draft *b)
{
	for (unsigned i = a->conf.n_links; i < a->conf.n_paths; i++) {
		const struct conf_link *path = &a->conf.path[i];
		bool has = false;

		for (unsigned j = b->conf.n_links; j < b->conf.n_paths; j++)
			has |= strcmp(path->name, b->conf.path[j].name) == 0;
		if (!has)
			conf_warning(a->source->findings, a->path_line[i],
				"secondary path %s of %s is none of %s: no heartbeat passes; give "
				"the two devices one name with [interface]",
				path->name, a->pair->node[a->node], b->pair->node[b->node]);
	}
}

void conf_check_pair(const struct conf_draft *a, const struct conf_draft *b)
{
	check_addresses_of(a, b);
	check_addresses_of(b, a);
	conf_check_vmacs_of_pair(a, b);
	check_paths_of(a, b);
	check_paths_of(b, a);
}
