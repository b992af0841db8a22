/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_conf.h"

static struct conf conf, other;
static struct found found;

static void assert_same(const char *text)
{
	accept_it(CLUSTER LINK GROUP, &conf);
	accept_it(text, &other);
	assert_memory_equal(&conf, &other, sizeof(conf));
}

static void the_smallest_file_has_the_defaults(void **state)
{
	(void)state;
	accept_it(CLUSTER LINK GROUP, &conf);
	assert_int_equal(conf.cluster_id, 1);
	assert_int_equal(conf.self, 0);
	assert_string_equal(conf.node[0], "fw1");
	assert_string_equal(conf.node[1], "fw2");
	assert_string_equal(conf.key_file, "/etc/nsrpd/cluster.key");
	assert_string_equal(conf.previous_key_file, "");
	assert_int_equal(conf.heartbeat_ms, 50);
	assert_int_equal(conf.lost_after, 4);
	assert_int_equal(conf.boot_wait_ms, 10000);
	assert_int_equal(conf.boot_wait_max_ms, 60000);
	assert_int_equal(conf.sync_wait_ms, 60000);
	assert_true(conf.monitor_links_auto);
	assert_int_equal(conf.n_links, 1);
	assert_int_equal(conf.path[0].transport, CONF_TRANSPORT_ETHERNET);
	assert_int_equal(conf.n_groups, 1);
	assert_int_equal(conf.group[0].priority[0], 100);
	assert_int_equal(conf.group[0].priority[1], 100);
	assert_false(conf.group[0].preempt);
	assert_int_equal(conf.group[0].preempt_hold_ms, 3000);
	assert_false(conf.group[0].virtual_mac);
	assert_int_equal(conf.group[0].secondary_choice, CONF_CHOICE_AUTO);
	assert_int_equal(conf.group[0].threshold, 255);
	assert_string_equal(conf.group[0].hook, "");
	assert_true(conf.mirror.sessions && conf.mirror.ipsec);
	assert_true(conf.mirror.ruleset && conf.mirror.neighbours);
	assert_int_equal(conf.mirror.hold_ms, 600000);
	assert_int_equal(conf.mirror.ike_wait_ms, 0);
}

static void blanks_comments_and_empty_lines_mean_nothing(void **state)
{
	(void)state;
	assert_same("# a comment\n\n; another\n \t\n"
		    "[cluster]; pair\n\t id=1\n   key-file\t=\t/etc/nsrpd/cluster.key \t\n"
		    "  # indented\n\t[ node  fw1 ]   ; first\n  [node\tfw2]\n"
		    "[link ha0] ; Ethernet\n        interface = eth2 ; no address\n"
		    "[group 0]\n\n\taddress =   192.0.2.1/24\tdev   eth0\t; the address\n");
}

static void a_line_behind_another_is_no_continuation(void **state)
{
	(void)state;
	accept_it(CLUSTER LINK GROUP "    priority = 7\n\tpreempt = yes\n", &conf);
	assert_int_equal(conf.group[0].priority[0], 7);
	assert_true(conf.group[0].preempt);
	assert_int_equal(conf.n_addresses, 1);
}

static void files_with_carriage_returns_are_read(void **state)
{
	const char *text = CLUSTER LINK GROUP;
	char with[512], *to = with;

	(void)state;
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			*to++ = '\r';
		*to++ = *text;
	}
	*to = '\0';
	assert_same(with);
}

static void the_last_line_needs_no_end(void **state)
{
	(void)state;
	assert_same(CLUSTER LINK "[group 0]\naddress = 192.0.2.1/24 dev eth0");
	assert_same(CLUSTER LINK "[group 0]\naddress = 192.0.2.1/24 dev eth0\r");
	assert_same("[link ha0]\ninterface = eth2\n[group 0]\naddress = 192.0.2.1/24 dev eth0\n"
		    "[cluster]\nid = 1\nkey-file = /etc/nsrpd/cluster.key\n[node fw1]\n[node fw2]");
}

static void a_byte_order_mark_is_skipped(void **state)
{
	(void)state;
	assert_same("\xef\xbb\xbf" CLUSTER LINK GROUP);
	assert_same("\xef\xbb\xbf# comment\n" CLUSTER LINK GROUP);
}

static void the_order_of_sections_is_free(void **state)
{
	(void)state;
	assert_same(GROUP "[node fw2]\n" LINK "[node fw1]\n"
			  "[cluster]\nkey-file = /etc/nsrpd/cluster.key\nid = 1\n");
}

static void text_in_other_alphabets_is_fine_in_comments(void **state)
{
	(void)state;
	assert_same("# Z\xc3\xbcrich, \xe2\x82\xac, \xf0\x9f\x94\xa5\n" CLUSTER LINK GROUP);
}

