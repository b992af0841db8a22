/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "watch.h"

#include "rtnl.h"
#include "watch_filter.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

enum {
	RECEIVE_MAX = 32 * 1024,
	RECEIVE_BUFFER = 4 * 1024 * 1024,
};

struct entry {
	bool used;
	bool seen; /* by the dump under way */
	struct watch_link link;
};

struct watch {
	struct watch_setup setup;
	struct mnl_socket *socket; /* owned: events */
	struct rtnl *rtnl;         /* owned: dumps and questions */
	bool stale;                /* events were lost, and the interfaces not read since */
	bool started;
	bool polls;
	struct watch_counters counters;
	struct entry entry[WATCH_LINKS_MAX];
	_Alignas(struct nlmsghdr) uint8_t received[RECEIVE_MAX];
};

/* ---- the table of interfaces --------------------------------------------------------------- */

static void tell(struct watch *w, enum watch_event_type type, const struct watch_link *link)
{
	struct watch_event event = { .type = type, .ifindex = link->ifindex };

	event.link = *link;
	if (w->started && w->setup.heard)
		w->setup.heard(w->setup.user, &event);
}

static struct entry *entry_of(struct watch *w, uint32_t ifindex)
{
	for (unsigned i = 0; i < WATCH_LINKS_MAX; i++)
		if (w->entry[i].used && w->entry[i].link.ifindex == ifindex)
			return &w->entry[i];
	return NULL;
}

static void entry_remove(struct watch *w, struct entry *e)
{
	e->used = false;
	tell(w, WATCH_LINK_GONE, &e->link);
}

static void link_gone(struct watch *w, uint32_t ifindex)
{
	struct entry *e = entry_of(w, ifindex);

	if (e)
		entry_remove(w, e);
}

static bool link_equal(const struct watch_link *a, const struct watch_link *b)
{
	return a->ifindex == b->ifindex && a->ethernet == b->ethernet && a->up == b->up &&
	       a->carrier == b->carrier && a->forwards == b->forwards && a->bond == b->bond &&
	       memcmp(a->mac, b->mac, sizeof(a->mac)) == 0;
}

static void link_heard(struct watch *w, const struct watch_link *link)
{
	struct entry *free_entry = NULL, *e = NULL;

	for (unsigned i = 0; i < WATCH_LINKS_MAX; i++) {
		struct entry *candidate = &w->entry[i];
		bool same_name = candidate->used && strcmp(candidate->link.name, link->name) == 0;

		/* Renamed, or made anew under its old name while events were lost. */
		if (candidate->used && same_name != (candidate->link.ifindex == link->ifindex))
			entry_remove(w, candidate);
		if (!candidate->used)
			free_entry = candidate;
		else if (same_name)
			e = candidate;
	}
	if (!e && !free_entry) {
		w->counters.left_out++;
	} else if (!e) {
		*free_entry = (struct entry){ .used = true, .seen = true, .link = *link };
		tell(w, WATCH_LINK_NEW, link);
	} else {
		bool changed = !link_equal(&e->link, link);

		e->seen = true;
		e->link = *link;
		if (changed)
			tell(w, WATCH_LINK_CHANGED, link);
	}
}

static void forwarding_heard(struct watch *w, const struct watch_event *event)
{
	struct entry *e = entry_of(w, event->ifindex);

	if (!e || e->link.forwards == event->link.forwards)
		return;
	e->link.forwards = event->link.forwards;
	tell(w, WATCH_FORWARDING, &e->link);
}

static int dumped(void *user, const struct nlmsghdr *nlh)
{
	struct watch *w = user;
	struct watch_event event;

	if (!nlh) {
		for (unsigned i = 0; i < WATCH_LINKS_MAX; i++)
			w->entry[i].seen = false;
		return 0;
	}
	if (watch_parse(nlh, &event) == 0 && event.type == WATCH_LINK_CHANGED)
		link_heard(w, &event.link);
	return 0;
}

