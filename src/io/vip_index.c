/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vip_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static size_t ip_len(const struct conf_ip *ip)
{
	return ip->family == AF_INET ? 4 : 16;
}

bool vip_ip_equal(const struct conf_ip *a, const struct conf_ip *b)
{
	return a->family == b->family && (!a->family || memcmp(a->bytes, b->bytes, ip_len(a)) == 0);
}

bool vip_same_network(const struct conf_ip *a, const struct conf_ip *b, unsigned prefix_len)
{
	unsigned whole = prefix_len / 8, rest = prefix_len % 8;

	if (a->family != b->family || memcmp(a->bytes, b->bytes, whole) != 0)
		return false;
	return !rest || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

bool vip_route_equal(const struct conf_route *a, const struct conf_route *b)
{
	return a->family == b->family && vip_ip_equal(&a->destination, &b->destination) &&
	       a->prefix_len == b->prefix_len && vip_ip_equal(&a->gateway, &b->gateway) &&
	       strcmp(a->device, b->device) == 0 && a->metric == b->metric && a->table == b->table;
}

bool vip_noprefixroute(const struct vip_subnet *s)
{
	/* IPv6 chooses a source by itself. In IPv4 it stands in the route; where the own address
	 * does not bring that route for all of the subnet, we do, with the own source. Below a
	 * macvlan IPv6 has a link-local address, by which everybody is reached. */
	if (s->network.family == AF_INET6)
		return s->own_covers || vip_on_macvlan(s);
	return s->own_covers || s->own_inside;
}

uint16_t vip_way(const struct vip_subnet *s)
{
	return vip_noprefixroute(s) ? s->home : s->device;
}

/* Notes a name in the list unless it is there. False when there is no more room. */
static bool note_name(const char *list[VIP_DEVICES_MAX], unsigned *n, const char *name)
{
	for (unsigned i = 0; i < *n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	if (*n == VIP_DEVICES_MAX)
		return false;
	list[(*n)++] = name;
	return true;
}

static bool devices_fit(const struct conf *conf)
{
	const char *name[VIP_DEVICES_MAX];
	unsigned n = 0;
	bool fit = true;

	for (unsigned i = 0; i < conf->n_addresses && fit; i++)
		fit = note_name(name, &n, conf->address[i].device);
	for (unsigned i = 0; i < conf->n_vmacs && fit; i++)
		fit = note_name(name, &n, conf->vmac[i].name);
	for (unsigned i = 0; i < conf->n_routes && fit; i++)
		fit = !conf->route[i].device[0] || note_name(name, &n, conf->route[i].device);
	return fit;
}

/* The device's index, made when new. */
static uint16_t device_of(struct vip *v, const char *name)
{
	for (unsigned i = 0; i < v->n_devices; i++)
		if (strcmp(v->device[i].name, name) == 0)
			return (uint16_t)i;
	assert(v->n_devices < VIP_DEVICES_MAX);
	v->device[v->n_devices] = (struct vip_device){ .turns = 1 };
	memcpy(v->device[v->n_devices].name, name, CONF_DEVICE_MAX);
	return (uint16_t)v->n_devices++;
}

static struct conf_ip network_of(const struct conf_ip *ip, unsigned prefix_len)
{
	struct conf_ip network = { .family = ip->family };

	memcpy(network.bytes, ip->bytes, (prefix_len + 7) / 8);
	if (prefix_len % 8)
		network.bytes[prefix_len / 8] &= (uint8_t)(0xff00 >> prefix_len % 8);
	return network;
}

static bool is_link_local(const struct conf_ip *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

static uint16_t subnet_of(
	struct vip *v, const struct conf_address *a, uint16_t device, uint16_t home)
{
	struct conf_ip network = network_of(&a->ip, a->prefix_len);

	for (unsigned i = 0; i < v->n_subnets; i++) {
		const struct vip_subnet *s = &v->subnet[i];

		if (s->device == device && s->prefix_len == a->prefix_len &&
			vip_ip_equal(&s->network, &network))
			return (uint16_t)i;
	}
	v->subnet[v->n_subnets] = (struct vip_subnet){
		.device = device,
		.home = is_link_local(&a->ip) ? device : home,
		.prefix_len = a->prefix_len,
		.network = network,
	};
	return (uint16_t)v->n_subnets++;
}

static int compare_ip(const struct conf_ip *a, const struct conf_ip *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, ip_len(a));
}

static int compare_by_ip(const void *left, const void *right, void *user)
{
	const struct conf *conf = user;

	return compare_ip(&conf->address[*(const uint16_t *)left].ip,
		&conf->address[*(const uint16_t *)right].ip);
}

/* The macvlan that the route's group has on its device, or VIP_NO_DEVICE. */
static uint16_t vmac_of(struct vip *v, const struct conf *conf, const struct conf_route *route)
{
	for (unsigned i = 0; i < conf->n_vmacs; i++)
		if (conf->vmac[i].group == route->group &&
			strcmp(conf->vmac[i].device, route->device) == 0)
			return v->vmac_device[i];
	return VIP_NO_DEVICE;
}

static void index_devices(struct vip *v, const struct conf *conf)
{
	v->n_devices = 0;
	for (unsigned i = 0; i < conf->n_vmacs; i++)
		v->vmac_device[i] = device_of(v, conf->vmac[i].name);
	for (unsigned i = 0; i < conf->n_addresses; i++) {
		uint16_t device = device_of(v, conf_address_place(conf, &conf->address[i]));

		v->address[i] = (struct vip_address){ .device = device };
		if (conf->address[i].ip.family == AF_INET6)
			v->device[device].n_ipv6++;
	}
	for (unsigned i = 0; i < conf->n_routes; i++) {
		const char *name = conf->route[i].device;

		v->route[i] = (struct vip_route){ .device = name[0] ? device_of(v, name)
								    : (uint16_t)VIP_NO_DEVICE,
			.vmac = vmac_of(v, conf, &conf->route[i]),
			.put_by = VIP_NO_DEVICE };
		v->route[i].way = v->route[i].device;
	}
	/* The work of a round grows with the square. */
	for (unsigned i = 0; i < v->n_devices; i++) {
		unsigned n = v->device[i].n_ipv6;

		v->device[i].turns = n * n / (VIP_IPV6_LEASES * VIP_IPV6_LEASES + 1) + 1;
	}
}

int vip_index(struct vip *v, const struct conf *conf)
{
	/* The group in which a subnet was met last. */
	uint8_t last[CONF_ADDRESSES_MAX];

	if (!devices_fit(conf))
		return -E2BIG;
	index_devices(v, conf);
	v->n_subnets = 0;
	for (unsigned i = 0; i < conf->n_addresses; i++) {
		struct vip_address *a = &v->address[i];
		unsigned before = v->n_subnets;

		a->subnet = subnet_of(
			v, &conf->address[i], a->device, device_of(v, conf->address[i].device));
		a->leader = a->subnet == before || last[a->subnet] != conf->address[i].group;
		last[a->subnet] = conf->address[i].group;
		v->by_ip[i] = (uint16_t)i;
	}
	qsort_r(v->by_ip, conf->n_addresses, sizeof(v->by_ip[0]), compare_by_ip,
		(void *)(uintptr_t)conf);
	return 0;
}

int vip_find(const struct vip *v, const struct conf_ip *ip, uint8_t prefix_len, uint16_t device)
{
	unsigned low = 0, high = v->conf->n_addresses;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (compare_ip(&vip_conf_address(v, v->by_ip[middle])->ip, ip) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < v->conf->n_addresses; low++) {
		unsigned i = v->by_ip[low];

		if (!vip_ip_equal(&vip_conf_address(v, i)->ip, ip))
			break;
		if (vip_conf_address(v, i)->prefix_len == prefix_len &&
			v->address[i].device == device)
			return (int)i;
	}
	return -1;
}

uint16_t vip_find_device(const struct vip *v, uint32_t ifindex)
{
	for (unsigned i = 0; i < v->n_devices; i++)
		if (ifindex && v->device[i].ifindex == ifindex)
			return (uint16_t)i;
	return VIP_NO_DEVICE;
}
