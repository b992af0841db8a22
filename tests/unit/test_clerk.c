/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The clerk as a process, told by an engine: here one that may say anything. Its document is one
 * file.
 */
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "test_store.h"

#include "daemon/clerk.h"
#include "io/files_state.h"
#include "io/seal_digest.h"
#include "nsrp/file.h"

enum { ANSWER_MS = 5000, ENTRY_ROOM = FILE_HEAD_MAX + 64 };

static struct clerk_test {
	struct fixture *fixture;
	struct conf conf;
	char listed[64], program[64], allowed[64];
	struct wake *wake;
	pid_t pid;
	int guardian, engine;
	struct document_digest digest; /* of what is offered */
} t;

static void write_listed(const char *text)
{
	FILE *to = fopen(t.listed, "w");

	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
}

static void assert_listed(const char *text)
{
	char is[64] = "";
	FILE *in = fopen(t.listed, "r");

	assert_non_null(in);
	assert_non_null(fgets(is, sizeof(is), in));
	fclose(in);
	assert_string_equal(is, text);
}

/* It says on which processors it may run, as the clerk that started it. */
static void write_program(void)
{
	FILE *to = fopen(t.program, "w");

	assert_non_null(to);
	fprintf(to,
		"#!/bin/sh\nexec sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "
		"/proc/self/status >%s\n",
		t.allowed);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(chmod(t.program, 0700), 0);
}

static _Noreturn void be_clerk(int guardian, pid_t parent)
{
	const struct clerk_setup setup = {
		.log = &t.fixture->log,
		.statedir = t.fixture->dir,
		.conf_file = "/nowhere/nsrpd.conf",
		.conf = &t.conf,
		.guardian_fd = guardian,
		.wake = t.wake,
		.parent = parent,
	};

	_exit(clerk_run(&setup));
}

static int start(void **state)
{
	const struct message meeting = { .type = MESSAGE_CLERK };
	int guardian[2], engine[2];
	pid_t self = getpid();

	set_up(state);
	t = (struct clerk_test){ .fixture = *state };
	/* STATEDIR is never mirrored: the list lies beside it. */
	snprintf(t.listed, sizeof(t.listed), "%s.one", t.fixture->dir);
	snprintf(t.conf.mirror.file[0], sizeof(t.conf.mirror.file[0]), "%s", t.listed);
	t.conf.mirror.n_files = 1;
	snprintf(t.program, sizeof(t.program), "%s.apply", t.fixture->dir);
	snprintf(t.allowed, sizeof(t.allowed), "%s.allowed", t.fixture->dir);
	snprintf(t.conf.mirror.files_apply, sizeof(t.conf.mirror.files_apply), "%s", t.program);
	write_program();
	t.wake = wake_new();
	assert_non_null(t.wake);
	wake_set(t.wake, MONO_NEVER, -1);
	write_listed("old");
	assert_int_equal(message_pair(guardian), 0);
	assert_int_equal(message_pair(engine), 0);
	t.pid = fork();
	if (t.pid == 0) {
		close(guardian[0]);
		close(engine[0]);
		close(engine[1]);
		be_clerk(guardian[1], self);
	}
	assert_true(t.pid > 0);
	close(guardian[1]);
	assert_int_equal(message_send(guardian[0], &meeting, engine[1]), 0);
	close(engine[1]);
	t.guardian = guardian[0];
	t.engine = engine[0];
	return 0;
}

static int end(void **state)
{
	int status = -1;

	close(t.guardian); /* then it ends */
	close(t.engine);
	assert_int_equal(waitpid(t.pid, &status, 0), t.pid);
	assert_int_equal(status, 0);
	unlink(t.listed);
	unlink(t.program);
	unlink(t.allowed);
	wake_free(t.wake);
	files_remove_tree(path(t.fixture, "previous"));
	return tear_down(state);
}

/* The clerk's next word of that type; its memory is not looked at. */
static struct message_document hear(enum message_type type)
{
	struct pollfd fd = { .fd = t.engine, .events = POLLIN };
	struct message m;
	int with;

	for (;;) {
		assert_int_equal(poll(&fd, 1, ANSWER_MS), 1);
		assert_int_equal(message_receive(t.engine, &m, &with), 1);
		if (with >= 0)
			close(with);
		if (m.type == type)
			return m.document;
	}
}

