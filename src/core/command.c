/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command.h"

#include <string.h>

#include "document.h"
#include "group.h"
#include "handover.h"

enum { REQUEST_MS = 2000, ALL_GROUPS = COMMAND_ALL_GROUPS };

static void reply(struct node *n, uint32_t token, enum result result, struct actions *out)
{
	if (token == TOKEN_PEER) {
		n->request.in.answered = true;
		n->request.in.result = result;
		n->beat_now = true;
	} else if (token != TOKEN_NONE) {
		node_act(out, ACTION_REPLY, token)->result = result;
	}
}

void command_reply(struct node *n, uint32_t token, enum result result, struct actions *out)
{
	if (token == n->request.every.token) {
		if (n->request.every.result == RESULT_DONE)
			n->request.every.result = result;
		for (unsigned g = 0; g < n->conf->n_groups; g++) {
			if (n->group[g].handover.token == token)
				return;
		}
		result = n->request.every.result;
		n->request.every.token = TOKEN_NONE;
	}
	reply(n, token, result, out);
}

/* Asks the peer to carry a command out; its answer becomes the reply. */
static void ask_peer(struct node *n, mono_t now, const struct command *c, enum wire_verb verb,
	struct actions *out)
{
	if (!n->peer_known) {
		reply(n, c->token, RESULT_NO_PEER, out);
		return;
	}
	if (n->request.out.active) {
		reply(n, c->token, RESULT_BUSY, out);
		return;
	}
	bool all = c->group == ALL_GROUPS;
	bool of_group = verb != WIRE_VERB_SYNC;

	n->request.out.active = true;
	n->request.out.id = ++n->request.last_id;
	n->request.out.token = c->token;
	n->request.out.verb = (uint8_t)verb;
	n->request.out.group = !of_group ? c->kind : all ? 0 : n->conf->group[c->group].id;
	n->request.out.flags =
		(uint8_t)((c->force ? WIRE_REQUEST_FORCE : 0) |
			  (all ? WIRE_REQUEST_ALL_GROUPS : 0) | (c->dry ? WIRE_REQUEST_DRY : 0));
	n->request.out.until = mono_after_ms(now, REQUEST_MS);
	n->beat_now = true;
}

static enum result may_fail_over(const struct node *n, unsigned g, bool force)
{
	struct standing peer = group_peer_standing(n, g);

	if (handover_is_active(n, g))
		return RESULT_BUSY;
	if (!peer.known)
		return RESULT_NO_PEER;
	if (!peer.eligible)
		return RESULT_PEER_INELIGIBLE;
	if (!peer.operable && !force)
		return RESULT_PEER_INOPERABLE;
	if (!peer.in_sync && !force)
		return RESULT_PEER_NOT_IN_SYNC;
	return RESULT_DONE;
}

/* Hands over one group, or every group this node is master of. */
static void fail_over(struct node *n, mono_t now, const struct command *c, struct actions *out)
{
	bool all = c->group == ALL_GROUPS;
	unsigned first = all ? 0 : c->group, end = all ? n->conf->n_groups : first + 1u;

	if (all && n->request.every.token != TOKEN_NONE) {
		reply(n, c->token, RESULT_BUSY, out);
		return;
	}
	for (unsigned g = first; g < end; g++) {
		if (n->group[g].state != GROUP_MASTER)
			continue;
		enum result result = may_fail_over(n, g, c->force);

		if (result != RESULT_DONE) {
			reply(n, c->token, result, out);
			return;
		}
	}
	if (all) {
		n->request.every.token = c->token;
		n->request.every.result = RESULT_DONE;
	}
	for (unsigned g = first; g < end; g++) {
		if (n->group[g].state == GROUP_MASTER)
			handover_start(n, now, g, REASON_MANUAL, c->force, c->token, out);
	}
}

/* True when this node is master of a group that the command means. */
static bool is_master_of(const struct node *n, const struct command *c)
{
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		if ((c->group == ALL_GROUPS || c->group == g) && n->group[g].state == GROUP_MASTER)
			return true;
	}
	return false;
}

static bool peer_is_master_of(const struct node *n, const struct command *c)
{
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		if ((c->group == ALL_GROUPS || c->group == g) && n->group[g].peer.known &&
			n->group[g].peer.state == GROUP_MASTER)
			return true;
	}
	return false;
}

static void failover_given(struct node *n, mono_t now, const struct command *c, struct actions *out)
{
	if (is_master_of(n, c))
		fail_over(n, now, c, out);
	else if (c->token != TOKEN_PEER && peer_is_master_of(n, c))
		ask_peer(n, now, c, WIRE_VERB_FAILOVER, out);
	else
		reply(n, c->token, RESULT_NO_MASTER, out);
}

/* The list that is saved follows from the groups. */
static void save_maintenance(struct node *n)
{
	n->saved.n_maintenance = 0;
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		if (n->group[g].maintenance)
			n->saved.maintenance[n->saved.n_maintenance++] = n->conf->group[g].id;
	}
	n->save_now = true;
	n->beat_now = true;
}

