/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * control_request: one line of the control socket, as a value.
 *
 * A request is one JSON object: `{"verb":"failover","group":0,"force":true}`. Its members are
 * those of its verb and no others; a group is named by its id. Pure.
 */
#ifndef NSRP_IO_CONTROL_REQUEST_H
#define NSRP_IO_CONTROL_REQUEST_H

#include "nsrp/conf.h"
#include "nsrp/event.h"

enum {
	CONTROL_REQUEST_MAX = 4096, /* bytes of a line, without its end */
	CONTROL_ERROR_MAX = 160,    /* bytes of a message, with the final NUL */
	CONTROL_ANSWER_MS = 20000,
	CONTROL_ANSWER_LONG_MS = 140000, /* to what waits for the peer's table */
};

enum control_verb {
	CONTROL_STATUS,
	CONTROL_SHOW,
	CONTROL_WHY,
	CONTROL_HISTORY,
	CONTROL_PULSE,
	CONTROL_VERSION,
	CONTROL_FAILOVER,
	CONTROL_MAINTENANCE,
	CONTROL_RELOAD,
	CONTROL_SYNC,
	CONTROL_VERIFY,
	CONTROL_DIFF,
};

/* What `show` shows. */
enum control_show {
	CONTROL_SHOW_GROUPS,
	CONTROL_SHOW_LINKS,
	CONTROL_SHOW_MONITORS,
	CONTROL_SHOW_MIRROR,
	CONTROL_SHOW_COUNTERS,
	CONTROL_SHOW_CONFIG,
};

struct control_request {
	enum control_verb verb;
	enum control_show what;   /* show */
	bool has_group;           /* why, failover, maintenance; false: all groups */
	uint8_t group;            /* its id, which need not exist */
	bool on;                  /* maintenance */
	bool force;               /* failover, maintenance */
	char node[CONF_NAME_MAX]; /* maintenance: as given, need not exist; "" = this node */
	char kind[CONF_NAME_MAX]; /* sync: one that is mirrored; "" = all */
	uint8_t document;         /* sync, diff: enum document_kind; 0 = the kind is none */
	bool dry;                 /* sync of a document */
	uint64_t from;            /* pulse: number of the first sample that is wanted */
};

/* Reads a line without its end. False: *ret_request is untouched and `error` says what is
 * wrong, in printable ASCII. */
bool control_request_parse(const char *line, size_t len, struct control_request *ret_request,
	char error[CONTROL_ERROR_MAX]);

/* True for what changes something; such a request needs the right to command. */
bool control_request_commands(const struct control_request *request);

/* How long the caller may take for the answer. */
unsigned control_request_time_ms(const struct control_request *request);

/* Makes the core's command of a failover or maintenance request. NULL, or why there is none, and
 * *ret_command is untouched. */
const char *control_request_command(const struct control_request *request, const struct conf *conf,
	uint32_t token, struct command *ret_command);

/* The index in conf.group of the group with that id; conf->n_groups when there is none. */
unsigned control_request_group(const struct conf *conf, uint8_t id);

#endif
