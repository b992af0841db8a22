/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "digest.h"

#include <string.h>

#include "keyword.h"
#include "value.h"

static const uint64_t fnv_offset = 0xcbf29ce484222325, fnv_prime = 0x100000001b3;

/* With its NUL, so that two texts are never taken for two others. */
static void add_text(uint64_t *digest, const char *text)
{
	size_t len = strlen(text) + 1;

	for (size_t i = 0; i < len; i++)
		*digest = (*digest ^ (uint8_t)text[i]) * fnv_prime;
}

static void add_record(uint64_t *digest, const struct conf_block *block, const char *key,
	const char *node, const char *value)
{
	add_text(digest, conf_section_name(block->section));
	add_text(digest, block->name);
	add_text(digest, key);
	add_text(digest, node);
	add_text(digest, value);
}

static void add_lines(uint64_t *digest, const struct conf_source *s, const struct conf_pair *pair,
	const struct conf_block *block, unsigned keyword, int node)
{
	const struct conf_keyword *row = &conf_keywords[keyword];
	struct conf_lines lines = conf_lines_of(s, block, keyword, node);
	const struct conf_entry *e;
	char plain[CONF_VALUE_TEXT_MAX] = "";
	struct conf_value value = { 0 };

	if (row->default_text != NULL && conf_value_read(row, row->default_text, &value) == NULL)
		conf_value_print(row, &value, plain);
	while ((e = conf_lines_next(&lines)) != NULL) {
		const char *cursor = e->value;
		char text[CONF_VALUE_TEXT_MAX];

		while (conf_value_next(row, &cursor, text)) {
			conf_value_read(row, text, &value);
			conf_value_print(row, &value, text);
			if (strcmp(text, plain) != 0)
				add_record(digest, block, row->key, pair->node[node], text);
		}
	}
}

static void add_block(uint64_t *digest, const struct conf_source *s, const struct conf_pair *pair,
	const struct conf_block *block)
{
	if (block->name[0] != '\0')
		add_record(digest, block, "", "", "");
	for (unsigned i = 0; i < KEYWORDS; i++) {
		if (conf_keywords[i].section != block->section)
			continue;
		for (int node = 0; node < CONF_NODES; node++)
			add_lines(digest, s, pair, block, i, node);
	}
}

/* The block of the section whose name comes next behind `last`'s (NULL: the first). */
static const struct conf_block *next_by_name(
	const struct conf_source *s, enum conf_section section, const struct conf_block *last)
{
	const struct conf_block *next = NULL;

	for (unsigned i = 0; i < s->n_blocks; i++) {
		const struct conf_block *b = &s->block[i];

		if (b->section != section || (last != NULL && strcmp(b->name, last->name) <= 0))
			continue;
		if (next == NULL || strcmp(b->name, next->name) < 0)
			next = b;
	}
	return next;
}

uint64_t conf_digest(const struct conf_source *s, const struct conf_pair *pair)
{
	uint64_t digest = fnv_offset;

	for (unsigned i = 0; i < CONF_SECTIONS; i++) {
		const struct conf_block *block = NULL;

		while ((block = next_by_name(s, (enum conf_section)i, block)) != NULL)
			add_block(&digest, s, pair, block);
	}
	return digest;
}
