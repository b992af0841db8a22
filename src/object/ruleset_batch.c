/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ruleset_batch.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"

/* A nest holds less than 64 KiB. */
enum { ELEMENTS_BYTES = 48 * 1024 };

static size_t begin(
	struct ruleset_batch *b, uint8_t type, uint16_t flags, const struct ruleset_message *of)
{
	struct ruleset_message message = *of;

	message.at = b->bytes.len;
	ruleset_room_put(&b->messages, &message, sizeof(message));
	return ruleset_room_message(&b->bytes, type, flags, of->table->table->family, ++b->n);
}

/* As the kernel takes them. `walk` has what is special to these attributes. */
static int put_walked(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_schema *schema, struct span attributes, struct ruleset_walk *walk)
{
	walk->way = RULESET_TO_KERNEL;
	walk->host = b->host;
	walk->out = &b->bytes;
	walk->find = ruleset_find_ref;
	walk->user = table;
	int error = ruleset_walk(walk, schema, attributes);

	if (error == -ENODEV)
		b->unknown = walk->unknown;
	return error;
}

/* The table's name is the first attribute of every message. */
static void put_table(struct ruleset_batch *b, const struct ruleset_item *table)
{
	ruleset_room_text(&b->bytes, NFTA_CHAIN_TABLE, table->name);
}

static void put_set_name(struct ruleset_batch *b, const struct ruleset_item *item)
{
	char name[RULESET_NUMBERED_LEN];

	ruleset_set_name(item->set, name);
	ruleset_room_text(&b->bytes, NFTA_SET_NAME, name[0] != '\0' ? name : item->name);
}

/* Its name, or what the kernel makes one of, and its id. */
static void put_name(
	struct ruleset_batch *b, const struct ruleset_shape *shape, const struct ruleset_item *item)
{
	uint32_t *id = item->type == RULESET_A_SET     ? &item->set->id
		       : item->type == RULESET_A_CHAIN ? &item->chain->id
						       : NULL;

	if (id != NULL)
		*id = ++b->next_id;
	/* The kernel would count all its names for a free number. */
	if (item->type == RULESET_A_SET && item->set->number != 0)
		item->set->number = 1 + b->next_number++;
	if (item->type == RULESET_A_SET)
		put_set_name(b, item);
	else if (item->type != RULESET_TABLE && (id == NULL || !item->chain->anonymous))
		ruleset_room_text(&b->bytes, shape->name, item->name);
	if (id != NULL && (item->type == RULESET_A_SET || item->chain->anonymous))
		ruleset_room_u32(&b->bytes, shape->id, *id);
}

static int put_new(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *item, const struct ruleset_schema *schema,
	struct span attributes)
{
	const struct ruleset_message of = { .table = table, .item = item };
	const struct ruleset_shape *shape = ruleset_shape_of(item->type);
	size_t message = begin(b, shape->make, NLM_F_CREATE, &of);
	int error;

	put_table(b, table);
	put_name(b, shape, item);
	error = put_walked(b, table, schema, attributes, &(struct ruleset_walk){ .kind = NULL });
	ruleset_room_message_end(&b->bytes, message);
	return error;
}

int ruleset_batch_new(
	struct ruleset_batch *b, const struct ruleset_item *table, const struct ruleset_item *item)
{
	return put_new(b, table, item, ruleset_shape_of(item->type)->schema, item->attributes);
}

int ruleset_batch_new_unsized(
	struct ruleset_batch *b, const struct ruleset_item *table, const struct ruleset_item *set)
{
	return put_new(b, table, set, &ruleset_schema_set_unsized, set->attributes);
}

int ruleset_batch_new_bare(
	struct ruleset_batch *b, const struct ruleset_item *table, const struct ruleset_item *chain)
{
	return put_new(b, table, chain, ruleset_shape_of(RULESET_A_CHAIN)->schema, span_of("", 0));
}

void ruleset_batch_delete(
	struct ruleset_batch *b, const struct ruleset_item *table, const struct ruleset_item *item)
{
	const struct ruleset_message of = { .table = table, .item = item };
	const struct ruleset_shape *shape = ruleset_shape_of(item->type);
	size_t message = begin(b, shape->gone, 0, &of);

	put_table(b, table);
	if (item->type != RULESET_TABLE)
		ruleset_room_text(&b->bytes, shape->name, item->name);
	if (item->type == RULESET_OBJECT)
		ruleset_room_u32(&b->bytes, NFTA_OBJ_TYPE,
			ruleset_attr_u32(item->attributes, NFTA_OBJ_TYPE, 0));
	ruleset_room_message_end(&b->bytes, message);
}

