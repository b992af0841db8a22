/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nft_text: rulesets in words, as libnftables has them.
 *
 * libnftables prints what a kernel has, and nothing else. So what another node sent is loaded into
 * a network namespace of a process of its own, which lives as long as that takes.
 */
#ifndef NSRP_IO_NFT_TEXT_H
#define NSRP_IO_NFT_TEXT_H

#include <stdio.h>

#include "nsrp/ruleset.h"

/*
 * Writes how one whole document (`-`, this node's) differs from another (`+`), in this node's
 * names: by table, and there by chain, set and object, line by line, without state. Nothing is
 * written when they list the same. 0, or negative errno and a reason. Forks, and waits for its
 * children; needs CAP_SYS_ADMIN and CAP_NET_ADMIN.
 */
int nft_diff(const struct ruleset_host *host, struct span own, struct span document, FILE *to,
	char why[RULESET_WHY_LEN]);

/*
 * The rule as it would be listed, in one line of at most RULESET_WHY_LEN, from what was decoded and
 * could not be taken over. 0, or negative errno: this kernel cannot have it, or takes too long.
 * Forks, and needs the like.
 */
int nft_rule_text(const struct ruleset_host *host, const struct ruleset *wanted,
	const struct ruleset_found *of, char text[RULESET_WHY_LEN]);

#endif
