/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A document that another node wrote, read with the care that such bytes need.
 */
#include "ruleset_document.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

/* The head of a document, and what the next record belongs to; NULL = none. */
struct reader {
	struct ruleset *rs;
	struct bytes in;
	uint64_t now_ms;
	bool patch;
	struct ruleset_item *table, *chain, *set;
};

/* One record. */
struct part {
	struct ruleset_record header;
	const char *name; /* "" = none */
	struct span attributes;
};

static void skip_pad(struct bytes *in, size_t len)
{
	(void)bytes_take(in, (RULESET_ALIGN - len % RULESET_ALIGN) % RULESET_ALIGN);
}

static bool next_part(struct bytes *in, struct part *ret)
{
	const uint8_t *name, *attributes;
	size_t n;

	bytes_take_to(in, &ret->header, sizeof(ret->header));
	n = ret->header.name_len;
	name = bytes_take(in, n);
	skip_pad(in, n);
	attributes = bytes_take(in, ret->header.len);
	skip_pad(in, ret->header.len);
	if (in->bad || n > RULESET_NAME_MAX || (n > 0 && strnlen((const char *)name, n) != n - 1))
		return false;
	ret->name = n > 0 ? (const char *)name : "";
	ret->attributes = span_of(attributes, ret->header.len);
	return true;
}

static bool is_family(uint8_t family)
{
	return strcmp(ruleset_family_name(family), "?") != 0;
}

/* Items that stand in a table. */
static int read_item(struct reader *r, const struct part *part, struct ruleset_row *row,
	struct ruleset_item **ret)
{
	int error = ruleset_make_item(r->rs->host, (enum ruleset_type)part->header.type,
		part->header.family, part->name, r->table, part->attributes, ret);

	return error ? error : ruleset_row_add(row, *ret);
}

static int read_table(struct reader *r, const struct part *part)
{
	struct ruleset_item *item = NULL;
	uint8_t type = part->header.type;
	struct ruleset_row *row = type == RULESET_TABLE_GONE ? &r->rs->gone : &r->rs->tables;
	struct part table = *part;
	int error;

	if (!is_family(part->header.family) || (!r->patch && type != RULESET_TABLE) ||
		ruleset_is_local(r->rs->host->conf, part->header.family, part->name, NULL))
		return -EBADMSG;
	table.header.type = RULESET_TABLE;
	error = read_item(r, &table, row, &item);
	if (error)
		return error;
	item->table->partial = type == RULESET_TABLE_CHANGED;
	item->table->complete = item->table->partial;
	r->table = type == RULESET_TABLE_GONE ? NULL : item;
	r->chain = NULL;
	r->set = NULL;
	return 0;
}

/* The sum that stands for the elements of a set that did not change. */
static void read_kept(struct reader *r, struct ruleset_set *set)
{
	set->kept = true;
	bytes_take_to(&r->in, &set->content, sizeof(set->content));
	if (!set->live && !set->local)
		ruleset_hash_plus(&r->table->table->elements, set->content);
}

static int read_set(struct reader *r, const struct part *part)
{
	int error;

	if (r->table == NULL || r->table->table->partial != (part->header.type != RULESET_A_SET))
		return -EBADMSG;
	struct part set = *part;

	set.header.type = RULESET_A_SET;
	error = read_item(r, &set, &r->table->table->sets, &r->set);
	r->chain = NULL;
	if (error || part->header.left_ms != RULESET_KEPT || r->table->table->partial)
		return error;
	if (!r->patch || r->set->set->anonymous)
		return -EBADMSG;
	read_kept(r, r->set->set);
	return 0;
}

static int read_element(struct reader *r, const struct part *part)
{
	struct ruleset_element *element;
	uint64_t left = part->header.left_ms;
	int error;

	if (r->set == NULL || r->set->set->kept)
		return -EBADMSG;
	if (r->set->set->local)
		return 0;
	error = ruleset_element_new(r->set->set, part->attributes,
		left == 0                       ? 0
		: left > UINT64_MAX - r->now_ms ? UINT64_MAX
						: r->now_ms + left,
		&element);
	return error ? error : ruleset_set_put(r->rs, r->table->table, r->set->set, element);
}

