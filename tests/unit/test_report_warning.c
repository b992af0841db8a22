/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_report.h"

/* Asserts verdict and warnings, given in their order with `|` between. */
static void assert_warnings(struct pair *p, const char *verdict, const char *expected)
{
	json_t *s = report_status(&p->in), *warnings = json_object_get(s, "warnings");
	char text[2000] = "";

	for (size_t i = 0; i < json_array_size(warnings); i++) {
		const char *warning = json_string_value(json_array_get(warnings, i));

		assert_non_null(warning);
		strncat(text, i > 0 ? "|" : "", sizeof(text) - strlen(text) - 1);
		strncat(text, warning, sizeof(text) - strlen(text) - 1);
	}
	assert_string_equal(text, expected);
	assert_string_equal(json_string_value(json_object_get(s, "verdict")), verdict);
	json_decref(s);
}

static struct group_view *lose_peer(struct pair *p)
{
	p->view.peer_alive = false;
	p->view.peer_realtime = p->view.peer_in_sync = false;
	for (unsigned i = 0; i < p->conf.n_groups; i++)
		p->view.group[i].peer.known = false;
	for (unsigned i = 0; i < p->conf.n_paths; i++)
		p->view.path[i].state = PATH_LOST;
	return p->view.group;
}

static void all_well_is_no_warning(void **state)
{
	assert_warnings(*state, "ok", "");
}

static void two_masters_and_none_are_critical(void **state)
{
	struct pair *p = *state;

	p->view.group[0].peer = standing(GROUP_MASTER, 100);
	assert_warnings(p, "critical", "group 0: both nodes are master");

	p->view.group[0].own.state = GROUP_INIT;
	p->view.group[0].peer.state = GROUP_INIT;
	p->view.group[0].master = -1;
	assert_warnings(p, "critical", "group 0: no master (this node is starting)");

	/* For a moment of a planned failover there is none on purpose. */
	p->view.group[0].own.state = GROUP_PRIMARY_BACKUP;
	p->view.group[0].peer.state = GROUP_PRIMARY_BACKUP;
	p->view.group[0].handing_over = true;
	assert_warnings(p, "ok", "");
}

static void the_cause_of_no_master_is_told(void **state)
{
	struct pair *p = *state;
	struct group_view *g = &p->view.group[1];
	char expected[200];

	g->master = -1;
	g->own.state = g->peer.state = GROUP_INELIGIBLE;
	g->own.eligible = g->peer.eligible = false;
	assert_warnings(p, "critical",
		"group 5: no master (both nodes are in maintenance)|"
		"group 5: fw1 is in maintenance|group 5: fw2 is in maintenance");
	g->own.state = GROUP_PRIMARY_BACKUP;
	g->own.eligible = g->peer.eligible = true;
	g->peer.state = GROUP_PRIMARY_BACKUP;
	g->rule = RULE_HELD;
	snprintf(expected, sizeof(expected), "group 5: no master (%s)", rule_text(RULE_HELD));
	assert_warnings(p, "critical", expected);
}

static void a_master_that_cannot_serve_is_critical(void **state)
{
	struct pair *p = *state;

	p->view.group[0].role_failed = 2;
	assert_warnings(p, "critical", "group 0: the kernel refused 2 of its addresses and routes");
	p->view.group[0].role_failed = 0;
	p->view.group[0].clashes = true;
	assert_warnings(p, "critical",
		"group 0: its virtual MAC is used by others in the network; the log says for "
		"what");
	p->view.group[0].clashes = false;
	p->view.group[1].own.operable = false;
	p->view.group[1].own.failed_weight = 300;
	assert_warnings(
		p, "critical", "group 5: its master fw1 is inoperable (failed weight 300 of 255)");
	p->view.group[1] = p->view.group[0];
	p->view.group[1].id = 5;
	p->view.group[1].own = standing(GROUP_PRIMARY_BACKUP, 100);
	p->view.group[1].peer = standing(GROUP_MASTER, 100);
	p->view.group[1].peer.operable = false;
	p->view.group[1].peer.failed_weight = 255;
	p->view.group[1].master = 1;
	assert_warnings(
		p, "critical", "group 5: its master fw2 is inoperable (failed weight 255 of 255)");
}

