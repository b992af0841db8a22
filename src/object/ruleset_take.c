/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel says, dumped or as an event, into items.
 */
#include "ruleset_part.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"

/* The text of an attribute; NULL = there is none that ends. */
static const char *text_of(struct span attributes, uint16_t type)
{
	struct attr a;

	if (!ruleset_find_attr(attributes, type, &a) || a.len == 0 || a.len > RULESET_NAME_MAX ||
		memchr(a.data, 0, a.len) == NULL)
		return NULL;
	return (const char *)a.data;
}

struct ruleset_item *ruleset_find_table(const struct ruleset *rs, uint8_t family, const char *name)
{
	char key[RULESET_NAME_MAX + 1];
	size_t len = strnlen(name, RULESET_NAME_MAX);

	key[0] = (char)('0' + family);
	memcpy(key + 1, name, len);
	key[1 + len] = '\0';
	return ruleset_row_find(&rs->tables, key);
}

static char prefix_of(enum ruleset_type type, uint8_t family, struct span attributes)
{
	if (type == RULESET_TABLE)
		return (char)('0' + family);
	if (type == RULESET_OBJECT)
		return (char)('0' + (ruleset_attr_u32(attributes, NFTA_OBJ_TYPE, 0) & 63));
	return '\0';
}

static int to_document(const struct ruleset *rs, const struct ruleset_shape *shape,
	struct span attributes, struct ruleset_room *out)
{
	uint8_t kind[RULESET_RULE_EXPRS];
	struct ruleset_walk walk = {
		.way = RULESET_TO_DOCUMENT, .host = rs->host, .out = out, .kind = NULL
	};

	if (shape->type == RULESET_RULE) {
		int error = ruleset_kinds(attributes, kind);

		if (error)
			return error;
		walk.kind = kind;
	}
	return ruleset_walk(&walk, shape->schema, attributes);
}

int ruleset_make_item(const struct ruleset_host *host, enum ruleset_type type, uint8_t family,
	const char *name, const struct ruleset_item *table, struct span attributes,
	struct ruleset_item **ret)
{
	struct ruleset_item *item =
		ruleset_item_new(type, prefix_of(type, family, attributes), name, attributes);
	int error = item != NULL ? ruleset_item_describe(host, table, family, item) : -ENOMEM;

	if (error)
		ruleset_item_free(item);
	else
		*ret = item;
	return error;
}

struct ruleset_row *ruleset_row_of(struct ruleset_table *table, enum ruleset_type type)
{
	return type == RULESET_A_CHAIN     ? &table->chains
	       : type == RULESET_OBJECT    ? &table->objects
	       : type == RULESET_FLOWTABLE ? &table->flowtables
					   : &table->sets;
}

/* `anew`: in place of what has the same name. *ret is borrowed. */
static int take_item(struct ruleset *rs, const struct ruleset_shape *shape, uint8_t family,
	struct ruleset_item *table, struct span attributes, bool anew, struct ruleset_item **ret)
{
	struct ruleset_room document = { .data = NULL };
	const char *name = shape->name != 0 ? text_of(attributes, shape->name) : "";
	struct ruleset_row *row = &rs->tables;
	struct ruleset_item *item = NULL, *chain;
	int error = -EBADMSG;

	if (shape->type == RULESET_RULE) {
		const char *in = text_of(attributes, NFTA_RULE_CHAIN);

		chain = in != NULL ? ruleset_row_find(&table->table->chains, in) : NULL;
		if (chain == NULL)
			return -ENOENT;
		row = &chain->chain->rules;
	} else if (shape->type != RULESET_TABLE) {
		row = ruleset_row_of(table->table, shape->type);
	}
	if (name != NULL)
		error = to_document(rs, shape, attributes, &document);
	if (!error)
		error = ruleset_make_item(rs->host, shape->type, family, name, table,
			span_of(document.data, document.len), &item);
	if (!error) {
		item->handle = ruleset_attr_u64(attributes, shape->handle, 0);
		if (shape->type == RULESET_A_SET)
			item->set->unread = true;
		error = anew ? ruleset_row_replace(row, item) : ruleset_row_add(row, item);
		*ret = item;
	}
	error = document.failed ? -ENOMEM : error;
	ruleset_room_free(&document);
	return error;
}

