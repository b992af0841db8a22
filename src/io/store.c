/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store.h"
#include "store_file.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_NAME "state"
#define STATE_NEW_NAME "state.new"
#define STATE_DAMAGED_NAME "state.damaged"
#define VERSION_WORD "nsrpd-state"

enum {
	VERSION = 1,
	STATE_MAX = 4096, /* bytes of the file; ours has at most half of it */
	CHECK_LEN = 8,    /* hexadecimal digits */
};

/* CRC-32 as Ethernet has it. */
static uint32_t crc_of(const char *bytes, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= (unsigned char)bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	return ~crc;
}

/* What was whole in the file. */
struct reading {
	struct node_saved saved;
	bool has_version, has_term, has_maintenance;
	bool damaged;
};

/* Ends the line at the ` #` and true when the check sum behind it is right. */
static bool check_line(char *line)
{
	char *mark = strrchr(line, '#');
	char *end;

	if (!mark || mark == line || mark[-1] != ' ' || strlen(mark + 1) != CHECK_LEN)
		return false;
	uintmax_t check = strtoumax(mark + 1, &end, 16);

	mark[-1] = '\0';
	return *end == '\0' && check == crc_of(line, strlen(line));
}

/* Reads a number up to `max` and moves on behind it. */
static bool take_number(const char **text, uintmax_t max, uintmax_t *ret_number)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	uintmax_t number = strtoumax(*text, &end, 10);

	if (errno || number > max)
		return false;
	*text = *end == ' ' ? end + 1 : end;
	*ret_number = number;
	return true;
}

static bool take_maintenance(const char *text, struct node_saved *saved)
{
	uint8_t ids[CONF_GROUPS_MAX] = { 0 };
	uint8_t n = 0;
	uintmax_t id;

	while (*text != '\0') {
		if (n == CONF_GROUPS_MAX || !take_number(&text, UINT8_MAX, &id))
			return false;
		ids[n++] = (uint8_t)id;
	}
	memcpy(saved->maintenance, ids, n);
	saved->n_maintenance = n;
	return true;
}

/* A name that is not known is a later release's. */
static void take_consent(const char *name, struct node_saved *saved)
{
	for (unsigned i = 0; i < DOCUMENTS; i++) {
		if (strcmp(document_kind_name(document_kind_at(i)), name) == 0)
			saved->document[i].consent = true;
	}
}

/* A name and the boot that it is true of. */
static void take_started(const char *text, struct node_saved *saved)
{
	char boot[STORE_BOOT_LEN + 1];
	const char *of = strchr(text, ' ');

	if (!of || store_boot(boot) != 0 || strcmp(of + 1, boot) != 0)
		return;
	for (unsigned i = 0; i < DOCUMENTS; i++) {
		const char *name = document_kind_name(document_kind_at(i));

		if (strlen(name) == (size_t)(of - text) && strncmp(name, text, strlen(name)) == 0)
			saved->document[i].started = true;
	}
}

/* The value behind the word, or NULL when the line has another. */
static const char *value_of(const char *line, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(line, word, len) != 0 || (line[len] != ' ' && line[len] != '\0'))
		return NULL;
	return line[len] == ' ' ? line + len + 1 : line + len;
}

/* False: the line is damaged. */
static bool take_line(char *line, struct reading *r)
{
	const char *value;
	uintmax_t number;

	if (!check_line(line))
		return false;
	value = value_of(line, VERSION_WORD);
	if (value) {
		r->has_version = take_number(&value, VERSION, &number) && number == VERSION;
		return r->has_version;
	}
	value = value_of(line, "term");
	if (value) {
		r->has_term = take_number(&value, UINT32_MAX, &number) && *value == '\0';
		r->saved.term = r->has_term ? (uint32_t)number : 0;
		return r->has_term;
	}
	value = value_of(line, "maintenance");
	if (value) {
		r->has_maintenance = take_maintenance(value, &r->saved);
		return r->has_maintenance;
	}
	value = value_of(line, "mirrored");
	if (value)
		take_consent(value, &r->saved);
	value = value_of(line, "started");
	if (value)
		take_started(value, &r->saved);
	return true;
}

/* Without the version line nothing is known of what the others mean. */
static void read_state(char *text, struct reading *r)
{
	char *next;

	memset(r, 0, sizeof(*r));
	for (char *line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		if (!take_line(line, r))
			r->damaged = true;
		if (!r->has_version)
			break;
	}
	if (!r->has_version || !r->has_term || !r->has_maintenance)
		r->damaged = true;
}

