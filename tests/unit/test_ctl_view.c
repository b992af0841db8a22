/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_report.h"

#include "ctl/view.h"

/* What `view` makes of the report; the caller frees it. Takes the report. */
static char *view_text(void (*view)(const struct page *page, const json_t *answer), json_t *report)
{
	char *text = NULL;
	size_t len = 0;
	struct page page = { .out = open_memstream(&text, &len), .width = PAGE_WIDTH };

	assert_non_null(page.out);
	assert_non_null(report);
	view(&page, report);
	fclose(page.out);
	json_decref(report);
	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
		size_t end = strcspn(line, "\n");

		if (end > PAGE_WIDTH || (end > 0 && line[end - 1] == ' '))
			fail_msg("too long, or a blank at the end: `%.*s`", (int)end, line);
	}
	return text;
}

static void assert_view(void (*view)(const struct page *page, const json_t *answer), json_t *report,
	const char *expected)
{
	char *text = view_text(view, report);

	assert_string_equal(text, expected);
	free(text);
}

static void a_good_status_is_short(void **state)
{
	struct pair *p = *state;

	assert_view(view_status, report_status(&p->in),
		"fw1, cluster 7: OK, peer fw2 is heard and in sync for 30 s\n"
		"\n"
		"GROUP  fw1 (here)  fw2             PRIORITY  TERM  FOR   RULE AND REASON\n"
		"0      master      primary-backup    50/100     4  20 s  2a: elected\n"
		"5      master      primary-backup   100/100     4  20 s  2a: elected\n"
		"priority: fw1/fw2, lower wins\n"
		"\n"
		"LINK  STATE  CARRIER  HEARD      KIND\n"
		"ha0   alive  up       12 ms ago  HA link, ethernet eth2\n"
		"ha1   alive  up       12 ms ago  HA link, udp 10.0.0.2:9000\n"
		"eth0  alive  up       12 ms ago  secondary path, ethernet eth0\n"
		"\n"
		"monitors: 0 of 2 failing\n"
		"mirror: 12345 sessions of ours at fw2, 1 of its here, in sync, lag 0 ms\n");
}

static void what_is_wrong_comes_first(void **state)
{
	struct pair *p = *state;

	p->view.group[0].peer = standing(GROUP_BACKUP, 100);
	p->view.group[1].peer = standing(GROUP_MASTER, 100);
	p->view.path[1].state = PATH_ONE_WAY;
	p->path_errors[2] = -ENODEV;
	p->view.path[2] = (struct path_view){ PATH_SILENT, false, MONO_NEVER, 0 };
	p->view.monitor_ok[1] = false;
	p->view.group[0].handing_over = true;
	p->view.group[0].preempt_suspended = true;
	assert_view(view_status, report_status(&p->in),
		"fw1, cluster 7: CRITICAL, peer fw2 is heard and in sync for 30 s\n"
		"  !! group 5: both nodes are master\n"
		"  !  group 0: fw2 is not in sync yet\n"
		"  !  HA link ha1 is one-way: heard here, not by fw2\n"
		"  !  secondary path eth0 is down: No such device\n"
		"  !  only one of 2 HA links is alive: ha0\n"
		"  !  monitor disk fails on fw1 (weight 255)\n"
		"\n"
		"GROUP  fw1 (here)  fw2     PRIORITY  TERM  FOR   RULE AND REASON\n"
		"5      master      master   100/100     4  20 s  2a: elected\n"
		"0      master      backup    50/100     4  20 s  2a: elected, hand-over under\n"
		"                                                 way, preemption suspended\n"
		"priority: fw1/fw2, lower wins\n"
		"\n"
		"LINK  STATE    CARRIER  HEARD      KIND\n"
		"ha1   one-way  up       12 ms ago  HA link, udp 10.0.0.2:9000\n"
		"eth0  silent   down     -          secondary path, ethernet eth0: No such device\n"
		"ha0   alive    up       12 ms ago  HA link, ethernet eth2\n"
		"\n"
		"monitors: 1 of 2 failing\n"
		"mirror: 12345 sessions of ours at fw2, 1 of its here, in sync, lag 0 ms\n");
}

