/* SPDX-License-Identifier: GPL-3.0-or-later */
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"

#include "ctl/client.h"

struct fixture {
	char rundir[32];
	struct sockaddr_un address;
	int fd;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	scratch_make(f->rundir, sizeof(f->rundir), "client");
	f->address.sun_family = AF_UNIX;
	snprintf(f->address.sun_path, sizeof(f->address.sun_path), "%s/nsrpd.sock", f->rundir);
	f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(f->fd >= 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	unlink(f->address.sun_path);
	assert_int_equal(rmdir(f->rundir), 0);
	free(f);
	return 0;
}

/* Answers one request with these bytes, and ends. Exits with 0 when the request is a line. */
static _Noreturn void be_server(int fd, const char *answer)
{
	char request[200] = "";
	int client = accept(fd, NULL, NULL);
	size_t len = strlen(answer);

	if (client < 0 || recv(client, request, sizeof(request) - 1, 0) <= 0)
		_exit(1);
	for (size_t i = 0; i < len; i += 5) /* in pieces */
		send(client, answer + i, len - i < 5 ? len - i : 5, MSG_NOSIGNAL);
	_exit(strcmp(request, "{\"verb\":\"status\"}\n") == 0 ? 0 : 2);
}

static enum client_result ask(const struct fixture *f, json_t **answer, char *error)
{
	json_t *request = json_pack("{s:s}", "verb", "status");
	enum client_result result = client_ask(f->rundir, request, 2000, answer, error);

	json_decref(request);
	return result;
}

static enum client_result ask_server(
	struct fixture *f, const char *says, json_t **answer, char *error)
{
	int status = -1;

	if (access(f->address.sun_path, F_OK) != 0) {
		assert_int_equal(
			bind(f->fd, (const struct sockaddr *)&f->address, sizeof(f->address)), 0);
		assert_int_equal(listen(f->fd, 4), 0);
	}
	pid_t child = fork();

	if (child == 0)
		be_server(f->fd, says);
	assert_true(child > 0);
	enum client_result result = ask(f, answer, error);

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	return result;
}

static void an_answer_comes_back(void **state)
{
	struct fixture *f = *state;
	char error[CLIENT_ERROR_MAX];
	json_t *answer = NULL;

	assert_int_equal(ask_server(f, "{\"schema\":1}\n", &answer, error), CLIENT_ANSWERED);
	assert_int_equal(json_integer_value(json_object_get(answer, "schema")), 1);
	json_decref(answer);
}

static void a_refusal_is_not_an_answer(void **state)
{
	struct fixture *f = *state;
	char error[CLIENT_ERROR_MAX];
	json_t *answer = NULL;

	assert_int_equal(ask_server(f, "{\"error\":\"the peer is not heard\"}\n", &answer, error),
		CLIENT_REFUSED);
	assert_string_equal(error, "the peer is not heard");
	assert_null(answer);
}

static void what_is_no_answer_is_told_apart(void **state)
{
	struct fixture *f = *state;
	char error[CLIENT_ERROR_MAX];
	json_t *answer = NULL;

	assert_int_equal(ask_server(f, "", &answer, error), CLIENT_UNREACHABLE);
	assert_non_null(strstr(error, "nsrpd ended before it answered"));
	assert_int_equal(ask_server(f, "{\"schema\":1}", &answer, error), CLIENT_UNREACHABLE);
	assert_non_null(strstr(error, "nsrpd ended before it answered"));
	assert_int_equal(ask_server(f, "220 mail\n", &answer, error), CLIENT_UNREACHABLE);
	assert_non_null(strstr(error, "is not nsrpd"));
	assert_int_equal(ask_server(f, "[1]\n", &answer, error), CLIENT_UNREACHABLE);
	assert_non_null(strstr(error, "is not nsrpd"));
	assert_null(answer);
}

static void no_daemon_is_explained(void **state)
{
	struct fixture *f = *state;
	char error[CLIENT_ERROR_MAX], expected[CLIENT_ERROR_MAX];
	json_t *answer = NULL;

	assert_int_equal(ask(f, &answer, error), CLIENT_UNREACHABLE);
	snprintf(expected, sizeof(expected),
		"nsrpd is not running: there is no %s (start it, or name its RUNDIR with -r)",
		f->address.sun_path);
	assert_string_equal(error, expected);

	assert_int_equal(bind(f->fd, (const struct sockaddr *)&f->address, sizeof(f->address)), 0);
	assert_int_equal(ask(f, &answer, error), CLIENT_UNREACHABLE);
	snprintf(expected, sizeof(expected), "nsrpd is not running: nobody listens at %s",
		f->address.sun_path);
	assert_string_equal(error, expected);

	/* root needs no permission. */
	assert_int_equal(chmod(f->rundir, 0), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(ask(f, &answer, error), CLIENT_UNREACHABLE);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(f->rundir, 0700), 0);
	snprintf(expected, sizeof(expected),
		"no permission for %s: be root, or a member of group nsrp (to read) or nsrp-admin "
		"(to command)",
		f->address.sun_path);
	assert_string_equal(error, expected);
}

static void time_runs_out(void **state)
{
	struct fixture *f = *state;
	char error[CLIENT_ERROR_MAX], expected[CLIENT_ERROR_MAX];
	json_t *answer = NULL, *request = json_pack("{s:s}", "verb", "status");

	assert_int_equal(bind(f->fd, (const struct sockaddr *)&f->address, sizeof(f->address)), 0);
	assert_int_equal(listen(f->fd, 4), 0);
	assert_int_equal(client_ask(f->rundir, request, 50, &answer, error), CLIENT_UNREACHABLE);
	snprintf(expected, sizeof(expected), "nsrpd did not answer within 0.05 s at %s",
		f->address.sun_path);
	assert_string_equal(error, expected);
	json_decref(request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(an_answer_comes_back),
		TEST(a_refusal_is_not_an_answer),
		TEST(what_is_no_answer_is_told_apart),
		TEST(no_daemon_is_explained),
		TEST(time_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
