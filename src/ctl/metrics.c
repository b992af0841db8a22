/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics.h"

#include <inttypes.h>
#include <string.h>

#include "metric.h"
#include "reply.h"

/* ---- the pair ---------------------------------------------------------------------------- */

static void put_build(FILE *out, const json_t *status)
{
	char cluster[24];
	const struct metric_label labels[] = {
		{ "node", reply_text(status, "node") },
		{ "cluster", cluster },
		{ "version", reply_text(status, "version") },
		{ NULL, NULL },
	};

	(void)snprintf(cluster, sizeof(cluster), "%" PRId64, reply_number(status, "cluster"));
	metric_family(out, "build", "info", "The node, its cluster and its release.");
	metric_number(out, "build_info", labels, 1);
}

static void put_verdict(FILE *out, const json_t *status)
{
	static const char *const verdicts[] = { "ok", "warning", "critical", NULL };
	int64_t critical = reply_number(status, "critical");
	int64_t all = (int64_t)json_array_size(json_object_get(status, "warnings"));
	const struct metric_label severe[] = { { "severity", "critical" }, { NULL, NULL } };
	const struct metric_label mild[] = { { "severity", "warning" }, { NULL, NULL } };

	metric_family(out, "verdict", "stateset", "How the pair is; critical: traffic is hit.");
	metric_states(out, "verdict", NULL, verdicts, reply_text(status, "verdict"));
	metric_family(
		out, "warnings", "gauge", "What is wrong at present, in lines of the status.");
	metric_number(out, "warnings", severe, critical);
	metric_number(out, "warnings", mild, all - critical);
}

static void put_claims(FILE *out, const json_t *status)
{
	static const struct {
		const char *name, *key, *help;
		bool of_peer;
	} claims[] = {
		{ "peer_alive", "alive", "The peer is heard.", true },
		{ "peer_in_sync", "in_sync", "The peer holds the sessions of this node.", true },
		{ "peer_realtime", "realtime", "The peer runs with real-time priority.", true },
		{ "configuration_differs", "conf_differs",
			"The peer has another configuration in force.", true },
		{ "in_sync", "in_sync", "This node holds the sessions of the peer.", false },
		{ "realtime", "realtime", "This node runs with real-time priority.", false },
		{ "session_agreed", "session", "The nodes agreed on keys.", false },
		{ "stopping", "stopping", "This node hands over and stops.", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(claims); i++) {
		const json_t *from = claims[i].of_peer ? json_object_get(status, "peer") : status;

		metric_family(out, claims[i].name, "gauge", claims[i].help);
		metric_number(out, claims[i].name, NULL, reply_claim(from, claims[i].key));
	}
}

/* ---- lists ------------------------------------------------------------------------------- */

/* What is told of each element: a family is all elements' samples in a row. */
struct family {
	const char *name, *type, *help;
	void (*put)(FILE *out, const char *name, const json_t *element);
};

static void put_families(FILE *out, const json_t *list, const struct family *families, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		metric_family(out, families[i].name, families[i].type, families[i].help);
		for (size_t j = 0; j < json_array_size(list); j++)
			families[i].put(out, families[i].name, json_array_get(list, j));
	}
}

enum { ID_MAX = 24 };

static const char *id_of(const json_t *group, char text[ID_MAX])
{
	(void)snprintf(text, ID_MAX, "%" PRId64, reply_number(group, "id"));
	return text;
}

/* Calls put for the standing of each node that is known. */
static void put_standings(FILE *out, const char *name, const json_t *group,
	void (*put)(FILE *out, const char *name, const struct metric_label *labels,
		const json_t *standing))
{
	static const char *const sides[] = { "own", "peer" };
	char id[ID_MAX];

	for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
		const json_t *standing = json_object_get(group, sides[i]);
		const struct metric_label labels[] = {
			{ "group", id_of(group, id) },
			{ "node", reply_text(standing, "node") },
			{ NULL, NULL },
		};

		if (json_is_object(standing))
			put(out, name, labels, standing);
	}
}

static void put_standing_state(
	FILE *out, const char *name, const struct metric_label *labels, const json_t *standing)
{
	static const char *const states[] = { "init", "master", "primary-backup", "backup",
		"ineligible", "inoperable", NULL };

	metric_states(out, name, labels, states, reply_text(standing, "state"));
}

static void put_standing_weight(
	FILE *out, const char *name, const struct metric_label *labels, const json_t *standing)
{
	metric_number(out, name, labels, reply_number(standing, "failed_weight"));
}

static void put_standing_priority(
	FILE *out, const char *name, const struct metric_label *labels, const json_t *standing)
{
	metric_number(out, name, labels, reply_number(standing, "priority"));
}

