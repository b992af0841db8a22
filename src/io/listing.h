/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * listing: how one listing of nft(8) differs from another.
 *
 * Compared block by block (a table, or a chain, set, map or object in it), by name; rules in order,
 * elements of sets without order, one a line.
 */
#ifndef NSRP_IO_LISTING_H
#define NSRP_IO_LISTING_H

#include <stdio.h>

#include "nsrp/base.h"

/* Writes lines that only `from` has with `-` in front, those that only `to` has with `+`, and
 * before them the heads of the blocks in which they stand. 0: no difference, and nothing is
 * written; 1: there is one; -ENOMEM. */
int listing_differ(struct span from, struct span to, FILE *out);

#endif