/* The protocol that a comparison of a rule's expressions asks for, as iptables' `-p`. */
static bool asks_protocol(const struct attr *load, const struct attr *cmp, uint32_t *ret_protocol,
	uint32_t *ret_flags)
{
	struct span of = span_of(load->data, load->len), by = span_of(cmp->data, cmp->len);
	bool meta = ruleset_attr_u32(of, NFTA_META_KEY, 0) == NFT_META_L4PROTO &&
		    load->type == NFTA_META_KEY;
	bool header = load->type == NFTA_PAYLOAD_BASE &&
		      ruleset_attr_u32(of, NFTA_PAYLOAD_BASE, 9) == NFT_PAYLOAD_NETWORK_HEADER &&
		      ruleset_attr_u32(of, NFTA_PAYLOAD_OFFSET, 0) == 9 &&
		      ruleset_attr_u32(of, NFTA_PAYLOAD_LEN, 0) == 1;
	struct attr data, value;

	if ((!meta && !header) || !ruleset_find_attr(by, NFTA_CMP_DATA, &data) ||
		!ruleset_find_attr(span_of(data.data, data.len), NFTA_DATA_VALUE, &value) ||
		value.len != 1)
		return false;
	*ret_protocol = value.data[0];
	*ret_flags = ruleset_attr_u32(by, NFTA_CMP_OP, NFT_CMP_EQ) == NFT_CMP_NEQ
			     ? NFT_RULE_COMPAT_F_INV
			     : 0;
	return true;
}

/* What xt matches ask of a rule, and the kernel takes but does not show: the protocol that the rule
 * is about. Rules without such matches need none. */
static void put_compat(struct ruleset_batch *b, struct span attributes)
{
	struct attr list, a, name, body, load = { .data = NULL };
	uint32_t protocol = 0, flags = 0;
	bool known = false, needed = false;
	struct attrs in;

	if (!ruleset_find_attr(attributes, NFTA_RULE_EXPRESSIONS, &list))
		return;
	in = attrs_in(&list);
	while (attr_next(&in, &a)) {
		struct span expr = span_of(a.data, a.len);

		if (!ruleset_find_attr(expr, NFTA_EXPR_NAME, &name) ||
			!ruleset_find_attr(expr, NFTA_EXPR_DATA, &body))
			continue;
		needed |= attr_is_text(&name, "match") || attr_is_text(&name, "target");
		if (attr_is_text(&name, "cmp") && load.data != NULL && !known)
			known = asks_protocol(&load, &body, &protocol, &flags);
		load = body;
		load.type = attr_is_text(&name, "meta")      ? NFTA_META_KEY
			    : attr_is_text(&name, "payload") ? NFTA_PAYLOAD_BASE
							     : 0;
	}
	if (!needed || !known)
		return;
	size_t nest = ruleset_room_open(&b->bytes, NFTA_RULE_COMPAT | NLA_F_NESTED);

	ruleset_room_u32(&b->bytes, NFTA_RULE_COMPAT_PROTO, protocol);
	ruleset_room_u32(&b->bytes, NFTA_RULE_COMPAT_FLAGS, flags);
	ruleset_room_close(&b->bytes, nest);
}

static void put_chain(struct ruleset_batch *b, const struct ruleset_item *chain)
{
	if (chain->chain->anonymous)
		ruleset_room_u32(&b->bytes, NFTA_RULE_CHAIN_ID, chain->chain->id);
	else
		ruleset_room_text(&b->bytes, NFTA_RULE_CHAIN, chain->name);
}

int ruleset_batch_rule(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *chain, const struct ruleset_item *rule, uint32_t number,
	uint64_t before)
{
	const struct ruleset_message of = {
		.table = table, .item = chain, .rule = rule, .number = number
	};
	uint16_t flags = (uint16_t)(NLM_F_CREATE | (before == 0 ? NLM_F_APPEND : 0));
	size_t message = begin(b, NFT_MSG_NEWRULE, flags, &of);
	uint8_t kind[RULESET_RULE_EXPRS];
	struct attr compat;
	int error = ruleset_kinds(rule->attributes, kind);

	put_table(b, table);
	put_chain(b, chain);
	if (before != 0)
		ruleset_room_u64(&b->bytes, NFTA_RULE_POSITION, before);
	if (!error)
		error = put_walked(b, table, ruleset_shape_of(RULESET_RULE)->schema,
			rule->attributes, &(struct ruleset_walk){ .kind = kind });
	if (!ruleset_find_attr(rule->attributes, NFTA_RULE_COMPAT, &compat))
		put_compat(b, rule->attributes);
	ruleset_room_message_end(&b->bytes, message);
	return error;
}

