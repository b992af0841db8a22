/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reply.h"
#include "view.h"

#include <inttypes.h>
#include <string.h>

static bool is_one_of(const char *text, const char *a, const char *b)
{
	return strcmp(text, a) == 0 || strcmp(text, b) == 0;
}

enum tone view_state_tone(const char *state)
{
	if (is_one_of(state, "master", "primary-backup"))
		return TONE_GOOD;
	return strcmp(state, "inoperable") == 0 ? TONE_BAD : TONE_POOR;
}

enum tone view_path_tone(const char *state)
{
	if (strcmp(state, "alive") == 0)
		return TONE_GOOD;
	return strcmp(state, "silent") == 0 ? TONE_POOR : TONE_BAD;
}

void view_table(const struct page *page, struct table *table)
{
	if (!table_print(table, page))
		(void)fprintf(page->out, "(out of memory)\n");
}

static const char *yes_no(bool claim)
{
	return claim ? "yes" : "no";
}

/* A row `label own peer`; these claims should be true. */
static void add_claim(
	struct table *t, const char *label, const char *key, const json_t *own, const json_t *peer)
{
	table_add(t, TONE_PLAIN, "%s", label);
	table_add(t, reply_claim(own, key) ? TONE_PLAIN : TONE_POOR, "%s",
		yes_no(reply_claim(own, key)));
	if (json_is_object(peer))
		table_add(t, reply_claim(peer, key) ? TONE_PLAIN : TONE_POOR, "%s",
			yes_no(reply_claim(peer, key)));
	else
		table_add(t, TONE_DIM, "-");
	table_add(t, TONE_PLAIN, "%s", "");
}

static void add_number(struct table *t, const char *label, const char *key, const json_t *own,
	const json_t *peer, const char *note)
{
	table_add(t, TONE_PLAIN, "%s", label);
	table_add(t, TONE_PLAIN, "%" PRId64, reply_number(own, key));
	if (json_is_object(peer))
		table_add(t, TONE_PLAIN, "%" PRId64, reply_number(peer, key));
	else
		table_add(t, TONE_DIM, "-");
	table_add(t, TONE_DIM, "%s", note);
}

void view_standings(const struct page *page, const json_t *group, const char *peer_name)
{
	const json_t *own = json_object_get(group, "own"), *peer = json_object_get(group, "peer");
	bool known = json_is_object(peer);
	char here[80], there[80];
	const char *titles[] = { "", here, there, "", NULL };
	struct table t;

	(void)snprintf(here, sizeof(here), "%s (here)", reply_text(own, "node"));
	(void)snprintf(there, sizeof(there), "%s", known ? reply_text(peer, "node") : peer_name);
	table_init(&t, titles);
	table_add(&t, TONE_PLAIN, "  state");
	table_add(&t, view_state_tone(reply_text(own, "state")), "%s", reply_text(own, "state"));
	table_add(&t, known ? view_state_tone(reply_text(peer, "state")) : TONE_BAD, "%s",
		known ? reply_text(peer, "state") : "not heard");
	table_add(&t, TONE_PLAIN, "%s", "");
	add_number(&t, "  priority", "priority", own, peer, "lower wins");
	add_number(&t, "  term", "term", own, peer, "");
	add_claim(&t, "  eligible", "eligible", own, peer);
	add_claim(&t, "  operable", "operable", own, peer);
	add_number(&t, "  failed weight", "failed_weight", own, peer, "");
	add_claim(&t, "  in sync", "in_sync", own, peer);
	view_table(page, &t);
}

void view_sorted(const json_t *array, int (*rank)(const json_t *element),
	void (*put)(void *user, const json_t *element), void *user)
{
	for (int r = 0; r < VIEW_RANKS; r++) {
		for (size_t i = 0; i < json_array_size(array); i++) {
			const json_t *element = json_array_get(array, i);

			if (rank(element) == r)
				put(user, element);
		}
	}
}
