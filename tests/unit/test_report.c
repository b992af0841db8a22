/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_report.h"

#include <sys/socket.h>

#include "io/control.h"

static void the_status_has_the_names_that_stay(void **state)
{
	struct pair *p = *state;
	json_t *s = report_status(&p->in);

	assert_non_null(s);
	assert_member(s, "schema", "1");
	assert_member(s, "node", "\"fw1\"");
	assert_member(s, "cluster", "7");
	assert_member(s, "version", "\"1.2.3\"");
	assert_member(s, "verdict", "\"ok\"");
	assert_member(s, "critical", "0");
	assert_member(s, "warnings", "[]");
	assert_member(s, "in_sync", "true");
	assert_member(s, "peer",
		"{\"node\":\"fw2\",\"alive\":true,\"in_sync\":true,"
		"\"since\":\"1970-01-01T00:16:10.000Z\",\"since_ms\":30000,"
		"\"conf_differs\":false,\"realtime\":true}");
	assert_int_equal(json_array_size(json_object_get(s, "groups")), 2);
	assert_int_equal(json_array_size(json_object_get(s, "links")), 3);
	assert_int_equal(json_array_size(json_object_get(s, "monitors")), 2);
	json_t *mirror = json_object_get(s, "mirror");

	assert_member(mirror, "conntrack",
		"{\"built\":true,\"on\":true,\"local\":12345,\"mirrored\":1,\"in_sync\":true,\"lag_"
		"ms\":0,"
		"\"resyncs\":3}");
	assert_member(mirror, "expectation",
		"{\"built\":true,\"on\":true,\"local\":2,\"mirrored\":0,\"in_sync\":true,\"lag_"
		"ms\":0,"
		"\"resyncs\":3}");
	assert_member(mirror, "neighbour",
		"{\"built\":true,\"on\":true,\"local\":0,\"mirrored\":0,\"in_sync\":true,"
		"\"lag_ms\":0,\"resyncs\":3}");
	assert_member(mirror, "sa",
		"{\"built\":true,\"on\":false,\"local\":0,\"mirrored\":0,\"in_sync\":false,"
		"\"lag_ms\":null,\"resyncs\":0,\"numbers_ms\":null}");
	assert_int_equal(json_object_size(mirror), 5 + DOCUMENTS);
	json_decref(s);
}

static void a_group_has_both_standings(void **state)
{
	struct pair *p = *state;
	json_t *s = report_status(&p->in), *g = element(s, "groups", 0);

	assert_member(g, "id", "0");
	assert_member(g, "state", "\"master\"");
	assert_member(g, "term", "4");
	assert_member(g, "master", "\"fw1\"");
	assert_member(g, "since", "\"1970-01-01T00:16:20.000Z\"");
	assert_member(g, "since_ms", "20000");
	assert_member(g, "rule", "\"2a\"");
	assert_member(g, "rule_text", "\"the sitting master stays\"");
	assert_member(g, "reason", "\"elected\"");
	assert_member(g, "threshold", "255");
	assert_member(g, "priorities", "{\"fw1\":50,\"fw2\":100}");
	assert_member(g, "preempt_suspended", "false");
	assert_member(g, "handing_over", "false");
	assert_member(g, "role_failed", "0");
	assert_member(g, "own",
		"{\"node\":\"fw1\",\"state\":\"master\",\"cause\":null,\"term\":4,\"priority\":50,"
		"\"eligible\":true,\"operable\":true,\"in_sync\":true,\"served\":true,"
		"\"holding\":true,\"failed_weight\":0}");
	assert_member(g, "peer",
		"{\"node\":\"fw2\",\"state\":\"primary-backup\",\"cause\":\"in sync, may take "
		"over\",\"term\":4,\"priority\":100,"
		"\"eligible\":true,\"operable\":true,\"in_sync\":true,\"served\":false,"
		"\"holding\":false,\"failed_weight\":0}");
	assert_null(json_object_get(g, "addresses"));
	json_decref(s);

	p->view.group[0].peer.known = false;
	p->view.group[0].master = -1;
	s = report_status(&p->in);
	assert_member(element(s, "groups", 0), "peer", "null");
	assert_member(element(s, "groups", 0), "master", "null");
	json_decref(s);
}

