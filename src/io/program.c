/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "program.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nsrp/executable.h"

enum {
	CHUNK = 16 * 1024,
	REST_MS = 10,          /* between two looks at what it writes */
	CHUNKS_AT_THE_END = 5, /* a pipe holds 64 KiB */
};

void program_environment_add(struct program_environment *e, const char *name, const char *value)
{
	size_t room = sizeof(e->text) - e->used;
	int len = snprintf(e->text + e->used, room, "%s=%s", name, value);

	if (e->n == PROGRAM_ENVIRONMENT_MAX || len < 0 || (size_t)len >= room)
		return;
	e->used += (size_t)len + 1;
	e->n++;
}

void program_environment_add_number(
	struct program_environment *e, const char *name, unsigned long value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lu", value);
	program_environment_add(e, name, text);
}

bool program_passed(const struct program_result *r)
{
	return r->end == PROGRAM_EXITED && r->code == 0;
}

void program_result_text(const struct program_result *r, char ret_text[PROGRAM_TEXT_MAX])
{
	size_t size = PROGRAM_TEXT_MAX;

	switch (r->end) {
	case PROGRAM_EXITED: (void)snprintf(ret_text, size, "exited %d", r->code); break;
	case PROGRAM_SIGNALLED:
		(void)snprintf(ret_text, size, "killed by signal %d", r->code);
		break;
	case PROGRAM_TIMED_OUT:
		(void)snprintf(ret_text, size, "did not end in time and was killed");
		break;
	case PROGRAM_NOT_STARTED: (void)snprintf(ret_text, size, "not started: %s", r->why); break;
	}
}

bool program_runs(const struct program *p)
{
	return p->pid != 0;
}

/* Keeps the last line that has something in it. */
static void digest(struct program *p, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n' || text[i] == '\r') {
			p->line_ended = true;
			continue;
		}
		if (p->line_ended)
			p->line_len = 0;
		p->line_ended = false;
		if (p->line_len < sizeof(p->line) - 1)
			p->line[p->line_len++] = text[i];
	}
}

