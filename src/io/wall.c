/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wall.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t wall_now_ms(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now))
		return 0;
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void wall_text(int64_t wall_ms, char ret_text[WALL_TEXT_MAX])
{
	static const int64_t year_0_ms = INT64_C(-62167219200000);
	static const int64_t year_9999_ms = INT64_C(253402300799999);
	int64_t at = wall_ms < year_0_ms ? year_0_ms : wall_ms;
	struct tm tm;

	at = at > year_9999_ms ? year_9999_ms : at;
	int64_t ms = at % 1000 < 0 ? at % 1000 + 1000 : at % 1000;
	time_t seconds = (time_t)((at - ms) / 1000);

	memset(&tm, 0, sizeof(tm));
	(void)gmtime_r(&seconds, &tm);
	(void)snprintf(ret_text, WALL_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		(int)ms);
}
