/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "section.h"

#include <string.h>

#include "keyword.h"
#include "suggest.h"
#include "token.h"
#include "value.h"

static const char name_text[] = "1 to 31 letters, digits, `.`, `_`, `-`";

static void block_refused(
	struct conf_source *s, struct conf_block *block, const char *found, const char *allowed)
{
	block->bad = true;
	conf_error(s->findings, block->line, "[%s]: found %s, allowed: %s", block->title, found,
		allowed);
}

static void unknown_section(struct conf_source *s, struct conf_block *block, struct conf_token word)
{
	char text[256] = "";
	struct conf_out out = { text, sizeof(text), 0 };

	for (unsigned i = 0; i < CONF_SECTIONS; i++) {
		const char *argument = conf_section_argument((enum conf_section)i);

		conf_out_add(&out, "%s[%s%s%s]", i > 0 ? ", " : "",
			conf_section_name((enum conf_section)i), argument != NULL ? " " : "",
			argument != NULL ? argument : "");
	}
	conf_suggest_section(word.text, word.len, &out);
	block->unknown = true;
	block_refused(s, block, "an unknown section", text);
}

/* A node's, link's, monitor's or logical interface's name. */
static void take_name(struct conf_source *s, struct conf_block *block, struct conf_token name)
{
	bool is_interface = block->section == CONF_SECTION_INTERFACE;

	if (!conf_value_is_name(name.text, name.len)) {
		block_refused(s, block, "that name", name_text);
		return;
	}
	memcpy(block->name, name.text, name.len);
	if (is_interface && name.len >= CONF_DEVICE_MAX)
		block_refused(
			s, block, "a name too long for an interface", "15 characters at most");
	if (is_interface && (conf_token_is(name, "auto") || conf_token_is(name, "none")))
		block_refused(s, block, "a word that lists of interfaces use", "another name");
	if (block->section == CONF_SECTION_NODE && conf_keyword_is_word(block->name))
		block_refused(s, block, "a keyword", "a name that is no section's and no key's");
}

static void take_argument(struct conf_source *s, struct conf_block *block, struct conf_token word)
{
	uint32_t id;

	if (block->section != CONF_SECTION_GROUP) {
		take_name(s, block, word);
	} else if (conf_value_number(word.text, word.len, &id) && id <= 255) {
		block->id = id;
		memcpy(block->name, word.text, word.len);
	} else {
		block_refused(s, block, "that id", "0 to 255");
	}
}

static void resolve_title(struct conf_source *s, struct conf_block *block)
{
	const char *cursor = block->title;
	struct conf_token word = { cursor, 0 }, argument;
	int section = -1;

	if (conf_token_next(&cursor, &word))
		section = conf_section_find(word.text, word.len);
	if (section < 0) {
		unknown_section(s, block, word);
		return;
	}
	block->section = (enum conf_section)section;
	bool wants = conf_section_argument(block->section) != NULL;
	bool has = conf_token_next(&cursor, &argument);

	if (has && !wants)
		block_refused(s, block, "a name", "none for this section");
	else if (!has && wants)
		block_refused(s, block, "no name",
			block->section == CONF_SECTION_GROUP ? "an id, 0 to 255" : name_text);
	else if (has)
		take_argument(s, block, argument);
	if (has && wants && conf_token_next(&cursor, &argument))
		block_refused(s, block, "more than one name", "one");
}

static void refuse_second(struct conf_source *s, struct conf_block *block)
{
	for (const struct conf_block *b = s->block; b < block; b++) {
		if (b->unknown || b->section != block->section || strcmp(b->name, block->name) != 0)
			continue;
		block->bad = true;
		conf_error(s->findings, block->line,
			"[%s]: found the section a second time, allowed: once (see line %u)",
			block->title, b->line);
		return;
	}
}

static void find_pair(struct conf_source *s, struct conf_pair *pair)
{
	unsigned n = 0, line = s->n_lines > 0 ? s->n_lines : 1;
	bool sound = true;

	for (unsigned i = 0; i < s->n_blocks; i++) {
		const struct conf_block *block = &s->block[i];

		if (block->unknown || block->section != CONF_SECTION_NODE)
			continue;
		if (n < CONF_NODES)
			pair->node[n] = block->name;
		else if (n == CONF_NODES)
			line = block->line;
		sound &= !block->bad;
		n++;
	}
	pair->known = sound && n == CONF_NODES;
	if (n != CONF_NODES) {
		conf_error(s->findings, line, "found %u [node NAME] sections, allowed: exactly two",
			n);
	} else if (strcmp(pair->node[0], pair->node[1]) > 0) {
		const char *first = pair->node[0];

		pair->node[0] = pair->node[1];
		pair->node[1] = first;
	}
}

static void require(struct conf_source *s, enum conf_section section, const char *allowed)
{
	for (unsigned i = 0; i < s->n_blocks; i++) {
		if (!s->block[i].unknown && s->block[i].section == section)
			return;
	}
	conf_error(s->findings, s->n_lines > 0 ? s->n_lines : 1,
		"found no [%s] section to the end, allowed: %s", conf_section_name(section),
		allowed);
}

void conf_sections_resolve(struct conf_source *s, struct conf_pair *ret_pair)
{
	for (unsigned i = 0; i < s->n_blocks; i++) {
		struct conf_block *block = &s->block[i];

		if (block->unknown)
			continue;
		resolve_title(s, block);
		if (!block->bad)
			refuse_second(s, block);
	}
	find_pair(s, ret_pair);
	require(s, CONF_SECTION_CLUSTER, "one");
	require(s, CONF_SECTION_LINK, "1 to 4");
	require(s, CONF_SECTION_GROUP, "1 to 64");
}

const struct conf_block *conf_section_group(const struct conf_source *s, unsigned id)
{
	for (unsigned i = 0; i < s->n_blocks; i++) {
		const struct conf_block *block = &s->block[i];

		if (!block->unknown && block->section == CONF_SECTION_GROUP &&
			block->name[0] != '\0' && block->id == id)
			return block;
	}
	return NULL;
}
