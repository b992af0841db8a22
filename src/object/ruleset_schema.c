/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ruleset_schema.h"

#include <linux/netfilter/nf_tables.h>
#include <string.h>

/* clang-format off */
#define DROP { .act = RULESET_DROP }
#define STATE { .act = RULESET_STATE }
#define NEST(schema) { .act = RULESET_NEST, .nest = &(schema) }
#define ROLE(where, schema) { .act = RULESET_NEST, .nest = &(schema), .role = (where) }
#define NAME(what, number) { .act = (what), .id = (number) }
/* clang-format on */

static const struct ruleset_schema verdict = { .attr = {
						       [NFTA_VERDICT_CHAIN] = NAME(RULESET_CHAIN,
							       NFTA_VERDICT_CHAIN_ID),
						       [NFTA_VERDICT_CHAIN_ID] = DROP,
					       } };
static const struct ruleset_schema data = { .attr = {
						    [NFTA_DATA_VALUE] = { .act = RULESET_VALUE },
						    [NFTA_DATA_VERDICT] = NEST(verdict),
					    } };
static const struct ruleset_schema expr = { .attr = {
						    [NFTA_EXPR_DATA] = { .act = RULESET_BY_NAME },
					    } };
static const struct ruleset_schema exprs = { .attr = {
						     [NFTA_LIST_ELEM] = NEST(expr),
					     } };
static const struct ruleset_schema rule_exprs = { .attr = {
							  [NFTA_LIST_ELEM] = { .act = RULESET_NEST,
								  .nest = &expr,
								  .rules = true },
						  } };
static const struct ruleset_schema
	device = { .attr = {
			   [NFTA_DEVICE_NAME] = { .act = RULESET_DEVICE },
			   [RULESET_DEVICE_PREFIX] = { .act = RULESET_DEVICE },
		   } };

/* What stands in expressions. */
static const struct ruleset_schema cmp = { .attr = {
						   [NFTA_CMP_DATA] = ROLE(RULESET_ROLE_EXPR, data),
					   } };
static const struct ruleset_schema immediate = { .attr = {
							 [NFTA_IMMEDIATE_DATA] =
								 ROLE(RULESET_ROLE_EXPR, data),
						 } };
static const struct ruleset_schema lookup = { .attr = {
						      [NFTA_LOOKUP_SET] =
							      NAME(RULESET_SET, NFTA_LOOKUP_SET_ID),
						      [NFTA_LOOKUP_SET_ID] = DROP,
					      } };
static const struct ruleset_schema
	dynset = { .attr = {
			   [NFTA_DYNSET_SET_NAME] = NAME(RULESET_SET, NFTA_DYNSET_SET_ID),
			   [NFTA_DYNSET_SET_ID] = DROP,
			   [NFTA_DYNSET_TIMEOUT] = { .act = RULESET_NOT_ZERO },
			   [NFTA_DYNSET_PAD] = DROP,
			   [NFTA_DYNSET_EXPR] = NEST(expr),
			   [NFTA_DYNSET_EXPRESSIONS] = NEST(exprs),
		   } };
static const struct ruleset_schema objref = { .attr = {
						      [NFTA_OBJREF_SET_NAME] =
							      NAME(RULESET_SET, NFTA_OBJREF_SET_ID),
						      [NFTA_OBJREF_SET_ID] = DROP,
					      } };
static const struct ruleset_schema inner = { .attr = {
						     [RULESET_INNER_EXPR] = NEST(expr),
					     } };
static const struct ruleset_schema counter = { .attr = {
						       [NFTA_COUNTER_BYTES] = STATE,
						       [NFTA_COUNTER_PACKETS] = STATE,
						       [NFTA_COUNTER_PAD] = DROP,
					       } };
static const struct ruleset_schema quota = { .attr = {
						     [NFTA_QUOTA_FLAGS] = { .act = RULESET_QUOTA },
						     [NFTA_QUOTA_PAD] = DROP,
						     [NFTA_QUOTA_CONSUMED] = STATE,
					     } };
static const struct ruleset_schema last = { .attr = {
						    [NFTA_LAST_SET] = STATE,
						    [NFTA_LAST_MSECS] = STATE,
						    [NFTA_LAST_PAD] = DROP,
					    } };
static const struct ruleset_schema limit = { .attr = {
						     [NFTA_LIMIT_PAD] = DROP,
					     } };

