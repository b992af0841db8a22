/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "check.h"
#include "ip.h"

/* One address twice; a link-local one may be had on each interface. */
static bool is_repeated(const struct conf_address *a, const struct conf_address *b)
{
	return conf_ip_equal(&a->ip, &b->ip) &&
	       (!conf_ip_is_link_local(&a->ip) || strcmp(a->device, b->device) == 0);
}

void conf_check_addresses(const struct conf_draft *draft)
{
	const struct conf *conf = &draft->conf;

	for (unsigned i = 0; i < conf->n_addresses; i++) {
		for (unsigned j = 0; j < i; j++) {
			const struct conf_entry *entry = draft->address_entry[i];

			if (!is_repeated(&conf->address[i], &conf->address[j]))
				continue;
			conf_error(draft->source->findings, entry->line,
				"[%s] %s: found `%s` a second time, allowed: once (see line %u)",
				draft->group_block[conf->address[i].group]->title, entry->name,
				entry->value, draft->address_entry[j]->line);
			break;
		}
	}
	for (unsigned i = 0; i < conf->n_groups; i++) {
		if (conf->group[i].n_addresses == 0)
			conf_warning(draft->source->findings, draft->group_block[i]->line,
				"[%s] address: found none; the group owns nothing",
				draft->group_block[i]->title);
	}
}

/* The two would be one entry of the kernel's table. */
static bool is_same_route(const struct conf_route *a, const struct conf_route *b)
{
	return a->family == b->family && a->prefix_len == b->prefix_len &&
	       conf_ip_equal(&a->destination, &b->destination) && a->metric == b->metric &&
	       a->table == b->table;
}

static void check_two_routes(const struct conf_draft *draft, unsigned i, unsigned earlier)
{
	const struct conf *conf = &draft->conf;
	const struct conf_entry *entry = draft->route_entry[i];
	const struct conf_route *a = &conf->route[i], *b = &conf->route[earlier];

	if (!is_same_route(a, b))
		return;
	conf_findings_add(draft->source->findings,
		a->group == b->group ? CONF_SEVERITY_ERROR : CONF_SEVERITY_WARNING, entry->line,
		"[%s] %s: found a second route to the same destination (see line %u), allowed: "
		"several of different metric or table",
		draft->group_block[a->group]->title, entry->name,
		draft->route_entry[earlier]->line);
}

/* Whether the gateway lies in a network of the group's addresses, on the route's device. */
static bool gateway_is_near(const struct conf *conf, const struct conf_route *route)
{
	const struct conf_group *group = &conf->group[route->group];

	for (unsigned i = 0; i < group->n_addresses; i++) {
		const struct conf_address *a = &conf->address[group->first_address + i];

		if (conf_ip_in_network(&route->gateway, &a->ip, a->prefix_len) &&
			(route->device[0] == '\0' || strcmp(route->device, a->device) == 0))
			return true;
	}
	return route->device[0] != '\0' && conf_ip_is_link_local(&route->gateway);
}

static void check_gateway(const struct conf_draft *draft, unsigned i)
{
	const struct conf *conf = &draft->conf;
	const struct conf_route *route = &conf->route[i];
	const struct conf_entry *entry = draft->route_entry[i];
	const char *title = draft->group_block[route->group]->title;

	if (route->gateway.family == 0)
		return;
	for (unsigned j = 0; j < conf->n_addresses; j++) {
		if (conf_ip_equal(&route->gateway, &conf->address[j].ip)) {
			conf_error(draft->source->findings, entry->line,
				"[%s] %s: found `%s`, whose gateway is a virtual address of this "
				"pair, allowed: another router's",
				title, entry->name, entry->value);
			return;
		}
	}
	/* The node's own addresses are not in the file: they may reach it. */
	if (!gateway_is_near(conf, route))
		conf_warning(draft->source->findings, entry->line,
			"[%s] %s: found `%s`, whose gateway is in no network of the group's "
			"addresses%s%s; the node must have an address of its own there",
			title, entry->name, entry->value, route->device[0] != '\0' ? " on " : "",
			route->device);
}

void conf_check_routes(const struct conf_draft *draft)
{
	for (unsigned i = 0; i < draft->conf.n_routes; i++) {
		check_gateway(draft, i);
		for (unsigned j = 0; j < i; j++)
			check_two_routes(draft, i, j);
	}
}

struct devices {
	unsigned n;
	const char *name[CONF_DEVICES_MAX];
};

/* False when there is no more room. */
static bool note_device(struct devices *devices, const char *name)
{
	for (unsigned i = 0; i < devices->n; i++) {
		if (strcmp(devices->name[i], name) == 0)
			return true;
	}
	if (devices->n == CONF_DEVICES_MAX)
		return false;
	devices->name[devices->n++] = name;
	return true;
}

static void too_many_devices(
	const struct conf_draft *draft, unsigned group, const struct conf_entry *entry)
{
	conf_error(draft->source->findings, entry->line,
		"[%s] %s: found `%s`, which names one interface more than addresses and routes "
		"may have, allowed: %d at most, macvlans of virtual MACs included",
		draft->group_block[group]->title, entry->name, entry->value, CONF_DEVICES_MAX);
}

void conf_check_devices(const struct conf_draft *draft)
{
	const struct conf *conf = &draft->conf;
	struct devices devices = { .n = 0 };

	for (unsigned i = 0; i < conf->n_addresses; i++) {
		const struct conf_address *a = &conf->address[i];

		if (note_device(&devices, a->device) &&
			(a->vmac == 0 || note_device(&devices, conf->vmac[a->vmac - 1].name)))
			continue;
		too_many_devices(draft, a->group, draft->address_entry[i]);
		return;
	}
	for (unsigned i = 0; i < conf->n_routes; i++) {
		const struct conf_route *r = &conf->route[i];

		if (r->device[0] == '\0' || note_device(&devices, r->device))
			continue;
		too_many_devices(draft, r->group, draft->route_entry[i]);
		return;
	}
}
