/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	OUT_FIRST = 4096, /* an answer's buffer at first; doubled as needed */
	ACCEPT_AGAIN_MS = 1000,
	GENERATION_MAX = INT32_MAX / CONTROL_CLIENTS_MAX - 1,
};

#define TEXT_NO_MEMORY "{\"error\":\"out of memory\"}\n"
#define TEXT_TOO_LONG "{\"error\":\"the answer is too long\"}\n"
#define TEXT_TOO_MANY "{\"error\":\"too many clients\"}\n"

/* ---- one client -------------------------------------------------------------------------- */

static void client_drop(struct control_client *c)
{
	if (c->fd < 0)
		return;
	loop_fd_fini(&c->io);
	close(c->fd);
	free(c->out);
	c->fd = -1;
	c->token = 0;
	c->out = NULL;
}

static void client_touch(struct control_client *c)
{
	c->drop_at = mono_after_ms(loop_now(), CONTROL_IDLE_MS);
}

struct output {
	char *bytes; /* owned */
	size_t len, size;
	bool too_long;
};

/* Keeps a byte free for the line end. */
static int output_add(const char *bytes, size_t len, void *user)
{
	struct output *o = (struct output *)user;
	size_t size = o->size ? o->size : OUT_FIRST;

	if (len >= CONTROL_REPLY_MAX - o->len) {
		o->too_long = true;
		return -1;
	}
	while (size - o->len <= len)
		size *= 2;
	if (size != o->size) {
		char *grown = (char *)realloc(o->bytes, size);

		if (!grown)
			return -1;
		o->bytes = grown;
		o->size = size;
	}
	memcpy(o->bytes + o->len, bytes, len);
	o->len += len;
	return 0;
}

/* What the client is to get; it is sent from the loop. The caller drops it if that fails. */
static bool client_queue_text(struct control_client *c, const char *text)
{
	assert(!c->out);
	c->out = strdup(text);
	c->out_len = c->out ? strlen(text) : 0;
	c->out_sent = 0;
	return c->out != NULL;
}

static bool client_queue(struct control_client *c, const json_t *answer)
{
	struct output o = { 0 };

	assert(!c->out);
	if (!answer)
		return client_queue_text(c, TEXT_NO_MEMORY);
	if (json_dump_callback(answer, output_add, &o, JSON_COMPACT)) {
		free(o.bytes);
		return client_queue_text(c, o.too_long ? TEXT_TOO_LONG : TEXT_NO_MEMORY);
	}
	if (!o.bytes)
		return client_queue_text(c, TEXT_NO_MEMORY);
	o.bytes[o.len++] = '\n';
	c->out = o.bytes;
	c->out_len = o.len;
	c->out_sent = 0;
	return true;
}

static bool client_queue_error(struct control_client *c, const char *text)
{
	json_t *answer = json_pack("{s:s}", "error", text);
	bool ok = client_queue(c, answer);

	json_decref(answer);
	return ok;
}

/* False: the client is gone. */
static bool client_send(struct control_client *c)
{
	if (!c->out)
		return true;
	ssize_t n = send(
		c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->out_sent += (size_t)n;
	client_touch(c);
	if (c->out_sent == c->out_len) {
		free(c->out);
		c->out = NULL;
	}
	return true;
}

/* False: the client is gone. */
static bool client_receive(struct control_client *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		c->ended = true;
	else
		client_touch(c);
	c->in_len += (size_t)n;
	return true;
}

/* Whether a whole line waits; what is left when the client has ended is one, too. */
static bool client_has_line(const struct control_client *c, size_t *len)
{
	const char *end = (const char *)memchr(c->in, '\n', c->in_len);

	*len = end ? (size_t)(end - c->in) : c->in_len;
	return end || (c->ended && c->in_len > 0);
}

static void client_remove_line(struct control_client *c, size_t len)
{
	size_t gone = len < c->in_len ? len + 1 : len;

	c->in_len -= gone;
	memmove(c->in, c->in + gone, c->in_len);
}

static uint32_t next_token(struct control_server *server, const struct control_client *c)
{
	server->generation = server->generation % GENERATION_MAX + 1;
	return server->generation * CONTROL_CLIENTS_MAX + (uint32_t)(c - server->client);
}

/* Refuses or hands on one line. False: no answer could be made. */
static bool client_ask(struct control_client *c, const char *line, size_t len)
{
	struct control_server *server = c->server;
	const struct control_handlers *h = &server->handlers;
	struct control_request request;
	char error[CONTROL_ERROR_MAX];

	h->counted(h->user, COUNTER_CONTROL_REQUESTS);
	if (!control_request_parse(line, len, &request, error)) {
		h->counted(h->user, COUNTER_CONTROL_MALFORMED);
		c->closing = len > CONTROL_REQUEST_MAX; /* what follows is the rest of the line */
		return client_queue_error(c, error);
	}
	enum control_right needed =
		control_request_commands(&request) ? CONTROL_RIGHT_COMMAND : CONTROL_RIGHT_READ;

	if (c->right < needed) {
		h->counted(h->user, COUNTER_CONTROL_REFUSED);
		return client_queue_error(
			c, needed == CONTROL_RIGHT_COMMAND
				   ? "no permission: only root and group " CONTROL_ADMIN_GROUP
				     " may command"
				   : "no permission: only root and the groups " CONTROL_READER_GROUP
				     " and " CONTROL_ADMIN_GROUP " may read");
	}
	c->token = next_token(server, c);
	c->drop_at = mono_after_ms(loop_now(), control_request_time_ms(&request));
	h->requested(h->user, &request, c->token);
	return true;
}

/* The next line, when nothing is under way. False: the client is to be dropped. */
static bool client_work(struct control_client *c)
{
	size_t len;

	if (c->token || c->out)
		return true;
	if (c->closing)
		return false;
	if (client_has_line(c, &len)) {
		bool ok = client_ask(c, c->in, len);

		client_remove_line(c, len);
		return ok;
	}
	if (c->in_len > CONTROL_REQUEST_MAX)
		return client_ask(c, c->in, c->in_len);
	return !c->ended;
}

/* A line that waits in our buffer makes the descriptor ready no more: being writable does. */
static void client_want(struct control_client *c)
{
	size_t len;

	if (c->out || c->closing)
		loop_fd_want(&c->io, LOOP_WRITE);
	else if (c->token)
		loop_fd_want(&c->io, 0);
	else
		loop_fd_want(&c->io, client_has_line(c, &len) ? LOOP_WRITE : LOOP_READ);
}

/* ---- the server -------------------------------------------------------------------------- */

static void schedule(struct control_server *server)
{
	mono_t at = server->accept_at;

	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		const struct control_client *c = &server->client[i];

		if (c->fd >= 0)
			at = mono_min(at, c->drop_at);
	}
	loop_timer_set(&server->timer, at);
}

