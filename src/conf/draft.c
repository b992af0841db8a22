/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "draft.h"

#include <assert.h>
#include <string.h>

#include "keyword.h"
#include "value.h"

enum { BOOT_WAIT_MAX_MS = 60000 };

struct conf_value conf_draft_value(const struct conf_entry *entry)
{
	struct conf_value value = { 0 };
	const char *refused = conf_value_read(&conf_keywords[entry->keyword], entry->value, &value);

	assert(refused == NULL); /* else its block is bad */
	return value;
}

const struct conf_block *conf_draft_next_block(
	const struct conf_draft *draft, enum conf_section section, const struct conf_block *after)
{
	const struct conf_block *end = draft->source->block + draft->source->n_blocks;
	const struct conf_block *block = after != NULL ? after + 1 : draft->source->block;

	for (; block < end; block++) {
		if (!block->unknown && !block->bad && block->section == section)
			return block;
	}
	return NULL;
}

void conf_draft_device(
	const struct conf_draft *draft, const char *written, char ret_device[CONF_DEVICE_MAX])
{
	const struct conf *conf = &draft->conf;
	size_t len = strlen(written);

	assert(len < CONF_DEVICE_MAX);
	memset(ret_device, 0, CONF_DEVICE_MAX);
	for (unsigned i = 0; i < conf->n_interfaces; i++) {
		if (strcmp(conf->interface[i].name, written) == 0) {
			memcpy(ret_device, conf->interface[i].device, CONF_DEVICE_MAX);
			return;
		}
	}
	memcpy(ret_device, written, len + 1);
}

void conf_draft_fill(struct conf_draft *draft, enum conf_section section,
	const struct conf_block *block, void *base)
{
	for (unsigned i = 0; i < KEYWORDS; i++) {
		const struct conf_keyword *keyword = &conf_keywords[i];
		const struct conf_entry *entry = NULL;
		struct conf_value value = { 0 };

		if (keyword->section != section || keyword->size == 0)
			continue;
		if (block != NULL)
			entry = conf_source_find(draft->source, block, i, draft->node);
		if (entry != NULL) {
			value = conf_draft_value(entry);
		} else if (keyword->default_text != NULL) {
			const char *refused =
				conf_value_read(keyword, keyword->default_text, &value);

			assert(refused == NULL);
		}
		if (keyword->kind == CONF_KIND_INTERFACE) {
			char device[CONF_DEVICE_MAX];

			conf_draft_device(draft, value.text, device);
			memcpy(value.text, device, sizeof(device));
		}
		conf_value_store(keyword, &value, base);
	}
}

void conf_draft_cluster(struct conf_draft *draft)
{
	struct conf *conf = &draft->conf;

	conf->self = (uint8_t)draft->node;
	for (unsigned i = 0; i < CONF_NODES; i++)
		memcpy(conf->node[i], draft->pair->node[i], CONF_NAME_MAX);
	conf_draft_fill(draft, CONF_SECTION_CLUSTER,
		conf_draft_next_block(draft, CONF_SECTION_CLUSTER, NULL), conf);
	conf->boot_wait_max_ms = BOOT_WAIT_MAX_MS;
}

void conf_draft_interfaces(struct conf_draft *draft)
{
	const struct conf_source *source = draft->source;
	const struct conf_block *block = NULL;
	struct conf *conf = &draft->conf;

	while ((block = conf_draft_next_block(draft, CONF_SECTION_INTERFACE, block)) != NULL) {
		struct conf_interface *interface = &conf->interface[conf->n_interfaces];

		if (conf->n_interfaces == CONF_INTERFACES_MAX) {
			conf_error(source->findings, block->line,
				"[%s]: found one more [interface], allowed: %d at most",
				block->title, CONF_INTERFACES_MAX);
			return;
		}
		draft->interface_block[conf->n_interfaces++] = block;
		memcpy(interface->name, block->name, sizeof(interface->name));
		for (int i = 0; i < CONF_NODES; i++) {
			const struct conf_entry *entry =
				conf_source_find(source, block, KEYWORD_INTERFACE_DEVICE, i);
			struct conf_value value = conf_draft_value(entry);

			memcpy(i == draft->node ? interface->device : interface->peer_device,
				value.text, CONF_DEVICE_MAX);
		}
	}
}

