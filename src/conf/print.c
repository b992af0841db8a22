/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "keyword.h"
#include "nsrp/confread.h"
#include "out.h"
#include "value.h"

const char *conf_interface_name(const struct conf *conf, const char *device)
{
	for (unsigned i = 0; i < conf->n_interfaces; i++) {
		if (strcmp(conf->interface[i].device, device) == 0)
			return conf->interface[i].name;
	}
	return device;
}

/* A line `KEY = VALUE`, or `KEY.NODE = VALUE` unless node is NULL. Long ones are written without
 * blanks: as they came in they were no longer. */
static void put_text(struct conf_out *out, const char *key, const char *node, const char *text)
{
	size_t key_len = strlen(key) + (node != NULL ? 1 + strlen(node) : 0);
	bool fits = key_len + strlen(" = ") + strlen(text) <= CONF_LINE_MAX;

	conf_out_add(out, "%s%s%s%s%s\n", key, node != NULL ? "." : "", node != NULL ? node : "",
		fits ? " = " : "=", text);
}

static void put(
	struct conf_out *out, unsigned keyword, const char *node, const struct conf_value *value)
{
	char text[CONF_VALUE_TEXT_MAX];

	conf_value_print(&conf_keywords[keyword], value, text);
	put_text(out, conf_keywords[keyword].key, node, text);
}

static void take_interface(const struct conf *conf, const char *device, struct conf_value *value)
{
	const char *name = conf_interface_name(conf, device);

	memset(value->text, 0, sizeof(value->text));
	memcpy(value->text, name, strlen(name));
}

/* The plain values of a section that lie at `base`. */
static void put_plain(
	struct conf_out *out, const struct conf *conf, enum conf_section section, const void *base)
{
	for (unsigned i = 0; i < KEYWORDS; i++) {
		const struct conf_keyword *keyword = &conf_keywords[i];
		struct conf_value value;
		char device[CONF_DEVICE_MAX];

		if (keyword->section != section || keyword->size == 0)
			continue;
		conf_value_load(keyword, base, &value);
		if (keyword->kind == CONF_KIND_INTERFACE) {
			memcpy(device, value.text, sizeof(device));
			take_interface(conf, device, &value);
		}
		bool is_text = keyword->kind == CONF_KIND_INTERFACE ||
			       (keyword->kind == CONF_KIND_FILE && keyword->default_text == NULL);
		bool empty = (is_text && value.text[0] == '\0') ||
			     (keyword->kind == CONF_KIND_IP && value.ip.family == 0);

		if (!empty)
			put(out, i, NULL, &value);
	}
}

static void put_interfaces(struct conf_out *out, const struct conf *conf)
{
	const char *key = conf_keywords[KEYWORD_INTERFACE_DEVICE].key;

	for (unsigned i = 0; i < conf->n_interfaces; i++) {
		const struct conf_interface *interface = &conf->interface[i];

		conf_out_add(out, "\n[interface %s]\n", interface->name);
		for (unsigned node = 0; node < CONF_NODES; node++)
			put_text(out, key, conf->node[node],
				node == conf->self ? interface->device : interface->peer_device);
	}
}

static void put_endpoint(
	struct conf_out *out, const struct conf *conf, const struct conf_link *link, unsigned node)
{
	bool own = node == conf->self;
	struct conf_value value = {
		.ip = own ? link->local : link->remote,
		.port = own ? link->local_port : link->remote_port,
	};

	if (link->transport == CONF_TRANSPORT_UDP)
		put(out, KEYWORD_LINK_ADDRESS, conf->node[node], &value);
}

static void put_links(struct conf_out *out, const struct conf *conf)
{
	for (unsigned i = 0; i < conf->n_links; i++) {
		const struct conf_link *link = &conf->path[i];
		conf_out_add(out, "\n[link %s]\n", link->name);
		put_plain(out, conf, CONF_SECTION_LINK, link);
		for (unsigned node = 0; node < CONF_NODES; node++)
			put_endpoint(out, conf, link, node);
	}
}

static void put_address(
	struct conf_out *out, const struct conf *conf, const struct conf_address *address)
{
	struct conf_value value = { .ip = address->ip, .prefix_len = address->prefix_len };

