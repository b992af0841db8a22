/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "passage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROC "/proc/self/net/"

enum { TEXT_MAX = 64 * 1024 }; /* 256 lines of /proc/net/dev, and the two above them */

static const char *next_line(const char *at)
{
	at = strchr(at, '\n');
	return at != NULL ? at + 1 : NULL;
}

/* Moves *at behind the number of its line that is next; false: there is none. */
static bool next_number(const char **at, uint64_t *ret_number)
{
	const char *from = *at + strspn(*at, " ");
	char *end;

	if (*from < '0' || *from > '9')
		return false;
	*ret_number = strtoull(from, &end, 10);
	*at = end;
	return *end == ' ' || *end == '\n' || *end == '\0';
}

int passage_parse_links(const char *text, struct passage *ret_passage)
{
	const char *line = next_line(text);

	line = line != NULL ? next_line(line) : NULL; /* two lines of titles */
	if (line == NULL)
		return -EBADMSG;
	ret_passage->n_links = 0;
	for (; line != NULL && *line != '\0'; line = next_line(line)) {
		struct passage_link *l = &ret_passage->link[ret_passage->n_links];
		const char *name = line + strspn(line, " ");
		size_t len = strcspn(name, ":\n");
		uint64_t bytes;

		if (name[len] != ':' || len == 0 || len >= sizeof(l->name))
			return -EBADMSG;
		if (ret_passage->n_links == PASSAGE_LINKS_MAX)
			return -E2BIG;
		memset(l->name, 0, sizeof(l->name));
		memcpy(l->name, name, len);
		name += len + 1;
		if (!next_number(&name, &bytes) || !next_number(&name, &l->received))
			return -EBADMSG;
		ret_passage->n_links++;
	}
	return 0;
}

/* Moves *at behind the next word of its line; false: there is none. */
static bool next_word(const char **at, const char **ret_word, size_t *ret_len)
{
	*ret_word = *at + strspn(*at, " ");
	*ret_len = strcspn(*ret_word, " \n");
	*at = *ret_word + *ret_len;
	return *ret_len > 0;
}

/* A line of names, and below it one of numbers. */
int passage_parse_forwarded(const char *text, uint64_t *ret_forwarded)
{
	static const char key[] = "ForwDatagrams";
	const char *numbers = next_line(text);
	const char *name, *number;
	size_t name_len, number_len;

	while (numbers != NULL && next_word(&text, &name, &name_len) &&
		next_word(&numbers, &number, &number_len)) {
		if (name_len == sizeof(key) - 1 && memcmp(name, key, name_len) == 0)
			return next_number(&number, ret_forwarded) ? 0 : -EBADMSG;
	}
	return -EBADMSG;
}

uint64_t passage_parse_forwarded6(const char *text)
{
	static const char key[] = "Ip6OutForwDatagrams";

	for (; text != NULL; text = next_line(text)) {
		if (strncmp(text, key, sizeof(key) - 1) == 0)
			return strtoull(text + sizeof(key) - 1, NULL, 10);
	}
	return 0;
}

/* The whole file as text. 0 or negative errno. */
static int read_text(const char *file, char text[TEXT_MAX])
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), result = 0;
	size_t used = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (n != 0 && used < TEXT_MAX - 1) {
		n = read(fd, text + used, TEXT_MAX - 1 - used);
		if (n < 0 && errno != EINTR) {
			result = -errno;
			break;
		}
		used += n > 0 ? (size_t)n : 0;
	}
	if (result == 0 && n != 0)
		result = -E2BIG;
	close(fd);
	text[used] = '\0';
	return result;
}

/* Without IPv6 there is no snmp6. */
static int read_forwarded(char text[TEXT_MAX], uint64_t *ret_forwarded)
{
	int result = read_text(PROC "snmp", text);

	if (result == 0)
		result = passage_parse_forwarded(text, ret_forwarded);
	if (result == 0 && read_text(PROC "snmp6", text) == 0)
		*ret_forwarded += passage_parse_forwarded6(text);
	return result;
}

int passage_read(struct passage *ret_passage)
{
	char text[TEXT_MAX];
	int result = read_forwarded(text, &ret_passage->before);

	if (result == 0)
		result = read_text(PROC "dev", text);
	if (result == 0)
		result = passage_parse_links(text, ret_passage);
	if (result == 0)
		result = read_forwarded(text, &ret_passage->after);
	return result;
}

static const struct passage_link *find(const struct passage *p, const char *name)
{
	for (unsigned i = 0; i < p->n_links; i++) {
		if (strcmp(p->link[i].name, name) == 0)
			return &p->link[i];
	}
	return NULL;
}

uint64_t passage_least(const struct passage *from, const struct passage *to,
	bool (*ours)(void *user, const char *name), void *user)
{
	/* The interfaces are counted for longer, at both ends. */
	uint64_t forwarded = to->before > from->after ? to->before - from->after : 0;
	uint64_t others = 0;

	for (unsigned i = 0; i < from->n_links; i++) {
		const struct passage_link *now = find(to, from->link[i].name);

		if (ours(user, from->link[i].name))
			continue;
		if (now == NULL || now->received < from->link[i].received)
			return 0; /* gone, or another of that name */
		others += now->received - from->link[i].received;
	}
	for (unsigned i = 0; i < to->n_links; i++) {
		if (find(from, to->link[i].name) == NULL && !ours(user, to->link[i].name))
			others += to->link[i].received;
	}
	return forwarded > others ? forwarded - others : 0;
}
