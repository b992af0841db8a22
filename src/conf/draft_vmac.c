/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "draft.h"

#include <stdio.h>
#include <string.h>

#include "keyword.h"

void conf_vmac_mac(uint8_t cluster, uint8_t group, const char *interface, uint8_t ret_mac[6])
{
	uint32_t hash = 0x811c9dc5; /* FNV-1a, 32 bit, folded */

	for (; *interface != '\0'; interface++)
		hash = (hash ^ (uint8_t)*interface) * 0x01000193;
	hash = hash >> 24 ^ (hash & 0xffffff);
	ret_mac[0] = CONF_VMAC_FIRST;
	ret_mac[1] = cluster;
	ret_mac[2] = group;
	ret_mac[3] = (uint8_t)(hash >> 16);
	ret_mac[4] = (uint8_t)(hash >> 8);
	ret_mac[5] = (uint8_t)hash;
}

void conf_vmac_name(
	uint8_t cluster, uint8_t group, const char *interface, char ret_name[CONF_DEVICE_MAX])
{
	char name[CONF_DEVICE_MAX + CONF_NAME_MAX];
	uint8_t mac[6];
	int len = snprintf(name, sizeof(name), "nsrp%u-%.31s", group, interface);

	if (len >= CONF_DEVICE_MAX) {
		conf_vmac_mac(cluster, group, interface, mac);
		(void)snprintf(
			name, sizeof(name), "nsrp%u-%02x%02x%02x", group, mac[3], mac[4], mac[5]);
	}
	memset(ret_name, 0, CONF_DEVICE_MAX);
	memcpy(ret_name, name, strnlen(name, CONF_DEVICE_MAX - 1));
}

static int find(const struct conf *conf, unsigned group, const char *device)
{
	for (unsigned i = 0; i < conf->n_vmacs; i++) {
		if (conf->vmac[i].group == group && strcmp(conf->vmac[i].device, device) == 0)
			return (int)i;
	}
	return -1;
}

/* False, and a finding, when there is no more room. */
static bool add(struct conf_draft *draft, const struct conf_address *address)
{
	struct conf *conf = &draft->conf;
	struct conf_vmac *vmac = &conf->vmac[conf->n_vmacs];
	const char *interface = conf_interface_name(conf, address->device);
	uint8_t id = conf->group[address->group].id;

	if (conf->n_vmacs == CONF_VMACS_MAX) {
		const struct conf_block *block = draft->group_block[address->group];

		conf_error(draft->source->findings,
			conf_source_line(
				draft->source, block, KEYWORD_GROUP_VIRTUAL_MAC, draft->node),
			"[%s] virtual-mac: found one more than all groups together may have, "
			"allowed: %d at most, one for each interface of each group",
			block->title, CONF_VMACS_MAX);
		return false;
	}
	vmac->group = address->group;
	memcpy(vmac->device, address->device, sizeof(vmac->device));
	conf_vmac_name(conf->cluster_id, id, interface, vmac->name);
	conf_vmac_mac(conf->cluster_id, id, interface, vmac->mac);
	conf->n_vmacs++;
	return true;
}

void conf_draft_vmacs(struct conf_draft *draft)
{
	struct conf *conf = &draft->conf;

	for (unsigned i = 0; i < conf->n_addresses; i++) {
		struct conf_address *address = &conf->address[i];
		int known = find(conf, address->group, address->device);

		if (!conf->group[address->group].virtual_mac)
			continue;
		if (known < 0 && !add(draft, address))
			return;
		address->vmac = (uint16_t)(known < 0 ? conf->n_vmacs : (unsigned)known + 1);
	}
}
