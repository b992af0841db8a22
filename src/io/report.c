/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report.h"
#include "form.h"
#include "nsrp/confread.h"
#include "report_part.h"

#include <stdlib.h>

enum { SCHEMA = 1 };

static json_t *peer(const struct report_input *in)
{
	const struct node_view *view = in->view;
	struct form f;

	form_begin(&f);
	form_add(&f, "node", report_node(in, 1 - in->conf->self));
	form_claim(&f, "alive", view->peer_alive);
	form_claim(&f, "in_sync", view->peer_in_sync);
	form_add(&f, "since", report_wall(in, view->peer_since));
	form_add(&f, "since_ms", report_ms_since(in, view->peer_since));
	form_claim(&f, "conf_differs", view->conf_differs);
	form_claim(&f, "realtime", view->peer_realtime);
	return form_end(&f);
}

json_t *report_status(const struct report_input *in)
{
	const struct node_view *view = in->view;
	size_t critical = 0;
	json_t *warnings = report_warnings(in, &critical);
	bool fine = json_array_size(warnings) == 0;
	struct form f;

	form_begin(&f);
	form_number(&f, "schema", SCHEMA);
	form_add(&f, "node", report_node(in, in->conf->self));
	form_number(&f, "cluster", in->conf->cluster_id);
	form_text(&f, "version", in->version);
	form_text(&f, "verdict", critical > 0 ? "critical" : fine ? "ok" : "warning");
	form_number(&f, "critical", (int64_t)critical);
	form_add(&f, "warnings", warnings);
	form_add(&f, "peer", peer(in));
	form_claim(&f, "in_sync", view->in_sync);
	form_claim(&f, "realtime", view->realtime);
	form_claim(&f, "session", view->session);
	form_claim(&f, "stopping", view->stopping);
	form_add(&f, "groups", report_array(in, in->conf->n_groups, report_group));
	form_add(&f, "links", report_array(in, in->conf->n_paths, report_link));
	form_add(&f, "monitors", report_array(in, in->conf->n_monitors, report_monitor));
	form_add(&f, "mirror", report_mirror_kinds(in));
	form_add(&f, "mirroring", report_mirroring(in));
	return form_end(&f);
}

static json_t *counter(const char *key, const char *text, uint64_t value)
{
	struct form f;

	form_begin(&f);
	form_text(&f, "key", key);
	form_number(&f, "value", value > INT64_MAX ? INT64_MAX : (int64_t)value);
	form_text(&f, "text", text);
	return form_end(&f);
}

static json_t *core_counter(const struct report_input *in, unsigned i)
{
	return counter(
		counter_key((enum counter)i), counter_text((enum counter)i), in->counters[i]);
}

json_t *report_counters(const struct report_input *in)
{
	json_t *counters = report_array(in, COUNTER_COUNT, core_counter);

	for (unsigned i = 0; in->io_counters && i < in->n_io_counters; i++) {
		const struct report_counter *c = &in->io_counters[i];

		counters = form_append(counters, counter(c->key, c->text, c->value));
	}
	return form_wrap("counters", counters);
}

json_t *report_config(const struct report_input *in)
{
	size_t len = conf_print(in->conf, NULL, 0);
	char *text = (char *)malloc(len + 1);

	if (!text)
		return NULL;
	(void)conf_print(in->conf, text, len + 1);
	json_t *report = form_wrap("config", json_stringn(text, len));

	free(text);
	return report;
}

json_t *report_version(const struct report_input *in)
{
	struct form f;

	form_begin(&f);
	form_text(&f, "version", in->version);
	form_number(&f, "schema", SCHEMA);
	return form_end(&f);
}

json_t *report_result(enum result result)
{
	struct form f;

	form_begin(&f);
	if (result_ok(result)) {
		form_claim(&f, "ok", true);
		form_text(&f, "result", result_text(result));
	} else {
		form_text(&f, "error", result_text(result));
	}
	return form_end(&f);
}