void ruleset_batch_delete_rule(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *chain, const struct ruleset_item *rule)
{
	const struct ruleset_message of = { .table = table, .item = chain };
	size_t message = begin(b, NFT_MSG_DELRULE, 0, &of);

	put_table(b, table);
	ruleset_room_text(&b->bytes, NFTA_RULE_CHAIN, chain->name);
	if (rule != NULL)
		ruleset_room_u64(&b->bytes, NFTA_RULE_HANDLE, rule->handle);
	ruleset_room_message_end(&b->bytes, message);
}

/* An interval that runs out between its begin and its end is none, and the kernel refuses the end.
 */
enum { LEFT_MIN_MS = 1, INTERVAL_LEFT_MIN_MS = 200 };

/* How long it has yet to live: at least a moment, and no longer than it may. */
static void put_expiry(
	struct ruleset_batch *b, const struct ruleset_set *set, const struct ruleset_element *e)
{
	struct span of = span_of(e->attributes, e->len);
	uint64_t whole = ruleset_attr_u64(of, NFTA_SET_ELEM_TIMEOUT, set->timeout_ms);
	uint64_t least = set->intervals ? INTERVAL_LEFT_MIN_MS : LEFT_MIN_MS;
	uint64_t left = e->expires_ms > b->now_ms + least ? e->expires_ms - b->now_ms : least;

	if (e->expires_ms == 0 || whole == 0)
		return;
	ruleset_room_u64(&b->bytes, NFTA_SET_ELEM_EXPIRATION, left < whole ? left : whole);
}

static int put_element(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_set *set, const struct ruleset_element *e, bool gone)
{
	struct span of = span_of(e->attributes, e->len);
	uint32_t flags = ruleset_attr_u32(of, NFTA_SET_ELEM_FLAGS, 0);
	struct ruleset_walk walk = {
		.key = &set->key,
		.data = &set->data,
		.key_is = (flags & NFT_SET_ELEM_INTERVAL_END) != 0 ? RULESET_END_OPEN
								   : RULESET_END_NONE,
	};
	size_t nest = ruleset_room_open(&b->bytes, NFTA_LIST_ELEM | NLA_F_NESTED);
	int error = put_walked(b, table, &ruleset_schema_element, of, &walk);

	if (!gone)
		put_expiry(b, set, e);
	ruleset_room_close(&b->bytes, nest);
	return error;
}

int ruleset_batch_elements(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *set, struct ruleset_element *const *element, size_t n, bool gone)
{
	uint8_t type = gone ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM;
	size_t i = 0;
	int error = 0;

	while (i < n && !error) {
		const struct ruleset_message of = {
			.table = table, .item = set, .number = (uint32_t)i
		};
		size_t message = begin(b, type, gone ? 0 : NLM_F_CREATE, &of), list;

		put_table(b, table);
		if (gone || !set->set->anonymous)
			ruleset_room_text(&b->bytes, NFTA_SET_ELEM_LIST_SET, set->name);
		else
			put_set_name(b, set);
		if (!gone && set->set->anonymous)
			ruleset_room_u32(&b->bytes, NFTA_SET_ELEM_LIST_SET_ID, set->set->id);
		list = ruleset_room_open(&b->bytes, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
		for (; i < n && !error && b->bytes.len - list < ELEMENTS_BYTES; i++) {
			if (element[i] != NULL)
				error = put_element(b, table, set->set, element[i], gone);
		}
		ruleset_room_close(&b->bytes, list);
		ruleset_room_message_end(&b->bytes, message);
	}
	return error;
}

void ruleset_batch_flush(
	struct ruleset_batch *b, const struct ruleset_item *table, const struct ruleset_item *set)
{
	size_t message = begin(
		b, NFT_MSG_DELSETELEM, 0, &(struct ruleset_message){ .table = table, .item = set });

	put_table(b, table);
	ruleset_room_text(&b->bytes, NFTA_SET_ELEM_LIST_SET, set->name);
	ruleset_room_message_end(&b->bytes, message);
}

bool ruleset_batch_message(const struct ruleset_batch *b, uint32_t seq, struct ruleset_message *ret)
{
	if (seq == 0 || seq > b->n || b->messages.failed)
		return false;
	memcpy(ret, b->messages.data + (seq - 1) * sizeof(*ret), sizeof(*ret));
	return true;
}

const struct nlmsghdr *ruleset_batch_header(
	const struct ruleset_batch *b, const struct ruleset_message *m)
{
	return (const struct nlmsghdr *)(const void *)(b->bytes.data + m->at);
}

bool ruleset_batch_failed(const struct ruleset_batch *b)
{
	return b->bytes.failed || b->messages.failed;
}
