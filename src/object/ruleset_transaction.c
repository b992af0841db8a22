/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The whole transaction: from the ruleset that is here to the one that is wanted.
 */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset_plan.h"

static struct ruleset_item *own_table(const struct ruleset *own, const struct ruleset_item *wanted)
{
	return ruleset_row_find(&own->tables, wanted->key);
}

static int plan_partial(
	struct ruleset_batch *b, const struct ruleset_item *own, const struct ruleset_item *wanted)
{
	int error = 0;

	if (own == NULL || own->table->anew)
		return -ESTALE;
	for (unsigned i = 0; i < wanted->table->sets.n && !error; i++) {
		const struct ruleset_item *set = wanted->table->sets.at[i];
		const struct ruleset_item *other = ruleset_row_find(&own->table->sets, set->key);

		if (other == NULL || other->set->anonymous)
			return -ESTALE;
		if (!other->set->local)
			error = ruleset_plan_elements_changed(b, own, other, set);
	}
	return error;
}

static void delete_tables(
	struct ruleset_batch *b, const struct ruleset *own, const struct ruleset *wanted)
{
	for (unsigned i = 0; i < own->tables.n && !wanted->patch; i++) {
		if (ruleset_row_find(&wanted->tables, own->tables.at[i]->key) == NULL)
			ruleset_batch_delete(b, own->tables.at[i], own->tables.at[i]);
	}
	for (unsigned i = 0; i < wanted->gone.n; i++) {
		const struct ruleset_item *table = own_table(own, wanted->gone.at[i]);

		if (table != NULL)
			ruleset_batch_delete(b, table, table);
	}
}

static bool any_base_chain(const struct ruleset_item *table)
{
	for (unsigned k = 0; k < table->table->chains.n; k++) {
		if (table->table->chains.at[k]->chain->base)
			return true;
	}
	return false;
}

/* Whether any packet would meet a rule after that, and meets one now. */
static bool would_empty(const struct ruleset *own, const struct ruleset *wanted)
{
	bool now = false, then = false;

	for (unsigned i = 0; i < own->tables.n; i++) {
		const struct ruleset_item *item = own->tables.at[i];
		const struct ruleset_item *next = ruleset_row_find(&wanted->tables, item->key);
		bool has = any_base_chain(item);

		now |= has;
		if (wanted->patch && ruleset_row_find(&wanted->gone, item->key) == NULL &&
			(next == NULL || next->table->partial))
			then |= has;
	}
	for (unsigned i = 0; i < wanted->tables.n; i++)
		then |= any_base_chain(wanted->tables.at[i]);
	return now && !then;
}

static int plan_tables(
	struct ruleset_batch *b, const struct ruleset *own, const struct ruleset *wanted)
{
	int error = 0;

	delete_tables(b, own, wanted);
	for (unsigned i = 0; i < wanted->tables.n && !error; i++) {
		const struct ruleset_item *table = wanted->tables.at[i];

		error = table->table->partial ? plan_partial(b, own_table(own, table), table)
					      : ruleset_plan_table(b, own_table(own, table), table);
	}
	return ruleset_batch_failed(b) ? -ENOMEM : error;
}

/* The logical name of that hash, as the document has it. */
static const char *name_of_hash(const struct ruleset *wanted, uint32_t hash)
{
	for (unsigned i = 0; i < wanted->n_names; i++) {
		if (ruleset_name_hash(wanted->name[i]) == hash)
			return wanted->name[i];
	}
	return "?";
}

static void say_why(const struct ruleset_batch *b, const struct ruleset *wanted, int error,
	char why[RULESET_WHY_LEN])
{
	char place[RULESET_PLACE_LEN];

	ruleset_batch_say(b, b->n, 0, place);
	if (error != -ENODEV)
		(void)snprintf(why, RULESET_WHY_LEN, "%.150s: %s", place, strerror(-error));
	else if (b->unknown.hash != 0)
		(void)snprintf(why, RULESET_WHY_LEN,
			"%.150s: no [interface %.31s] is configured here", place,
			name_of_hash(wanted, b->unknown.hash));
	else
		(void)snprintf(why, RULESET_WHY_LEN, "%.150s: there is no interface %.15s here",
			place, b->unknown.name);
}

int ruleset_plan(const struct ruleset *own, const struct ruleset *wanted, uint64_t now_ms,
	struct ruleset_batch **ret, char why[RULESET_WHY_LEN])
{
	struct ruleset_batch *b = calloc(1, sizeof(*b));
	int error;

