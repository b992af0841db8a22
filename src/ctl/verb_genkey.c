/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "key_text.h"
#include "verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* What fails leaves no file behind. */
static int write_file(const char *file, const char *text, size_t len)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);

	if (fd < 0)
		return -errno;
	int error = write_all(fd, text, len);

	if (!error && (fchmod(fd, S_IRUSR | S_IWUSR) || fsync(fd)))
		error = -errno;
	if (close(fd) && !error)
		error = -errno;
	if (error)
		(void)unlink(file);
	return error;
}

/* To stdout. The key's own text needs no escaping, and stays out of memory that nobody clears. */
static int write_out(const struct invocation *in, const char text[KEY_TEXT_LEN])
{
	char line[KEY_TEXT_LEN + 32];

	if (!(in->options & OPTION_JSON))
		return write_all(STDOUT_FILENO, text, KEY_TEXT_LEN);
	int len = snprintf(
		line, sizeof(line), "{\"file\":null,\"key\":\"%.*s\"}\n", KEY_TEXT_LEN - 1, text);
	int error = write_all(STDOUT_FILENO, line, (size_t)len);

	explicit_bzero(line, sizeof(line));
	return error;
}

int verb_genkey(const struct invocation *in)
{
	const char *file = in->argument[0];
	uint8_t key[CONF_KEY_LEN];
	char text[KEY_TEXT_LEN];
	int error;

	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return verb_fail(CTL_FAILED, "no random numbers: %s", strerror(errno));
	key_text(key, text);
	error = file ? write_file(file, text, sizeof(text)) : write_out(in, text);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(text, sizeof(text));
	if (error == -EEXIST)
		return verb_fail(CTL_FAILED, "%s is there already, and stays as it is", file);
	if (error)
		return verb_fail(
			CTL_FAILED, "%s: %s", file ? file : "standard output", strerror(-error));
	if (file && in->options & OPTION_JSON) {
		json_t *answer = json_pack("{s:s, s:n}", "file", file, "key");

		verb_print_json(answer);
		json_decref(answer);
	}
	return CTL_DONE;
}