static void a_silent_secondary_path_comes_last(void **state)
{
	struct pair *p = *state;

	p->view.path[2] = (struct path_view){ PATH_SILENT, true, MONO_NEVER, 0 };
	assert_view(view_links, report_links(&p->in),
		"LINK  STATE   CARRIER  HEARD      KIND\n"
		"ha0   alive   up       12 ms ago  HA link, ethernet eth2\n"
		"ha1   alive   up       12 ms ago  HA link, udp 10.0.0.2:9000\n"
		"eth0  silent  up       -          secondary path, ethernet eth0\n");
	p->view.path[2].state = PATH_LOST;
	char *text = view_text(view_links, report_links(&p->in));

	assert_non_null(strstr(text, "KIND\neth0  lost"));
	free(text);
}

static void a_lost_peer_is_not_heard(void **state)
{
	struct pair *p = *state;

	p->view.peer_alive = p->view.peer_in_sync = false;
	p->view.group[0].peer.known = p->view.group[1].peer.known = false;
	char *text = view_text(view_status, report_status(&p->in));

	assert_ptr_equal(
		strstr(text, "fw1, cluster 7: WARNING, peer fw2 is not heard for 30 s\n"), text);
	assert_non_null(strstr(text, "0      master      not heard    50/100     4  20 s"));
	free(text);
	text = view_text(view_groups, report_groups(&p->in));
	assert_non_null(strstr(text, "  state          master      not heard\n"
				     "  priority       50          -          lower wins\n"));
	free(text);
}

static void monitoring_gets_a_line_and_a_number(void **state)
{
	struct pair *p = *state;
	json_t *status = report_status(&p->in);

	assert_int_equal(view_monitoring(status), 0);
	assert_view(view_check, status, "NSRP OK: fw1: 2 groups, peer fw2 is ready\n");
	p->view.conf_differs = true;
	status = report_status(&p->in);
	assert_int_equal(view_monitoring(status), 1);
	assert_view(view_check, status,
		"NSRP WARNING: fw1: the configurations of the two nodes differ\n");
	p->view.group[1].peer = standing(GROUP_MASTER, 100);
	status = report_status(&p->in);
	assert_int_equal(view_monitoring(status), 2);
	assert_view(view_check, status,
		"NSRP CRITICAL: fw1: group 5: both nodes are master (and 1 more)\n");
	status = json_object();
	assert_int_equal(view_monitoring(status), 3);
	json_decref(status);
}

static void a_group_is_shown_in_full(void **state)
{
	struct pair *p = *state;

	p->conf.n_groups = 1;
	p->view.group[0].role_failed = 2;
	assert_view(view_groups, report_groups(&p->in),
		"group 0: fw1 is master for 20 s, since 1970-01-01T00:16:20.000Z\n"
		"                 fw1 (here)  fw2\n"
		"  state          master      primary-backup\n"
		"  priority       50          100             lower wins\n"
		"  term           4           4\n"
		"  eligible       yes         yes\n"
		"  operable       yes         yes\n"
		"  failed weight  0           0\n"
		"  in sync        yes         yes\n"
		"  threshold      255 of failed weight\n"
		"  rule           2a: the sitting master stays\n"
		"  last change    elected\n"
		"  preempt        no\n"
		"  refused        2 addresses and routes\n"
		"  addresses      192.168.1.1/24 dev eth0\n"
		"                 2001:db8::1/64 dev eth1\n"
		"  routes         default via 192.168.1.254 dev eth0 metric 7 table 9\n");
}