/* Of a header that is written, and of a TCP option that is taken out: no register. */
static const struct ruleset_schema
	exthdr = { .attr = {
			   [NFTA_EXTHDR_DREG] = { .act = RULESET_REGISTER },
			   [NFTA_EXTHDR_SREG] = { .act = RULESET_REGISTER },
			   [NFTA_EXTHDR_OFFSET] = { .act = RULESET_OF_REGISTER },
			   [NFTA_EXTHDR_LEN] = { .act = RULESET_OF_REGISTER },
			   [NFTA_EXTHDR_FLAGS] = { .act = RULESET_NOT_ZERO },
		   } };

static const struct ruleset_schema osf = { .attr = {
						   [NFTA_OSF_FLAGS] = { .act = RULESET_NOT_ZERO },
					   } };

static const struct {
	const char *name;
	const struct ruleset_schema *schema;
} expressions[] = {
	{ "cmp", &cmp },
	{ "immediate", &immediate },
	{ "lookup", &lookup },
	{ "dynset", &dynset },
	{ "objref", &objref },
	{ "inner", &inner },
	{ "counter", &counter },
	{ "quota", &quota },
	{ "last", &last },
	{ "limit", &limit },
	{ "exthdr", &exthdr },
	{ "osf", &osf },
};

const struct ruleset_schema *ruleset_schema_expr(struct span name)
{
	for (unsigned i = 0; i < ARRAY_LEN(expressions); i++) {
		size_t len = strlen(expressions[i].name);

		if (name.len == len + 1 && memcmp(name.data, expressions[i].name, len) == 0)
			return expressions[i].schema;
	}
	return NULL;
}

const struct ruleset_schema *ruleset_schema_objdata(uint32_t type)
{
	switch (type) {
	case NFT_OBJECT_COUNTER: return &counter;
	case NFT_OBJECT_QUOTA: return &quota;
	case NFT_OBJECT_LIMIT: return &limit;
	default: return NULL;
	}
}

/* The items. Names of tables, chains and sets around an item are said by its place. */
static const struct ruleset_schema table_item = { .attr = {
							  [NFTA_TABLE_NAME] = DROP,
							  [NFTA_TABLE_USE] = DROP,
							  [NFTA_TABLE_HANDLE] = DROP,
							  [NFTA_TABLE_PAD] = DROP,
							  [NFTA_TABLE_OWNER] = DROP,
						  } };

static const struct ruleset_schema hook = { .attr = {
						    [NFTA_HOOK_DEV] = { .act = RULESET_DEVICE },
						    [NFTA_HOOK_DEVS] = NEST(device),
					    } };

static const struct ruleset_schema
	chain_item = { .attr = {
			       [NFTA_CHAIN_TABLE] = DROP,
			       [NFTA_CHAIN_HANDLE] = DROP,
			       [NFTA_CHAIN_NAME] = DROP,
			       [NFTA_CHAIN_HOOK] = NEST(hook),
			       [NFTA_CHAIN_USE] = DROP,
			       [NFTA_CHAIN_COUNTERS] = { .act = RULESET_STATE, .nest = &counter },
			       [NFTA_CHAIN_PAD] = DROP,
			       [NFTA_CHAIN_ID] = DROP,
		       } };

static const struct ruleset_schema
	object_item = { .attr = {
				[NFTA_OBJ_TABLE] = DROP,
				[NFTA_OBJ_NAME] = DROP,
				[NFTA_OBJ_DATA] = { .act = RULESET_BY_TYPE },
				[NFTA_OBJ_USE] = DROP,
				[NFTA_OBJ_HANDLE] = DROP,
				[NFTA_OBJ_PAD] = DROP,
			} };

static const struct ruleset_schema flow_hook = { .attr = {
							 [NFTA_FLOWTABLE_HOOK_DEVS] = NEST(device),
						 } };

static const struct ruleset_schema flowtable_item = { .attr = {
							      [NFTA_FLOWTABLE_TABLE] = DROP,
							      [NFTA_FLOWTABLE_NAME] = DROP,
							      [NFTA_FLOWTABLE_HOOK] =
								      NEST(flow_hook),
							      [NFTA_FLOWTABLE_USE] = DROP,
							      [NFTA_FLOWTABLE_HANDLE] = DROP,
							      [NFTA_FLOWTABLE_PAD] = DROP,
						      } };

