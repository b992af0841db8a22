/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "form.h"
#include "report_part.h"

#include <stdio.h>

enum { DIGEST_TEXT = 2 * DOCUMENT_DIGEST_LEN + 1 };

static json_t *digest_of(bool known, const struct document_digest *digest)
{
	char text[DIGEST_TEXT];

	if (!known)
		return json_null();
	for (unsigned i = 0; i < DOCUMENT_DIGEST_LEN; i++)
		(void)snprintf(text + (size_t)i * 2, 3, "%02x", digest->bytes[i]);
	return json_string(text);
}

static json_t *past_of(
	const struct report_input *in, unsigned node, const struct document_past *past)
{
	struct form f;

	if (past->times == 0)
		return json_null();
	form_begin(&f);
	form_text(&f, "node", in->conf->node[node]);
	form_text(&f, "result", document_result_text(past->result));
	form_text(&f, "reason", past->text);
	form_add(&f, "digest", digest_of(true, &past->digest));
	form_add(&f, "at", report_wall(in, past->at));
	form_add(&f, "since_ms", report_ms_since(in, past->at));
	return form_end(&f);
}

json_t *report_document(const struct report_input *in, unsigned place)
{
	const struct document_view *v = &in->view->document[place];
	unsigned self = in->conf->self;
	struct form f;

	form_begin(&f);
	form_claim(&f, "document", true);
	form_claim(&f, "built", v->built);
	form_claim(&f, "on", v->on);
	/* As of every kind: what there is, what the peer has of it, and whether that is all. */
	form_number(&f, "local", v->known);
	form_number(&f, "mirrored", v->condition == CONDITION_EQUAL);
	form_claim(&f, "in_sync", v->condition == CONDITION_EQUAL);
	form_null(&f, "lag_ms");
	form_number(&f, "resyncs", (int64_t)v->mine.times + v->theirs.times);
	form_text(&f, "condition", document_condition_key(v->condition));
	form_text(&f, "text", document_condition_text(v->condition));
	form_add(&f, "since", report_wall(in, v->since));
	form_add(&f, "since_ms", report_ms_since(in, v->since));
	form_text(&f, "source", v->source >= 0 ? in->conf->node[v->source] : NULL);
	form_claim(&f, "consent", v->consent);
	form_claim(&f, "asked", v->asked);
	form_add(&f, "digest", digest_of(v->known, &v->own));
	form_add(&f, "peer_digest", digest_of(v->peer_known, &v->peer));
	form_number(&f, "bytes", (int64_t)v->bytes);
	form_number(&f, "come", (int64_t)v->come);
	form_number(&f, "to_come", (int64_t)v->to_come);
	form_text(&f, "trouble", v->trouble[0] != '\0' ? v->trouble : NULL);
	form_add(&f, "here", past_of(in, self, &v->mine));
	form_add(&f, "there", past_of(in, 1 - self, &v->theirs));
	return form_end(&f);
}
