/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which groups serve: a neighbour on one of their interfaces that is not the peer answered, or
 * traffic that came by them was forwarded. The core asks of each mastership anew; where it knows
 * already, nobody counts.
 */
#include "engine_state.h"

#include <string.h>

/* What is forwarded from then on counts; by then the takeover's own work is done. */
enum { COUNT_FROM_MS = 20, COUNT_OFTEN_MS = 1000, COUNT_SELDOM_MS = 10000 };

static void tell(struct engine *e, unsigned group)
{
	struct event served = { .type = EVENT_SERVED };

	served.served.group = group;
	engine_step(e, &served);
}

/* On the interface, or on a macvlan on it. */
static bool lies_on(const struct conf *conf, const struct conf_address *address, const char *name)
{
	return strcmp(address->device, name) == 0 ||
	       strcmp(conf_address_place(conf, address), name) == 0;
}

static bool has_interface(const struct conf *conf, unsigned group, const char *name)
{
	const struct conf_group *g = &conf->group[group];

	for (unsigned i = 0; i < g->n_addresses; i++) {
		if (lies_on(conf, &conf->address[g->first_address + i], name))
			return true;
	}
	return false;
}

/* ---- neighbours ---------------------------------------------------------------------------- */

/* Whoever has one of the groups' addresses, or a MAC address that frames of the peer came from. */
static bool is_peer(const struct engine *e, const struct watch_event *event)
{
	for (unsigned i = 0; i < e->conf->n_addresses; i++) {
		if (memcmp(&e->conf->address[i].ip, &event->neighbour.ip,
			    sizeof(event->neighbour.ip)) == 0)
			return true;
	}
	for (unsigned i = 0; i < e->conf->n_paths; i++) {
		if (e->way[i].peer_known && memcmp(e->way[i].peer_mac, event->neighbour.mac,
						    sizeof(event->neighbour.mac)) == 0)
			return true;
	}
	return false;
}

void served_neighbour_answered(struct engine *e, const struct watch_event *event)
{
	const struct watch_link *link = watch_link_by_index(e->watch, event->ifindex);

	if (link == NULL || is_peer(e, event))
		return;
	for (unsigned g = 0; g < e->conf->n_groups; g++) {
		if (has_interface(e->conf, g, link->name))
			tell(e, g);
	}
}

/* ---- what is forwarded --------------------------------------------------------------------- */

struct question {
	const struct engine *engine;
	unsigned group;
};

/* What comes by HA links and the loopback interface ends here. */
static bool is_not_anothers(void *user, const char *name)
{
	const struct question *q = user;
	const struct engine *e = q->engine;

	if (strcmp(name, "lo") == 0 || has_interface(e->conf, q->group, name))
		return true;
	for (unsigned i = 0; i < e->conf->n_links; i++) {
		if (strcmp(e->way[i].device, name) == 0)
			return true;
	}
	return false;
}

/* Since the last reading, if the group has been held under one term since then. */
static bool has_forwarded(
	struct engine *e, unsigned group, uint32_t term, const struct passage *now)
{
	const struct served *s = &e->served;
	struct question question = { e, group };

	return s->term[group] == term &&
	       passage_least(&s->last, now, is_not_anothers, &question) > 0;
}

/* Where nothing is forwarded for long it is asked for ever more seldom. */
static void count_again(struct served *s)
{
	loop_timer_set(&s->timer, mono_after_ms(loop_now(), s->wait_ms));
	s->wait_ms = s->wait_ms < COUNT_SELDOM_MS / 2 ? s->wait_ms * 2 : COUNT_SELDOM_MS;
}

static void count(void *user, mono_t due)
{
	struct engine *e = user;
	struct served *s = &e->served;
	struct node_view view;
	struct passage now;
	uint32_t term[CONF_GROUPS_MAX] = { 0 };
	bool wanted = false;

	(void)due;
	count_again(s);
	node_look(e->node, loop_now(), &view);
	for (unsigned g = 0; g < view.n_groups; g++) {
		const struct standing_view *own = &view.group[g].own;

		if (own->state == GROUP_MASTER && !own->served)
			term[g] = own->term;
		wanted |= term[g] != 0;
	}
	if (!wanted || passage_read(&now) != 0) {
		memset(s->term, 0, sizeof(s->term));
		return;
	}
	for (unsigned g = 0; g < view.n_groups; g++) {
		if (term[g] != 0 && has_forwarded(e, g, term[g], &now))
			tell(e, g);
	}
	memcpy(s->term, term, sizeof(s->term));
	s->last = now;
}

void served_taken(struct engine *e)
{
	loop_timer_set(&e->served.timer, mono_after_ms(loop_now(), COUNT_FROM_MS));
	e->served.wait_ms = COUNT_OFTEN_MS;
}

void served_reconfigure(struct engine *e)
{
	memset(e->served.term, 0, sizeof(e->served.term));
}

void served_init(struct engine *e)
{
	loop_timer_init(&e->served.timer, &e->loop, count, e);
	e->served.wait_ms = COUNT_OFTEN_MS;
	count_again(&e->served);
}
