/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "form.h"
#include "report_part.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WARNING_MAX = 400 };

/* Both arrays are owned; NULL once memory ran out. */
struct warnings {
	const struct report_input *in;
	json_t *critical, *other;
};

static void add(json_t **array, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(json_t **array, const char *format, ...)
{
	char text[WARNING_MAX];
	va_list arguments;

	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): set by va_start */
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	*array = form_append(*array, json_string(text));
}

static const char *own_name(const struct warnings *w)
{
	return w->in->conf->node[w->in->conf->self];
}

static const char *peer_name(const struct warnings *w)
{
	return w->in->conf->node[1 - w->in->conf->self];
}

static bool peer_is_known(const struct warnings *w, unsigned g)
{
	return w->in->view->peer_alive && w->in->view->group[g].peer.known;
}

/* Why a group may have no master. */
static const char *no_master_cause(const struct warnings *w, unsigned g)
{
	const struct group_view *v = &w->in->view->group[g];

	if (v->own.state == GROUP_INIT)
		return "this node is starting";
	if (!v->own.eligible && peer_is_known(w, g) && !v->peer.eligible)
		return "both nodes are in maintenance";
	if (!v->own.eligible && !peer_is_known(w, g))
		return "this node is in maintenance and the peer is not heard";
	return rule_text(v->rule);
}

static void warn_of_mastership(struct warnings *w, unsigned g)
{
	const struct group_view *v = &w->in->view->group[g];
	bool own = v->own.state == GROUP_MASTER;
	bool peer = peer_is_known(w, g) && v->peer.state == GROUP_MASTER;
	bool at_peer = peer && !own;
	char cause[REPORT_CAUSE_MAX];

	if (own && peer)
		add(&w->critical, "group %u: both nodes are master", v->id);
	if (v->master < 0 && !v->handing_over)
		add(&w->critical, "group %u: no master (%s)", v->id, no_master_cause(w, g));
	if (own && v->role_failed > 0)
		add(&w->critical, "group %u: the kernel refused %u of its addresses and routes",
			v->id, v->role_failed);
	if ((own && !v->own.operable) || (at_peer && !v->peer.operable)) {
		report_failed_weight(w->in, g, at_peer, cause);
		add(&w->critical, "group %u: its master %s is inoperable (%s)", v->id,
			at_peer ? peer_name(w) : own_name(w), cause);
	}
}

static void warn_of_clash(struct warnings *w, unsigned g)
{
	const struct group_view *v = &w->in->view->group[g];

	if (v->clashes)
		add(&w->critical,
			"group %u: its virtual MAC is used by others in the network; the log says "
			"for what",
			v->id);
}

/* Of a node that is not master: why it could not take over. */
static void warn_of_standby(struct warnings *w, unsigned g, bool peer)
{
	const struct group_view *v = &w->in->view->group[g];
	const struct standing_view *s = peer ? &v->peer : &v->own;
	const char *name = peer ? peer_name(w) : own_name(w);
	char cause[REPORT_CAUSE_MAX];

	if (s->state == GROUP_MASTER)
		return;
	report_failed_weight(w->in, g, peer, cause);
	if (!s->eligible)
		add(&w->other, "group %u: %s is in maintenance", v->id, name);
	else if (!s->operable)
		add(&w->other, "group %u: %s is inoperable (%s)", v->id, name, cause);
	else if (s->state == GROUP_BACKUP)
		add(&w->other, "group %u: %s is not in sync yet", v->id, name);
	else if (s->state == GROUP_INIT && v->master >= 0)
		add(&w->other, "group %u: %s is starting", v->id, name);
}

static void warn_of_peer(struct warnings *w)
{
	const struct node_view *v = w->in->view;

	if (v->stopping)
		add(&w->other, "%s is stopping", own_name(w));
	if (!v->peer_alive)
		add(&w->other, "peer %s is not heard", peer_name(w));
	else if (v->conf_differs)
		add(&w->other, "the configurations of the two nodes differ");
	if (!v->realtime)
		add(&w->other, "%s runs without real-time priority", own_name(w));
	if (v->peer_alive && !v->peer_realtime)
		add(&w->other, "%s runs without real-time priority", peer_name(w));
}