	*ret = b;
	if (b == NULL)
		return -ENOMEM;
	/* What it names is looked up by whoever decoded it. */
	b->host = wanted->host;
	b->now_ms = now_ms;
	if (would_empty(own, wanted)) {
		(void)snprintf(why, RULESET_WHY_LEN,
			"it has no base chain, and this node's ruleset has: it would filter "
			"nothing");
		error = -EPERM;
	} else {
		error = plan_tables(b, own, wanted);
		if (error)
			say_why(b, wanted, error, why);
	}
	return error;
}

static int plan_around(struct ruleset_batch *b, const struct ruleset_item *table)
{
	const struct ruleset_table *in = table->table;
	int error = ruleset_batch_new(b, table, table);

	for (unsigned i = 0; i < in->chains.n && !error; i++) {
		if (!in->chains.at[i]->chain->anonymous)
			error = ruleset_batch_new_bare(b, table, in->chains.at[i]);
	}
	for (unsigned i = 0; i < in->objects.n && !error; i++)
		error = ruleset_batch_new(b, table, in->objects.at[i]);
	for (unsigned i = 0; i < in->sets.n && !error; i++) {
		if (!in->sets.at[i]->set->anonymous)
			error = ruleset_plan_set_new(b, table, in->sets.at[i]);
	}
	return error;
}

int ruleset_plan_rule(const struct ruleset *wanted, const struct ruleset_found *of,
	const struct ruleset_host *host, struct ruleset_batch **ret)
{
	const struct ruleset_item *table = ruleset_find_table(wanted, of->family, of->table),
				  *chain;
	struct ruleset_batch *b;
	int error;

	chain = table != NULL && of->chain != NULL
			? ruleset_row_find(&table->table->chains, of->chain)
			: NULL;
	if (chain == NULL || chain->chain->anonymous || of->rule >= chain->chain->rules.n)
		return -ENOENT;
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return -ENOMEM;
	b->host = host;
	error = plan_around(b, table);
	if (!error)
		error = ruleset_plan_one_rule(b, table, chain, of->rule);
	if (!error && ruleset_batch_failed(b))
		error = -ENOMEM;
	if (error)
		ruleset_batch_free(b);
	else
		*ret = b;
	return error;
}

void ruleset_batch_free(struct ruleset_batch *b)
{
	if (b == NULL)
		return;
	ruleset_room_free(&b->bytes);
	ruleset_room_free(&b->messages);
	free(b);
}

struct span ruleset_batch_bytes(const struct ruleset_batch *b)
{
	return span_of(b->bytes.data, b->bytes.len);
}

uint32_t ruleset_batch_count(const struct ruleset_batch *b)
{
	return b->n;
}

bool ruleset_is_patch(const struct ruleset *rs)
{
	return rs->patch;
}

/* The handle is what tells that a set is still what was read. */
static void touch(struct ruleset *own, const struct ruleset_message *m)
{
	struct ruleset_item *table = ruleset_row_find(&own->tables, m->table->key);

	if (table == NULL || table->table->dirty)
		return;
	table->table->dirty = true;
	for (unsigned k = 0; k < table->table->sets.n; k++)
		table->table->sets.at[k]->handle = 0;
}

void ruleset_touch(struct ruleset *own, const struct ruleset_batch *b)
{
	struct ruleset_message m;

	for (uint32_t seq = 1; ruleset_batch_message(b, seq, &m); seq++)
		touch(own, &m);
}

/* Where intervals run out: which ends the kernel has yet, and what it takes beside them, cannot be
 * known. */
static bool is_fickle(const struct ruleset_set *set)
{
	return set->intervals && (set->flags & NFT_SET_TIMEOUT) != 0;
}

bool ruleset_raced(struct ruleset *own, const struct ruleset_batch *b, uint32_t seq, int error)
{
	struct ruleset_message m;
	struct ruleset_item *table;

	if (!ruleset_batch_message(b, seq, &m) || m.item == NULL || m.item->type != RULESET_A_SET)
		return false;
	table = ruleset_row_find(&own->tables, m.table->key);
	if (table == NULL || table->table->anew)
		return false;
	if (is_fickle(m.item->set) &&
		(error == -EEXIST || error == -ENOTEMPTY || error == -ENOENT)) {
		table->table->anew = true;
		return true;
	}
	if (error != -ENOENT ||
		NFNL_MSG_TYPE(ruleset_batch_header(b, &m)->nlmsg_type) != NFT_MSG_DELSETELEM)
		return false;
	touch(own, &m);
	return true;
}
