/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The man pages say what the tables of keywords, verbs and options say, both ways.
 */
#include <ctype.h>

#include "test_conf.h"

#include "conf/keyword.h"
#include "ctl/invocation.h"
#include "nsrp/node.h"

enum { TEXT_MAX = 4096, PAGE_MAX = 64 * 1024 };

/* One item of a list: the line that names it, and what follows up to the next. */
struct item {
	const char *name, *text;
	size_t text_len;
};

static bool begins(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line == '\n' ? line + 1 : line;
}

/* The next item at or behind `from` and before the section ends, or NULL. */
static const char *find_item(const char *from, struct item *ret)
{
	for (; *from != '\0'; from = next_line(from)) {
		if (begins(from, ".Ss ") || begins(from, ".Sh "))
			return NULL;
		if (begins(from, ".It "))
			break;
	}
	if (*from == '\0')
		return NULL;
	ret->name = from + strlen(".It ");
	ret->text = from = next_line(from);
	while (*from != '\0' && !begins(from, ".It ") && !begins(from, ".El"))
		from = next_line(from);
	ret->text_len = (size_t)(from - ret->text);
	return from;
}

/* Behind the line `.MACRO NAME`, of which `title` is all; NULL: there is none. */
static const char *find_title(const char *page, const char *title)
{
	size_t len = strlen(title);

	for (; *page != '\0'; page = next_line(page)) {
		if (begins(page, title) && page[len] == '\n')
			return next_line(page);
	}
	return NULL;
}

/* The running text of a page, in one line: `\(ga` is a backquote. */
static void running_text(const char *text, size_t len, char ret[TEXT_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < TEXT_MAX; i++) {
		if (begins(text + i, "\\(ga")) {
			ret[n++] = '`';
			i += 3;
		} else {
			ret[n++] = (char)(text[i] == '\n' ? ' ' : text[i]);
		}
	}
	ret[n] = '\0';
}

static void copy(const char *from, size_t len, char ret[TEXT_MAX])
{
	assert_true(len < TEXT_MAX);
	memcpy(ret, from, len);
	ret[len] = '\0';
}

/* What a line of macros shows, without blanks: `.Cm failover Oo Ar GROUP Oc Op Fl -force` as
 * `failover[GROUP][--force]`. */
static void shown(const char *line, char ret[TEXT_MAX])
{
	size_t n = 0;
	bool opened = false;

	while (*line != '\n' && *line != '\0') {
		size_t len = strcspn(line, " \n");
		bool is_option = len == 2 && begins(line, "Fl");

		if (len == 2 && begins(line, "Op"))
			opened = true;
		if (len == 2 && (begins(line, "Op") || begins(line, "Oo")))
			ret[n++] = '[';
		else if (len == 2 && begins(line, "Oc"))
			ret[n++] = ']';
		else if (is_option)
			ret[n++] = '-';
		else if (len != 2 || !isupper((unsigned char)line[0]))
			n += (size_t)snprintf(ret + n, TEXT_MAX - n, "%.*s", (int)len, line);
		line += len + strspn(line + len, " ");
	}
	snprintf(ret + n, TEXT_MAX - n, "%s", opened ? "]" : "");
}

static void without_blanks(const char *text, char ret[TEXT_MAX])
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < TEXT_MAX; text++) {
		if (!isspace((unsigned char)*text))
			ret[n++] = *text;
	}
	ret[n] = '\0';
}

/* ---- nsrpd.conf(5) ----------------------------------------------------------------------- */

static const char *section_of(const char *page, enum conf_section section)
{
	const char *argument = conf_section_argument(section);
	char title[64];

	snprintf(title, sizeof(title), ".Ss [%s%s%s]", conf_section_name(section),
		argument ? " " : "", argument ? argument : "");
	return find_title(page, title);
}

static bool find_key(
	const char *page, enum conf_section section, const char *key, struct item *item)
{
	const char *at = section_of(page, section);
	char wanted[64];

	assert_non_null(at);
	snprintf(wanted, sizeof(wanted), "Cm %s\n", key);
	while ((at = find_item(at, item)) != NULL) {
		if (begins(item->name, wanted))
			return true;
	}
	print_error("[%s] %s is not in the manual\n", conf_section_name(section), key);
	return false;
}

