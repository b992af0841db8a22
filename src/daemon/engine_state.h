/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * engine_state: what the engine's files share. engine.c starts it and steps the core, ways.c has
 * the paths and the interfaces, desk.c answers the control socket.
 */
#ifndef NSRP_DAEMON_ENGINE_STATE_H
#define NSRP_DAEMON_ENGINE_STATE_H

#include "engine.h"
#include "message.h"
#include "nsrp/node.h"
#include "io/control.h"
#include "io/loop.h"
#include "io/path.h"
#include "io/seal.h"
#include "io/watch.h"

struct engine;

struct way { /* a path, and its place in the loop */
	struct engine *engine;
	unsigned index; /* in conf.path */
	bool open;
	bool peer_known; /* an authentic frame came by it, from peer_mac */
	uint8_t peer_mac[6];
	struct path path;
	struct loop_fd io;
};

struct engine {
	const struct engine_setup *setup;
	const struct log *log;
	/* Two, since the core compares the one in force with the next. */
	struct loaded loaded[2];
	unsigned live;
	const struct conf *conf; /* &loaded[live].conf */
	struct seal seal;
	struct node *node;
	bool realtime;
	int status; /* of the process */

	struct loop loop;
	struct loop_timer core_timer, alive_timer;
	struct loop_fd guardian_io;
	struct watch *watch;
	struct loop_fd watch_io;
	struct control_server control;

	struct path_inbox inbox;
	struct way way[CONF_PATHS_MAX];
	struct path_counters ended_ways; /* of paths that were closed */
	uint64_t counted[COUNTER_COUNT]; /* by guardian and control socket */
	struct actions actions;
};

/* engine.c */
void engine_step(struct engine *e, const struct event *event);
void engine_carry_out(struct engine *e);

/* ways.c */
int ways_init(struct engine *e);
void ways_fini(struct engine *e);
/* Opens, closes and keeps paths, from `old` to the present configuration. */
void ways_reconfigure(struct engine *e, const struct conf *old);
/* Tells the core the carrier of each path. */
void ways_tell_carriers(struct engine *e);
/* Everything that waits is heard. */
void ways_drain(struct engine *e);
/* Sums of all paths. */
void ways_counters(const struct engine *e, struct path_counters *ret_sum);

/* desk.c */
void desk_init(struct engine *e);
void desk_fini(struct engine *e);
void desk_command_ended(struct engine *e, uint32_t token, enum result result);
void desk_reload_ended(struct engine *e, uint32_t token, const char *error);

#endif
