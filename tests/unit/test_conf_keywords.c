/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_conf.h"

static struct conf conf, other;
static struct found found;

/* The one example section that a keyword is tried in, and a value other than its default. Some
 * need lines beside them. */
static const struct sample {
	const char *section, *key, *value, *beside;
} samples[] = {
	{ "cluster", "id", "2", "" },
	{ "cluster", "key-file", "/other", "" },
	{ "cluster", "previous-key-file", "/old", "" },
	{ "cluster", "heartbeat", "100ms", "" },
	{ "cluster", "lost-after", "5", "" },
	{ "cluster", "boot-wait", "20s", "" },
	{ "cluster", "sync-wait", "30s", "" },
	{ "cluster", "monitor-links", "none", "" },
	{ "interface", "device", "eth9", "" },
	{ "link", "transport", "udp", "address.fw1 = 10.0.0.1\naddress.fw2 = 10.0.0.2\n" },
	{ "link", "interface", "eth9", "" },
	{ "link", "address", "10.0.0.9", "transport = udp\naddress.fw2 = 10.0.0.2\n" },
	{ "group", "priority", "50", "" },
	{ "group", "preempt", "yes", "" },
	{ "group", "preempt-hold", "4s", "" },
	{ "group", "address", "198.51.100.1/24 dev eth1", "" },
	{ "group", "route", "default via 192.0.2.2", "" },
	{ "group", "virtual-mac", "yes", "" },
	{ "group", "secondary-path", "eth0", "" },
	{ "group", "threshold", "100", "" },
	{ "group", "hook", "/hook", "" },
	{ "monitor", "type", "script", "program = /p\n" },
	{ "monitor", "interface", "eth0", "type = ping\ntarget = 1.2.3.4\n" },
	{ "monitor", "target", "1.2.3.5", "type = ping\n" },
	{ "monitor", "program", "/q", "type = script\n" },
	{ "monitor", "interval", "1s", "type = ping\ntarget = 1.2.3.4\n" },
	{ "monitor", "fall", "4", "type = ping\ntarget = 1.2.3.4\n" },
	{ "monitor", "rise", "4", "type = ping\ntarget = 1.2.3.4\n" },
	{ "monitor", "weight", "5", "type = ping\ntarget = 1.2.3.4\n" },
	{ "monitor", "group", "0", "type = ping\ntarget = 1.2.3.4\n" },
	{ "mirror", "sessions", "no", "" },
	{ "mirror", "ipsec", "no", "" },
	{ "mirror", "ruleset", "no", "" },
	{ "mirror", "neighbours", "no", "" },
	{ "mirror", "ruleset-local", "inet local", "" },
	{ "mirror", "files", "/etc/hosts", "" },
	{ "mirror", "files-validate", "/validate", "" },
	{ "mirror", "files-apply", "/apply", "" },
	{ "mirror", "hold", "5m", "" },
	{ "mirror", "ike-wait", "2s", "" },
};

/* The sample's line, with `front` in front of it, in a whole file. */
static void with_sample(const struct sample *s, const char *front, char *buf, size_t size)
{
	static const struct {
		const char *section, *lines;
	} parts[] = {
		{ "cluster", "[cluster]\n" },
		{ "link", "[link ha0]\n" },
		{ "group", "[group 0]\naddress = 192.0.2.1/24 dev eth0\n" },
		{ "interface", "[interface lan]\n" },
		{ "monitor", "[monitor m]\n" },
		{ "mirror", "[mirror]\n" },
	};
	size_t len = (size_t)snprintf(buf, size, "[node fw1]\n[node fw2]\n");
	const char *node = strcmp(s->key, "address") == 0 && s->section[0] == 'l' ? ".fw1" : "";
	bool has[4];

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		bool here = strcmp(parts[i].section, s->section) == 0;

		if (i > 2 && !here)
			continue;
		len += (size_t)snprintf(buf + len, size - len, "%s", parts[i].lines);
		if (here)
			len += (size_t)snprintf(buf + len, size - len, "%s%s%s%s = %s\n", s->beside,
				front, s->key, node, s->value);
		has[0] = here && strcmp(s->key, "id") == 0;
		has[1] = here && strcmp(s->key, "key-file") == 0;
		has[2] = here && (strcmp(s->key, "interface") == 0 || s->beside[0] != '\0');
		if (i == 0 && !has[0])
			len += (size_t)snprintf(buf + len, size - len, "id = 1\n");
		if (i == 0 && !has[1])
			len += (size_t)snprintf(buf + len, size - len, "key-file = /k\n");
		if (i == 1 && !has[2])
			len += (size_t)snprintf(buf + len, size - len, "interface = eth2\n");
	}
	assert_true(len < size);
}

