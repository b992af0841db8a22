/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine_state.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "io/vip.h"

static void heard(void *user, struct span frame)
{
	struct way *way = user;
	struct event event = { .type = EVENT_FRAME };

	struct engine *e = way->engine;
	uint64_t before = node_counters(e->node)[COUNTER_FRAMES_HEARD];

	event.frame.path = way->index;
	event.frame.bytes = frame;
	engine_step(e, &event);
	vitals_heard(e, way->index);
	if (node_counters(e->node)[COUNTER_FRAMES_HEARD] != before &&
		path_sender_mac(&e->inbox, way->peer_mac))
		way->peer_known = true;
}

/* Takes what waits, a bounded part of it: a flood on one path keeps nobody from the others. */
static void drain(struct way *way)
{
	for (unsigned batches = 0; way->open && batches < 4; batches++) {
		if (path_receive(&way->path, &way->engine->inbox, heard, way) < PATH_BATCH)
			return;
	}
}

static void ready(void *user, unsigned readiness)
{
	(void)readiness;
	drain(user);
}

void ways_drain(struct engine *e)
{
	for (unsigned i = 0; i < e->conf->n_paths; i++)
		drain(&e->way[i]);
}

static void tell_carrier(struct engine *e, unsigned i, bool up)
{
	struct event event = { .type = EVENT_CARRIER };

	event.carrier.path = i;
	event.carrier.up = up;
	engine_step(e, &event);
}

/* A path without a device has no carrier to lose. */
static bool has_carrier(const struct engine *e, unsigned i)
{
	const char *device = e->way[i].device;
	const struct watch_link *link = device[0] == '\0' ? NULL : watch_link(e->watch, device);

	return device[0] == '\0' || (link != NULL && link->carrier);
}

void ways_tell_carriers(struct engine *e)
{
	for (unsigned i = 0; i < e->conf->n_paths; i++)
		tell_carrier(e, i, has_carrier(e, i));
}

static bool has_address(const struct conf_ip *ip, const struct sockaddr *address)
{
	if (address == NULL || address->sa_family != ip->family)
		return false;
	if (ip->family == AF_INET)
		return memcmp(ip->bytes,
			       &((const struct sockaddr_in *)(const void *)address)->sin_addr,
			       4) == 0;
	return memcmp(ip->bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
		       16) == 0;
}

/* A udp path need not name its interface; its carrier is that of the one with the local address. */
static void find_device(struct way *way, const struct conf_link *conf)
{
	struct ifaddrs *list = NULL;

	(void)snprintf(way->device, sizeof(way->device), "%s", conf->device);
	if (way->device[0] != '\0' || getifaddrs(&list) != 0)
		return;
	for (const struct ifaddrs *at = list; at != NULL; at = at->ifa_next) {
		if (!has_address(&conf->local, at->ifa_addr))
			continue;
		(void)snprintf(way->device, sizeof(way->device), "%s", at->ifa_name);
		way->device[strcspn(way->device, ":")] = '\0'; /* a label, of the interface */
	}
	freeifaddrs(list);
}

/* A udp path's address came to an interface. */
static void address_came(struct engine *e, const struct watch_event *event)
{
	const struct watch_link *link = watch_link_by_index(e->watch, event->ifindex);

	for (unsigned i = 0; link != NULL && i < e->conf->n_paths; i++) {
		const struct conf_link *conf = &e->conf->path[i];

		if (conf->device[0] != '\0' ||
			memcmp(&conf->local, &event->address.ip, sizeof(conf->local)) != 0)
			continue;
		(void)snprintf(e->way[i].device, sizeof(e->way[i].device), "%s", link->name);
		tell_carrier(e, i, link->carrier);
	}
}

static void open_way(struct engine *e, unsigned i)
{
	struct way *way = &e->way[i];
	const struct conf_link *conf = &e->conf->path[i];
	int result = path_open(&way->path, conf, PATH_HEARS, e->log);

	way->engine = e;
	way->index = i;
	find_device(way, conf);
	if (result != 0) {
		log_err(e->log, "%s %s: not opened: %s", conf->secondary ? "path" : "link",
			conf->name, strerror(-result));
		return;
	}
	way->open = true;
	loop_fd_init(&way->io, &e->loop, path_fd(&way->path), ready, way);
}