static void a_line_too_long_is_found(void **state)
{
	char line[CONF_LINE_MAX + 3];

	(void)state;
	memset(line, 'x', sizeof(line));
	line[0] = '#';
	for (unsigned over = 0; over < 3; over++) {
		char text[1024];
		const struct fault fault = { 2, text, 2, "bytes, allowed: 199 at most" };

		line[CONF_LINE_MAX + over] = '\0';
		snprintf(text, sizeof(text), "%s\nid = 1", line);
		if (over > 0) {
			assert_true(fault_is_found(&fault, CONF_SEVERITY_ERROR));
		} else {
			char whole[2048];

			with_line(2, text, whole, sizeof(whole));
			assert_same(whole);
		}
		line[CONF_LINE_MAX + over] = 'x';
	}
}

static void blanks_do_not_hide_a_line_too_long(void **state)
{
	char text[1024];
	const struct fault fault = { 0, text, 10, "found a line of 212 bytes" };

	(void)state;
	snprintf(text, sizeof(text), "%200spriority = 1", "");
	assert_true(fault_is_found(&fault, CONF_SEVERITY_ERROR));
}

static void the_lines_below_a_section_line_too_long_are_not_taken_for_others(void **state)
{
	char text[1024];
	const struct fault fault = { 0, text, 10, "found a line of 200 bytes" };

	(void)state;
	memset(text, ' ', 200);
	snprintf(text + 200, sizeof(text) - 200, "\nfoo = 1\naddress = 1\n");
	text[0] = '[';
	text[199] = ']';
	assert_true(fault_is_found(&fault, CONF_SEVERITY_ERROR));
}