static void a_lost_peer_is_a_warning_while_there_is_a_master(void **state)
{
	struct pair *p = *state;

	lose_peer(p);
	assert_warnings(p, "warning", "peer fw2 is not heard");
	p->view.path[0].carrier = false;
	assert_warnings(p, "warning", "peer fw2 is not heard|HA link ha0 has no carrier");
	p->view.stopping = true;
	p->view.realtime = false;
	assert_warnings(p, "warning",
		"fw1 is stopping|peer fw2 is not heard|fw1 runs without real-time priority|"
		"HA link ha0 has no carrier");
}

static void what_the_lost_peer_last_said_counts_no_more(void **state)
{
	struct pair *p = *state;
	struct group_view *g = lose_peer(p);

	/* Also when it is still in the view. */
	g[0].peer = standing(GROUP_MASTER, 100);
	assert_warnings(p, "warning", "peer fw2 is not heard");
	g[0].own = standing(GROUP_INELIGIBLE, 50);
	g[0].own.eligible = false;
	g[0].master = -1;
	assert_warnings(p, "critical",
		"group 0: no master (this node is in maintenance and the peer is not heard)|"
		"peer fw2 is not heard|group 0: fw1 is in maintenance");
}

static void a_standby_that_cannot_take_over_is_a_warning(void **state)
{
	struct pair *p = *state;
	struct standing_view *peer = &p->view.group[0].peer;

	peer->state = GROUP_BACKUP;
	peer->in_sync = false;
	assert_warnings(p, "warning", "group 0: fw2 is not in sync yet");
	peer->state = GROUP_INOPERABLE;
	peer->operable = false;
	peer->failed_weight = 255;
	assert_warnings(p, "warning", "group 0: fw2 is inoperable (failed weight 255 of 255)");
	p->view.peer_monitor[1] =
		(struct monitor_view){ .known = true, .ok = false, .weight = 255 };
	assert_warnings(p, "warning",
		"group 0: fw2 is inoperable (failed weight 255 of 255: disk)|"
		"monitor disk fails on fw2 (weight 255)");
	p->view.peer_monitor[1].known = false;
	peer->state = GROUP_INELIGIBLE;
	peer->eligible = false;
	assert_warnings(p, "warning", "group 0: fw2 is in maintenance");
	*peer = standing(GROUP_INIT, 100);
	assert_warnings(p, "warning", "group 0: fw2 is starting");
}

static void links_that_fail_are_named(void **state)
{
	struct pair *p = *state;

	p->view.path[1].state = PATH_ONE_WAY;
	assert_warnings(p, "warning",
		"HA link ha1 is one-way: heard here, not by fw2|"
		"only one of 2 HA links is alive: ha0");
	p->view.path[0].state = PATH_LOST;
	p->view.path[1].state = PATH_SILENT;
	assert_warnings(p, "warning",
		"no HA link is alive: only secondary paths tell that fw2 lives, nothing is "
		"mirrored|"
		"HA link ha0 is lost: nothing is heard on it|"
		"HA link ha1 is silent: nothing was heard on it yet");
	p->view.path[0].state = p->view.path[1].state = PATH_ALIVE;
	p->view.path[2].state = PATH_SILENT; /* automatic ones need not lead anywhere */
	assert_warnings(p, "ok", "");
	p->view.path[2].state = PATH_LOST;
	assert_warnings(p, "warning", "secondary path eth0 is lost: nothing is heard on it");
	p->path_errors[2] = -ENETDOWN;
	assert_warnings(p, "warning", "secondary path eth0 is down: Network is down");
}