static void warn_of_path(struct warnings *w, unsigned i)
{
	const struct conf_link *link = &w->in->conf->path[i];
	const struct path_view *v = &w->in->view->path[i];
	int error = w->in->path_errors ? w->in->path_errors[i] : 0;
	const char *kind = link->secondary ? "secondary path" : "HA link";

	if (error < 0) {
		add(&w->other, "%s %s is down: %s", kind, link->name, strerror(-error));
		return;
	}
	switch (v->state) {
	case PATH_ALIVE: return;
	case PATH_ONE_WAY:
		add(&w->other, "%s %s is one-way: heard here, not by %s", kind, link->name,
			peer_name(w));
		return;
	case PATH_SILENT:
	case PATH_LOST: break;
	}
	if (!v->carrier)
		add(&w->other, "%s %s has no carrier", kind, link->name);
	else if (w->in->view->peer_alive && v->state == PATH_LOST)
		add(&w->other, "%s %s is lost: nothing is heard on it", kind, link->name);
	else if (w->in->view->peer_alive && !link->secondary)
		add(&w->other, "%s %s is silent: nothing was heard on it yet", kind, link->name);
}

static void warn_of_links(struct warnings *w)
{
	const struct conf *conf = w->in->conf;
	unsigned alive = 0, last = 0;

	for (unsigned i = 0; i < conf->n_links; i++) {
		if (w->in->view->path[i].state == PATH_ALIVE) {
			alive++;
			last = i;
		}
	}
	if (w->in->view->peer_alive && alive == 0)
		add(&w->other,
			"no HA link is alive: only secondary paths tell that %s lives, "
			"nothing is mirrored",
			peer_name(w));
	for (unsigned i = 0; i < conf->n_paths; i++)
		warn_of_path(w, i);
	if (alive == 1 && conf->n_links > 1)
		add(&w->other, "only one of %u HA links is alive: %s", conf->n_links,
			conf->path[last].name);
}

static void warn_of_monitors(struct warnings *w)
{
	const struct report_input *in = w->in;

	for (unsigned i = 0; i < in->conf->n_monitors; i++) {
		const struct conf_monitor *m = &in->conf->monitor[i];
		const struct monitor_view *peer = &in->view->peer_monitor[i];

		if (!in->view->monitor_ok[i])
			add(&w->other, "monitor %s fails on %s (weight %u)", m->name, own_name(w),
				m->weight);
		if (peer->known && !peer->ok)
			add(&w->other, "monitor %s fails on %s (weight %u)", m->name, peer_name(w),
				peer->weight);
		if (in->monitor_facts && in->monitor_facts[i].lost_members[0] != '\0')
			add(&w->other, "monitor %s: members of %s without carrier: %s", m->name,
				m->device, in->monitor_facts[i].lost_members);
	}
}

/* On a node that takes what the peer sends. */
static void warn_of_lack(struct warnings *w)
{
	const struct mirror_view *m = &w->in->view->mirror;

	if (m->waited)
		add(&w->other,
			"%s counts as in sync only since sync-wait is over: sessions of %s may be "
			"missing here; `nsrpctl sync` asks for all of them",
			own_name(w), peer_name(w));
	else if (w->in->view->in_sync)
		return;
	else if (m->receiving)
		add(&w->other, "sessions are being copied from %s: %u objects so far", peer_name(w),
			m->received_so_far);
	else if (!m->complete)
		add(&w->other, "no full copy of the sessions of %s has come yet", peer_name(w));
	else
		add(&w->other, "%s lags by %" PRIu64 " ms in sending its sessions", peer_name(w),
			m->peer_lag_us / 1000);
}

/* `here`: at this node, of what the peer owns. */
static void warn_of_differences(struct warnings *w, bool here, const struct mirror_found *found)
{
	const uint64_t *counters = w->in->counters;
	uint64_t refused = counters[COUNTER_REFUSED_CLASH] + counters[COUNTER_REFUSED_FULL];
	const char *name = here ? own_name(w) : peer_name(w);
	char why[80] = "";

	if (found->failed)
		add(&w->other,
			"what is mirrored on both nodes cannot be compared at %s: no full copy, or "
			"another cluster key at its start",
			name);
	if (found->differed == 0)
		return;
	if (here && refused > 0)
		(void)snprintf(why, sizeof(why),
			" (this kernel refused %" PRIu64 " since the start: clash or full)",
			refused);
	add(&w->other,
		"mirrored objects differ at %s: %u of %u buckets%s; `nsrpctl verify` compares and "
		"repairs",
		name, found->differed, found->compared, why);
}