static void groups_show_their_addresses_and_routes(void **state)
{
	struct pair *p = *state;
	json_t *s = report_groups(&p->in);

	assert_member(element(s, "groups", 0), "addresses",
		"[\"192.168.1.1/24 dev eth0\",\"2001:db8::1/64 dev eth1\"]");
	assert_member(element(s, "groups", 0), "routes",
		"[\"default via 192.168.1.254 dev eth0 metric 7 table 9\"]");
	assert_member(element(s, "groups", 1), "routes", "[]");
	assert_member(element(s, "groups", 1), "virtual_macs", "[]");
	assert_member(element(s, "groups", 1), "id", "5");
	json_decref(s);
	p->conf.n_vmacs = 1;
	p->conf.vmac[0] = (struct conf_vmac){ 1, "eth0", "nsrp5-eth0", { 0x92, 7, 5, 1, 2, 3 } };
	s = report_groups(&p->in);
	assert_member(element(s, "groups", 0), "virtual_macs", "[]");
	assert_member(element(s, "groups", 1), "virtual_macs",
		"[{\"name\":\"nsrp5-eth0\",\"device\":\"eth0\","
		"\"mac\":\"92:07:05:01:02:03\"}]");
	json_decref(s);
}

static void links_tell_state_and_what_they_are(void **state)
{
	struct pair *p = *state;

	p->view.path[1] = (struct path_view){ PATH_SILENT, false, MONO_NEVER, 0 };
	p->path_errors[1] = -ENODEV;
	json_t *s = report_links(&p->in);

	assert_member(s, "links",
		"[{\"name\":\"ha0\",\"state\":\"alive\",\"carrier\":true,\"secondary\":false,"
		"\"transport\":\"ethernet\",\"device\":\"eth2\",\"local\":null,\"remote\":null,"
		"\"last_heard_ms\":12,\"echo_age_us\":9000,\"error\":null},"
		"{\"name\":\"ha1\",\"state\":\"silent\",\"carrier\":false,\"secondary\":false,"
		"\"transport\":\"udp\",\"device\":null,\"local\":\"10.0.0.1:8133\","
		"\"remote\":\"10.0.0.2:9000\",\"last_heard_ms\":null,\"echo_age_us\":null,"
		"\"error\":\"No such device\"},"
		"{\"name\":\"eth0\",\"state\":\"alive\",\"carrier\":true,\"secondary\":true,"
		"\"transport\":\"ethernet\",\"device\":\"eth0\",\"local\":null,\"remote\":null,"
		"\"last_heard_ms\":12,\"echo_age_us\":9000,\"error\":null}]");
	json_decref(s);
}

static void monitors_tell_what_they_watch(void **state)
{
	struct pair *p = *state;

	p->view.monitor_ok[0] = false;
	json_t *s = report_monitors(&p->in);
	json_t *m = element(s, "monitors", 0);

	assert_member(m, "name", "\"gateway\"");
	assert_member(m, "ok", "false");
	assert_member(m, "weight", "100");
	assert_member(m, "type", "\"ping\"");
	assert_member(m, "target", "\"192.168.1.254\"");
	assert_member(m, "device", "null");
	assert_member(m, "program", "null");
	assert_member(m, "group", "0");
	assert_member(m, "automatic", "false");
	assert_member(m, "since", "null");
	assert_member(m, "rtt_us", "null");
	assert_member(m, "peer", "null");
	m = element(s, "monitors", 1);
	assert_member(m, "ok", "true");
	assert_member(m, "program", "\"/bin/true\"");
	assert_member(m, "interval_ms", "1000");
	assert_member(m, "group", "\"all\"");
	json_decref(s);
}

