/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What people see in terminals of 80 and 132 columns, kept in tests/unit/golden and looked at
 * whenever it changes: GOLDEN=write build/gcc/unit/test_screens writes it again. The answers are
 * made of a view of a pair, and so are those of the daemon.
 */
#include "test_report.h"

#include "ctl/view.h"

enum { SCREEN_MAX = 32 * 1024, ROWS = 24, DOCUMENT_AT = 0 };

static const unsigned widths[] = { 80, 132 };

typedef void view_answer(const struct page *page, const json_t *answer);

/* ---- files --------------------------------------------------------------------------------- */

static void read_golden(const char *path, char ret_text[SCREEN_MAX])
{
	FILE *file = fopen(path, "r");
	size_t len;

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	len = fread(ret_text, 1, SCREEN_MAX - 1, file);
	fclose(file);
	ret_text[len] = '\0';
}

static void write_golden(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void assert_golden(const char *name, const char *text)
{
	const char *what = getenv("GOLDEN");
	char path[120], *golden = malloc(SCREEN_MAX);

	assert_non_null(golden);
	snprintf(path, sizeof(path), "tests/unit/golden/%s.txt", name);
	if (what && strcmp(what, "write") == 0)
		write_golden(path, text);
	read_golden(path, golden);
	if (strcmp(golden, text) != 0)
		fail_msg("%s has another screen than this:\n%s", path, text);
	free(golden);
}

/* No line is too wide, or ends in a blank. */
static void assert_fits(const char *name, const char *text, unsigned width)
{
	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
		char copy[1024];
		size_t len = strcspn(line, "\n");

		assert_true(len < sizeof(copy));
		memcpy(copy, line, len);
		copy[len] = '\0';
		if (text_width(copy) > width || (len > 0 && copy[len - 1] == ' '))
			fail_msg("%s: too long, or a blank at the end: `%s`", name, copy);
	}
}

/* ---- screens ------------------------------------------------------------------------------- */

/* What is shown at each width, one below the other. */
struct screens {
	char *text;
	size_t len;
	FILE *out;
};

static void begin(struct screens *s)
{
	*s = (struct screens){ NULL, 0, NULL };
	s->out = open_memstream(&s->text, &s->len);
	assert_non_null(s->out);
}

static struct page begin_page(struct screens *s, unsigned width)
{
	fprintf(s->out, "---- %u columns\n", width);
	fflush(s->out);
	return (struct page){ .out = s->out, .width = width };
}

static void end(struct screens *s, const char *name)
{
	fclose(s->out);
	assert_golden(name, s->text);
	free(s->text);
}

/* Takes the reference to the answer. */
static void assert_screen(const char *name, view_answer *view, json_t *answer)
{
	struct screens s;

	assert_non_null(answer);
	begin(&s);
	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		struct page page = begin_page(&s, widths[i]);
		size_t from = s.len;

		view(&page, answer);
		fflush(s.out);
		assert_fits(name, s.text + from, widths[i]);
	}
	end(&s, name);
	json_decref(answer);
}

/* The first two lines of the status say `what`, and the golden file has all of it. */
static void assert_wrong(struct pair *p, const char *name, const char *what)
{
	char *text = NULL, *second, *third;
	size_t len = 0;
	struct page page = { .out = open_memstream(&text, &len), .width = 80 };
	json_t *status = report_status(&p->in);

	assert_non_null(page.out);
	view_status(&page, status);
	fclose(page.out);
	second = strchr(text, '\n') + 1;
	third = strchr(second, '\n');
	assert_non_null(third);
	*third = '\0';
	if (!strstr(text, what))
		fail_msg("%s: not in the first two lines: `%s`:\n%s", name, what, text);
	if (strstr(text, ": OK,"))
		fail_msg("%s: nothing is said to be wrong", name);
	free(text);
	assert_screen(name, view_status, status);
}

static struct standing_view inoperable(uint8_t priority)
{
	struct standing_view s = standing(GROUP_INOPERABLE, priority);

	s.operable = false;
	s.failed_weight = 255;
	return s;
}

static void status_of_a_pair_that_is_well(void **state)
{
	struct pair *p = *state;

	assert_screen("status-ok", view_status, report_status(&p->in));
}

static void status_of_a_dead_peer(void **state)
{
	struct pair *p = *state;

	p->view.peer_alive = p->view.peer_in_sync = p->view.session = false;
	p->view.mirror.up = false;
	for (unsigned i = 0; i < p->view.n_groups; i++) {
		p->view.group[i].peer.known = false;
		p->view.group[i].reason = REASON_PEER_LOST;
	}
	for (unsigned i = 0; i < p->view.n_paths; i++)
		p->view.path[i] = (struct path_view){ PATH_LOST, false, { NOW_US - 30200000 }, 0 };
	assert_wrong(p, "status-peer-dead", "peer fw2 is not heard");
}

static void status_of_a_link_that_is_down(void **state)
{
	struct pair *p = *state;

	p->view.path[1] = (struct path_view){ PATH_LOST, false, { NOW_US - 7000000 }, 0 };
	assert_wrong(p, "status-link-down", "HA link ha1 has no carrier");
}

