/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reply.h"
#include "view.h"

#include <inttypes.h>
#include <string.h>

/* The name of the node that is not `node`, from {node: priority}. */
static const char *other_node(json_t *priorities, const char *node)
{
	json_t *priority;
	const char *name;

	json_object_foreach(priorities, name, priority)
	{
		if (strcmp(name, node) != 0)
			return name;
	}
	return "peer";
}

static void put_group_head(const struct page *page, const json_t *group)
{
	const char *state = reply_text(group, "state");
	char since[DURATION_MAX];

	reply_duration(group, "since_ms", since);
	page_put(page, TONE_HEAD, "group %" PRId64, reply_number(group, "id"));
	(void)fprintf(page->out, ": %s is ", reply_text(json_object_get(group, "own"), "node"));
	page_put(page, view_state_tone(state), "%s", state);
	(void)fprintf(page->out, " for %s, since %s\n", since, reply_text(group, "since"));
}

static void put_line(const struct page *page, const char *label, const char *text)
{
	enum { INDENT = 17 };

	(void)fprintf(page->out, "  %-*s", INDENT - 2, label);
	page_wrap(page, TONE_PLAIN, INDENT, INDENT, text);
}

static void put_rule(const struct page *page, const json_t *group)
{
	char text[TABLE_CELL_MAX];

	(void)snprintf(text, sizeof(text), "%s: %s", reply_text(group, "rule"),
		reply_text(group, "rule_text"));
	put_line(page, "rule", text);
	put_line(page, "last change", reply_text(group, "reason"));
}

static void put_list(const struct page *page, const char *label, const json_t *texts)
{
	for (size_t i = 0; i < json_array_size(texts); i++) {
		const char *text = json_string_value(json_array_get(texts, i));

		put_line(page, i == 0 ? label : "", text ? text : "?");
	}
}

static void put_virtual_macs(const struct page *page, const json_t *macs)
{
	char text[TABLE_CELL_MAX];

	for (size_t i = 0; i < json_array_size(macs); i++) {
		const json_t *mac = json_array_get(macs, i);

		(void)snprintf(text, sizeof(text), "%s on %s, %s", reply_text(mac, "name"),
			reply_text(mac, "device"), reply_text(mac, "mac"));
		put_line(page, i == 0 ? "virtual MACs" : "", text);
	}
}

static void put_preemption(const struct page *page, const json_t *object)
{
	put_line(page, "preempt",
		!reply_claim(object, "preempt") ? "no"
		: reply_claim(object, "preempt_suspended")
			? "yes, but suspended by a manual failover"
			: "yes");
	if (reply_claim(object, "handing_over"))
		put_line(page, "hand-over", "under way");
}

static void put_group(const struct page *page, const json_t *group)
{
	json_t *priorities = json_object_get(group, "priorities");
	const char *own = reply_text(json_object_get(group, "own"), "node");
	int64_t refused = reply_number(group, "role_failed");
	char text[64];

	put_group_head(page, group);
	view_standings(page, group, other_node(priorities, own));
	(void)snprintf(text, sizeof(text), "%" PRId64 " of failed weight",
		reply_number(group, "threshold"));
	put_line(page, "threshold", text);
	put_rule(page, group);
	put_preemption(page, group);
	if (refused > 0) {
		(void)snprintf(text, sizeof(text), "%" PRId64 " addresses and routes", refused);
		put_line(page, "refused", text);
	}
	put_list(page, "addresses", json_object_get(group, "addresses"));
	put_list(page, "routes", json_object_get(group, "routes"));
	put_virtual_macs(page, json_object_get(group, "virtual_macs"));
}

void view_groups(const struct page *page, const json_t *answer)
{
	const json_t *groups = json_object_get(answer, "groups");

	for (size_t i = 0; i < json_array_size(groups); i++) {
		if (i > 0)
			(void)fputc('\n', page->out);
		put_group(page, json_array_get(groups, i));
	}
}

static void put_failed_monitors(const struct page *page, const json_t *inputs)
{
	const json_t *failed = json_object_get(inputs, "failed_monitors");
	char text[TABLE_CELL_MAX];

	for (size_t i = 0; i < json_array_size(failed); i++) {
		const json_t *monitor = json_array_get(failed, i);

		(void)snprintf(text, sizeof(text), "%s (weight %" PRId64 ")",
			reply_text(monitor, "name"), reply_number(monitor, "weight"));
		put_line(page, i == 0 ? "failing" : "", text);
	}
	(void)snprintf(text, sizeof(text), "%" PRId64 " of %" PRId64 " that make it inoperable",
		reply_number(inputs, "failed_weight"), reply_number(inputs, "threshold"));
	put_line(page, "failed weight", text);
}

/* What a node's state comes from. */
static void put_cause(
	const struct page *page, const char *label, const json_t *standing, const char *more)
{
	const char *cause = reply_text_or(standing, "cause", "");
	char text[TABLE_CELL_MAX];

	(void)snprintf(text, sizeof(text), "%s is %s%s%s%s", reply_text(standing, "node"),
		reply_text(standing, "state"), cause[0] != '\0' ? ": " : "", cause, more);
	put_line(page, label, text);
}

static void put_causes(const struct page *page, const json_t *why, const char *peer_name)
{
	const json_t *peer = json_object_get(why, "peer"), *inputs = json_object_get(why, "inputs");
	const char *heard = reply_claim(inputs, "peer_alive") ? "heard" : "not heard";
	char since[DURATION_MAX], text[TABLE_CELL_MAX];

	put_cause(page, "here", json_object_get(why, "own"), "");
	reply_duration(inputs, "peer_since_ms", since);
	if (json_is_object(peer)) {
		(void)snprintf(text, sizeof(text), "; %s for %s", heard, since);
		put_cause(page, "peer", peer, text);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s is %s for %s", peer_name, heard, since);
	put_line(page, "peer", text);
}

static void put_why(const struct page *page, const json_t *why)
{
	const json_t *inputs = json_object_get(why, "inputs");
	json_t *priorities = json_object_get(inputs, "priorities");
	const char *peer = other_node(priorities, reply_text(why, "node"));
	char since[DURATION_MAX], text[TABLE_CELL_MAX];

	page_wrap(page, TONE_HEAD, 0, 0, reply_text(why, "text"));
	reply_duration(why, "since_ms", since);
	(void)snprintf(text, sizeof(text), "%s ago, at %s: %s", since, reply_text(why, "since"),
		reply_text(why, "reason"));
	put_line(page, "last change", text);
	put_causes(page, why, peer);
	put_failed_monitors(page, inputs);
	if (reply_number(inputs, "rests_ms") > 0) {
		reply_duration(inputs, "rests_ms", since);
		(void)snprintf(
			text, sizeof(text), "monitors and preemption move it in %s again", since);
		put_line(page, "rests", text);
	}
	put_preemption(page, inputs);
	view_standings(page, why, peer);
	view_foreseen(page, why);
}

void view_why(const struct page *page, const json_t *answer)
{
	const json_t *groups = json_object_get(answer, "groups");

	for (size_t i = 0; i < json_array_size(groups); i++) {
		if (i > 0)
			(void)fputc('\n', page->out);
		put_why(page, json_array_get(groups, i));
	}
}
