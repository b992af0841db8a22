/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "key_text.h"

void key_text(const uint8_t key[CONF_KEY_LEN], char ret_text[KEY_TEXT_LEN])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	enum { PAD = 64 };
	char *out = ret_text;

	for (size_t i = 0; i < CONF_KEY_LEN; i += 3) {
		size_t left = CONF_KEY_LEN - i;
		uint32_t bits = (uint32_t)key[i] << 16 |
				(left > 1 ? (uint32_t)key[i + 1] << 8 : 0) |
				(left > 2 ? key[i + 2] : 0);

		*out++ = digits[bits >> 18];
		*out++ = digits[bits >> 12 & 63];
		*out++ = digits[left > 1 ? bits >> 6 & 63 : PAD];
		*out++ = digits[left > 2 ? bits & 63 : PAD];
	}
	*out = '\n';
}
