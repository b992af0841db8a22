/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * confread: from the text of nsrpd.conf to struct conf, and back to text.
 *
 * One keyword table (conf_keywords) drives reading, defaults, ranges, messages and printing; the
 * man page, the example file and the tests are checked against it. Nothing here opens a file.
 *
 * What a KEY.NODE line means: it beats the plain KEY lines for that node, all of them when the
 * key is repeatable.
 */
#ifndef NSRP_CONFREAD_H
#define NSRP_CONFREAD_H

#include <sys/types.h>

#include "nsrp/base.h"
#include "nsrp/conf.h"

enum {
	CONF_TEXT_MAX = 1 << 20, /* bytes of a configuration file */
	CONF_KEY_LEN = 32,       /* bytes of a cluster key */
};

enum conf_section {
	CONF_SECTION_CLUSTER,
	CONF_SECTION_NODE,
	CONF_SECTION_INTERFACE,
	CONF_SECTION_LINK,
	CONF_SECTION_GROUP,
	CONF_SECTION_MONITOR,
	CONF_SECTION_MIRROR,
};
enum { CONF_SECTIONS = CONF_SECTION_MIRROR + 1 };

/* The kind of a value. */
enum conf_kind {
	CONF_KIND_NUMBER,
	CONF_KIND_DURATION, /* 50ms, 1s, 10m, 24h; kept in milliseconds */
	CONF_KIND_YES_NO,
	CONF_KIND_WORD,      /* one of `words` */
	CONF_KIND_FILE,      /* an absolute path */
	CONF_KIND_INTERFACE, /* a device, or the name of an [interface] */
	CONF_KIND_IP,
	CONF_KIND_ENDPOINT, /* IP[:port], [IPv6]:port */
	CONF_KIND_ADDRESS,  /* 192.0.2.1/24 dev eth0 */
	CONF_KIND_ROUTE,    /* default via 198.51.100.254 dev eth1 [metric N] [table N] */
	CONF_KIND_GROUP,    /* a group's id, or all */
	/* Lists, with commas between the items. */
	CONF_KIND_INTERFACES,
	CONF_KIND_TABLES,
	CONF_KIND_FILES,
};

/* What KEY.NODE lines may do; every key may have them. */
enum conf_per_node {
	CONF_PER_NODE_FREE, /* the nodes may differ */
	CONF_PER_NODE_SAME, /* both nodes must come to the same value */
	CONF_PER_NODE_ONLY, /* KEY alone is refused: the nodes cannot have the same value */
};

struct conf_keyword {
	enum conf_section section;
	enum conf_kind kind;
	enum conf_per_node per_node;
	bool repeatable; /* several lines of it are one list */
	bool required;
	uint32_t min, max; /* number and duration */
	const char *key;
	const char *words;   /* word: the choices, with blanks between; the index is the value */
	const char *allowed; /* as messages put it: `5ms to 10s` */
	const char *default_text; /* NULL: none, the value is required or depends on others */
	const char *help;         /* one line */
	/* Where a plain value lies: in struct conf for [cluster], else in the conf_link,
	 * conf_group, conf_monitor or conf_mirror. A size of 0: not one plain value. */
	size_t offset, size;
};

extern const struct conf_keyword conf_keywords[];
extern const size_t conf_keywords_count;

/* `cluster`, `node` …; the argument is `NAME`, `ID` or NULL. */
const char *conf_section_name(enum conf_section section);
const char *conf_section_argument(enum conf_section section);

enum conf_severity {
	CONF_SEVERITY_ERROR,   /* the file is refused */
	CONF_SEVERITY_WARNING, /* it is taken, and probably not what was meant */
	CONF_SEVERITY_NOTE,    /* it is taken; something in it has no effect yet */
};

/* Called once for each thing found, in the order of lines, when the whole file was looked at. */
struct conf_report {
	void *user; /* borrowed, passed to found */
	/* The strings are borrowed until the call ends. text has neither file nor line in it:
	 * "[cluster] heartbeat: found `50`, allowed: 5ms to 10s (…)". */
	void (*found)(void *user, enum conf_severity severity, const char *file, unsigned line,
		const char *text);
};

/* Reads `text` (any bytes) as node `node`. 0, or -EINVAL after at least one error was reported, or
 * -ENOMEM; then *ret_conf is untouched. file_name only appears in reports. */
int conf_read(const char *file_name, const char *text, size_t len, const char *node,
	const struct conf_report *report, struct conf *ret_conf);

/* Writes the effective configuration of conf's own node in the form that conf_read takes, every
 * key with its value. As snprintf: at most `size` bytes with the final NUL, and the length that
 * the whole text has is returned. */
size_t conf_print(const struct conf *conf, char *buf, size_t size);

/* The name that the file has for a device: that of its [interface], else the device's own. */
const char *conf_interface_name(const struct conf *conf, const char *device);

/* First byte of every virtual MAC: locally administered, in the part of that space which IEEE 802c
 * leaves to administrators. The cluster's id, the group's id and 24 bits of the interface's name
 * follow. */
enum { CONF_VMAC_FIRST = 0x92 };

/* conf_vmac.mac and .name of a group on an interface, as the file names that. The name is
 * `nsrpGROUP-INTERFACE`, or, where that is too long, `nsrpGROUP-` and the MAC's last three bytes
 * in hexadecimal. */
void conf_vmac_mac(uint8_t cluster, uint8_t group, const char *interface, uint8_t ret_mac[6]);
void conf_vmac_name(
	uint8_t cluster, uint8_t group, const char *interface, char ret_name[CONF_DEVICE_MAX]);

/* conf_link.tag: a hash of the name, never 0. */
uint16_t conf_path_tag(const char *name);

enum conf_key_result {
	CONF_KEY_OK,
	CONF_KEY_EMPTY,
	CONF_KEY_BAD_LENGTH,    /* not the 44 characters that 32 bytes take */
	CONF_KEY_BAD_CHARACTER, /* not base64 */
	CONF_KEY_BAD_END, /* the end is not that of 32 bytes: padding wrong, or bits left over */
};

/* Reads the text of a key file: base64 of 32 bytes, and at most one line end. ret_key is
 * untouched on failure. */
enum conf_key_result conf_read_key(const char *text, size_t len, uint8_t ret_key[CONF_KEY_LEN]);
const char *conf_key_result_text(enum conf_key_result result);

/* True for a regular file (or a bare mode) that its owner alone may read: 0600 or 0400. */
bool conf_key_file_mode_ok(mode_t mode);

#endif
