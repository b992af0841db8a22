/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * value_net: the kinds of values that are made of addresses and devices; for value.c.
 *
 * The readers are as conf_value_read() for one kind; *v is zeroed before and may be half filled
 * after a refusal.
 */
#ifndef NSRP_CONF_VALUE_NET_H
#define NSRP_CONF_VALUE_NET_H

#include "out.h"
#include "value.h"

const char *conf_value_read_device(const char *text, size_t len, struct conf_value *v);
const char *conf_value_read_ip(const char *text, struct conf_value *v);
const char *conf_value_read_endpoint(const char *text, struct conf_value *v);
const char *conf_value_read_address(const char *text, struct conf_value *v);
const char *conf_value_read_route(const char *text, struct conf_value *v);

void conf_value_print_endpoint(const struct conf_value *v, struct conf_out *out);
void conf_value_print_address(const struct conf_value *v, struct conf_out *out);
void conf_value_print_route(const struct conf_value *v, struct conf_out *out);

#endif