static void status_of_a_peer_out_of_sync(void **state)
{
	struct pair *p = *state;

	p->view.peer_in_sync = false;
	p->view.mirror.lag_us = 1500 * 1000;
	p->view.mirror.sending = true;
	p->view.mirror.sent_so_far = 48000;
	for (unsigned i = 0; i < p->view.n_groups; i++) {
		p->view.group[i].peer.state = GROUP_BACKUP;
		p->view.group[i].peer.in_sync = false;
	}
	assert_wrong(p, "status-out-of-sync", "group 0: fw2 is not in sync yet");
}

/* As the node shows it that lost a group by its own monitors. */
static void lose_by_monitors(struct pair *p)
{
	struct group_view *g = &p->view.group[0];

	p->view.monitor_ok[0] = p->view.monitor_ok[1] = false;
	g->own = inoperable(50);
	g->peer = standing(GROUP_MASTER, 100);
	g->own.term = g->peer.term = 5;
	g->master = 1;
	g->reason = REASON_MONITORS;
}

static void status_of_a_monitor_that_failed(void **state)
{
	struct pair *p = *state;

	lose_by_monitors(p);
	assert_wrong(p, "status-monitor-failed",
		"group 0: fw1 is inoperable (failed weight 255 of 255: gateway, disk)");
}

static void status_of_two_masters(void **state)
{
	struct pair *p = *state;

	p->view.group[0].peer = standing(GROUP_MASTER, 100);
	assert_wrong(p, "status-two-masters", "group 0: both nodes are master");
}

static struct document_view *ruleset_that_is(struct pair *p, enum document_condition condition)
{
	struct document_view *v = &p->view.document[DOCUMENT_AT];

	p->conf.mirror.ruleset = true;
	*v = (struct document_view){ .built = true,
		.on = true,
		.condition = condition,
		.since = { NOW_US - 8000000 },
		.source = 0,
		.consent = true,
		.known = true,
		.peer_known = true,
		.own = { { 0xab, 0xcd, 0xef, 0x01 } },
		.bytes = 5120 };
	return v;
}

static void status_of_a_refused_ruleset(void **state)
{
	struct pair *p = *state;
	struct document_view *v = ruleset_that_is(p, CONDITION_REFUSED);

	v->theirs.result = DOCUMENT_REFUSED;
	v->theirs.times = 1;
	v->theirs.at = (mono_t){ NOW_US - 8000000 };
	snprintf(v->theirs.text, sizeof(v->theirs.text),
		"inet fw: chain forward: No such file or directory");
	assert_wrong(p, "status-ruleset-refused",
		"ruleset: fw2 refused that of fw1: inet fw: chain forward: No such");
}

static void status_of_drift(void **state)
{
	struct pair *p = *state;

	(void)ruleset_that_is(p, CONDITION_DRIFT);
	assert_wrong(p, "status-drift", "ruleset: changed on fw2, and kept until");
}

static void status_of_maintenance(void **state)
{
	struct pair *p = *state;

	for (unsigned i = 0; i < p->view.n_groups; i++) {
		struct standing_view *peer = &p->view.group[i].peer;

		*peer = standing(GROUP_INELIGIBLE, 100);
		peer->eligible = false;
	}
	assert_wrong(p, "status-maintenance", "group 0: fw2 is in maintenance");
}

static void status_of_no_master(void **state)
{
	struct pair *p = *state;

	for (unsigned i = 0; i < p->view.n_groups; i++) {
		struct group_view *g = &p->view.group[i];

		g->own = standing(GROUP_INELIGIBLE, 50);
		g->peer = standing(GROUP_INELIGIBLE, 100);
		g->own.eligible = g->peer.eligible = false;
		g->master = -1;
		g->rule = RULE_NOBODY_ELIGIBLE;
		g->reason = REASON_MAINTENANCE;
	}
	assert_wrong(p, "status-no-master", "group 0: no master (both nodes are in maintenance)");
}

/* ---- why ----------------------------------------------------------------------------------- */

/* Of group 0, with what would come of failures. */
static json_t *why_of(struct pair *p)
{
	static const char mishaps[] =
		"[{\"what\":\"monitor\",\"names\":[\"gateway\",\"disk\",\"lan0/0\",\"wan0/0\"],"
		"\"where\":\"fw1\",\"masters\":[\"fw2\"],\"moves\":true,\"in_sync\":true,\"rule\":"
		"\"2b\"},{\"what\":\"monitor\",\"names\":[\"gateway\",\"disk\"],\"where\":\"both\","
		"\"masters\":[\"fw1\"],\"moves\":false,\"in_sync\":true,\"rule\":\"3\"},{\"what\":"
		"\"node\",\"names\":[\"fw1\"],\"where\":null,\"masters\":[\"fw2\"],\"moves\":true,"
		"\"in_sync\":false,\"rule\":\"4c\"},{\"what\":\"links\",\"names\":[\"ha0\",\"ha1\"]"
		","
		"\"where\":null,\"masters\":[\"fw1\"],\"moves\":false,\"in_sync\":true,\"rule\":"
		"\"2a\"},{\"what\":\"apart\",\"names\":[],\"where\":null,\"masters\":[\"fw1\","
		"\"fw2\"],\"moves\":true,\"in_sync\":true,\"rule\":\"4c\"}]";
	json_t *answer = report_why(&p->in, 0);

	json_object_set_new(element(answer, "groups", 0), "if", json_loads(mishaps, 0, NULL));
	return answer;
}