	take_interface(conf, address->device, &value);
	put(out, KEYWORD_GROUP_ADDRESS, NULL, &value);
}

static void put_route(struct conf_out *out, const struct conf *conf, const struct conf_route *route)
{
	struct conf_value value = {
		.ip = route->destination,
		.prefix_len = route->prefix_len,
		.family = route->family,
		.gateway = route->gateway,
		.metric = route->metric,
		.table = route->table,
	};

	take_interface(conf, route->device, &value);
	put(out, KEYWORD_GROUP_ROUTE, NULL, &value);
}

/* Which group named which interface is not kept: a list is the list of all secondary paths. */
static void put_secondary(
	struct conf_out *out, const struct conf *conf, const struct conf_group *group)
{
	const char *key = conf_keywords[KEYWORD_GROUP_SECONDARY_PATH].key;

	switch (group->secondary_choice) {
	case CONF_CHOICE_AUTO: put_text(out, key, NULL, "auto"); break;
	case CONF_CHOICE_NONE: put_text(out, key, NULL, "none"); break;
	case CONF_CHOICE_LIST:
		for (unsigned i = conf->n_links; i < conf->n_paths; i++)
			put_text(out, key, NULL, conf->path[i].name);
		break;
	}
}

static void put_groups(struct conf_out *out, const struct conf *conf)
{
	for (unsigned i = 0; i < conf->n_groups; i++) {
		const struct conf_group *group = &conf->group[i];

		conf_out_add(out, "\n[group %u]\n", group->id);
		for (unsigned node = 0; node < CONF_NODES; node++) {
			struct conf_value value = { .number = group->priority[node] };

			put(out, KEYWORD_GROUP_PRIORITY, conf->node[node], &value);
		}
		put_plain(out, conf, CONF_SECTION_GROUP, group);
		put_secondary(out, conf, group);
		for (unsigned j = 0; j < group->n_addresses; j++)
			put_address(out, conf, &conf->address[group->first_address + j]);
		for (unsigned j = 0; j < group->n_routes; j++)
			put_route(out, conf, &conf->route[group->first_route + j]);
	}
}

static void put_monitors(struct conf_out *out, const struct conf *conf)
{
	for (unsigned i = 0; i < conf->n_monitors; i++) {
		const struct conf_monitor *monitor = &conf->monitor[i];
		struct conf_value group = { .number = CONF_VALUE_ALL_GROUPS };

		if (monitor->automatic) /* monitor-links = auto makes it again */
			continue;
		if (!monitor->all_groups)
			group.number = conf->group[monitor->group].id;
		conf_out_add(out, "\n[monitor %s]\n", monitor->name);
		put_plain(out, conf, CONF_SECTION_MONITOR, monitor);
		put(out, KEYWORD_MONITOR_GROUP, NULL, &group);
	}
}

static void put_mirror(struct conf_out *out, const struct conf *conf)
{
	const struct conf_mirror *mirror = &conf->mirror;
	const char *local = conf_keywords[KEYWORD_MIRROR_RULESET_LOCAL].key;
	const char *files = conf_keywords[KEYWORD_MIRROR_FILES].key;

	conf_out_add(out, "\n[mirror]\n");
	put_plain(out, conf, CONF_SECTION_MIRROR, mirror);
	if (mirror->n_local == 0)
		put_text(out, local, NULL, "none");
	for (unsigned i = 0; i < mirror->n_local; i++)
		put_text(out, local, NULL, mirror->local[i]);
	if (mirror->n_files == 0)
		put_text(out, files, NULL, "none");
	for (unsigned i = 0; i < mirror->n_files; i++)
		put_text(out, files, NULL, mirror->file[i]);
}

size_t conf_print(const struct conf *conf, char *buf, size_t size)
{
	struct conf_out out = { buf, size, 0 };

	conf_out_add(&out, "[cluster]\n");
	put_plain(&out, conf, CONF_SECTION_CLUSTER, conf);
	conf_out_add(&out, "\n[node %s]\n[node %s]\n", conf->node[0], conf->node[1]);
	put_interfaces(&out, conf);
	put_links(&out, conf);
	put_groups(&out, conf);
	put_monitors(&out, conf);
	put_mirror(&out, conf);
	return out.len;
}