static void every_keyword_has_a_sample(void **state)
{
	(void)state;
	assert_int_equal(ARRAY_LEN(samples), conf_keywords_count);
	for (size_t i = 0; i < conf_keywords_count; i++) {
		assert_string_equal(
			samples[i].section, conf_section_name(conf_keywords[i].section));
		assert_string_equal(samples[i].key, conf_keywords[i].key);
	}
}

static void every_keyword_may_be_indented(void **state)
{
	static const char *const fronts[] = { " ", "\t", "        ", " \t \t" };
	char text[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		with_sample(&samples[i], "", text, sizeof(text));
		accept_it(text, &conf);
		for (size_t j = 0; j < ARRAY_LEN(fronts); j++) {
			with_sample(&samples[i], fronts[j], text, sizeof(text));
			accept_it(text, &other);
			assert_memory_equal(&conf, &other, sizeof(conf));
		}
	}
}

static void every_keyword_with_a_letter_more_is_unknown(void **state)
{
	char text[1024], part[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		with_sample(&samples[i], "x", text, sizeof(text));
		assert_int_equal(read_as(text, "fw1", &conf, &found), -EINVAL);
		bool told = false;

		snprintf(part, sizeof(part), "did you mean `%s`?", samples[i].key);
		for (unsigned j = 0; j < found.n; j++)
			told |= strstr(found.item[j].text, part) != NULL;
		if (!told && strlen(samples[i].key) > 2)
			show(&found);
		assert_true(told || strlen(samples[i].key) <= 2);
	}
}

static void the_table_is_in_itself_consistent(void **state)
{
	(void)state;
	for (size_t i = 0; i < conf_keywords_count; i++) {
		const struct conf_keyword *k = &conf_keywords[i];

		assert_non_null(k->allowed);
		assert_true(strlen(k->help) > 10 && strlen(k->help) < 90);
		assert_null(strchr(k->key, '.'));
		assert_true((k->kind == CONF_KIND_WORD) == (k->words != NULL));
		if (k->required)
			assert_null(k->default_text);
		if (k->kind == CONF_KIND_NUMBER || k->kind == CONF_KIND_DURATION)
			assert_true(k->min < k->max);
		for (size_t j = 0; j < i; j++)
			assert_false(conf_keywords[j].section == k->section &&
				     strcmp(conf_keywords[j].key, k->key) == 0);
	}
	for (unsigned i = 0; i < CONF_SECTIONS; i++)
		assert_non_null(conf_section_name((enum conf_section)i));
	assert_string_equal(conf_section_argument(CONF_SECTION_GROUP), "ID");
	assert_null(conf_section_argument(CONF_SECTION_MIRROR));
}

/* Reads `5ms` or `255` from what `allowed` says. */
static uint64_t bound_of(const char **text)
{
	char *end;
	uint64_t bound = strtoull(*text, &end, 10);

	if (strncmp(end, "ms", 2) != 0 && end[0] != ' ' && end[0] != ',' && end[0] != '\0')
		bound *= end[0] == 'h' ? 3600000 : end[0] == 'm' ? 60000 : 1000;
	*text = end;
	return bound;
}