static void monitors_tell_how_they_fare(void **state)
{
	struct pair *p = *state;
	struct report_monitor_fact facts[CONF_MONITORS_MAX] = {
		{ .since = { NOW_US - 2000 },
			.failures = 2,
			.rtt_us = 310,
			.probes = 9,
			.answers = 6,
			.late = 1,
			.errors = 4,
			.error = -ENODEV,
			.lost_members = "eth7" },
	};

	p->in.monitor_facts = facts;
	p->view.peer_monitor[0] = (struct monitor_view){ true, true, 90 };
	json_t *s = report_monitors(&p->in);
	json_t *m = element(s, "monitors", 0);

	assert_member(m, "since_ms", "2");
	assert_member(m, "failures", "2");
	assert_member(m, "passes", "0");
	assert_member(m, "rtt_us", "310");
	assert_member(m, "probes", "9");
	assert_member(m, "answers", "6");
	assert_member(m, "late", "1");
	assert_member(m, "errors", "4");
	assert_member(m, "error", "\"No such device\"");
	assert_member(m, "lost_members", "\"eth7\"");
	assert_member(m, "peer", "{\"node\":\"fw2\",\"ok\":true,\"weight\":90}");
	json_decref(s);
}

static void counters_come_with_their_texts(void **state)
{
	struct pair *p = *state;
	const struct report_counter io[] = { { "ha0_truncated", "frames cut", UINT64_MAX } };

	p->counters[COUNTER_FRAMES_HEARD] = 17;
	p->in.io_counters = io;
	p->in.n_io_counters = 1;
	json_t *s = report_counters(&p->in);
	json_t *c = element(s, "counters", COUNTER_FRAMES_HEARD);

	assert_int_equal(json_array_size(json_object_get(s, "counters")), COUNTER_COUNT + 1);
	assert_member(c, "key", "\"frames_heard\"");
	assert_member(c, "value", "17");
	assert_member(c, "text", "\"authentic frames accepted\"");
	c = element(s, "counters", COUNTER_COUNT);
	assert_member(c, "key", "\"ha0_truncated\"");
	assert_member(c, "value", "9223372036854775807");
	json_decref(s);
}

static void the_configuration_reads_back(void **state)
{
	struct pair *p = *state;
	struct conf_report report = { NULL, fail_found };
	struct conf again;
	json_t *s = report_config(&p->in);
	const char *text = json_string_value(json_object_get(s, "config"));

	assert_non_null(text);
	assert_int_equal(conf_read("again", text, strlen(text), "fw1", &report, &again), 0);
	assert_int_equal(again.digest, p->conf.digest);
	json_decref(s);
}

/* Who is master is one thing, what each node's state comes from another. */
static void why_tells_the_decision_and_both_states(void **state)
{
	struct pair *p = *state;
	struct group_view *g = p->view.group;

	g->own = standing(GROUP_INOPERABLE, 50);
	g->own.operable = false;
	g->own.failed_weight = 255;
	p->view.monitor_ok[0] = p->view.monitor_ok[1] = false;
	g->peer = standing(GROUP_MASTER, 100);
	g->master = 1;
	json_t *s = report_why(&p->in, 0), *w = element(s, "groups", 0);

	assert_member(w, "text",
		"\"group 0: fw2 is master because rule 2a says: the sitting master stays\"");
	assert_member(
		json_object_get(w, "own"), "cause", "\"failed weight 255 of 255: gateway, disk\"");
	assert_member(json_object_get(w, "peer"), "cause", "null");
	json_decref(s);

	g->own = standing(GROUP_MASTER, 50);
	g->rule = RULE_TWO_MASTERS_TERM;
	s = report_why(&p->in, 0);
	assert_member(element(s, "groups", 0), "text",
		"\"group 0: both nodes are master because rule 6c says: two masters: the higher "
		"term stays\"");
	json_decref(s);

	g->own = standing(GROUP_INIT, 50);
	g->peer = standing(GROUP_INELIGIBLE, 100);
	g->master = -1;
	g->rule = RULE_BOOTING;
	s = report_why(&p->in, 0);
	w = element(s, "groups", 0);
	assert_member(w, "text",
		"\"group 0: nobody is master because rule 4e says: waiting for what the peer "
		"says\"");
	assert_member(json_object_get(w, "peer"), "cause", "\"in maintenance\"");
	json_decref(s);
}