static void client_ready(void *user, unsigned readiness)
{
	struct control_client *c = (struct control_client *)user;
	size_t len;
	bool ok = client_send(c);

	if (ok && (readiness & LOOP_READ) && !client_has_line(c, &len))
		ok = client_receive(c);
	ok = ok && client_work(c) && client_send(c);
	if (ok)
		client_want(c);
	else
		client_drop(c);
	schedule(c->server);
}

static void client_start(struct control_server *server, struct control_client *c, int fd)
{
	c->server = server;
	c->fd = fd;
	c->right = control_right_of_peer(server->socket, fd);
	c->token = 0;
	c->ended = c->closing = false;
	c->out = NULL;
	c->in_len = 0;
	client_touch(c);
	loop_fd_init(&c->io, server->loop, fd, client_ready, c);
}

static struct control_client *free_client(struct control_server *server)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (server->client[i].fd < 0)
			return &server->client[i];
	}
	return NULL;
}

static void client_came(void *user, unsigned readiness)
{
	(void)readiness;
	struct control_server *server = (struct control_server *)user;
	int fd = accept4(server->socket->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		struct control_client *c = free_client(server);

		if (c) {
			client_start(server, c, fd);
		} else {
			(void)send(fd, TEXT_TOO_MANY, strlen(TEXT_TOO_MANY),
				MSG_DONTWAIT | MSG_NOSIGNAL);
			close(fd);
		}
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		/* The socket stays readable: look away for a while. */
		loop_fd_want(&server->io, 0);
		server->accept_at = mono_after_ms(loop_now(), ACCEPT_AGAIN_MS);
	}
	schedule(server);
}

static void time_is_up(void *user, mono_t due)
{
	(void)due;
	struct control_server *server = (struct control_server *)user;
	mono_t now = loop_now();

	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *c = &server->client[i];

		if (c->fd < 0 || !mono_reached(c->drop_at, now))
			continue;
		if (c->token)
			control_reply_error(server, c->token, "the daemon found no answer in time");
		else
			client_drop(c);
	}
	if (mono_reached(server->accept_at, now)) {
		server->accept_at = MONO_NEVER;
		loop_fd_want(&server->io, LOOP_READ);
	}
	schedule(server);
}

void control_init(struct control_server *server, struct loop *loop,
	const struct control_socket *socket, const struct control_handlers *handlers)
{
	memset(server, 0, sizeof(*server));
	server->loop = loop;
	server->socket = socket;
	server->handlers = *handlers;
	server->accept_at = MONO_NEVER;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		server->client[i].fd = -1;
	loop_timer_init(&server->timer, loop, time_is_up, server);
	loop_fd_init(&server->io, loop, socket->fd, client_came, server);
}

void control_fini(struct control_server *server)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (server->client[i].fd >= 0)
			(void)client_send(&server->client[i]);
		client_drop(&server->client[i]);
	}
	loop_fd_fini(&server->io);
	loop_timer_fini(&server->timer);
}

/* The client whose request under way has that token; it has none any more. */
static struct control_client *take_asker(struct control_server *server, uint32_t token)
{
	struct control_client *c = &server->client[token % CONTROL_CLIENTS_MAX];

	if (token == 0 || c->fd < 0 || c->token != token)
		return NULL;
	c->token = 0;
	client_touch(c);
	return c;
}

void control_reply(struct control_server *server, uint32_t token, json_t *reply)
{
	struct control_client *c = take_asker(server, token);

	if (c) {
		/* Without an answer there is but the end. */
		c->closing = c->closing || !client_queue(c, reply);
		client_want(c);
		schedule(server);
	}
	json_decref(reply);
}

void control_reply_error(struct control_server *server, uint32_t token, const char *text)
{
	control_reply(server, token, json_pack("{s:s}", "error", text));
}
