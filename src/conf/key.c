/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <sys/stat.h>

#include "nsrp/confread.h"

enum {
	KEY_CHARACTERS = 43, /* that carry bits; two bits of the last must be 0 */
	KEY_TEXT_LEN = 44,   /* with the padding */
};

/* The six bits of a base64 character (RFC 4648); -1: it is none. */
static int bits_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

static size_t without_line_end(const char *text, size_t len)
{
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > 0 && text[len - 1] == '\r')
		len--;
	return len;
}

enum conf_key_result conf_read_key(const char *text, size_t len, uint8_t ret_key[CONF_KEY_LEN])
{
	uint8_t key[CONF_KEY_LEN];
	uint32_t bits = 0;
	unsigned n_bits = 0, n = 0;

	len = without_line_end(text, len);
	if (len == 0)
		return CONF_KEY_EMPTY;
	for (size_t i = 0; i < len && i < KEY_CHARACTERS; i++) {
		if (bits_of(text[i]) < 0)
			return CONF_KEY_BAD_CHARACTER;
	}
	if (len != KEY_TEXT_LEN)
		return CONF_KEY_BAD_LENGTH;
	for (size_t i = 0; i < KEY_CHARACTERS; i++) {
		bits = (bits << 6 | (uint32_t)bits_of(text[i])) & 0xffff;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			key[n++] = (uint8_t)(bits >> n_bits);
		}
	}
	bool ends_well = text[KEY_CHARACTERS] == '=' && (bits & 3) == 0;

	if (ends_well)
		memcpy(ret_key, key, sizeof(key));
	explicit_bzero(key, sizeof(key));
	return ends_well ? CONF_KEY_OK : CONF_KEY_BAD_END;
}

const char *conf_key_result_text(enum conf_key_result result)
{
	switch (result) {
	case CONF_KEY_OK: return "a key of 32 bytes";
	case CONF_KEY_EMPTY: return "empty; allowed: 32 bytes in base64 (nsrpctl genkey)";
	case CONF_KEY_BAD_LENGTH:
		return "not 44 characters long; allowed: 32 bytes in base64 (nsrpctl genkey)";
	case CONF_KEY_BAD_CHARACTER:
		return "has a character that is not base64; allowed: one line of 32 bytes in "
		       "base64 (nsrpctl genkey)";
	case CONF_KEY_BAD_END:
		return "does not end as the base64 of 32 bytes ends (nsrpctl genkey)";
	}
	return "?";
}

bool conf_key_file_mode_ok(mode_t mode)
{
	mode_t access = mode & 07777;
	bool regular = (mode & S_IFMT) == 0 || S_ISREG(mode);

	return regular && (access == 0600 || access == 0400);
}