static const char *damage_text(const struct reading *r)
{
	if (r->has_term && r->has_maintenance)
		return "term and maintenance are whole";
	if (r->has_term)
		return "maintenance is lost, and off for all groups; the term is whole";
	if (r->has_maintenance)
		return "the term is lost and begins at 0; maintenance is whole";
	return "term and maintenance are lost: 0, and off for all groups";
}

/* What was whole is written back: it would be lost at the next start. */
static void keep_damaged(const char *statedir, const struct log *log, const struct reading *r)
{
	log_err(log, "state: %s/" STATE_NAME " is damaged: %s", statedir, damage_text(r));
	int error = store_rename(statedir, STATE_NAME, STATE_DAMAGED_NAME);

	if (error) {
		log_err(log, "state: the damaged file cannot be kept as " STATE_DAMAGED_NAME ": %s",
			strerror(-error));
		return;
	}
	log_info(log, "state: the damaged file is kept as %s/" STATE_DAMAGED_NAME, statedir);
	error = store_save(statedir, &r->saved);
	if (error)
		log_err(log, "state: %s/" STATE_NAME " cannot be written: %s", statedir,
			strerror(-error));
}

int store_load(const char *statedir, const struct log *log, struct node_saved *ret_saved)
{
	char text[STATE_MAX + 1];
	size_t len = 0;
	struct reading r;
	int error = store_read(statedir, STATE_NAME, text, STATE_MAX, &len);

	memset(ret_saved, 0, sizeof(*ret_saved));
	if (error == -ENOENT)
		return 0;
	if (error) {
		log_err(log, "state: %s/" STATE_NAME " cannot be read: %s", statedir,
			strerror(-error));
		return error;
	}
	text[len] = '\0';
	bool is_odd = len == STATE_MAX || strlen(text) != len;

	read_state(text, &r);
	if (r.damaged || is_odd)
		keep_damaged(statedir, log, &r);
	*ret_saved = r.saved;
	return 0;
}

/* A text that is put together. */
struct draft {
	char text[STATE_MAX];
	size_t len, line; /* where the present line begins */
};

static void draft_add(struct draft *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void draft_add(struct draft *d, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
	int len = vsnprintf(d->text + d->len, sizeof(d->text) - d->len, format, arguments);
	va_end(arguments);
	d->len += (size_t)len;
	assert(len >= 0 && d->len < sizeof(d->text));
}

static void draft_end_line(struct draft *d)
{
	draft_add(d, " #%08" PRIx32 "\n", crc_of(d->text + d->line, d->len - d->line));
	d->line = d->len;
}

bool store_differs(const struct node_saved *a, const struct node_saved *b)
{
	bool differ = a->term != b->term || a->n_maintenance != b->n_maintenance ||
		      memcmp(a->maintenance, b->maintenance, a->n_maintenance) != 0;

	for (unsigned i = 0; i < DOCUMENTS; i++)
		differ |= a->document[i].consent != b->document[i].consent ||
			  a->document[i].started != b->document[i].started;
	return differ;
}

static void draft_documents(struct draft *d, const struct node_saved *saved)
{
	char boot[STORE_BOOT_LEN + 1];
	bool has_boot = store_boot(boot) == 0;

	for (unsigned i = 0; i < DOCUMENTS; i++) {
		const char *name = document_kind_name(document_kind_at(i));

		if (saved->document[i].consent) {
			draft_add(d, "mirrored %s", name);
			draft_end_line(d);
		}
		if (saved->document[i].started && has_boot) {
			draft_add(d, "started %s %s", name, boot);
			draft_end_line(d);
		}
	}
}

int store_save(const char *statedir, const struct node_saved *saved)
{
	struct draft d = { .len = 0 };

	draft_add(&d, VERSION_WORD " %d", VERSION);
	draft_end_line(&d);
	draft_add(&d, "term %" PRIu32, saved->term);
	draft_end_line(&d);
	draft_add(&d, "maintenance");
	for (unsigned i = 0; i < saved->n_maintenance; i++)
		draft_add(&d, " %u", saved->maintenance[i]);
	draft_end_line(&d);
	draft_documents(&d, saved);
	return store_replace(statedir, STATE_NAME, STATE_NEW_NAME, d.text, d.len);
}
