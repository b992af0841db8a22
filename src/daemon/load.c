/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nsrp/confread.h"

struct findings {
	const struct log *log;
	char *error;
};

static void found(
	void *user, enum conf_severity severity, const char *file, unsigned line, const char *text)
{
	struct findings *f = user;

	switch (severity) {
	case CONF_SEVERITY_ERROR:
		log_err(f->log, "%s:%u: %s", file, line, text);
		if (f->error[0] == '\0')
			snprintf(f->error, LOAD_ERROR_MAX, "%s:%u: %s", file, line, text);
		break;
	case CONF_SEVERITY_WARNING: log_warn(f->log, "%s:%u: %s", file, line, text); break;
	case CONF_SEVERITY_NOTE: log_debug(f->log, "%s:%u: %s", file, line, text); break;
	}
}

/* Reads a whole file into buf; its length, or negative errno. -EFBIG: more than size bytes. */
static ssize_t read_file(int fd, char *buf, size_t size)
{
	size_t used = 0;

	for (;;) {
		ssize_t n = read(fd, buf + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return (ssize_t)used;
		used += (size_t)n;
		if (used == size)
			return -EFBIG;
	}
}

static int fail(const struct log *log, char *error, int result, const char *file, const char *text)
{
	log_err(log, "%s: %s", file, text);
	snprintf(error, LOAD_ERROR_MAX, "%s: %s", file, text);
	return result;
}

static int load_conf(
	const char *file, const char *node, struct findings *findings, struct conf *ret_conf)
{
	struct conf_report report = { .user = findings, .found = found };
	char *text = malloc(CONF_TEXT_MAX + 1);
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0         ? -errno
		      : text == NULL ? -ENOMEM
				     : read_file(fd, text, CONF_TEXT_MAX + 1);
	int result;

	if (len < 0)
		result = fail(findings->log, findings->error, (int)len, file, strerror((int)-len));
	else
		result = conf_read(file, text, (size_t)len, node, &report, ret_conf);
	if (fd >= 0)
		close(fd);
	free(text);
	return result;
}

static int load_key(const char *file, struct findings *f, uint8_t ret_key[CRYPTO_KEY_LEN])
{
	char text[128];
	struct stat st;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return fail(f->log, f->error, -errno, file, strerror(errno));
	int result = 0;
	ssize_t len = 0;

	if (fstat(fd, &st) != 0 || !conf_key_file_mode_ok(st.st_mode)) {
		result = fail(f->log, f->error, -EPERM, file,
			"a key file must be a regular file of mode 0600 or 0400");
	} else {
		len = read_file(fd, text, sizeof(text));
		if (len < 0)
			result = fail(f->log, f->error, (int)len, file,
				"not a key: 32 bytes in base64 are expected (nsrpctl genkey)");
	}
	if (result == 0) {
		enum conf_key_result key = conf_read_key(text, (size_t)len, ret_key);

		if (key != CONF_KEY_OK)
			result = fail(f->log, f->error, -EINVAL, file, conf_key_result_text(key));
	}
	explicit_bzero(text, sizeof(text));
	close(fd);
	return result;
}

int load(const char *file, const char *node, const struct log *log, struct loaded *ret,
	char error[LOAD_ERROR_MAX])
{
	struct findings findings = { .log = log, .error = error };
	struct loaded *next = calloc(1, sizeof(*next));
	int result;

	error[0] = '\0';
	if (next == NULL)
		return fail(log, error, -ENOMEM, file, "out of memory");
	result = load_conf(file, node, &findings, &next->conf);
	if (result == 0)
		result = load_key(next->conf.key_file, &findings, next->key);
	next->has_previous = result == 0 && next->conf.previous_key_file[0] != '\0';
	if (next->has_previous)
		result = load_key(next->conf.previous_key_file, &findings, next->previous_key);
	if (result == 0)
		*ret = *next;
	explicit_bzero(next, sizeof(*next));
	free(next);
	return result;
}
