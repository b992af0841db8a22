/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In words, of what a message of a batch is.
 */
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "attr.h"
#include "ruleset_batch.h"
#include "text.h"

/* libnftables' user data: type, length and text; a rule's comment has type 0. */
static struct span comment_of(const struct ruleset_item *rule)
{
	struct attr a;

	if (!ruleset_find_attr(rule->attributes, NFTA_RULE_USERDATA, &a) || a.len < 3 ||
		a.data[0] != 0 || a.data[1] > a.len - 2 || a.data[1] == 0)
		return span_of(NULL, 0);
	for (unsigned i = 0; i + 1 < a.data[1]; i++) {
		if (a.data[2 + i] < ' ' || a.data[2 + i] == 0x7f)
			return span_of(NULL, 0);
	}
	return span_of(a.data + 2, a.data[1] - 1);
}

/* The rule's expression in which that byte of the message lies; "" = none. */
static struct span expression_at(const struct nlmsghdr *nlh, uint32_t offset)
{
	const uint8_t *at = (const uint8_t *)nlh + offset;
	struct attrs in = attrs_of(nlh);
	struct attr a, name;

	while (attr_next(&in, &a)) {
		if (a.type != NFTA_RULE_EXPRESSIONS)
			continue;
		in = attrs_in(&a);
		while (attr_next(&in, &a)) {
			if (at >= a.data - sizeof(struct nlattr) && at < a.data + a.len &&
				ruleset_find_attr(span_of(a.data, a.len), NFTA_EXPR_NAME, &name) &&
				name.len > 0)
				return span_of(name.data, name.len - 1u);
		}
		break;
	}
	return span_of("", 0);
}

static const char *noun_of(enum ruleset_type type)
{
	switch (type) {
	case RULESET_A_CHAIN: return "chain ";
	case RULESET_OBJECT: return "object ";
	case RULESET_FLOWTABLE: return "flowtable ";
	case RULESET_A_SET: return "set ";
	case RULESET_TABLE:
	case RULESET_ELEMENT:
	case RULESET_RULE:
	case RULESET_INTERFACE:
	case RULESET_TABLE_GONE:
	case RULESET_SET_CHANGED:
	case RULESET_ELEMENT_GONE:
	case RULESET_TABLE_CHANGED: break;
	}
	return "";
}

bool ruleset_batch_find(const struct ruleset_batch *b, uint32_t seq, struct ruleset_found *ret)
{
	struct ruleset_message m;

	if (!ruleset_batch_message(b, seq, &m))
		return false;
	*ret = (struct ruleset_found){
		.family = m.table->table->family,
		.table = m.table->name,
		.chain = m.rule != NULL ? m.item->name : NULL,
		.rule = m.number,
	};
	return true;
}

void ruleset_batch_say(
	const struct ruleset_batch *b, uint32_t seq, uint32_t offset, char text[RULESET_PLACE_LEN])
{
	_Static_assert((int)RULESET_PLACE_LEN == (int)OBJECT_TEXT_MAX, "one kind of line");
	struct text t = text_in(text);
	struct ruleset_message m;
	struct span comment, expression = { NULL, 0 };

	if (!ruleset_batch_message(b, seq, &m))
		return;
	text_add(&t, "%s %.64s", ruleset_family_name(m.table->table->family), m.table->name);
	if (m.item != NULL && m.item->type != RULESET_TABLE)
		text_add(&t, " %s%.64s", m.rule != NULL ? "" : noun_of(m.item->type), m.item->name);
	if (m.rule == NULL)
		return;
	text_add(&t, " rule %u", m.number + 1);
	comment = comment_of(m.rule);
	if (comment.len > 0)
		text_add(&t, " (\"%.*s\")", (int)comment.len, (const char *)comment.data);
	if (offset != 0)
		expression = expression_at(ruleset_batch_header(b, &m), offset);
	if (expression.len > 0)
		text_add(&t, ", expression \"%.*s\"", (int)expression.len,
			(const char *)expression.data);
}