static void every_key_has_its_range_and_its_default(void **state)
{
	const char *page = load("doc/nsrpd.conf.5");
	struct item item;

	(void)state;
	for (size_t i = 0; i < conf_keywords_count; i++) {
		const struct conf_keyword *k = &conf_keywords[i];
		char text[TEXT_MAX], wanted[512];

		assert_true(find_key(page, k->section, k->key, &item));
		running_text(item.text, item.text_len, text);
		snprintf(wanted, sizeof(wanted), "Allowed: %s. %s%s. ", k->allowed,
			k->default_text ? "Default: "
			: k->required   ? "Required"
					: "No default",
			k->default_text ? k->default_text : "");
		if (!strstr(text, wanted))
			print_error("[%s] %s: wanted: %s\nfound: %s\n",
				conf_section_name(k->section), k->key, wanted, text);
		assert_non_null(strstr(text, wanted));
	}
}

static void every_key_has_an_example(void **state)
{
	const char *page = load("doc/nsrpd.conf.5");
	struct item item;

	(void)state;
	for (size_t i = 0; i < conf_keywords_count; i++) {
		char text[TEXT_MAX], wanted[64];

		assert_true(find_key(page, conf_keywords[i].section, conf_keywords[i].key, &item));
		running_text(item.text, item.text_len, text);
		snprintf(wanted, sizeof(wanted), " .Dl %s", conf_keywords[i].key);
		const char *example = strstr(text, wanted);

		assert_non_null(example);
		example += strlen(wanted);
		assert_true(*example == ' ' || *example == '.');
	}
}

static void every_key_of_the_manual_is_a_keyword(void **state)
{
	const char *page = load("doc/nsrpd.conf.5");
	struct item item;
	size_t n = 0;

	(void)state;
	for (unsigned s = 0; s < CONF_SECTIONS; s++) {
		const char *at = section_of(page, (enum conf_section)s);

		assert_non_null(at);
		while ((at = find_item(at, &item)) != NULL) {
			const char *key = item.name + strlen("Cm ");

			n++;
			if (conf_keyword_find((enum conf_section)s, key, strcspn(key, "\n")) < 0)
				fail_msg("no keyword: %.40s", item.name);
		}
	}
	assert_int_equal(n, conf_keywords_count);
}

/* Appends the lines of the section's examples, those of `only` when it is not NULL. */
static size_t put_examples(
	const char *page, enum conf_section section, const char *only, char *buf, size_t size)
{
	const char *at = section_of(page, section);
	struct item item;
	size_t len = 0;

	while ((at = find_item(at, &item)) != NULL) {
		const char *line = item.text;

		if (only && !begins(item.name + strlen("Cm "), only))
			continue;
		for (; line < item.text + item.text_len; line = next_line(line)) {
			if (begins(line, ".Dl "))
				len += (size_t)snprintf(buf + len, size - len, "%.*s\n",
					(int)strcspn(line + 4, "\n"), line + 4);
		}
	}
	return len;
}

/* All examples are one configuration, with what they need beside them. */
static void the_examples_of_the_keys_are_accepted(void **state)
{
	static const struct {
		enum conf_section section;
		const char *head, *only, *tail;
	} parts[] = {
		{ CONF_SECTION_CLUSTER, "[cluster]\n", NULL, "[node fw1]\n[node fw2]\n" },
		{ CONF_SECTION_INTERFACE, "[interface lan]\n", NULL, "device.fw2 = eth1\n" },
		{ CONF_SECTION_LINK, "[link ha0]\n", "interface", "" },
		{ CONF_SECTION_LINK, "[link ha1]\n", NULL, "address.fw2 = 10.0.0.2\n" },
		{ CONF_SECTION_GROUP, "[group 0]\n", NULL, "" },
		{ CONF_SECTION_MONITOR, "[monitor disk]\n", NULL, "" },
		{ CONF_SECTION_MIRROR, "[mirror]\n", NULL, "" },
	};
	const char *page = load("doc/nsrpd.conf.5");
	static struct conf conf;
	static char text[TEXT_MAX];
	size_t len = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", parts[i].head);
		len += put_examples(
			page, parts[i].section, parts[i].only, text + len, sizeof(text) - len);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", parts[i].tail);
	}
	assert_true(len < sizeof(text));
	accept_as(text, "fw1", &conf);
	accept_as(text, "fw2", &conf);
}