static void group_states(FILE *out, const char *name, const json_t *group)
{
	put_standings(out, name, group, put_standing_state);
}

static void group_weights(FILE *out, const char *name, const json_t *group)
{
	put_standings(out, name, group, put_standing_weight);
}

static void group_priorities(FILE *out, const char *name, const json_t *group)
{
	put_standings(out, name, group, put_standing_priority);
}

static void group_number(FILE *out, const char *name, const json_t *group, const char *key)
{
	char id[ID_MAX];
	const struct metric_label labels[] = { { "group", id_of(group, id) }, { NULL, NULL } };

	metric_number(out, name, labels, reply_number(group, key));
}

static void group_term(FILE *out, const char *name, const json_t *group)
{
	group_number(out, name, group, "term");
}

static void group_threshold(FILE *out, const char *name, const json_t *group)
{
	group_number(out, name, group, "threshold");
}

static void group_refused(FILE *out, const char *name, const json_t *group)
{
	group_number(out, name, group, "role_failed");
}

static void group_masters(FILE *out, const char *name, const json_t *group)
{
	static const char *const sides[] = { "own", "peer" };
	char id[ID_MAX];
	const struct metric_label labels[] = { { "group", id_of(group, id) }, { NULL, NULL } };
	int64_t masters = 0;

	for (size_t i = 0; i < ARRAY_LEN(sides); i++)
		masters += strcmp(reply_text(json_object_get(group, sides[i]), "state"),
				   "master") == 0;
	metric_number(out, name, labels, masters);
}

static void group_age(FILE *out, const char *name, const json_t *group)
{
	char id[ID_MAX];
	const struct metric_label labels[] = { { "group", id_of(group, id) }, { NULL, NULL } };

	metric_seconds(out, name, labels, reply_number(group, "since_ms"), 3);
}

static void put_groups(FILE *out, const json_t *status)
{
	static const struct family families[] = {
		{ "group_state", "stateset", "State of each group on each node that is known.",
			group_states },
		{ "group_masters", "gauge", "Masters that are known; 1 is right.", group_masters },
		{ "group_term", "gauge", "Count of the group's masterships.", group_term },
		{ "group_state_age_seconds", "gauge", "For how long it is in its state here.",
			group_age },
		{ "group_priority", "gauge", "Priority; the lower wins.", group_priorities },
		{ "group_failed_weight", "gauge", "Weight of the monitors that fail.",
			group_weights },
		{ "group_threshold", "gauge", "Failed weight that makes it inoperable here.",
			group_threshold },
		{ "group_refused", "gauge", "Addresses and routes that the kernel refused.",
			group_refused },
	};

	put_families(out, json_object_get(status, "groups"), families, ARRAY_LEN(families));
}

static void link_labels(const json_t *link, struct metric_label labels[3])
{
	labels[0] = (struct metric_label){ "link", reply_text(link, "name") };
	labels[1] =
		(struct metric_label){ "secondary", reply_claim(link, "secondary") ? "yes" : "no" };
	labels[2] = (struct metric_label){ NULL, NULL };
}

static void link_state(FILE *out, const char *name, const json_t *link)
{
	static const char *const states[] = { "silent", "alive", "one-way", "lost", NULL };
	struct metric_label labels[3];

	link_labels(link, labels);
	metric_states(out, name, labels, states, reply_text(link, "state"));
}

static void link_carrier(FILE *out, const char *name, const json_t *link)
{
	struct metric_label labels[3];

	link_labels(link, labels);
	metric_number(out, name, labels, reply_claim(link, "carrier"));
}

static void link_heard(FILE *out, const char *name, const json_t *link)
{
	struct metric_label labels[3];

	link_labels(link, labels);
	if (reply_has(link, "last_heard_ms"))
		metric_seconds(out, name, labels, reply_number(link, "last_heard_ms"), 3);
}

static void monitor_ok(FILE *out, const char *name, const json_t *monitor)
{
	const struct metric_label labels[] = {
		{ "monitor", reply_text(monitor, "name") },
		{ "type", reply_text(monitor, "type") },
		{ NULL, NULL },
	};

	metric_number(out, name, labels, reply_claim(monitor, "ok"));
}

static void monitor_weight(FILE *out, const char *name, const json_t *monitor)
{
	const struct metric_label labels[] = { { "monitor", reply_text(monitor, "name") },
		{ NULL, NULL } };

	metric_number(out, name, labels, reply_number(monitor, "weight"));
}

