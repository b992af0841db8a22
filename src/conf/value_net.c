/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "value_net.h"

#include <string.h>
#include <sys/socket.h>

#include "ip.h"
#include "token.h"

const char *conf_value_read_device(const char *text, size_t len, struct conf_value *v)
{
	struct conf_token device = { text, len };

	if (len == 0)
		return "";
	if (len >= CONF_DEVICE_MAX)
		return "that is too long";
	if (conf_token_is(device, ".") || conf_token_is(device, "..") ||
		conf_token_is(device, "auto") || conf_token_is(device, "none"))
		return "that is no interface";
	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)text[i];

		if (c <= ' ' || c > '~' || strchr("/:,;", c) != NULL)
			return "";
	}
	memcpy(v->text, text, len);
	return NULL;
}

const char *conf_value_read_ip(const char *text, struct conf_value *v)
{
	if (!conf_ip_read(text, strlen(text), &v->ip))
		return "";
	return conf_ip_no_host(&v->ip);
}

static const char *read_port(const char *text, struct conf_value *v)
{
	uint32_t port;

	if (!conf_value_number(text, strlen(text), &port) || port == 0 || port > UINT16_MAX)
		return "a port is 1 to 65535";
	v->port = (uint16_t)port;
	return NULL;
}

const char *conf_value_read_endpoint(const char *text, struct conf_value *v)
{
	const char *ip = text, *colon = strrchr(text, ':');
	const char *end = text + strlen(text);

	v->port = CONF_UDP_PORT;
	if (text[0] == '[') {
		ip = text + 1;
		end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return "";
		colon = end[1] == ':' ? end + 1 : NULL;
	} else if (colon != NULL && strchr(text, ':') == colon) {
		end = colon;
	} else {
		colon = NULL; /* IPv4 alone, or the colons are those of IPv6 */
	}
	if (!conf_ip_read(ip, (size_t)(end - ip), &v->ip))
		return "";
	if (text[0] == '[' && v->ip.family != AF_INET6)
		return "brackets are for IPv6";
	const char *refused = conf_ip_no_host(&v->ip);

	if (refused == NULL && colon != NULL)
		refused = read_port(colon + 1, v);
	return refused;
}

/* IP/LENGTH, or IP alone for one host. */
static const char *read_network(struct conf_token token, struct conf_ip *ip, uint8_t *prefix_len)
{
	const char *slash = memchr(token.text, '/', token.len);
	size_t ip_len = slash != NULL ? (size_t)(slash - token.text) : token.len;
	uint32_t len;

	if (!conf_ip_read(token.text, ip_len, ip))
		return "that is no address";
	len = conf_ip_bits(ip->family);
	if (slash != NULL) {
		uint32_t bits = len;

		if (!conf_value_number(slash + 1, token.len - ip_len - 1, &len) || len > bits)
			return ip->family == AF_INET ? "a prefix length is 0 to 32"
						     : "a prefix length is 0 to 128";
	}
	*prefix_len = (uint8_t)len;
	return NULL;
}

/* Why the address cannot be a virtual one. */
static const char *address_refused(const struct conf_ip *ip, unsigned prefix_len)
{
	const char *refused = conf_ip_no_host(ip);

	if (refused != NULL)
		return refused;
	if (prefix_len == 0)
		return "a prefix length of 0 leaves no network";
	if (conf_ip_is_loopback(ip))
		return "that is loopback";
	if (prefix_len >= conf_ip_bits(ip->family) - 1)
		return NULL; /* RFC 3021, RFC 6164: no address is set apart */
	if (conf_ip_host_bits_are(ip, prefix_len, 0))
		return ip->family == AF_INET ? "that is the network's own address"
					     : "that is the subnet-router anycast address";
	if (ip->family == AF_INET && conf_ip_host_bits_are(ip, prefix_len, 1))
		return "that is the network's broadcast address";
	return NULL;
}

const char *conf_value_read_address(const char *text, struct conf_value *v)
{
	struct conf_token network, dev, device;

	if (!conf_token_next(&text, &network))
		return "";
	const char *refused = read_network(network, &v->ip, &v->prefix_len);

	if (refused != NULL)
		return refused;
	if (memchr(network.text, '/', network.len) == NULL)
		return "give a prefix length, as in 192.0.2.1/24";
	if (!conf_token_next(&text, &dev) || !conf_token_is(dev, "dev") ||
		!conf_token_next(&text, &device))
		return "give `dev INTERFACE`";
	refused = conf_value_read_device(device.text, device.len, v);
	if (refused != NULL)
		return refused[0] != '\0' ? refused : "that is no interface";
	if (conf_token_next(&text, &device))
		return "nothing may follow the interface";
	return address_refused(&v->ip, v->prefix_len);
}

