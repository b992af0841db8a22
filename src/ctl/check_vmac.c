/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void check_below(
	unsigned group, const char *device, const struct device_master *m, struct check_findings *f)
{
	if (!m->ethernet)
		check_found(f, CONF_SEVERITY_ERROR, 0,
			"[group %u] virtual-mac: %s is not an Ethernet interface", group, device);
	else if (strcmp(m->own_kind, "macvlan") == 0 || strcmp(m->own_kind, "ipvlan") == 0)
		check_found(f, CONF_SEVERITY_ERROR, 0,
			"[group %u] virtual-mac: %s is a %s itself; name the interface below it",
			group, device, m->own_kind);
	else if (strcmp(m->kind, "vrf") == 0)
		check_found(f, CONF_SEVERITY_WARNING, 0,
			"[group %u] virtual-mac: %s is in the VRF %s; the macvlan on it will not "
			"be",
			group, device, m->name);
	else if (check_is_taken(m))
		check_found(f, CONF_SEVERITY_ERROR, 0,
			"[group %u] virtual-mac: %s belongs to the %s %s; no macvlan can stand on "
			"it, but on that",
			group, device, m->kind, m->name);
}

static void check_vmac(
	const struct conf *conf, const struct conf_vmac *vmac, struct check_findings *f)
{
	unsigned group = conf->group[vmac->group].id;
	struct device_master below, same;
	int error = device_look(vmac->device, &below);

	if (error == -ENODEV)
		check_found(f, CONF_SEVERITY_WARNING, 0,
			"[group %u] virtual-mac: there is no interface %s on this host", group,
			vmac->device);
	else if (error)
		check_found(f, CONF_SEVERITY_NOTE, 0, "[group %u] virtual-mac: %s not checked: %s",
			group, vmac->device, strerror(-error));
	else
		check_below(group, vmac->device, &below, f);
	if (device_look(vmac->name, &same) == 0 && strcmp(same.own_kind, "macvlan") != 0)
		check_found(f, CONF_SEVERITY_ERROR, 0,
			"[group %u] virtual-mac: its macvlan is to be %s, but there is another "
			"interface of that name",
			group, vmac->name);
}

/* For all interfaces; one of its own cannot go below. -1: not known. */
static int sysctl_of_all(const char *key)
{
	char path[64];
	int value = -1;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/all/%s", key);
	FILE *file = fopen(path, "re");

	if (file) {
		if (fscanf(file, "%d", &value) != 1)
			value = -1;
		(void)fclose(file);
	}
	return value;
}

void check_vmacs(const struct conf *conf, struct check_findings *f)
{
	int ignore = conf->n_vmacs > 0 ? sysctl_of_all("arp_ignore") : -1;

	for (unsigned i = 0; i < conf->n_vmacs; i++)
		check_vmac(conf, &conf->vmac[i], f);
	if (ignore > 2)
		check_found(f, CONF_SEVERITY_WARNING, 0,
			"virtual-mac: net.ipv4.conf.all.arp_ignore is %d, which nsrpd cannot set "
			"below for an interface; virtual MACs need 2 at most",
			ignore);
}
