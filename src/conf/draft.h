/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * draft: the configuration of one node while it is made, with where each part came from.
 *
 * A draft is made for each of the two nodes, whoever reads the file, so that both nodes find the
 * same faults in it. What a `bad` block says is left out.
 */
#ifndef NSRP_CONF_DRAFT_H
#define NSRP_CONF_DRAFT_H

#include "section.h"
#include "value.h"

struct conf_draft {
	struct conf conf;
	/* Borrowed; the findings are the source's. */
	const struct conf_source *source;
	const struct conf_pair *pair;
	int node; /* whose it is */

	/* Where the entries of conf's arrays come from, in conf_source. */
	const struct conf_block *interface_block[CONF_INTERFACES_MAX];
	const struct conf_block *link_block[CONF_LINKS_MAX];
	const struct conf_block *group_block[CONF_GROUPS_MAX];
	const struct conf_block *monitor_block[CONF_MONITORS_MAX]; /* NULL: automatic */
	const struct conf_entry *address_entry[CONF_ADDRESSES_MAX];
	const struct conf_entry *route_entry[CONF_ROUTES_MAX];
	unsigned path_line[CONF_PATHS_MAX];
};

/* Makes the whole of draft->conf but its digest. `draft` must be all zero bytes; `pair` must be
 * known. */
void conf_draft_make(struct conf_draft *draft, const struct conf_source *source,
	const struct conf_pair *pair, int node);

/* Parts of it, in this order. */
void conf_draft_cluster(struct conf_draft *draft);
void conf_draft_interfaces(struct conf_draft *draft);
void conf_draft_links(struct conf_draft *draft);
void conf_draft_groups(struct conf_draft *draft);
void conf_draft_vmacs(struct conf_draft *draft);
void conf_draft_secondary_paths(struct conf_draft *draft);
void conf_draft_monitors(struct conf_draft *draft);
void conf_draft_mirror(struct conf_draft *draft);

/* Sets the plain values (conf_keyword.size > 0) of a block, or the defaults (block NULL), in the
 * structure at `base`. */
void conf_draft_fill(struct conf_draft *draft, enum conf_section section,
	const struct conf_block *block, void *base);

/* The device of an interface as written in the file. */
void conf_draft_device(
	const struct conf_draft *draft, const char *written, char ret_device[CONF_DEVICE_MAX]);

/* The value of an entry that was checked already. */
struct conf_value conf_draft_value(const struct conf_entry *entry);

/* The first sound block of a section after `after` (NULL: from the start); NULL: none. */
const struct conf_block *conf_draft_next_block(
	const struct conf_draft *draft, enum conf_section section, const struct conf_block *after);

#endif
