/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "check.h"
#include "ip.h"

static bool is_link_device(const struct conf *conf, const char *device)
{
	for (unsigned i = 0; i < conf->n_links; i++) {
		if (strcmp(conf->path[i].device, device) == 0)
			return true;
	}
	return false;
}

/* The first address that lies there says which line is meant. */
static const struct conf_entry *entry_of(const struct conf_draft *draft, unsigned vmac)
{
	unsigned i = 0;

	while (draft->conf.address[i].vmac != vmac + 1)
		i++;
	return draft->address_entry[i];
}

static void check_device(const struct conf_draft *draft, unsigned i)
{
	const struct conf_vmac *vmac = &draft->conf.vmac[i];
	const struct conf_entry *entry = entry_of(draft, i);
	const char *title = draft->group_block[vmac->group]->title;

	if (strcmp(vmac->device, "lo") == 0)
		conf_error(draft->source->findings, entry->line,
			"[%s] %s: found `%s`, which is on the loopback interface, allowed: an "
			"Ethernet interface; virtual-mac needs one",
			title, entry->name, entry->value);
	else if (is_link_device(&draft->conf, vmac->device))
		conf_error(draft->source->findings, entry->line,
			"[%s] %s: found `%s`, which is on an HA link's interface, allowed: a data "
			"interface; virtual-mac needs one",
			title, entry->name, entry->value);
}

/* Both are made of few bits of the interface's name. */
static void check_two(const struct conf_draft *draft, unsigned i, unsigned earlier)
{
	const struct conf_vmac *a = &draft->conf.vmac[i], *b = &draft->conf.vmac[earlier];
	const struct conf_entry *entry = entry_of(draft, i);

	if (memcmp(a->mac, b->mac, sizeof(a->mac)) != 0 && strcmp(a->name, b->name) != 0)
		return;
	conf_error(draft->source->findings, entry->line,
		"[%s] %s: found `%s`, whose interface comes to the same virtual MAC as another "
		"(see line %u), allowed: another name, by [interface]",
		draft->group_block[a->group]->title, entry->name, entry->value,
		entry_of(draft, earlier)->line);
}

void conf_check_vmacs(const struct conf_draft *draft)
{
	for (unsigned i = 0; i < draft->conf.n_vmacs; i++) {
		check_device(draft, i);
		for (unsigned j = 0; j < i; j++)
			check_two(draft, i, j);
	}
}

/* The same address on the other node; NULL: that has none, which is found elsewhere. */
static const struct conf_address *counterpart(
	const struct conf *conf, const struct conf_address *address)
{
	for (unsigned i = 0; i < conf->n_addresses; i++) {
		const struct conf_address *a = &conf->address[i];

		if (a->group == address->group && a->prefix_len == address->prefix_len &&
			conf_ip_equal(&a->ip, &address->ip) && a->vmac)
			return a;
	}
	return NULL;
}

void conf_check_vmacs_of_pair(const struct conf_draft *a, const struct conf_draft *b)
{
	for (unsigned i = 0; i < a->conf.n_addresses; i++) {
		const struct conf_address *own = &a->conf.address[i];
		const struct conf_address *other = own->vmac ? counterpart(&b->conf, own) : NULL;
		const struct conf_entry *entry = a->address_entry[i];

		if (!other || memcmp(conf_vmac_of(&a->conf, own)->mac,
				      conf_vmac_of(&b->conf, other)->mac, 6) == 0)
			continue;
		conf_error(a->source->findings, entry->line,
			"[%s] %s: found `%s` for %s, whose interface has another name on %s, "
			"allowed: one name for both devices, by [interface]; the virtual MAC is "
			"made of it",
			a->group_block[own->group]->title, entry->name, entry->value,
			a->pair->node[a->node], b->pair->node[b->node]);
	}
}
