/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keyword.h"

#include <string.h>

/* Where a plain value of a section lies. */
#define AT(type, field)                                                                            \
	.offset = offsetof(struct type, field), .size = sizeof(((struct type *)0)->field)

#define DEVICE_TEXT                                                                                \
	"a device (1 to 15 characters, no blanks, `/`, `:`, `,` or `;`) or an [interface]"
#define FILE_TEXT "an absolute path, without `.` and `..` parts"

/* clang-format off */
const struct conf_keyword conf_keywords[] = {
	[KEYWORD_CLUSTER_ID] = {
		.section = CONF_SECTION_CLUSTER, .key = "id", .kind = CONF_KIND_NUMBER,
		.per_node = CONF_PER_NODE_SAME, .required = true,
		.min = 1, .max = 255, .allowed = "1 to 255",
		.help = "number of the pair; differs from every other pair's in the same network",
		AT(conf, cluster_id),
	},
	[KEYWORD_CLUSTER_KEY_FILE] = {
		.section = CONF_SECTION_CLUSTER, .key = "key-file", .kind = CONF_KIND_FILE,
		.required = true, .allowed = FILE_TEXT,
		.help = "the pair's key: 32 bytes in base64, mode 0600, equal on both nodes",
		AT(conf, key_file),
	},
	[KEYWORD_CLUSTER_PREVIOUS_KEY_FILE] = {
		.section = CONF_SECTION_CLUSTER, .key = "previous-key-file", .kind = CONF_KIND_FILE,
		.allowed = "none, or " FILE_TEXT, .default_text = "none",
		.help = "the key before; valid beside key-file while the key is being changed",
		AT(conf, previous_key_file),
	},
	[KEYWORD_CLUSTER_HEARTBEAT] = {
		.section = CONF_SECTION_CLUSTER, .key = "heartbeat", .kind = CONF_KIND_DURATION,
		.per_node = CONF_PER_NODE_SAME,
		.min = 5, .max = 10000, .allowed = "5ms to 10s", .default_text = "50ms",
		.help = "time between two heartbeats on each HA link",
		AT(conf, heartbeat_ms),
	},
	[KEYWORD_CLUSTER_LOST_AFTER] = {
		.section = CONF_SECTION_CLUSTER, .key = "lost-after", .kind = CONF_KIND_NUMBER,
		.min = 2, .max = 255, .allowed = "2 to 255", .default_text = "4",
		.help = "heartbeats in a row that must be missing before a path counts as lost",
		AT(conf, lost_after),
	},
	[KEYWORD_CLUSTER_BOOT_WAIT] = {
		.section = CONF_SECTION_CLUSTER, .key = "boot-wait", .kind = CONF_KIND_DURATION,
		.min = 0, .max = 60000, .allowed = "0s to 60s", .default_text = "10s",
		.help = "how long a starting node waits for its peer, from the first HA link's carrier",
		AT(conf, boot_wait_ms),
	},
	[KEYWORD_CLUSTER_SYNC_WAIT] = {
		.section = CONF_SECTION_CLUSTER, .key = "sync-wait", .kind = CONF_KIND_DURATION,
		.min = 0, .max = 3600000, .allowed = "0s to 1h", .default_text = "60s",
		.help = "after this long a node counts as in sync, with a warning that names why",
		AT(conf, sync_wait_ms),
	},
	[KEYWORD_CLUSTER_MONITOR_LINKS] = {
		.section = CONF_SECTION_CLUSTER, .key = "monitor-links", .kind = CONF_KIND_WORD,
		.words = "none auto", .allowed = "auto or none", .default_text = "auto",
		.help = "auto: every interface of a group's addresses is a link monitor of weight 255",
		AT(conf, monitor_links_auto),
	},
	[KEYWORD_INTERFACE_DEVICE] = {
		.section = CONF_SECTION_INTERFACE, .key = "device", .kind = CONF_KIND_INTERFACE,
		.required = true,
		.allowed = "a device (1 to 15 characters, no blanks, `/`, `:`, `,` or `;`)",
		.help = "the device that this logical interface is; mostly given as device.NODE",
	},
	[KEYWORD_LINK_TRANSPORT] = {
		.section = CONF_SECTION_LINK, .key = "transport", .kind = CONF_KIND_WORD,
		.per_node = CONF_PER_NODE_SAME,
		.words = "ethernet udp", .allowed = "ethernet or udp", .default_text = "ethernet",
		.help = "ethernet: frames of type 0x88B5, no address needed; udp: for routed links",
		AT(conf_link, transport),
	},
	[KEYWORD_LINK_INTERFACE] = {
		.section = CONF_SECTION_LINK, .key = "interface", .kind = CONF_KIND_INTERFACE,
		.allowed = DEVICE_TEXT,
		.help = "the HA interface; required for ethernet, for udp it binds the link to it",
		AT(conf_link, device),
	},
	[KEYWORD_LINK_ADDRESS] = {
		.section = CONF_SECTION_LINK, .key = "address", .kind = CONF_KIND_ENDPOINT,
		.per_node = CONF_PER_NODE_ONLY,
		.allowed = "IPv4, IPv4:PORT, IPv6 or [IPv6]:PORT of an own address",
		.help = "address.NODE, udp only: where each node sends from and listens; port 8133",
	},
	[KEYWORD_GROUP_PRIORITY] = {
		.section = CONF_SECTION_GROUP, .key = "priority", .kind = CONF_KIND_NUMBER,
		.min = 1, .max = 255, .allowed = "1 to 255, the lower wins",
		.default_text = "100",
		.help = "the LOWER wins; with equal priorities the node whose name sorts first",
	},
	[KEYWORD_GROUP_PREEMPT] = {
		.section = CONF_SECTION_GROUP, .key = "preempt", .kind = CONF_KIND_YES_NO,
		.allowed = "yes or no", .default_text = "no",
		.help = "whether a node of better priority takes the group from a working master",
		AT(conf_group, preempt),
	},
	[KEYWORD_GROUP_PREEMPT_HOLD] = {
		.section = CONF_SECTION_GROUP, .key = "preempt-hold", .kind = CONF_KIND_DURATION,
		.min = 0, .max = 600000, .allowed = "0s to 600s", .default_text = "3s",
		.help = "how long it must have been ready before it does",
		AT(conf_group, preempt_hold_ms),
	},
	[KEYWORD_GROUP_ADDRESS] = {
		.section = CONF_SECTION_GROUP, .key = "address", .kind = CONF_KIND_ADDRESS,
		.repeatable = true, .allowed = "IP/LENGTH dev INTERFACE",
		.help = "a virtual address, on the master only; one line for each",
	},
	[KEYWORD_GROUP_ROUTE] = {
		.section = CONF_SECTION_GROUP, .key = "route", .kind = CONF_KIND_ROUTE,
		.repeatable = true,
		.allowed = "default|IP[/LENGTH] [via IP] [dev INTERFACE] [metric N] [table N]",
		.help = "a route that comes and goes with the addresses; one line for each",
	},
	[KEYWORD_GROUP_VIRTUAL_MAC] = {
		.section = CONF_SECTION_GROUP, .key = "virtual-mac", .kind = CONF_KIND_YES_NO,
		.per_node = CONF_PER_NODE_SAME, .allowed = "yes or no",
		.default_text = "no",
		.help = "whether the addresses have a MAC address of their own, which moves along",
		AT(conf_group, virtual_mac),
	},
	[KEYWORD_GROUP_SECONDARY_PATH] = {
		.section = CONF_SECTION_GROUP, .key = "secondary-path", .kind = CONF_KIND_INTERFACES,
		.repeatable = true, .allowed = "auto, none, or a list of interfaces",
		.default_text = "auto",
		.help = "data interfaces that carry heartbeats too; auto: those in private networks",
	},
	[KEYWORD_GROUP_THRESHOLD] = {
		.section = CONF_SECTION_GROUP, .key = "threshold", .kind = CONF_KIND_NUMBER,
		.min = 1, .max = 255, .allowed = "1 to 255", .default_text = "255",
		.help = "failed weight of monitors at which the group is inoperable on a node",
		AT(conf_group, threshold),
	},
	[KEYWORD_GROUP_HOOK] = {
		.section = CONF_SECTION_GROUP, .key = "hook", .kind = CONF_KIND_FILE,
		.allowed = "none, or " FILE_TEXT, .default_text = "none",
		.help = "program run after each change of the group's state",
		AT(conf_group, hook),
	},
	[KEYWORD_MONITOR_TYPE] = {
		.section = CONF_SECTION_MONITOR, .key = "type", .kind = CONF_KIND_WORD,
		.required = true, .words = "link ping arp script",
		.allowed = "link, ping, arp or script",
		.help = "what is watched: a carrier, an address (by ping or ARP), a program's result",
		AT(conf_monitor, type),
	},
	[KEYWORD_MONITOR_INTERFACE] = {
		.section = CONF_SECTION_MONITOR, .key = "interface", .kind = CONF_KIND_INTERFACE,
		.allowed = DEVICE_TEXT,
		.help = "required for link and arp; for ping it binds the probes to the interface",
		AT(conf_monitor, device),
	},
	[KEYWORD_MONITOR_TARGET] = {
		.section = CONF_SECTION_MONITOR, .key = "target", .kind = CONF_KIND_IP,
		.allowed = "an IPv4 or IPv6 address of one host",
		.help = "ping and arp: the address that must answer; a script is told it",
		AT(conf_monitor, target),
	},
	[KEYWORD_MONITOR_PROGRAM] = {
		.section = CONF_SECTION_MONITOR, .key = "program", .kind = CONF_KIND_FILE,
		.allowed = FILE_TEXT,
		.help = "script: the program to run; exit 0 is good",
		AT(conf_monitor, program),
	},
	[KEYWORD_MONITOR_INTERVAL] = {
		.section = CONF_SECTION_MONITOR, .key = "interval", .kind = CONF_KIND_DURATION,
		.min = 10, .max = 3600000, .allowed = "10ms to 1h", .default_text = "200ms",
		.help = "time between two probes",
		AT(conf_monitor, interval_ms),
	},
	[KEYWORD_MONITOR_FALL] = {
		.section = CONF_SECTION_MONITOR, .key = "fall", .kind = CONF_KIND_NUMBER,
		.min = 1, .max = 255, .allowed = "1 to 255", .default_text = "3",
		.help = "failed probes in a row that make it fail",
		AT(conf_monitor, fall),
	},
	[KEYWORD_MONITOR_RISE] = {
		.section = CONF_SECTION_MONITOR, .key = "rise", .kind = CONF_KIND_NUMBER,
		.min = 1, .max = 255, .allowed = "1 to 255", .default_text = "3",
		.help = "good probes in a row that make it good again",
		AT(conf_monitor, rise),
	},
	[KEYWORD_MONITOR_WEIGHT] = {
		.section = CONF_SECTION_MONITOR, .key = "weight", .kind = CONF_KIND_NUMBER,
		.min = 0, .max = 255, .allowed = "0 to 255", .default_text = "255",
		.help = "what a failure adds towards the threshold; 0: watch only",
		AT(conf_monitor, weight),
	},
	[KEYWORD_MONITOR_GROUP] = {
		.section = CONF_SECTION_MONITOR, .key = "group", .kind = CONF_KIND_GROUP,
		.min = 0, .max = 255, .allowed = "all, or the id of a [group], 0 to 255",
		.default_text = "all",
		.help = "the group that it counts for",
	},
	[KEYWORD_MIRROR_SESSIONS] = {
		.section = CONF_SECTION_MIRROR, .key = "sessions", .kind = CONF_KIND_YES_NO,
		.allowed = "yes or no", .default_text = "yes",
		.help = "mirror connection tracking: sessions, NAT, expectations",
		AT(conf_mirror, sessions),
	},
	[KEYWORD_MIRROR_IPSEC] = {
		.section = CONF_SECTION_MIRROR, .key = "ipsec", .kind = CONF_KIND_YES_NO,
		.allowed = "yes or no", .default_text = "yes",
		.help = "mirror IPsec SAs and policies",
		AT(conf_mirror, ipsec),
	},
	[KEYWORD_MIRROR_RULESET] = {
		.section = CONF_SECTION_MIRROR, .key = "ruleset", .kind = CONF_KIND_YES_NO,
		.allowed = "yes or no", .default_text = "yes",
		.help = "mirror the nftables ruleset and the elements of its sets",
		AT(conf_mirror, ruleset),
	},
	[KEYWORD_MIRROR_NEIGHBOURS] = {
		.section = CONF_SECTION_MIRROR, .key = "neighbours", .kind = CONF_KIND_YES_NO,
		.allowed = "yes or no", .default_text = "yes",
		.help = "mirror neighbours, so that the new master need not resolve them first",
		AT(conf_mirror, neighbours),
	},
	[KEYWORD_MIRROR_RULESET_LOCAL] = {
		.section = CONF_SECTION_MIRROR, .key = "ruleset-local", .kind = CONF_KIND_TABLES,
		.repeatable = true,
		.allowed = "none, or a list of [FAMILY] TABLE or [FAMILY] TABLE/SET; "
			   "families: ip, ip6, inet, arp, bridge, netdev",
		.default_text = "none",
		.help = "tables that stay each node's own, or sets whose elements do",
	},
	[KEYWORD_MIRROR_FILES] = {
		.section = CONF_SECTION_MIRROR, .key = "files", .kind = CONF_KIND_FILES,
		.repeatable = true,
		.allowed = "none, or a list of absolute paths, without `.` and `..` parts",
		.default_text = "none",
		.help = "files and directories that are mirrored",
	},
	[KEYWORD_MIRROR_FILES_VALIDATE] = {
		.section = CONF_SECTION_MIRROR, .key = "files-validate", .kind = CONF_KIND_FILE,
		.allowed = "none, or " FILE_TEXT, .default_text = "none",
		.help = "program that must exit 0 before the peer's files replace this node's",
		AT(conf_mirror, files_validate),
	},
	[KEYWORD_MIRROR_FILES_APPLY] = {
		.section = CONF_SECTION_MIRROR, .key = "files-apply", .kind = CONF_KIND_FILE,
		.allowed = "none, or " FILE_TEXT, .default_text = "none",
		.help = "program run after the peer's files replaced this node's",
		AT(conf_mirror, files_apply),
	},
	[KEYWORD_MIRROR_HOLD] = {
		.section = CONF_SECTION_MIRROR, .key = "hold", .kind = CONF_KIND_DURATION,
		.min = 1000, .max = 86400000, .allowed = "1s to 24h", .default_text = "10m",
		.help = "how long the standby keeps a session without news of it",
		AT(conf_mirror, hold_ms),
	},
	[KEYWORD_MIRROR_IKE_WAIT] = {
		.section = CONF_SECTION_MIRROR, .key = "ike-wait", .kind = CONF_KIND_DURATION,
		.min = 0, .max = 10000, .allowed = "0s to 10s", .default_text = "0s",
		.help = "how long a new SA is left to an IKE daemon on the standby to install",
		AT(conf_mirror, ike_wait_ms),
	},
};
/* clang-format on */