static void add_counters(struct path_counters *sum, const struct path_counters *more)
{
	sum->sent += more->sent;
	sum->send_errors += more->send_errors;
	sum->send_filtered += more->send_filtered;
	sum->received += more->received;
	sum->truncated += more->truncated;
	sum->foreign += more->foreign;
	sum->overruns += more->overruns;
}

static void close_way(struct engine *e, unsigned i)
{
	struct way *way = &e->way[i];

	if (!way->open)
		return;
	add_counters(&e->ended_ways, &way->path.count);
	loop_fd_fini(&way->io);
	path_close(&way->path);
	way->open = way->peer_known = false;
}

static void link_changed(struct engine *e, const struct watch_event *event)
{
	bool gone = event->type == WATCH_LINK_GONE;

	for (unsigned i = 0; i < e->conf->n_paths; i++) {
		if (strcmp(e->way[i].device, event->link.name) != 0)
			continue;
		if (e->way[i].open)
			path_refresh(&e->way[i].path, gone ? 0 : event->ifindex);
		tell_carrier(e, i, !gone && event->link.carrier);
	}
}

static void watched(void *user, const struct watch_event *event)
{
	struct engine *e = user;

	switch (event->type) {
	case WATCH_LINK_NEW:
	case WATCH_LINK_CHANGED:
	case WATCH_LINK_GONE:
		if (event->type != WATCH_LINK_CHANGED)
			tables_interfaces_changed(e);
		link_changed(e, event);
		monitors_link_changed(e, event);
		claims_link_changed(e, event);
		break;
	case WATCH_NEIGHBOUR: served_neighbour_answered(e, event); break;
	case WATCH_RESYNCED:
		tables_interfaces_changed(e);
		ways_tell_carriers(e);
		monitors_links_resynced(e);
		claims_links_resynced(e);
		tables_addresses_changed(e);
		break;
	case WATCH_ADDRESS_NEW:
		address_came(e, event);
		tables_addresses_changed(e);
		break;
	case WATCH_ADDRESS_GONE: tables_addresses_changed(e); break;
	case WATCH_FORWARDING:
	case WATCH_ROUTE_GONE: break; /* the guardian's business */
	}
}

static void watch_ready(void *user, unsigned readiness)
{
	struct engine *e = user;

	(void)readiness;
	if (watch_read(e->watch) < 0)
		log_debug(e->log, "watching interfaces: events were lost");
}

int ways_init(struct engine *e)
{
	struct watch_setup setup = {
		.flags = WATCH_NEIGHBOURS | WATCH_ADDRESSES,
		.quiet_address_proto = VIP_IFA_PROTO,
		.heard = watched,
		.user = e,
	};
	int result = watch_new(&setup, &e->watch);

	if (result != 0) {
		log_err(e->log, "interfaces are not watched: %s", strerror(-result));
		return result;
	}
	tables_interfaces_changed(e);
	loop_fd_init(&e->watch_io, &e->loop, watch_fd(e->watch), watch_ready, e);
	for (unsigned i = 0; i < e->conf->n_paths; i++)
		open_way(e, i);
	/* Of an interface set up a moment ago the dump may not have the carrier yet. */
	for (unsigned i = 0; i < e->conf->n_paths; i++) {
		if (e->way[i].device[0] != '\0')
			(void)watch_refresh(e->watch, e->way[i].device);
	}
	ways_tell_carriers(e);
	return 0;
}

void ways_fini(struct engine *e)
{
	for (unsigned i = 0; i < CONF_PATHS_MAX; i++)
		close_way(e, i);
	loop_fd_fini(&e->watch_io);
	watch_free(e->watch);
}

void ways_reconfigure(struct engine *e, const struct conf *old)
{
	for (unsigned i = 0; i < CONF_PATHS_MAX; i++) {
		bool same = i < e->conf->n_paths && i < old->n_paths &&
			    memcmp(&e->conf->path[i], &old->path[i], sizeof(old->path[i])) == 0;

		if (same)
			continue;
		close_way(e, i);
	}
	for (unsigned i = 0; i < e->conf->n_paths; i++) {
		if (!e->way[i].open)
			open_way(e, i);
	}
}

void ways_counters(const struct engine *e, struct path_counters *ret_sum)
{
	*ret_sum = e->ended_ways;
	for (unsigned i = 0; i < CONF_PATHS_MAX; i++) {
		if (e->way[i].open)
			add_counters(ret_sum, &e->way[i].path.count);
	}
}