static void take_endpoints(
	struct conf_draft *draft, const struct conf_block *block, struct conf_link *link)
{
	for (int i = 0; i < CONF_NODES; i++) {
		const struct conf_entry *entry =
			conf_source_find(draft->source, block, KEYWORD_LINK_ADDRESS, i);

		if (entry == NULL)
			continue;
		struct conf_value value = conf_draft_value(entry);

		if (i == draft->node) {
			link->local = value.ip;
			link->local_port = value.port;
		} else {
			link->remote = value.ip;
			link->remote_port = value.port;
		}
	}
}

void conf_draft_links(struct conf_draft *draft)
{
	const struct conf_block *block = NULL;
	struct conf *conf = &draft->conf;

	while ((block = conf_draft_next_block(draft, CONF_SECTION_LINK, block)) != NULL) {
		struct conf_link *link = &conf->path[conf->n_links];

		if (conf->n_links == CONF_LINKS_MAX) {
			conf_error(draft->source->findings, block->line,
				"[%s]: found one more [link], allowed: %d at most", block->title,
				CONF_LINKS_MAX);
			break;
		}
		draft->path_line[conf->n_links] = block->line;
		draft->link_block[conf->n_links++] = block;
		memcpy(link->name, block->name, sizeof(link->name));
		link->tag = conf_path_tag(link->name);
		conf_draft_fill(draft, CONF_SECTION_LINK, block, link);
		take_endpoints(draft, block, link);
	}
	conf->n_paths = conf->n_links;
}

/* Copies the items of a list that is not `none` into rows of `size` bytes; returns how many. */
static unsigned take_list(
	struct conf_draft *draft, unsigned keyword, char *rows, size_t size, unsigned rows_max)
{
	const struct conf_block *block = conf_draft_next_block(draft, CONF_SECTION_MIRROR, NULL);
	unsigned n = 0;

	if (block == NULL)
		return 0;
	struct conf_lines lines = conf_lines_of(draft->source, block, keyword, draft->node);
	const struct conf_entry *e;

	while ((e = conf_lines_next(&lines)) != NULL) {
		const char *cursor = e->value;
		char item[CONF_VALUE_TEXT_MAX];
		struct conf_value value;

		while (conf_value_next(&conf_keywords[keyword], &cursor, item)) {
			conf_value_read(&conf_keywords[keyword], item, &value);
			if (strcmp(value.text, "none") == 0)
				continue;
			if (n == rows_max) {
				conf_error(draft->source->findings, e->line,
					"[%s] %s: found one more, allowed: %u at most",
					block->title, e->name, rows_max);
				return n;
			}
			memcpy(rows + n++ * size, value.text, size);
		}
	}
	return n;
}

void conf_draft_mirror(struct conf_draft *draft)
{
	struct conf_mirror *mirror = &draft->conf.mirror;

	conf_draft_fill(draft, CONF_SECTION_MIRROR,
		conf_draft_next_block(draft, CONF_SECTION_MIRROR, NULL), mirror);
	mirror->n_local = take_list(draft, KEYWORD_MIRROR_RULESET_LOCAL, mirror->local[0],
		sizeof(mirror->local[0]), CONF_LOCAL_TABLES_MAX);
	mirror->n_files = take_list(draft, KEYWORD_MIRROR_FILES, mirror->file[0],
		sizeof(mirror->file[0]), CONF_FILES_MAX);
}

void conf_draft_make(struct conf_draft *draft, const struct conf_source *source,
	const struct conf_pair *pair, int node)
{
	draft->source = source;
	draft->pair = pair;
	draft->node = node;
	conf_draft_cluster(draft);
	conf_draft_interfaces(draft);
	conf_draft_links(draft);
	conf_draft_groups(draft);
	conf_draft_vmacs(draft);
	conf_draft_secondary_paths(draft);
	conf_draft_monitors(draft);
	conf_draft_mirror(draft);
}