const size_t conf_keywords_count = ARRAY_LEN(conf_keywords);
_Static_assert(ARRAY_LEN(conf_keywords) == KEYWORDS, "a row for each keyword");

static const struct {
	const char *name, *argument;
} sections[CONF_SECTIONS] = {
	[CONF_SECTION_CLUSTER] = { "cluster", NULL },
	[CONF_SECTION_NODE] = { "node", "NAME" },
	[CONF_SECTION_INTERFACE] = { "interface", "NAME" },
	[CONF_SECTION_LINK] = { "link", "NAME" },
	[CONF_SECTION_GROUP] = { "group", "ID" },
	[CONF_SECTION_MONITOR] = { "monitor", "NAME" },
	[CONF_SECTION_MIRROR] = { "mirror", NULL },
};

const char *conf_section_name(enum conf_section section)
{
	return sections[section].name;
}

const char *conf_section_argument(enum conf_section section)
{
	return sections[section].argument;
}

static bool same(const char *word, const char *text, size_t len)
{
	return strlen(word) == len && memcmp(word, text, len) == 0;
}

int conf_keyword_find(enum conf_section section, const char *key, size_t len)
{
	for (unsigned i = 0; i < KEYWORDS; i++) {
		if (conf_keywords[i].section == section && same(conf_keywords[i].key, key, len))
			return (int)i;
	}
	return -1;
}

int conf_section_find(const char *name, size_t len)
{
	for (unsigned i = 0; i < CONF_SECTIONS; i++) {
		if (same(sections[i].name, name, len))
			return (int)i;
	}
	return -1;
}

bool conf_keyword_is_word(const char *word)
{
	if (conf_section_find(word, strlen(word)) >= 0)
		return true;
	for (unsigned i = 0; i < KEYWORDS; i++) {
		if (strcmp(conf_keywords[i].key, word) == 0)
			return true;
	}
	return false;
}
