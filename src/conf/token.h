/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * token: words with blanks between them.
 */
#ifndef NSRP_CONF_TOKEN_H
#define NSRP_CONF_TOKEN_H

#include "nsrp/base.h"

struct conf_token {
	const char *text; /* borrowed from the text it was cut from; not ended by NUL */
	size_t len;
};

/* Cuts the next word off *cursor; false: none is left. */
bool conf_token_next(const char **cursor, struct conf_token *ret_token);
bool conf_token_is(struct conf_token token, const char *word);

#endif
