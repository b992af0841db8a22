/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

const char *reply_text_or(const json_t *object, const char *key, const char *absent)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : absent;
}

const char *reply_text(const json_t *object, const char *key)
{
	return reply_text_or(object, key, "?");
}

int64_t reply_number(const json_t *object, const char *key)
{
	return (int64_t)json_integer_value(json_object_get(object, key));
}

bool reply_claim(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

bool reply_has(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return value && !json_is_null(value);
}

bool reply_time(const json_t *object, const char *key, int64_t *ret_ms)
{
	struct tm tm = { 0 };
	const char *end = strptime(reply_text(object, key), "%Y-%m-%dT%H:%M:%S", &tm);
	int ms = 0;

	if (!end || sscanf(end, ".%3dZ", &ms) != 1)
		return false;
	*ret_ms = (int64_t)timegm(&tm) * 1000 + ms;
	return true;
}

/* `3 d 4 h`, or `3 d` when nothing is left. */
static void put_two(char text[DURATION_MAX], int64_t number, const char *unit, int64_t rest,
	const char *rest_unit)
{
	if (rest > 0)
		(void)snprintf(text, DURATION_MAX, "%" PRId64 " %s %" PRId64 " %s", number, unit,
			rest, rest_unit);
	else
		(void)snprintf(text, DURATION_MAX, "%" PRId64 " %s", number, unit);
}

void duration_text(int64_t ms, char ret_text[DURATION_MAX])
{
	int64_t s = ms / 1000;

	if (ms < 1000)
		(void)snprintf(ret_text, DURATION_MAX, "%" PRId64 " ms", ms);
	else if (s < 10)
		(void)snprintf(
			ret_text, DURATION_MAX, "%" PRId64 ".%" PRId64 " s", s, ms % 1000 / 100);
	else if (s < 60)
		(void)snprintf(ret_text, DURATION_MAX, "%" PRId64 " s", s);
	else if (s < 3600)
		put_two(ret_text, s / 60, "m", s % 60, "s");
	else if (s < 86400)
		put_two(ret_text, s / 3600, "h", s / 60 % 60, "m");
	else
		put_two(ret_text, s / 86400, "d", s / 3600 % 24, "h");
}

void duration_us_text(int64_t us, char ret_text[DURATION_MAX])
{
	if (us < 1000)
		(void)snprintf(ret_text, DURATION_MAX, "0.%02" PRId64 " ms", us / 10);
	else if (us < 10000)
		(void)snprintf(ret_text, DURATION_MAX, "%" PRId64 ".%" PRId64 " ms", us / 1000,
			us % 1000 / 100);
	else
		duration_text(us / 1000, ret_text);
}

void reply_duration(const json_t *object, const char *key, char ret_text[DURATION_MAX])
{
	if (json_is_integer(json_object_get(object, key)))
		duration_text(reply_number(object, key), ret_text);
	else
		(void)snprintf(ret_text, DURATION_MAX, "-");
}
