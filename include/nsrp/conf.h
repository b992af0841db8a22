/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * conf: the configuration as a value.
 *
 * No pointers, fixed bounds: it can be copied, compared and handed from the guardian to the
 * engine as bytes. src/conf makes one from text for one node: every `KEY.NODE` is resolved, so
 * that what is left is what this node uses, plus what it must know of its peer. Names of
 * interfaces are devices of this node (logical names are resolved), except where noted.
 */
#ifndef NSRP_CONF_H
#define NSRP_CONF_H

#include "nsrp/base.h"

enum {
	CONF_NODES = 2,
	CONF_LINKS_MAX = 4,      /* HA links */
	CONF_SECONDARY_MAX = 12, /* secondary paths */
	CONF_PATHS_MAX = CONF_LINKS_MAX + CONF_SECONDARY_MAX,
	CONF_GROUPS_MAX = 64,
	CONF_ADDRESSES_MAX = 2048, /* of all groups */
	CONF_ROUTES_MAX = 512,     /* of all groups */
	CONF_VMACS_MAX = 128,   /* virtual MACs: one for each interface of a group that has them */
	CONF_DEVICES_MAX = 256, /* that addresses and routes name, and macvlans of virtual MACs */
	CONF_MONITORS_MAX = 192,
	CONF_INTERFACES_MAX = 64,
	CONF_LOCAL_TABLES_MAX = 32,
	CONF_FILES_MAX = 32,
	CONF_NAME_MAX = 32,   /* with the final NUL: node, link, monitor, logical interface */
	CONF_DEVICE_MAX = 16, /* IFNAMSIZ */
	CONF_PATH_MAX = 256,  /* file names, with the final NUL */
	CONF_LINE_MAX = 199,  /* longest line of the file, without its end; inih's own limit */
	CONF_UDP_PORT = 8133,
};

enum conf_transport { CONF_TRANSPORT_ETHERNET, CONF_TRANSPORT_UDP };
enum conf_monitor_type {
	CONF_MONITOR_LINK,
	CONF_MONITOR_PING,
	CONF_MONITOR_ARP,
	CONF_MONITOR_SCRIPT,
};
/* Which of a list is meant: worked out by the daemon, nothing, or the list given. */
enum conf_choice { CONF_CHOICE_AUTO, CONF_CHOICE_NONE, CONF_CHOICE_LIST };

/* An IPv4 or IPv6 address in network byte order; family 0 = none. */
struct conf_ip {
	uint8_t family;    /* 0, AF_INET or AF_INET6 */
	uint8_t bytes[16]; /* the first 4 for IPv4 */
};

struct conf_interface {
	char name[CONF_NAME_MAX];     /* the logical name */
	char device[CONF_DEVICE_MAX]; /* this node's */
	char peer_device[CONF_DEVICE_MAX];
};

/* One path on which frames travel: an HA link or a secondary path. */
struct conf_link {
	char name[CONF_NAME_MAX]; /* HA link: [link NAME]; secondary path: as written in the file */
	uint16_t tag; /* names the path on the wire; a hash of `name`, unique, never 0 */
	enum conf_transport transport;
	char device[CONF_DEVICE_MAX];     /* ethernet: this node's; udp: may be empty */
	struct conf_ip local, remote;     /* udp only */
	uint16_t local_port, remote_port; /* udp only, host byte order */
	bool secondary;
};

struct conf_address {
	uint8_t group; /* index into conf.group, not the id */
	struct conf_ip ip;
	uint8_t prefix_len;
	char device[CONF_DEVICE_MAX]; /* as configured */
	uint16_t vmac; /* 1 + index into conf.vmac, on whose macvlan it lies; 0 = on the device */
};

/* A virtual MAC: a macvlan on one interface, for the addresses that one group has there. */
struct conf_vmac {
	uint8_t group;                /* index into conf.group */
	char device[CONF_DEVICE_MAX]; /* below it: what the group's addresses name */
	char name[CONF_DEVICE_MAX];   /* of the macvlan, the same on both nodes */
	uint8_t mac[6];               /* likewise */
};

struct conf_route {
	uint8_t group; /* index into conf.group */
	uint8_t family;
	struct conf_ip destination; /* family 0 = default */
	uint8_t prefix_len;
	struct conf_ip gateway;       /* family 0 = on link */
	char device[CONF_DEVICE_MAX]; /* may be empty when a gateway is given */
	uint32_t metric;              /* 0 = the kernel's default for the family */
	uint32_t table;               /* 0 = main */
};

