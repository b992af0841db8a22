/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * wall: wall time as text.
 */
#ifndef NSRP_IO_WALL_H
#define NSRP_IO_WALL_H

#include "nsrp/base.h"

enum { WALL_TEXT_MAX = 80 };

/* CLOCK_REALTIME in milliseconds since 1970. */
int64_t wall_now_ms(void);

/* RFC 3339 in UTC with milliseconds, `2026-01-31T11:00:00.123Z`. Years outside 0..9999 come as
 * the nearest one inside. */
void wall_text(int64_t wall_ms, char ret_text[WALL_TEXT_MAX]);

#endif
