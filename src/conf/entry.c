/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "entry.h"

#include <string.h>

#include "keyword.h"
#include "suggest.h"
#include "value.h"

struct resolver {
	struct conf_source *source;
	const struct conf_pair *pair;
};

static void entry_refused(struct conf_source *s, struct conf_block *block, struct conf_entry *e,
	const char *found, const char *allowed)
{
	e->ignored = true;
	block->bad = true;
	conf_error(s->findings, e->line, "[%s] %s: found %s, allowed: %s", block->title, e->name,
		found, allowed);
}

static void unknown_key(
	struct conf_source *s, struct conf_block *block, struct conf_entry *e, size_t len)
{
	char text[256] = "";
	struct conf_out out = { text, sizeof(text), 0 };

	for (unsigned i = 0; i < conf_keywords_count; i++) {
		if (conf_keywords[i].section == block->section)
			conf_out_add(&out, "%s%s", out.len > 0 ? ", " : "", conf_keywords[i].key);
	}
	if (out.len == 0)
		conf_out_add(&out, "none in this section");
	conf_suggest_key(block->section, e->name, len, &out);
	entry_refused(s, block, e, len > 0 ? "an unknown key" : "no key", text);
}

/* The NODE of KEY.NODE; false: it is none of the two. */
static bool take_node(
	struct resolver *r, struct conf_block *block, struct conf_entry *e, const char *node)
{
	for (int i = 0; i < CONF_NODES; i++) {
		if (r->pair->known && strcmp(node, r->pair->node[i]) == 0) {
			e->node = i;
			return true;
		}
	}
	e->ignored = true;
	block->bad = true;
	if (r->pair->known)
		conf_error(r->source->findings, e->line,
			"[%s] %s: found node `%s`, allowed: %s, %s", block->title, e->name, node,
			r->pair->node[0], r->pair->node[1]);
	return false;
}

static bool take_keyword(struct resolver *r, struct conf_block *block, struct conf_entry *e)
{
	size_t len = strcspn(e->name, ".");
	int keyword = conf_keyword_find(block->section, e->name, len);

	if (keyword < 0) {
		unknown_key(r->source, block, e, len);
		return false;
	}
	e->keyword = (unsigned)keyword;
	if (e->name[len] == '.')
		return take_node(r, block, e, e->name + len + 1);
	if (conf_keywords[keyword].per_node == CONF_PER_NODE_ONLY) {
		entry_refused(r->source, block, e, "no node", "KEY.NODE, one line for each node");
		return false;
	}
	return true;
}

static void value_refused(struct conf_source *s, struct conf_block *block, struct conf_entry *e,
	const char *value, const char *why)
{
	e->ignored = true;
	block->bad = true;
	conf_error(s->findings, e->line, "[%s] %s: found %s%s%s, allowed: %s%s%s%s", block->title,
		e->name, value[0] != '\0' ? "`" : "", value[0] != '\0' ? value : "nothing",
		value[0] != '\0' ? "`" : "", conf_keywords[e->keyword].allowed,
		why[0] != '\0' ? " (" : "", why, why[0] != '\0' ? ")" : "");
}

static void check_value(struct conf_source *s, struct conf_block *block, struct conf_entry *e)
{
	const struct conf_keyword *keyword = &conf_keywords[e->keyword];
	const char *cursor = e->value;
	char item[CONF_VALUE_TEXT_MAX];

	while (conf_value_next(keyword, &cursor, item)) {
		struct conf_value value;
		const char *why = conf_value_read(keyword, item, &value);

		if (why != NULL)
			value_refused(s, block, e, item, why);
	}
}

/* Slots of `seen`: the plain line, and one for each node. */
static void refuse_second(struct conf_source *s, struct conf_block *block, struct conf_entry *e,
	unsigned (*seen)[1 + CONF_NODES])
{
	unsigned *first = &seen[e->keyword][1 + e->node];

	if (*first == 0) {
		*first = e->line;
	} else if (!conf_keywords[e->keyword].repeatable) {
		e->ignored = true;
		block->bad = true;
		conf_error(s->findings, e->line,
			"[%s] %s: found a second time, allowed: once (see line %u)", block->title,
			e->name, *first);
	}
}

