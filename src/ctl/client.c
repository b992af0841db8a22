/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_NAME "nsrpd.sock"

static int64_t now_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum client_result unreachable(char *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static enum client_result unreachable(char *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
	(void)vsnprintf(error, CLIENT_ERROR_MAX, format, arguments);
	va_end(arguments);
	return CLIENT_UNREACHABLE;
}

static enum client_result explain_connect(int number, const char *path, char *error)
{
	switch (number) {
	case ENOENT:
		return unreachable(error,
			"nsrpd is not running: there is no %s "
			"(start it, or name its RUNDIR with -r)",
			path);
	case ECONNREFUSED:
		return unreachable(error, "nsrpd is not running: nobody listens at %s", path);
	case EACCES:
	case EPERM:
		return unreachable(error,
			"no permission for %s: be root, or a member of group nsrp "
			"(to read) or nsrp-admin (to command)",
			path);
	case EAGAIN:
	case ETIMEDOUT: return unreachable(error, "nsrpd does not accept anybody at %s", path);
	default: return unreachable(error, "%s: %s", path, strerror(number));
	}
}

/* A descriptor, or negative errno. */
static int connect_to(const struct sockaddr_un *address, int time_ms)
{
	/* Connecting waits while the daemon's queue is full, as long as sending may. */
	const struct timeval limit = {
		.tv_sec = time_ms / 1000,
		.tv_usec = time_ms % 1000 * 1000,
	};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) ||
		connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		error = -errno;
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

static bool send_line(int fd, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;
	bool ok = text != NULL;

	if (ok) {
		text[len] = '\n'; /* in place of the NUL */
		ok = send(fd, text, len + 1, MSG_NOSIGNAL) == (ssize_t)len + 1;
	}
	free(text);
	return ok;
}

/* Reads up to a line end. False: the end, the time limit or too much came first. */
static bool receive_line(int fd, int64_t deadline, char *buf, size_t size, size_t *ret_len)
{
	size_t len = 0;

	while (len < size) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - now_ms();

		if (left <= 0)
			return false;
		if (poll(&readable, 1, (int)left) <= 0)
			continue;
		ssize_t n = recv(fd, buf + len, size - len, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return false;
		len += (size_t)n;
		if (buf[len - 1] == '\n') {
			*ret_len = len;
			return true;
		}
	}
	return false;
}

static enum client_result read_answer(
	int fd, int time_ms, const char *path, json_t **ret_answer, char *error)
{
	int64_t deadline = now_ms() + time_ms;
	char *buf = (char *)malloc(CLIENT_ANSWER_MAX);
	size_t len = 0;
	bool ok = buf && receive_line(fd, deadline, buf, CLIENT_ANSWER_MAX, &len);
	json_t *answer = ok ? json_loadb(buf, len, 0, NULL) : NULL;
	const char *refusal = json_string_value(json_object_get(answer, "error"));

	free(buf);
	if (!ok && now_ms() >= deadline)
		return unreachable(
			error, "nsrpd did not answer within %g s at %s", time_ms / 1000.0, path);
	if (!ok)
		return unreachable(error, "nsrpd ended before it answered at %s", path);
	if (!json_is_object(answer)) {
		json_decref(answer);
		return unreachable(error, "what answers at %s is not nsrpd", path);
	}
	if (refusal) {
		(void)snprintf(error, CLIENT_ERROR_MAX, "%s", refusal);
		json_decref(answer);
		return CLIENT_REFUSED;
	}
	*ret_answer = answer;
	return CLIENT_ANSWERED;
}

enum client_result client_ask(const char *rundir, const json_t *request, int time_ms,
	json_t **ret_answer, char error[CLIENT_ERROR_MAX])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	enum client_result result;
	int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SOCKET_NAME, rundir);

	if (len < 0 || (size_t)len >= sizeof(address.sun_path))
		return unreachable(error, "%s: the name of the directory is too long", rundir);
	int fd = connect_to(&address, time_ms);

	if (fd < 0)
		return explain_connect(-fd, address.sun_path, error);
	/* An answer may be there although sending failed: too many clients. */
	(void)send_line(fd, request);
	result = read_answer(fd, time_ms, address.sun_path, ret_answer, error);
	close(fd);
	return result;
}