static void why_says_it_in_words(void **state)
{
	struct pair *p = *state;

	p->view.monitor_ok[0] = false;
	p->view.group[0].own.failed_weight = 100;
	p->conf.group[0].preempt = true;
	p->view.group[0].preempt_suspended = true;
	assert_view(view_why, report_why(&p->in, 0),
		"group 0: fw1 is master because rule 2a says: the sitting master stays\n"
		"  last change    20 s ago, at 1970-01-01T00:16:20.000Z: elected\n"
		"  here           fw1 is master\n"
		"  peer           fw2 is primary-backup: in sync, may take over; heard for 30 s\n"
		"  failing        gateway (weight 100)\n"
		"  failed weight  100 of 255 that make it inoperable\n"
		"  preempt        yes, but suspended by a manual failover\n"
		"                 fw1 (here)  fw2\n"
		"  state          master      primary-backup\n"
		"  priority       50          100             lower wins\n"
		"  term           4           4\n"
		"  eligible       yes         yes\n"
		"  operable       yes         yes\n"
		"  failed weight  100         0\n"
		"  in sync        yes         yes\n"
		"  nsrpctl why 0 tells what would come of failures\n");
}

static json_t *mishap(const char *text)
{
	json_t *answer =
		json_pack("{s:[{s:i, s:[o]}]}", "groups", "id", 7, "if", json_loads(text, 0, NULL));

	assert_non_null(answer);
	return answer;
}

static void assert_foreseen(const char *text, const char *expected)
{
	char *seen = view_text(view_why, mishap(text));

	if (!strstr(seen, expected))
		fail_msg("not there: %s in %s", expected, seen);
	free(seen);
}

static void what_would_come_of_failures_is_said(void **state)
{
	(void)state;
	assert_foreseen("{\"what\":\"monitor\",\"names\":[\"a\",\"b\",\"c\"],\"where\":\"fw1\","
			"\"masters\":[\"fw2\"],\"moves\":true,\"in_sync\":true,\"rule\":\"2b\"}",
		"\n  if a, b or c fails on fw1: fw2 takes over (rule 2b)\n");
	assert_foreseen("{\"what\":\"monitor\",\"names\":[\"a\"],\"where\":\"both\",\"masters\":"
			"[\"fw1\"],\"moves\":false,\"in_sync\":true,\"rule\":\"3\"}",
		"\n  if a fails on both nodes: fw1 stays master (rule 3)\n");
	assert_foreseen(
		"{\"what\":\"node\",\"names\":[\"fw1\"],\"masters\":[\"fw2\"],\"moves\":true,"
		"\"in_sync\":false,\"rule\":\"4c\"}",
		"\n  if fw1 dies: fw2 takes over, and lacks sessions (rule 4c)\n");
	assert_foreseen("{\"what\":\"node\",\"names\":[\"fw1\"],\"masters\":[],\"moves\":true}",
		"\n  if fw1 dies: nobody is master\n");
	assert_foreseen(
		"{\"what\":\"link\",\"names\":[\"ha0\"],\"masters\":[\"fw1\"],\"rule\":\"2a\"}",
		"\n  if HA link ha0 is cut: fw1 stays master (rule 2a)\n");
	assert_foreseen("{\"what\":\"links\",\"names\":[\"ha0\",\"ha1\"],\"masters\":[\"fw1\"],"
			"\"rule\":\"2a\"}",
		"\n  if all HA links are cut: fw1 stays master (rule 2a)\n");
	assert_foreseen(
		"{\"what\":\"apart\",\"names\":[],\"masters\":[\"fw1\",\"fw2\"],\"moves\":true,"
		"\"rule\":\"4c\"}",
		"\n  if HA links and secondary paths are cut: both nodes are master (rule 4c)\n");
}

