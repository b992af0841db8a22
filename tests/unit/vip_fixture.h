/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vip_fixture: a watch, a socket and a vip in a network namespace of their own, and the few
 * words in which tests make a configuration. Interfaces: v0-p0 and v1-p1.
 */
#ifndef NSRP_TESTS_VIP_FIXTURE_H
#define NSRP_TESTS_VIP_FIXTURE_H

#include "in_netns.h"

#include "io/vip.h"

#include <arpa/inet.h>
#include <stdlib.h>

struct fixture {
	struct conf conf, other; /* the second for a reload */
	struct rtnl *rtnl;
	struct watch *watch;
	struct vip *vip;
	uint64_t heard; /* groups that events concern */
	unsigned n_errors;
	char log[4096];
};

__attribute__((format(printf, 3, 4))) static inline void fixture_log(
	void *user, enum log_level level, const char *format, ...)
{
	struct fixture *f = user;
	size_t used = strlen(f->log);
	va_list arguments;

	f->n_errors += level == LOG_LEVEL_ERR;
	va_start(arguments, format);
	(void)vsnprintf(f->log + used, sizeof(f->log) - used, format, arguments);
	va_end(arguments);
}

static inline void fixture_heard(void *user, const struct watch_event *event)
{
	struct fixture *f = user;

	if (f->vip)
		f->heard |= vip_heard(f->vip, event);
}

/* In a namespace with its interfaces, everything open. False without the right to. */
static inline bool fixture_open(struct fixture *f, unsigned lease_s)
{
	static struct log log;
	struct vip_setup vip = { .log = &log, .lease_s = lease_s };
	struct watch_setup watch = { .flags = WATCH_ADDRESSES | WATCH_ROUTES,
		.route_proto = VIP_ROUTE_PROTO,
		.quiet_address_proto = VIP_IFA_PROTO,
		.heard = fixture_heard,
		.user = f };

	memset(f, 0, sizeof(*f));
	if (!netns_enter())
		return false;
	log = (struct log){ .user = f, .write = fixture_log };
	assert_int_equal(rtnl_new(&f->rtnl), 0);
	watch.own_port = rtnl_port(f->rtnl);
	assert_int_equal(watch_new(&watch, &f->watch), 0);
	vip.rtnl = f->rtnl;
	vip.watch = f->watch;
	assert_int_equal(vip_new(&vip, &f->vip), 0);
	return true;
}

static inline void fixture_close(struct fixture *f)
{
	vip_free(f->vip);
	f->vip = NULL;
	watch_free(f->watch);
	rtnl_free(f->rtnl);
}

static inline int fixture_set_up(void **state)
{
	static struct fixture fixture;

	*state = fixture_open(&fixture, VIP_LEASE_S) ? &fixture : NULL;
	return 0;
}

/* For tests in which nothing may expire, however slow the machine. */
static inline int fixture_set_up_long(void **state)
{
	static struct fixture fixture;

	*state = fixture_open(&fixture, 600) ? &fixture : NULL;
	return 0;
}

static inline int fixture_tear_down(void **state)
{
	if (*state)
		fixture_close(*state);
	return 0;
}

/* ---- configurations; groups are made in the order of their first address */

static inline struct conf_ip ip_of(const char *text)
{
	struct conf_ip ip = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	assert_int_equal(inet_pton(ip.family, text, ip.bytes), 1);
	return ip;
}

/* Splits `192.0.2.1/24`. */
static inline struct conf_ip prefix_of(const char *text, uint8_t *ret_len)
{
	char ip[INET6_ADDRSTRLEN + 4];
	char *slash;

	(void)snprintf(ip, sizeof(ip), "%s", text);
	slash = strchr(ip, '/');
	assert_non_null(slash);
	*slash = '\0';
	*ret_len = (uint8_t)strtoul(slash + 1, NULL, 10);
	return ip_of(ip);
}

/* Addresses of a group come one after the other, and so do routes. */
static inline void has_address(
	struct conf *conf, unsigned group, const char *prefix, const char *device)
{
	struct conf_address *a = &conf->address[conf->n_addresses];
	struct conf_group *g = &conf->group[group];

	if (conf->n_groups <= group) {
		conf->n_groups = group + 1;
		*g = (struct conf_group){ .id = (uint8_t)(10 + group),
			.first_address = conf->n_addresses,
			.first_route = conf->n_routes };
	}
	assert_int_equal(g->first_address + g->n_addresses, conf->n_addresses);
	*a = (struct conf_address){ .group = (uint8_t)group };
	a->ip = prefix_of(prefix, &a->prefix_len);
	(void)snprintf(a->device, sizeof(a->device), "%s", device);
	g->n_addresses++;
	conf->n_addresses++;
}

/* `prefix` may be "default"; `gateway` NULL = on link. */
static inline struct conf_route *has_route(struct conf *conf, unsigned group, const char *prefix,
	const char *gateway, const char *device)
{
	struct conf_route *r = &conf->route[conf->n_routes++];

	*r = (struct conf_route){ .group = (uint8_t)group };
	if (strcmp(prefix, "default") != 0)
		r->destination = prefix_of(prefix, &r->prefix_len);
	if (gateway)
		r->gateway = ip_of(gateway);
	r->family = gateway ? r->gateway.family : r->destination.family;
	(void)snprintf(r->device, sizeof(r->device), "%s", device);
	conf->group[group].n_routes++;
	return r;
}

/* ---- doing */

static inline void finish(struct fixture *f)
{
	while (vip_continue(f->vip)) {
	}
	assert_int_equal(vip_pending(f->vip), 0);
}

static inline void add(struct fixture *f, unsigned group)
{
	(void)vip_add(f->vip, group);
	finish(f);
	if (vip_failed(f->vip, group))
		fail_msg("refused: %s", f->log);
}

static inline void drop(struct fixture *f, unsigned group, bool keep_forwarding)
{
	(void)vip_remove(f->vip, group, keep_forwarding);
	finish(f);
	if (vip_failed(f->vip, group))
		fail_msg("refused: %s", f->log);
}

/* What the events since the last call concern. */
static inline uint64_t heard(struct fixture *f)
{
	f->heard = 0;
	while (watch_read(f->watch) > 0) {
	}
	return f->heard;
}

static inline struct vip_audit audit(struct fixture *f)
{
	struct vip_audit result;

	assert_int_equal(vip_audit(f->vip, UINT64_MAX, &result), 0);
	return result;
}

/* All is as it should be. */
static inline void assert_sound(struct fixture *f)
{
	struct vip_audit a = audit(f);

	if (a.missing || a.damaged)
		fail_msg("missing: %u addresses, %u routes; mangled: %u", a.addresses, a.routes,
			a.mangled);
}

#endif
