/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "digest.h"
#include "draft.h"
#include "entry.h"
#include "finding.h"
#include "nsrp/confread.h"
#include "section.h"
#include "source.h"

/* All that one reading needs. */
struct reading {
	struct conf_findings findings;
	struct conf_source source;
	struct conf_pair pair;
	struct conf_draft draft[CONF_NODES];
	char store[];
};

uint16_t conf_path_tag(const char *name)
{
	uint32_t hash = 0x811c9dc5; /* FNV-1a, 32 bit, folded */

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * 0x01000193;

	uint16_t tag = (uint16_t)(hash >> 16 ^ (hash & 0xffff));

	return tag != 0 ? tag : UINT16_MAX;
}

static void check_all(struct reading *r)
{
	for (int i = 0; i < CONF_NODES; i++) {
		struct conf_draft *draft = &r->draft[i];

		conf_draft_make(draft, &r->source, &r->pair, i);
		conf_check_cluster(draft);
		conf_check_interfaces(draft);
		conf_check_links(draft);
		conf_check_paths(draft);
		conf_check_addresses(draft);
		conf_check_routes(draft);
		conf_check_devices(draft);
		conf_check_vmacs(draft);
		conf_check_monitors(draft);
	}
	conf_check_pair(&r->draft[0], &r->draft[1]);
	if (conf_findings_any_error(&r->findings))
		return; /* monitors may have been left out */
	for (int i = 0; i < CONF_NODES; i++)
		conf_check_thresholds(&r->draft[i]);
}

/* The index of the node that reads; an index of the other when the name is unknown. */
static int find_self(struct reading *r, const char *node)
{
	for (int i = 0; i < CONF_NODES; i++) {
		if (strcmp(r->pair.node[i], node) == 0)
			return i;
	}
	const struct conf_block *block =
		conf_draft_next_block(&r->draft[0], CONF_SECTION_NODE, NULL);

	conf_error(&r->findings, block != NULL ? block->line : 1,
		"found no [node %s] (this host's name, or that of -n), allowed: %s or %s", node,
		r->pair.node[0], r->pair.node[1]);
	return 0;
}

static int read_text(
	struct reading *r, const char *text, size_t len, const char *node, struct conf *ret_conf)
{
	int self = 0;
	int result = conf_source_read(&r->source, text, len, r->store, &r->findings);

	if (result != 0)
		return result;
	conf_sections_resolve(&r->source, &r->pair);
	conf_entries_resolve(&r->source, &r->pair);
	if (r->pair.known) {
		check_all(r);
		self = find_self(r, node);
	}
	if (conf_findings_any_error(&r->findings))
		return -EINVAL;
	r->draft[self].conf.digest = conf_digest(&r->source, &r->pair);
	memcpy(ret_conf, &r->draft[self].conf, sizeof(*ret_conf));
	return 0;
}

int conf_read(const char *file_name, const char *text, size_t len, const char *node,
	const struct conf_report *report, struct conf *ret_conf)
{
	bool too_long = len > CONF_TEXT_MAX;
	struct reading *r = calloc(1, sizeof(*r) + (too_long ? 0 : len) + 1);
	int result = -EINVAL;

	if (r == NULL)
		return -ENOMEM;
	if (too_long)
		conf_error(&r->findings, 1, "found %zu bytes, allowed: %d at most", len,
			CONF_TEXT_MAX);
	else
		result = read_text(r, text, len, node, ret_conf);
	conf_findings_tell(&r->findings, report, file_name);
	free(r);
	return result;
}
