/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * reply: looking into what the daemon answered, which another release may have made: what is
 * missing, or of another type, reads as "?", 0 or false.
 */
#ifndef NSRP_CTL_REPLY_H
#define NSRP_CTL_REPLY_H

#include "nsrp/base.h"

#include <jansson.h>

/* Borrowed from the object. reply_text is never NULL; reply_text_or gives `absent` for null, too.
 */
const char *reply_text(const json_t *object, const char *key);
const char *reply_text_or(const json_t *object, const char *key, const char *absent);
int64_t reply_number(const json_t *object, const char *key);
bool reply_claim(const json_t *object, const char *key);
/* True when there is a member that is not null. */
bool reply_has(const json_t *object, const char *key);

/* Milliseconds since 1970 of a member like `2026-01-31T11:00:00.123Z`; false for what is no time,
 * and *ret_ms is untouched. */
bool reply_time(const json_t *object, const char *key, int64_t *ret_ms);

enum { DURATION_MAX = 32 };

/* `12 ms`, `3.4 s`, `59 s`, `4 m 10 s`, `2 h 5 m`, `3 d 4 h`; `-` for a member that is null. */
void duration_text(int64_t ms, char ret_text[DURATION_MAX]);
/* The same from microseconds: `0.41 ms`, `3.2 ms`, `183 ms`, and so on. */
void duration_us_text(int64_t us, char ret_text[DURATION_MAX]);
void reply_duration(const json_t *object, const char *key, char ret_text[DURATION_MAX]);

#endif