/* Tables of `ruleset-local`, and those that a program holds, are not the mirror's. */
static bool is_foreign(const struct ruleset *rs, uint8_t family, struct span attributes)
{
	const char *name = text_of(attributes, NFTA_TABLE_NAME);
	uint32_t flags = ruleset_attr_u32(attributes, NFTA_TABLE_FLAGS, 0);

	return (flags & (NFT_TABLE_F_OWNER | RULESET_TABLE_PERSIST)) != 0 ||
	       (name != NULL && ruleset_is_local(rs->host->conf, family, name, NULL));
}

/* One element of a list. */
static int take_element(struct ruleset *rs, struct ruleset_table *table, struct ruleset_set *set,
	struct span attributes, uint64_t now_ms, bool gone)
{
	struct ruleset_room document = { .data = NULL };
	struct ruleset_element *element = NULL;
	uint32_t flags = ruleset_attr_u32(attributes, NFTA_SET_ELEM_FLAGS, 0);
	uint64_t left_ms = ruleset_attr_u64(attributes, NFTA_SET_ELEM_EXPIRATION, 0);
	bool end = (flags & NFT_SET_ELEM_INTERVAL_END) != 0;
	struct ruleset_walk walk = {
		.way = RULESET_TO_DOCUMENT,
		.host = rs->host,
		.out = &document,
		.key = &set->key,
		.data = &set->data,
		.key_is = end ? RULESET_END_OPEN : RULESET_END_NONE,
	};
	int error = ruleset_walk(
		&walk, end ? &ruleset_schema_end : &ruleset_schema_element, attributes);

	if (!error && document.failed)
		error = -ENOMEM;
	if (!error && gone)
		(void)ruleset_set_drop(
			rs, table, set, ruleset_element_key(span_of(document.data, document.len)));
	else if (!error)
		error = ruleset_element_new(set, span_of(document.data, document.len),
			left_ms != 0 ? now_ms + left_ms : 0, &element);
	if (!error && !gone)
		error = ruleset_set_put(rs, table, set, element);
	ruleset_room_free(&document);
	return error;
}

static int take_elements(struct ruleset *rs, struct ruleset_item *table, struct span attributes,
	uint64_t now_ms, bool gone)
{
	const char *name = text_of(attributes, NFTA_SET_ELEM_LIST_SET);
	struct ruleset_item *set =
		name != NULL ? ruleset_row_find(&table->table->sets, name) : NULL;
	struct attrs list;
	struct attr a;

	if (set == NULL)
		return -ENOMSG;
	if (!ruleset_find_attr(attributes, NFTA_SET_ELEM_LIST_ELEMENTS, &a))
		return 0;
	list = attrs_in(&a);
	while (attr_next(&list, &a)) {
		int error = take_element(
			rs, table->table, set->set, span_of(a.data, a.len), now_ms, gone);

		if (error)
			return error;
	}
	return list.bad ? -EBADMSG : 0;
}

/* The attributes of a message of nf_tables, its type and family. */
static bool open_message(
	const struct nlmsghdr *nlh, struct span *ret, uint8_t *ret_type, uint8_t *ret_family)
{
	size_t header = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));

	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || nlh->nlmsg_len < header)
		return false;
	*ret = span_of((const uint8_t *)nlh + header, nlh->nlmsg_len - header);
	*ret_type = (uint8_t)nlh->nlmsg_type;
	*ret_family = ((const uint8_t *)nlh)[NLMSG_HDRLEN];
	return true;
}

