/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ruleset_walk.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "attr.h"

enum { DEPTH_MAX = 16, NEST_BEGINS = 1 << 16, NEST_ENDS = 1 << 17 };

/* A row of attributes that is being walked. */
struct frame {
	struct attrs in;
	const struct ruleset_schema *schema; /* NULL: all is carried */
	uint8_t role;                        /* enum ruleset_role */
	uint8_t kind;                        /* enum ruleset_part_kind, of the expression around */
	size_t nest;                         /* where it began in the output */
	struct span name;                    /* NFTA_EXPR_NAME */
	uint32_t type;                       /* NFTA_OBJ_TYPE */
	bool has_register;
};

/* Type with the flags that attr_next() takes off. */
static uint16_t raw_type(const struct attr *a)
{
	uint16_t type;

	memcpy(&type, a->data - sizeof(type), sizeof(type));
	return type;
}

static void put(struct ruleset_walk *w, const struct attr *a, const void *data, size_t len)
{
	if (w->way != RULESET_TO_HASH) {
		ruleset_room_attr(w->out, raw_type(a), data, len);
		return;
	}
	ruleset_hash_number(&w->hash, a->type);
	ruleset_hash_add(&w->hash, data, len);
}

/* The text of an attribute, ended within it. */
static const char *text_of(const struct attr *a, size_t max)
{
	bool ended = a->len > 0 && a->len <= max && memchr(a->data, 0, a->len) != NULL;

	return ended ? (const char *)a->data : NULL;
}

static int walk_ref(struct ruleset_walk *w, const struct ruleset_attr *s, const struct attr *a)
{
	const char *name = text_of(a, RULESET_NAME_MAX);
	struct ruleset_ref ref = { .anonymous = false };

	if (name == NULL)
		return -EBADMSG;
	if (w->way != RULESET_TO_DOCUMENT && w->find != NULL &&
		!w->find(w->user, (enum ruleset_act)s->act, name, &ref))
		return -ENOENT;
	if (!ref.anonymous) {
		put(w, a, name, strlen(name) + 1);
	} else if (w->way == RULESET_TO_HASH) {
		put(w, a, &ref.content, sizeof(ref.content));
	} else {
		/* A set may be asked for by both, a chain by one. */
		if (s->act == RULESET_SET)
			ruleset_room_text(w->out, a->type, ref.name[0] != '\0' ? ref.name : name);
		ruleset_room_u32(w->out, s->id, ref.id);
	}
	return 0;
}

static int walk_parts(struct ruleset_walk *w, const struct ruleset_parts *parts,
	enum ruleset_end end, const struct attr *a)
{
	size_t at = ruleset_room_open(w->out, raw_type(a));
	int error = 0;

	if (w->way == RULESET_TO_DOCUMENT)
		ruleset_name_to_document(w->host, parts, span_of(a->data, a->len), end, w->out);
	else
		error = ruleset_name_to_kernel(
			w->host, parts, span_of(a->data, a->len), w->out, &w->unknown);
	ruleset_room_close(w->out, at);
	ruleset_room_put(w->out, "\0\0\0", (4 - w->out->len % 4) % 4);
	return error;
}

static int walk_device(struct ruleset_walk *w, const struct attr *a)
{
	static const struct ruleset_parts name = { 1, { { RULESET_PART_NAME, RULESET_NAME_LEN } } };
	uint8_t padded[RULESET_NAME_LEN] = { 0 };
	struct ruleset_room kernel = { .data = NULL };
	int error = 0;

	if (a->len > sizeof(padded))
		return -EBADMSG;
	memcpy(padded, a->data, a->len);
	if (padded[sizeof(padded) - 1] != 0)
		return -EBADMSG;
	if (w->way == RULESET_TO_HASH) {
		put(w, a, padded, sizeof(padded));
		return 0;
	}
	if (w->way == RULESET_TO_DOCUMENT)
		ruleset_name_to_document(
			w->host, &name, span_of(padded, sizeof(padded)), RULESET_END_NONE, &kernel);
	else
		error = ruleset_name_to_kernel(
			w->host, &name, span_of(padded, sizeof(padded)), &kernel, &w->unknown);
	if (!error && kernel.len == RULESET_NAME_LEN)
		put(w, a, kernel.data, strnlen((char *)kernel.data, RULESET_NAME_LEN - 1) + 1);
	w->out->failed |= kernel.failed;
	ruleset_room_free(&kernel);
	return error;
}

static int walk_value(struct ruleset_walk *w, const struct frame *f, const struct attr *a)
{
	struct ruleset_parts one = { 1, { { f->kind, a->len } } };
	const struct ruleset_parts *parts = NULL;
	enum ruleset_end end = RULESET_END_NONE;

	switch ((enum ruleset_role)f->role) {
	case RULESET_ROLE_NONE: break;
	case RULESET_ROLE_DATA: parts = w->data; break;
	case RULESET_ROLE_KEY:
		parts = w->key;
		end = w->key_is;
		break;
	case RULESET_ROLE_KEY_END:
		parts = w->key;
		end = RULESET_END_CLOSED;
		break;
	case RULESET_ROLE_EXPR:
		if (f->kind == RULESET_PART_NAME && a->len <= RULESET_NAME_LEN)
			parts = &one;
		one.part[0].len = f->kind == RULESET_PART_INDEX ? sizeof(uint32_t) : a->len;
		if (f->kind == RULESET_PART_INDEX)
			parts = &one;
		break;
	}
	if (w->way == RULESET_TO_HASH || parts == NULL || parts->n == 0) {
		put(w, a, a->data, a->len);
		return 0;
	}
	return walk_parts(w, parts, end, a);
}

