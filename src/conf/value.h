/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * value: one value, between text and numbers.
 */
#ifndef NSRP_CONF_VALUE_H
#define NSRP_CONF_VALUE_H

#include "nsrp/confread.h"

enum {
	CONF_VALUE_ALL_GROUPS = 256, /* `number` of a group: all */
	CONF_VALUE_TEXT_MAX = 320,   /* of any value's text, with the final NUL */
};

/* Which fields are meant depends on the kind; the others are zero. */
struct conf_value {
	uint32_t number;          /* number; duration in ms; yes_no; word: the index; group */
	char text[CONF_PATH_MAX]; /* file, table; interface: the name as written */
	struct conf_ip ip;  /* address, endpoint, ip; route: the destination, family 0 = default */
	uint8_t prefix_len; /* address, route */
	uint16_t port;      /* endpoint */
	uint8_t family;     /* route */
	struct conf_ip gateway; /* route; family 0 = none */
	uint32_t metric, table; /* route; 0 = none given */
};

/* Reads one value of the keyword's kind; of a list, one item. NULL: done. Else the reason why it
 * is refused, as words for the operator ("" when the keyword's `allowed` says it all), and
 * *ret_value is untouched. */
const char *conf_value_read(
	const struct conf_keyword *keyword, const char *text, struct conf_value *ret_value);

/* Writes it in the form that conf_value_read takes; equal values give equal text. */
void conf_value_print(const struct conf_keyword *keyword, const struct conf_value *value,
	char buf[CONF_VALUE_TEXT_MAX]);

/* Cuts the next item off a value: that of a list up to its comma, else the whole. False: there
 * is none left. *cursor starts as the value's text. */
bool conf_value_next(const struct conf_keyword *keyword, const char **cursor,
	char ret_item[CONF_VALUE_TEXT_MAX]);

bool conf_value_is_list(const struct conf_keyword *keyword);

/* Plain values in the structures of conf.h: between the field at `base` + keyword->offset and a
 * value. An interface's name must have been replaced by its device. */
void conf_value_store(
	const struct conf_keyword *keyword, const struct conf_value *value, void *base);
void conf_value_load(
	const struct conf_keyword *keyword, const void *base, struct conf_value *ret_value);

/* Names of nodes, links, monitors and logical interfaces: 1 to 31 letters, digits, `.`, `_` and
 * `-`, with no `.` or `-` in front. */
bool conf_value_is_name(const char *text, size_t len);

/* Digits only, without leading zeros. */
bool conf_value_number(const char *text, size_t len, uint32_t *ret_number);

#endif
