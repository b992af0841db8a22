/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: contradictions within one node's configuration, and between those of the two nodes.
 *
 * Each adds findings to the draft's source.
 */
#ifndef NSRP_CONF_CHECK_H
#define NSRP_CONF_CHECK_H

#include "draft.h"

void conf_check_cluster(const struct conf_draft *draft);
void conf_check_interfaces(const struct conf_draft *draft);
void conf_check_links(const struct conf_draft *draft);
void conf_check_paths(const struct conf_draft *draft); /* links and secondary paths */
void conf_check_addresses(const struct conf_draft *draft);
void conf_check_routes(const struct conf_draft *draft);
void conf_check_devices(const struct conf_draft *draft); /* how many they name */
void conf_check_vmacs(const struct conf_draft *draft);
void conf_check_monitors(const struct conf_draft *draft);
void conf_check_thresholds(const struct conf_draft *draft);

/* What must be the same on both. */
void conf_check_vmacs_of_pair(const struct conf_draft *a, const struct conf_draft *b);
void conf_check_pair(const struct conf_draft *a, const struct conf_draft *b);

/* The line of a keyword in a block, for the draft's node; else that of the block. */
unsigned conf_check_line(
	const struct conf_draft *draft, const struct conf_block *block, unsigned keyword);

#endif