/* 19 and 20 are what the kernel tells of a set's inside: its type's name and how many it holds. */
/* clang-format off */
#define SET_ATTRS \
	[NFTA_SET_TABLE] = DROP, \
	[NFTA_SET_NAME] = DROP, \
	[NFTA_SET_ID] = DROP, \
	[NFTA_SET_PAD] = DROP, \
	[NFTA_SET_HANDLE] = DROP, \
	[NFTA_SET_EXPR] = NEST(expr), \
	[NFTA_SET_EXPRESSIONS] = NEST(exprs), \
	[19] = DROP, \
	[20] = DROP
/* clang-format on */
static const struct ruleset_schema set_item = { .attr = { SET_ATTRS } };
static const struct ruleset_schema unsized = { .attr = { [NFTA_SET_DESC_SIZE] = DROP } };
const struct ruleset_schema ruleset_schema_set_unsized = {
	.attr = { SET_ATTRS, [NFTA_SET_DESC] = NEST(unsized) }
};

const struct ruleset_schema
	ruleset_schema_element = { .attr = {
					   [NFTA_SET_ELEM_KEY] = ROLE(RULESET_ROLE_KEY, data),
					   [NFTA_SET_ELEM_KEY_END] =
						   ROLE(RULESET_ROLE_KEY_END, data),
					   [NFTA_SET_ELEM_DATA] = ROLE(RULESET_ROLE_DATA, data),
					   [NFTA_SET_ELEM_EXPIRATION] = DROP,
					   [NFTA_SET_ELEM_EXPR] = NEST(expr),
					   [NFTA_SET_ELEM_EXPRESSIONS] = NEST(exprs),
					   [NFTA_SET_ELEM_PAD] = DROP,
				   } };

const struct ruleset_schema ruleset_schema_end = { .attr = {
							   [NFTA_SET_ELEM_KEY] =
								   ROLE(RULESET_ROLE_KEY, data),
							   [NFTA_SET_ELEM_TIMEOUT] = DROP,
							   [NFTA_SET_ELEM_EXPIRATION] = DROP,
							   [NFTA_SET_ELEM_PAD] = DROP,
						   } };

static const struct ruleset_schema rule_item = { .attr = {
							 [NFTA_RULE_TABLE] = DROP,
							 [NFTA_RULE_CHAIN] = DROP,
							 [NFTA_RULE_HANDLE] = DROP,
							 [NFTA_RULE_EXPRESSIONS] = NEST(rule_exprs),
							 [NFTA_RULE_POSITION] = DROP,
							 [NFTA_RULE_PAD] = DROP,
							 [NFTA_RULE_ID] = DROP,
							 [NFTA_RULE_POSITION_ID] = DROP,
							 [NFTA_RULE_CHAIN_ID] = DROP,
						 } };

static const struct ruleset_shape shapes[] = {
	{ RULESET_TABLE, NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE, NFTA_TABLE_NAME, NFTA_TABLE_HANDLE, 0,
		&table_item },
	{ RULESET_A_CHAIN, NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, NFTA_CHAIN_NAME, NFTA_CHAIN_HANDLE,
		NFTA_CHAIN_ID, &chain_item },
	{ RULESET_OBJECT, NFT_MSG_NEWOBJ, NFT_MSG_DELOBJ, NFTA_OBJ_NAME, NFTA_OBJ_HANDLE, 0,
		&object_item },
	{ RULESET_FLOWTABLE, NFT_MSG_NEWFLOWTABLE, NFT_MSG_DELFLOWTABLE, NFTA_FLOWTABLE_NAME,
		NFTA_FLOWTABLE_HANDLE, 0, &flowtable_item },
	{ RULESET_A_SET, NFT_MSG_NEWSET, NFT_MSG_DELSET, NFTA_SET_NAME, NFTA_SET_HANDLE,
		NFTA_SET_ID, &set_item },
	{ RULESET_RULE, NFT_MSG_NEWRULE, NFT_MSG_DELRULE, 0, NFTA_RULE_HANDLE, 0, &rule_item },
};

const struct ruleset_shape *ruleset_shape_of(enum ruleset_type type)
{
	for (unsigned i = 0; i < ARRAY_LEN(shapes); i++) {
		if (shapes[i].type == type)
			return &shapes[i];
	}
	return NULL;
}

const struct ruleset_shape *ruleset_shape_made(uint8_t message)
{
	for (unsigned i = 0; i < ARRAY_LEN(shapes); i++) {
		if (shapes[i].make == message)
			return &shapes[i];
	}
	return NULL;
}
