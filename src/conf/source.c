/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "source.h"

#include <assert.h>
#include <errno.h>
#include <ini.h>
#include <string.h>

#include "utf8.h"

enum { INI_NO_MEMORY = -2 };

struct line {
	const char *text;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *keep(struct conf_source *s, const char *text, size_t len)
{
	char *kept = s->store + s->stored;

	assert(s->stored + len + 1 <= s->len + 1);
	memcpy(kept, text, len);
	kept[len] = '\0';
	s->stored += len + 1;
	return kept;
}

/* The next line without its end; false at the end of the text. */
static bool take_line(struct conf_source *s, struct line *ret_line)
{
	if (s->at == s->len)
		return false;

	const char *start = s->text + s->at;
	const char *end = memchr(start, '\n', s->len - s->at);
	size_t len = end != NULL ? (size_t)(end - start) : s->len - s->at;

	s->at += len + (end != NULL);
	s->n_lines++;
	if (len > 0 && start[len - 1] == '\r')
		len--;
	*ret_line = (struct line){ start, len };
	return true;
}

static bool line_is_clean(struct conf_source *s, struct line line)
{
	if (line.len > CONF_LINE_MAX) {
		conf_error(s->findings, s->n_lines,
			"found a line of %zu bytes, allowed: %d at most", line.len, CONF_LINE_MAX);
		return false;
	}
	size_t bad_at = conf_utf8_bad_at(line.text, line.len);

	if (bad_at < line.len)
		conf_error(s->findings, s->n_lines,
			"found byte 0x%02x at column %zu, allowed: UTF-8 without control "
			"characters",
			(uint8_t)line.text[bad_at], bad_at + 1);
	return bad_at == line.len;
}

static struct line trimmed(struct line line)
{
	while (line.len > 0 && is_blank(line.text[0])) {
		line.text++;
		line.len--;
	}
	while (line.len > 0 && is_blank(line.text[line.len - 1]))
		line.len--;
	return line;
}

static void block_starts(struct conf_source *s, const char *title, size_t len)
{
	if (s->n_blocks == CONF_BLOCKS_MAX) {
		conf_error(s->findings, s->n_lines,
			"found more than %d sections, allowed: %d; the rest is not read",
			CONF_BLOCKS_MAX, CONF_BLOCKS_MAX);
		s->full = true;
		return;
	}
	s->block[s->n_blocks++] = (struct conf_block){
		.line = s->n_lines,
		.title = keep(s, title, len),
		.first_entry = s->n_entries,
	};
}

/* So that the lines below a broken section line are not taken for the section before. */
static void unknown_block_starts(struct conf_source *s)
{
	block_starts(s, "", 0);
	if (!s->full)
		s->block[s->n_blocks - 1].unknown = true;
}

/* A line that starts with `[`. */
static void section_heard(struct conf_source *s, struct line line)
{
	const char *close = memchr(line.text, ']', line.len);

	if (close == NULL) {
		unknown_block_starts(s);
		conf_error(s->findings, s->n_lines, "found `%.*s`, allowed: [SECTION] with its `]`",
			(int)line.len, line.text);
		return;
	}
	size_t used = (size_t)(close + 1 - line.text);
	struct line title = trimmed((struct line){ line.text + 1, used - 2 });
	struct line rest = trimmed((struct line){ close + 1, line.len - used });

	block_starts(s, title.text, title.len);
	if (rest.len > 0 && rest.text[0] != ';')
		conf_error(s->findings, s->n_lines,
			"found `%.*s` behind [%.*s], allowed: nothing, or a comment after `;`",
			(int)rest.len, rest.text, (int)title.len, title.text);
}

/* inih took no handler call for the line: it is none of INI's forms. */
static void pending_refused(struct conf_source *s)
{
	if (s->pending_len > 0)
		conf_error(s->findings, s->n_lines,
			"found `%.*s`, allowed: KEY = VALUE, [SECTION], or a comment after `;` or "
			"`#`",
			(int)s->pending_len, s->pending);
	s->pending_len = 0;
}

/* The next line that inih shall see, as fgets would give it. */
static char *reader(char *buf, int size, void *user)
{
	struct conf_source *s = user;
	struct line line;

	pending_refused(s);
	while (!s->full && take_line(s, &line)) {
		bool clean = line_is_clean(s, line);

		line = trimmed(line);
		if (!clean) {
			if (line.len > 0 && line.text[0] == '[')
				unknown_block_starts(s);
			continue;
		}
		if (line.len == 0 || line.text[0] == ';' || line.text[0] == '#')
			continue;
		if (line.text[0] == '[') {
			section_heard(s, line);
			continue;
		}
		assert(line.len < (size_t)size);
		memcpy(buf, line.text, line.len);
		buf[line.len] = '\0';
		s->pending = line.text;
		s->pending_len = (unsigned)line.len;
		return buf;
	}
	return NULL;
}

static void entry_heard(struct conf_source *s, const char *name, const char *value)
{
	if (s->n_blocks == 0) { /* not quoted: a key file taken for this one looks so */
		conf_error(s->findings, s->n_lines,
			"found a value before any section, allowed: a [SECTION] first");
		return;
	}
	if (s->n_entries == CONF_ENTRIES_MAX) {
		conf_error(s->findings, s->n_lines,
			"found more than %d lines with a value, allowed: %d; the rest is not read",
			CONF_ENTRIES_MAX, CONF_ENTRIES_MAX);
		s->full = true;
		return;
	}
	const char *kept_name = keep(s, name, strlen(name));

	s->entry[s->n_entries++] = (struct conf_entry){
		.line = s->n_lines,
		.name = kept_name,
		.value = keep(s, value, strlen(value)),
		.node = CONF_NO_NODE,
	};
	s->block[s->n_blocks - 1].n_entries++;
}

static int handler(void *user, const char *section, const char *name, const char *value)
{
	struct conf_source *s = user;

	(void)section; /* inih cuts long names; ours come from section_heard() */
	s->pending_len = 0;
	entry_heard(s, name, value);
	return 1;
}

int conf_source_read(struct conf_source *s, const char *text, size_t len, char *store,
	struct conf_findings *findings)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	size_t mark_len = sizeof(byte_order_mark) - 1;

