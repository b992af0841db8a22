/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmac_setting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { UNKNOWN = -1, PATH_TEXT_MAX = 128, VALUE_TEXT_MAX = 16 };

/* What a value must be. The kernel goes by the larger one of the interface's own and that of
 * `all` where RULE_ names a key. */
enum rule {
	RULE_VALUE,        /* `value` */
	RULE_AS_BELOW,     /* what the interface below has */
	RULE_ARP_IGNORE,   /* 1 or 2: not for another interface's addresses */
	RULE_ARP_SILENT,   /* likewise, or 8: for none at all */
	RULE_ARP_ANNOUNCE, /* 2: from none but the interface's own address */
	RULE_REVERSE_PATH, /* not 1: the way back is the interface below */
};

/* Those of the interface below come first. */
static const struct setting {
	bool ipv6, below;
	const char *key;
	enum rule rule;
	int value; /* to be set */
} settings[] = {
	{ false, true, "arp_ignore", RULE_ARP_SILENT, 1 },
	{ false, true, "arp_announce", RULE_ARP_ANNOUNCE, 2 },
	{ false, false, "arp_ignore", RULE_ARP_IGNORE, 1 },
	{ false, false, "arp_announce", RULE_ARP_ANNOUNCE, 2 },
	{ false, false, "rp_filter", RULE_REVERSE_PATH, 2 },
	{ false, false, "forwarding", RULE_AS_BELOW, 0 },
	{ true, false, "disable_ipv6", RULE_AS_BELOW, 0 },
	{ true, false, "addr_gen_mode", RULE_VALUE, 1 },
	{ true, false, "accept_ra", RULE_VALUE, 0 },
	{ true, false, "accept_dad", RULE_VALUE, 0 },
	{ true, false, "dad_transmits", RULE_VALUE, 0 },
	{ true, false, "force_mld_version", RULE_VALUE, 1 },
	{ true, false, "forwarding", RULE_AS_BELOW, 0 },
};

bool vmac_setting_at(unsigned i, bool *ret_ipv6, bool *ret_below, const char **ret_key)
{
	if (i >= ARRAY_LEN(settings))
		return false;
	*ret_ipv6 = settings[i].ipv6;
	*ret_below = settings[i].below;
	*ret_key = settings[i].key;
	return true;
}

static void path_of(const struct setting *s, const char *device, char path[PATH_TEXT_MAX])
{
	(void)snprintf(path, PATH_TEXT_MAX, "/proc/sys/net/ipv%c/conf/%s/%s", s->ipv6 ? '6' : '4',
		device, s->key);
}

/* The value, or UNKNOWN. */
static int get(const struct setting *s, const char *device)
{
	char path[PATH_TEXT_MAX], text[VALUE_TEXT_MAX];
	ssize_t n;
	int fd;

	path_of(s, device, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return UNKNOWN;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return UNKNOWN;
	text[n] = '\0';
	return (int)strtol(text, NULL, 10);
}

/* 0 or negative errno. */
static int put(const struct setting *s, const char *device, int value)
{
	char path[PATH_TEXT_MAX], text[VALUE_TEXT_MAX];
	int len = snprintf(text, sizeof(text), "%d\n", value), result = 0;
	int fd;

	path_of(s, device, path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)len) != len)
		result = -errno;
	close(fd);
	return result;
}

/* As the kernel has it: the larger of its own and that for all interfaces. */
static int effective(const struct setting *s, const char *device)
{
	int own = get(s, device), all = get(s, "all");

	return own > all ? own : all;
}

static bool is_good(const struct setting *s, const char *device, const char *below)
{
	int value;

	switch (s->rule) {
	case RULE_VALUE: return get(s, device) == s->value;
	case RULE_AS_BELOW: return get(s, device) == get(s, below);
	case RULE_ARP_IGNORE: value = effective(s, device); return value == 1 || value == 2;
	case RULE_ARP_SILENT:
		value = effective(s, device);
		return value == 1 || value == 2 || value == 8;
	case RULE_ARP_ANNOUNCE: return effective(s, device) >= 2;
	case RULE_REVERSE_PATH: return effective(s, device) != 1;
	}
	return true;
}

static int wanted(const struct setting *s, const char *below)
{
	return s->rule == RULE_AS_BELOW ? get(s, below) : s->value;
}

static void complain(const struct setting *s, const char *device, int error, const struct log *log)
{
	char of_all[64] = "";

	if (s->rule != RULE_VALUE && s->rule != RULE_AS_BELOW)
		(void)snprintf(of_all, sizeof(of_all), ", net.ipv4.conf.all.%s = %d", s->key,
			get(s, "all"));
	log_err(log, "virtual MAC: net.ipv%c.conf.%s.%s = %d%s: in its way%s%s",
		s->ipv6 ? '6' : '4', device, s->key, get(s, device), of_all,
		error ? ", and not set: " : "", error ? strerror(-error) : "");
}

static void apply(const struct setting *s, const char *device, const char *below, bool again,
	bool quiet, struct vmac_settings_outcome *outcome, const struct log *log)
{
	int before = get(s, device), value, error;

	/* No such setting, or no such family, in this kernel: nothing is in the way. */
	if (before == UNKNOWN || is_good(s, device, below))
		return;
	value = wanted(s, below);
	error = put(s, device, value);
	if (error || !is_good(s, device, below)) {
		outcome->refused++;
		if (!quiet)
			complain(s, device, error, log);
	} else if (again && s->rule != RULE_AS_BELOW) {
		outcome->put_back++;
		log_warn(log, "virtual MAC: net.ipv%c.conf.%s.%s was %d, put back to %d",
			s->ipv6 ? '6' : '4', device, s->key, before, value);
	}
}

struct vmac_settings_outcome vmac_settings_apply(
	const char *name, const char *below, bool again, bool quiet, const struct log *log)
{
	struct vmac_settings_outcome outcome = { .put_back = 0 };

	for (unsigned i = 0; i < ARRAY_LEN(settings); i++)
		apply(&settings[i], settings[i].below ? below : name, below, again, quiet, &outcome,
			log);
	return outcome;
}

/* ---- what was before ----------------------------------------------------------------------- */

void vmac_settings_read(const char *below, struct vmac_before *ret_before)
{
	for (unsigned i = 0; i < VMAC_BELOW_MAX; i++)
		ret_before->value[i] = get(&settings[i], below);
}

void vmac_settings_restore(
	const char *below, const struct vmac_before *before, const struct log *log)
{
	for (unsigned i = 0; i < VMAC_BELOW_MAX; i++) {
		const struct setting *s = &settings[i];
		int value = before->value[i], error;

		if (value == UNKNOWN || value == s->value || get(s, below) != s->value)
			continue;
		error = put(s, below, value);
		if (error)
			log_err(log, "net.ipv4.conf.%s.%s: not restored to %d: %s", below, s->key,
				value, strerror(-error));
	}
}

void vmac_before_print(const struct vmac_before *before, char text[VMAC_BEFORE_TEXT_MAX])
{
	(void)snprintf(text, VMAC_BEFORE_TEXT_MAX, "arp_ignore=%d arp_announce=%d",
		before->value[0], before->value[1]);
}

bool vmac_before_parse(const char *alias, struct vmac_before *ret_before)
{
	struct vmac_before before;
	const char *at = strstr(alias, "arp_ignore=");

	if (!at || sscanf(at, "arp_ignore=%d arp_announce=%d", &before.value[0],
			   &before.value[1]) != 2)
		return false;
	*ret_before = before;
	return true;
}