struct conf_group {
	uint8_t id;                   /* 0..255, as written */
	uint8_t priority[CONF_NODES]; /* by node index; 1..255, lower wins */
	bool preempt;
	uint32_t preempt_hold_ms; /* 0..600000 */
	bool virtual_mac;
	enum conf_choice secondary_choice;
	uint16_t threshold;                  /* 1..255 */
	char hook[CONF_PATH_MAX];            /* absolute path, or empty */
	unsigned first_address, n_addresses; /* in conf.address, which is sorted by group */
	unsigned first_route, n_routes;      /* in conf.route, likewise */
};

struct conf_monitor {
	char name[CONF_NAME_MAX];
	enum conf_monitor_type type;
	char device[CONF_DEVICE_MAX]; /* may be empty for ping and script */
	struct conf_ip target;        /* ping, arp */
	char program[CONF_PATH_MAX];  /* script; absolute */
	uint32_t interval_ms;
	uint16_t fall, rise; /* probes in a row */
	uint8_t weight;      /* 0 = watch only */
	bool all_groups;
	uint8_t group;  /* index; meaningful unless all_groups */
	bool automatic; /* made by monitor-links = auto */
};

struct conf_mirror {
	bool sessions, ipsec, ruleset, neighbours;
	unsigned n_local; /* ruleset-local: `[FAMILY] TABLE[/SET]`, as written */
	char local[CONF_LOCAL_TABLES_MAX][CONF_NAME_MAX * 2];
	unsigned n_files;
	char file[CONF_FILES_MAX][CONF_PATH_MAX];
	char files_validate[CONF_PATH_MAX], files_apply[CONF_PATH_MAX]; /* absolute, or empty */
	uint32_t hold_ms;
	uint32_t ike_wait_ms; /* 0..10000; 0: no IKE daemon on a standby installs SAs */
};

struct conf {
	uint8_t cluster_id; /* 1..255 */
	uint8_t self;       /* this node's index. Nodes are ordered by name, so that both agree. */
	char node[CONF_NODES][CONF_NAME_MAX];
	char key_file[CONF_PATH_MAX],
		previous_key_file[CONF_PATH_MAX]; /* the second may be empty */
	uint32_t heartbeat_ms;                    /* 5..10000 */
	uint16_t lost_after;                      /* heartbeats; 2..255 */
	uint32_t boot_wait_ms, boot_wait_max_ms;  /* the second: however late the carrier comes */
	uint32_t sync_wait_ms;
	bool monitor_links_auto;
	/* Of what both nodes must agree on (cluster, nodes, links' names, groups' addresses,
	 * priorities, monitors …); equal on both when they read equal files. */
	uint64_t digest;

	unsigned n_interfaces;
	struct conf_interface interface[CONF_INTERFACES_MAX];
	unsigned n_links, n_paths; /* links are path[0 .. n_links-1], secondary paths follow */
	struct conf_link path[CONF_PATHS_MAX];
	unsigned n_groups; /* sorted by id */
	struct conf_group group[CONF_GROUPS_MAX];
	unsigned n_addresses;
	struct conf_address address[CONF_ADDRESSES_MAX];
	unsigned n_routes;
	struct conf_route route[CONF_ROUTES_MAX];
	unsigned n_vmacs;
	struct conf_vmac vmac[CONF_VMACS_MAX];
	unsigned n_monitors;
	struct conf_monitor monitor[CONF_MONITORS_MAX];
	struct conf_mirror mirror;
};

/* The virtual MAC under which an address is reached; NULL: that of its device. */
static inline const struct conf_vmac *conf_vmac_of(
	const struct conf *conf, const struct conf_address *address)
{
	return address->vmac ? &conf->vmac[address->vmac - 1] : NULL;
}

/* The interface on which an address lies. */
static inline const char *conf_address_place(
	const struct conf *conf, const struct conf_address *address)
{
	return address->vmac ? conf->vmac[address->vmac - 1].name : address->device;
}

/* The detection time: silence for this long means lost. */
static inline uint32_t conf_detection_ms(const struct conf *conf)
{
	return conf->heartbeat_ms * conf->lost_after;
}

#endif
