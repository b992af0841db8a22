/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "token.h"

#include <string.h>

static const char blanks[] = " \t";

bool conf_token_next(const char **cursor, struct conf_token *ret_token)
{
	const char *start = *cursor + strspn(*cursor, blanks);
	size_t len = strcspn(start, blanks);

	*cursor = start + len;
	if (len == 0)
		return false;
	*ret_token = (struct conf_token){ start, len };
	return true;
}

bool conf_token_is(struct conf_token token, const char *word)
{
	return strlen(word) == token.len && memcmp(token.text, word, token.len) == 0;
}
