/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The addresses of this node itself, whose sessions are not mirrored. They are read beside the
 * loop: the kernel tells of them under RTNL, which others may hold for long.
 */
#include "engine_state.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { WAIT_MS = 100 }; /* they come in bursts */

static bool is_virtual(const struct conf *conf, const struct conf_ip *ip)
{
	for (unsigned i = 0; i < conf->n_addresses; i++) {
		if (memcmp(&conf->address[i].ip, ip, sizeof(*ip)) == 0)
			return true;
	}
	return false;
}

static bool ip_of(const struct sockaddr *address, struct conf_ip *ret)
{
	*ret = (struct conf_ip){ 0 };
	if (address == NULL)
		return false;
	ret->family = (uint8_t)address->sa_family;
	if (address->sa_family == AF_INET)
		memcpy(ret->bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr,
			4);
	else if (address->sa_family == AF_INET6)
		memcpy(ret->bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
			16);
	else
		return false;
	return true;
}

static void take(struct engine *e, const struct ifaddrs *list)
{
	struct object_own *own = &kernel_host(e->tables.kernel)->own;
	struct conf_ip ip;

	object_own_clear(own);
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
		if (ip_of(i->ifa_addr, &ip) && !is_virtual(e->conf, &ip) &&
			!object_own_add(own, &ip))
			log_warn(e->log, "mirror: this node has too many addresses");
	}
}

static int read_list(struct ifaddrs **ret_list)
{
	*ret_list = NULL;
	return getifaddrs(ret_list) == 0 ? 0 : -errno;
}

/* By the other thread. */
static void read_aside(void *user)
{
	struct tables *t = &((struct engine *)user)->tables;

	t->own_error = read_list(&t->own_list);
}

static void was_read(void *user)
{
	struct engine *e = user;
	struct tables *t = &e->tables;

	if (t->own_error != 0) {
		log_warn(e->log, "mirror: own addresses: %s", strerror(-t->own_error));
	} else {
		take(e, t->own_list);
		freeifaddrs(t->own_list);
	}
	t->own_list = NULL;
	if (t->own_changed)
		tables_addresses_changed(e);
}

static void read_due(void *user, mono_t due)
{
	struct engine *e = user;
	struct tables *t = &e->tables;

	(void)due;
	if (t->own_reader.running)
		return; /* was_read() comes back to it */
	t->own_changed = false;
	if (aside_begin(&t->own_reader) != 0)
		log_warn(e->log, "mirror: own addresses cannot be read");
}

void tables_addresses_changed(struct engine *e)
{
	struct tables *t = &e->tables;

	if (t->kernel == NULL)
		return;
	t->own_changed = true;
	loop_timer_set(&t->own_timer, mono_after_ms(loop_now(), WAIT_MS));
}

int addresses_init(struct engine *e)
{
	struct tables *t = &e->tables;
	int result = read_list(&t->own_list); /* nothing waits for the engine yet */

	if (result != 0)
		return result;
	take(e, t->own_list);
	freeifaddrs(t->own_list);
	t->own_list = NULL;
	loop_timer_init(&t->own_timer, &e->loop, read_due, e);
	return aside_init(&t->own_reader, &e->loop, read_aside, was_read, e);
}

void addresses_fini(struct engine *e)
{
	aside_fini(&e->tables.own_reader);
	freeifaddrs(e->tables.own_list);
}
