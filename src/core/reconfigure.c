/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "document.h"
#include "group.h"
#include "handover.h"
#include "mirror.h"
#include "state.h"

bool conf_can_replace(const struct conf *now, const struct conf *next)
{
	return now->cluster_id == next->cluster_id && now->self == next->self &&
	       memcmp(now->node, next->node, sizeof(now->node)) == 0;
}

/* from[i] = the old index of the path with the tag of new path i, or -1. True if any moved. */
static bool map_paths(const struct conf *old, const struct conf *next, int from[CONF_PATHS_MAX])
{
	bool moved = old->n_paths != next->n_paths;

	for (unsigned i = 0; i < next->n_paths; i++) {
		from[i] = -1;
		for (unsigned k = 0; k < old->n_paths; k++) {
			if (old->path[k].tag == next->path[i].tag &&
				old->path[k].secondary == next->path[i].secondary)
				from[i] = (int)k;
		}
		moved |= from[i] != (int)i;
	}
	return moved;
}

static void move_paths(struct node *n, const struct conf *next)
{
	int from[CONF_PATHS_MAX];
	bool carrier[CONF_PATHS_MAX];

	if (!map_paths(n->conf, next, from))
		return;
	memcpy(carrier, n->carrier, sizeof(carrier));
	for (unsigned i = 0; i < next->n_paths; i++)
		n->carrier[i] = from[i] >= 0 && carrier[from[i]];
	linkset_rearrange(&n->links, next->n_links, next->n_paths, from);
	handshake_rearrange(&n->handshake, next->n_paths, from);
	n->suspect = (struct suspect){ .running = false };
	mirror_paths_moved(n);
}

/* Monitors keep their verdicts by name. */
static void move_monitors(struct node *n, const struct conf *next)
{
	struct health old = n->health;

	memset(&n->health, 0, sizeof(n->health));
	for (unsigned i = 0; i < next->n_monitors; i++) {
		for (unsigned k = 0; k < n->conf->n_monitors; k++) {
			if (strcmp(n->conf->monitor[k].name, next->monitor[i].name) == 0)
				n->health.failed[i] = old.failed[k];
		}
	}
}

static int index_of_id(const struct conf *conf, uint8_t id)
{
	for (unsigned g = 0; g < conf->n_groups; g++) {
		if (conf->group[g].id == id)
			return (int)g;
	}
	return -1;
}

/* Both lists are sorted by id: a group moves up past the ones that went, or down past new
 * ones; so the ones that stay are moved in two sweeps, without a copy of them all. */
static void move_groups(struct node *n, mono_t now, const struct conf *next, struct actions *out)
{
	unsigned kept = 0;
	uint8_t id[CONF_GROUPS_MAX];

	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		if (index_of_id(next, n->conf->group[g].id) < 0) {
			handover_cancel(n, now, g, RESULT_NO_GROUP, out);
			continue;
		}
		id[kept] = n->conf->group[g].id;
		n->group[kept++] = n->group[g];
	}
	n->conf = next;
	for (unsigned g = next->n_groups; g-- > 0;) {
		if (kept > 0 && id[kept - 1] == next->group[g].id)
			n->group[g] = n->group[--kept];
		else
			group_start(n, g, now);
	}
}

enum result node_reconfigure(
	struct node *n, mono_t now, const struct conf *conf, struct actions *out)
{
	static const struct event timer = { .type = EVENT_TIMER };

	out->more = false;
	out->n = 0;
	out->used = 0;
	if (!conf_can_replace(n->conf, conf))
		return RESULT_NEEDS_RESTART;
	handshake_keys_changed(&n->handshake);
	vigil_init(&n->vigil, conf);
	move_paths(n, conf);
	move_monitors(n, conf);
	move_groups(n, now, conf, out);
	n->env.conf = conf;
	n->links.detection_us = node_detection_us(n);
	n->beat_now = n->will.due = true;
	documents_reconfigure(n, now, out);
	mirror_reconfigure(n, now);
	node_continue(n, now, &timer, out);
	return RESULT_DONE;
}
