/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * digest: one number for what a file says to both nodes.
 *
 * It is FNV-1a (64 bit) of records, one for each named section and one for each value of each
 * node, all sorted: comments, the order of sections and keys, and ways to write a value do not
 * matter. Values that are a keyword's default are left out, so that a keyword that a later
 * release adds changes nothing while nobody uses it.
 */
#ifndef NSRP_CONF_DIGEST_H
#define NSRP_CONF_DIGEST_H

#include "section.h"

/* The file must be free of errors. */
uint64_t conf_digest(const struct conf_source *s, const struct conf_pair *pair);

#endif
