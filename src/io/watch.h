/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * watch: what the kernel tells of interfaces, addresses, routes and neighbours.
 *
 * It reads only. It keeps a table of the interfaces of its network namespace, at most
 * WATCH_LINKS_MAX of them; those beyond are counted in `left_out` and do not exist for us.
 * A socket filter drops in the kernel what nobody asked for, so that a full routing table
 * that churns, or our own renewals, do not wake anybody.
 *
 * Who waits for RTNL: watch_read() never, but after an overrun; watch_new(), watch_refresh() and
 * the dump after an overrun always; watch_query() not on Linux 6.10 and later while IPv6 is
 * there; watch_poll() never. The other functions ask nobody.
 */
#ifndef NSRP_IO_WATCH_H
#define NSRP_IO_WATCH_H

#include "nsrp/base.h"
#include "nsrp/conf.h"

#include <linux/netlink.h>

enum {
	WATCH_LINKS_MAX = 256,
	WATCH_READ_MAX = 64, /* datagrams that one watch_read() takes */
};

/* Beside interfaces, which are always watched. */
enum watch_flag {
	WATCH_ADDRESSES = 1,
	WATCH_ROUTES = 2, /* removals only */
	WATCH_NEIGHBOURS = 4,
};

struct watch_link {
	char name[CONF_DEVICE_MAX];
	uint32_t ifindex;
	uint8_t mac[6];
	bool ethernet; /* `mac` is one, and ARP is spoken there */
	bool up;       /* by the operator */
	bool carrier;  /* and ready to send */
	uint32_t bond; /* index of the bond or team that it is a member of; 0 = none */
	/* IPv6 forwarding is on. With WATCH_ADDRESSES it is kept up to date. */
	bool forwards;
};

enum watch_event_type {
	WATCH_LINK_NEW,
	WATCH_LINK_CHANGED,
	WATCH_LINK_GONE,
	WATCH_FORWARDING,  /* link.forwards, link.ifindex; the rest of link as in the table */
	WATCH_ADDRESS_NEW, /* also: changed */
	WATCH_ADDRESS_GONE,
	WATCH_ROUTE_GONE,
	WATCH_NEIGHBOUR, /* answered us: it is reachable */
	WATCH_RESYNCED,  /* events were lost: links are right again, judge the rest anew */
};

struct watch_event {
	enum watch_event_type type;
	uint32_t ifindex; /* 0 = none */
	union {
		struct watch_link link;
		struct {
			struct conf_ip ip;
			uint8_t prefix_len;
			uint8_t proto;  /* IFA_PROTO; 0 = none */
			uint32_t flags; /* IFA_F_ */
		} address;
		struct {
			uint8_t family;
			struct conf_ip destination; /* family 0 = default */
			uint8_t prefix_len;
			uint8_t proto; /* RTPROT_ */
			uint32_t table;
		} route;
		struct {
			struct conf_ip ip;
			uint8_t mac[6]; /* zeroes where there is none */
		} neighbour;
	};
};

struct watch_setup {
	unsigned flags; /* of enum watch_flag */
	/* Removals of routes of other protocols are not heard; 0 = hear all. */
	uint8_t route_proto;
	/* NEW events of addresses of this protocol are not heard; 0 = hear all. */
	uint8_t quiet_address_proto;
	/* What this rtnl_port() caused to addresses and routes is not heard (IPv6 addresses are:
	 * the kernel does not tell); 0 = hear all. */
	uint32_t own_port;
	/* Called from watch_read(); the event is borrowed for the call. */
	void (*heard)(void *user, const struct watch_event *event);
	void *user; /* borrowed */
};

struct watch;

/* Subscribes, then reads the interfaces; no event is delivered for those. The caller owns
 * *ret_watch. 0 or negative errno. */
int watch_new(const struct watch_setup *setup, struct watch **ret_watch);
void watch_free(struct watch *w); /* NULL is allowed */

/* Wait for this to become readable, then call watch_read(). */
int watch_fd(const struct watch *w);

/* Reads what waits, WATCH_READ_MAX datagrams at most, and delivers it. 0: nothing is left; 1:
 * more waits; negative errno: the socket failed, or events were lost and the interfaces could
 * not be read anew: the next call tries again. */
int watch_read(struct watch *w);

/* The interface, as of the last event; NULL if there is none. Borrowed until watch_read(). */
const struct watch_link *watch_link(const struct watch *w, const char *name);
const struct watch_link *watch_link_by_index(const struct watch *w, uint32_t ifindex);

/* The interface in place i of the table, i < WATCH_LINKS_MAX; NULL: none. Borrowed likewise. */
const struct watch_link *watch_link_at(const struct watch *w, unsigned i);

/* Asks for the carriers of all interfaces, and delivers those that were lost as events, which the
 * kernel may hold back for a second when it told of a link within the last one. 0; -EOPNOTSUPP
 * before Linux 6.10, where this would wait for RTNL; or another negative errno. Without IPv6
 * nothing is found. */
int watch_poll(struct watch *w);

/* Asks the kernel whether the interface has carrier now: an event may be a second late. 0 and
 * *ret_carrier, -ENODEV, or another negative errno. */
int watch_query(struct watch *w, const char *name, bool *ret_carrier);

/* Asks for one interface and takes the answer as an event. Linux works off what it has put aside
 * of that interface first, which a dump does not: so a carrier that has just come is known at
 * once. 0, -ENODEV, or another negative errno. */
int watch_refresh(struct watch *w, const char *name);

struct watch_counters {
	uint64_t overruns;  /* times events were lost */
	uint64_t malformed; /* messages that were not what they should be */
	uint64_t left_out;  /* news of interfaces that found no room in the table */
};
const struct watch_counters *watch_counters(const struct watch *w);

/* One message of the kernel as an event; links come as LINK_CHANGED or LINK_GONE. Pure. 0,
 * -ENOMSG for a message that is none of the above, -EBADMSG for a malformed one. */
int watch_parse(const struct nlmsghdr *nlh, struct watch_event *ret_event);

#endif
