/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_report.h"

#include "ctl/view_report.h"

/* The page; the caller frees it. Takes all references; pulse may be NULL. */
static char *page_text_with(json_t *status, json_t *history, json_t *pulse)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	view_report(out, status, history, pulse, WALL_MS);
	fclose(out);
	json_decref(status);
	json_decref(history);
	json_decref(pulse);
	return text;
}

static char *page_text(json_t *status, json_t *history)
{
	return page_text_with(status, history, NULL);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not there: %s in\n%s", part, text);
}

static json_t *history(const char *reason)
{
	return json_pack("{s:[{s:s, s:i, s:s, s:s, s:s, s:s, s:i}, {s:s, s:i, s:s, s:s, s:s, s:s, "
			 "s:i, s:s, s:{s:i, s:i, s:i, s:i}, s:i}]}",
		"history", "time", "1970-01-01T00:05:00.000Z", "group", 0, "from", "init", "to",
		"primary-backup", "rule", "4a", "reason", "elected", "term", 3, "time",
		"1970-01-01T00:16:00.000Z", "group", 0, "from", "primary-backup", "to", "master",
		"rule", "2b", "reason", reason, "term", 4, "monitor", "wan0/0", "steps_us", "asked",
		-3000, "set", 400, "announced", 1000, "settled", 2000000, "gap_us", 4000);
}

static void a_failover_is_drawn_to_scale(void **state)
{
	struct pair *p = *state;
	char *text = page_text(report_status(&p->in), history("monitors"));

	assert_has(text, "<h1>fw1 and fw2, cluster 7: <span class=\"ok\">ok</span></h1>");
	assert_has(text, "<p>Rule 2b: monitors, wan0/0; term 4; sessions settled after 2.0 s.</p>");
	/* 130 to 770 are -3 ms to 1 ms. */
	assert_has(text, "asked</text><circle class=\"step\" cx=\"130.0\"");
	assert_has(text, "the change</text><circle class=\"step\" cx=\"610.0\"");
	assert_has(text, "announced</text><circle class=\"step\" cx=\"770.0\"");
	assert_has(text, "class=\"gap\" x=\"130.0\" y=\"86\" width=\"640.0\"");
	assert_null(strstr(text, ">settled<"));
	free(text);
}

/* 300 s to 1000 s: primary-backup up to 960 s, then master. */
static void states_are_bands(void **state)
{
	struct pair *p = *state;
	char *text = page_text(report_status(&p->in), history("monitors"));

	assert_has(text, "class=\"primary-backup\" x=\"130.0\" y=\"0\" width=\"603.4\"");
	assert_has(text, "class=\"master\" x=\"733.4\" y=\"0\" width=\"36.6\"");
	free(text);
}

/* Seconds of the quarter of an hour that ends WALL_MS after 1970, at 1000 s: 64 px for 90 s. */
static json_t *pulse_sample_of(const char *at, int silence, const char *own, const char *link)
{
	return json_pack(
		"{s:s, s:i, s:i, s:i, s:i, s:[{s:s, s:s}], s:[{s:i, s:s, s:n}], s:[s], s:[]}", "at",
		at, "ms", 1000, "silence_ms", silence, "late_ms", 0, "lag_ms", 10, "links", "name",
		"ha<0>", "state", link, "groups", "id", 0, "own", own, "peer", "failed", "gate&way",
		"peer_failed");
}

static json_t *pulse(void)
{
	return json_pack("{s:s, s:s, s:i, s:[o, o, o, o]}", "node", "fw1", "peer", "fw2",
		"detection_ms", 200, "samples",
		pulse_sample_of("1970-01-01T00:10:00.000Z", 50, "primary-backup", "alive"),
		pulse_sample_of("1970-01-01T00:10:01.000Z", 50, "primary-backup", "alive"),
		pulse_sample_of("1970-01-01T00:10:02.000Z", 1000, "master", "lost"),
		pulse_sample_of("1970-01-01T00:16:30.000Z", 50, "master", "alive"));
}

