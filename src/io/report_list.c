/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "form.h"
#include "report.h"
#include "report_part.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { IP_TEXT_MAX = INET6_ADDRSTRLEN };

/* Empty for no address. */
static void ip_text(const struct conf_ip *ip, char text[IP_TEXT_MAX])
{
	if (ip->family == 0 || !inet_ntop(ip->family, ip->bytes, text, IP_TEXT_MAX))
		text[0] = '\0';
}

/* NULL, which a form shows as null, for an empty text. */
static const char *or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

json_t *report_group(const struct report_input *in, unsigned g)
{
	const struct conf_group *conf = &in->conf->group[g];
	const struct group_view *view = &in->view->group[g];
	struct form f;

	form_begin(&f);
	form_number(&f, "id", view->id);
	form_text(&f, "state", group_state_name(view->own.state));
	form_number(&f, "term", view->own.term);
	form_add(&f, "master", report_node(in, view->master));
	form_add(&f, "since", report_wall(in, view->since));
	form_add(&f, "since_ms", report_ms_since(in, view->since));
	form_text(&f, "rule", rule_label(view->rule));
	form_text(&f, "rule_text", rule_text(view->rule));
	form_text(&f, "reason", reason_text(view->reason));
	form_number(&f, "failed_weight", view->own.failed_weight);
	form_number(&f, "threshold", conf->threshold);
	form_add(&f, "priorities", report_priorities(in, g));
	form_claim(&f, "preempt", conf->preempt);
	form_claim(&f, "preempt_suspended", view->preempt_suspended);
	form_claim(&f, "handing_over", view->handing_over);
	form_number(&f, "role_failed", view->role_failed);
	form_add(&f, "own", report_standing(in, g, false));
	form_add(&f, "peer", report_standing(in, g, true));
	return form_end(&f);
}

static json_t *address(const struct report_input *in, unsigned i)
{
	const struct conf_address *a = &in->conf->address[i];
	char ip[IP_TEXT_MAX], text[IP_TEXT_MAX + CONF_DEVICE_MAX + 16];

	ip_text(&a->ip, ip);
	(void)snprintf(text, sizeof(text), "%s/%u dev %s", ip, a->prefix_len, a->device);
	return json_string(text);
}

static json_t *route(const struct report_input *in, unsigned i)
{
	const struct conf_route *r = &in->conf->route[i];
	char ip[IP_TEXT_MAX], text[2 * IP_TEXT_MAX + CONF_DEVICE_MAX + 80];
	size_t len = 0;

	ip_text(&r->destination, ip);
	if (ip[0] != '\0')
		len = (size_t)snprintf(text, sizeof(text), "%s/%u", ip, r->prefix_len);
	else
		len = (size_t)snprintf(text, sizeof(text), "default");
	ip_text(&r->gateway, ip);
	if (ip[0] != '\0')
		len += (size_t)snprintf(text + len, sizeof(text) - len, " via %s", ip);
	if (r->device[0] != '\0')
		len += (size_t)snprintf(text + len, sizeof(text) - len, " dev %s", r->device);
	if (r->metric != 0)
		len += (size_t)snprintf(text + len, sizeof(text) - len, " metric %u", r->metric);
	if (r->table != 0)
		(void)snprintf(text + len, sizeof(text) - len, " table %u", r->table);
	return json_string(text);
}

/* The macvlans of group g. */
static json_t *virtual_macs(const struct report_input *in, unsigned g)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < in->conf->n_vmacs; i++) {
		const struct conf_vmac *vmac = &in->conf->vmac[i];
		const uint8_t *mac = vmac->mac;
		char text[18];
		struct form f;

		if (vmac->group != g)
			continue;
		(void)snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
			mac[2], mac[3], mac[4], mac[5]);
		form_begin(&f);
		form_text(&f, "name", vmac->name);
		form_text(&f, "device", vmac->device);
		form_text(&f, "mac", text);
		list = form_append(list, form_end(&f));
	}
	return list;
}

static json_t *whole_group(const struct report_input *in, unsigned g)
{
	const struct conf_group *conf = &in->conf->group[g];
	json_t *addresses = json_array(), *routes = json_array();
	struct form f;

	for (unsigned i = 0; i < conf->n_addresses; i++)
		addresses = form_append(addresses, address(in, conf->first_address + i));
	for (unsigned i = 0; i < conf->n_routes; i++)
		routes = form_append(routes, route(in, conf->first_route + i));

	form_resume(&f, report_group(in, g));
	form_add(&f, "addresses", addresses);
	form_add(&f, "routes", routes);
	form_add(&f, "virtual_macs", virtual_macs(in, g));
	return form_end(&f);
}

json_t *report_groups(const struct report_input *in)
{
	return form_wrap("groups", report_array(in, in->conf->n_groups, whole_group));
}