static void odd_bytes_are_found_with_line_and_column(void **state)
{
	static const struct fault faults[] = {
		{ 0, "# a\x07", 10, "found byte 0x07 at column 4, allowed: UTF-8 without control" },
		{ 0, "priority\r = 1", 10, "byte 0x0d at column 9" },
		{ 0, "priority = 1\x0b", 10, "byte 0x0b at column 13" },
		{ 0, "# \x7f", 10, "byte 0x7f at column 3" },
		{ 0, "# \xc2\x85", 10, "byte 0xc2 at column 3" },
		{ 0, "# \x80", 10, "byte 0x80 at column 3" },
		{ 0, "# \xff", 10, "byte 0xff at column 3" },
		{ 0, "# \xc3", 10, "byte 0xc3 at column 3" },
		{ 0, "# \xc3(", 10, "byte 0xc3 at column 3" },
		{ 0, "# \xc0\xaf", 10, "byte 0xc0 at column 3" },
		{ 0, "# \xe0\x80\xaf", 10, "byte 0xe0 at column 3" },
		{ 0, "# \xed\xa0\x80", 10, "byte 0xed at column 3" },
		{ 0, "# \xf4\x90\x80\x80", 10, "byte 0xf4 at column 3" },
		{ 0, "# ok\n[mirror\x01]\nsessions = yes\nx = 1", 11, "byte 0x01 at column 8" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

/* Each beginning of a file, in memory that ends where it ends. */
static void nothing_behind_the_text_is_read(void **state)
{
	static const char text[] = "\xef\xbb\xbf" CLUSTER LINK GROUP "# \xf0\x9f\x94\xa5";

	(void)state;
	for (size_t len = 1; len < sizeof(text); len++) {
		char *copy = malloc(len);

		assert_non_null(copy);
		memcpy(copy, text, len);
		read_bytes(copy, len, "fw1", &conf, &found);
		free(copy);
	}
	assert_int_equal(found.n_errors, 0);
}

static void a_nul_byte_is_found(void **state)
{
	static const char text[] = CLUSTER LINK GROUP "priority\0 = 1\n";

	(void)state;
	assert_int_equal(read_bytes(text, sizeof(text) - 1, "fw1", &conf, &found), -EINVAL);
	assert_true(was_found(
		&found, CONF_SEVERITY_ERROR, 10, "found byte 0x00 at column 9, allowed: UTF-8"));
}

static void a_blank_and_a_semicolon_end_a_value(void **state)
{
	(void)state;
	accept_it(CLUSTER LINK GROUP "hook = /a ; b\n", &conf);
	assert_string_equal(conf.group[0].hook, "/a");
	accept_it(CLUSTER LINK GROUP "hook = /a;b\n", &conf);
	assert_string_equal(conf.group[0].hook, "/a;b");
	accept_it(CLUSTER LINK GROUP "hook = /a #b\n", &conf);
	assert_string_equal(conf.group[0].hook, "/a #b");
}

static void lines_of_no_form_are_found(void **state)
{
	static const struct fault faults[] = {
		{ 0, "preempt", 10, "found `preempt`, allowed: KEY = VALUE, [SECTION], or a" },
		{ 0, "pre ; = x", 10, "found `pre ; = x`" },
		{ 0, "= yes", 10, "[group 0] : found no key, allowed: priority" },
		{ 1, "id = 1\n[cluster]", 1, "found a value before any section" },
		{ 0, "[mirror", 10, "found `[mirror`, allowed: [SECTION] with its `]`" },
		{ 0, "[mirror\nfoo = bar", 10, "found `[mirror`" },
		{ 0, "[mirror] yes", 10, "found `yes` behind [mirror], allowed: nothing, or a" },
		{ 0, "[mirror] # yes", 10, "found `# yes` behind [mirror]" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

static void a_bad_section_is_found(void **state)
{
	static const struct fault faults[] = {
		{ 0, "[]", 10, "[]: found an unknown section, allowed: [cluster], [node NAME]," },
		{ 0, "[miror]", 10, "; did you mean [mirror]?" },
		{ 0, "[zzz]\nfoo = 1\nbar = 2", 10, "[zzz]: found an unknown section" },
		{ 0, "[Mirror]", 10, "[Mirror]: found an unknown section" },
		{ 0, "[mirror all]", 10, "[mirror all]: found a name, allowed: none for this" },
		{ 0, "[monitor]\ntype = ping", 10, "[monitor]: found no name, allowed: 1 to 31" },
		{ 0, "[group]", 10, "[group]: found no name, allowed: an id, 0 to 255" },
		{ 0, "[group 256]", 10, "[group 256]: found that id, allowed: 0 to 255" },
		{ 0, "[group 01]", 10, "[group 01]: found that id, allowed: 0 to 255" },
		{ 0, "[group a]", 10, "[group a]: found that id" },
		{ 0, "[group 1 2]", 10, "[group 1 2]: found more than one name" },
		{ 0, "[link a b]", 10, "[link a b]: found more than one name, allowed: one" },
		{ 0, "[link a/b]", 10, "[link a/b]: found that name, allowed: 1 to 31 letters" },
		{ 0, "[link .a]", 10, "[link .a]: found that name" },
		{ 0, "[link -a]", 10, "[link -a]: found that name" },
		{ 0, "[link abcdefghijklmnopqrstuvwxyz123456]", 10, "found that name" },
		{ 0, "[interface abcdefghijklmnop]\ndevice = eth9", 10, "15 characters at most" },
		{ 0, "[interface auto]\ndevice = eth9", 10, "allowed: another name" },
		{ 0, "[interface none]\ndevice = eth9", 10, "allowed: another name" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

static void two_blocks_of_one_section_are_found(void **state)
{
	static const struct fault faults[] = {
		{ 0, "[cluster]", 10,
			"found the section a second time, allowed: once (see line 1)" },
		{ 0, "[cluster]\nid = 1", 10, "[cluster]: found the section a second time" },
		{ 0, "[group 0]", 10, "a second time, allowed: once (see line 8)" },
		{ 0, "[ group   0 ]", 10, "a second time, allowed: once (see line 8)" },
		{ 0, "[link ha0]", 10, "a second time, allowed: once (see line 6)" },
		{ 0, "[mirror]\n[mirror]", 11, "a second time, allowed: once (see line 10)" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

static void the_two_nodes_must_be_named(void **state)
{
	static const struct fault faults[] = {
		{ 5, "", 9, "found 1 [node NAME] sections, allowed: exactly two" },
		{ 5, "[node fw2]\n[node fw3]", 6, "found 3 [node NAME] sections" },
		{ 5, "[node group]", 5, "[node group]: found a keyword, allowed: a name that is" },
		{ 5, "[node heartbeat]", 5, "[node heartbeat]: found a keyword" },
		{ 5, "[node fw2]\nname = x", 6, "unknown key, allowed: none in this section" },
		{ 5, "[node fw1]", 5, "a second time, allowed: once (see line 4)" },
		{ 5, "[node]", 5, "[node]: found no name" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

static void a_host_that_is_none_of_the_nodes_is_told_their_names(void **state)
{
	(void)state;
	assert_int_equal(read_as(CLUSTER LINK GROUP, "fw9", &conf, &found), -EINVAL);
	assert_int_equal(found.n, 1);
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 4,
		"found no [node fw9] (this host's name, or that of -n), allowed: fw1 or fw2"));
}

static void a_missing_section_is_found(void **state)
{
	(void)state;
	assert_int_equal(read_as("", "fw1", &conf, &found), -EINVAL);
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 1, "found no [cluster] section"));
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 1, "found 0 [node NAME] sections"));
	assert_int_equal(read_as(CLUSTER GROUP, "fw1", &conf, &found), -EINVAL);
	assert_int_equal(found.n, 1);
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 7, "found no [link] section"));
	assert_int_equal(read_as(CLUSTER LINK, "fw1", &conf, &found), -EINVAL);
	assert_int_equal(found.n, 1);
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 7, "found no [group] section"));
	assert_int_equal(
		read_as("[node fw1]\n[node fw2]\n" LINK GROUP, "fw1", &conf, &found), -EINVAL);
	assert_int_equal(found.n, 1);
}

static void a_file_of_many_bytes_is_refused(void **state)
{
	size_t len = CONF_TEXT_MAX;
	char *text = malloc(len + 1);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', len + 1);
	memcpy(text, CLUSTER LINK GROUP, strlen(CLUSTER LINK GROUP));
	assert_int_equal(read_bytes(text, len, "fw1", &conf, &found), 0);
	assert_int_equal(read_bytes(text, len + 1, "fw1", &conf, &found), -EINVAL);
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 1, "allowed: 1048576 at most"));
	free(text);
}

static void every_fault_is_told_in_the_order_of_lines(void **state)
{
	(void)state;
	assert_int_equal(read_as("[cluster]\nid = 0\nkey-file = x\n[node fw1]\n[node fw2]\n" LINK
				 "oops\n[group 0]\naddress = 1\npriority = 0\n[link ha1]\n"
				 "[monitor m]\ntype = link\n",
				 "fw1", &conf, &found),
		-EINVAL);
	assert_int_equal(found.n_errors, 7);
	for (unsigned i = 1; i < found.n; i++)
		assert_true(found.item[i - 1].line <= found.item[i].line);
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 2, "id"));
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 3, "key-file"));
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 8, "oops"));
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 10, "address"));
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 11, "priority"));
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 12, "[link ha1] interface"));
	assert_true(was_found(&found, CONF_SEVERITY_ERROR, 13, "[monitor m] interface"));
}