static void the_example_at_its_end_is_accepted(void **state)
{
	const char *page = load("doc/nsrpd.conf.5");
	const char *from = find_title(page, ".Bd -literal -offset indent"), *end;
	static struct conf conf;
	static char text[TEXT_MAX];

	(void)state;
	assert_non_null(from);
	end = strstr(from, "\n.Ed");
	assert_non_null(end);
	copy(from, (size_t)(end - from) + 1, text);
	accept_as(text, "fw1", &conf);
	accept_as(text, "fw2", &conf);
	assert_int_equal(conf.n_links, 2);
	assert_int_equal(conf.n_groups, 1);
}

/* ---- nsrpctl(8) -------------------------------------------------------------------------- */

/* The item of the page that shows `wanted`, blanks aside. */
static unsigned times_shown(const char *page, const char *wanted)
{
	char bare[TEXT_MAX], line[TEXT_MAX], found[TEXT_MAX];
	struct item item;
	unsigned n = 0;

	without_blanks(wanted, bare);
	for (; *page != '\0'; page = next_line(page)) {
		if (!begins(page, ".It ") || !find_item(page, &item))
			continue;
		shown(item.name, line);
		without_blanks(line, found);
		n += strcmp(found, bare) == 0;
	}
	return n;
}

static void every_verb_is_there_with_what_it_takes(void **state)
{
	const char *page = load("doc/nsrpctl.8");

	(void)state;
	for (size_t i = 0; i < verbs_count; i++) {
		char wanted[TEXT_MAX];

		snprintf(wanted, sizeof(wanted), "%s %s", verbs[i].name, verbs[i].synopsis);
		if (times_shown(page, wanted) != 1)
			fail_msg("the manual does not have: %s", wanted);
	}
}

/* Writes the help page; its options stand in the lines that begin with two blanks and a dash. */
static void load_help(char ret[PAGE_MAX])
{
	FILE *file = tmpfile();

	assert_non_null(file);
	invocation_help(file);
	rewind(file);
	size_t len = fread(ret, 1, PAGE_MAX - 1, file);

	ret[len] = '\0';
	(void)fclose(file);
}

static void every_option_is_there(void **state)
{
	static char help[PAGE_MAX];
	const char *page = load("doc/nsrpctl.8");
	unsigned n = 0, items = 0;

	(void)state;
	load_help(help);
	for (const char *line = help; *line != '\0'; line = next_line(line)) {
		char wanted[TEXT_MAX];
		const char *end = strstr(line + 2, "  ");

		if (!begins(line, "  -"))
			continue;
		assert_non_null(end);
		copy(line, (size_t)(end - line), wanted);
		if (times_shown(page, wanted) != 1)
			fail_msg("the manual does not have: %s", wanted);
		n++;
	}
	assert_true(n > 5);
	for (const char *line = find_title(page, ".Sh DESCRIPTION"); !begins(line, ".Sh ");
		line = next_line(line))
		items += begins(line, ".It ");
	assert_int_equal(items, n + verbs_count);
}

static void every_step_of_a_failover_is_there(void **state)
{
	const char *line = find_title(load("doc/nsrpctl.8"), ".Sh STEPS OF A FAILOVER");

	(void)state;
	assert_non_null(line);
	for (unsigned i = 0; i < STEP_COUNT; i++) {
		struct item item;
		const char *key = step_key((enum step)i);

		line = find_item(line, &item);
		assert_non_null(line);
		if (!begins(item.name, key) || item.name[strlen(key)] != '\n')
			fail_msg("not in its place in the manual: %s", key);
	}
	assert_null(find_item(line, &(struct item){ 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_has_its_range_and_its_default),
		cmocka_unit_test(every_key_has_an_example),
		cmocka_unit_test(every_key_of_the_manual_is_a_keyword),
		cmocka_unit_test(the_examples_of_the_keys_are_accepted),
		cmocka_unit_test(the_example_at_its_end_is_accepted),
		cmocka_unit_test(every_verb_is_there_with_what_it_takes),
		cmocka_unit_test(every_option_is_there),
		cmocka_unit_test(every_step_of_a_failover_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