static int read_links(struct watch *w)
{
	const struct rtnl_reader reader = { .message = dumped, .user = w };
	struct nlmsghdr *nlh = rtnl_ask(w->rtnl, RTM_GETLINK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	int result;

	info->ifi_family = AF_UNSPEC;
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	result = rtnl_dump(w->rtnl, &reader);
	if (result)
		return result;
	for (unsigned i = 0; i < WATCH_LINKS_MAX; i++)
		if (w->entry[i].used && !w->entry[i].seen)
			entry_remove(w, &w->entry[i]);
	return 0;
}

/* ---- the socket ---------------------------------------------------------------------------- */

static int join(struct watch *w, int group)
{
	return mnl_socket_setsockopt(w->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0
		       ? -errno
		       : 0;
}

static int join_all(struct watch *w)
{
	static const struct {
		unsigned flag; /* 0 = always */
		int group;
	} wanted[] = {
		{ 0, RTNLGRP_LINK },
		{ WATCH_ADDRESSES, RTNLGRP_IPV4_IFADDR },
		{ WATCH_ADDRESSES, RTNLGRP_IPV6_IFADDR },
		{ WATCH_ADDRESSES, RTNLGRP_IPV6_NETCONF },
		{ WATCH_ROUTES, RTNLGRP_IPV4_ROUTE },
		{ WATCH_ROUTES, RTNLGRP_IPV6_ROUTE },
		{ WATCH_NEIGHBOURS, RTNLGRP_NEIGH },
	};
	int result = 0;

	for (unsigned i = 0; i < ARRAY_LEN(wanted) && !result; i++)
		if (!wanted[i].flag || (w->setup.flags & wanted[i].flag))
			result = join(w, wanted[i].group);
	return result;
}

static int watch_open(struct watch *w)
{
	const int bytes = RECEIVE_BUFFER;
	int result = rtnl_new(&w->rtnl);

	if (result)
		return result;
	w->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!w->socket)
		return -errno;
	if (setsockopt(watch_fd(w), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(watch_fd(w), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	result = watch_filter_attach(watch_fd(w), &w->setup);
	if (result)
		return result;
	if (mnl_socket_bind(w->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	/* What changes while the dump runs is heard after it. */
	result = join_all(w);
	return result ? result : read_links(w);
}

/* Linux 6.10 and later tell IPv6's view without RTNL; without IPv6 they tell the other one, with
 * it. */
static bool polls_freely(void)
{
	struct utsname host;
	unsigned long major, minor;
	char *end;
	int ipv6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (ipv6 < 0)
		return false;
	close(ipv6);
	if (uname(&host) != 0)
		return false;
	major = strtoul(host.release, &end, 10);
	minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
	return major > 6 || (major == 6 && minor >= 10);
}

int watch_new(const struct watch_setup *setup, struct watch **ret_watch)
{
	struct watch *w = calloc(1, sizeof(*w));
	int result;

	if (!w)
		return -ENOMEM;
	w->setup = *setup;
	w->polls = polls_freely();
	result = watch_open(w);
	if (result) {
		watch_free(w);
		return result;
	}
	w->started = true;
	*ret_watch = w;
	return 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	if (w->socket)
		mnl_socket_close(w->socket);
	rtnl_free(w->rtnl);
	free(w);
}

int watch_fd(const struct watch *w)
{
	return mnl_socket_get_fd(w->socket);
}

static void message_heard(struct watch *w, const struct nlmsghdr *nlh)
{
	struct watch_event event;
	int result = watch_parse(nlh, &event);

	if (result == -EBADMSG)
		w->counters.malformed++;
	if (result)
		return;
	if (event.type == WATCH_LINK_CHANGED)
		link_heard(w, &event.link);
	else if (event.type == WATCH_LINK_GONE)
		link_gone(w, event.ifindex);
	else if (event.type == WATCH_FORWARDING)
		forwarding_heard(w, &event);
	else if (w->setup.heard)
		w->setup.heard(w->setup.user, &event);
}

static int resync(struct watch *w)
{
	const struct watch_event event = { .type = WATCH_RESYNCED };
	int result = read_links(w);

	if (result)
		return result;
	w->stale = false;
	if (w->setup.heard)
		w->setup.heard(w->setup.user, &event);
	return 0;
}

int watch_read(struct watch *w)
{
	for (unsigned i = 0; i < WATCH_READ_MAX; i++) {
		ssize_t received = mnl_socket_recvfrom(w->socket, w->received, sizeof(w->received));
		int len = (int)received;

		if (received < 0 && errno == EAGAIN)
			return w->stale ? resync(w) : 0;
		if (received < 0 && errno == ENOBUFS) {
			w->counters.overruns++;
			w->stale = true;
		} else if (received < 0 && errno != EINTR) {
			return -errno;
		}
		for (const struct nlmsghdr *nlh = (const void *)w->received; mnl_nlmsg_ok(nlh, len);
			nlh = mnl_nlmsg_next(nlh, &len))
			message_heard(w, nlh);
	}
	return 1;
}

/* ---- questions ----------------------------------------------------------------------------- */

const struct watch_link *watch_link(const struct watch *w, const char *name)
{
	for (unsigned i = 0; i < WATCH_LINKS_MAX; i++)
		if (w->entry[i].used && strcmp(w->entry[i].link.name, name) == 0)
			return &w->entry[i].link;
	return NULL;
}

const struct watch_link *watch_link_by_index(const struct watch *w, uint32_t ifindex)
{
	for (unsigned i = 0; i < WATCH_LINKS_MAX; i++)
		if (w->entry[i].used && w->entry[i].link.ifindex == ifindex)
			return &w->entry[i].link;
	return NULL;
}

const struct watch_link *watch_link_at(const struct watch *w, unsigned i)
{
	return w->entry[i].used ? &w->entry[i].link : NULL;
}

static int answered(void *user, const struct nlmsghdr *nlh)
{
	struct watch_event event;

	if (nlh && watch_parse(nlh, &event) == 0 && event.type == WATCH_LINK_CHANGED)
		link_heard(user, &event.link);
	return 0;
}

int watch_refresh(struct watch *w, const char *name)
{
	const struct rtnl_reader reader = { .message = answered, .user = w };
	struct nlmsghdr *nlh = rtnl_ask(w->rtnl, RTM_GETLINK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));

	info->ifi_family = AF_UNSPEC;
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return rtnl_get(w->rtnl, &reader);
}

struct carrier_answer {
	const char *name;
	bool found, carrier;
};

static int carrier_heard(void *user, const struct nlmsghdr *nlh)
{
	struct carrier_answer *answer = user;
	struct watch_event event;

	if (!nlh)
		answer->found = false;
	else if (watch_parse(nlh, &event) == 0 && event.type == WATCH_LINK_CHANGED &&
		 strcmp(event.link.name, answer->name) == 0) {
		answer->found = true;
		answer->carrier = event.link.carrier;
	}
	return 0;
}

int watch_query(struct watch *w, const char *name, bool *ret_carrier)
{
	struct carrier_answer answer = { .name = name };
	const struct rtnl_reader reader = { .message = carrier_heard, .user = &answer };
	struct nlmsghdr *nlh = rtnl_ask(w->rtnl, RTM_GETLINK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	int result;

	/* IPv6's view of the interfaces has the same flags, and is told without RTNL. */
	info->ifi_family = AF_INET6;
	result = rtnl_dump(w->rtnl, &reader);
	if (result || !answer.found) {
		nlh = rtnl_ask(w->rtnl, RTM_GETLINK);
		info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
		info->ifi_family = AF_UNSPEC;
		mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
		mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
		result = rtnl_get(w->rtnl, &reader);
	}
	if (result)
		return result;
	if (!answer.found)
		return -ENODEV;
	*ret_carrier = answer.carrier;
	return 0;
}

/* Only that a carrier was lost is news: IPv6's view lacks much of what the table has. */
static int polled(void *user, const struct nlmsghdr *nlh)
{
	struct watch *w = user;
	struct watch_event event;
	struct entry *e;

	if (!nlh || watch_parse(nlh, &event) != 0 || event.type != WATCH_LINK_CHANGED)
		return 0;
	e = entry_of(w, event.ifindex);
	if (!e || !e->link.carrier || event.link.carrier)
		return 0;
	e->link.carrier = false;
	e->link.up = event.link.up;
	tell(w, WATCH_LINK_CHANGED, &e->link);
	return 0;
}

int watch_poll(struct watch *w)
{
	const struct rtnl_reader reader = { .message = polled, .user = w };

	if (!w->polls)
		return -EOPNOTSUPP;
	struct nlmsghdr *nlh = rtnl_ask(w->rtnl, RTM_GETLINK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));

	info->ifi_family = AF_INET6;
	return rtnl_dump(w->rtnl, &reader);
}

const struct watch_counters *watch_counters(const struct watch *w)
{
	return &w->counters;
}
