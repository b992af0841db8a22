/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report_part.h"
#include "form.h"
#include "wall.h"

#include <stdio.h>

json_t *report_array(const struct report_input *in, unsigned n,
	json_t *(*make)(const struct report_input *in, unsigned i))
{
	json_t *array = json_array();

	for (unsigned i = 0; i < n; i++)
		array = form_append(array, make(in, i));
	return array;
}

json_t *report_node(const struct report_input *in, int index)
{
	if (index < 0 || index >= CONF_NODES)
		return json_null();
	return json_string(in->conf->node[index]);
}

json_t *report_ms_since(const struct report_input *in, mono_t at)
{
	if (mono_is_never(at))
		return json_null();
	return json_integer((json_int_t)(mono_since_us(at, in->view->now) / 1000));
}

json_t *report_wall(const struct report_input *in, mono_t at)
{
	char text[WALL_TEXT_MAX];

	if (mono_is_never(at))
		return json_null();
	wall_text(in->wall_ms - (int64_t)(mono_since_us(at, in->view->now) / 1000), text);
	return json_string(text);
}

json_t *report_priorities(const struct report_input *in, unsigned g)
{
	struct form f;

	form_begin(&f);
	for (unsigned node = 0; node < CONF_NODES; node++)
		form_number(&f, in->conf->node[node], in->conf->group[g].priority[node]);
	return form_end(&f);
}

static bool fails(const struct report_input *in, unsigned monitor, bool peer)
{
	const struct monitor_view *theirs = &in->view->peer_monitor[monitor];

	return peer ? theirs->known && !theirs->ok : !in->view->monitor_ok[monitor];
}

void report_failed_weight(
	const struct report_input *in, unsigned g, bool peer, char ret_text[REPORT_CAUSE_MAX])
{
	const struct group_view *v = &in->view->group[g];
	size_t len = (size_t)snprintf(ret_text, REPORT_CAUSE_MAX, "failed weight %u of %u",
		peer ? v->peer.failed_weight : v->own.failed_weight, in->conf->group[g].threshold);
	const char *sep = ": ";

	for (unsigned i = 0; i < in->conf->n_monitors; i++) {
		const struct conf_monitor *m = &in->conf->monitor[i];

		if (len + sizeof(m->name) + 2 > REPORT_CAUSE_MAX)
			break;
		if (m->weight == 0 || !(m->all_groups || m->group == g) || !fails(in, i, peer))
			continue;
		len += (size_t)snprintf(
			ret_text + len, REPORT_CAUSE_MAX - len, "%s%s", sep, m->name);
		sep = ", ";
	}
}

/* What its state comes from; empty for a master that is as it should be. */
static void cause_text(
	const struct report_input *in, unsigned g, bool peer, char ret_text[REPORT_CAUSE_MAX])
{
	const struct group_view *v = &in->view->group[g];
	const struct standing_view *s = peer ? &v->peer : &v->own;
	const char *text = "";

	switch (s->state) {
	case GROUP_INIT: text = "it is starting, or waits for what the other node says"; break;
	case GROUP_PRIMARY_BACKUP: text = "in sync, may take over"; break;
	case GROUP_BACKUP: text = "not in sync yet"; break;
	case GROUP_INELIGIBLE: text = "in maintenance"; break;
	case GROUP_MASTER:
	case GROUP_INOPERABLE: break;
	}
	(void)snprintf(ret_text, REPORT_CAUSE_MAX, "%s", text);
	if (s->state == GROUP_INOPERABLE || (s->state == GROUP_MASTER && !s->operable))
		report_failed_weight(in, g, peer, ret_text);
}

json_t *report_standing(const struct report_input *in, unsigned g, bool peer)
{
	const struct group_view *group = &in->view->group[g];
	const struct standing_view *s = peer ? &group->peer : &group->own;
	unsigned node = peer ? 1u - in->conf->self : in->conf->self;
	char cause[REPORT_CAUSE_MAX];
	struct form f;

	if (peer && !s->known)
		return json_null();
	cause_text(in, g, peer, cause);
	form_begin(&f);
	form_text(&f, "node", in->conf->node[node]);
	form_text(&f, "state", group_state_name(s->state));
	form_text(&f, "cause", cause[0] != '\0' ? cause : NULL);
	form_number(&f, "term", s->term);
	form_number(&f, "priority", s->priority);
	form_claim(&f, "eligible", s->eligible);
	form_claim(&f, "operable", s->operable);
	form_claim(&f, "in_sync", s->in_sync);
	form_claim(&f, "served", s->served);
	form_claim(&f, "holding", s->holding);
	form_number(&f, "failed_weight", s->failed_weight);
	return form_end(&f);
}