static void what_the_mirror_lacks_is_told_with_what_helps(void **state)
{
	struct pair *p = *state;
	struct mirror_view *m = &p->view.mirror;

	m->waited = true;
	assert_warnings(p, "warning",
		"fw1 counts as in sync only since sync-wait is over: sessions of fw2 may be "
		"missing "
		"here; `nsrpctl sync` asks for all of them");
	m->waited = false;
	p->view.in_sync = false;
	assert_warnings(p, "warning", "no full copy of the sessions of fw2 has come yet");
	m->receiving = true;
	m->received_so_far = 17;
	assert_warnings(p, "warning", "sessions are being copied from fw2: 17 objects so far");
	m->receiving = false;
	m->complete = true;
	m->peer_lag_us = 1500000;
	assert_warnings(p, "warning", "fw2 lags by 1500 ms in sending its sessions");
	p->view.in_sync = true;
	m->lag_us = 2000000;
	assert_warnings(p, "warning", "fw2 lags by 2000 ms in taking sessions");
	m->up = false;
	assert_warnings(p, "warning", "sessions are not mirrored: there is no channel to fw2 yet");
	m->on = false;
	assert_warnings(
		p, "warning", "sessions are not mirrored: there was no memory for it at the start");
	p->conf.mirror.sessions = false;
	assert_warnings(p, "ok", "");
}

static void refused_objects_are_a_warning(void **state)
{
	struct pair *p = *state;
	struct mirror_view *m = &p->view.mirror;

	p->counters[COUNTER_REFUSED_CLASH] = 2;
	p->counters[COUNTER_REFUSED_FULL] = 1;
	assert_warnings(p, "ok", ""); /* and nothing differs any more */
	m->past.theirs = (struct mirror_found){ 1, 2048, 3, false, 3 };
	assert_warnings(p, "warning",
		"mirrored objects differ at fw1: 3 of 2048 buckets (this kernel refused 3 since "
		"the start: "
		"clash or full); `nsrpctl verify` compares and repairs");
	m->past.theirs.differed = 0;
	m->past.ours = (struct mirror_found){ 2, 2048, 5, false, 5 };
	assert_warnings(p, "warning",
		"mirrored objects differ at fw2: 5 of 2048 buckets; `nsrpctl verify` compares and "
		"repairs");
	m->past.ours = (struct mirror_found){ 2, 2048, 0, true, 0 };
	assert_warnings(p, "warning",
		"what is mirrored on both nodes cannot be compared at fw2: no full copy, or "
		"another "
		"cluster key at its start");
	m->past.ours.failed = false;
	m->index_used = m->index_size;
	assert_warnings(p, "warning",
		"the mirror's index is full (524288 objects): what is new is not mirrored; raise "
		"nf_conntrack_max and restart");
}

static void the_rest_comes_in_its_order(void **state)
{
	struct pair *p = *state;
	const char *const own[] = { "the leases are late" };
	struct report_monitor_fact facts[CONF_MONITORS_MAX] = { [1] = { .lost_members = "eth4" } };

	p->view.conf_differs = true;
	p->view.peer_realtime = false;
	p->view.monitor_ok[0] = false;
	p->view.peer_monitor[1] = (struct monitor_view){ true, false, 7 };
	p->in.monitor_facts = facts;
	p->in.warnings = own;
	p->in.n_warnings = 1;
	assert_warnings(p, "warning",
		"the configurations of the two nodes differ|fw2 runs without real-time priority|"
		"monitor gateway fails on fw1 (weight 100)|monitor disk fails on fw2 (weight 7)|"
		"monitor disk: members of  without carrier: eth4|the leases are late");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(all_well_is_no_warning),
		TEST(two_masters_and_none_are_critical),
		TEST(the_cause_of_no_master_is_told),
		TEST(a_master_that_cannot_serve_is_critical),
		TEST(a_lost_peer_is_a_warning_while_there_is_a_master),
		TEST(what_the_lost_peer_last_said_counts_no_more),
		TEST(a_standby_that_cannot_take_over_is_a_warning),
		TEST(links_that_fail_are_named),
		TEST(what_the_mirror_lacks_is_told_with_what_helps),
		TEST(refused_objects_are_a_warning),
		TEST(the_rest_comes_in_its_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