static void why_of_a_master(void **state)
{
	struct pair *p = *state;

	assert_screen("why-master", view_why, why_of(p));
}

static void why_of_a_node_that_lost_it(void **state)
{
	struct pair *p = *state;

	lose_by_monitors(p);
	assert_screen("why-inoperable", view_why, report_why(&p->in, 0));
}

static void why_of_one_whose_peer_died(void **state)
{
	struct pair *p = *state;

	p->view.peer_alive = false;
	p->view.group[0].peer.known = false;
	p->view.group[0].reason = REASON_PEER_LOST;
	assert_screen("why-peer-dead", view_why, report_why(&p->in, 0));
}

/* ---- history and watch --------------------------------------------------------------------- */

static json_t *history(void)
{
	static const char lines[] =
		"{\"history\":[{\"time\":\"2026-11-22T20:00:00.123Z\",\"group\":0,\"from\":"
		"\"init\","
		"\"to\":\"master\",\"rule\":\"4a\",\"reason\":\"elected\",\"term\":1},{\"time\":"
		"\"2026-11-22T21:10:00.400Z\",\"group\":0,\"from\":\"master\",\"to\":"
		"\"primary-backup\",\"rule\":\"2d\",\"reason\":\"operator's failover\",\"term\":2,"
		"\"steps_us\":{\"asked\":-3100,\"accepted\":-1200,\"drained\":-800,\"confirmed\":"
		"1900}},{\"time\":\"2026-11-22T21:12:00.003Z\",\"group\":0,\"from\":"
		"\"primary-backup\",\"to\":\"master\",\"rule\":\"2b\",\"reason\":\"monitors\","
		"\"term\":3,\"monitor\":\"wan0/0\",\"steps_us\":{\"asked\":-1870,\"accepted\":-900,"
		"\"set\":410,\"announced\":540,\"settled\":2100000},\"gap_us\":2410},{\"time\":"
		"\"2026-11-23T03:00:07.950Z\",\"group\":0,\"from\":\"primary-backup\",\"to\":"
		"\"master\",\"rule\":\"4c\",\"reason\":\"peer lost\",\"term\":5,\"steps_us\":{"
		"\"heard\":-201000,\"set\":300,\"announced\":390},\"gap_us\":201390},{\"time\":"
		"\"2026-11-23T03:05:00.000Z\",\"group\":0,\"from\":\"master\",\"to\":\"master\","
		"\"rule\":\"6c\",\"reason\":\"two masters met\",\"term\":7,\"two_masters_ms\":"
		"61000}]}";

	return json_loads(lines, 0, NULL);
}

static void history_of_failovers(void **state)
{
	(void)state;
	assert_screen("history", view_history, history());
}

static void assert_watched(const char *name, const struct watched *watched, unsigned rows)
{
	struct screens s;

	begin(&s);
	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		struct page page = begin_page(&s, widths[i]);
		size_t from = s.len, lines = 0;

		view_watch(&page, rows, watched);
		fflush(s.out);
		assert_fits(name, s.text + from, widths[i]);
		for (const char *c = s.text + from; *c != '\0'; c++)
			lines += *c == '\n';
		assert_true(lines <= rows);
	}
	end(&s, name);
}

static void watched_pairs(void **state)
{
	struct pair *p = *state;
	json_t *status = report_status(&p->in), *lines = history();
	struct watched watched = { status, lines, NULL, 0 };

	assert_watched("watch", &watched, ROWS);
	assert_watched("watch-small", &watched, 8);
	watched.trouble = "nsrpd is not running: there is no /run/nsrpd/nsrpd.sock (start it, or "
			  "name its RUNDIR with -r)";
	watched.age_ms = 12000;
	assert_watched("watch-gone", &watched, ROWS);
	watched = (struct watched){ .trouble = "nobody is there" };
	assert_watched("watch-never", &watched, ROWS);
	json_decref(status);
	json_decref(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(status_of_a_pair_that_is_well),
		TEST(status_of_a_dead_peer),
		TEST(status_of_a_link_that_is_down),
		TEST(status_of_a_peer_out_of_sync),
		TEST(status_of_a_monitor_that_failed),
		TEST(status_of_two_masters),
		TEST(status_of_a_refused_ruleset),
		TEST(status_of_drift),
		TEST(status_of_maintenance),
		TEST(status_of_no_master),
		TEST(why_of_a_master),
		TEST(why_of_a_node_that_lost_it),
		TEST(why_of_one_whose_peer_died),
		TEST(history_of_failovers),
		TEST(watched_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