static void why_names_the_rule_and_what_it_looked_at(void **state)
{
	struct pair *p = *state;

	p->view.monitor_ok[0] = false;
	p->view.group[0].own.failed_weight = 100;
	json_t *s = report_why(&p->in, COMMAND_ALL_GROUPS), *w = element(s, "groups", 0);

	assert_int_equal(json_array_size(json_object_get(s, "groups")), 2);
	assert_member(w, "text",
		"\"group 0: fw1 is master because rule 2a says: the sitting master stays\"");
	assert_member(w, "reason", "\"elected\"");
	assert_member(json_object_get(w, "own"), "priority", "50");
	assert_member(json_object_get(w, "peer"), "priority", "100");
	assert_member(w, "inputs",
		"{\"peer_alive\":true,\"peer_since_ms\":30000,\"in_sync\":true,"
		"\"peer_in_sync\":true,\"conf_differs\":false,\"priorities\":{\"fw1\":50,\"fw2\":"
		"100},\"threshold\":255,"
		"\"failed_weight\":100,\"failed_monitors\":[{\"name\":\"gateway\",\"weight\":100}],"
		"\"preempt\":false,\"preempt_hold_ms\":3000,\"preempt_suspended\":false,\"rests_"
		"ms\":0,"
		"\"handing_over\":false}");
	w = element(s, "groups", 1);
	assert_member(json_object_get(w, "inputs"), "failed_monitors", "[]");
	json_decref(s);

	s = report_why(&p->in, 1);
	assert_int_equal(json_array_size(json_object_get(s, "groups")), 1);
	assert_member(element(s, "groups", 0), "id", "5");
	json_decref(s);
}

static void assert_fits(json_t *report)
{
	char *text = json_dumps(report, JSON_COMPACT);

	assert_non_null(text);
	assert_true(strlen(text) < CONTROL_REPLY_MAX);
	free(text);
	json_decref(report);
}

static void the_largest_configuration_fits_into_an_answer(void **state)
{
	struct pair *p = *state;
	struct conf *conf = &p->conf;
	const struct conf_ip ip = { AF_INET6, "\x20\x01\xfd\xb8\x11\x12\x13\x14"
					      "\x15\x16\x17\x18\x19\x1a\x1b\x1c" };

	conf->n_groups = p->view.n_groups = CONF_GROUPS_MAX;
	conf->n_addresses = CONF_ADDRESSES_MAX;
	conf->n_routes = CONF_ROUTES_MAX;
	conf->n_monitors = CONF_MONITORS_MAX;
	conf->n_vmacs = CONF_VMACS_MAX;
	for (unsigned i = 0; i < CONF_VMACS_MAX; i++)
		conf->vmac[i] = (struct conf_vmac){ (uint8_t)(i / 2), { "enp129s0f1np10" },
			{ "nsrp255-123456" }, { 0x92, 255, 255, 255, 255, 255 } };
	for (unsigned i = 0; i < CONF_ADDRESSES_MAX; i++)
		conf->address[i] = (struct conf_address){ 0, ip, 128, { "enp129s0f1np10" }, 1 };
	for (unsigned i = 0; i < CONF_ROUTES_MAX; i++)
		conf->route[i] = (struct conf_route){ 0, AF_INET6, ip, 128, ip,
			{ "enp129s0f1np10" }, UINT32_MAX, UINT32_MAX };
	for (unsigned i = 0; i < CONF_MONITORS_MAX; i++) {
		conf->monitor[i] = conf->monitor[0];
		memset(conf->monitor[i].program, 'p', CONF_PATH_MAX - 1);
	}
	for (unsigned i = 0; i < CONF_GROUPS_MAX; i++) {
		conf->group[i] = conf->group[0];
		conf->group[i].n_addresses = CONF_ADDRESSES_MAX / CONF_GROUPS_MAX;
		conf->group[i].n_routes = CONF_ROUTES_MAX / CONF_GROUPS_MAX;
		p->view.group[i] = p->view.group[0];
	}
	assert_fits(report_status(&p->in));
	assert_fits(report_groups(&p->in));
	assert_fits(report_why(&p->in, COMMAND_ALL_GROUPS));
	assert_fits(report_config(&p->in));
}

