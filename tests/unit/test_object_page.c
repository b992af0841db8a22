/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * doc/PROTOCOL.md's section on objects and the code say the same; its examples are rebuilt.
 */
#include "object_fixture.h"

#include <ctype.h>

#include "object/expect.h"

static char page[128 * 1024];

static int read_page(void **state)
{
	FILE *f = fopen("doc/PROTOCOL.md", "r");

	(void)state;
	if (f == NULL)
		return -1;
	page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
	fclose(f);
	return 0;
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end != NULL ? end + 1 : line + strlen(line);
}

/* The first row of the table of that title, in that section. */
static const char *find_table(const char *section, const char *title)
{
	char head[64];
	const char *at = strstr(page, section);

	snprintf(head, sizeof(head), "\n| %s |", title);
	assert_non_null(at);
	at = strstr(at, head);
	assert_non_null(at);
	return next_line(next_line(at + 1)); /* behind the row of dashes */
}

struct field {
	const char *name;
	unsigned bit;
};

static void compare(const char *section, const char *title, const struct field *fields, unsigned n)
{
	const char *line = find_table(section, title);

	for (unsigned i = 0; i < n; i++, line = next_line(line)) {
		char row[64];

		snprintf(row, sizeof(row), "| %s | %u |", fields[i].name, fields[i].bit);
		if (strncmp(line, row, strlen(row)) != 0)
			fail_msg("the page does not say: %s", row);
	}
	assert_int_equal(*line, '\n');
}

static void the_fields_and_their_bits_are_the_pages(void **state)
{
#define X(name, bit) { #name, bit },
	static const struct field session[] = { CT_FIELD_TABLE(X) };
	static const struct field expectation[] = { EXPECT_FIELD_TABLE(X) };
#undef X
	(void)state;
	compare("### 12.2", "session field", session, ARRAY_LEN(session));
	compare("### 12.3", "expectation field", expectation, ARRAY_LEN(expectation));
}

/* What stands in the first column, one row after the other. */
static void assert_shown(const char *section, const char *title, struct span expected)
{
	const char *line = find_table(section, title);
	size_t n = 0;

	for (; *line == '|'; line = next_line(line)) {
		const char *c = strchr(line, '`') + 1;

		for (; *c != '`'; c += isxdigit((unsigned char)*c) ? 2 : 1) {
			unsigned byte;

			if (!isxdigit((unsigned char)*c))
				continue;
			assert_int_equal(sscanf(c, "%2x", &byte), 1);
			assert_true(n < expected.len);
			assert_int_equal(byte, expected.data[n++]);
		}
	}
	assert_int_equal(n, expected.len);
}

static void the_examples_are_what_the_code_makes(void **state)
{
	struct parsed p;

	(void)state;
	parse_hex(NAT_NEW, &p);
	assert_shown("### 12.6", "object key", key_of(&p));
	assert_shown("### 12.6", "object value", value_of(&p));
	parse_hex(EXPECT_NEW, &p);
	assert_shown("### 12.7", "object key", key_of(&p));
	assert_shown("### 12.7", "object value", value_of(&p));
	parse_hex(NEIGHBOUR_ROUTER, &p);
	assert_shown("### 12.8", "object key", key_of(&p));
	assert_shown("### 12.8", "object value", value_of(&p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fields_and_their_bits_are_the_pages),
		cmocka_unit_test(the_examples_are_what_the_code_makes),
	};

	return cmocka_run_group_tests(tests, read_page, NULL);
}
