/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Addresses of one node in rules that both have.
 */
#include "check.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nat_part.h"
#include "ruleset.h"

enum { QUOTED_MAX = INET6_ADDRSTRLEN + 2 };

/* As it stands in a ruleset's JSON; "" = none. */
static void quote(const struct conf_ip *ip, char text[QUOTED_MAX])
{
	char plain[INET6_ADDRSTRLEN];

	text[0] = '\0';
	if (ip->family != 0 && inet_ntop(ip->family, ip->bytes, plain, sizeof(plain)))
		(void)snprintf(text, QUOTED_MAX, "\"%s\"", plain);
}

/* Whether that is an end of an HA link whose other end stands there, too. */
static bool both_ends(const struct conf *conf, const struct conf_ip *own, const char *text)
{
	char remote[QUOTED_MAX];

	for (unsigned i = 0; i < conf->n_links; i++) {
		if (memcmp(&conf->path[i].local, own, sizeof(*own)) != 0)
			continue;
		quote(&conf->path[i].remote, remote);
		return remote[0] != '\0' && strstr(text, remote);
	}
	return false;
}

static void check_text(const struct conf *conf, const char *where, const char *text,
	const struct check_own *own, struct check_findings *f)
{
	char address[QUOTED_MAX];

	for (unsigned i = 0; i < own->n; i++) {
		const struct check_address *a = &own->address[i];

		quote(&a->ip, address);
		if (address[0] == '\0' || !strstr(text, address) || both_ends(conf, &a->ip, text))
			continue;
		check_found(f, CONF_SEVERITY_WARNING, 0,
			"%s: %.*s is this node's own, on %s: the other node has the same rules and "
			"another address (a set of `ruleset-local` holds each node's own)",
			where, (int)(strlen(address) - 2), address + 1, a->device);
	}
}

/* A rule's expressions, or what a set or map holds. */
static void check_object(const struct conf *conf, const json_t *object, const char *part,
	const char *noun, const struct check_own *own, struct check_findings *f)
{
	const char *family = json_string_value(json_object_get(object, "family"));
	const char *table = json_string_value(json_object_get(object, "table"));
	const char *set = json_string_value(json_object_get(object, "name"));
	const char *chain = json_string_value(json_object_get(object, "chain"));
	const json_t *content = json_object_get(object, part);
	char where[NAT_TEXT_MAX];

	if (!family || !table || !content ||
		nat_part_is_own(&conf->mirror, family, table, chain ? NULL : set))
		return;
	(void)snprintf(where, sizeof(where), "%s %s %s%s", family, table, noun,
		chain ? chain
		: set ? set
		      : "?");
	char *text = json_dumps(content, JSON_COMPACT);

	if (text)
		check_text(conf, where, text, own, f);
	else
		f->failed = true;
	free(text);
}

void check_own_addresses(const struct conf *conf, const json_t *ruleset,
	const struct check_own *own, struct check_findings *f)
{
	const json_t *object;
	size_t i;

	if (!conf->mirror.ruleset)
		return;
	json_array_foreach(json_object_get(ruleset, "nftables"), i, object)
	{
		check_object(conf, json_object_get(object, "rule"), "expr", "", own, f);
		check_object(conf, json_object_get(object, "set"), "elem", "set ", own, f);
		check_object(conf, json_object_get(object, "map"), "elem", "map ", own, f);
	}
}

/* 127.0.0.0/8, ::1 and fe80::/10 are on both nodes, and a group's addresses on its master. */
static bool is_of_both(const struct conf *conf, const struct conf_ip *ip)
{
	if (ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80)
		return true;
	for (unsigned i = 0; i < conf->n_addresses; i++) {
		if (memcmp(&conf->address[i].ip, ip, sizeof(*ip)) == 0)
			return true;
	}
	return false;
}

static bool take_ip(const struct sockaddr *from, struct conf_ip *ret)
{
	*ret = (struct conf_ip){ .family = 0 };
	if (!from || (from->sa_family != AF_INET && from->sa_family != AF_INET6))
		return false;
	ret->family = (uint8_t)from->sa_family;
	if (from->sa_family == AF_INET)
		memcpy(ret->bytes, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
	else
		memcpy(ret->bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr,
			16);
	return true;
}

void check_own_of_host(const struct conf *conf, struct check_own *ret)
{
	struct ifaddrs *list;

	ret->n = 0;
	if (getifaddrs(&list) != 0)
		return;
	for (const struct ifaddrs *i = list; i && ret->n < CHECK_OWN_MAX; i = i->ifa_next) {
		struct check_address *a = &ret->address[ret->n];

		if ((i->ifa_flags & IFF_LOOPBACK) || !take_ip(i->ifa_addr, &a->ip) ||
			is_of_both(conf, &a->ip))
			continue;
		(void)snprintf(a->device, sizeof(a->device), "%s", i->ifa_name);
		ret->n++;
	}
	freeifaddrs(list);
}

void check_own_rules(const struct conf *conf, struct check_findings *f)
{
	char why[RULESET_WHY_MAX];
	json_t *ruleset = ruleset_read(why);
	struct check_own own;

	if (!ruleset)
		return;
	check_own_of_host(conf, &own);
	check_own_addresses(conf, ruleset, &own, f);
	json_decref(ruleset);
}
