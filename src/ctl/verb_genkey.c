/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nsrp/confread.h"
#include "verb.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_TEXT_LEN = (CONF_KEY_LEN + 2) / 3 * 4 };

/* Base64 (RFC 4648) with a line end. */
static void encode(const uint8_t key[CONF_KEY_LEN], char text[KEY_TEXT_LEN + 1])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	enum { PAD = 64 };
	char *out = text;

	for (size_t i = 0; i < CONF_KEY_LEN; i += 3) {
		size_t left = CONF_KEY_LEN - i;
		uint32_t bits = (uint32_t)key[i] << 16 |
				(left > 1 ? (uint32_t)key[i + 1] << 8 : 0) |
				(left > 2 ? key[i + 2] : 0);

		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = digits[left > 1 ? bits >> 6 & 63 : PAD];
		*out++ = digits[left > 2 ? bits & 63 : PAD];
	}
	*out = '\n';
}

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

int verb_genkey(const struct invocation *in)
{
	const char *file = in->argument[0];
	uint8_t key[CONF_KEY_LEN];
	char text[KEY_TEXT_LEN + 1];
	int error;

	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		return verb_fail(CTL_FAILED, "no random numbers: %s", strerror(errno));
	encode(key, text);
	error = file ? write_file(file, text, sizeof(text))
		     : write_all(STDOUT_FILENO, text, sizeof(text));
	explicit_bzero(key, sizeof(key));
	explicit_bzero(text, sizeof(text));
	if (error == -EEXIST)
		return verb_fail(CTL_FAILED, "%s is there already, and stays as it is", file);
	if (error)
		return verb_fail(
			CTL_FAILED, "%s: %s", file ? file : "standard output", strerror(-error));
	return CTL_DONE;
}
