/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Elements: all of a set, or what makes one set like another.
 */
#include "ruleset_plan.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"

/* An element's time differs when it differs by more than this, in milliseconds: both nodes read it
 * at some time. One that goes anyhow has no more than this to live: it goes by itself. */
enum { TIME_APART_MS = 2000 };

/* Elements that were picked, in memory of the caller's. */
struct picked {
	struct ruleset_element **element; /* owned */
	size_t n;
};

/* Whether an element of `own` is what is wanted. */
static bool fits(const struct ruleset_set *set, const struct ruleset_element *own,
	const struct ruleset_element *wanted)
{
	uint64_t apart = own->expires_ms > wanted->expires_ms
				 ? own->expires_ms - wanted->expires_ms
				 : wanted->expires_ms - own->expires_ms;

	return ruleset_hash_same(own->hash, wanted->hash) && (!set->live || apart <= TIME_APART_MS);
}

/* An interval that is there for a moment more may overlap with one that is to come. */
static bool goes_by_itself(
	const struct ruleset_set *set, const struct ruleset_element *e, uint64_t now_ms)
{
	return e->expires_ms != 0 && e->expires_ms <= now_ms + TIME_APART_MS && !set->intervals;
}

/* Those of `from` that `other` has not, or not like that; `other` NULL: all of them. `gone_at`:
 * when they are to go, 0 = they are to come. */
static int pick(const struct ruleset_set *from, const struct ruleset_set *other, uint64_t gone_at,
	struct picked *ret)
{
	ret->n = 0;
	ret->element = ruleset_elements_list(&from->elements);
	if (ret->element == NULL)
		return -ENOMEM;
	for (size_t i = 0; ret->element[i] != NULL; i++) {
		struct ruleset_element *e = ret->element[i];
		const struct ruleset_element *there =
			other != NULL ? ruleset_elements_find(&other->elements, e->key) : NULL;

		if (there != NULL && there->stray)
			there = NULL;
		if (e->stray || (there != NULL ? fits(from, e, there)
					       : gone_at != 0 && goes_by_itself(from, e, gone_at)))
			continue;
		ret->element[ret->n++] = e;
	}
	ruleset_sort_elements(from, ret->element, ret->n);
	return 0;
}

static int put_picked(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *set, const struct ruleset_set *from,
	const struct ruleset_set *other, bool gone)
{
	struct picked picked;
	int error = pick(from, other, gone ? b->now_ms : 0, &picked);

	if (error)
		return error;
	error = ruleset_batch_elements(b, table, set, picked.element, picked.n, gone);
	free(picked.element);
	return error;
}

/* Whether a rule, also one of a chain that the kernel named, adds to the set or takes from it. */
static bool rule_writes(const struct ruleset_item *rule, const char *set)
{
	struct attr list, a, name, body, of;
	struct attrs in;

	if (!ruleset_find_attr(rule->attributes, NFTA_RULE_EXPRESSIONS, &list))
		return false;
	in = attrs_in(&list);
	while (attr_next(&in, &a)) {
		struct span expr = span_of(a.data, a.len);

		if (ruleset_find_attr(expr, NFTA_EXPR_NAME, &name) &&
			ruleset_find_attr(expr, NFTA_EXPR_DATA, &body) &&
			attr_is_text(&name, "dynset") &&
			ruleset_find_attr(
				span_of(body.data, body.len), NFTA_DYNSET_SET_NAME, &of) &&
			attr_is_text(&of, set))
			return true;
	}
	return false;
}

static bool packets_write(const struct ruleset_item *table, const struct ruleset_item *set)
{
	const struct ruleset_row *chains = &table->table->chains;

	for (unsigned i = 0; i < chains->n; i++) {
		const struct ruleset_row *rules = &chains->at[i]->chain->rules;

		for (unsigned k = 0; k < rules->n; k++) {
			if (rule_writes(rules->at[k], set->name))
				return true;
		}
	}
	return false;
}

/* A set that was made without a size, and was given one when a rule came that writes into it: with
 * a size at once the kernel would make it of a sort that no rule can write. */
static bool was_sized_later(const struct ruleset_item *table, const struct ruleset_item *set)
{
	const uint32_t writable = NFT_SET_EVAL | NFT_SET_TIMEOUT | NFT_SET_INTERVAL;
	struct attr desc, size;

	return (set->set->flags & writable) == 0 &&
	       ruleset_find_attr(set->attributes, NFTA_SET_DESC, &desc) &&
	       ruleset_find_attr(span_of(desc.data, desc.len), NFTA_SET_DESC_SIZE, &size) &&
	       packets_write(table, set);
}

int ruleset_plan_set_new(
	struct ruleset_batch *b, const struct ruleset_item *table, const struct ruleset_item *set)
{
	int error = was_sized_later(table, set) ? ruleset_batch_new_unsized(b, table, set) : 0;

	return error ? error : ruleset_batch_new(b, table, set);
}

