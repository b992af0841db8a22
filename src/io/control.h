/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * control: the control socket's server. One JSON object a line each way.
 *
 * A client has one request under way at a time; the lines behind it wait. One request is worked
 * off in each iteration of the loop and client, no call blocks, and every buffer is bounded, so
 * a client that floods, dawdles or hangs holds up nobody but itself:
 *   - more than CONTROL_CLIENTS_MAX at a time: `{"error":…}` and the end;
 *   - a line of more than CONTROL_REQUEST_MAX bytes: likewise;
 *   - nothing received or taken for CONTROL_IDLE_MS: dropped;
 *   - a request that the caller left without an answer for control_request_time_ms():
 *     `{"error":…}`;
 *   - an answer of more than CONTROL_REPLY_MAX bytes: `{"error":…}` in its place.
 */
#ifndef NSRP_IO_CONTROL_H
#define NSRP_IO_CONTROL_H

#include "control_request.h"
#include "control_socket.h"
#include "loop.h"
#include "nsrp/event.h"

#include <jansson.h>

enum {
	CONTROL_CLIENTS_MAX = 16,
	CONTROL_REPLY_MAX = 512 * 1024, /* with the line end */
	CONTROL_IDLE_MS = 20000,
};

struct control_handlers {
	void *user; /* borrowed, passed to both */
	/* Somebody who may do so asks for *request (borrowed for the call). Answer with
	 * control_reply(token), within the call or later. The token fits struct command. */
	void (*requested)(void *user, const struct control_request *request, uint32_t token);
	/* COUNTER_CONTROL_REQUESTS for every line, and of those _MALFORMED and _REFUSED. */
	void (*counted)(void *user, enum counter counter);
};

struct control_server;

/* The fields are private. */
struct control_client {
	struct control_server *server;
	struct loop_fd io;
	int fd; /* -1: a free place */
	enum control_right right;
	uint32_t token; /* of the request under way; 0 = none */
	mono_t drop_at;
	bool ended;   /* the client sends no more */
	bool closing; /* the end follows the answer */
	char *out;    /* owned, from jansson; NULL = nothing to send */
	size_t out_len, out_sent;
	size_t in_len;
	char in[CONTROL_REQUEST_MAX + 1];
};

/* The caller's storage (70 kB), which does not move. The fields are private. */
struct control_server {
	struct loop *loop;                   /* borrowed */
	const struct control_socket *socket; /* borrowed */
	struct control_handlers handlers;
	struct loop_fd io;
	struct loop_timer timer;
	uint32_t generation; /* of tokens */
	mono_t accept_at;    /* when to look for clients again; MONO_NEVER = all the time */
	struct control_client client[CONTROL_CLIENTS_MAX];
};

/* Serves *socket, which stays the caller's. */
void control_init(struct control_server *server, struct loop *loop,
	const struct control_socket *socket, const struct control_handlers *handlers);
/* Sends what can be sent at once and drops all clients. */
void control_fini(struct control_server *server);

/* Answers a request. Takes the reference to *reply, a JSON object; NULL (out of memory) is
 * answered by an error. When the client went away meanwhile, or the token was answered
 * before, nothing happens. Does not call back. */
void control_reply(struct control_server *server, uint32_t token, json_t *reply);

/* The same with `{"error": text}`. */
void control_reply_error(struct control_server *server, uint32_t token, const char *text);

#endif
