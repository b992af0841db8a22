/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * setup: the configuration and the machines that a seed chooses.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clerk.h"
#include "machine.h"
#include "world.h"

static void sim_log(void *user, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void sim_log(void *user, enum log_level level, const char *format, ...)
{
	struct machine *m = user;
	char text[WORLD_TRACE_LEN];
	va_list args;

	(void)level;
	if (!m->world->trace)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	world_trace(m->world, "%s: %.130s", m->conf->node[m->id], text);
}

static uint32_t choose_heartbeat(struct rng *r)
{
	static const uint32_t choices[] = { 5, 10, 20, 50, 50, 200, 1000 };

	return choices[rng_below(r, ARRAY_LEN(choices))];
}

static void setup_monitor(struct conf *c, unsigned group, uint8_t weight)
{
	struct conf_monitor *m = &c->monitor[c->n_monitors];

	snprintf(m->name, sizeof(m->name), "m%u", c->n_monitors++);
	m->type = CONF_MONITOR_LINK;
	m->weight = weight;
	m->group = (uint8_t)group;
	m->all_groups = group == c->n_groups;
}

static void setup_group(struct conf *c, struct rng *r, unsigned g)
{
	struct conf_group *group = &c->group[g];

	group->id = (uint8_t)(g * 3);
	group->priority[0] = (uint8_t)rng_between(r, 50, 52);
	group->priority[1] = (uint8_t)rng_between(r, 50, 52);
	group->preempt = rng_chance(r, 40);
	group->preempt_hold_ms = (uint32_t)rng_between(r, 0, 4) * c->heartbeat_ms * 5;
	group->threshold = 255;
}

static void setup_conf(struct conf *c, enum theme theme, struct rng *r)
{
	memset(c, 0, sizeof(*c));
	c->cluster_id = 7;
	snprintf(c->node[0], sizeof(c->node[0]), "fw1");
	snprintf(c->node[1], sizeof(c->node[1]), "fw2");
	c->heartbeat_ms = choose_heartbeat(r);
	c->n_groups = (unsigned)rng_between(r, 1, 3);
	for (unsigned g = 0; g < c->n_groups; g++)
		setup_group(c, r, g);
	theme_configure(theme, c, r);
	c->lost_after = (uint16_t)rng_between(r, 2, 5);
	c->boot_wait_ms = conf_detection_ms(c) * (uint32_t)rng_between(r, 2, 5);
	c->boot_wait_max_ms = c->boot_wait_ms * 3;
	c->n_links = (unsigned)rng_between(r, 1, 2);
	c->n_paths = c->n_links + (unsigned)rng_below(r, 3);
	for (unsigned i = 0; i < c->n_paths; i++) {
		c->path[i].tag = (uint16_t)(1000 + i);
		c->path[i].secondary = i >= c->n_links;
		snprintf(c->path[i].name, sizeof(c->path[i].name), "p%u", i);
	}
	setup_monitor(c, c->n_groups, 255);
	setup_monitor(c, 0, 255);
	setup_monitor(c, 0, 100);
	c->digest = 1;
}

static void setup_machine(struct world *w, unsigned i, const struct conf *conf)
{
	struct machine *m = &w->machine[i];
	struct node *memory = m->node;
	void *table = m->table.memory;

	papers_fini(&m->papers);
	memset(m, 0, sizeof(*m));
	m->node = memory != NULL ? memory : malloc(node_size());
	if (m->node == NULL)
		abort();
	m->table.memory = table;
	m->table.on = conf->mirror.sessions;
	m->id = i;
	m->world = w;
	m->confs[0] = *conf;
	m->confs[0].self = (uint8_t)i;
	m->conf = &m->confs[0];
	m->log = (struct log){ .user = m, .write = sim_log };
	m->ppm = (int64_t)rng_below(&w->rng, 401) - 200;
	machine_new_clock(w, i);
	toy_init(&m->toy, rng_next(&w->rng), 0x1111111111111101, 0);
}

void world_init(struct world *w, uint64_t seed, bool trace, struct stats *stats)
{
	struct conf conf;

	w->rng.state = seed;
	w->seed = seed;
	w->now = w->order = 0;
	w->trace = trace;
	w->failed = w->healing = false;
	w->stats = stats;
	w->theme = theme_choose(&w->rng);
	w->direct = seed * UINT64_C(0x9e3779b97f4a7c15) >> 63;
	w->kernel_delay_max = 2000;
	w->no_traffic = false;
	w->traffic_gap = 20000;
	w->shared_at = w->table_fault_at = 0;
	w->n_items = w->n_recorded = w->n_lines = w->n_frames = w->n_spare = 0;
	memset(&w->check, 0, sizeof(w->check));
	setup_conf(&conf, w->theme, &w->rng);
	w->n_paths = conf.n_paths;
	w->priority = conf.group[0].priority[0];
	for (unsigned i = 0; i < 2; i++)
		setup_machine(w, i, &conf);
	clerk_init(w);
	tunnels_init(w);
	for (unsigned p = 0; p < WORLD_PATHS_MAX; p++) {
		w->carrier[p] = true;
		for (unsigned i = 0; i < 2; i++)
			w->wire[i][p] = (struct wire){ .delay = 30, .jitter = 20 };
	}
	for (unsigned i = 0; i < 2; i++)
		world_later(w, rng_below(&w->rng, 2000) * conf.heartbeat_ms, ITEM_POWER_ON, i);
}

void world_fini(struct world *w)
{
	for (unsigned i = 0; i < 2; i++) {
		free(w->machine[i].node);
		free(w->machine[i].table.memory);
		papers_fini(&w->machine[i].papers);
	}
}