static void resolve_lines(struct resolver *r, struct conf_block *block)
{
	unsigned seen[KEYWORDS][1 + CONF_NODES] = { { 0 } };

	for (unsigned i = 0; i < block->n_entries; i++) {
		struct conf_entry *e = &r->source->entry[block->first_entry + i];

		if (!take_keyword(r, block, e))
			continue;
		refuse_second(r->source, block, e, seen);
		check_value(r->source, block, e);
	}
}

static void require(struct resolver *r, struct conf_block *block, unsigned keyword)
{
	bool missing[CONF_NODES];

	for (int i = 0; i < CONF_NODES; i++)
		missing[i] = conf_source_find(r->source, block, keyword, i) == NULL;
	if (!missing[0] && !missing[1])
		return;
	const char *node = missing[0] && missing[1] ? "" : r->pair->node[missing[0] ? 0 : 1];

	block->bad = true;
	conf_error(r->source->findings, block->line, "[%s] %s: found nothing%s%s, allowed: %s",
		block->title, conf_keywords[keyword].key, node[0] != '\0' ? " for " : "", node,
		conf_keywords[keyword].allowed);
}

/* `auto` and `none` of a list stand alone. */
static void check_list(struct resolver *r, struct conf_block *block, unsigned keyword, int node)
{
	struct conf_lines lines = conf_lines_of(r->source, block, keyword, node);
	const struct conf_entry *e, *word_at = NULL;
	unsigned n = 0;

	while ((e = conf_lines_next(&lines)) != NULL) {
		const char *cursor = e->value;
		char item[CONF_VALUE_TEXT_MAX];

		for (; conf_value_next(&conf_keywords[keyword], &cursor, item); n++) {
			if (strcmp(item, "auto") == 0 || strcmp(item, "none") == 0)
				word_at = e;
		}
	}
	if (word_at == NULL || n < 2)
		return;
	block->bad = true;
	conf_error(r->source->findings, word_at->line,
		"[%s] %s: found `%s` with others beside it, allowed: %s", block->title,
		word_at->name, word_at->value, conf_keywords[keyword].allowed);
}

static void text_for(const struct conf_source *s, const struct conf_block *block, unsigned keyword,
	int node, char text[CONF_VALUE_TEXT_MAX])
{
	const struct conf_keyword *row = &conf_keywords[keyword];
	const struct conf_entry *e = conf_source_find(s, block, keyword, node);
	struct conf_value value = { 0 };

	conf_value_read(row, e != NULL ? e->value : row->default_text, &value);
	conf_value_print(row, &value, text);
}

/* What the nodes must have in common. */
static void check_same(struct resolver *r, struct conf_block *block, unsigned keyword)
{
	char text[CONF_NODES][CONF_VALUE_TEXT_MAX];

	for (int i = 0; i < CONF_NODES; i++)
		text_for(r->source, block, keyword, i, text[i]);
	if (strcmp(text[0], text[1]) == 0)
		return;
	block->bad = true;
	conf_error(r->source->findings, conf_source_line(r->source, block, keyword, 1),
		"[%s] %s: found `%s` for %s and `%s` for %s, allowed: the same for both",
		block->title, conf_keywords[keyword].key, text[0], r->pair->node[0], text[1],
		r->pair->node[1]);
}

static void check_block(struct resolver *r, struct conf_block *block)
{
	for (unsigned i = 0; i < KEYWORDS; i++) {
		if (conf_keywords[i].section != block->section)
			continue;
		if (conf_keywords[i].required)
			require(r, block, i);
		if (conf_value_is_list(&conf_keywords[i])) {
			for (int node = 0; node < CONF_NODES; node++)
				check_list(r, block, i, node);
		}
		if (conf_keywords[i].per_node == CONF_PER_NODE_SAME && !block->bad)
			check_same(r, block, i);
	}
}

void conf_entries_resolve(struct conf_source *s, const struct conf_pair *pair)
{
	struct resolver r = { .source = s, .pair = pair };

	for (unsigned i = 0; i < s->n_blocks; i++) {
		struct conf_block *block = &s->block[i];

		if (block->unknown)
			continue;
		resolve_lines(&r, block);
		if (pair->known && !block->bad)
			check_block(&r, block);
	}
}