static const char *read_route_number(struct conf_token value, uint32_t *number)
{
	return conf_value_number(value.text, value.len, number) && *number > 0
		       ? NULL
		       : "metric and table are 1 to 4294967295";
}

/* One `WORD VALUE` pair of a route. */
static const char *read_route_part(
	struct conf_token word, struct conf_token value, struct conf_value *v)
{
	bool twice = false;
	const char *refused = NULL;

	if (conf_token_is(word, "via")) {
		twice = v->gateway.family != 0;
		refused = conf_ip_read(value.text, value.len, &v->gateway)
				  ? conf_ip_no_host(&v->gateway)
				  : "the gateway is no address";
		if (refused == NULL && conf_ip_is_loopback(&v->gateway))
			refused = "the gateway is loopback";
	} else if (conf_token_is(word, "dev")) {
		twice = v->text[0] != '\0';
		refused = conf_value_read_device(value.text, value.len, v);
	} else if (conf_token_is(word, "metric")) {
		twice = v->metric != 0;
		refused = read_route_number(value, &v->metric);
	} else if (conf_token_is(word, "table")) {
		twice = v->table != 0;
		refused = read_route_number(value, &v->table);
	} else {
		return "";
	}
	return twice ? "a part is given twice" : refused;
}

static const char *route_refused(struct conf_value *v)
{
	if (v->gateway.family == 0 && v->text[0] == '\0')
		return "give `via IP`, `dev INTERFACE`, or both";
	if (v->family == 0)
		v->family = v->gateway.family != 0 ? v->gateway.family : AF_INET;
	if (v->gateway.family != 0 && v->gateway.family != v->family)
		return "destination and gateway differ in family";
	if (conf_ip_is_link_local(&v->gateway) && v->text[0] == '\0')
		return "a link-local gateway needs `dev INTERFACE`";
	if (v->ip.family != 0 && !conf_ip_host_bits_are(&v->ip, v->prefix_len, 0))
		return "the destination has bits behind its prefix";
	if (v->prefix_len == 0)
		v->ip = (struct conf_ip){ 0 }; /* 0.0.0.0/0 and ::/0 are the default */
	return NULL;
}

const char *conf_value_read_route(const char *text, struct conf_value *v)
{
	struct conf_token word, value;
	const char *refused;

	if (!conf_token_next(&text, &word))
		return "";
	if (!conf_token_is(word, "default")) {
		refused = read_network(word, &v->ip, &v->prefix_len);
		if (refused != NULL)
			return refused;
		v->family = v->ip.family;
	}
	while (conf_token_next(&text, &word)) {
		if (!conf_token_next(&text, &value))
			return "";
		refused = read_route_part(word, value, v);
		if (refused != NULL)
			return refused;
	}
	return route_refused(v);
}

void conf_value_print_endpoint(const struct conf_value *v, struct conf_out *out)
{
	char ip[CONF_IP_TEXT_MAX];

	conf_ip_print(&v->ip, ip);
	if (v->port == CONF_UDP_PORT)
		conf_out_add(out, "%s", ip);
	else if (v->ip.family == AF_INET)
		conf_out_add(out, "%s:%u", ip, v->port);
	else
		conf_out_add(out, "[%s]:%u", ip, v->port);
}

void conf_value_print_address(const struct conf_value *v, struct conf_out *out)
{
	char ip[CONF_IP_TEXT_MAX];

	conf_ip_print(&v->ip, ip);
	conf_out_add(out, "%s/%u dev %s", ip, v->prefix_len, v->text);
}

void conf_value_print_route(const struct conf_value *v, struct conf_out *out)
{
	char ip[CONF_IP_TEXT_MAX];

	conf_ip_print(&v->ip, ip);
	if (v->ip.family != 0)
		conf_out_add(out, "%s/%u", ip, v->prefix_len);
	else if (v->family == AF_INET6 && v->gateway.family == 0)
		conf_out_add(out, "::/0"); /* `default` alone would mean IPv4 */
	else
		conf_out_add(out, "default");
	if (v->gateway.family != 0) {
		conf_ip_print(&v->gateway, ip);
		conf_out_add(out, " via %s", ip);
	}
	if (v->text[0] != '\0')
		conf_out_add(out, " dev %s", v->text);
	if (v->metric != 0)
		conf_out_add(out, " metric %u", v->metric);
	if (v->table != 0)
		conf_out_add(out, " table %u", v->table);
}
