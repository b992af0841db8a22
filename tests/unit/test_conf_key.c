/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_conf.h"

#include <sys/stat.h>

/* Bytes 0, 8, 16 … 248. */
#define KEY "AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pg="

static enum conf_key_result read_key(const char *text, uint8_t key[CONF_KEY_LEN])
{
	return conf_read_key(text, strlen(text), key);
}

static void a_key_is_read_with_or_without_a_line_end(void **state)
{
	static const char *const texts[] = { KEY, KEY "\n", KEY "\r\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		uint8_t key[CONF_KEY_LEN] = { 0 };

		assert_int_equal(read_key(texts[i], key), CONF_KEY_OK);
		for (unsigned j = 0; j < CONF_KEY_LEN; j++)
			assert_int_equal(key[j], j * 8);
	}
}

static void every_character_of_base64_is_known(void **state)
{
	static const char text[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopp=";
	static const char more[] = "qrstuvwxyz0123456789+/++++++++++++++++++++8=";
	static const uint8_t bytes[] = { 0x00, 0x10, 0x83, 0x10, 0x51, 0x87 };
	static const uint8_t more_bytes[] = { 0xaa, 0xbb, 0x2d, 0xba, 0xfc, 0x31 };
	uint8_t key[CONF_KEY_LEN];

	(void)state;
	assert_int_equal(read_key(text, key), CONF_KEY_BAD_END);
	assert_int_equal(read_key(more, key), CONF_KEY_OK);
	assert_memory_equal(key, more_bytes, sizeof(more_bytes));
	assert_int_equal(
		read_key("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopk=", key), CONF_KEY_OK);
	assert_memory_equal(key, bytes, sizeof(bytes));
}

static void what_is_no_key_is_refused_and_says_why(void **state)
{
	static const struct {
		const char *text;
		enum conf_key_result result;
	} cases[] = {
		{ "", CONF_KEY_EMPTY },
		{ "\n", CONF_KEY_EMPTY },
		{ KEY "\n\n", CONF_KEY_BAD_LENGTH },
		{ KEY " ", CONF_KEY_BAD_LENGTH },
		{ KEY KEY, CONF_KEY_BAD_LENGTH },
		{ " " KEY, CONF_KEY_BAD_CHARACTER },
		{ "AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8A==", CONF_KEY_BAD_CHARACTER },
		{ "AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pj4", CONF_KEY_BAD_END },
		{ "AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pg4", CONF_KEY_BAD_END },
		{ "AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Ph=", CONF_KEY_BAD_END },
		{ "AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pg", CONF_KEY_BAD_LENGTH },
		{ "AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pg==", CONF_KEY_BAD_LENGTH },
		{ "AAgQGCAoMDhASFBY-GhweICIkJigqLC4wMjQ2ODo8Pg=", CONF_KEY_BAD_CHARACTER },
		{ "AAgQ\nGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pg=", CONF_KEY_BAD_CHARACTER },
		{ "not a key", CONF_KEY_BAD_CHARACTER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t key[CONF_KEY_LEN], before[CONF_KEY_LEN];

		memset(key, 0x5a, sizeof(key));
		memcpy(before, key, sizeof(key));
		assert_int_equal(read_key(cases[i].text, key), cases[i].result);
		assert_memory_equal(key, before, sizeof(key));
		assert_true(strlen(conf_key_result_text(cases[i].result)) > 10);
	}
}

static void only_the_owner_may_read_a_key_file(void **state)
{
	(void)state;
	assert_true(conf_key_file_mode_ok(0600));
	assert_true(conf_key_file_mode_ok(0400));
	assert_true(conf_key_file_mode_ok(S_IFREG | 0600));
	for (mode_t mode = 0; mode <= 07777; mode++)
		assert_int_equal(
			conf_key_file_mode_ok(S_IFREG | mode), mode == 0600 || mode == 0400);
	assert_false(conf_key_file_mode_ok(S_IFDIR | 0600));
	assert_false(conf_key_file_mode_ok(S_IFLNK | 0600));
	assert_false(conf_key_file_mode_ok(S_IFIFO | 0400));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_read_with_or_without_a_line_end),
		cmocka_unit_test(every_character_of_base64_is_known),
		cmocka_unit_test(what_is_no_key_is_refused_and_says_why),
		cmocka_unit_test(only_the_owner_may_read_a_key_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
