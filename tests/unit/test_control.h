/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of the control socket share: a server in a directory of its own, and clients in
 * the same process.
 */
#ifndef TESTS_UNIT_TEST_CONTROL_H
#define TESTS_UNIT_TEST_CONTROL_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"

#include "io/control.h"

enum { ANSWER_MAX = CONTROL_REPLY_MAX + 1, PATIENCE_MS = 3000 };

struct fixture {
	char rundir[32];
	struct loop loop;
	struct loop_timer ticks;
	mono_t deadline;
	struct control_socket socket;
	struct control_server server;
	unsigned counted[COUNTER_COUNT];
	/* What was asked last, and how `requested` answers: by `{"answer":n}`, not yet, or at
	 * length. */
	unsigned asked;
	struct control_request request;
	uint32_t token;
	bool keep;
	size_t answer_len;
	/* The client that is listened to. */
	int client;
	char answer[ANSWER_MAX];
	size_t got;
	bool ended;
};

static inline json_t *long_answer(size_t len)
{
	char *text = calloc(1, len + 1);

	assert_non_null(text);
	memset(text, 'x', len);
	json_t *answer = json_pack("{s:s}", "answer", text);
	free(text);
	assert_non_null(answer);
	return answer;
}

static inline void requested(void *user, const struct control_request *request, uint32_t token)
{
	struct fixture *f = user;

	assert_true(token >= 1 && token < INT32_MAX);
	f->asked++;
	f->request = *request;
	f->token = token;
	if (f->keep)
		return;
	control_reply(&f->server, token,
		f->answer_len ? long_answer(f->answer_len)
			      : json_pack("{s:i}", "answer", (int)f->asked));
}

static inline void counted(void *user, enum counter counter)
{
	struct fixture *f = user;

	f->counted[counter]++;
}

/* Every millisecond: a client of this process makes no descriptor of the loop ready. */
static inline void tick(void *user, mono_t due)
{
	struct fixture *f = user;

	if (mono_reached(f->deadline, due))
		loop_stop(&f->loop);
	else
		loop_timer_set(&f->ticks, mono_after_ms(due, 1));
}

/* Listens until the client has a line, or the end; takes no more than that. */
static inline void listen_to_client(void *user)
{
	struct fixture *f = user;
	char *at = f->answer + f->got;

	if (f->client < 0)
		return;
	ssize_t n = recv(f->client, at, ANSWER_MAX - f->got, MSG_DONTWAIT | MSG_PEEK);
	char *end = n > 0 ? memchr(at, '\n', (size_t)n) : NULL;

	if (n > 0) {
		n = end ? end - at + 1 : n;
		assert_int_equal(recv(f->client, at, (size_t)n, MSG_DONTWAIT), n);
		f->got += (size_t)n;
	}
	f->ended = n == 0 || (n < 0 && errno != EAGAIN);
	if (f->ended || end)
		loop_stop(&f->loop);
}

static inline int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	scratch_make(f->rundir, sizeof(f->rundir), "control");
	assert_int_equal(chmod(f->rundir, 0755), 0);
	assert_int_equal(loop_init(&f->loop), 0);
	loop_timer_init(&f->ticks, &f->loop, tick, f);
	loop_on_settled(&f->loop, listen_to_client, f);
	f->client = -1;
	assert_int_equal(control_listen(f->rundir, &f->socket), 0);
	struct control_handlers handlers = { f, requested, counted };
	control_init(&f->server, &f->loop, &f->socket, &handlers);
	*state = f;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	control_fini(&f->server);
	close(f->socket.fd);
	loop_fini(&f->loop);
	control_unlink(f->rundir);
	assert_int_equal(rmdir(f->rundir), 0);
	free(f);
	return 0;
}

static inline struct sockaddr_un address_of(const struct fixture *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", f->rundir,
		CONTROL_SOCKET_NAME);
	return address;
}

static inline int connect_client(const struct fixture *f)
{
	struct sockaddr_un address = address_of(f);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static inline void run_for(struct fixture *f, uint64_t ms)
{
	f->deadline = mono_after_ms(loop_now(), ms);
	loop_timer_set(&f->ticks, loop_now());
	loop_run(&f->loop);
	loop_timer_set(&f->ticks, MONO_NEVER);
}

/* The next line the client gets, without its end; "" when it gets the end instead. */
static inline const char *hear(struct fixture *f, int client)
{
	f->client = client;
	f->got = 0;
	f->ended = false;
	mono_t began = loop_now();

	run_for(f, PATIENCE_MS);
	assert_true(mono_since_us(began, loop_now()) < PATIENCE_MS * 1000);
	f->client = -1;
	assert_true(f->got < ANSWER_MAX);
	f->answer[f->got] = '\0';
	if (f->got == 0) {
		assert_true(f->ended);
		return f->answer;
	}
	assert_int_equal(f->answer[f->got - 1], '\n');
	f->answer[f->got - 1] = '\0';
	return f->answer;
}

static inline void say(int client, const char *text)
{
	assert_int_equal(send(client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

#endif
