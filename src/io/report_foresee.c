/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "form.h"
#include "report_part.h"

#include <string.h>

/* A few hundred of these take the engine's time for nothing else. */
enum { FORESIGHTS_MAX = 1024 };

/* Where a mishap strikes. */
struct place {
	bool here, there;
};

static struct foresight foresee(
	const struct report_input *in, unsigned g, const struct mishap *mishap)
{
	struct foresight f;

	node_foresee(in->node, in->view->now, g, mishap, &f);
	return f;
}

static bool same(const struct foresight *a, const struct foresight *b)
{
	return a->rule == b->rule && memcmp(a->master, b->master, sizeof(a->master)) == 0;
}

static json_t *masters(const struct report_input *in, const struct foresight *f)
{
	json_t *nodes = json_array();

	for (int i = 0; i < CONF_NODES; i++) {
		if (f->master[i])
			nodes = form_append(nodes, report_node(in, i));
	}
	return nodes;
}

/* Somebody else is master then, or one more, or nobody. */
static bool moves(const struct report_input *in, unsigned g, const struct foresight *f)
{
	const struct group_view *v = &in->view->group[g];
	unsigned self = in->conf->self;
	bool own = v->own.state == GROUP_MASTER;
	bool peer = v->peer.known && v->peer.state == GROUP_MASTER;

	return f->master[self] != own || f->master[1 - self] != peer;
}

/* False: the one that takes over lacks sessions. */
static bool is_in_sync(const struct report_input *in, unsigned g, const struct foresight *f)
{
	const struct group_view *v = &in->view->group[g];
	unsigned self = in->conf->self;

	return (!f->master[self] || v->own.in_sync || v->own.state == GROUP_MASTER) &&
	       (!f->master[1 - self] || v->peer.in_sync || v->peer.state == GROUP_MASTER);
}

/* Takes the reference to `names`. */
static json_t *entry(const struct report_input *in, unsigned g, const char *what, json_t *names,
	json_t *where, const struct foresight *f)
{
	struct form e;

	form_begin(&e);
	form_text(&e, "what", what);
	form_add(&e, "names", names);
	form_add(&e, "where", where);
	form_add(&e, "masters", masters(in, f));
	form_claim(&e, "moves", moves(in, g, f));
	form_claim(&e, "in_sync", is_in_sync(in, g, f));
	form_text(&e, "rule", rule_label(f->rule));
	form_text(&e, "rule_text", rule_text(f->rule));
	return form_end(&e);
}

static json_t *where(const struct report_input *in, struct place place)
{
	unsigned self = in->conf->self;

	if (place.here && place.there)
		return json_string("both");
	return report_node(in, (int)(place.here ? self : 1 - self));
}

/* One that fails already cannot fail. */
static bool may_fail(const struct report_input *in, unsigned g, unsigned i, struct place place)
{
	const struct conf_monitor *m = &in->conf->monitor[i];
	const struct monitor_view *peer = &in->view->peer_monitor[i];

	return (m->all_groups || m->group == g) && (!place.here || in->view->monitor_ok[i]) &&
	       (!place.there || (peer->known && peer->ok));
}

/* Monitors of which the same comes are told together. */
static json_t *add_monitors(
	json_t *all, const struct report_input *in, unsigned g, struct place place)
{
	struct foresight of[CONF_MONITORS_MAX];
	bool due[CONF_MONITORS_MAX];

	for (unsigned i = 0; i < in->conf->n_monitors; i++) {
		const struct mishap m = { MISHAP_MONITOR, i, place.here, place.there };

		due[i] = may_fail(in, g, i, place);
		if (due[i])
			of[i] = foresee(in, g, &m);
	}
	for (unsigned i = 0; i < in->conf->n_monitors; i++) {
		json_t *names;

		if (!due[i])
			continue;
		names = json_array();
		for (unsigned j = i; j < in->conf->n_monitors; j++) {
			if (!due[j] || !same(&of[i], &of[j]))
				continue;
			names = form_append(names, json_string(in->conf->monitor[j].name));
			due[j] = false;
		}
		all = form_append(all, entry(in, g, "monitor", names, where(in, place), &of[i]));
	}
	return all;
}

static json_t *add_node(json_t *all, const struct report_input *in, unsigned g, bool here)
{
	const struct mishap m = { MISHAP_NODE, 0, here, !here };
	const struct foresight f = foresee(in, g, &m);
	int node = (int)(here ? in->conf->self : 1 - in->conf->self);

	return form_append(
		all, entry(in, g, "node", form_append(json_array(), report_node(in, node)),
			     json_null(), &f));
}

/* HA links that are alive: each alone, then all of them, then every path. */
static json_t *add_links(json_t *all, const struct report_input *in, unsigned g)
{
	const struct conf *conf = in->conf;
	json_t *names = json_array();

	for (unsigned i = 0; i < conf->n_links; i++) {
		const struct mishap m = { .kind = MISHAP_PATH, .index = i };
		const struct foresight f = foresee(in, g, &m);
		json_t *name = json_string(conf->path[i].name);

		if (in->view->path[i].state == PATH_ALIVE)
			all = form_append(all,
				entry(in, g, "link", form_append(json_array(), json_incref(name)),
					json_null(), &f));
		names = form_append(names, name);
	}
	const struct mishap links = { .kind = MISHAP_LINKS }, apart = { .kind = MISHAP_APART };
	struct foresight f = foresee(in, g, &links);

	all = form_append(all, entry(in, g, "links", names, json_null(), &f));
	f = foresee(in, g, &apart);
	return form_append(all, entry(in, g, "apart", json_array(), json_null(), &f));
}

json_t *report_foresee(const struct report_input *in, unsigned g, bool alone)
{
	static const struct place places[] = { { true, false }, { false, true }, { true, true } };
	bool pair = in->view->group[g].peer.known;
	json_t *all = json_array();

	if (!in->node || (!alone && in->conf->n_groups * in->conf->n_monitors > FORESIGHTS_MAX)) {
		json_decref(all);
		return json_null();
	}
	for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
		if (pair || !places[i].there)
			all = add_monitors(all, in, g, places[i]);
	}
	all = add_node(all, in, g, true);
	if (!pair)
		return all;
	all = add_node(all, in, g, false);
	return add_links(all, in, g);
}
