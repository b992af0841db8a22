/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: what `nsrpctl check` finds in a configuration, and on this host.
 */
#ifndef NSRP_CTL_CHECK_H
#define NSRP_CTL_CHECK_H

#include "nsrp/confread.h"
#include "nsrp/device.h"
#include "nsrp/executable.h"

#include <jansson.h>

enum { CHECK_TEXT_MAX = 1024 };

struct check_finding {
	enum conf_severity severity;
	unsigned line; /* 0 = not of a line */
	char text[CHECK_TEXT_MAX];
};

/* All that was found; the fields are for reading. */
struct check_findings {
	size_t n, size;
	struct check_finding *finding; /* owned */
	unsigned n_errors, n_warnings;
	bool failed; /* memory ran out; counts as an error */
};

void check_findings_fini(struct check_findings *f);

/* Adds one, unless it is there already. */
void check_found(struct check_findings *f, enum conf_severity severity, unsigned line,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same as the callback that conf_read takes; user = struct check_findings. */
void check_conf_found(
	void *user, enum conf_severity severity, const char *file, unsigned line, const char *text);

/* For who wants a configuration, and not what is found in it. */
extern const struct conf_report check_silent;

/* The name in the text's first [node NAME]; false when there is none. */
bool check_first_node(const char *text, size_t len, char ret_name[CONF_NAME_MAX]);

/* Looks at the key files, as far as they can be read. */
void check_keys(const struct conf *conf, struct check_findings *f);

/* Looks at the interfaces of the HA links; for a configuration of this host. May wait. */
void check_interfaces(const struct conf *conf, struct check_findings *f);

/* Looks at the interfaces below virtual MACs, and at what would be in their way; likewise. */
void check_vmacs(const struct conf *conf, struct check_findings *f);

/* Looks at hooks and script monitors' programs, for a daemon that runs as root. */
void check_programs(const struct conf *conf, struct check_findings *f);

/* Two nodes can be masters at once: they differ in whom the groups prefer, or groups prefer nobody.
 */
bool check_is_active_active(const struct conf *conf);

/* Looks for source NAT by which two masters may choose the same address and port. `ruleset` as
 * libnftables-json(5) describes it, or any other JSON. */
void check_nat(const struct conf *conf, const json_t *ruleset, struct check_findings *f);

/* Addresses of this host's interfaces that are not the groups', and not the same on every host. */
enum { CHECK_OWN_MAX = 256 };
struct check_own {
	unsigned n;
	struct check_address {
		struct conf_ip ip;
		char device[CONF_DEVICE_MAX];
	} address[CHECK_OWN_MAX];
};
void check_own_of_host(const struct conf *conf, struct check_own *ret);

/* Looks for them in rules, and in what sets hold, that both nodes are to have. `ruleset` likewise.
 */
void check_own_addresses(const struct conf *conf, const json_t *ruleset,
	const struct check_own *own, struct check_findings *f);

/* The same with this host's, where it can be read. */
void check_own_rules(const struct conf *conf, struct check_findings *f);

/* All that is looked for in a ruleset, with this host's, if need be. */
void check_ruleset(const struct conf *conf, struct check_findings *f);

/* An interface with this master serves another purpose; in a VRF it still is its own. */
bool check_is_taken(const struct device_master *master);

#endif
