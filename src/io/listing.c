/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How far a line is looked for. */
enum { SEARCH_MAX = 4096 };

struct line {
	const char *text; /* borrowed, without indentation */
	size_t len;
};

/* A table's own lines (name empty), or those of what stands in it. */
struct block {
	struct line table, name;
	bool sorted; /* its elements have no order */
	size_t n, max;
	struct line *line; /* owned */
};

struct listing {
	size_t n, max;
	struct block *block; /* owned */
};

static void listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->block[i].line);
	free(l->block);
}

static bool same(const struct line *a, const struct line *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->text, b->text, a->len) == 0);
}

static int by_text(const void *x, const void *y)
{
	const struct line *a = x, *b = y;
	size_t len = a->len < b->len ? a->len : b->len;
	int order = len > 0 ? memcmp(a->text, b->text, len) : 0;

	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static struct block *add_block(struct listing *l, struct line table, struct line name)
{
	if (l->n == l->max) {
		size_t max = l->max ? l->max * 2 : 16;
		struct block *block = realloc(l->block, max * sizeof(*block));

		if (!block)
			return NULL;
		l->block = block;
		l->max = max;
	}
	l->block[l->n] = (struct block){ .table = table, .name = name };
	return &l->block[l->n++];
}

static bool add_line(struct block *b, struct line line)
{
	if (b->n == b->max) {
		size_t max = b->max ? b->max * 2 : 16;
		struct line *lines = realloc(b->line, max * sizeof(*lines));

		if (!lines)
			return false;
		b->line = lines;
		b->max = max;
	}
	b->line[b->n++] = line;
	return true;
}

static struct line trimmed(const char *text, const char *end)
{
	while (text < end && (*text == '\t' || *text == ' '))
		text++;
	while (end > text && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n'))
		end--;
	return (struct line){ text, (size_t)(end - text) };
}

/* Elements between braces, a comma behind each but the last; quotes hold anything. Returns where
 * they end. */
static const char *add_elements(struct block *b, const char *at, const char *end, bool *ok)
{
	const char *begin = at;
	bool quoted = false;

	b->sorted = true;
	for (; at < end; at++) {
		if (*at == '"')
			quoted = !quoted;
		if (quoted || (*at != ',' && *at != '}'))
			continue;
		*ok = *ok && add_line(b, trimmed(begin, at));
		begin = at + 1;
		if (*at == '}')
			break;
	}
	return at;
}

static bool starts(const struct line *l, const char *word)
{
	return l->len >= strlen(word) && memcmp(l->text, word, strlen(word)) == 0;
}

/* One line of a listing; `depth` tabs stand in front. Returns where the next one begins. */
static const char *read_line(
	struct listing *l, struct block **at, const char *text, const char *end, bool *ok)
{
	static const char elements[] = "elements = {";
	const char *newline = memchr(text, '\n', (size_t)(end - text));
	size_t depth = 0;

	newline = newline ? newline : end;
	while (text + depth < newline && text[depth] == '\t')
		depth++;
	struct line line = trimmed(text + depth, newline);
	bool opens = line.len > 0 && line.text[line.len - 1] == '{';

	if (depth == 0 && starts(&line, "table "))
		*at = add_block(l, line, (struct line){ "", 0 });
	else if (depth == 1 && opens && *at)
		*at = add_block(l, (*at)->table, line);
	else if (*at && starts(&line, elements)) {
		const char *close = add_elements(*at, line.text + strlen(elements), end, ok);

		newline = memchr(close, '\n', (size_t)(end - close));
		newline = newline ? newline : end;
	} else if (*at && line.len > 0 && !(depth <= 1 && line.text[0] == '}'))
		*ok = *ok && add_line(*at, line);
	return newline < end ? newline + 1 : end;
}

static bool read_listing(struct span text, struct listing *l)
{
	const char *at = (const char *)text.data, *end = at + text.len;
	struct block *block = NULL;
	bool ok = true;

	while (at < end && ok) {
		size_t before = l->n;
		bool had = block != NULL;

		at = read_line(l, &block, at, end, &ok);
		ok = ok && (l->n > before || !had || block);
	}
	for (size_t i = 0; i < l->n; i++) {
		if (l->block[i].sorted)
			qsort(l->block[i].line, l->block[i].n, sizeof(struct line), by_text);
	}
	return ok;
}

struct writer {
	FILE *out;
	const struct block *headed; /* the heads of this one stand above */
	struct line table;
	int any;
};

static void write_line(struct writer *w, char sign, const struct block *b, const struct line *line)
{
	w->any = 1;
	if (!same(&w->table, &b->table))
		(void)fprintf(w->out, "  %.*s\n", (int)b->table.len, b->table.text);
	w->table = b->table;
	if (w->headed != b && b->name.len > 0)
		(void)fprintf(w->out, "  \t%.*s\n", (int)b->name.len, b->name.text);
	w->headed = b;
	if (line)
		(void)fprintf(w->out, "%c %s%.*s\n", sign, b->name.len > 0 ? "\t\t" : "\t",
			(int)line->len, line->text);
}

static const struct block *find(const struct listing *l, const struct block *wanted, size_t near)
{
	/* Most often both have it at the same place. */
	for (size_t i = 0; i < l->n; i++) {
		const struct block *b = &l->block[(near + i) % l->n];

		if (same(&b->table, &wanted->table) && same(&b->name, &wanted->name))
			return b;
	}
	return NULL;
}

/* A block that the other one has not: its head, and all of it. */
static void write_whole(struct writer *w, char sign, const struct block *b)
{
	const struct line *head = b->name.len > 0 ? &b->name : &b->table;

	w->any = 1;
	if (b->name.len > 0 && !same(&w->table, &b->table))
		(void)fprintf(w->out, "  %.*s\n", (int)b->table.len, b->table.text);
	w->table = b->table;
	(void)fprintf(w->out, "%c %s%.*s\n", sign, b->name.len > 0 ? "\t" : "", (int)head->len,
		head->text);
	w->headed = b;
	for (size_t i = 0; i < b->n; i++)
		write_line(w, sign, b, &b->line[i]);
}

/* How far behind `i` the same line comes; SEARCH_MAX: not soon. */
static size_t distance(const struct block *in, size_t i, const struct line *wanted)
{
	size_t n = 0;

	while (n < SEARCH_MAX && i + n < in->n && !same(&in->line[i + n], wanted))
		n++;
	return i + n < in->n ? n : SEARCH_MAX;
}

/* Where the two part, the one goes on that comes back to the other's line first. */
static void merge(struct writer *w, const struct block *from, const struct block *to)
{
	size_t i = 0, k = 0;

	while (i < from->n || k < to->n) {
		bool both = i < from->n && k < to->n;

		if (both && same(&from->line[i], &to->line[k])) {
			i++;
			k++;
			continue;
		}
		size_t gone = both ? distance(from, i, &to->line[k]) : SEARCH_MAX;
		size_t come = both ? distance(to, k, &from->line[i]) : SEARCH_MAX;
		bool first = k == to->n || (both && gone <= come);

		w->headed = w->headed == to ? from : w->headed;
		if (first)
			write_line(w, '-', from, &from->line[i++]);
		if (!first || (both && gone == SEARCH_MAX && come == SEARCH_MAX))
			write_line(w, '+', from, &to->line[k++]);
	}
}

int listing_differ(struct span from, struct span to, FILE *out)
{
	struct listing a = { 0, 0, NULL }, b = { 0, 0, NULL };
	struct writer w = { .out = out };
	bool ok = read_listing(from, &a) && read_listing(to, &b);

	for (size_t i = 0; ok && i < a.n; i++) {
		const struct block *other = find(&b, &a.block[i], i);

		if (other)
			merge(&w, &a.block[i], other);
		else
			write_whole(&w, '-', &a.block[i]);
	}
	for (size_t i = 0; ok && i < b.n; i++) {
		if (!find(&a, &b.block[i], i))
			write_whole(&w, '+', &b.block[i]);
	}
	listing_free(&a);
	listing_free(&b);
	return ok ? w.any : -ENOMEM;
}
