/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"

#include "ctl/check.h"
#include "ctl/key_text.h"
#include "ctl/verb.h"

static void the_first_node_is_found(void **state)
{
	static const struct {
		const char *text, *name;
	} some[] = {
		{ "[cluster]\nid = 1\n[node fw1]\n[node fw2]\n", "fw1" },
		{ "; [node fw0]\n\t [node \t fw2 ]\r\n[node fw1]", "fw2" },
		{ "[node fw1]", "fw1" },
		{ "[nodefw1]\n[node]\n[node ]\n[node fw3", NULL },
		{ "[node a2345678901234567890123456789012]\n", NULL },
		{ "", NULL },
	};
	char name[CONF_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(some); i++) {
		bool found = check_first_node(some[i].text, strlen(some[i].text), name);

		assert_int_equal(found, some[i].name != NULL);
		if (found)
			assert_string_equal(name, some[i].name);
	}
}

static void a_finding_counts_once(void **state)
{
	struct check_findings f = { 0 };

	(void)state;
	for (int round = 0; round < 2; round++) {
		check_found(&f, CONF_SEVERITY_ERROR, 3, "found %d", 1);
		check_found(&f, CONF_SEVERITY_ERROR, 4, "found %d", 1);
		check_conf_found(&f, CONF_SEVERITY_WARNING, "file", 4, "found 1");
		check_found(&f, CONF_SEVERITY_NOTE, 0, "note");
	}
	assert_int_equal(f.n, 4);
	assert_int_equal(f.n_errors, 2);
	assert_int_equal(f.n_warnings, 1);
	for (unsigned i = 0; i < 100; i++)
		check_found(&f, CONF_SEVERITY_NOTE, i + 1, "note");
	assert_int_equal(f.n, 104);
	check_findings_fini(&f);
}

