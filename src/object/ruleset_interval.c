/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Intervals: two elements each, the begin, and behind it an end. Those of concatenated keys are one
 * element and nothing of this is about them.
 */
#include "ruleset_part.h"

#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"

static struct span key_of(const struct ruleset_element *e)
{
	struct attr a;

	if (!ruleset_find_attr(span_of(e->attributes, e->len), NFTA_SET_ELEM_KEY, &a))
		return span_of(e->attributes, 0);
	return span_of(a.data, a.len);
}

static bool is_end(const struct ruleset_element *e)
{
	struct span of = span_of(e->attributes, e->len);

	return (ruleset_attr_u32(of, NFTA_SET_ELEM_FLAGS, 0) & NFT_SET_ELEM_INTERVAL_END) != 0;
}

/* Ascending, and where one interval begins as another ends, the end first. */
static int compare(const void *x, const void *y)
{
	const struct ruleset_element *a = *(struct ruleset_element *const *)x;
	const struct ruleset_element *b = *(struct ruleset_element *const *)y;
	struct span ka = key_of(a), kb = key_of(b);
	size_t len = ka.len < kb.len ? ka.len : kb.len;
	int order = memcmp(ka.data, kb.data, len);

	return order != 0 ? order : is_end(b) - is_end(a);
}

static bool has_pairs(const struct ruleset_set *set)
{
	return set->intervals && !set->concatenated;
}

void ruleset_sort_elements(
	const struct ruleset_set *set, struct ruleset_element **element, size_t n)
{
	/* Concatenated ones may come in any order, and are listed in that. */
	if (has_pairs(set))
		qsort(element, n, sizeof(struct ruleset_element *), compare);
}

/* Nothing lies below the lowest interval: so says an end with the lowest key of all. */
static bool is_floor(const struct ruleset_element *e)
{
	struct span key = key_of(e);

	for (size_t i = 0; i < key.len; i++) {
		if (key.data[i] != 0)
			return false;
	}
	return true;
}

static void tell(struct ruleset *rs, struct ruleset_set *set, struct ruleset_element *e, bool stray)
{
	if (e->stray == stray)
		return;
	e->stray = stray;
	if (stray) {
		ruleset_hash_minus(&set->content, e->hash);
	} else {
		ruleset_hash_plus(&set->content, e->hash);
		ruleset_set_note(rs, set, e, false);
	}
}

/* Only the begin has a time. The kernel lists an end whose begin ran out until it next tidies up,
 * and may take it for that of another interval, of which it then tells the begin alone. */
void ruleset_find_strays(struct ruleset *rs, struct ruleset_set *set)
{
	size_t n = set->elements.n;
	struct ruleset_element **list;
	bool open = false;

	set->paired = true;
	if (!has_pairs(set))
		return;
	list = ruleset_elements_list(&set->elements);
	if (list == NULL) {
		set->paired = false;
		return;
	}
	ruleset_sort_elements(set, list, n);
	set->strays = 0;
	for (size_t i = 0; i < n; i++) {
		bool end = is_end(list[i]);

		tell(rs, set, list[i], end && !open && !is_floor(list[i]));
		set->strays += list[i]->stray;
		open = !end;
	}
	free(list);
}
