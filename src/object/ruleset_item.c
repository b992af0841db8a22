/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ruleset_part.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"

enum { ROW_FIRST = 8, ALIGN = 8 };

struct ruleset_item *ruleset_item_new(
	enum ruleset_type type, char prefix, const char *name, struct span attributes)
{
	size_t name_len = strlen(name) + 1, skip = prefix != '\0';
	size_t text_len = (skip + name_len + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	struct ruleset_item *item = calloc(1, sizeof(*item) + text_len + attributes.len);

	if (item == NULL)
		return NULL;
	char *text = (char *)(item + 1);
	uint8_t *bytes = (uint8_t *)text + text_len;

	text[0] = prefix;
	memcpy(text + skip, name, name_len);
	if (attributes.len > 0)
		memcpy(bytes, attributes.data, attributes.len);
	item->type = type;
	item->key = text;
	item->name = text + skip;
	item->attributes = span_of(bytes, attributes.len);
	return item;
}

/* Tables hold rows of chains and sets, and chains rows of rules: three levels, none that comes back
 * to itself. */
static void free_rows(struct ruleset_table *table)
{
	ruleset_row_free(&table->chains);
	ruleset_row_free(&table->objects);
	ruleset_row_free(&table->flowtables);
	ruleset_row_free(&table->sets);
}

void ruleset_item_free(struct ruleset_item *item)
{
	if (item == NULL)
		return;
	if (item->type == RULESET_TABLE && item->table != NULL) {
		free_rows(item->table);
		free(item->table);
	} else if (item->type == RULESET_A_CHAIN && item->chain != NULL) {
		ruleset_row_free(&item->chain->rules);
		free(item->chain);
	} else if (item->type == RULESET_A_SET && item->set != NULL) {
		ruleset_elements_free(&item->set->elements);
		ruleset_elements_free(&item->set->before);
		ruleset_room_free(&item->set->journal);
		free(item->set);
	}
	free(item);
}

static size_t hash_of(const char *key)
{
	uint64_t h = 1469598103934665603U;

	for (; *key != '\0'; key++)
		h = (h ^ (uint8_t)*key) * 1099511628211U;
	return (size_t)(h ^ h >> 29);
}

/* The slot of that key, or the empty one where it belongs. */
static uint32_t *slot_of(const struct ruleset_row *row, const char *key)
{
	size_t i = hash_of(key) & row->mask;

	while (row->slot[i] != 0 && strcmp(row->at[row->slot[i] - 1]->key, key) != 0)
		i = (i + 1) & row->mask;
	return &row->slot[i];
}

static bool grow(struct ruleset_row *row)
{
	unsigned max = row->max > 0 ? row->max * 2 : ROW_FIRST;
	struct ruleset_item **at = realloc(row->at, max * sizeof(struct ruleset_item *));

	if (at == NULL)
		return false;
	row->at = at;
	row->max = max;
	return true;
}

/* Enters all items anew into slots of which half stay empty. */
static bool index_all(struct ruleset_row *row)
{
	size_t slots = (size_t)row->max * 2;
	uint32_t *slot = calloc(slots, sizeof(uint32_t));

	if (slot == NULL)
		return false;
	free(row->slot);
	row->slot = slot;
	row->mask = slots - 1;
	for (unsigned i = 0; i < row->n; i++) {
		if (row->at[i]->key[0] != '\0')
			*slot_of(row, row->at[i]->key) = i + 1;
	}
	return true;
}

int ruleset_row_add(struct ruleset_row *row, struct ruleset_item *item)
{
	bool keyed = item->key[0] != '\0';

	if (row->n == row->max && (!grow(row) || (keyed && !index_all(row)))) {
		ruleset_item_free(item);
		return -ENOMEM;
	}
	if (keyed) {
		uint32_t *slot = slot_of(row, item->key);

		if (*slot != 0) {
			ruleset_item_free(item);
			return -EEXIST;
		}
		*slot = row->n + 1;
	}
	row->at[row->n++] = item;
	return 0;
}

struct ruleset_item *ruleset_row_find(const struct ruleset_row *row, const char *key)
{
	uint32_t i = row->slot != NULL && key[0] != '\0' ? *slot_of(row, key) : 0;

	return i != 0 ? row->at[i - 1] : NULL;
}

int ruleset_row_replace(struct ruleset_row *row, struct ruleset_item *item)
{
	uint32_t i = row->slot != NULL ? *slot_of(row, item->key) : 0;

	if (i == 0)
		return ruleset_row_add(row, item);
	ruleset_item_free(row->at[i - 1]);
	row->at[i - 1] = item;
	return 0;
}

void ruleset_row_free(struct ruleset_row *row)
{
	for (unsigned i = 0; i < row->n; i++)
		ruleset_item_free(row->at[i]);
	free(row->at);
	free(row->slot);
	*row = (struct ruleset_row){ .n = 0 };
}

bool ruleset_find_attr(struct span attributes, uint16_t type, struct attr *ret)
{
	struct attrs in = { attributes.data, attributes.data + attributes.len, false };

	while (attr_next(&in, ret)) {
		if (ret->type == type)
			return true;
	}
	*ret = (struct attr){ .data = NULL };
	return false;
}

uint32_t ruleset_attr_u32(struct span attributes, uint16_t type, uint32_t absent)
{
	struct attr a;

	return ruleset_find_attr(attributes, type, &a) && a.len == sizeof(uint32_t)
		       ? attr_be32(a.data)
		       : absent;
}

uint64_t ruleset_attr_u64(struct span attributes, uint16_t type, uint64_t absent)
{
	struct attr a;
	uint64_t value;

	if (!ruleset_find_attr(attributes, type, &a) || a.len != sizeof(value))
		return absent;
	memcpy(&value, a.data, sizeof(value));
	return be64toh(value);
}