/* 190 px are 100 s, 830 px are 1000 s; a second is 0.7 px. */
static void the_last_quarter_of_an_hour_is_drawn(void **state)
{
	struct pair *p = *state;
	char *text = page_text_with(report_status(&p->in), history("monitors"), pulse());

	/* 599 s to 601 s, 601 s to 602 s, and 989 s to 990 s */
	assert_has(text, "class=\"primary-backup\" x=\"544.8\" y=\"22\" width=\"1.4\"");
	assert_has(text, "<title>primary-backup, 2.0 s</title>");
	assert_has(text, "class=\"master\" x=\"546.3\" y=\"22\" width=\"1.0\"");
	assert_has(text, "class=\"master\" x=\"822.2\" y=\"22\" width=\"1.0\"");
	assert_has(text, "class=\"unseen\" x=\"544.8\" y=\"42\"");
	assert_has(text, "class=\"lost\" x=\"546.3\" y=\"62\"");
	assert_has(text, "class=\"failed\" x=\"544.8\" y=\"82\"");
	/* The curves: 10 ms a decade above the bottom, 34 px each; 1 s is three decades. */
	assert_has(text, "class=\"curve lag_ms\" d=\"M544.8 214.0H545.6L545.6 214.0H546.3");
	assert_has(text, "L546.3 146.0H547.0M822.2 ");
	/* Nobody looked from 602 s to 989 s; the change of history was at 960 s. */
	assert_has(text, "class=\"hole\" x=\"547.0\" y=\"22\" width=\"275.2\"");
	assert_has(text, "class=\"mark\" x1=\"801.6\"");
	free(text);
}

static void and_told_in_words(void **state)
{
	struct pair *p = *state;
	char *text = page_text_with(report_status(&p->in), history("monitors"), pulse());

	assert_has(text, "No heartbeat came: 1.0 s at most, up to 1970-01-01T00:10:02.000Z");
	assert_has(text, "Nobody looked for 6 m 27 s, at 1 place:");
	assert_has(text,
		"<li>1970-01-01T00:16:00.000Z, group 0: primary-backup to master, monitors</li>");
	assert_has(text,
		"<tr><td>group 0</td><td>fw1</td><td>primary-backup 2.0 s, master 2.0 s</td>");
	assert_has(text, "<tr><td>ha&lt;0&gt;</td><td></td><td>alive 3.0 s, lost 1.0 s</td>");
	assert_has(text, "<tr><td>gate&amp;way</td><td>fw1</td><td>failed 4.0 s</td>");
	free(text);
	text = page_text(report_status(&p->in), history("monitors"));
	assert_has(text, "The daemon told nothing of it.");
	free(text);
}

static void markup_in_words_means_nothing(void **state)
{
	struct pair *p = *state;
	char *text = page_text(report_status(&p->in), history("<b>\"A&B\"\033[m"));

	assert_has(text, "&lt;b&gt;&quot;A&amp;B&quot;?[m");
	free(text);
}

static void any_answer_is_survived(void **state)
{
	static const char *const answers[] = {
		"{}",
		"{\"history\":[null,7,{}],\"groups\":[3,{}]}",
		"{\"history\":[{\"time\":\"x\",\"steps_us\":{\"set\":\"x\"}}],\"mirror\":[1]}",
		"{\"history\":[{\"time\":\"1969-01-01T00:00:00.000Z\",\"to\":\"a\",\"gap_us\":-5,"
		"\"steps_us\":{\"asked\":9223372036854775807,\"set\":-9223372036854775808}}],"
		"\"groups\":[{}],\"links\":[{}],\"monitors\":[{}],\"mirror\":{\"a\":{\"on\":true}}"
		"}",
		"{\"samples\":[null,{},{\"at\":\"1970-01-01T00:16:00.000Z\",\"ms\":-5,"
		"\"silence_ms\":9223372036854775807,\"lag_ms\":-1,\"failed\":[7,null,\"x\"],"
		"\"groups\":[1,{}],\"links\":\"x\"}],\"detection_ms\":-3}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		char *text = page_text_with(json_loads(answers[i], 0, NULL),
			json_loads(answers[i], 0, NULL), json_loads(answers[i], 0, NULL));

		assert_has(text, "</body></html>\n");
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_failover_is_drawn_to_scale),
		TEST(states_are_bands),
		TEST(the_last_quarter_of_an_hour_is_drawn),
		TEST(and_told_in_words),
		TEST(markup_in_words_means_nothing),
		TEST(any_answer_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
