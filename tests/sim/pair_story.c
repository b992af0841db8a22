/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pair_story: what a story tells a pair, and what it asks it.
 */
#include "pair.h"

#include <stdio.h>
#include <string.h>

#include "core/codec.h"
#include "core/state.h"

void pair_start_both(struct pair *p)
{
	pair_start(p, 0);
	pair_start(p, 1);
	pair_run(p, 1000);
	pair_forget(p);
}

void pair_monitor(struct pair *p, unsigned i, unsigned monitor, bool ok)
{
	struct event event = { .type = EVENT_MONITOR };

	event.monitor.monitor = monitor;
	event.monitor.ok = ok;
	pair_event(p, i, &event);
}

void pair_sync(struct pair *p, unsigned i, bool in_sync)
{
	struct event event = { .type = EVENT_SYNC };

	event.sync.in_sync = in_sync;
	pair_event(p, i, &event);
}

void pair_served(struct pair *p, unsigned i, unsigned group)
{
	struct event event = { .type = EVENT_SERVED };

	event.served.group = group;
	pair_event(p, i, &event);
}

void pair_stop(struct pair *p, unsigned i)
{
	struct event event = { .type = EVENT_STOP };

	pair_event(p, i, &event);
}

static void give_command(struct pair *p, unsigned i, struct command command)
{
	struct event event = { .type = EVENT_COMMAND, .command = command };

	event.command.token = ++p->side[i].token;
	pair_event(p, i, &event);
}

void pair_command(struct pair *p, unsigned i, enum command_verb verb, uint16_t group, bool force)
{
	give_command(p, i, (struct command){ .verb = verb, .group = group, .force = force });
}

void pair_command_peer(struct pair *p, unsigned i, enum command_verb verb, uint16_t group)
{
	give_command(p, i, (struct command){ .verb = verb, .group = group, .peer = true });
}

void pair_cut(struct pair *p, unsigned path, bool cut)
{
	p->cut[0][path] = p->cut[1][path] = cut;
}

void pair_cut_all(struct pair *p, bool cut)
{
	for (unsigned path = 0; path < CONF_PATHS_MAX; path++)
		pair_cut(p, path, cut);
}

enum group_state pair_state(const struct pair *p, unsigned i, unsigned group)
{
	return p->side[i].node->group[group].state;
}

enum path_state pair_path(const struct pair *p, unsigned i, unsigned path)
{
	return p->side[i].node->links.path[path].state;
}

uint64_t pair_counter(const struct pair *p, unsigned i, enum counter counter)
{
	return node_counters(p->side[i].node)[counter];
}

void pair_forget(struct pair *p)
{
	p->n_lines = 0;
	p->nobody_us = p->both_us = 0;
	for (unsigned i = 0; i < 2; i++)
		p->side[i].n_replies = p->side[i].n_announced = p->side[i].n_frames =
			p->side[i].told = 0;
}

int64_t pair_said_at(const struct pair *p, const char *text)
{
	for (unsigned i = 0; i < p->n_lines; i++) {
		if (strstr(p->line[i].text, text) != NULL)
			return (int64_t)p->line[i].at;
	}
	return -1;
}

unsigned pair_said(const struct pair *p, const char *text)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n_lines; i++)
		n += strstr(p->line[i].text, text) != NULL;
	return n;
}

const char *pair_unsaid(const struct pair *p, const char *const *texts)
{
	for (unsigned i = 0; i < p->n_lines && *texts != NULL; i++) {
		if (strstr(p->line[i].text, *texts) != NULL)
			texts++;
	}
	return *texts;
}

void pair_print(const struct pair *p)
{
	for (unsigned i = 0; i < p->n_lines; i++)
		printf("%10.1f ms  %s\n", (double)p->line[i].at / 1000, p->line[i].text);
}

struct span pair_tlv(struct span frame, uint8_t type)
{
	struct reader r = { 0 };
	struct span value;
	uint8_t found;

	if (frame.len > WIRE_HEADER_LEN + CRYPTO_TAG_LEN && frame.data[2] == WIRE_FRAME_SESSION)
		r = reader_of(span_of(frame.data + WIRE_HEADER_LEN,
			frame.len - WIRE_HEADER_LEN - CRYPTO_TAG_LEN));
	while (reader_tlv(&r, &found, &value)) {
		if (found == type)
			return value;
	}
	return span_of(NULL, 0);
}
