/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "await.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "form.h"
#include "report_part.h"

enum {
	TEXT_MAX = 400,
	DOCUMENT_AWAIT_MS = 65000, /* a little longer than the core waits */
};

static bool own_is_master(const struct node_view *v)
{
	for (unsigned g = 0; g < v->n_groups; g++) {
		if (v->group[g].own.state == GROUP_MASTER)
			return true;
	}
	return false;
}

static bool peer_is_master(const struct node_view *v)
{
	for (unsigned g = 0; g < v->n_groups; g++) {
		if (v->group[g].peer.known && v->group[g].peer.state == GROUP_MASTER)
			return true;
	}
	return false;
}

const char *await_refusal(enum await_kind kind, const struct report_input *in)
{
	const struct node_view *v = in->view;

	if (!in->conf->mirror.sessions && !in->conf->mirror.neighbours)
		return "sessions are not mirrored: [mirror] sessions = no";
	if (!v->mirror.on)
		return "sessions are not mirrored: there was no memory for it at the start";
	if (!v->peer_alive)
		return kind == AWAIT_SYNC
			       ? "the peer is not heard: it gets everything when it is back"
			       : "the peer is not heard: there is nothing to compare with";
	if (!v->mirror.up)
		return "there is no channel to the peer yet";
	if (!own_is_master(v) && !peer_is_master(v))
		return "no node is master: there is nothing to mirror";
	return NULL;
}

void await_begin(struct await *a, enum await_kind kind, const struct report_input *in)
{
	const struct node_view *v = in->view;

	*a = (struct await){
		.kind = kind,
		.sends = own_is_master(v),
		.hears = peer_is_master(v),
		.since = v->now,
		.found_at = MONO_NEVER,
		.next_at = MONO_NEVER,
		.start = v->mirror.past,
	};
}

