/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report_part: what the files of report share. Functions that return a json_t give the caller a
 * reference of its own, or NULL when memory ran out.
 */
#ifndef NSRP_IO_REPORT_PART_H
#define NSRP_IO_REPORT_PART_H

#include "report.h"

/* An array of make(in, i) for each i below n. */
json_t *report_array(const struct report_input *in, unsigned n,
	json_t *(*make)(const struct report_input *in, unsigned i));

/* The name of node `index`; null for -1. */
json_t *report_node(const struct report_input *in, int index);

/* How long ago `at` was, in ms, and when it was; null for MONO_NEVER. */
json_t *report_ms_since(const struct report_input *in, mono_t at);
json_t *report_wall(const struct report_input *in, mono_t at);

/* {node: priority} of both nodes in group g. */
json_t *report_priorities(const struct report_input *in, unsigned g);

enum { REPORT_CAUSE_MAX = 200 };

/* Why a node is inoperable: `failed weight 255 of 255: gateway, wan0/0`; as many as
 * there is room for, and of the peer's those that are known to fail. */
void report_failed_weight(
	const struct report_input *in, unsigned g, bool peer, char ret_text[REPORT_CAUSE_MAX]);

/* A node's part in group g; null when the peer's is not known. */
json_t *report_standing(const struct report_input *in, unsigned g, bool peer);

/* One group, link, monitor as they stand in the status. */
json_t *report_group(const struct report_input *in, unsigned g);
json_t *report_link(const struct report_input *in, unsigned path);
json_t *report_monitor(const struct report_input *in, unsigned monitor);

/* The mirror by kind, and what concerns all of it. */
json_t *report_mirror_kinds(const struct report_input *in);
json_t *report_mirroring(const struct report_input *in);
/* A document, by its place among DOCUMENTS. */
json_t *report_document(const struct report_input *in, unsigned place);
/* null when there was none yet */
json_t *report_copy(const struct report_input *in, const struct mirror_copy *copy);
json_t *report_found(const struct mirror_found *found);

/* What would come of mishaps to group g, as report_why() has it; null where nobody can be asked,
 * or, unless it is `alone`, where many groups have many monitors. */
json_t *report_foresee(const struct report_input *in, unsigned g, bool alone);

/* What is wrong, worst first; the first *ret_critical of it are critical. */
json_t *report_warnings(const struct report_input *in, size_t *ret_critical);

#endif