static void results_say_whether_they_are_good(void **state)
{
	(void)state;
	json_t *s = report_result(RESULT_DONE);
	assert_member(s, "ok", "true");
	assert_member(s, "result", "\"done\"");
	json_decref(s);
	s = report_result(RESULT_NO_PEER);
	assert_member(s, "error", "\"the peer is not heard\"");
	assert_null(json_object_get(s, "ok"));
	json_decref(s);
}

static void the_mirror_tells_what_came_of_it(void **state)
{
	struct pair *p = *state;

	p->counters[COUNTER_REFUSED_FULL] = 5;
	p->view.mirror.peer_lag_us = 7999;
	json_t *s = report_mirror(&p->in), *m = json_object_get(s, "mirroring");

	assert_member(json_object_get(json_object_get(s, "mirror"), "conntrack"), "lag_ms", "7");
	assert_member(m, "peer", "\"fw2\"");
	assert_member(m, "up", "true");
	assert_member(m, "backlog", "0");
	assert_member(m, "index_size", "524288");
	assert_member(m, "refused",
		"{\"clash\":0,\"full\":5,\"other\":0,\"missing\":0,\"index_full\":0}");
	assert_member(m, "sent",
		"{\"times\":3,\"objects\":12000,\"ms\":210,\"at\":\"1970-01-01T00:16:15.000Z\","
		"\"since_ms\":25000}");
	assert_member(m, "heard", "null");
	assert_member(m, "audit",
		"{\"times\":4,\"compared\":12340,\"differed\":0,\"failed\":false,\"ms\":150,"
		"\"at\":\"1970-01-01T00:16:35.000Z\",\"since_ms\":5000}");
	assert_member(m, "peer_audit", "null");
	assert_member(m, "buckets_at_peer",
		"{\"times\":4,\"compared\":2048,\"differed\":0,\"failed\":false}");
	json_decref(s);

	p->view.mirror.up = false;
	s = report_mirror(&p->in);
	assert_member(json_object_get(s, "mirroring"), "lag_ms", "null");
	assert_member(
		json_object_get(json_object_get(s, "mirror"), "conntrack"), "in_sync", "false");
	json_decref(s);
}

static void version_and_mirror_are_reports_too(void **state)
{
	struct pair *p = *state;
	json_t *s = report_version(&p->in);

	assert_member(s, "version", "\"1.2.3\"");
	json_decref(s);
	s = report_mirror(&p->in);
	assert_int_equal(json_object_size(json_object_get(s, "mirror")), 7);
	json_decref(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(the_status_has_the_names_that_stay),
		TEST(a_group_has_both_standings),
		TEST(groups_show_their_addresses_and_routes),
		TEST(links_tell_state_and_what_they_are),
		TEST(monitors_tell_what_they_watch),
		TEST(monitors_tell_how_they_fare),
		TEST(counters_come_with_their_texts),
		TEST(the_configuration_reads_back),
		TEST(why_tells_the_decision_and_both_states),
		TEST(why_names_the_rule_and_what_it_looked_at),
		TEST(the_largest_configuration_fits_into_an_answer),
		TEST(results_say_whether_they_are_good),
		TEST(the_mirror_tells_what_came_of_it),
		TEST(version_and_mirror_are_reports_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