static enum await_step fail(json_t **ret_answer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static enum await_step fail(json_t **ret_answer, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	*ret_answer = form_wrap("error", json_string(text));
	return AWAIT_OVER;
}

static bool is_late(const struct await *a, const struct node_view *v)
{
	return mono_reached(mono_after_ms(a->since, AWAIT_MAX_MS), v->now);
}

/* ---- sync -------------------------------------------------------------------------------- */

static enum await_step synced(
	const struct await *a, const struct report_input *in, json_t **ret_answer)
{
	const struct mirror_past *past = &in->view->mirror.past;
	const char *peer = in->conf->node[1 - in->conf->self];
	char text[TEXT_MAX];
	size_t len = 0;
	struct form f;

	if (a->sends)
		len = (size_t)snprintf(text, sizeof(text), "%u objects to %s in %u ms",
			past->sent.objects, peer, past->sent.ms);
	if (a->hears)
		(void)snprintf(text + len, sizeof(text) - len, "%s%u objects from %s in %u ms",
			len > 0 ? ", " : "", past->heard.objects, peer, past->heard.ms);
	form_begin(&f);
	form_claim(&f, "ok", true);
	form_text(&f, "result", text);
	form_add(&f, "sent", a->sends ? report_copy(in, &past->sent) : json_null());
	form_add(&f, "heard", a->hears ? report_copy(in, &past->heard) : json_null());
	*ret_answer = form_end(&f);
	return AWAIT_OVER;
}

static enum await_step look_at_sync(
	const struct await *a, const struct report_input *in, json_t **ret_answer)
{
	const struct mirror_view *m = &in->view->mirror;
	bool sent = !a->sends || (m->past.sent.times > a->start.sent.times && m->arrived);
	bool heard = !a->hears || m->past.heard.times > a->start.heard.times;

	if (sent && heard)
		return synced(a, in, ret_answer);
	if (is_late(a, in->view))
		return fail(ret_answer,
			"still running after %d s: %u objects sent, %u heard so far; "
			"`nsrpctl show mirror` tells when it is over",
			AWAIT_MAX_MS / 1000, m->sending ? m->sent_so_far : 0,
			m->receiving ? m->received_so_far : 0);
	return AWAIT_WAIT;
}

/* ---- verify ------------------------------------------------------------------------------ */

/* Everything of the round is known. A walk that was under way at its start does not count. */
static bool round_is_over(const struct await *a, const struct mirror_past *past)
{
	return past->own.times > a->start.walks && past->peer.times > a->start.peer.times &&
	       (!a->sends || (past->ours.times > a->start.ours.times && past->unanswered == 0)) &&
	       (!a->hears || past->theirs.times > a->start.theirs.times);
}

/* Of all the comparisons in the round: a repair brings more of them, which find nothing. */
static void count_differences(const struct await *a, struct mirror_past *past)
{
	past->own.differed = past->own.ever - a->start.own.ever;
	past->peer.differed = past->peer.ever - a->start.peer.ever;
	past->ours.differed = past->ours.ever - a->start.ours.ever;
	past->theirs.differed = past->theirs.ever - a->start.theirs.ever;
}

static bool is_equal(const struct await *a, const struct mirror_past *past)
{
	return past->own.differed == 0 && past->peer.differed == 0 &&
	       (!a->sends || past->ours.differed == 0) && (!a->hears || past->theirs.differed == 0);
}

static bool is_comparable(const struct await *a, const struct mirror_past *past)
{
	return !(a->sends && past->ours.failed) && !(a->hears && past->theirs.failed);
}

static enum await_step verified(
	const struct await *a, bool equal, const struct report_input *in, json_t **ret_answer)
{
	bool repaired = equal && a->rounds > 1;
	struct form f;

	form_begin(&f);
	form_claim(&f, "ok", true);
	form_text(&f, "result",
		repaired ? "the nodes differed and are equal now"
		: equal  ? "the nodes are equal"
			 : "the nodes differ");
	form_claim(&f, "equal", equal && !repaired);
	form_claim(&f, "repaired", repaired);
	form_number(&f, "rounds", a->rounds);
	form_add(&f, "node", report_node(in, in->conf->self));
	form_add(&f, "peer", report_node(in, 1 - in->conf->self));
	form_add(&f, "own", report_found(&a->first.own));
	form_add(&f, "peer_own", report_found(&a->first.peer));
	form_add(&f, "buckets_at_peer", a->sends ? report_found(&a->first.ours) : json_null());
	form_add(&f, "buckets_here", a->hears ? report_found(&a->first.theirs) : json_null());
	*ret_answer = form_end(&f);
	return AWAIT_OVER;
}

static enum await_step look_at_verify(
	struct await *a, const struct report_input *in, json_t **ret_answer)
{
	struct mirror_past found = in->view->mirror.past;
	mono_t now = in->view->now;

	if (!mono_is_never(a->next_at)) {
		if (!mono_reached(a->next_at, now))
			return AWAIT_WAIT;
		a->next_at = MONO_NEVER;
		a->start = found;
		return AWAIT_AGAIN;
	}
	if (!round_is_over(a, &found)) {
		if (is_late(a, in->view))
			return fail(ret_answer, "still running after %d s", AWAIT_MAX_MS / 1000);
		return AWAIT_WAIT;
	}
	count_differences(a, &found);
	if (!is_comparable(a, &found))
		return fail(ret_answer,
			"the nodes cannot be compared: no full copy is complete, or they started "
			"with different cluster keys (restart both)");
	if (a->rounds++ == 0)
		a->first = found;
	if (is_equal(a, &found))
		return verified(a, true, in, ret_answer);
	if (mono_is_never(a->found_at))
		a->found_at = now;
	if (mono_reached(mono_after_ms(a->found_at, AWAIT_REPAIR_MS), now) || is_late(a, in->view))
		return verified(a, false, in, ret_answer);
	a->next_at = mono_after_ms(now, AWAIT_BETWEEN_MS);
	return AWAIT_WAIT;
}

/* ---- documents ----------------------------------------------------------------------------- */

void await_begin_document(struct await *a, uint8_t document, const struct report_input *in)
{
	const struct document_view *v = &in->view->document[document_place(document)];

	*a = (struct await){
		.kind = AWAIT_DOCUMENT,
		.since = in->view->now,
		.document = document,
		.mine = v->mine.times,
		.theirs = v->theirs.times,
	};
}

static enum await_step document_judged(const struct report_input *in, uint8_t document,
	const struct document_past *past, const char *node, json_t **ret_answer)
{
	const char *what = document_result_text(past->result);
	const char *between = past->text[0] != '\0' ? ": " : "";
	char text[TEXT_MAX];
	struct form f;

	(void)in;
	(void)snprintf(text, sizeof(text), "%s at %s: %s%s%s", document_kind_name(document), node,
		what, between, past->text);
	if (past->result != DOCUMENT_EQUAL && past->result != DOCUMENT_ACCEPTED &&
		past->result != DOCUMENT_VALID)
		return fail(ret_answer, "%s", text);
	form_begin(&f);
	form_claim(&f, "ok", true);
	form_text(&f, "result", text);
	form_text(&f, "node", node);
	form_text(&f, "verdict", what);
	form_text(&f, "reason", past->text);
	*ret_answer = form_end(&f);
	return AWAIT_OVER;
}

static enum await_step look_at_document(
	const struct await *a, const struct report_input *in, json_t **ret_answer)
{
	const struct document_view *v = &in->view->document[document_place(a->document)];
	const char *const *node = (const char *const[]){ in->conf->node[in->conf->self],
		in->conf->node[1 - in->conf->self] };

	if (v->mine.times != a->mine && v->mine.asked)
		return document_judged(in, a->document, &v->mine, node[0], ret_answer);
	if (v->theirs.times != a->theirs && v->theirs.asked)
		return document_judged(in, a->document, &v->theirs, node[1], ret_answer);
	if (!in->view->peer_alive)
		return fail(ret_answer, "the peer is lost: it gets it when it is back");
	if (mono_reached(mono_after_ms(a->since, DOCUMENT_AWAIT_MS), in->view->now))
		return fail(ret_answer,
			"%s: no answer from the other node in time; `nsrpctl show "
			"mirror` tells how it is",
			document_kind_name(a->document));
	return AWAIT_WAIT;
}

enum await_step await_look(struct await *a, const struct report_input *in, json_t **ret_answer)
{
	if (a->kind == AWAIT_DOCUMENT)
		return look_at_document(a, in, ret_answer);
	const char *refusal = await_refusal(a->kind, in);

	if (refusal != NULL)
		return fail(ret_answer, "%s", refusal);
	if (a->sends != own_is_master(in->view) || a->hears != peer_is_master(in->view))
		return fail(ret_answer, "another node became master meanwhile: ask again");
	return a->kind == AWAIT_SYNC ? look_at_sync(a, in, ret_answer)
				     : look_at_verify(a, in, ret_answer);
}