static void history_tells_the_steps_of_a_takeover(void **state)
{
	(void)state;
	assert_view(view_history,
		json_loads(
			"{\"history\":[{\"time\":\"2026-11-22T20:00:00.123Z\",\"group\":5,"
			"\"from\":\"primary-backup\",\"to\":\"master\",\"rule\":\"2b\",\"reason\":"
			"\"monitors\",\"term\":9,\"monitor\":\"wan0/5\",\"steps_us\":{\"settled\":"
			"2100000,\"asked\":-9870,\"announced\":54,\"later\":1},\"gap_us\":12345}]}",
			0, NULL),
		"TIME (UTC)                GROUP  TERM  RULE  CHANGE AND REASON\n"
		"2026-11-22T20:00:00.123Z      5     9  2b    primary-backup -> master: monitors,\n"
		"                                             wan0/5\n"
		"                                             asked 9.8 ms before; announced 0.05\n"
		"                                             ms, settled 2.1 s after; gap 12 ms\n"
		"                                             at most\n");
}

static void lists_are_tables(void **state)
{
	struct pair *p = *state;

	struct report_monitor_fact facts[CONF_MONITORS_MAX] = {
		{ .since = { NOW_US - 72 * 1000000 }, .rtt_us = 1234, .error = -ENETUNREACH },
		{ .since = { NOW_US - 500000 }, .failures = 7, .lost_members = "eth4" },
	};

	p->view.monitor_ok[1] = false;
	assert_view(view_monitors, report_monitors(&p->in),
		"MONITOR  STATE  FOR  RTT  PEER  WEIGHT  GROUP  TYPE    WATCHES\n"
		"disk     fails  -      -  -        255  all    script  /bin/true\n"
		"gateway  ok     -      -  -        100  0      ping    192.168.1.254\n");
	p->in.monitor_facts = facts;
	p->view.peer_monitor[0] = (struct monitor_view){ true, false, 100 };
	p->view.peer_monitor[1] = (struct monitor_view){ true, true, 255 };
	assert_view(view_monitors, report_monitors(&p->in),
		"MONITOR  STATE  FOR           RTT  PEER   WEIGHT  GROUP  TYPE    WATCHES\n"
		"disk     fails  500 ms          -  ok        255  all    script  /bin/true\n"
		"gateway  ok     1 m 12 s  1.23 ms  fails     100  0      ping    192.168.1.254\n"
		"disk: 7 failed in a row\n"
		"disk: members without carrier: eth4\n"
		"gateway: cannot ask: Network is unreachable\n");
	p->counters[COUNTER_FRAMES_SENT] = 1234567;
	char *text = view_text(view_counters, report_counters(&p->in));
	assert_non_null(strstr(text, "\n1234567  frames_sent "));
	assert_ptr_equal(strstr(text, "node\n"), text);
	assert_non_null(strstr(text, "\n\ndropped frames\n"));
	assert_non_null(strstr(text, "  records_sent       records sent\n"));
	assert_non_null(strstr(text, "  kernel_orders     orders given\n"));
	assert_non_null(strstr(text, "\n\nmonitors\n"));
	free(text);
	assert_view(view_history, json_pack("{s:[]}", "history"), "there is no history yet\n");
	assert_view(view_history,
		json_pack("{s:[{s:s, s:i, s:s, s:s, s:s, s:s, s:i}]}", "history", "time",
			"2026-11-22T20:00:00.123Z", "group", 5, "from", "init", "to", "master",
			"rule", "4c", "reason", "peer lost", "term", 9),
		"TIME (UTC)                GROUP  TERM  RULE  CHANGE AND REASON\n"
		"2026-11-22T20:00:00.123Z      5     9  4c    init -> master: peer lost\n");
	assert_view(view_history,
		json_pack("{s:[{s:s, s:i, s:s, s:s, s:s, s:s, s:i, s:i}]}", "history", "time",
			"2026-11-22T20:00:00.123Z", "group", 5, "from", "master", "to", "master",
			"rule", "6c", "reason", "two masters met", "term", 9, "two_masters_ms",
			61000),
		"TIME (UTC)                GROUP  TERM  RULE  CHANGE AND REASON\n"
		"2026-11-22T20:00:00.123Z      5     9  6c    stays master: two masters met, "
		"for\n                                             1 m 1 s at most\n");
}

