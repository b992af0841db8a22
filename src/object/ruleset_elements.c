/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ruleset_part.h"

#include <errno.h>
#include <stdlib.h>

enum { SLOTS_FIRST = 16 };

/* What lies in the place of an element that was taken, so that those behind it are still found:
 * an address that no element has. */
static struct ruleset_element *taken(const struct ruleset_elements *e)
{
	return (struct ruleset_element *)(void *)e->slot;
}

/* The slot of that key; else a free one, where there are slots. */
static size_t slot_of(const struct ruleset_elements *e, struct ruleset_hash key)
{
	size_t i = key.a & e->mask, free_one = SIZE_MAX;

	for (; e->slot[i] != NULL; i = (i + 1) & e->mask) {
		if (e->slot[i] == taken(e))
			free_one = free_one == SIZE_MAX ? i : free_one;
		else if (ruleset_hash_same(e->slot[i]->key, key))
			return i;
	}
	return free_one == SIZE_MAX ? i : free_one;
}

static bool is_there(const struct ruleset_elements *e, const struct ruleset_element *at)
{
	return at != NULL && at != taken(e);
}

/* Half of the slots are empty, at the least. */
static bool make_room(struct ruleset_elements *e)
{
	struct ruleset_elements next = { .mask = SLOTS_FIRST - 1 };

	if (e->slot != NULL && (e->used + 1) * 2 <= e->mask + 1)
		return true;
	while ((e->n + 1) * 4 > next.mask + 1)
		next.mask = next.mask * 2 + 1;
	next.slot = calloc(next.mask + 1, sizeof(struct ruleset_element *));
	if (next.slot == NULL)
		return false;
	for (size_t i = 0; e->slot != NULL && i <= e->mask; i++) {
		if (is_there(e, e->slot[i]))
			next.slot[slot_of(&next, e->slot[i]->key)] = e->slot[i];
	}
	next.n = e->n;
	next.used = e->n;
	next.order = e->order;
	free(e->slot);
	*e = next;
	return true;
}

struct ruleset_element *ruleset_elements_find(
	const struct ruleset_elements *e, struct ruleset_hash key)
{
	struct ruleset_element *at = e->slot != NULL ? e->slot[slot_of(e, key)] : NULL;

	return is_there(e, at) ? at : NULL;
}

int ruleset_elements_put(struct ruleset_elements *e, struct ruleset_element *element,
	struct ruleset_element **ret_old)
{
	if (!make_room(e))
		return -ENOMEM;
	size_t i = slot_of(e, element->key);

	*ret_old = is_there(e, e->slot[i]) ? e->slot[i] : NULL;
	e->used += e->slot[i] == NULL;
	e->n += *ret_old == NULL;
	e->slot[i] = element;
	element->order = ++e->order;
	return 0;
}

struct ruleset_element *ruleset_elements_take(struct ruleset_elements *e, struct ruleset_hash key)
{
	size_t i = e->slot != NULL ? slot_of(e, key) : 0;
	struct ruleset_element *element = e->slot != NULL ? e->slot[i] : NULL;

	if (!is_there(e, element))
		return NULL;
	e->slot[i] = taken(e);
	e->n--;
	return element;
}

void ruleset_elements_free(struct ruleset_elements *e)
{
	for (size_t i = 0; e->slot != NULL && i <= e->mask; i++) {
		if (is_there(e, e->slot[i]))
			free(e->slot[i]);
	}
	free(e->slot);
	*e = (struct ruleset_elements){ .n = 0 };
}

struct ruleset_element *ruleset_elements_next(const struct ruleset_elements *e, size_t *at)
{
	while (e->slot != NULL && *at <= e->mask) {
		struct ruleset_element *element = e->slot[(*at)++];

		if (is_there(e, element))
			return element;
	}
	return NULL;
}

static int by_order(const void *x, const void *y)
{
	const struct ruleset_element *a = *(struct ruleset_element *const *)x;
	const struct ruleset_element *b = *(struct ruleset_element *const *)y;

	return (a->order > b->order) - (a->order < b->order);
}

struct ruleset_element **ruleset_elements_list(const struct ruleset_elements *e)
{
	struct ruleset_element **list = malloc((e->n + 1) * sizeof(struct ruleset_element *));
	size_t n = 0;

	if (list == NULL)
		return NULL;
	for (size_t at = 0; (list[n] = ruleset_elements_next(e, &at)) != NULL;)
		n++;
	qsort(list, n, sizeof(struct ruleset_element *), by_order);
	return list;
}