static void warn_of_mirror(struct warnings *w)
{
	const struct mirror_view *m = &w->in->view->mirror;

	if (!m->on && w->in->conf->mirror.sessions)
		add(&w->other,
			"sessions are not mirrored: there was no memory for it at the start");
	if (!m->on)
		return;
	if (m->index_size > 0 && m->index_used >= m->index_size)
		add(&w->other,
			"the mirror's index is full (%u objects): what is new is not mirrored; "
			"raise nf_conntrack_max and restart",
			m->index_size);
	if (!w->in->view->peer_alive)
		return;
	if (!m->up) {
		add(&w->other, "sessions are not mirrored: there is no channel to %s yet",
			peer_name(w));
		return;
	}
	warn_of_lack(w);
	if (m->lag_us >= 1000 * 1000)
		add(&w->other, "%s lags by %" PRIu64 " ms in taking sessions", peer_name(w),
			m->lag_us / 1000);
	warn_of_differences(w, true, &m->past.theirs);
	warn_of_differences(w, false, &m->past.ours);
}

static void warn_of_document(struct warnings *w, unsigned place)
{
	const struct document_view *v = &w->in->view->document[place];
	const char *name = document_kind_name(document_kind_at(place));
	bool is_source = v->source == w->in->conf->self;
	const char *standby = is_source ? peer_name(w) : own_name(w);
	const char *source = is_source ? own_name(w) : peer_name(w);

	switch (v->condition) {
	case CONDITION_UNREAD:
		if (v->trouble[0] != '\0') /* else it is just not read yet */
			add(&w->other, "%s: %s's cannot be read: %s", name, own_name(w),
				v->trouble);
		break;
	case CONDITION_FOREIGN:
		add(&w->other, "%s: not mirrored: the two releases do not understand each other's",
			name);
		break;
	case CONDITION_OPEN:
		add(&w->other,
			"%s: the nodes differ, and neither one's counts: `nsrpctl diff %s`, then "
			"`nsrpctl sync %s` makes the master's count",
			name, name, name);
		break;
	case CONDITION_HELD:
		add(&w->other, "%s: %s takes none while it is in maintenance", name, standby);
		break;
	case CONDITION_REFUSED:
		add(&w->other, "%s: %s refused that of %s: %s", name, standby, source,
			is_source ? v->theirs.text : v->mine.text);
		break;
	case CONDITION_DRIFT:
		add(&w->other,
			"%s: changed on %s, and kept until it changes on %s or `nsrpctl sync %s`; "
			"see `nsrpctl diff %s`",
			name, standby, source, name, name);
		break;
	case CONDITION_OFF:
	case CONDITION_ALONE:
	case CONDITION_EQUAL:
	case CONDITION_MOVING:
	case CONDITION_COUNT: break;
	}
}

json_t *report_warnings(const struct report_input *in, size_t *ret_critical)
{
	struct warnings w = { .in = in, .critical = json_array(), .other = json_array() };

	for (unsigned g = 0; g < in->conf->n_groups; g++) {
		warn_of_mastership(&w, g);
		warn_of_clash(&w, g);
	}
	warn_of_peer(&w);
	for (unsigned g = 0; g < in->conf->n_groups; g++) {
		warn_of_standby(&w, g, false);
		if (peer_is_known(&w, g))
			warn_of_standby(&w, g, true);
	}
	warn_of_mirror(&w);
	for (unsigned i = 0; i < DOCUMENTS; i++)
		warn_of_document(&w, i);
	warn_of_links(&w);
	warn_of_monitors(&w);
	for (unsigned i = 0; in->warnings && i < in->n_warnings; i++)
		add(&w.other, "%s", in->warnings[i]);

	*ret_critical = json_array_size(w.critical);
	if (!w.critical || !w.other || json_array_extend(w.critical, w.other)) {
		json_decref(w.critical);
		w.critical = NULL;
	}
	json_decref(w.other);
	return w.critical;
}