static void monitor_rtt(FILE *out, const char *name, const json_t *monitor)
{
	const struct metric_label labels[] = { { "monitor", reply_text(monitor, "name") },
		{ NULL, NULL } };

	if (reply_has(monitor, "rtt_us"))
		metric_seconds(out, name, labels, reply_number(monitor, "rtt_us"), 6);
}

static void put_links_and_monitors(FILE *out, const json_t *status)
{
	static const struct family links[] = {
		{ "link_state", "stateset", "State of each HA link and secondary path.",
			link_state },
		{ "link_carrier", "gauge", "It has a carrier.", link_carrier },
		{ "link_heard_age_seconds", "gauge", "Since the peer was heard on it.",
			link_heard },
	};
	static const struct family monitors[] = {
		{ "monitor_ok", "gauge", "The monitor passes on this node.", monitor_ok },
		{ "monitor_weight", "gauge", "What its failure weighs.", monitor_weight },
		{ "monitor_rtt_seconds", "gauge", "Round trip of the last answer.", monitor_rtt },
	};

	put_families(out, json_object_get(status, "links"), links, ARRAY_LEN(links));
	put_families(out, json_object_get(status, "monitors"), monitors, ARRAY_LEN(monitors));
}

/* ---- the mirror -------------------------------------------------------------------------- */

static void put_kinds(FILE *out, json_t *mirror)
{
	json_t *kind;
	const char *name;

	metric_family(
		out, "mirror_objects", "gauge", "Mirrored objects, by the node that owns them.");
	json_object_foreach(mirror, name, kind)
	{
		const struct metric_label own[] = { { "kind", name }, { "owner", "self" },
			{ NULL, NULL } };
		const struct metric_label peer[] = { { "kind", name }, { "owner", "peer" },
			{ NULL, NULL } };

		if (!reply_claim(kind, "on"))
			continue;
		metric_number(out, "mirror_objects", own, reply_number(kind, "local"));
		metric_number(out, "mirror_objects", peer, reply_number(kind, "mirrored"));
	}
	metric_family(out, "mirror_in_sync", "gauge", "Both nodes have what they should.");
	json_object_foreach(mirror, name, kind)
	{
		const struct metric_label labels[] = { { "kind", name }, { NULL, NULL } };

		if (reply_claim(kind, "on"))
			metric_number(out, "mirror_in_sync", labels, reply_claim(kind, "in_sync"));
	}
}

static void put_mirror(FILE *out, const json_t *status)
{
	static const struct {
		const char *name, *key, *help;
	} numbers[] = {
		{ "mirror_backlog_bytes", "backlog", "What waits for the peer." },
		{ "mirror_index_used", "index_used", "Objects in the index." },
		{ "mirror_index_size", "index_size", "Objects for which the index has room." },
	};
	const struct metric_label there[] = { { "direction", "sent" }, { NULL, NULL } };
	const struct metric_label here[] = { { "direction", "heard" }, { NULL, NULL } };
	const json_t *all = json_object_get(status, "mirroring");

	put_kinds(out, json_object_get(status, "mirror"));
	metric_family(out, "mirror_up", "gauge", "There is a channel to the peer.");
	metric_number(out, "mirror_up", NULL, reply_claim(all, "up"));
	metric_family(out, "mirror_lag_seconds", "gauge",
		"Age of what was not confirmed yet; absent without a channel.");
	if (reply_has(all, "lag_ms"))
		metric_seconds(out, "mirror_lag_seconds", there, reply_number(all, "lag_ms"), 3);
	if (reply_has(all, "peer_lag_ms"))
		metric_seconds(
			out, "mirror_lag_seconds", here, reply_number(all, "peer_lag_ms"), 3);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		metric_family(out, numbers[i].name, "gauge", numbers[i].help);
		metric_number(out, numbers[i].name, NULL, reply_number(all, numbers[i].key));
	}
}

static void put_counters(FILE *out, const json_t *counters)
{
	const json_t *list = json_object_get(counters, "counters");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *counter = json_array_get(list, i);
		const char *key = reply_text(counter, "key");
		char name[80];

		metric_family(out, key, "counter", reply_text(counter, "text"));
		(void)snprintf(name, sizeof(name), "%s_total", key);
		metric_number(out, name, NULL, reply_number(counter, "value"));
	}
}

void metrics_write(FILE *out, const json_t *status, const json_t *counters)
{
	bool is_up = status && counters;

	metric_family(out, "up", "gauge", "The daemon answered.");
	metric_number(out, "up", NULL, is_up);
	if (is_up) {
		put_build(out, status);
		put_verdict(out, status);
		put_claims(out, status);
		put_groups(out, status);
		put_links_and_monitors(out, status);
		put_mirror(out, status);
		put_counters(out, counters);
	}
	(void)fputs("# EOF\n", out);
}