static void maintenance_given(struct node *n, const struct command *c, struct actions *out)
{
	bool on = c->verb == COMMAND_MAINTENANCE_ON;
	unsigned first = c->group == ALL_GROUPS ? 0 : c->group;
	unsigned end = c->group == ALL_GROUPS ? n->conf->n_groups : first + 1;
	bool changed = false;

	for (unsigned g = first; g < end && on && !c->force; g++) {
		struct standing peer = group_peer_standing(n, g);

		if (!peer.known || !peer.eligible) {
			reply(n, c->token, RESULT_LAST_ELIGIBLE, out);
			return;
		}
	}
	for (unsigned g = first; g < end; g++) {
		changed |= n->group[g].maintenance != on;
		n->group[g].maintenance = on;
	}
	if (changed) {
		save_maintenance(n);
		log_info(n->env.log, "maintenance: %s by the operator", on ? "on" : "off");
	}
	reply(n, c->token, changed ? RESULT_DONE : RESULT_UNCHANGED, out);
}

static void sync_given(struct node *n, mono_t now, const struct command *c, struct actions *out)
{
	if (c->token != TOKEN_PEER && document_peer_is_source(n))
		ask_peer(n, now, c, WIRE_VERB_SYNC, out);
	else
		reply(n, c->token, document_sync(n, now, c), out);
}

/* One that is under way is answered when it is over. */
static void diff_given(struct node *n, mono_t now, const struct command *c, struct actions *out)
{
	enum result result = document_diff(n, now, c);

	if (result != RESULT_DONE)
		reply(n, c->token, result, out);
}

void command_given(struct node *n, mono_t now, const struct command *c, struct actions *out)
{
	if (c->group != ALL_GROUPS && c->group >= n->conf->n_groups) {
		reply(n, c->token, RESULT_NO_GROUP, out);
		return;
	}
	if (n->stopping) {
		reply(n, c->token, RESULT_NOT_READY, out);
		return;
	}
	switch (c->verb) {
	case COMMAND_FAILOVER: failover_given(n, now, c, out); break;
	case COMMAND_MAINTENANCE_ON:
	case COMMAND_MAINTENANCE_OFF:
		if (c->peer)
			ask_peer(n, now, c,
				c->verb == COMMAND_MAINTENANCE_ON ? WIRE_VERB_MAINTENANCE_ON
								  : WIRE_VERB_MAINTENANCE_OFF,
				out);
		else
			maintenance_given(n, c, out);
		break;
	case COMMAND_SYNC: sync_given(n, now, c, out); break;
	case COMMAND_DIFF: diff_given(n, now, c, out); break;
	}
}

/* The peer waits no longer for what it asked before. */
static void forget_request(struct node *n)
{
	for (unsigned g = 0; g < n->conf->n_groups; g++) {
		if (n->group[g].handover.token == TOKEN_PEER)
			n->group[g].handover.token = TOKEN_NONE;
	}
	if (n->request.every.token == TOKEN_PEER)
		n->request.every.token = TOKEN_NONE;
}

void command_requested(struct node *n, mono_t now, uint32_t id, uint8_t verb, uint8_t group_id,
	uint8_t flags, struct actions *out)
{
	struct command c = {
		.group = ALL_GROUPS,
		.force = flags & WIRE_REQUEST_FORCE,
		.token = TOKEN_PEER,
	};

	if (id == n->request.in.id) /* heard before; the answer comes, or came */
		return;
	forget_request(n);
	node_count(n, COUNTER_REQUESTS);
	n->request.in.id = id;
	n->request.in.answered = false;
	if (!(flags & WIRE_REQUEST_ALL_GROUPS) && verb != WIRE_VERB_SYNC) {
		int g = node_group_of_id(n, group_id);

		c.group = g >= 0 ? (uint16_t)g : (uint16_t)CONF_GROUPS_MAX;
	}
	switch (verb) {
	case WIRE_VERB_FAILOVER: c.verb = COMMAND_FAILOVER; break;
	case WIRE_VERB_MAINTENANCE_ON: c.verb = COMMAND_MAINTENANCE_ON; break;
	case WIRE_VERB_MAINTENANCE_OFF: c.verb = COMMAND_MAINTENANCE_OFF; break;
	case WIRE_VERB_SYNC:
		c.verb = COMMAND_SYNC;
		c.kind = group_id;
		c.dry = flags & WIRE_REQUEST_DRY;
		break;
	default: reply(n, TOKEN_PEER, RESULT_PEER_REFUSED, out); return;
	}
	command_given(n, now, &c, out);
}

static void end_request(struct node *n, enum result result, struct actions *out)
{
	n->request.out.active = false;
	reply(n, n->request.out.token, result, out);
}

void command_answered(struct node *n, uint32_t id, uint8_t result, struct actions *out)
{
	if (n->request.out.active && n->request.out.id == id)
		end_request(n, (enum result)result, out);
}

void command_expire(struct node *n, mono_t now, struct actions *out)
{
	if (n->request.out.active && mono_reached(n->request.out.until, now))
		end_request(n, RESULT_TIMEOUT, out);
}
