/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ruleset: the document of this namespace's nftables rules.
 */
#ifndef NSRP_IO_RULESET_H
#define NSRP_IO_RULESET_H

#include "nsrp/document.h"

/* How often sets that the packet path writes are looked through, at the most. */
enum { RULESET_INTERVAL_MS = 1000 };

extern const struct document_ops ruleset_ops;

#endif