static void put_endpoint(
	struct form *f, const char *key, const struct conf_link *link, bool is_remote)
{
	const struct conf_ip *ip = is_remote ? &link->remote : &link->local;
	char bare[IP_TEXT_MAX], text[IP_TEXT_MAX + 16];

	ip_text(ip, bare);
	(void)snprintf(text, sizeof(text), strchr(bare, ':') ? "[%s]:%u" : "%s:%u", bare,
		is_remote ? link->remote_port : link->local_port);
	form_text(f, key, bare[0] != '\0' ? text : NULL);
}

json_t *report_link(const struct report_input *in, unsigned path)
{
	const struct conf_link *link = &in->conf->path[path];
	const struct path_view *view = &in->view->path[path];
	int error = in->path_errors ? in->path_errors[path] : 0;
	struct form f;

	form_begin(&f);
	form_text(&f, "name", link->name);
	form_text(&f, "state", path_state_name(view->state));
	form_claim(&f, "carrier", view->carrier);
	form_claim(&f, "secondary", link->secondary);
	form_text(&f, "transport", link->transport == CONF_TRANSPORT_UDP ? "udp" : "ethernet");
	form_text(&f, "device", or_null(link->device));
	put_endpoint(&f, "local", link, false);
	put_endpoint(&f, "remote", link, true);
	form_add(&f, "last_heard_ms", report_ms_since(in, view->heard_at));
	if (view->echo_age_us > 0)
		form_number(&f, "echo_age_us", view->echo_age_us);
	else
		form_null(&f, "echo_age_us");
	form_text(&f, "error", error < 0 ? strerror(-error) : NULL);
	return form_end(&f);
}

json_t *report_links(const struct report_input *in)
{
	return form_wrap("links", report_array(in, in->conf->n_paths, report_link));
}

static const char *monitor_type_name(enum conf_monitor_type type)
{
	switch (type) {
	case CONF_MONITOR_LINK: return "link";
	case CONF_MONITOR_PING: return "ping";
	case CONF_MONITOR_ARP: return "arp";
	case CONF_MONITOR_SCRIPT: return "script";
	}
	return "?";
}

/* What the daemon knows of it beside the verdict, if anything. */
static void put_fact(struct form *f, const struct report_input *in, unsigned monitor)
{
	static const struct report_monitor_fact unknown = { .since = { UINT64_MAX } };
	const struct report_monitor_fact *fact =
		in->monitor_facts ? &in->monitor_facts[monitor] : &unknown;

	form_add(f, "since", report_wall(in, fact->since));
	form_add(f, "since_ms", report_ms_since(in, fact->since));
	form_number(f, "failures", fact->failures);
	form_number(f, "passes", fact->passes);
	if (fact->rtt_us > 0)
		form_number(f, "rtt_us", fact->rtt_us);
	else
		form_null(f, "rtt_us");
	form_number(f, "probes", (int64_t)fact->probes);
	form_number(f, "answers", (int64_t)fact->answers);
	form_number(f, "late", (int64_t)fact->late);
	form_number(f, "errors", (int64_t)fact->errors);
	form_text(f, "error", fact->error < 0 ? strerror(-fact->error) : NULL);
	form_text(f, "lost_members", or_null(fact->lost_members));
}

/* As the peer told of its own; null: not known. */
static json_t *peer_monitor(const struct report_input *in, unsigned monitor)
{
	const struct monitor_view *peer = &in->view->peer_monitor[monitor];
	struct form f;

	if (!peer->known)
		return json_null();
	form_begin(&f);
	form_add(&f, "node", report_node(in, 1 - in->conf->self));
	form_claim(&f, "ok", peer->ok);
	form_number(&f, "weight", peer->weight);
	return form_end(&f);
}

json_t *report_monitor(const struct report_input *in, unsigned monitor)
{
	const struct conf_monitor *m = &in->conf->monitor[monitor];
	char target[IP_TEXT_MAX];
	struct form f;

	ip_text(&m->target, target);
	form_begin(&f);
	form_text(&f, "name", m->name);
	form_claim(&f, "ok", in->view->monitor_ok[monitor]);
	form_number(&f, "weight", m->weight);
	form_text(&f, "type", monitor_type_name(m->type));
	form_text(&f, "device", or_null(m->device));
	form_text(&f, "target", or_null(target));
	form_text(&f, "program", or_null(m->program));
	form_number(&f, "interval_ms", m->interval_ms);
	form_number(&f, "fall", m->fall);
	form_number(&f, "rise", m->rise);
	if (m->all_groups)
		form_text(&f, "group", "all");
	else
		form_number(&f, "group", in->conf->group[m->group].id);
	form_claim(&f, "automatic", m->automatic);
	put_fact(&f, in, monitor);
	form_add(&f, "peer", peer_monitor(in, monitor));
	return form_end(&f);
}

json_t *report_monitors(const struct report_input *in)
{
	return form_wrap("monitors", report_array(in, in->conf->n_monitors, report_monitor));
}
