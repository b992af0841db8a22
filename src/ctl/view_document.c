/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reply.h"
#include "view.h"

#include <string.h>

enum { SHORT_DIGEST = 8 };

static enum tone tone_of(const char *condition)
{
	static const char *const poor[] = { "unread", "foreign", "open", "refused", "drift" };

	for (size_t i = 0; i < ARRAY_LEN(poor); i++) {
		if (strcmp(condition, poor[i]) == 0)
			return TONE_POOR;
	}
	return strcmp(condition, "equal") == 0 ? TONE_GOOD : TONE_PLAIN;
}

/* Why it is as it is, or NULL. */
static const char *reason_of(const json_t *document)
{
	const char *condition = reply_text(document, "condition");
	const json_t *here = json_object_get(document, "here");
	const json_t *there = json_object_get(document, "there");

	if (reply_has(document, "trouble"))
		return reply_text(document, "trouble");
	if (strcmp(condition, "refused") != 0)
		return NULL;
	/* The standby knows it by itself, the source by its word. */
	if (reply_has(document, "source") && json_is_object(here) &&
		strcmp(reply_text(here, "node"), reply_text(document, "source")) != 0)
		return reply_text(here, "reason");
	return json_is_object(there) ? reply_text(there, "reason") : NULL;
}

static bool is_shown(const json_t *document)
{
	return reply_claim(document, "document") && reply_claim(document, "on");
}

void view_document_lines(const struct page *page, const json_t *status)
{
	json_t *document, *mirror = json_object_get(status, "mirror");
	const char *name;

	json_object_foreach(mirror, name, document)
	{
		const char *reason = is_shown(document) ? reason_of(document) : NULL;
		const char *digest = reply_text_or(document, "digest", NULL);
		char text[2 * TABLE_CELL_MAX];

		if (!is_shown(document))
			continue;
		(void)snprintf(text, sizeof(text), "%s: %s%s%s%s%.*s%s", name,
			reply_text(document, "text"), reason ? ": " : "", reason ? reason : "",
			digest ? " (" : "", SHORT_DIGEST, digest ? digest : "", digest ? ")" : "");
		page_wrap(page, tone_of(reply_text(document, "condition")), 0, strlen(name) + 2,
			text);
	}
}

static void add_past(struct table *t, const json_t *past)
{
	if (json_is_object(past))
		table_add(t, TONE_PLAIN, "%s: %s", reply_text(past, "node"),
			reply_text(past, "result"));
	else
		table_add(t, TONE_DIM, "-");
}

static void put_reasons(const struct page *page, json_t *mirror)
{
	json_t *document;
	const char *name;

	json_object_foreach(mirror, name, document)
	{
		const char *reason = is_shown(document) ? reason_of(document) : NULL;

		if (reason == NULL)
			continue;
		page_put(page, TONE_POOR, "%s: %s", name, reason);
		(void)fputc('\n', page->out);
	}
}

void view_documents(const struct page *page, const json_t *answer)
{
	static const char *const titles[] = { "DOCUMENT", "CONDITION", "FOR", "SOURCE", "DIGEST",
		"PEER'S", "LAST VERDICT", NULL };
	json_t *document, *mirror = json_object_get(answer, "mirror");
	const char *name;
	struct table t;
	bool any = false;

	table_init(&t, titles);
	json_object_foreach(mirror, name, document)
	{
		const char *condition = reply_text(document, "condition");
		const json_t *there = json_object_get(document, "there");
		char since[DURATION_MAX];

		if (!is_shown(document))
			continue;
		any = true;
		reply_duration(document, "since_ms", since);
		table_add(&t, TONE_PLAIN, "%s", name);
		table_add(&t, tone_of(condition), "%s", condition);
		table_add(&t, TONE_PLAIN, "%s", since);
		table_add(&t, TONE_PLAIN, "%s", reply_text_or(document, "source", "-"));
		table_add(&t, TONE_PLAIN, "%.*s", SHORT_DIGEST,
			reply_text_or(document, "digest", "-"));
		table_add(&t, TONE_PLAIN, "%.*s", SHORT_DIGEST,
			reply_text_or(document, "peer_digest", "-"));
		add_past(&t, json_is_object(there) ? there : json_object_get(document, "here"));
	}
	if (any)
		(void)fputc('\n', page->out);
	view_table(page, &t);
	put_reasons(page, mirror);
}

void view_diff(const struct page *page, const json_t *answer)
{
	const char *text = reply_text(answer, "text");
	const json_t *warning;
	size_t i;

	if (reply_claim(answer, "equal"))
		(void)fprintf(
			page->out, "%s: both nodes have the same\n", reply_text(answer, "kind"));
	else
		(void)fprintf(page->out, "%s: - %s, + %s\n%s", reply_text(answer, "kind"),
			reply_text(answer, "node"), reply_text(answer, "peer"), text);
	json_array_foreach(json_object_get(answer, "warnings"), i, warning)
	{
		const char *says = json_string_value(warning);

		page_put(page, TONE_POOR, "warning");
		(void)fprintf(page->out, ": %s\n", says ? says : "?");
	}
}
