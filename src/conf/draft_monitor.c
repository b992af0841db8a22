/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "draft.h"

#include <stdio.h>
#include <string.h>

#include "keyword.h"
#include "value.h"

enum { AUTOMATIC_WEIGHT = 255 };

/* The next free monitor; NULL, and a finding, when there is none. */
static struct conf_monitor *add_monitor(struct conf_draft *draft, const struct conf_block *from,
	const struct conf_block *block, unsigned line)
{
	struct conf *conf = &draft->conf;

	if (conf->n_monitors == CONF_MONITORS_MAX) {
		conf_error(draft->source->findings, line,
			"[%s]: found one more monitor, allowed: %d at most; `monitor-links = auto` "
			"makes one for each interface of each group",
			block->title, CONF_MONITORS_MAX);
		return NULL;
	}
	draft->monitor_block[conf->n_monitors] = from;
	return &conf->monitor[conf->n_monitors++];
}

/* Sets which groups it counts for. A group that is bad is not among them. */
static void take_group(
	struct conf_draft *draft, const struct conf_block *block, struct conf_monitor *monitor)
{
	const struct conf_entry *entry =
		conf_source_find(draft->source, block, KEYWORD_MONITOR_GROUP, draft->node);
	struct conf_value value = { .number = CONF_VALUE_ALL_GROUPS };

	if (entry != NULL)
		value = conf_draft_value(entry);
	monitor->all_groups = value.number == CONF_VALUE_ALL_GROUPS;
	if (monitor->all_groups)
		return;
	for (unsigned i = 0; i < draft->conf.n_groups; i++) {
		if (draft->conf.group[i].id == value.number) {
			monitor->group = (uint8_t)i;
			return;
		}
	}
	if (conf_section_group(draft->source, value.number) == NULL)
		conf_error(draft->source->findings, entry->line,
			"[%s] %s: found `%u`, allowed: the id of a [group] of this file, or all",
			block->title, entry->name, value.number);
}

static void add_explicit(struct conf_draft *draft)
{
	const struct conf_block *block = NULL;

	while ((block = conf_draft_next_block(draft, CONF_SECTION_MONITOR, block)) != NULL) {
		struct conf_monitor *monitor = add_monitor(draft, block, block, block->line);

		if (monitor == NULL)
			return;
		memcpy(monitor->name, block->name, sizeof(monitor->name));
		conf_draft_fill(draft, CONF_SECTION_MONITOR, block, monitor);
		take_group(draft, block, monitor);
	}
}

/* Whether a link monitor watches the device: one of the file's own, whatever its group, or the
 * automatic one of this group. */
static bool is_watched(const struct conf *conf, unsigned group, const char *device)
{
	for (unsigned i = 0; i < conf->n_monitors; i++) {
		const struct conf_monitor *m = &conf->monitor[i];

		if (m->type == CONF_MONITOR_LINK && strcmp(m->device, device) == 0 &&
			(!m->automatic || m->group == group))
			return true;
	}
	return false;
}

/* Its name is INTERFACE/GROUP: no name in the file has a `/`. */
static bool add_automatic(struct conf_draft *draft, const struct conf_address *address,
	const struct conf_entry *entry)
{
	const struct conf *conf = &draft->conf;
	const struct conf_block *block = draft->group_block[address->group];
	struct conf_monitor *monitor = add_monitor(draft, NULL, block, entry->line);

	if (monitor == NULL)
		return false;
	conf_draft_fill(draft, CONF_SECTION_MONITOR, NULL, monitor);
	(void)snprintf(monitor->name, sizeof(monitor->name), "%.15s/%.3s",
		conf_interface_name(conf, address->device), block->name);
	monitor->type = CONF_MONITOR_LINK;
	memcpy(monitor->device, address->device, sizeof(monitor->device));
	monitor->weight = AUTOMATIC_WEIGHT;
	monitor->group = address->group;
	monitor->automatic = true;
	return true;
}

void conf_draft_monitors(struct conf_draft *draft)
{
	struct conf *conf = &draft->conf;

	add_explicit(draft);
	for (unsigned i = 0; conf->monitor_links_auto && i < conf->n_addresses; i++) {
		const struct conf_address *address = &conf->address[i];

		if (!is_watched(conf, address->group, address->device) &&
			!add_automatic(draft, address, draft->address_entry[i]))
			return;
	}
}
