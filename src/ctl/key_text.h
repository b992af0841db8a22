/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * key_text: what stands in a key file.
 */
#ifndef NSRP_CTL_KEY_TEXT_H
#define NSRP_CTL_KEY_TEXT_H

#include "nsrp/confread.h"

enum { KEY_TEXT_LEN = (CONF_KEY_LEN + 2) / 3 * 4 + 1 };

/* Base64 (RFC 4648) with a line end; no NUL. */
void key_text(const uint8_t key[CONF_KEY_LEN], char ret_text[KEY_TEXT_LEN]);

#endif
