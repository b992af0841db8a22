/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * out: text into a buffer that may be too small.
 */
#ifndef NSRP_CONF_OUT_H
#define NSRP_CONF_OUT_H

#include "nsrp/base.h"

struct conf_out {
	char *buf; /* borrowed; always ends in NUL once something was added, if size > 0 */
	size_t size;
	size_t len; /* of the whole text, also beyond size */
};

void conf_out_add(struct conf_out *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