int ruleset_plan_all_elements(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *set, const struct ruleset_item *own)
{
	const struct ruleset_set *from = set->set;

	/* What a local set holds outlives its table, unless it became another kind of set. */
	if (from->local)
		return own != NULL && own->set->local && ruleset_hash_same(own->hash, set->hash)
			       ? put_picked(b, table, set, own->set, NULL, false)
			       : 0;
	if (from->kept && own == NULL)
		return -ESTALE;
	if (from->kept && !ruleset_hash_same(from->content, own->set->content))
		return -ESTALE;
	return put_picked(b, table, set, from->kept ? own->set : from, NULL, false);
}

static int any_picked(
	const struct ruleset_set *from, const struct ruleset_set *other, bool *ret_any)
{
	struct picked picked;
	int error = pick(from, other, 0, &picked);

	if (error)
		return error;
	*ret_any = picked.n > 0;
	free(picked.element);
	return 0;
}

/* Whether a set that stays is emptied and filled again, for one change: strays would cut what comes
 * short, and cannot be deleted one by one, for nobody tells when they go. */
static int is_refilled(
	const struct ruleset_set *own, const struct ruleset_set *wanted, bool *ret_refilled)
{
	int error;

	*ret_refilled = false;
	if (own->strays == 0)
		return 0;
	error = any_picked(wanted, own, ret_refilled);
	return error || *ret_refilled ? error : any_picked(own, wanted, ret_refilled);
}

int ruleset_plan_elements_gone(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *own, const struct ruleset_item *wanted)
{
	bool refilled;
	int error;

	if (own->set->local)
		return 0;
	if (wanted->set->kept)
		return ruleset_hash_same(wanted->set->content, own->set->content) ? 0 : -ESTALE;
	error = is_refilled(own->set, wanted->set, &refilled);
	if (error)
		return error;
	if (!refilled)
		return put_picked(b, table, own, own->set, wanted->set, true);
	ruleset_batch_flush(b, table, own);
	return 0;
}

int ruleset_plan_elements_new(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *own, const struct ruleset_item *wanted)
{
	bool refilled;
	int error;

	if (own->set->local || wanted->set->kept)
		return 0;
	error = is_refilled(own->set, wanted->set, &refilled);
	if (error)
		return error;
	return put_picked(b, table, wanted, wanted->set, refilled ? NULL : own->set, false);
}

/* Those of `own` that the changes are about: what changes goes before it comes. */
static void pick_changed(
	const struct ruleset_set *own, const struct ruleset_set *changes, struct picked *ret)
{
	const struct ruleset_room *gone = &changes->journal;
	const struct ruleset_element *e;
	struct ruleset_element *there;
	struct ruleset_change change;

	for (size_t at = 0; at < gone->len; at += sizeof(change) + change.gone_len) {
		memcpy(&change, gone->data + at, sizeof(change));
		there = ruleset_elements_find(&own->elements, change.key);
		if (there != NULL)
			ret->element[ret->n++] = there;
	}
	for (size_t at = 0; (e = ruleset_elements_next(&changes->elements, &at)) != NULL;) {
		there = ruleset_elements_find(&own->elements, e->key);
		if (there != NULL)
			ret->element[ret->n++] = there;
	}
}

static int by_address(const void *x, const void *y)
{
	const struct ruleset_element *const *a = x, *const *b = y;

	return (*a > *b) - (*a < *b);
}

/* All that stays. */
static void pick_rest(const struct ruleset_set *own, struct picked *gone, struct picked *ret)
{
	struct ruleset_element *e;

	qsort(gone->element, gone->n, sizeof(struct ruleset_element *), by_address);
	for (size_t at = 0; (e = ruleset_elements_next(&own->elements, &at)) != NULL;) {
		if (!e->stray && bsearch(&e, gone->element, gone->n,
					 sizeof(struct ruleset_element *), by_address) == NULL)
			ret->element[ret->n++] = e;
	}
}

int ruleset_plan_elements_changed(struct ruleset_batch *b, const struct ruleset_item *table,
	const struct ruleset_item *own, const struct ruleset_item *changes)
{
	const struct ruleset_set *set = own->set, *of = changes->set;
	size_t max = set->elements.n + of->elements.n +
		     of->journal.len / sizeof(struct ruleset_change) + 1;
	struct picked gone = { .element = malloc(max * sizeof(struct ruleset_element *)) };
	struct picked come = { .element = malloc(max * sizeof(struct ruleset_element *)) };
	struct ruleset_element *e;
	int error = -ENOMEM;

	if (gone.element == NULL || come.element == NULL)
		goto out;
	error = 0;
	pick_changed(set, of, &gone);
	for (size_t at = 0; (e = ruleset_elements_next(&of->elements, &at)) != NULL;)
		come.element[come.n++] = e;
	if (set->strays > 0) {
		ruleset_batch_flush(b, table, own);
		pick_rest(set, &gone, &come);
	} else {
		ruleset_sort_elements(set, gone.element, gone.n);
		error = ruleset_batch_elements(b, table, own, gone.element, gone.n, true);
	}
	ruleset_sort_elements(set, come.element, come.n);
	if (!error)
		error = ruleset_batch_elements(b, table, own, come.element, come.n, false);
out:
	free(gone.element);
	free(come.element);
	return error;
}