static void the_mirror_is_a_table_and_what_came_of_it(void **state)
{
	struct pair *p = *state;

	assert_view(view_mirror, report_mirror(&p->in),
		"KIND         LOCAL  MIRRORED  IN SYNC  LAG   RESYNCS\n"
		"conntrack    12345         1  yes      0 ms        3\n"
		"expectation      2         0  yes      0 ms        3\n"
		"neighbour        0         0  yes      0 ms        3\n"
		"sa               0         0  off      -           0\n"
		"policy           0         0  off      -           0\n"
		"\n"
		"  in sync        yes\n"
		"  resyncs sent   3; the last: 12000 objects in 210 ms, 25 s ago\n"
		"  resyncs heard  none yet\n"
		"  lag            0 ms to fw2, 0 ms from it, backlog 0 bytes\n"
		"  refused here   clash 0, table full 0, index full 0, missing 0, other 0\n"
		"  audits         4; the last: 12340 objects, 0 differed, in 150 ms, 5.0 s ago\n"
		"  ours there     0 of 2048 buckets differed at the last time\n"
		"  index          12348 of 524288 used\n");
	p->view.mirror.receiving = true;
	p->view.mirror.received_so_far = 77;
	p->view.mirror.auditing = p->view.mirror.waited = true;
	p->view.mirror.past.theirs = (struct mirror_found){ 1, 2048, 3, false, 3 };
	p->counters[COUNTER_REFUSED_CLASH] = 2;
	char *text = view_text(view_mirror, report_mirror(&p->in));

	assert_non_null(strstr(text, "conntrack    12345         1  no "));
	assert_non_null(strstr(text,
		"  in sync        no: counts as such, since sync-wait is over; see `nsrpctl"));
	assert_non_null(strstr(text, "  resyncs heard  under way, 77 objects so far; none yet\n"));
	assert_non_null(strstr(text, "4 and one under way; the last: 12340 objects, 0 differed\n"));
	assert_non_null(strstr(text, "  its here       3 of 2048 buckets differed at the last"));
	assert_non_null(strstr(text, "  refused here   clash 2,"));
	free(text);
}

static void a_mirror_that_does_not_work_says_so(void **state)
{
	struct pair *p = *state;

	p->view.mirror.up = false;
	char *text = view_text(view_status, report_status(&p->in));

	assert_non_null(
		strstr(text, "\nmirror: 12346 sessions here; nothing goes to fw2 at present\n"));
	free(text);
	text = view_text(view_mirror, report_mirror(&p->in));
	assert_non_null(strstr(text, "conntrack    12345         1  no       -          3\n"));
	assert_non_null(strstr(text, "  in sync        no: there is no channel to the peer\n"));
	free(text);
	p->view.mirror.kinds = OBJECT_SHARED;
	text = view_text(view_mirror, report_mirror(&p->in));
	assert_non_null(strstr(text, "conntrack        0         0  off      -          0\n"));
	free(text);
	p->view.mirror = (struct mirror_view){ 0 };
	p->conf.mirror.sessions = false;
	text = view_text(view_status, report_status(&p->in));
	assert_non_null(strstr(text, "\nmirror: off, the peer gets no sessions\n"));
	free(text);
	text = view_text(view_mirror, report_mirror(&p->in));
	assert_non_null(strstr(text, "\noff: the peer gets no sessions\n"));
	free(text);
}

static void a_verify_tells_what_it_found(void **state)
{
	(void)state;
	assert_view(view_verify,
		json_pack("{s:s, s:b, s:b, s:i, s:s, s:s, s:{s:i, s:i}, s:{s:i, s:i}, s:n, s:{s:i, "
			  "s:i}}",
			"result", "the nodes differed and are equal now", "equal", 0, "repaired", 1,
			"rounds", 2, "node", "fw2", "peer", "fw1", "own", "compared", 1, "differed",
			1, "peer_own", "compared", 400, "differed", 0, "buckets_at_peer",
			"buckets_here", "compared", 2048, "differed", 3),
		"fw2: 1 object in its kernel, 1 not as it should be\n"
		"fw1: 400 objects in its kernel, 0 not as it should be\n"
		"what fw1 owns, at fw2: 3 of 2048 buckets differ\n"
		"the nodes differed and are equal now, after 2 rounds\n");
}