/* A document in which the file holds that. */
static int document_with(const char *text)
{
	struct file_entry e = { .type = FILE_REGULAR, .mode = 0644 };
	uint8_t bytes[ENTRY_ROOM];
	struct stat st;

	assert_int_equal(stat(t.listed, &st), 0);
	snprintf(e.owner, sizeof(e.owner), "#%u", (unsigned)st.st_uid);
	snprintf(e.group, sizeof(e.group), "#%u", (unsigned)st.st_gid);
	snprintf(e.path, sizeof(e.path), "%s", t.listed);
	size_t len = file_put_head(&e, (uint32_t)strlen(text), bytes);

	memcpy(bytes + len, text, strlen(text));
	len += strlen(text);
	assert_int_equal(seal_digest(span_of(bytes, len), &t.digest), 0);
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	return fd;
}

/* Closes fd. */
static void say(enum document_purpose purpose, int fd)
{
	struct message m = { .type = MESSAGE_DOCUMENT_APPLY };

	m.document.kind = DOCUMENT_FILES;
	m.document.purpose = purpose;
	m.document.token = 7;
	m.document.digest = t.digest;
	assert_int_equal(message_send(t.engine, &m, fd), 0);
	if (fd >= 0)
		close(fd);
}

static void sealed_memory_is_applied(void **state)
{
	int fd = document_with("new");

	(void)state;
	assert_int_equal(message_seal(fd), 0);
	say(PURPOSE_APPLY, fd);
	assert_int_equal(hear(MESSAGE_DOCUMENT_JUDGED).result, DOCUMENT_ACCEPTED);
	assert_listed("new");
}

static void memory_that_may_change_is_refused(void **state)
{
	struct message_document said;
	int fd = document_with("new");

	(void)state;
	say(PURPOSE_APPLY, fd);
	said = hear(MESSAGE_DOCUMENT_JUDGED);
	assert_int_equal(said.result, DOCUMENT_REFUSED);
	assert_string_equal(said.text, "its memory is not sealed");
	assert_listed("old");
	say(PURPOSE_TRY, document_with("new"));
	assert_int_equal(hear(MESSAGE_DOCUMENT_JUDGED).result, DOCUMENT_INVALID);
	say(PURPOSE_COMPARE, document_with("new"));
	said = hear(MESSAGE_DOCUMENT_COMPARED);
	assert_int_equal(said.token, 7);
	assert_string_equal(said.text, "its memory is not sealed");
}

static void what_is_sealed_in_part_is_refused(void **state)
{
	int fd = document_with("new");

	(void)state;
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	assert_false(message_is_sealed(fd));
	say(PURPOSE_APPLY, fd);
	assert_int_equal(hear(MESSAGE_DOCUMENT_JUDGED).result, DOCUMENT_REFUSED);
	assert_listed("old");
}

static void no_memory_and_no_file_are_refused(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	say(PURPOSE_APPLY, -1);
	assert_string_equal(hear(MESSAGE_DOCUMENT_JUDGED).text, "there was no memory for it");
	say(PURPOSE_APPLY, fd);
	assert_string_equal(hear(MESSAGE_DOCUMENT_JUDGED).text, "its memory is not sealed");
}

/* The first of a list as the kernel writes it. */
static unsigned first_allowed(void)
{
	unsigned first = 0;
	FILE *in = fopen(t.allowed, "r");

	assert_non_null(in);
	assert_int_equal(fscanf(in, "%u", &first), 1);
	fclose(in);
	return first;
}

static void the_engines_processor_is_left_to_it(void **state)
{
	cpu_set_t all, after;
	unsigned first = 0;
	int fd = document_with("new");

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	if (CPU_COUNT(&all) < 2)
		skip();
	while (!CPU_ISSET(first, &all))
		first++;
	wake_set(t.wake, MONO_NEVER, (int)first);
	assert_int_equal(message_seal(fd), 0);
	say(PURPOSE_APPLY, fd);
	assert_int_equal(hear(MESSAGE_DOCUMENT_JUDGED).result, DOCUMENT_ACCEPTED);
	assert_true(first_allowed() > first);
	assert_int_equal(sched_getaffinity(t.pid, sizeof(after), &after), 0);
	assert_true(CPU_EQUAL(&all, &after));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sealed_memory_is_applied, start, end),
		cmocka_unit_test_setup_teardown(memory_that_may_change_is_refused, start, end),
		cmocka_unit_test_setup_teardown(what_is_sealed_in_part_is_refused, start, end),
		cmocka_unit_test_setup_teardown(the_engines_processor_is_left_to_it, start, end),
		cmocka_unit_test_setup_teardown(no_memory_and_no_file_are_refused, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