static int walk_quota(struct ruleset_walk *w, const struct attr *a)
{
	uint8_t flags[4];

	if (a->len != sizeof(flags))
		return -EBADMSG;
	memcpy(flags, a->data, sizeof(flags));
	flags[3] &= (uint8_t)~NFT_QUOTA_F_DEPLETED;
	put(w, a, flags, sizeof(flags));
	return 0;
}

static bool is_zero(const struct attr *a)
{
	for (unsigned i = 0; i < a->len; i++) {
		if (a->data[i] != 0)
			return false;
	}
	return true;
}

/* Goes down into `a`. */
static int enter(struct ruleset_walk *w, struct frame *f, const struct attr *a,
	const struct ruleset_schema *schema, uint8_t role)
{
	f[1] = (struct frame){ .in = attrs_in(a),
		.schema = schema,
		.role = role != RULESET_ROLE_NONE ? role : f->role,
		.kind = f->kind };
	if (w->way == RULESET_TO_HASH)
		ruleset_hash_number(&w->hash, (uint64_t)a->type | NEST_BEGINS);
	else
		f[1].nest = ruleset_room_open(w->out, raw_type(a));
	return 1;
}

/* Comes up again. */
static void leave(struct ruleset_walk *w, const struct frame *f)
{
	if (w->way == RULESET_TO_HASH)
		ruleset_hash_number(&w->hash, NEST_ENDS);
	else
		ruleset_room_close(w->out, f->nest);
}

/* 1: it went down. */
static int walk_attr(struct ruleset_walk *w, struct frame *f, unsigned *exprs, const struct attr *a)
{
	static const struct ruleset_attr keep = { .act = RULESET_KEEP };
	bool known = f->schema != NULL && a->type < RULESET_ATTRS;
	const struct ruleset_attr *s = known ? &f->schema->attr[a->type] : &keep;
	const struct ruleset_schema *nest;

	if (s->rules) {
		if (*exprs == RULESET_RULE_EXPRS)
			return -EBADMSG;
		f->kind = w->kind != NULL ? w->kind[*exprs] : RULESET_PART_OTHER;
		++*exprs;
	}
	switch ((enum ruleset_act)s->act) {
	case RULESET_DROP: return 0;
	case RULESET_STATE:
		if (w->way != RULESET_TO_HASH)
			put(w, a, a->data, a->len);
		return 0;
	case RULESET_NEST: return enter(w, f, a, s->nest, s->role);
	case RULESET_SET:
	case RULESET_CHAIN: return walk_ref(w, s, a);
	case RULESET_DEVICE: return walk_device(w, a);
	case RULESET_VALUE: return walk_value(w, f, a);
	case RULESET_QUOTA: return walk_quota(w, a);
	case RULESET_NOT_ZERO:
		if (is_zero(a))
			return 0;
		break;
	case RULESET_REGISTER: f->has_register = true; break;
	case RULESET_OF_REGISTER:
		if (!f->has_register)
			return 0;
		break;
	case RULESET_BY_NAME:
	case RULESET_BY_TYPE:
		nest = s->act == RULESET_BY_NAME ? ruleset_schema_expr(f->name)
						 : ruleset_schema_objdata(f->type);
		if (nest != NULL)
			return enter(w, f, a, nest, RULESET_ROLE_NONE);
		break;
	case RULESET_KEEP:
		if (a->type == NFTA_EXPR_NAME)
			f->name = span_of(a->data, a->len);
		if (a->type == NFTA_OBJ_TYPE && a->len == sizeof(uint32_t))
			f->type = attr_be32(a->data);
		break;
	}
	put(w, a, a->data, a->len);
	return 0;
}

int ruleset_walk(
	struct ruleset_walk *w, const struct ruleset_schema *schema, struct span attributes)
{
	struct frame frame[DEPTH_MAX];
	unsigned depth = 0, exprs = 0;
	struct attr a;

	frame[0] = (struct frame){
		.in = { attributes.data, attributes.data + attributes.len, false },
		.schema = schema,
	};
	for (;;) {
		int result = 0;

		if (!attr_next(&frame[depth].in, &a)) {
			if (frame[depth].in.bad)
				return -EBADMSG;
			if (depth == 0)
				return 0;
			leave(w, &frame[depth--]);
			continue;
		}
		if (depth == DEPTH_MAX - 1)
			return -EBADMSG;
		result = walk_attr(w, &frame[depth], &exprs, &a);
		if (result < 0)
			return result;
		depth += (unsigned)result;
	}
}
