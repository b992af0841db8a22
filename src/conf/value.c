/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "value.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "ip.h"
#include "out.h"
#include "token.h"
#include "value_net.h"

static const char digits[] = "0123456789";

static const struct {
	const char *unit;
	uint32_t ms;
} units[] = { { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

bool conf_value_number(const char *text, size_t len, uint32_t *ret_number)
{
	uint64_t number = 0;

	if (len == 0 || len > 10 || (text[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(text[i] - '0');
	}
	if (number > UINT32_MAX)
		return false;
	*ret_number = (uint32_t)number;
	return true;
}

static bool is_name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '-';
}

bool conf_value_is_name(const char *text, size_t len)
{
	if (len == 0 || len >= CONF_NAME_MAX || text[0] == '.' || text[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_name_character(text[i]))
			return false;
	}
	return true;
}

static const char *in_range(const struct conf_keyword *keyword, uint32_t number)
{
	return number >= keyword->min && number <= keyword->max ? NULL : "";
}

static const char *read_number(
	const struct conf_keyword *keyword, const char *text, struct conf_value *v)
{
	if (!conf_value_number(text, strlen(text), &v->number))
		return "";
	return in_range(keyword, v->number);
}

static const char *read_duration(
	const struct conf_keyword *keyword, const char *text, struct conf_value *v)
{
	size_t len = strspn(text, digits);
	const char *unit = text + len;
	uint32_t number;

	if (len > 0 && *unit == '\0')
		return "give a unit: ms, s, m or h";
	if (!conf_value_number(text, len, &number))
		return "";
	for (unsigned i = 0; i < ARRAY_LEN(units); i++) {
		if (strcmp(unit, units[i].unit) != 0)
			continue;
		if (number > UINT32_MAX / units[i].ms)
			return "";
		v->number = number * units[i].ms;
		return in_range(keyword, v->number);
	}
	return "";
}

/* Which of the words with blanks between them it is; -1: none. */
static int index_of(const char *words, struct conf_token token)
{
	struct conf_token word;

	for (int index = 0; conf_token_next(&words, &word); index++) {
		if (word.len == token.len && memcmp(word.text, token.text, word.len) == 0)
			return index;
	}
	return -1;
}

static const char *read_word(const char *words, const char *text, struct conf_value *v)
{
	int index = index_of(words, (struct conf_token){ text, strlen(text) });

	if (index < 0)
		return "";
	v->number = (uint32_t)index;
	return NULL;
}

/* Absolute, and no way to mean one file by two paths or to climb out of a folder. */
static bool is_file_path(const char *text)
{
	if (text[0] != '/' || strlen(text) >= CONF_PATH_MAX)
		return false;
	while (*text != '\0') {
		size_t len = strcspn(++text, "/");

		if (len == 0 || (len == 1 && text[0] == '.') ||
			(len == 2 && text[0] == '.' && text[1] == '.'))
			return false;
		text += len;
	}
	return true;
}

static const char *read_file(
	const struct conf_keyword *keyword, const char *text, struct conf_value *v)
{
	bool none = keyword->default_text != NULL && strcmp(text, keyword->default_text) == 0;

	if (!none && !is_file_path(text))
		return "";
	/* A list keeps the word, to see that nothing stands beside it. */
	if (!none || conf_value_is_list(keyword))
		memcpy(v->text, text, strlen(text) + 1);
	return NULL;
}

static const char *read_group(
	const struct conf_keyword *keyword, const char *text, struct conf_value *v)
{
	if (strcmp(text, "all") != 0)
		return read_number(keyword, text, v);
	v->number = CONF_VALUE_ALL_GROUPS;
	return NULL;
}

static const char *read_interfaces(const char *text, struct conf_value *v)
{
	if (strcmp(text, "auto") != 0 && strcmp(text, "none") != 0)
		return conf_value_read_device(text, strlen(text), v);
	memcpy(v->text, text, strlen(text) + 1);
	return NULL;
}

static const char *read_table(const char *text, struct conf_value *v)
{
	static const char families[] = "ip ip6 inet arp bridge netdev";
	struct conf_out out = { v->text, (size_t)CONF_NAME_MAX * 2, 0 };
	struct conf_token table, more;

	if (!conf_token_next(&text, &table))
		return "";
	if (conf_token_next(&text, &more)) {
		if (index_of(families, table) < 0)
			return "the family is unknown";
		conf_out_add(&out, "%.*s ", (int)table.len, table.text);
		table = more;
	}
	const char *slash = memchr(table.text, '/', table.len);
	size_t len = slash != NULL ? (size_t)(slash - table.text) : table.len;

	if (conf_token_next(&text, &more) || !conf_value_is_name(table.text, len))
		return "";
	if (slash != NULL && !conf_value_is_name(slash + 1, table.len - len - 1))
		return "";
	conf_out_add(&out, "%.*s", (int)table.len, table.text);
	return out.len < out.size ? NULL : "that is too long";
}

static const char *read_kind(
	const struct conf_keyword *keyword, const char *text, struct conf_value *v)
{
	switch (keyword->kind) {
	case CONF_KIND_NUMBER: return read_number(keyword, text, v);
	case CONF_KIND_DURATION: return read_duration(keyword, text, v);
	case CONF_KIND_YES_NO: return read_word("no yes", text, v);
	case CONF_KIND_WORD: return read_word(keyword->words, text, v);
	case CONF_KIND_FILE:
	case CONF_KIND_FILES: return read_file(keyword, text, v);
	case CONF_KIND_INTERFACE: return conf_value_read_device(text, strlen(text), v);
	case CONF_KIND_IP: return conf_value_read_ip(text, v);
	case CONF_KIND_ENDPOINT: return conf_value_read_endpoint(text, v);
	case CONF_KIND_ADDRESS: return conf_value_read_address(text, v);
	case CONF_KIND_ROUTE: return conf_value_read_route(text, v);
	case CONF_KIND_GROUP: return read_group(keyword, text, v);
	case CONF_KIND_INTERFACES: return read_interfaces(text, v);
	case CONF_KIND_TABLES: return read_table(text, v);
	}
	return "";
}

const char *conf_value_read(
	const struct conf_keyword *keyword, const char *text, struct conf_value *ret_value)
{
	struct conf_value value = { 0 };
	const char *refused = read_kind(keyword, text, &value);

	if (refused == NULL)
		*ret_value = value;
	return refused;
}

static void print_duration(uint32_t ms, struct conf_out *out)
{
	unsigned i = 0;

	while (ms % units[i].ms != 0)
		i++;
	conf_out_add(out, "%u%s", ms / units[i].ms, units[i].unit);
}

static void print_word(const char *words, uint32_t index, struct conf_out *out)
{
	struct conf_token word = { 0 };

	for (uint32_t i = 0; i <= index; i++)
		conf_token_next(&words, &word);
	conf_out_add(out, "%.*s", (int)word.len, word.text);
}

void conf_value_print(const struct conf_keyword *keyword, const struct conf_value *value,
	char buf[CONF_VALUE_TEXT_MAX])
{
	struct conf_out out = { buf, CONF_VALUE_TEXT_MAX, 0 };

	switch (keyword->kind) {
	case CONF_KIND_NUMBER: conf_out_add(&out, "%u", value->number); break;
	case CONF_KIND_DURATION: print_duration(value->number, &out); break;
	case CONF_KIND_YES_NO: print_word("no yes", value->number, &out); break;
	case CONF_KIND_WORD: print_word(keyword->words, value->number, &out); break;
	case CONF_KIND_GROUP:
		if (value->number == CONF_VALUE_ALL_GROUPS)
			conf_out_add(&out, "all");
		else
			conf_out_add(&out, "%u", value->number);
		break;
	case CONF_KIND_FILE:
		conf_out_add(&out, "%s", value->text[0] != '\0' ? value->text : "none");
		break;
	case CONF_KIND_INTERFACE:
	case CONF_KIND_INTERFACES:
	case CONF_KIND_TABLES:
	case CONF_KIND_FILES: conf_out_add(&out, "%s", value->text); break;
	case CONF_KIND_IP: conf_ip_print(&value->ip, buf); break;
	case CONF_KIND_ENDPOINT: conf_value_print_endpoint(value, &out); break;
	case CONF_KIND_ADDRESS: conf_value_print_address(value, &out); break;
	case CONF_KIND_ROUTE: conf_value_print_route(value, &out); break;
	}
}

bool conf_value_is_list(const struct conf_keyword *keyword)
{
	return keyword->kind == CONF_KIND_INTERFACES || keyword->kind == CONF_KIND_TABLES ||
	       keyword->kind == CONF_KIND_FILES;
}

bool conf_value_next(
	const struct conf_keyword *keyword, const char **cursor, char ret_item[CONF_VALUE_TEXT_MAX])
{
	static const char blanks[] = " \t";

	if (*cursor == NULL)
		return false;

	const char *start = *cursor + strspn(*cursor, blanks);
	size_t len = conf_value_is_list(keyword) ? strcspn(start, ",") : strlen(start);

	*cursor = start[len] == ',' ? start + len + 1 : NULL;
	while (len > 0 && strchr(blanks, start[len - 1]) != NULL)
		len--;
	assert(len < CONF_VALUE_TEXT_MAX);
	memcpy(ret_item, start, len);
	ret_item[len] = '\0';
	return true;
}

void conf_value_store(
	const struct conf_keyword *keyword, const struct conf_value *value, void *base)
{
	char *field = (char *)base + keyword->offset;

	if (keyword->kind == CONF_KIND_FILE || keyword->kind == CONF_KIND_INTERFACE) {
		assert(keyword->size <= sizeof(value->text));
		memcpy(field, value->text, keyword->size);
	} else if (keyword->kind == CONF_KIND_IP) {
		memcpy(field, &value->ip, sizeof(value->ip));
	} else if (keyword->size == sizeof(uint32_t)) {
		memcpy(field, &value->number, sizeof(uint32_t));
	} else if (keyword->size == sizeof(uint16_t)) {
		uint16_t number = (uint16_t)value->number;

		memcpy(field, &number, sizeof(number));
	} else {
		assert(keyword->size == sizeof(uint8_t));
		*field = (char)value->number;
	}
}

void conf_value_load(
	const struct conf_keyword *keyword, const void *base, struct conf_value *ret_value)
{
	const char *field = (const char *)base + keyword->offset;

	memset(ret_value, 0, sizeof(*ret_value));
	if (keyword->kind == CONF_KIND_FILE || keyword->kind == CONF_KIND_INTERFACE) {
		assert(keyword->size <= sizeof(ret_value->text));
		memcpy(ret_value->text, field, keyword->size);
	} else if (keyword->kind == CONF_KIND_IP) {
		memcpy(&ret_value->ip, field, sizeof(ret_value->ip));
	} else if (keyword->size == sizeof(uint32_t)) {
		memcpy(&ret_value->number, field, sizeof(uint32_t));
	} else if (keyword->size == sizeof(uint16_t)) {
		uint16_t number;

		memcpy(&number, field, sizeof(number));
		ret_value->number = number;
	} else {
		assert(keyword->size == sizeof(uint8_t));
		ret_value->number = (uint8_t)*field;
	}
}
