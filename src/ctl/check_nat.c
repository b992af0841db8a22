/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include <stdlib.h>

#include "nat.h"
#include "ruleset.h"

static const char advice[] = "nftables-active-active.nft keeps them apart (doc/ACTIVE-ACTIVE.md)";

bool check_is_active_active(const struct conf *conf)
{
	bool first[CONF_NODES] = { false };
	bool is_equal = false;

	for (unsigned g = 0; g < conf->n_groups; g++) {
		const uint8_t *priority = conf->group[g].priority;

		first[priority[1] < priority[0]] = true;
		is_equal = is_equal || priority[0] == priority[1];
	}
	return conf->n_groups > 1 && ((first[0] && first[1]) || is_equal);
}

static const char *address_text(const struct nat_translation *t)
{
	return t->address[0] != '\0' ? t->address : "an address of the interface";
}

static void check_translation(const struct nat *nat, unsigned i, struct check_findings *f)
{
	const struct nat_translation *t = &nat->translation[i];

	if (nat_is_ambiguous(t)) {
		check_found(f, CONF_SEVERITY_WARNING, 0,
			"%s: two masters translate to %s, and may choose the same ports; %s",
			t->where, address_text(t), advice);
		return;
	}
	for (unsigned k = i + 1; k < nat->n; k++) {
		const struct nat_translation *other = &nat->translation[k];

		if (!nat_is_ambiguous(other) && nat_overlap(t, other))
			check_found(f, CONF_SEVERITY_WARNING, 0,
				"%s, %s: two masters translate to %s with ports %u-%u and %u-%u, "
				"which overlap; %s",
				t->where, other->where, address_text(t), t->first_port,
				t->last_port, other->first_port, other->last_port, advice);
	}
}

void check_nat(const struct conf *conf, const json_t *ruleset, struct check_findings *f)
{
	struct nat nat;

	if (!check_is_active_active(conf))
		return;
	nat_read(ruleset, &conf->mirror, &nat);
	for (unsigned i = 0; i < nat.n; i++)
		check_translation(&nat, i, f);
	if (nat.foreign)
		check_found(f, CONF_SEVERITY_NOTE, 0,
			"the ruleset has rules of iptables: whether those keep the ports of two "
			"masters apart is not checked");
	if (nat.cut)
		check_found(f, CONF_SEVERITY_NOTE, 0,
			"the ruleset has more source NAT than is checked");
}

void check_ruleset(const struct conf *conf, struct check_findings *f)
{
	bool nat = check_is_active_active(conf);
	char why[RULESET_WHY_MAX];
	struct check_own own;

	if (!nat && !conf->mirror.ruleset)
		return;
	json_t *ruleset = ruleset_read(why);

	if (ruleset) {
		check_nat(conf, ruleset, f);
		check_own_of_host(conf, &own);
		check_own_addresses(conf, ruleset, &own, f);
	} else {
		check_found(f, CONF_SEVERITY_NOTE, 0,
			"whether %s is not checked: the ruleset cannot be read: %s",
			nat ? "NAT keeps the ports of two masters apart"
			    : "rules name addresses that one node alone has",
			why);
	}
	json_decref(ruleset);
}
