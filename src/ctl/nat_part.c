/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nat_part.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static bool is_word(const json_t *value, const char *word)
{
	const char *text = json_string_value(value);

	return text && strcmp(text, word) == 0;
}

static bool number(const json_t *value, uint32_t *ret)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || n > UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* ---- names --------------------------------------------------------------------------------- */

bool nat_part_chain(const json_t *chain, struct ruleset_chain *ret)
{
	ret->family = json_string_value(json_object_get(chain, "family"));
	ret->table = json_string_value(json_object_get(chain, "table"));
	ret->chain = json_string_value(json_object_get(chain, "name"));
	return ret->family && ret->table && ret->chain;
}

static bool is_in_table(const json_t *object, const struct ruleset_chain *chain)
{
	return is_word(json_object_get(object, "family"), chain->family) &&
	       is_word(json_object_get(object, "table"), chain->table);
}

bool nat_part_is_in(const json_t *rule, const struct ruleset_chain *chain)
{
	return is_in_table(rule, chain) && is_word(json_object_get(rule, "chain"), chain->chain);
}

void nat_part_where(const struct ruleset_chain *chain, char text[NAT_TEXT_MAX])
{
	(void)snprintf(text, NAT_TEXT_MAX, "%s %s %s", chain->family, chain->table, chain->chain);
}

const json_t *nat_part_find_map(
	const json_t *list, const struct ruleset_chain *chain, const char *name)
{
	const json_t *object;
	size_t i;

	json_array_foreach(list, i, object)
	{
		const json_t *map = json_object_get(object, "map");

		if (map && is_in_table(map, chain) && is_word(json_object_get(map, "name"), name))
			return map;
	}
	return NULL;
}

const json_t *nat_part_element(const json_t *element)
{
	const json_t *value = json_object_get(json_object_get(element, "elem"), "val");

	return value ? value : element;
}

bool nat_part_has_word(const json_t *value, const char *word)
{
	const json_t *one;
	size_t i;

	json_array_foreach(value, i, one)
	{
		if (is_word(one, word))
			return true;
	}
	return is_word(value, word);
}

/* `[FAMILY] TABLE[/SET]`, as nsrpd.conf has it. */
static bool names(const char *entry, const char *family, const char *table, const char *set)
{
	const char *blank = strchr(entry, ' '), *name = blank ? blank + strspn(blank, " ") : entry;
	const char *slash = strchr(name, '/');
	size_t len = slash ? (size_t)(slash - name) : strlen(name);

	if (blank && (strlen(family) != (size_t)(blank - entry) ||
			     strncmp(entry, family, strlen(family)) != 0))
		return false;
	if (strlen(table) != len || strncmp(name, table, len) != 0)
		return false;
	return !slash || (set && strcmp(slash + 1, set) == 0);
}

bool nat_part_is_own(
	const struct conf_mirror *mirror, const char *family, const char *table, const char *set)
{
	for (unsigned i = 0; i < mirror->n_local; i++) {
		if (names(mirror->local[i], family, table, set))
			return true;
	}
	return false;
}

/* ---- marks --------------------------------------------------------------------------------- */

static bool whole_mark(const json_t *key, enum nat_mark *ret)
{
	static const char *const names_of[NAT_MARKS] = {
		[NAT_MARK_PACKET] = "meta", [NAT_MARK_SESSION] = "ct"
	};

	for (unsigned m = 0; m < NAT_MARKS; m++) {
		if (is_word(json_object_get(json_object_get(key, names_of[m]), "key"), "mark")) {
			*ret = (enum nat_mark)m;
			return true;
		}
	}
	return false;
}

bool nat_part_mark(const json_t *key, enum nat_mark *ret_mark, uint32_t *ret_mask)
{
	const json_t *masked = json_object_get(key, "&");

	*ret_mask = UINT32_MAX;
	if (whole_mark(key, ret_mark))
		return true;
	return whole_mark(json_array_get(masked, 0), ret_mark) &&
	       number(json_array_get(masked, 1), ret_mask);
}

bool nat_part_bits(const json_t *value, struct nat_bits *ret)
{
	const json_t *prefix = json_object_get(value, "prefix");
	uint32_t len;

	if (number(value, &ret->value))
		return true;
	if (!number(json_object_get(prefix, "addr"), &ret->value) ||
		!number(json_object_get(prefix, "len"), &len) || len > 32)
		return false;
	ret->mask &= len > 0 ? UINT32_MAX << (32 - len) : 0;
	return true;
}

