/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_control.h"

#include <grp.h>
#include <sys/wait.h>

enum { ADMINS = 54321, READERS = 54322, OTHERS = 54323, SOMEBODY = 54324 };

static void rights_come_by_user_and_group(void **state)
{
	(void)state;
	const struct control_socket both = {
		.has_admins = true, .has_readers = true, .admins = ADMINS, .readers = READERS
	};
	const struct control_socket none = { .fd = -1 };
	const gid_t admin[] = { OTHERS, ADMINS }, reader[] = { READERS, OTHERS };
	const gid_t both_groups[] = { READERS, ADMINS }, other[] = { OTHERS }, root[] = { 0 };

	assert_int_equal(control_right_of(&both, 990, 0, NULL, 0), CONTROL_RIGHT_COMMAND);
	assert_int_equal(control_right_of(&both, 990, 990, NULL, 0), CONTROL_RIGHT_COMMAND);
	assert_int_equal(control_right_of(&both, 990, 1000, NULL, 0), CONTROL_RIGHT_NONE);
	assert_int_equal(control_right_of(&both, 990, 1000, admin, 2), CONTROL_RIGHT_COMMAND);
	assert_int_equal(control_right_of(&both, 990, 1000, reader, 2), CONTROL_RIGHT_READ);
	assert_int_equal(control_right_of(&both, 990, 1000, both_groups, 2), CONTROL_RIGHT_COMMAND);
	assert_int_equal(control_right_of(&both, 990, 1000, other, 1), CONTROL_RIGHT_NONE);
	/* Groups that do not exist have no members, whatever their number field holds. */
	assert_int_equal(control_right_of(&none, 990, 1000, root, 1), CONTROL_RIGHT_NONE);
}

/* Exits with 0 when a client with these groups gets `expected` for `request`. */
static _Noreturn void be_client(const struct fixture *f, const char *request, const char *expected)
{
	const gid_t groups[] = { READERS };
	struct sockaddr_un address = address_of(f);
	char answer[256] = "";
	bool is_reader = strchr(expected, '1') != NULL || strstr(expected, "command") != NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (setgroups(is_reader ? 1 : 0, groups) || setgid(OTHERS) || setuid(SOMEBODY))
		_exit(10);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		_exit(11);
	if (send(fd, request, strlen(request), 0) < 0)
		_exit(12);
	if (recv(fd, answer, sizeof(answer) - 1, 0) <= 0)
		_exit(13);
	_exit(strcmp(answer, expected) == 0 ? 0 : 14);
}

static int result_of_client(struct fixture *f, const char *request, const char *expected)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		be_client(f, request, expected);
	assert_true(child > 0);
	for (int i = 0; i < 200; i++) {
		run_for(f, 10);
		if (waitpid(child, &status, WNOHANG) == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	fail_msg("the client hangs");
	return -1;
}

static void the_kernel_says_who_asks(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = address_of(f);

	if (geteuid() != 0)
		skip();
	f->socket.has_admins = f->socket.has_readers = true;
	f->socket.admins = ADMINS;
	f->socket.readers = READERS;

	/* Whoever the file's group does not let in, does not come in. */
	assert_int_equal(result_of_client(f, "{\"verb\":\"status\"}\n", ""), 11);
	assert_int_equal(chown(address.sun_path, (uid_t)-1, OTHERS), 0);
	assert_int_equal(result_of_client(f, "{\"verb\":\"status\"}\n",
				 "{\"error\":\"no permission: only root and the groups nsrp and "
				 "nsrp-admin may read\"}\n"),
		0);
	assert_int_equal(f->asked, 0);
	assert_int_equal(result_of_client(f, "{\"verb\":\"status\"}\n", "{\"answer\":1}\n"), 0);
	assert_int_equal(result_of_client(f, "{\"verb\":\"reload\"}\n",
				 "{\"error\":\"no permission: only root and group nsrp-admin may "
				 "command\"}\n"),
		0);
	assert_int_equal(f->asked, 1);
	assert_int_equal(f->counted[COUNTER_CONTROL_REFUSED], 2);
}

static void the_file_is_for_owner_and_group(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = address_of(f);
	struct stat st;

	assert_int_equal(stat(address.sun_path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0660);
	if (geteuid() == 0 && (f->socket.has_readers || f->socket.has_admins))
		assert_int_equal(
			st.st_gid, f->socket.has_readers ? f->socket.readers : f->socket.admins);
}

static void a_live_daemon_is_left_alone_and_a_dead_one_replaced(void **state)
{
	struct fixture *f = *state;
	struct control_socket other = { .fd = -1 };

	assert_int_equal(control_listen(f->rundir, &other), -EADDRINUSE);
	assert_int_equal(other.fd, -1);
	int client = connect_client(f); /* the one that lives was not harmed */

	close(client);
	control_fini(&f->server);
	close(f->socket.fd);
	assert_int_equal(control_listen(f->rundir, &f->socket), 0);
	struct control_handlers handlers = { f, requested, counted };
	control_init(&f->server, &f->loop, &f->socket, &handlers);
	client = connect_client(f);
	say(client, "{\"verb\":\"status\"}\n");
	assert_string_equal(hear(f, client), "{\"answer\":1}");
	close(client);
}

static void a_full_queue_means_a_live_daemon(void **state)
{
	struct fixture *f = *state;
	struct control_socket other = { .fd = -1 };
	struct sockaddr_un address = address_of(f);
	int client[64];
	unsigned n = 0;

	for (;; n++) {
		assert_true(n < ARRAY_LEN(client));
		client[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(client[n], (const struct sockaddr *)&address, sizeof(address)))
			break;
	}
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(control_listen(f->rundir, &other), -EADDRINUSE);
	for (unsigned i = 0; i <= n; i++)
		close(client[i]);
}

static void a_bad_directory_is_an_error(void **state)
{
	struct control_socket socket = { .fd = -1 };
	char path[200];

	(void)state;
	assert_int_equal(control_listen(P_tmpdir "/nsrp-is-not-here", &socket), -ENOENT);
	assert_int_equal(control_listen("/dev/null", &socket), -ENOTDIR);
	snprintf(path, sizeof(path), P_tmpdir "/%0*d", 120, 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(control_listen(path, &socket), -ENAMETOOLONG);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(socket.fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		cmocka_unit_test(rights_come_by_user_and_group),
		TEST(the_kernel_says_who_asks),
		TEST(the_file_is_for_owner_and_group),
		TEST(a_live_daemon_is_left_alone_and_a_dead_one_replaced),
		TEST(a_full_queue_means_a_live_daemon),
		cmocka_unit_test(a_bad_directory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
