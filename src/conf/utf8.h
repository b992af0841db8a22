/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * utf8: whether a line is clean text.
 */
#ifndef NSRP_CONF_UTF8_H
#define NSRP_CONF_UTF8_H

#include "nsrp/base.h"

/* The offset of the first byte that is not part of UTF-8 text, or is a control character other
 * than a tab; `len` when all is well. */
size_t conf_utf8_bad_at(const char *text, size_t len);

#endif
