/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prober.h"

#include <sys/socket.h>

static const struct {
	enum conf_monitor_type type;
	int family;
	const struct prober_ops *ops;
} table[] = {
	{ CONF_MONITOR_PING, AF_INET, &prober_icmp },
	{ CONF_MONITOR_PING, AF_INET6, &prober_icmpv6 },
	{ CONF_MONITOR_ARP, AF_INET, &prober_arp },
	{ CONF_MONITOR_ARP, AF_INET6, &prober_neighbour },
};

const struct prober_ops *prober_ops_of(const struct conf_monitor *conf)
{
	for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
		if (table[i].type == conf->type && table[i].family == conf->target.family)
			return table[i].ops;
	}
	return NULL;
}
