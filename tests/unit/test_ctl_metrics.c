/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_report.h"

#include "ctl/metrics.h"

static char *metrics_text(json_t *status, json_t *counters)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	metrics_write(out, status, counters);
	fclose(out);
	json_decref(status);
	json_decref(counters);
	return text;
}

static char *metrics_of(struct pair *p)
{
	return metrics_text(report_status(&p->in), report_counters(&p->in));
}

static void assert_line(const char *text, const char *line)
{
	char wanted[256];

	snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	if (!strstr(text, wanted))
		fail_msg("there is no line `%s`", line);
}

static void what_the_status_says_is_there(void **state)
{
	struct pair *p = *state;

	p->view.group[1].peer = standing(GROUP_MASTER, 100);
	char *text = metrics_of(p);

	assert_line(text, "nsrpd_build_info{node=\"fw1\",cluster=\"7\",version=\"1.2.3\"} 1");
	assert_line(text, "nsrpd_verdict{nsrpd_verdict=\"critical\"} 1");
	assert_line(text, "nsrpd_verdict{nsrpd_verdict=\"ok\"} 0");
	assert_line(text, "nsrpd_warnings{severity=\"critical\"} 1");
	assert_line(
		text, "nsrpd_group_state{group=\"0\",node=\"fw1\",nsrpd_group_state=\"master\"} 1");
	assert_line(
		text, "nsrpd_group_state{group=\"0\",node=\"fw2\",nsrpd_group_state=\"master\"} 0");
	assert_line(text, "nsrpd_group_masters{group=\"0\"} 1");
	assert_line(text, "nsrpd_group_masters{group=\"5\"} 2");
	assert_line(text, "nsrpd_group_state_age_seconds{group=\"0\"} 20.000");
	assert_line(text,
		"nsrpd_link_state{link=\"ha0\",secondary=\"no\",nsrpd_link_state=\"alive\"} 1");
	assert_line(text, "nsrpd_link_heard_age_seconds{link=\"ha0\",secondary=\"no\"} 0.012");
	assert_line(text, "nsrpd_mirror_objects{kind=\"conntrack\",owner=\"self\"} 12345");
	free(text);
}

static void every_counter_is_there(void **state)
{
	struct pair *p = *state;
	char *text = metrics_of(p);

	for (unsigned i = 0; i < COUNTER_COUNT; i++) {
		char line[128];

		snprintf(line, sizeof(line), "nsrpd_%s_total %llu", counter_key((enum counter)i),
			(unsigned long long)p->in.counters[i]);
		assert_line(text, line);
	}
	free(text);
}

/* OpenMetrics wants the samples of a family in a row behind its TYPE, each family once, and EOF. */
static void the_text_is_well_formed(void **state)
{
	char *text = metrics_of(*state), family[128] = "", *next;

	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	assert_null(strstr(text, "\n\n"));
	for (char *line = text; *line != '#' || strncmp(line, "# EOF", 5) != 0; line = next) {
		next = strchr(line, '\n');
		*next++ = '\0';
		if (strncmp(line, "# TYPE ", 7) == 0) {
			char again[160];
			size_t len = strcspn(line + 7, " ");

			assert_true(len < sizeof(family));
			memcpy(family, line + 7, len);
			family[len] = '\0';
			snprintf(again, sizeof(again), "# TYPE %s ", family);
			assert_null(strstr(next, again));
		} else if (line[0] != '#') {
			assert_int_equal(strncmp(line, family, strlen(family)), 0);
			assert_non_null(strchr(line, ' '));
		} else {
			assert_int_equal(strncmp(line + 7, family, strlen(family)), 0);
		}
	}
	free(text);
}

static void names_of_the_operator_are_escaped(void **state)
{
	struct pair *p = *state;
	json_t *status = report_status(&p->in);
	json_t *monitor = json_array_get(json_object_get(status, "monitors"), 0);

	json_object_set_new(monitor, "name", json_string("a\"b\\c\nd"));
	char *text = metrics_text(status, report_counters(&p->in));

	assert_non_null(strstr(text, "nsrpd_monitor_weight{monitor=\"a\\\"b\\\\c\\nd\"} "));
	free(text);
}

static void a_daemon_that_does_not_answer_is_down(void **state)
{
	char *text = metrics_text(NULL, NULL);

	(void)state;
	assert_string_equal(text, "# TYPE nsrpd_up gauge\n# HELP nsrpd_up The daemon answered.\n"
				  "nsrpd_up 0\n# EOF\n");
	free(text);
}

static void an_address_to_listen_at_is_read(void **state)
{
	static const char *const bad[] = { "", "9417", ":9417", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:1x", "localhost:9417",
		"::1:9417", "[::1]", "[::1:9417", "[]:1", "1.2.3.4:-1",
		"[11111111111111111111111111111111111111111111111111111]:9" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(metrics_serve(bad[i], "/nowhere"), -EINVAL);
	/* An address that is nobody's. */
	assert_true(metrics_serve("192.0.2.1:9417", "/nowhere") < 0);
	assert_int_not_equal(metrics_serve("192.0.2.1:9417", "/nowhere"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_the_status_says_is_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_counter_is_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_text_is_well_formed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			names_of_the_operator_are_escaped, set_up, tear_down),
		cmocka_unit_test(a_daemon_that_does_not_answer_is_down),
		cmocka_unit_test(an_address_to_listen_at_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
