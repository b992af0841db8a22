/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "suggest.h"

#include <string.h>

#include "keyword.h"

/* Longer words than this are compared by their first part only. */
enum { WORD_MAX = 24 };

/* Insertions, removals and exchanges of letters that make one word of the other (Levenshtein). */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned row[WORD_MAX + 1];

	a_len = a_len < WORD_MAX ? a_len : WORD_MAX;
	b_len = b_len < WORD_MAX ? b_len : WORD_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned exchanged = diagonal + (a[i - 1] != b[j - 1]);
			unsigned shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];

			diagonal = row[j];
			row[j] = shorter + 1 < exchanged ? shorter + 1 : exchanged;
		}
	}
	return row[b_len];
}

struct nearest {
	const char *word;
	unsigned distance;
};

/* Keeps `word` if it is nearer than what is there; a word is near while less than half of it
 * differs. */
static void consider(struct nearest *n, const char *word, const char *text, size_t len)
{
	unsigned d = distance(word, strlen(word), text, len);

	if (d <= strlen(word) / 2 && (n->word == NULL || d < n->distance))
		*n = (struct nearest){ word, d };
}

void conf_suggest_key(enum conf_section section, const char *key, size_t len, struct conf_out *out)
{
	struct nearest nearest = { 0 };

	for (unsigned i = 0; i < CONF_SECTIONS; i++) {
		if (conf_keyword_find((enum conf_section)i, key, len) >= 0) {
			conf_out_add(out, "; `%.*s` belongs to [%s]", (int)len, key,
				conf_section_name((enum conf_section)i));
			return;
		}
	}
	for (size_t i = 0; i < conf_keywords_count; i++) {
		if (conf_keywords[i].section == section)
			consider(&nearest, conf_keywords[i].key, key, len);
	}
	if (nearest.word != NULL)
		conf_out_add(out, "; did you mean `%s`?", nearest.word);
}

void conf_suggest_section(const char *name, size_t len, struct conf_out *out)
{
	struct nearest nearest = { 0 };

	for (unsigned i = 0; i < CONF_SECTIONS; i++)
		consider(&nearest, conf_section_name((enum conf_section)i), name, len);
	if (nearest.word != NULL)
		conf_out_add(out, "; did you mean [%s]?", nearest.word);
}
