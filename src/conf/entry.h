/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * entry: which keyword and node each line is about, and whether its value is of that keyword's
 * kind and range.
 */
#ifndef NSRP_CONF_ENTRY_H
#define NSRP_CONF_ENTRY_H

#include "section.h"

/* Fills in what conf_entry says it does; what is wrong becomes findings, and its block `bad`.
 * The sections must have been resolved. */
void conf_entries_resolve(struct conf_source *s, const struct conf_pair *pair);

#endif
