/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ip.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

struct network {
	struct conf_ip ip;
	unsigned prefix_len;
};

bool conf_ip_read(const char *text, size_t len, struct conf_ip *ret_ip)
{
	struct conf_ip ip = { 0 };
	char copy[CONF_IP_TEXT_MAX];

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	ip.family = memchr(copy, ':', len) != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(ip.family, copy, ip.bytes) != 1)
		return false;
	*ret_ip = ip;
	return true;
}

void conf_ip_print(const struct conf_ip *ip, char buf[CONF_IP_TEXT_MAX])
{
	buf[0] = '\0';
	if (ip->family != 0)
		inet_ntop(ip->family, ip->bytes, buf, CONF_IP_TEXT_MAX);
}

bool conf_ip_equal(const struct conf_ip *a, const struct conf_ip *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

unsigned conf_ip_bits(uint8_t family)
{
	return family == AF_INET ? 32 : 128;
}

static unsigned bit_of(const struct conf_ip *ip, unsigned i)
{
	return ip->bytes[i / 8] >> (7 - i % 8) & 1;
}

bool conf_ip_in_network(const struct conf_ip *ip, const struct conf_ip *in, unsigned prefix_len)
{
	if (ip->family != in->family)
		return false;
	for (unsigned i = 0; i < prefix_len; i++) {
		if (bit_of(ip, i) != bit_of(in, i))
			return false;
	}
	return true;
}

bool conf_ip_host_bits_are(const struct conf_ip *ip, unsigned prefix_len, unsigned bit)
{
	for (unsigned i = prefix_len; i < conf_ip_bits(ip->family); i++) {
		if (bit_of(ip, i) != bit)
			return false;
	}
	return true;
}

bool conf_ip_is_private(const struct conf_ip *ip)
{
	static const struct network networks[] = {
		{ { AF_INET, { 10 } }, 8 },
		{ { AF_INET, { 172, 16 } }, 12 },
		{ { AF_INET, { 192, 168 } }, 16 },
		{ { AF_INET6, { 0xfc } }, 7 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(networks); i++) {
		if (conf_ip_in_network(ip, &networks[i].ip, networks[i].prefix_len))
			return true;
	}
	return false;
}

bool conf_ip_is_link_local(const struct conf_ip *ip)
{
	static const struct conf_ip v4 = { AF_INET, { 169, 254 } };
	static const struct conf_ip v6 = { AF_INET6, { 0xfe, 0x80 } };

	return conf_ip_in_network(ip, &v4, 16) || conf_ip_in_network(ip, &v6, 10);
}

bool conf_ip_is_loopback(const struct conf_ip *ip)
{
	static const struct conf_ip v4 = { AF_INET, { 127 } };
	static const struct conf_ip v6 = { AF_INET6, { [15] = 1 } };

	return conf_ip_in_network(ip, &v4, 8) || conf_ip_equal(ip, &v6);
}

const char *conf_ip_no_host(const struct conf_ip *ip)
{
	static const struct {
		struct network network;
		const char *what;
	} no_hosts[] = {
		{ { { AF_INET, { 0 } }, 8 }, "that is unspecified" },
		{ { { AF_INET, { 224 } }, 4 }, "that is multicast" },
		{ { { AF_INET, { 255, 255, 255, 255 } }, 32 }, "that is broadcast" },
		{ { { AF_INET6, { 0 } }, 128 }, "that is unspecified" },
		{ { { AF_INET6, { 0xff } }, 8 }, "that is multicast" },
		{ { { AF_INET6, { [10] = 0xff, 0xff } }, 96 }, "that is an IPv4-mapped address" },
	};

	for (unsigned i = 0; i < ARRAY_LEN(no_hosts); i++) {
		const struct network *n = &no_hosts[i].network;

		if (conf_ip_in_network(ip, &n->ip, n->prefix_len))
			return no_hosts[i].what;
	}
	return NULL;
}