static void write_key(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void assert_key(const char *path, enum conf_severity severity, const char *text)
{
	static struct conf conf;
	struct check_findings f = { 0 };

	snprintf(conf.key_file, sizeof(conf.key_file), "%s", path);
	check_keys(&conf, &f);
	if (text) {
		assert_int_equal(f.n, 1);
		assert_int_equal(f.finding[0].severity, severity);
		assert_ptr_equal(strstr(f.finding[0].text, path), f.finding[0].text);
		assert_non_null(strstr(f.finding[0].text, text));
	} else {
		assert_int_equal(f.n, 0);
	}
	check_findings_fini(&f);
}

static void key_files_are_judged(void **state)
{
	char dir[48], path[64];
	struct stat st;

	(void)state;
	scratch_make(dir, sizeof(dir), "check");
	snprintf(path, sizeof(path), "%s/key", dir);
	assert_key(path, CONF_SEVERITY_WARNING, "No such file");

	/* genkey makes a good one, once. */
	struct invocation in = { .argument = { path }, .n_arguments = 1 };
	assert_int_equal(verb_genkey(&in), CTL_DONE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_key(path, CONF_SEVERITY_NOTE, NULL);
	assert_int_equal(verb_genkey(&in), CTL_FAILED);
	assert_key(path, CONF_SEVERITY_NOTE, NULL);

	assert_int_equal(chmod(path, 0640), 0);
	assert_key(path, CONF_SEVERITY_ERROR, "mode 0600");
	write_key(path, "abcd\n", 0600);
	assert_key(path, CONF_SEVERITY_ERROR, conf_key_result_text(CONF_KEY_BAD_LENGTH));
	write_key(path, "", 0400);
	assert_key(path, CONF_SEVERITY_ERROR, conf_key_result_text(CONF_KEY_EMPTY));
	assert_key(dir, CONF_SEVERITY_ERROR, "regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void base64_is_right(void **state)
{
	uint8_t key[CONF_KEY_LEN], back[CONF_KEY_LEN];
	char text[KEY_TEXT_LEN];

	(void)state;
	memset(key, 0xff, sizeof(key));
	key_text(key, text);
	assert_memory_equal(text, "//////////////////////////////////////////8=\n", sizeof(text));
	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(i * 37 + 11);
	key_text(key, text);
	assert_int_equal(conf_read_key(text, sizeof(text), back), CONF_KEY_OK);
	assert_memory_equal(key, back, sizeof(key));
}

static void an_interface_that_is_not_there_is_told(void **state)
{
	static struct conf conf = { .n_links = 2, .n_paths = 2 };
	struct check_findings f = { 0 };

	(void)state;
	snprintf(conf.path[0].name, sizeof(conf.path[0].name), "ha0");
	snprintf(conf.path[0].device, sizeof(conf.path[0].device), "nsrp-none");
	conf.path[1].transport = CONF_TRANSPORT_UDP; /* without an interface */
	check_interfaces(&conf, &f);
	assert_int_equal(f.n, 1);
	assert_string_equal(
		f.finding[0].text, "[link ha0]: there is no interface nsrp-none on this host");
	check_findings_fini(&f);
	snprintf(conf.path[0].device, sizeof(conf.path[0].device), "lo");
	check_interfaces(&conf, &f);
	assert_int_equal(f.n, 0);
}

static void assert_program(const char *path, enum conf_severity severity, const char *text)
{
	static struct conf conf = { .n_groups = 1, .n_monitors = 2 };
	struct check_findings f = { 0 };

	conf.group[0].id = 255;
	conf.monitor[1].type = CONF_MONITOR_SCRIPT; /* the other has no program */
	snprintf(conf.monitor[1].name, sizeof(conf.monitor[1].name), "disk");
	snprintf(conf.group[0].hook, sizeof(conf.group[0].hook), "%s", path);
	snprintf(conf.monitor[1].program, sizeof(conf.monitor[1].program), "%s", path);
	check_programs(&conf, &f);
	assert_int_equal(f.n, text ? 2 : 0);
	if (text) {
		assert_int_equal(f.finding[0].severity, severity);
		assert_ptr_equal(strstr(f.finding[0].text, "[group 255]: /"), f.finding[0].text);
		assert_non_null(strstr(f.finding[0].text, text));
		assert_int_equal(f.finding[1].severity, severity);
		assert_ptr_equal(strstr(f.finding[1].text, "[monitor disk]: /"), f.finding[1].text);
		assert_non_null(strstr(f.finding[1].text, text));
	}
	check_findings_fini(&f);
	conf.group[0].hook[0] = '\0'; /* no hook is none to find fault with */
	conf.monitor[1].type = CONF_MONITOR_LINK;
	check_programs(&conf, &f);
	assert_int_equal(f.n, 0);
}

static void programs_that_cannot_be_run_are_told(void **state)
{
	char dir[48], path[64];

	(void)state;
	assert_program("/bin/sh", CONF_SEVERITY_NOTE, NULL);
	scratch_make(dir, sizeof(dir), "check");
	snprintf(path, sizeof(path), "%s/hook", dir);
	assert_program(path, CONF_SEVERITY_WARNING, "no such file");
	write_key(path, "#!/bin/sh\n", 0777);
	if (geteuid() == 0) {
		assert_program(path, CONF_SEVERITY_WARNING, "others may write it");
		assert_int_equal(chmod(path, 0644), 0);
		assert_program(path, CONF_SEVERITY_WARNING, "not executable");
	} else {
		assert_program(path, CONF_SEVERITY_WARNING, "not owned by root");
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(path, path), 0); /* to itself */
	assert_program(path, CONF_SEVERITY_NOTE, "not checked");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void what_belongs_to_another_is_taken(void **state)
{
	(void)state;
	assert_false(check_is_taken(&(struct device_master){ .kind = "", .name = "" }));
	assert_false(check_is_taken(&(struct device_master){ .kind = "vrf", .name = "blue" }));
	assert_true(check_is_taken(&(struct device_master){ .kind = "bridge", .name = "br0" }));
	assert_true(check_is_taken(&(struct device_master){ .kind = "bond", .name = "bond0" }));
	assert_true(check_is_taken(&(struct device_master){ .kind = "master", .name = "" }));
}

/* What is found in a ruleset of one object, of a node that has 10.77.0.11 and fd77::11 on lan0, and
 * 10.79.0.1 at its end of an HA link. */
static void assert_own(const char *object, const char *text)
{
	static struct conf conf;
	struct check_own own = { .n = 3,
		.address = { { .ip = { AF_INET, { 10, 77, 0, 11 } }, .device = "lan0" },
			{ .ip = { AF_INET6, { 0xfd, 0x77, [15] = 0x11 } }, .device = "lan0" },
			{ .ip = { AF_INET, { 10, 79, 0, 1 } }, .device = "ha1" } } };
	struct check_findings f = { .n = 0 };
	json_t *ruleset = json_pack("{s:[o]}", "nftables", json_loads(object, 0, NULL));

	conf.mirror.ruleset = true;
	conf.mirror.n_local = 2;
	(void)snprintf(conf.mirror.local[0], sizeof(conf.mirror.local[0]), "%s", "inet own");
	(void)snprintf(
		conf.mirror.local[1], sizeof(conf.mirror.local[1]), "%s", "inet filter/mine");
	conf.n_links = 1;
	conf.path[0].local = own.address[2].ip;
	conf.path[0].remote = (struct conf_ip){ AF_INET, { 10, 79, 0, 2 } };
	assert_non_null(ruleset);
	check_own_addresses(&conf, ruleset, &own, &f);
	assert_int_equal(f.n, text != NULL);
	if (text) {
		assert_int_equal(f.finding[0].severity, CONF_SEVERITY_WARNING);
		assert_non_null(strstr(f.finding[0].text, text));
	}
	check_findings_fini(&f);
	json_decref(ruleset);
}

#define RULE(table, expr)                                                                          \
	"{\"rule\":{\"family\":\"inet\",\"table\":\"" table                                        \
	"\",\"chain\":\"in\",\"comment\":\"10.77.0.11\","                                          \
	"\"expr\":[" expr "]}}"
#define SET(name, elements)                                                                        \
	"{\"set\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"" name                      \
	"\",\"elem\":[" elements "]}}"

static void addresses_of_one_node_are_told(void **state)
{
	(void)state;
	assert_own(RULE("filter", "{\"match\":{\"right\":\"10.77.0.11\"}}"),
		"inet filter in: 10.77.0.11 is this node's own, on lan0");
	assert_own(
		RULE("filter", "{\"match\":{\"right\":{\"set\":[\"fd77::11\"]}}}"), "fd77::11 is");
	assert_own(SET("admins", "{\"concat\":[\"10.77.0.11\",22]}"), "inet filter set admins: ");
	assert_own(RULE("filter", "{\"match\":{\"right\":\"10.77.0.110\"}}"), NULL);
	assert_own(RULE("own", "{\"match\":{\"right\":\"10.77.0.11\"}}"), NULL);
	assert_own(SET("mine", "\"10.77.0.11\""), NULL);
	assert_own(RULE("filter", "{\"set\":[\"10.79.0.1\",\"10.79.0.2\"]}"), NULL);
	assert_own(RULE("filter", "{\"set\":[\"10.79.0.1\"]}"),
		"10.79.0.1 is this node's own, on ha1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_node_is_found),
		cmocka_unit_test(a_finding_counts_once),
		cmocka_unit_test(key_files_are_judged),
		cmocka_unit_test(base64_is_right),
		cmocka_unit_test(an_interface_that_is_not_there_is_told),
		cmocka_unit_test(programs_that_cannot_be_run_are_told),
		cmocka_unit_test(what_belongs_to_another_is_taken),
		cmocka_unit_test(addresses_of_one_node_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