	s->findings = findings;
	s->n_lines = s->n_blocks = s->n_entries = 0;
	s->text = text;
	s->len = len;
	s->at = len >= mark_len && memcmp(text, byte_order_mark, mark_len) == 0 ? mark_len : 0;
	s->full = false;
	s->pending_len = 0;
	s->store = store;
	s->stored = 0;

	int result = ini_parse_stream(reader, s, handler, s);

	return result == INI_NO_MEMORY ? -ENOMEM : 0;
}

struct conf_lines conf_lines_of(
	const struct conf_source *s, const struct conf_block *block, unsigned keyword, int node)
{
	unsigned end = block->first_entry + block->n_entries;
	int wanted = CONF_NO_NODE;

	for (unsigned i = block->first_entry; i < end; i++) {
		const struct conf_entry *e = &s->entry[i];

		if (!e->ignored && e->keyword == keyword && e->node == node)
			wanted = node;
	}
	return (struct conf_lines){ s, block->first_entry, end, keyword, wanted };
}

const struct conf_entry *conf_lines_next(struct conf_lines *lines)
{
	while (lines->at < lines->end) {
		const struct conf_entry *e = &lines->source->entry[lines->at++];

		if (!e->ignored && e->keyword == lines->keyword && e->node == lines->node)
			return e;
	}
	return NULL;
}

const struct conf_entry *conf_source_find(
	const struct conf_source *s, const struct conf_block *block, unsigned keyword, int node)
{
	struct conf_lines lines = conf_lines_of(s, block, keyword, node);

	return conf_lines_next(&lines);
}

unsigned conf_source_line(
	const struct conf_source *s, const struct conf_block *block, unsigned keyword, int node)
{
	const struct conf_entry *entry = conf_source_find(s, block, keyword, node);

	return entry != NULL ? entry->line : block->line;
}
