/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "draft.h"

#include <string.h>

#include "ip.h"
#include "keyword.h"
#include "value.h"

enum { GROUP_IDS = 256 };

static void too_many(const struct conf_draft *draft, const struct conf_block *block,
	const struct conf_entry *entry, int allowed)
{
	conf_error(draft->source->findings, entry->line,
		"[%s] %s: found one more than all groups together may have, allowed: %d at most",
		block->title, entry->name, allowed);
}

static void take_addresses(struct conf_draft *draft, unsigned group)
{
	const struct conf_block *block = draft->group_block[group];
	struct conf *conf = &draft->conf;
	struct conf_lines lines =
		conf_lines_of(draft->source, block, KEYWORD_GROUP_ADDRESS, draft->node);
	const struct conf_entry *e;

	conf->group[group].first_address = conf->n_addresses;
	while ((e = conf_lines_next(&lines)) != NULL) {
		struct conf_value value = conf_draft_value(e);
		struct conf_address *address = &conf->address[conf->n_addresses];

		if (conf->n_addresses == CONF_ADDRESSES_MAX) {
			too_many(draft, block, e, CONF_ADDRESSES_MAX);
			break;
		}
		draft->address_entry[conf->n_addresses++] = e;
		address->group = (uint8_t)group;
		address->ip = value.ip;
		address->prefix_len = value.prefix_len;
		conf_draft_device(draft, value.text, address->device);
	}
	conf->group[group].n_addresses = conf->n_addresses - conf->group[group].first_address;
}

static void take_routes(struct conf_draft *draft, unsigned group)
{
	const struct conf_block *block = draft->group_block[group];
	struct conf *conf = &draft->conf;
	struct conf_lines lines =
		conf_lines_of(draft->source, block, KEYWORD_GROUP_ROUTE, draft->node);
	const struct conf_entry *e;

	conf->group[group].first_route = conf->n_routes;
	while ((e = conf_lines_next(&lines)) != NULL) {
		struct conf_value value = conf_draft_value(e);
		struct conf_route *route = &conf->route[conf->n_routes];

		if (conf->n_routes == CONF_ROUTES_MAX) {
			too_many(draft, block, e, CONF_ROUTES_MAX);
			break;
		}
		draft->route_entry[conf->n_routes++] = e;
		route->group = (uint8_t)group;
		route->family = value.family;
		route->destination = value.ip;
		route->prefix_len = value.prefix_len;
		route->gateway = value.gateway;
		conf_draft_device(draft, value.text, route->device);
		route->metric = value.metric;
		route->table = value.table;
	}
	conf->group[group].n_routes = conf->n_routes - conf->group[group].first_route;
}

static uint8_t priority_of(const struct conf_draft *draft, const struct conf_block *block, int node)
{
	const struct conf_keyword *keyword = &conf_keywords[KEYWORD_GROUP_PRIORITY];
	const struct conf_entry *entry =
		conf_source_find(draft->source, block, KEYWORD_GROUP_PRIORITY, node);
	struct conf_value value = { 0 };

	conf_value_read(keyword, entry != NULL ? entry->value : keyword->default_text, &value);
	return (uint8_t)value.number;
}

void conf_draft_groups(struct conf_draft *draft)
{
	struct conf *conf = &draft->conf;

	for (unsigned id = 0; id < GROUP_IDS; id++) {
		const struct conf_block *block = conf_section_group(draft->source, id);
		unsigned i = conf->n_groups;

		if (block == NULL || block->bad)
			continue;
		if (i == CONF_GROUPS_MAX) {
			conf_error(draft->source->findings, block->line,
				"[%s]: found one more [group], allowed: %d at most", block->title,
				CONF_GROUPS_MAX);
			return;
		}
		draft->group_block[i] = block;
		conf->n_groups++;
		conf->group[i].id = (uint8_t)id;
		conf_draft_fill(draft, CONF_SECTION_GROUP, block, &conf->group[i]);
		for (int node = 0; node < CONF_NODES; node++)
			conf->group[i].priority[node] = priority_of(draft, block, node);
		take_addresses(draft, i);
		take_routes(draft, i);
	}
}

