/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "ip.h"
#include "keyword.h"

static void refused(const struct conf_draft *draft, unsigned link, unsigned keyword,
	const char *found, const char *allowed)
{
	const struct conf_block *block = draft->link_block[link];
	/* What is wrong with the two addresses is found for both nodes, and told once. */
	int node = keyword == KEYWORD_LINK_ADDRESS ? CONF_NODES - 1 : draft->node;

	conf_error(draft->source->findings, conf_source_line(draft->source, block, keyword, node),
		"[%s] %s: found %s, allowed: %s", block->title, conf_keywords[keyword].key, found,
		allowed);
}

static void check_ethernet(const struct conf_draft *draft, unsigned i)
{
	const struct conf_link *link = &draft->conf.path[i];

	if (link->device[0] == '\0')
		refused(draft, i, KEYWORD_LINK_INTERFACE, "nothing",
			"an interface; transport ethernet needs one");
	if (link->local.family != 0 || link->remote.family != 0)
		refused(draft, i, KEYWORD_LINK_ADDRESS, "an address",
			"none with transport ethernet; or transport = udp");
}

static void check_udp(const struct conf_draft *draft, unsigned i)
{
	const struct conf_link *link = &draft->conf.path[i];

	if (link->local.family == 0 || link->remote.family == 0) {
		refused(draft, i, KEYWORD_LINK_ADDRESS, "not both addresses",
			"address.NODE for each node; transport udp needs both");
		return;
	}
	if (link->local.family != link->remote.family)
		refused(draft, i, KEYWORD_LINK_ADDRESS, "IPv4 and IPv6", "addresses of one family");
	if (conf_ip_equal(&link->local, &link->remote) && link->local_port == link->remote_port)
		refused(draft, i, KEYWORD_LINK_ADDRESS, "the same address and port for both nodes",
			"two that differ");
	if (link->local.family == AF_INET6 && conf_ip_is_link_local(&link->local) &&
		link->device[0] == '\0')
		refused(draft, i, KEYWORD_LINK_INTERFACE, "nothing",
			"an interface; a link-local address needs one");
}

/* Two links that cannot both be had. */
static void check_two_links(const struct conf_draft *draft, unsigned i, unsigned earlier)
{
	const struct conf_link *a = &draft->conf.path[i], *b = &draft->conf.path[earlier];

	if (a->transport != b->transport)
		return;
	if (a->transport == CONF_TRANSPORT_ETHERNET) {
		if (a->device[0] != '\0' && strcmp(a->device, b->device) == 0)
			refused(draft, i, KEYWORD_LINK_INTERFACE, "the interface of another link",
				"one of its own for each ethernet link");
	} else if (a->local.family != 0 && conf_ip_equal(&a->local, &b->local) &&
		   a->local_port == b->local_port) {
		refused(draft, i, KEYWORD_LINK_ADDRESS, "the address and port of another link",
			"one of its own for each udp link");
	}
}

/* A link and the groups: the first clash is enough. */
static void check_link_and_addresses(const struct conf_draft *draft, unsigned i)
{
	const struct conf *conf = &draft->conf;
	const struct conf_link *link = &conf->path[i];
	const struct conf_block *block = draft->link_block[i];

	for (unsigned j = 0; j < conf->n_addresses; j++) {
		const struct conf_address *address = &conf->address[j];
		unsigned group = conf->group[address->group].id;
		enum conf_severity severity = link->transport == CONF_TRANSPORT_ETHERNET
						      ? CONF_SEVERITY_ERROR
						      : CONF_SEVERITY_WARNING;

		if (strcmp(link->device, address->device) == 0) {
			conf_findings_add(draft->source->findings, severity,
				conf_check_line(draft, block, KEYWORD_LINK_INTERFACE),
				"[%s] interface: found `%s`, which carries an address of group %u, "
				"allowed: an interface for the HA link alone",
				block->title, link->device, group);
			return;
		}
		if (link->local.family != 0 && conf_ip_equal(&link->local, &address->ip)) {
			conf_error(draft->source->findings,
				conf_check_line(draft, block, KEYWORD_LINK_ADDRESS),
				"[%s] address: found a virtual address of group %u, allowed: the "
				"node's own",
				block->title, group);
			return;
		}
	}
}

void conf_check_links(const struct conf_draft *draft)
{
	for (unsigned i = 0; i < draft->conf.n_links; i++) {
		if (draft->conf.path[i].transport == CONF_TRANSPORT_ETHERNET)
			check_ethernet(draft, i);
		else
			check_udp(draft, i);
		for (unsigned j = 0; j < i; j++)
			check_two_links(draft, i, j);
		check_link_and_addresses(draft, i);
	}
}

void conf_check_paths(const struct conf_draft *draft)
{
	const struct conf *conf = &draft->conf;

	for (unsigned i = 0; i < conf->n_paths; i++) {
		for (unsigned j = 0; j < i; j++) {
			if (conf->path[i].tag != conf->path[j].tag)
				continue;
			conf_error(draft->source->findings, draft->path_line[i],
				"path %s: found the same tag (0x%04x) as path %s has, allowed: "
				"names of other tags; rename one",
				conf->path[i].name, conf->path[i].tag, conf->path[j].name);
		}
	}
}
