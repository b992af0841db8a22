/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * suggest: the nearest known word to one that nobody knows.
 */
#ifndef NSRP_CONF_SUGGEST_H
#define NSRP_CONF_SUGGEST_H

#include "nsrp/confread.h"
#include "out.h"

/* Both add "; did you mean `hold`?" or alike, or nothing when no word is near. */
void conf_suggest_key(enum conf_section section, const char *key, size_t len, struct conf_out *out);
void conf_suggest_section(const char *name, size_t len, struct conf_out *out);

#endif