static bool is_secondary(const struct conf *conf, const char *device)
{
	for (unsigned i = conf->n_links; i < conf->n_paths; i++) {
		if (strcmp(conf->path[i].device, device) == 0)
			return true;
	}
	return false;
}

/* False: there is no room for it. */
static bool add_secondary(struct conf_draft *draft, const char *device, unsigned line)
{
	struct conf *conf = &draft->conf;
	const char *name = conf_interface_name(conf, device);
	struct conf_link *path = &conf->path[conf->n_paths];

	if (is_secondary(conf, device))
		return true;
	if (conf->n_paths - conf->n_links == CONF_SECONDARY_MAX)
		return false;
	draft->path_line[conf->n_paths++] = line;
	memcpy(path->name, name, strlen(name));
	path->tag = conf_path_tag(name);
	path->transport = CONF_TRANSPORT_ETHERNET;
	memcpy(path->device, device, CONF_DEVICE_MAX);
	path->secondary = true;
	return true;
}

static bool is_link_device(const struct conf *conf, const char *device)
{
	for (unsigned i = 0; i < conf->n_links; i++) {
		if (strcmp(conf->path[i].device, device) == 0)
			return true;
	}
	return false;
}

/* The interfaces of a group on private networks, as far as there is room. */
static void add_private(struct conf_draft *draft, const struct conf_group *group)
{
	const struct conf *conf = &draft->conf;

	for (unsigned i = 0; i < group->n_addresses; i++) {
		const struct conf_address *address = &conf->address[group->first_address + i];
		unsigned line = draft->address_entry[group->first_address + i]->line;

		if (!conf_ip_is_private(&address->ip) || is_link_device(conf, address->device))
			continue;
		if (!add_secondary(draft, address->device, line)) {
			conf_note(draft->source->findings, line,
				"[group %u] secondary-path: `auto` finds more than %d interfaces; "
				"the first %d are used",
				group->id, CONF_SECONDARY_MAX, CONF_SECONDARY_MAX);
			return;
		}
	}
}

static void add_listed(struct conf_draft *draft, const struct conf_block *block,
	const struct conf_entry *entry, const char *written)
{
	struct conf_findings *findings = draft->source->findings;
	char device[CONF_DEVICE_MAX];

	conf_draft_device(draft, written, device);
	if (is_link_device(&draft->conf, device))
		conf_error(findings, entry->line,
			"[%s] %s: found `%s`, which is an HA link's interface, allowed: a data "
			"interface",
			block->title, entry->name, written);
	else if (!add_secondary(draft, device, entry->line))
		conf_error(findings, entry->line,
			"[%s] %s: found one more, allowed: %d secondary paths at most",
			block->title, entry->name, CONF_SECONDARY_MAX);
}

static void add_paths_of(struct conf_draft *draft, unsigned group)
{
	const struct conf_block *block = draft->group_block[group];
	const struct conf_keyword *keyword = &conf_keywords[KEYWORD_GROUP_SECONDARY_PATH];
	struct conf_lines lines =
		conf_lines_of(draft->source, block, KEYWORD_GROUP_SECONDARY_PATH, draft->node);
	const struct conf_entry *e;
	enum conf_choice choice = CONF_CHOICE_AUTO;

	while ((e = conf_lines_next(&lines)) != NULL) {
		const char *cursor = e->value;
		char item[CONF_VALUE_TEXT_MAX];

		while (conf_value_next(keyword, &cursor, item)) {
			if (strcmp(item, "auto") == 0)
				continue;
			choice = strcmp(item, "none") == 0 ? CONF_CHOICE_NONE : CONF_CHOICE_LIST;
			if (choice == CONF_CHOICE_LIST)
				add_listed(draft, block, e, item);
		}
	}
	if (choice == CONF_CHOICE_AUTO)
		add_private(draft, &draft->conf.group[group]);
	draft->conf.group[group].secondary_choice = choice;
}

void conf_draft_secondary_paths(struct conf_draft *draft)
{
	for (unsigned i = 0; i < draft->conf.n_groups; i++)
		add_paths_of(draft, i);
}