int ruleset_take(struct ruleset *rs, const struct nlmsghdr *nlh, uint64_t now_ms)
{
	const struct ruleset_shape *shape;
	struct ruleset_item *table, *item;
	struct span of;
	const char *name;
	uint8_t type, family;

	if (!open_message(nlh, &of, &type, &family))
		return -EBADMSG;
	shape = ruleset_shape_made(type);
	if (shape == NULL && type != NFT_MSG_NEWSETELEM)
		return -ENOMSG;
	if (shape != NULL && shape->type == RULESET_TABLE)
		return is_foreign(rs, family, of)
			       ? -ENOMSG
			       : take_item(rs, shape, family, NULL, of, false, &item);
	/* All kinds of message have their table in the first attribute. */
	name = text_of(of, NFTA_CHAIN_TABLE);
	table = name != NULL ? ruleset_find_table(rs, family, name) : NULL;
	if (table == NULL || (table->table->complete && shape != NULL))
		return -ENOMSG;
	return shape != NULL ? take_item(rs, shape, family, table, of, false, &item)
			     : take_elements(rs, table, of, now_ms, false);
}

/* A table that is new, or there anew: what its sets hold will be told by what follows. */
static enum ruleset_news hear_table(struct ruleset *rs, uint8_t family, struct span of)
{
	const char *name = text_of(of, NFTA_TABLE_NAME);
	struct ruleset_item *old, *item;
	bool has_mark;

	if (name == NULL || is_foreign(rs, family, of))
		return RULESET_NEWS_TABLES;
	old = ruleset_find_table(rs, family, name);
	/* What was changed about it stays the same table. */
	if (old != NULL && old->handle == ruleset_attr_u64(of, NFTA_TABLE_HANDLE, 0)) {
		old->table->dirty = true;
		return RULESET_NEWS_TABLES;
	}
	has_mark = old != NULL && old->table->has_mark;
	if (take_item(rs, ruleset_shape_of(RULESET_TABLE), family, NULL, of, true, &item))
		return RULESET_NEWS_LOST;
	item->table->has_mark = has_mark;
	item->table->dirty = true;
	return RULESET_NEWS_TABLES;
}

/* A set that is new. Its elements follow: they need not be asked for. */
static enum ruleset_news hear_set(struct ruleset *rs, struct ruleset_item *table, struct span of)
{
	const char *name = text_of(of, NFTA_SET_NAME);
	const struct ruleset_item *old =
		name != NULL ? ruleset_row_find(&table->table->sets, name) : NULL;
	struct ruleset_item *item;

	table->table->dirty = true;
	if (old != NULL && old->handle == ruleset_attr_u64(of, NFTA_SET_HANDLE, 0))
		return RULESET_NEWS_TABLES;
	if (take_item(rs, ruleset_shape_of(RULESET_A_SET), table->table->family, table, of, true,
		    &item))
		return RULESET_NEWS_LOST;
	item->set->unread = false;
	return RULESET_NEWS_TABLES;
}

static enum ruleset_news hear_elements(
	struct ruleset *rs, struct ruleset_item *table, struct span of, uint64_t now_ms, bool gone)
{
	int error = take_elements(rs, table, of, now_ms, gone);

	if (error == -ENOMSG)
		return RULESET_NEWS_NONE;
	return error ? RULESET_NEWS_LOST : RULESET_NEWS_ELEMENTS;
}

enum ruleset_news ruleset_heard(struct ruleset *rs, const struct nlmsghdr *nlh, uint64_t now_ms)
{
	struct ruleset_item *table;
	struct span of;
	const char *name;
	uint8_t type, family;

	if (!open_message(nlh, &of, &type, &family) || type == NFT_MSG_TRACE)
		return RULESET_NEWS_NONE;
	if (type == NFT_MSG_NEWGEN)
		return RULESET_NEWS_GENERATION;
	if (type == NFT_MSG_NEWTABLE)
		return hear_table(rs, family, of);
	name = text_of(of, NFTA_CHAIN_TABLE);
	table = name != NULL ? ruleset_find_table(rs, family, name) : NULL;
	if (table == NULL)
		return RULESET_NEWS_NONE;
	if (type == NFT_MSG_NEWSETELEM || type == NFT_MSG_DELSETELEM)
		return hear_elements(rs, table, of, now_ms, type == NFT_MSG_DELSETELEM);
	if (type == NFT_MSG_NEWSET)
		return hear_set(rs, table, of);
	table->table->dirty = true;
	return RULESET_NEWS_TABLES;
}