bool nat_part_is_source(const json_t *key)
{
	return is_word(json_object_get(json_object_get(key, "payload"), "field"), "saddr");
}

/* The bits of `mark` that setting it to `value` changes. */
static uint32_t changed_bits(enum nat_mark mark, const json_t *value)
{
	const json_t *with = json_object_get(value, "|");
	uint32_t added = 0, kept = UINT32_MAX;
	enum nat_mark of;

	if (with && !number(json_array_get(with, 1), &added))
		return UINT32_MAX;
	if (!nat_part_mark(with ? json_array_get(with, 0) : value, &of, &kept) || of != mark)
		return UINT32_MAX;
	return ~kept | added;
}

void nat_part_own_bits(
	const json_t *list, const struct conf_mirror *mirror, uint32_t ret_bits[NAT_MARKS])
{
	const json_t *object, *statement;
	size_t i, s;

	memset(ret_bits, 0, NAT_MARKS * sizeof(*ret_bits));
	json_array_foreach(list, i, object)
	{
		const json_t *rule = json_object_get(object, "rule");
		const char *family = json_string_value(json_object_get(rule, "family"));
		const char *table = json_string_value(json_object_get(rule, "table"));

		if (!family || !table || !nat_part_is_own(mirror, family, table, NULL))
			continue;
		const json_t *statements = json_object_get(rule, "expr");

		json_array_foreach(statements, s, statement)
		{
			const json_t *set = json_object_get(statement, "mangle");
			enum nat_mark mark;

			if (whole_mark(json_object_get(set, "key"), &mark))
				ret_bits[mark] |= changed_bits(mark, json_object_get(set, "value"));
		}
	}
}

/* ---- addresses and ports ------------------------------------------------------------------- */

static bool address(const json_t *value, struct conf_ip *ret)
{
	const char *text = json_string_value(value);

	*ret = (struct conf_ip){ .family = 0 };
	if (!text)
		return false;
	ret->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton(ret->family, text, ret->bytes) == 1;
}

static bool network(const json_t *prefix, struct nat_translation *ret)
{
	uint32_t len;

	if (!address(json_object_get(prefix, "addr"), &ret->first) ||
		!number(json_object_get(prefix, "len"), &len))
		return false;
	uint32_t bits = ret->first.family == AF_INET ? 32 : 128;

	ret->last = ret->first;
	for (uint32_t bit = len; bit < bits; bit++) {
		ret->first.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		ret->last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	return len <= bits;
}

bool nat_part_address(const json_t *value, struct nat_translation *ret)
{
	const json_t *range = json_object_get(value, "range");
	const json_t *prefix = json_object_get(value, "prefix");

	if (!value)
		return true;
	if (prefix) {
		if (!network(prefix, ret))
			return false;
	} else if (!address(range ? json_array_get(range, 0) : value, &ret->first) ||
		   !address(range ? json_array_get(range, 1) : value, &ret->last)) {
		return false;
	}
	char first[INET6_ADDRSTRLEN], last[INET6_ADDRSTRLEN];

	if (ret->first.family != ret->last.family ||
		!inet_ntop(ret->first.family, ret->first.bytes, first, sizeof(first)) ||
		!inet_ntop(ret->last.family, ret->last.bytes, last, sizeof(last)))
		return false;
	bool is_one = strcmp(first, last) == 0;

	(void)snprintf(ret->address, sizeof(ret->address), "%s%s%s", first, is_one ? "" : "-",
		is_one ? "" : last);
	return true;
}

static bool one_port(const json_t *value, uint16_t *ret)
{
	uint32_t n;

	if (!number(value, &n) || n > UINT16_MAX)
		return false;
	*ret = (uint16_t)n;
	return true;
}

bool nat_part_ports(const json_t *value, struct nat_translation *ret)
{
	const json_t *range = json_object_get(value, "range");

	ret->first_port = 0;
	ret->last_port = UINT16_MAX;
	if (!value)
		return true;
	return one_port(range ? json_array_get(range, 0) : value, &ret->first_port) &&
	       one_port(range ? json_array_get(range, 1) : value, &ret->last_port);
}