static void thousands_of_faults_are_told_in_part(void **state)
{
	static char text[64 * 1024];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	for (size_t i = 1; i < sizeof(text) - 1; i += 2)
		text[i] = '\n';
	assert_int_equal(read_as(text, "fw1", &conf, &found), -EINVAL);
	assert_int_equal(found.n, 501);
	assert_int_equal(found.item[500].line, 501);
	assert_string_equal(found.item[500].text, "more errors, from here on");
}

static void what_nobody_asks_to_be_told_does_no_harm(void **state)
{
	(void)state;
	assert_int_equal(conf_read("f", "x", 1, "fw1", NULL, &conf), -EINVAL);
	assert_int_equal(conf_read("f", NULL, 0, "fw1", NULL, &conf), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_smallest_file_has_the_defaults),
		cmocka_unit_test(blanks_comments_and_empty_lines_mean_nothing),
		cmocka_unit_test(a_line_behind_another_is_no_continuation),
		cmocka_unit_test(files_with_carriage_returns_are_read),
		cmocka_unit_test(the_last_line_needs_no_end),
		cmocka_unit_test(a_byte_order_mark_is_skipped),
		cmocka_unit_test(the_order_of_sections_is_free),
		cmocka_unit_test(text_in_other_alphabets_is_fine_in_comments),
		cmocka_unit_test(a_line_too_long_is_found),
		cmocka_unit_test(blanks_do_not_hide_a_line_too_long),
		cmocka_unit_test(the_lines_below_a_section_line_too_long_are_not_taken_for_others),
		cmocka_unit_test(odd_bytes_are_found_with_line_and_column),
		cmocka_unit_test(nothing_behind_the_text_is_read),
		cmocka_unit_test(a_nul_byte_is_found),
		cmocka_unit_test(a_blank_and_a_semicolon_end_a_value),
		cmocka_unit_test(lines_of_no_form_are_found),
		cmocka_unit_test(a_bad_section_is_found),
		cmocka_unit_test(two_blocks_of_one_section_are_found),
		cmocka_unit_test(the_two_nodes_must_be_named),
		cmocka_unit_test(a_host_that_is_none_of_the_nodes_is_told_their_names),
		cmocka_unit_test(a_missing_section_is_found),
		cmocka_unit_test(a_file_of_many_bytes_is_refused),
		cmocka_unit_test(every_fault_is_told_in_the_order_of_lines),
		cmocka_unit_test(thousands_of_faults_are_told_in_part),
		cmocka_unit_test(what_nobody_asks_to_be_told_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