static int read_gone(struct reader *r, const struct part *part)
{
	struct ruleset_change change = {
		.key = ruleset_element_key(part->attributes),
		.gone_len = part->header.len,
	};

	if (r->set == NULL || !r->table->table->partial)
		return -EBADMSG;
	ruleset_room_put(&r->set->set->journal, &change, sizeof(change));
	ruleset_room_put(&r->set->set->journal, part->attributes.data, part->attributes.len);
	return r->set->set->journal.failed ? -ENOMEM : 0;
}

static int read_other(struct reader *r, const struct part *part)
{
	enum ruleset_type type = (enum ruleset_type)part->header.type;
	struct ruleset_item *item;
	int error;

	if (r->table == NULL || r->table->table->partial ||
		(type == RULESET_RULE && (r->chain == NULL || part->name[0] != '\0')))
		return -EBADMSG;
	error = read_item(r, part,
		type == RULESET_RULE ? &r->chain->chain->rules
				     : ruleset_row_of(r->table->table, type),
		&item);
	if (type == RULESET_A_CHAIN && !error)
		r->chain = item;
	return error;
}

static int read_name(struct reader *r, const struct part *part)
{
	struct ruleset *rs = r->rs;

	if (rs->n_names == ARRAY_LEN(rs->name) || strlen(part->name) >= CONF_NAME_MAX)
		return -EBADMSG;
	memcpy(rs->name[rs->n_names++], part->name, strlen(part->name) + 1);
	return 0;
}

static int read_part(struct reader *r, const struct part *part)
{
	switch ((enum ruleset_type)part->header.type) {
	case RULESET_TABLE:
	case RULESET_TABLE_GONE:
	case RULESET_TABLE_CHANGED: return read_table(r, part);
	case RULESET_A_SET:
	case RULESET_SET_CHANGED: return read_set(r, part);
	case RULESET_ELEMENT: return read_element(r, part);
	case RULESET_ELEMENT_GONE: return read_gone(r, part);
	case RULESET_A_CHAIN:
	case RULESET_OBJECT:
	case RULESET_FLOWTABLE:
	case RULESET_RULE: return read_other(r, part);
	case RULESET_INTERFACE: return read_name(r, part);
	}
	return -EBADMSG;
}

static int read_head(struct reader *r)
{
	struct ruleset_head head;

	bytes_take_to(&r->in, &head, sizeof(head));
	if (r->in.bad || memcmp(head.magic, RULESET_MAGIC, sizeof(head.magic)) != 0)
		return -EBADMSG;
	if (head.order != RULESET_ORDER)
		return -EPROTO;
	r->patch = head.form == RULESET_FORM_PATCH;
	r->rs->live = head.live;
	return head.form <= RULESET_FORM_PATCH ? 0 : -EBADMSG;
}

int ruleset_decode(
	const struct ruleset_host *host, struct span bytes, uint64_t now_ms, struct ruleset **ret)
{
	struct reader r = { .rs = ruleset_new(host), .in = bytes_of(bytes), .now_ms = now_ms };
	struct part part;
	int error;

	if (r.rs == NULL)
		return -ENOMEM;
	error = read_head(&r);
	while (!error && r.in.at != r.in.end)
		error = next_part(&r.in, &part) ? read_part(&r, &part) : -EBADMSG;
	if (!error && r.in.bad)
		error = -EBADMSG;
	if (!error)
		error = ruleset_finish(r.rs);
	r.rs->patch = r.patch;
	if (error)
		ruleset_free(r.rs);
	else
		*ret = r.rs;
	return error == -ENOENT || error == -EEXIST ? -EBADMSG : error;
}
