/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who else uses the virtual MACs: heard on the interfaces below, judged by the core. The guardian
 * is told, too: the first frame of a new master is the end of what lingers of the old one.
 */
#include "engine_state.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
	TELL_MS = 20, /* between two of a virtual MAC; the rest is counted */
	HEAR_MAX = 64,
};

static int vmac_of(const struct conf *conf, const char *device, const uint8_t mac[6])
{
	for (unsigned i = 0; i < conf->n_vmacs; i++) {
		if (memcmp(conf->vmac[i].mac, mac, 6) == 0 &&
			strcmp(conf->vmac[i].device, device) == 0)
			return (int)i;
	}
	return -1;
}

static bool has_address(const struct conf *conf, unsigned group, const struct conf_ip *ip)
{
	const struct conf_group *g = &conf->group[group];

	for (unsigned i = 0; i < g->n_addresses; i++) {
		if (memcmp(&conf->address[g->first_address + i].ip, ip, sizeof(*ip)) == 0)
			return true;
	}
	return false;
}

static void tell(struct engine *e, const struct conf_vmac *v, const struct conf_ip *ip, bool known,
	unsigned frames)
{
	struct event event = { .type = EVENT_CLAIMED };
	struct message m = { .type = MESSAGE_CLAIMED };
	char address[INET6_ADDRSTRLEN], what[sizeof(address) + CONF_DEVICE_MAX + 8];

	(void)inet_ntop(ip->family, ip->bytes, address, sizeof(address));
	(void)snprintf(what, sizeof(what), "%s on %s", address, v->device);
	event.claimed.group = v->group;
	event.claimed.known = known;
	event.claimed.frames = frames;
	event.claimed.what = what;
	m.group = e->conf->group[v->group].id;
	if (known)
		engine_tell(e, &m);
	engine_step(e, &event);
}

static void claimed(struct engine *e, unsigned vmac, const struct conf_ip *ip)
{
	const struct conf_vmac *v = &e->conf->vmac[vmac];
	bool known = has_address(e->conf, v->group, ip);
	struct claims_told *told = &e->told[vmac][known];
	unsigned frames = told->frames + 1;

	if (!mono_is_never(told->at) &&
		!mono_reached(mono_after_ms(told->at, TELL_MS), loop_now())) {
		told->frames = frames;
		return;
	}
	*told = (struct claims_told){ .at = loop_now() };
	tell(e, v, ip, known, frames);
}

static void ready(void *user, unsigned readiness)
{
	struct listener *l = user;
	struct ear_claim claim;

	(void)readiness;
	for (unsigned i = 0; i < HEAR_MAX && ear_hear(&l->ear, &claim); i++) {
		int vmac = vmac_of(l->engine->conf, l->device, claim.mac);

		if (vmac >= 0)
			claimed(l->engine, (unsigned)vmac, &claim.ip);
	}
}

static void listen_on(struct listener *l, uint32_t ifindex)
{
	if (ifindex != l->ear.ifindex && ear_listen(&l->ear, ifindex) != 0)
		log_debug(l->engine->log, "virtual MACs: nothing is heard on %s", l->device);
}

static void open_listener(struct engine *e, const char *device, bool ipv6)
{
	struct listener *l = &e->listener[e->n_listeners];
	const struct watch_link *link = watch_link(e->watch, device);
	int result = ear_open(&l->ear, e->conf->cluster_id, ipv6);

	if (result != 0) {
		log_err(e->log, "virtual MACs: nothing is heard on %s: %s", device,
			strerror(-result));
		return;
	}
	l->engine = e;
	(void)snprintf(l->device, sizeof(l->device), "%s", device);
	listen_on(l, link != NULL ? link->ifindex : 0);
	loop_fd_init(&l->io, &e->loop, l->ear.fd, ready, l);
	e->n_listeners++;
}

static bool is_open(const struct engine *e, const char *device)
{
	for (unsigned i = 0; i < e->n_listeners; i++) {
		if (strcmp(e->listener[i].device, device) == 0)
			return true;
	}
	return false;
}

void claims_init(struct engine *e)
{
	e->n_listeners = 0;
	for (unsigned i = 0; i < CONF_VMACS_MAX; i++)
		e->told[i][0] = e->told[i][1] = (struct claims_told){ .at = MONO_NEVER };
	for (unsigned i = 0; i < e->conf->n_vmacs; i++) {
		const char *device = e->conf->vmac[i].device;

		if (is_open(e, device))
			continue;
		open_listener(e, device, false);
		open_listener(e, device, true);
	}
}

void claims_fini(struct engine *e)
{
	for (unsigned i = 0; i < e->n_listeners; i++) {
		loop_fd_fini(&e->listener[i].io);
		ear_close(&e->listener[i].ear);
	}
	e->n_listeners = 0;
}

void claims_reconfigure(struct engine *e)
{
	claims_fini(e);
	claims_init(e);
}

void claims_link_changed(struct engine *e, const struct watch_event *event)
{
	bool gone = event->type == WATCH_LINK_GONE;

	for (unsigned i = 0; i < e->n_listeners; i++) {
		if (strcmp(e->listener[i].device, event->link.name) == 0)
			listen_on(&e->listener[i], gone ? 0 : event->ifindex);
	}
}

void claims_links_resynced(struct engine *e)
{
	for (unsigned i = 0; i < e->n_listeners; i++) {
		const struct watch_link *link = watch_link(e->watch, e->listener[i].device);

		listen_on(&e->listener[i], link != NULL ? link->ifindex : 0);
	}
}
