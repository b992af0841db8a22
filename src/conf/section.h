/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * section: which sections the blocks of a source are, and who the two nodes are.
 */
#ifndef NSRP_CONF_SECTION_H
#define NSRP_CONF_SECTION_H

#include "source.h"

/* The two nodes, ordered by name. */
struct conf_pair {
	bool known; /* false: the file does not name exactly two; the rest is meaningless */
	const char *node[CONF_NODES]; /* borrowed from the source */
};

/* Fills in what conf_block says it does; what is wrong becomes findings. */
void conf_sections_resolve(struct conf_source *s, struct conf_pair *ret_pair);

/* The group of that id; NULL: none. */
const struct conf_block *conf_section_group(const struct conf_source *s, unsigned id);

#endif
