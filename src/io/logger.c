/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "logger.h"
#include "loop.h"
#include "wall.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { PREFIX_MAX = WALL_TEXT_MAX + 16 };

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERR: return "error";
	case LOG_LEVEL_WARN: return "warning";
	case LOG_LEVEL_INFO: return "info";
	case LOG_LEVEL_DEBUG: return "debug";
	}
	return "?";
}

/* syslog(3)'s number. */
static int level_priority(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERR: return 3;
	case LOG_LEVEL_WARN: return 4;
	case LOG_LEVEL_INFO: return 6;
	case LOG_LEVEL_DEBUG: return 7;
	}
	return 6;
}

/* ---- writing ----------------------------------------------------------------------------- */

/* All of it, some of it or nothing: never waits. MSG_DONTWAIT leaves the description, which
 * others may share, as it is; a pipe that polls writable takes a whole line. */
static size_t write_now(const struct logger *logger, const char *bytes, size_t len)
{
	struct pollfd writable = { .fd = logger->fd, .events = POLLOUT };
	ssize_t n = -1;

	if (logger->is_socket)
		n = send(logger->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	else if (poll(&writable, 1, 0) == 1 && (writable.revents & POLLOUT))
		n = write(logger->fd, bytes, len);
	return n > 0 ? (size_t)n : 0;
}

/* What stands before a line's text. */
static size_t put_prefix(const struct logger *logger, enum log_level level, char out[PREFIX_MAX])
{
	char time[WALL_TEXT_MAX];
	int len;

	if (logger->style == LOGGER_SERVICE) {
		len = snprintf(out, PREFIX_MAX, "<%d>", level_priority(level));
	} else {
		wall_text(wall_now_ms(), time);
		len = snprintf(out, PREFIX_MAX, "%s %s: ", time, level_name(level));
	}
	return len > 0 ? (size_t)len : 0;
}

/* Writes one line; false when it is lost. */
static bool write_line(struct logger *logger, enum log_level level, const char *text)
{
	char line[1 + PREFIX_MAX + LOGGER_LINE_MAX + 1];
	size_t len = 0, text_len = strnlen(text, LOGGER_LINE_MAX);

	if (logger->cut)
		line[len++] = '\n';
	len += put_prefix(logger, level, line + len);
	memcpy(line + len, text, text_len);
	len += text_len;
	line[len++] = '\n';

	size_t written = write_now(logger, line, len);

	if (written > 0)
		logger->cut = written < len;
	return written == len;
}

static void tell_dropped(struct logger *logger)
{
	char text[80];

	if (logger->dropped == 0)
		return;
	(void)snprintf(text, sizeof(text), "log: %u lines lost, nobody read them", logger->dropped);
	if (write_line(logger, LOG_LEVEL_WARN, text))
		logger->dropped = 0;
}

static void put_line(struct logger *logger, enum log_level level, const char *text)
{
	tell_dropped(logger);
	if (logger->dropped > 0 || !write_line(logger, level, text))
		logger->dropped++;
}

/* ---- the journal ------------------------------------------------------------------------- */

/* A line with fields, as one datagram; false when there are none, or it was not taken. */
static bool tell_journal(struct logger *logger, enum log_level level, const char *text)
{
	char entry[LOGGER_LINE_MAX + LOGGER_FIELDS_MAX + 80];
	bool has_fields = logger->fields[0] != '\0';
	int len = snprintf(entry, sizeof(entry),
		"MESSAGE=%.*s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=nsrpd\n%s", (int)LOGGER_LINE_MAX,
		text, level_priority(level), logger->fields);

	logger->fields[0] = '\0';
	return has_fields && logger->journal >= 0 &&
	       send(logger->journal, entry, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) == len;
}

int logger_use_journal(struct logger *logger, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		int error = -errno;

		close(fd);
		return error;
	}
	logger->journal = fd;
	return 0;
}

static void log_about_change(void *user, const struct log_change *change)
{
	struct logger *logger = (struct logger *)user;
	int len = snprintf(logger->fields, sizeof(logger->fields),
		"NSRP_NODE=%s\nNSRP_GROUP=%u\nNSRP_TERM=%" PRIu32 "\nNSRP_FROM=%s\nNSRP_TO=%s\n"
		"NSRP_RULE=%s\nNSRP_REASON=%s\n",
		change->node, change->group, change->term, change->from, change->to, change->rule,
		change->reason);

	if (len < 0 || len >= LOGGER_FIELDS_MAX) /* half a field is none */
		logger->fields[0] = '\0';
}

