/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "form.h"
#include "report.h"
#include "report_part.h"

static const struct {
	uint8_t kind;
	const char *name;
} built[] = {
#define X(NAME, number, text) { number, text },
	OBJECT_KINDS(X)
#undef X
};

/* What both nodes should have is on both. */
static bool is_in_sync(const struct node_view *v)
{
	return v->mirror.on && v->mirror.up && v->in_sync && !v->mirror.waited && v->peer_in_sync;
}

static void put_lag(struct form *f, const char *key, bool known, uint64_t us)
{
	if (known)
		form_number(f, key, (int64_t)(us / 1000));
	else
		form_null(f, key);
}

static json_t *kind_of(const struct report_input *in, uint8_t kind)
{
	const struct mirror_view *m = &in->view->mirror;
	uint64_t lag_us = m->lag_us > m->peer_lag_us ? m->lag_us : m->peer_lag_us;
	bool is_on = m->kinds >> kind & 1;
	struct form f;

	form_begin(&f);
	form_claim(&f, "built", true);
	form_claim(&f, "on", is_on);
	form_number(&f, "local", is_on ? m->local[kind] : 0);
	form_number(&f, "mirrored", is_on ? m->mirrored[kind] : 0);
	form_claim(&f, "in_sync", is_on && is_in_sync(in->view));
	put_lag(&f, "lag_ms", is_on && m->up, lag_us);
	form_number(&f, "resyncs", is_on ? (int64_t)m->past.sent.times + m->past.heard.times : 0);
	/* A takeover now would go on from what was told then. */
	if (kind == OBJECT_SA && is_on && !mono_is_never(m->numbers_at))
		form_add(&f, "numbers_ms", report_ms_since(in, m->numbers_at));
	else if (kind == OBJECT_SA)
		form_null(&f, "numbers_ms");
	return form_end(&f);
}

json_t *report_mirror_kinds(const struct report_input *in)
{
	struct form f;

	form_begin(&f);
	for (size_t i = 0; i < ARRAY_LEN(built); i++)
		form_add(&f, built[i].name, kind_of(in, built[i].kind));
	for (unsigned i = 0; i < DOCUMENTS; i++)
		form_add(&f, document_kind_name(document_kind_at(i)), report_document(in, i));
	return form_end(&f);
}

json_t *report_copy(const struct report_input *in, const struct mirror_copy *copy)
{
	struct form f;

	if (copy->times == 0)
		return json_null();
	form_begin(&f);
	form_number(&f, "times", copy->times);
	form_number(&f, "objects", copy->objects);
	form_number(&f, "ms", copy->ms);
	form_add(&f, "at", report_wall(in, copy->at));
	form_add(&f, "since_ms", report_ms_since(in, copy->at));
	return form_end(&f);
}

json_t *report_found(const struct mirror_found *found)
{
	struct form f;

	if (found->times == 0)
		return json_null();
	form_begin(&f);
	form_number(&f, "times", found->times);
	form_number(&f, "compared", found->compared);
	form_number(&f, "differed", found->differed);
	form_claim(&f, "failed", found->failed);
	return form_end(&f);
}

static json_t *audit_of(const struct report_input *in)
{
	const struct mirror_past *past = &in->view->mirror.past;
	struct form f;

	if (past->own.times == 0)
		return json_null();
	form_resume(&f, report_found(&past->own));
	form_number(&f, "ms", past->own_ms);
	form_add(&f, "at", report_wall(in, past->own_at));
	form_add(&f, "since_ms", report_ms_since(in, past->own_at));
	return form_end(&f);
}

static json_t *refused(const struct report_input *in)
{
	static const struct {
		const char *name;
		enum counter counter;
	} reasons[] = {
		{ "clash", COUNTER_REFUSED_CLASH },
		{ "full", COUNTER_REFUSED_FULL },
		{ "other", COUNTER_REFUSED_OTHER },
		{ "missing", COUNTER_MISSING },
		{ "index_full", COUNTER_INDEX_FULL },
	};
	struct form f;

	form_begin(&f);
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		form_number(&f, reasons[i].name, (int64_t)in->counters[reasons[i].counter]);
	return form_end(&f);
}

json_t *report_mirroring(const struct report_input *in)
{
	const struct mirror_view *m = &in->view->mirror;
	struct form f;

	form_begin(&f);
	form_text(&f, "node", in->conf->node[in->conf->self]);
	form_text(&f, "peer", in->conf->node[1 - in->conf->self]);
	form_claim(&f, "on", m->on);
	form_claim(&f, "up", m->up);
	form_claim(&f, "in_sync", is_in_sync(in->view));
	form_claim(&f, "complete", m->complete);
	form_claim(&f, "waited", m->waited);
	put_lag(&f, "lag_ms", m->up, m->lag_us);
	put_lag(&f, "peer_lag_ms", m->up, m->peer_lag_us);
	form_number(&f, "backlog", (int64_t)m->backlog);
	form_claim(&f, "sending", m->sending);
	form_number(&f, "sent_so_far", m->sending ? m->sent_so_far : 0);
	form_claim(&f, "receiving", m->receiving);
	form_number(&f, "received_so_far", m->receiving ? m->received_so_far : 0);
	form_claim(&f, "auditing", m->auditing);
	form_number(&f, "index_used", m->index_used);
	form_number(&f, "index_size", m->index_size);
	form_add(&f, "refused", refused(in));
	form_add(&f, "sent", report_copy(in, &m->past.sent));
	form_add(&f, "heard", report_copy(in, &m->past.heard));
	form_add(&f, "audit", audit_of(in));
	form_add(&f, "peer_audit", report_found(&m->past.peer));
	form_add(&f, "buckets_at_peer", report_found(&m->past.ours));
	form_add(&f, "buckets_here", report_found(&m->past.theirs));
	return form_end(&f);
}

json_t *report_mirror(const struct report_input *in)
{
	struct form f;

	form_begin(&f);
	form_add(&f, "mirror", report_mirror_kinds(in));
	form_add(&f, "mirroring", report_mirroring(in));
	return form_end(&f);
}