/* Another release's answer, or none at all, is no reason to crash. */
static void any_answer_is_survived(void **state)
{
	void (*const views[])(const struct page *, const json_t *) = { view_status, view_groups,
		view_links, view_monitors, view_mirror, view_counters, view_config, view_why,
		view_history, view_verify, view_check, view_pulse };
	static const char *const answers[] = {
		"{}",
		("{\"groups\":[null,{}],\"links\":[7,{}],\"monitors\":[{}],\"mirror\":[],"
		 "\"counters\":[{}],\"history\":[{}],\"warnings\":[1,null],\"peer\":3}"),
		"{\"mirroring\":{\"on\":true,\"up\":true,\"sent\":3},\"own\":1}",
		"{\"samples\":[null,7,{\"at\":\"x\",\"links\":[3],\"failed\":[null]}]}",
		"{\"groups\":{\"a\":1},\"links\":\"x\",\"mirror\":{\"conntrack\":null}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		for (size_t v = 0; v < ARRAY_LEN(views); v++)
			free(view_text(views[v], json_loads(answers[i], 0, NULL)));
	}
}

#define SAMPLE(number, time, ms, silence, own, failed)                                             \
	"{\"number\":" #number ",\"at\":\"2026-01-31T11:00:" time "Z\",\"ms\":" #ms                \
	",\"silence_ms\":" silence ",\"late_ms\":2,\"lag_ms\":null,\"backlog\":1234,"              \
	"\"links\":[{\"name\":\"ha0\",\"state\":\"alive\",\"beats\":20},"                          \
	"{\"name\":\"ha1\",\"state\":\"lost\",\"beats\":0}],"                                      \
	"\"groups\":[{\"id\":0,\"own\":\"" own "\",\"peer\":null}],"                               \
	"\"failed\":[" failed "],\"peer_failed\":[]}"

static void a_pulse_tells_states_where_they_change(void **state)
{
	static const char text[] = "{\"samples\":[" SAMPLE(0, "01.000", 1000, "null", "master",
		"") "," SAMPLE(1, "02.010", 1010, "51", "master", "") "," SAMPLE(2, "08.000", 1000,
		"300", "inoperable", "\"gateway\"") "]}";

	(void)state;
	assert_view(view_pulse, json_loads(text, 0, NULL),
		"milliseconds, bytes, and the heartbeats that came on ha0, ha1\n"
		"TIME      SILENCE  LATE  LAG  BACKLOG  BEATS  STATES HERE/THERE\n"
		"11:00:01        -     2    -     1234  20 0   0 master/-, ha1 lost\n"
		"11:00:02       51     2    -     1234  20 0\n"
		"...                                           nobody looked for 4.9 s\n"
		"11:00:08      300     2    -     1234  20 0   0 inoperable/-, ha1 lost, gateway\n"
		"                                              fails\n");
	assert_view(view_pulse, json_pack("{s:[]}", "samples"),
		"the daemon began less than a second ago\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_good_status_is_short),
		TEST(what_is_wrong_comes_first),
		TEST(a_silent_secondary_path_comes_last),
		TEST(a_lost_peer_is_not_heard),
		TEST(monitoring_gets_a_line_and_a_number),
		TEST(a_group_is_shown_in_full),
		TEST(why_says_it_in_words),
		TEST(what_would_come_of_failures_is_said),
		TEST(history_tells_the_steps_of_a_takeover),
		TEST(lists_are_tables),
		TEST(the_mirror_is_a_table_and_what_came_of_it),
		TEST(a_mirror_that_does_not_work_says_so),
		TEST(a_verify_tells_what_it_found),
		TEST(any_answer_is_survived),
		TEST(a_pulse_tells_states_where_they_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
