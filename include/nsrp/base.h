/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base: the clock type, byte spans and the few helpers every folder needs.
 */
#ifndef NSRP_BASE_H
#define NSRP_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An instant of CLOCK_MONOTONIC, in microseconds. A struct, so that an instant and a duration
 * cannot be mixed up. */
typedef struct mono {
	uint64_t us;
} mono_t;

/* clang-format off */
#define MONO_NEVER ((mono_t){ UINT64_MAX })
/* clang-format on */

static inline bool mono_is_never(mono_t t)
{
	return t.us == UINT64_MAX;
}

static inline mono_t mono_after_us(mono_t t, uint64_t us)
{
	return mono_is_never(t) || t.us > UINT64_MAX - us ? MONO_NEVER : (mono_t){ t.us + us };
}

static inline mono_t mono_after_ms(mono_t t, uint64_t ms)
{
	return mono_after_us(t, ms * 1000);
}

static inline bool mono_before(mono_t a, mono_t b)
{
	return a.us < b.us;
}

/* True once `now` is at or past `due`; never true for MONO_NEVER. */
static inline bool mono_reached(mono_t due, mono_t now)
{
	return !mono_is_never(due) && due.us <= now.us;
}

static inline mono_t mono_min(mono_t a, mono_t b)
{
	return a.us < b.us ? a : b;
}

static inline mono_t mono_max(mono_t a, mono_t b)
{
	return a.us > b.us ? a : b;
}

/* Microseconds from `then` to `now`; 0 when `then` is later. */
static inline uint64_t mono_since_us(mono_t then, mono_t now)
{
	return now.us > then.us ? now.us - then.us : 0;
}

/* Borrowed bytes; who lends them, and until when, stands where the span is declared. */
struct span {
	const uint8_t *data;
	size_t len;
};

static inline struct span span_of(const void *data, size_t len)
{
	return (struct span){ (const uint8_t *)data, len };
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
