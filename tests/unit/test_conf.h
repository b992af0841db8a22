/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of the configuration share: reading a text, and looking at what was found.
 */
#ifndef TESTS_UNIT_TEST_CONF_H
#define TESTS_UNIT_TEST_CONF_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nsrp/confread.h"

#define EXAMPLE "conf/nsrpd.conf.example"

/* A whole configuration, by parts. Its lines have numbers in the tables of the tests. */
#define CLUSTER                                                                                    \
	"[cluster]\n"                                                                              \
	"id = 1\n"                                                                                 \
	"key-file = /etc/nsrpd/cluster.key\n"                                                      \
	"[node fw1]\n"                                                                             \
	"[node fw2]\n"
#define LINK                                                                                       \
	"[link ha0]\n"                                                                             \
	"interface = eth2\n"
#define GROUP                                                                                      \
	"[group 0]\n"                                                                              \
	"address = 192.0.2.1/24 dev eth0\n"
enum { LINES = 9 }; /* of CLUSTER LINK GROUP */

enum { FOUND_MAX = 600 };

struct found {
	unsigned n, n_errors;
	struct {
		enum conf_severity severity;
		unsigned line;
		char text[700];
	} item[FOUND_MAX];
};

static inline void keep_found(
	void *user, enum conf_severity severity, const char *file, unsigned line, const char *text)
{
	struct found *found = user;

	assert_string_equal(file, "test.conf");
	assert_true(found->n < FOUND_MAX);
	found->n_errors += severity == CONF_SEVERITY_ERROR;
	found->item[found->n].severity = severity;
	found->item[found->n].line = line;
	snprintf(found->item[found->n].text, sizeof(found->item[0].text), "%s", text);
	found->n++;
}

static inline int read_bytes(
	const char *text, size_t len, const char *node, struct conf *conf, struct found *found)
{
	struct conf_report report = { found, keep_found };

	memset(found, 0, sizeof(*found));
	return conf_read("test.conf", text, len, node, &report, conf);
}

static inline int read_as(
	const char *text, const char *node, struct conf *conf, struct found *found)
{
	return read_bytes(text, strlen(text), node, conf, found);
}

static inline void show(const struct found *found)
{
	for (unsigned i = 0; i < found->n; i++)
		print_error("  %u: %s (%d)\n", found->item[i].line, found->item[i].text,
			found->item[i].severity);
}

static inline bool was_found(
	const struct found *found, enum conf_severity severity, unsigned line, const char *part)
{
	for (unsigned i = 0; i < found->n; i++) {
		if (found->item[i].severity == severity && found->item[i].line == line &&
			strstr(found->item[i].text, part) != NULL)
			return true;
	}
	return false;
}

/* Reads what must be accepted. */
static inline void accept_as(const char *text, const char *node, struct conf *conf)
{
	static struct found found;
	int result = read_as(text, node, conf, &found);

	if (result != 0)
		show(&found);
	assert_int_equal(result, 0);
}

static inline void accept_it(const char *text, struct conf *conf)
{
	accept_as(text, "fw1", conf);
}

/* A fault: line `at` of CLUSTER LINK GROUP is replaced by `text`, or text is added when at is 0.
 * It must be found at `line`, as an error whose text has `part` in it, and as the only error. */
struct fault {
	unsigned at;
	const char *text;
	unsigned line;
	const char *part;
};

static inline void with_line(unsigned at, const char *text, char *buf, size_t size)
{
	const char *base = CLUSTER LINK GROUP;
	size_t len = 0;
	unsigned line = 1;

	for (; *base != '\0'; line++) {
		size_t line_len = strcspn(base, "\n");

		if (line == at)
			len += (size_t)snprintf(buf + len, size - len, "%s\n", text);
		else
			len += (size_t)snprintf(
				buf + len, size - len, "%.*s\n", (int)line_len, base);
		base += line_len + 1;
	}
	assert_int_equal(line, LINES + 1);
	if (at == 0)
		len += (size_t)snprintf(buf + len, size - len, "%s\n", text);
	assert_true(len < size);
}

static inline bool fault_is_found(const struct fault *fault, enum conf_severity severity)
{
	static struct conf conf, before;
	static struct found found;
	char text[4096];
	bool error = severity == CONF_SEVERITY_ERROR;

	with_line(fault->at, fault->text, text, sizeof(text));
	memset(&conf, 0x5a, sizeof(conf));
	memset(&before, 0x5a, sizeof(before));
	int result = read_as(text, "fw1", &conf, &found);

	if (was_found(&found, severity, fault->line, fault->part) && found.n_errors == error &&
		result == (error ? -EINVAL : 0) &&
		(memcmp(&conf, &before, sizeof(conf)) == 0) == error)
		return true;
	print_error("wanted: %u: %s\nfound, with result %d:\n", fault->line, fault->part, result);
	show(&found);
	return false;
}

static inline void all_are_found(const struct fault *faults, size_t n, enum conf_severity severity)
{
	bool all = true;

	for (size_t i = 0; i < n; i++)
		all &= fault_is_found(&faults[i], severity);
	assert_true(all);
}

static inline char *load(const char *file_name)
{
	static char text[64 * 1024];
	FILE *file = fopen(file_name, "re");

	assert_non_null(file);
	size_t len = fread(text, 1, sizeof(text) - 1, file);

	assert_true(len > 0 && len < sizeof(text) - 1);
	text[len] = '\0';
	fclose(file);
	return text;
}

#endif