/* ---- repeated lines ---------------------------------------------------------------------- */

static uint64_t hash_of(enum log_level level, const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)level; /* FNV-1a */

	for (const char *c = text; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	return hash != 0 ? hash : 1;
}

/* Frees the place, and says what it kept back. */
static void release(struct logger *logger, struct logger_recent *recent)
{
	char text[sizeof(recent->head) + 80];

	recent->hash = 0;
	if (recent->count <= LOGGER_REPEAT_MAX)
		return;
	(void)snprintf(text, sizeof(text), "log: repeated %u times more within %d s: %s",
		recent->count - LOGGER_REPEAT_MAX, LOGGER_REPEAT_MS / 1000, recent->head);
	put_line(logger, recent->level, text);
}

void logger_settle(struct logger *logger, bool all)
{
	mono_t now = logger->now();

	for (unsigned i = 0; i < LOGGER_RECENT; i++) {
		struct logger_recent *recent = &logger->recent[i];
		mono_t ends = mono_after_ms(recent->began, LOGGER_REPEAT_MS);

		if (recent->hash != 0 && (all || mono_reached(ends, now)))
			release(logger, recent);
	}
	tell_dropped(logger);
}

/* The place of that line; else a free one, or the one that began first, for it to have. */
static struct logger_recent *find_recent(struct logger *logger, uint64_t hash)
{
	struct logger_recent *best = &logger->recent[0];

	for (unsigned i = 0; i < LOGGER_RECENT; i++) {
		struct logger_recent *recent = &logger->recent[i];

		if (recent->hash == hash)
			return recent;
		if (best->hash != 0 &&
			(recent->hash == 0 || mono_before(recent->began, best->began)))
			best = recent;
	}
	return best;
}

/* True for a line that came too often. */
static bool is_repeated(struct logger *logger, enum log_level level, const char *text)
{
	uint64_t hash = hash_of(level, text);
	struct logger_recent *recent = find_recent(logger, hash);

	if (recent->hash != hash) {
		if (recent->hash != 0)
			release(logger, recent);
		*recent = (struct logger_recent){
			.hash = hash,
			.began = logger->now(),
			.level = level,
		};
		(void)snprintf(recent->head, sizeof(recent->head), "%.*s",
			(int)sizeof(recent->head) - 1, text);
	}
	recent->count++;
	return recent->count > LOGGER_REPEAT_MAX;
}

/* ---- the log ----------------------------------------------------------------------------- */

static void log_write(void *user, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void log_write(void *user, enum log_level level, const char *format, ...)
{
	struct logger *logger = (struct logger *)user;
	int error = errno; /* logging does not change it */
	char text[LOGGER_LINE_MAX + 1];
	va_list arguments;

	if (level > logger->level) {
		logger->fields[0] = '\0';
		return;
	}
	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
	int len = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (len < 0)
		(void)snprintf(text, sizeof(text), "log: a line that cannot be formatted");
	for (char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
	logger_settle(logger, false);
	if (!is_repeated(logger, level, text) && !tell_journal(logger, level, text))
		put_line(logger, level, text);
	errno = error;
}

void logger_init(struct logger *logger, int fd, enum logger_style style)
{
	struct stat st;

	memset(logger, 0, sizeof(*logger));
	logger->log.user = logger;
	logger->log.write = log_write;
	logger->log.about = log_about_change;
	logger->journal = -1;
	logger->fd = fd;
	logger->is_socket = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
	logger->style = style;
	logger->level = LOG_LEVEL_INFO;
	logger->now = loop_now;
}

void logger_set_level(struct logger *logger, enum log_level level)
{
	logger->level = level;
}

enum logger_style logger_style_of(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;
	char *end;

	if (!stream || fstat(fd, &st))
		return LOGGER_PLAIN;
	device = strtoumax(stream, &end, 10);
	if (*end != ':')
		return LOGGER_PLAIN;
	inode = strtoumax(end + 1, NULL, 10);
	return device == st.st_dev && inode == st.st_ino ? LOGGER_SERVICE : LOGGER_PLAIN;
}
