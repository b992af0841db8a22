/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "utf8.h"

/* Bytes of the character that starts with `lead`, and the least code point that needs so many;
 * 0: not a lead byte. */
static unsigned length_of(uint8_t lead, uint32_t *ret_bits, uint32_t *ret_least)
{
	static const struct {
		uint8_t mask, lead;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(forms); i++) {
		if ((lead & forms[i].mask) == forms[i].lead) {
			*ret_bits = lead & (uint8_t)~forms[i].mask;
			*ret_least = forms[i].least;
			return i + 1;
		}
	}
	return 0;
}

static bool is_clean(uint32_t code, uint32_t least)
{
	if (code == '\t')
		return true;
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	return code >= least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

size_t conf_utf8_bad_at(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		uint32_t code = 0, least = 0;
		unsigned n = length_of((uint8_t)text[at], &code, &least);

		if (n == 0 || n > len - at)
			return at;
		for (unsigned i = 1; i < n; i++) {
			uint8_t next = (uint8_t)text[at + i];

			if ((next & 0xc0) != 0x80)
				return at;
			code = code << 6 | (next & 0x3f);
		}
		if (!is_clean(code, least))
			return at;
		at += n;
	}
	return len;
}