static void what_is_allowed_is_what_messages_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < conf_keywords_count; i++) {
		const struct conf_keyword *k = &conf_keywords[i];
		const char *text = k->allowed;

		if (k->kind != CONF_KIND_NUMBER && k->kind != CONF_KIND_DURATION)
			continue;
		assert_int_equal(bound_of(&text), k->min);
		text = strstr(text, " to ");
		assert_non_null(text);
		text += strlen(" to ");
		assert_int_equal(bound_of(&text), k->max);
	}
}

static void a_default_written_out_changes_nothing(void **state)
{
	char text[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct conf_keyword *k = &conf_keywords[i];
		struct sample sample = samples[i];

		if (k->default_text == NULL || (k->kind == CONF_KIND_WORD && samples[i].beside[0]))
			continue;
		sample.value = k->default_text;
		with_sample(&sample, "", text, sizeof(text));
		accept_it(text, &conf);
		with_sample(&sample, "# ", text, sizeof(text));
		accept_it(text, &other);
		assert_memory_equal(&conf, &other, sizeof(conf));
	}
}

static void the_example_is_accepted_on_both_nodes(void **state)
{
	const char *text = load(EXAMPLE);

	(void)state;
	for (unsigned node = 0; node < CONF_NODES; node++) {
		assert_int_equal(read_as(text, node == 0 ? "fw1" : "fw2", &conf, &found), 0);
		for (unsigned i = 0; i < found.n; i++)
			assert_int_equal(found.item[i].severity, CONF_SEVERITY_NOTE);
		assert_int_equal(conf.self, node);
	}
}

/* True when the example has the key in a block of its section, as a line that counts, with
 * `value` unless that is NULL. */
static bool example_shows(const char *text, const char *section, const char *key, const char *value)
{
	bool inside = false;

	for (; *text != '\0'; text += strcspn(text, "\n") + 1) {
		size_t len = strlen(key);

		if (*text == '[')
			inside = strncmp(text + 1, section, strlen(section)) == 0;
		if (!inside || strncmp(text, key, len) != 0 || strchr(" .", text[len]) == NULL)
			continue;
		const char *found_at = strstr(text, " = ");

		assert_non_null(found_at);
		found_at += strlen(" = ");
		if (value == NULL || (strncmp(found_at, value, strlen(value)) == 0 &&
					     strchr(" \n", found_at[strlen(value)]) != NULL))
			return true;
	}
	return false;
}

static void the_example_shows_every_keyword_and_its_default(void **state)
{
	const char *text = load(EXAMPLE);

	(void)state;
	for (size_t i = 0; i < conf_keywords_count; i++) {
		const struct conf_keyword *k = &conf_keywords[i];
		bool shown =
			example_shows(text, conf_section_name(k->section), k->key, k->default_text);

		if (!shown)
			print_error("%s is not in the example\n", k->key);
		assert_true(shown);
	}
}

static void the_example_may_be_indented(void **state)
{
	static char indented[128 * 1024];
	const char *text = load(EXAMPLE);
	size_t len = 0;

	(void)state;
	accept_it(text, &conf);
	for (unsigned n = 0; *text != '\0'; n++) {
		size_t line_len = strcspn(text, "\n") + 1;

		len += (size_t)snprintf(indented + len, sizeof(indented) - len, "%s%.*s",
			n % 2 == 0 ? "    " : "\t", (int)line_len, text);
		text += line_len;
	}
	accept_it(indented, &other);
	assert_memory_equal(&conf, &other, sizeof(conf));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_keyword_has_a_sample),
		cmocka_unit_test(every_keyword_may_be_indented),
		cmocka_unit_test(every_keyword_with_a_letter_more_is_unknown),
		cmocka_unit_test(the_table_is_in_itself_consistent),
		cmocka_unit_test(what_is_allowed_is_what_messages_say),
		cmocka_unit_test(a_default_written_out_changes_nothing),
		cmocka_unit_test(the_example_is_accepted_on_both_nodes),
		cmocka_unit_test(the_example_shows_every_keyword_and_its_default),
		cmocka_unit_test(the_example_may_be_indented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
