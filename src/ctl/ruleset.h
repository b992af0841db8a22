/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ruleset: the present nftables rules of this network namespace.
 */
#ifndef NSRP_CTL_RULESET_H
#define NSRP_CTL_RULESET_H

#include <jansson.h>

enum { RULESET_WHY_MAX = 192 };

/* As libnftables-json(5) describes it; the caller's to release. NULL: it cannot be read, for the
 * reason that is in `why` then. */
json_t *ruleset_read(char why[RULESET_WHY_MAX]);

#endif
