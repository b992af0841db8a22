/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ip: questions about addresses.
 */
#ifndef NSRP_CONF_IP_H
#define NSRP_CONF_IP_H

#include "nsrp/conf.h"

enum { CONF_IP_TEXT_MAX = 46 }; /* INET6_ADDRSTRLEN */

/* Takes exactly `len` bytes; false: no address. */
bool conf_ip_read(const char *text, size_t len, struct conf_ip *ret_ip);
void conf_ip_print(const struct conf_ip *ip, char buf[CONF_IP_TEXT_MAX]);

bool conf_ip_equal(const struct conf_ip *a, const struct conf_ip *b);
unsigned conf_ip_bits(uint8_t family); /* 32 or 128 */

/* Whether `ip` lies in the network of `in`; not when the families differ. */
bool conf_ip_in_network(const struct conf_ip *ip, const struct conf_ip *in, unsigned prefix_len);

/* True when all bits behind the prefix are `bit`. */
bool conf_ip_host_bits_are(const struct conf_ip *ip, unsigned prefix_len, unsigned bit);

bool conf_ip_is_private(const struct conf_ip *ip); /* RFC 1918, unique local (RFC 4193) */
bool conf_ip_is_link_local(const struct conf_ip *ip);
bool conf_ip_is_loopback(const struct conf_ip *ip);

/* Why it cannot be the address of one host (unspecified, multicast …); NULL: it can. */
const char *conf_ip_no_host(const struct conf_ip *ip);

#endif
