/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which expressions of a rule compare or load interfaces: what a register holds is said by the
 * expression that loads it, and what an immediate value is by the one that uses it.
 */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "attr.h"
#include "ruleset_walk.h"

enum { REGISTERS = 16, ATTRS_MAX = 16, NO_EXPR = 255 };

struct registers {
	uint8_t kind[REGISTERS]; /* enum ruleset_part_kind, by the first of the registers used */
	uint8_t immediate[REGISTERS]; /* the expression that loaded a constant, or NO_EXPR */
};

/* One expression: its name, and its attributes by type. */
struct expr {
	struct span name;
	struct attr attr[ATTRS_MAX]; /* data NULL = absent */
};

static bool is(const struct expr *e, const char *name)
{
	size_t len = strlen(name) + 1;

	return e->name.len == len && memcmp(e->name.data, name, len) == 0;
}

static uint32_t number(const struct expr *e, unsigned type)
{
	const struct attr *a = &e->attr[type];

	return a->data != NULL && a->len == sizeof(uint32_t) ? attr_be32(a->data) : 0;
}

/* The kernel's registers are four of 16 bytes, or sixteen of 4 over the same memory. */
static unsigned register_of(const struct expr *e, unsigned type)
{
	uint32_t reg = number(e, type);

	if (reg >= NFT_REG32_00 && reg <= NFT_REG32_15)
		return reg - NFT_REG32_00;
	return reg >= NFT_REG_1 && reg <= NFT_REG_4 ? (reg - NFT_REG_1) * 4 : REGISTERS;
}

static uint8_t kind_of_meta(uint32_t key)
{
	switch (key) {
	case NFT_META_IIF:
	case NFT_META_OIF:
	case NFT_META_SDIF: return RULESET_PART_INDEX;
	case NFT_META_IIFNAME:
	case NFT_META_OIFNAME:
	case NFT_META_BRI_IIFNAME:
	case NFT_META_BRI_OIFNAME:
	case RULESET_META_SDIFNAME: return RULESET_PART_NAME;
	default: return RULESET_PART_OTHER;
	}
}

static uint8_t kind_of_fib(const struct expr *e)
{
	uint32_t result = number(e, NFTA_FIB_RESULT);

	if (number(e, NFTA_FIB_FLAGS) & NFTA_FIB_F_PRESENT)
		return RULESET_PART_OTHER;
	return result == NFT_FIB_RESULT_OIF       ? RULESET_PART_INDEX
	       : result == NFT_FIB_RESULT_OIFNAME ? RULESET_PART_NAME
						  : RULESET_PART_OTHER;
}

static void load(struct registers *r, unsigned reg, uint8_t kind, uint8_t immediate)
{
	if (reg == REGISTERS)
		return;
	r->kind[reg] = kind;
	r->immediate[reg] = immediate;
}

/* A constant in that register turns out to be an index. */
static void use_index(const struct registers *r, unsigned reg, uint8_t *kind)
{
	if (reg != REGISTERS && r->immediate[reg] != NO_EXPR)
		kind[r->immediate[reg]] = RULESET_PART_INDEX;
}

static void look_at(struct registers *r, const struct expr *e, unsigned i, uint8_t *kind)
{
	unsigned sreg = register_of(e, NFTA_CMP_SREG);

	if (is(e, "meta"))
		load(r, register_of(e, NFTA_META_DREG), kind_of_meta(number(e, NFTA_META_KEY)),
			NO_EXPR);
	else if (is(e, "fib"))
		load(r, register_of(e, NFTA_FIB_DREG), kind_of_fib(e), NO_EXPR);
	else if (is(e, "cmp"))
		kind[i] = sreg != REGISTERS ? r->kind[sreg] : (uint8_t)RULESET_PART_OTHER;
	else if (is(e, "immediate"))
		load(r, register_of(e, NFTA_IMMEDIATE_DREG), RULESET_PART_OTHER, (uint8_t)i);
	else if (is(e, "fwd"))
		use_index(r, register_of(e, NFTA_FWD_SREG_DEV), kind);
	else if (is(e, "dup"))
		use_index(r, register_of(e, NFTA_DUP_SREG_DEV), kind);
	else if (is(e, "payload") || is(e, "ct") || is(e, "rt") || is(e, "exthdr") ||
		 is(e, "osf") || is(e, "xfrm") || is(e, "numgen"))
		load(r, register_of(e, NFTA_PAYLOAD_DREG), RULESET_PART_OTHER, NO_EXPR);
	else if (is(e, "bitwise") || is(e, "byteorder") || is(e, "socket") || is(e, "hash") ||
		 is(e, "tunnel"))
		load(r, register_of(e, NFTA_BITWISE_DREG), RULESET_PART_OTHER, NO_EXPR);
	else if (is(e, "lookup"))
		load(r, register_of(e, NFTA_LOOKUP_DREG), RULESET_PART_OTHER, NO_EXPR);
}

static bool sort_expr(const struct attr *nest, struct expr *e)
{
	struct attrs outer = attrs_in(nest), inner;
	struct attr a;

	memset(e, 0, sizeof(*e));
	while (attr_next(&outer, &a)) {
		if (a.type == NFTA_EXPR_NAME)
			e->name = span_of(a.data, a.len);
		if (a.type != NFTA_EXPR_DATA)
			continue;
		inner = attrs_in(&a);
		while (attr_next(&inner, &a)) {
			if (a.type < ATTRS_MAX)
				e->attr[a.type] = a;
		}
		outer.bad |= inner.bad && ruleset_schema_expr(e->name) != NULL;
	}
	return !outer.bad;
}

int ruleset_kinds(struct span attributes, uint8_t kind[RULESET_RULE_EXPRS])
{
	struct attrs in = { attributes.data, attributes.data + attributes.len, false }, list;
	struct registers r = { .kind = { 0 } };
	unsigned n = 0;
	struct expr e;
	struct attr a;

	memset(kind, RULESET_PART_OTHER, RULESET_RULE_EXPRS);
	memset(r.immediate, NO_EXPR, sizeof(r.immediate));
	while (attr_next(&in, &a)) {
		if (a.type != NFTA_RULE_EXPRESSIONS)
			continue;
		list = attrs_in(&a);
		while (attr_next(&list, &a)) {
			if (a.type != NFTA_LIST_ELEM)
				continue;
			if (n == RULESET_RULE_EXPRS || !sort_expr(&a, &e))
				return -EBADMSG;
			look_at(&r, &e, n++, kind);
		}
		if (list.bad)
			return -EBADMSG;
	}
	return in.bad ? -EBADMSG : 0;
}
