/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The interfaces whose neighbours are mirrored: those of the groups' addresses. Both nodes know one
 * by the name of the first [interface] section that has it, or else by its own.
 */
#include "engine_state.h"

#include <stdio.h>
#include <string.h>

static bool is_link(const struct conf *conf, const char *device)
{
	for (unsigned i = 0; i < conf->n_links; i++) {
		if (strcmp(conf->path[i].device, device) == 0)
			return true;
	}
	return false;
}

static const char *name_of(const struct conf *conf, const char *device)
{
	for (unsigned i = 0; i < conf->n_interfaces; i++) {
		if (strcmp(conf->interface[i].device, device) == 0)
			return conf->interface[i].name;
	}
	return device;
}

static bool is_there(const struct object_host *host, uint32_t ifindex)
{
	for (unsigned i = 0; i < host->n_interfaces; i++) {
		if (host->interface[i].ifindex == ifindex)
			return true;
	}
	return false;
}

static void add(struct engine *e, struct object_host *host, const char *device)
{
	const struct watch_link *link = watch_link(e->watch, device);

	if (link == NULL || is_there(host, link->ifindex) || is_link(e->conf, device))
		return;
	if (host->n_interfaces == OBJECT_INTERFACES_MAX) {
		log_warn(e->log, "mirror: too many interfaces: neighbours on %s stay here", device);
		return;
	}
	struct object_interface *at = &host->interface[host->n_interfaces++];

	(void)snprintf(at->name, sizeof(at->name), "%s", name_of(e->conf, device));
	at->ifindex = link->ifindex;
}

void tables_interfaces_changed(struct engine *e)
{
	if (e->tables.kernel == NULL || e->watch == NULL)
		return;
	struct object_host *host = kernel_host(e->tables.kernel);

	host->n_interfaces = 0;
	object_own_clear(&host->shared);
	object_own_clear(&host->first);
	for (unsigned i = 0; i < e->conf->n_addresses; i++) {
		(void)object_own_add(&host->shared, &e->conf->address[i].ip);
		if (e->conf->address[i].group == 0)
			(void)object_own_add(&host->first, &e->conf->address[i].ip);
		add(e, host, e->conf->address[i].device);
	}
}
