/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "form.h"
#include "report.h"
#include "report_part.h"

#include <stdio.h>

enum { WHY_TEXT_MAX = 512 };

static json_t *failed_monitors(const struct report_input *in, unsigned g)
{
	json_t *failed = json_array();

	for (unsigned i = 0; i < in->conf->n_monitors; i++) {
		const struct conf_monitor *m = &in->conf->monitor[i];
		struct form f;

		if (in->view->monitor_ok[i] || !(m->all_groups || m->group == g))
			continue;
		form_begin(&f);
		form_text(&f, "name", m->name);
		form_number(&f, "weight", m->weight);
		failed = form_append(failed, form_end(&f));
	}
	return failed;
}

/* What the rules looked at, beside the two standings. */
static json_t *inputs(const struct report_input *in, unsigned g)
{
	const struct conf_group *conf = &in->conf->group[g];
	const struct node_view *view = in->view;
	struct form f;

	form_begin(&f);
	form_claim(&f, "peer_alive", view->peer_alive);
	form_add(&f, "peer_since_ms", report_ms_since(in, view->peer_since));
	form_claim(&f, "in_sync", view->in_sync);
	form_claim(&f, "peer_in_sync", view->peer_in_sync);
	form_claim(&f, "conf_differs", view->conf_differs);
	form_add(&f, "priorities", report_priorities(in, g));
	form_number(&f, "threshold", conf->threshold);
	form_number(&f, "failed_weight", view->group[g].own.failed_weight);
	form_add(&f, "failed_monitors", failed_monitors(in, g));
	form_claim(&f, "preempt", conf->preempt);
	form_number(&f, "preempt_hold_ms", conf->preempt_hold_ms);
	form_claim(&f, "preempt_suspended", view->group[g].preempt_suspended);
	form_number(&f, "rests_ms",
		(int64_t)(mono_since_us(view->now, view->group[g].rests_until) / 1000));
	form_claim(&f, "handing_over", view->group[g].handing_over);
	return form_end(&f);
}

/* The decision; what each node's state comes from stands with its standing. */
static void decision(const struct report_input *in, unsigned g, char ret_text[WHY_TEXT_MAX])
{
	const struct group_view *v = &in->view->group[g];
	bool both = v->own.state == GROUP_MASTER && v->peer.known && v->peer.state == GROUP_MASTER;
	const char *who = both            ? "both nodes are"
			  : v->master < 0 ? "nobody is"
					  : in->conf->node[v->master];

	(void)snprintf(ret_text, WHY_TEXT_MAX, "group %u: %s%s master because rule %s says: %s",
		v->id, who, both || v->master < 0 ? "" : " is", rule_label(v->rule),
		rule_text(v->rule));
}

static json_t *why(const struct report_input *in, unsigned g, bool alone)
{
	const struct group_view *v = &in->view->group[g];
	const char *node = in->conf->node[in->conf->self];
	char text[WHY_TEXT_MAX];
	struct form f;

	decision(in, g, text);
	form_begin(&f);
	form_number(&f, "id", v->id);
	form_text(&f, "node", node);
	form_text(&f, "state", group_state_name(v->own.state));
	form_add(&f, "master", report_node(in, v->master));
	form_text(&f, "text", text);
	form_text(&f, "rule", rule_label(v->rule));
	form_text(&f, "rule_text", rule_text(v->rule));
	form_text(&f, "reason", reason_text(v->reason));
	form_add(&f, "since", report_wall(in, v->since));
	form_add(&f, "since_ms", report_ms_since(in, v->since));
	form_add(&f, "own", report_standing(in, g, false));
	form_add(&f, "peer", report_standing(in, g, true));
	form_add(&f, "inputs", inputs(in, g));
	form_add(&f, "if", report_foresee(in, g, alone));
	return form_end(&f);
}

json_t *report_why(const struct report_input *in, unsigned group)
{
	json_t *groups = json_array();

	for (unsigned g = 0; g < in->conf->n_groups; g++) {
		if (group == COMMAND_ALL_GROUPS || group == g)
			groups = form_append(groups, why(in, g, group == g));
	}
	return form_wrap("groups", groups);
}