/* False when there is nothing to come any more. */
static bool read_chunk(struct program *p)
{
	char text[CHUNK];
	ssize_t n = read(p->output_fd, text, sizeof(text));

	if (n > 0)
		digest(p, text, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		loop_fd_want(&p->output_io, 0);
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static void output_ready(void *user, unsigned readiness)
{
	struct program *p = user;

	(void)readiness;
	/* No program has this process read all the time. */
	loop_fd_want(&p->output_io, 0);
	if (read_chunk(p))
		loop_timer_set(&p->rest_timer, mono_after_ms(loop_now(), REST_MS));
}

static void rest_is_over(void *user, mono_t due)
{
	struct program *p = user;

	(void)due;
	loop_fd_want(&p->output_io, LOOP_READ);
}

/* Before it is reaped, while the number of the group cannot be another's. */
static void signal_group(const struct program *p, int number)
{
	if (kill(-p->pid, number) != 0)
		(void)kill(p->pid, number); /* it has no group yet */
}

static void time_is_over(void *user, mono_t due)
{
	struct program *p = user;

	(void)due;
	signal_group(p, p->timed_out ? SIGKILL : SIGTERM);
	if (!p->timed_out)
		loop_timer_set(&p->limit_timer, mono_after_ms(loop_now(), PROGRAM_GRACE_MS));
	p->timed_out = true;
}

static void close_all(struct program *p)
{
	loop_fd_fini(&p->pid_io);
	loop_fd_fini(&p->output_io);
	loop_timer_set(&p->limit_timer, MONO_NEVER);
	loop_timer_set(&p->rest_timer, MONO_NEVER);
	close(p->pid_fd);
	close(p->output_fd);
	close(p->failure_fd);
	p->pid = 0;
}

static struct program_result judge(const struct program *p, int status)
{
	struct program_result r = { .end = PROGRAM_EXITED };
	struct program_failure failure;

	memcpy(r.line, p->line, p->line_len); /* and a NUL is behind it */
	if (read(p->failure_fd, &failure, sizeof(failure)) == (ssize_t)sizeof(failure)) {
		r.end = PROGRAM_NOT_STARTED;
		r.code = failure.error;
		r.why = failure.looks != EXECUTABLE_GOOD
				? executable_text((enum executable)failure.looks)
			: failure.error == ENOENT ? "the interpreter that it names is missing"
						  : strerror(failure.error);
	} else if (p->timed_out) {
		r.end = PROGRAM_TIMED_OUT;
	} else if (WIFSIGNALED(status)) {
		r.end = PROGRAM_SIGNALLED;
		r.code = WTERMSIG(status);
	} else {
		r.code = WEXITSTATUS(status);
	}
	return r;
}

/* True if the first process has ended, and is reaped. */
static bool reap(struct program *p)
{
	siginfo_t info = { .si_pid = 0 };
	int status;

	if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
		info.si_pid != p->pid)
		return false;
	signal_group(p, SIGKILL);
	for (unsigned i = 0; i < CHUNKS_AT_THE_END && read_chunk(p); i++)
		;
	if (waitpid(p->pid, &status, WNOHANG) != p->pid)
		return false;
	struct program_result result = judge(p, status);

	close_all(p);
	p->ended(p->user, &result);
	return true;
}

static void pid_ready(void *user, unsigned readiness)
{
	(void)readiness;
	(void)reap(user);
}

bool program_heard_child(struct program *p, pid_t pid)
{
	return p->pid != 0 && p->pid == pid && reap(p);
}

void program_init(struct program *p, struct loop *loop,
	void (*ended)(void *user, const struct program_result *result), void *user)
{
	memset(p, 0, sizeof(*p));
	p->loop = loop;
	p->ended = ended;
	p->user = user;
	loop_timer_init(&p->limit_timer, loop, time_is_over, p);
	loop_timer_init(&p->rest_timer, loop, rest_is_over, p);
}

void program_fini(struct program *p)
{
	if (p->pid != 0) {
		pid_t pid = p->pid;

		signal_group(p, SIGKILL);
		close_all(p);
		/* If it takes a moment to die, it is the business of whoever reaps. */
		(void)waitpid(pid, NULL, WNOHANG);
	}
	loop_timer_fini(&p->limit_timer);
	loop_timer_fini(&p->rest_timer);
}

void program_abandon(struct program *p)
{
	if (p->pid == 0)
		return;
	close(p->pid_fd);
	close(p->output_fd);
	close(p->failure_fd);
}

void program_shorten(struct program *p, uint32_t limit_ms)
{
	mono_t at = mono_after_ms(loop_now(), limit_ms);

	if (p->pid != 0 && !p->timed_out && mono_before(at, p->limit_timer.due))
		loop_timer_set(&p->limit_timer, at);
}

/* Two pipes, of which only the program's ends wait. 0 or negative errno. */
static int make_pipes(int output[2], int failure[2])
{
	if (pipe2(output, O_CLOEXEC) != 0)
		return -errno;
	if (fcntl(output[0], F_SETFL, O_NONBLOCK) == 0 &&
		pipe2(failure, O_CLOEXEC | O_NONBLOCK) == 0)
		return 0;
	int result = -errno;

	close(output[0]);
	close(output[1]);
	return result;
}

/* The child is there; the parent is left with its ends. 0 or negative errno. */
static int begin(struct program *p, pid_t pid, int output, int failure)
{
	int fd = pidfd_open(pid, 0);

	if (fd < 0) {
		int result = -errno;

		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return result;
	}
	p->pid = pid;
	p->pid_fd = fd;
	p->output_fd = output;
	p->failure_fd = failure;
	p->timed_out = p->line_ended = false;
	p->line_len = 0;
	memset(p->line, 0, sizeof(p->line));
	loop_fd_init(&p->pid_io, p->loop, fd, pid_ready, p);
	loop_fd_init(&p->output_io, p->loop, output, output_ready, p);
	return 0;
}

int program_start(struct program *p, const char *path,
	const struct program_environment *environment, uint32_t limit_ms)
{
	int output[2] = { -1, -1 }, failure[2] = { -1, -1 };

	if (p->pid != 0)
		return -EBUSY;
	int result = make_pipes(output, failure);

	if (result != 0)
		return result;
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		program_become(parent, path, environment, output[1], failure[1]);
	result = pid < 0 ? -errno : begin(p, pid, output[0], failure[0]);
	close(output[1]);
	close(failure[1]);
	if (result != 0) {
		close(output[0]);
		close(failure[0]);
		return result;
	}
	loop_timer_set(&p->limit_timer, mono_after_ms(loop_now(), limit_ms));
	return 0;
}
