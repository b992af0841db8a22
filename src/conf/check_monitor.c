/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <sys/socket.h>

#include "check.h"
#include "ip.h"
#include "keyword.h"

enum need { NEED_NOT, NEED_MAY, NEED_MUST };

/* Which of interface, target and program a type takes. */
static const struct {
	const char *type;
	enum need interface, target, program;
} needs[] = {
	[CONF_MONITOR_LINK] = { "link", NEED_MUST, NEED_NOT, NEED_NOT },
	[CONF_MONITOR_PING] = { "ping", NEED_MAY, NEED_MUST, NEED_NOT },
	[CONF_MONITOR_ARP] = { "arp", NEED_MUST, NEED_MUST, NEED_NOT },
	[CONF_MONITOR_SCRIPT] = { "script", NEED_MAY, NEED_MAY, NEED_MUST },
};

static void check_need(const struct conf_draft *draft, unsigned monitor, unsigned keyword,
	enum need need, bool given)
{
	const struct conf_block *block = draft->monitor_block[monitor];
	const char *type = needs[draft->conf.monitor[monitor].type].type;
	unsigned line = conf_check_line(draft, block, keyword);

	if (need == NEED_MUST && !given)
		conf_error(draft->source->findings, line,
			"[%s] %s: found nothing, allowed: %s (type %s needs it)", block->title,
			conf_keywords[keyword].key, conf_keywords[keyword].allowed, type);
	if (need == NEED_NOT && given)
		conf_error(draft->source->findings, line,
			"[%s] %s: found one, allowed: none (type %s has no use for it)",
			block->title, conf_keywords[keyword].key, type);
}

/* The pair's own addresses answer on the master alone, and there always: nothing is learnt from
 * that. */
static void check_target(const struct conf_draft *draft, const struct conf_monitor *m,
	const struct conf_block *block)
{
	const struct conf *conf = &draft->conf;

	for (unsigned i = 0; m->target.family != 0 && i < conf->n_addresses; i++) {
		if (!conf_ip_equal(&m->target, &conf->address[i].ip))
			continue;
		conf_warning(draft->source->findings,
			conf_check_line(draft, block, KEYWORD_MONITOR_TARGET),
			"[%s] target: found a virtual address of this pair (see line %u), allowed: "
			"another host's, as that of the next router",
			block->title, draft->address_entry[i]->line);
		return;
	}
}

void conf_check_monitors(const struct conf_draft *draft)
{
	for (unsigned i = 0; i < draft->conf.n_monitors; i++) {
		const struct conf_monitor *m = &draft->conf.monitor[i];
		const struct conf_block *block = draft->monitor_block[i];

		if (m->automatic)
			continue;
		check_need(draft, i, KEYWORD_MONITOR_INTERFACE, needs[m->type].interface,
			m->device[0] != '\0');
		check_need(draft, i, KEYWORD_MONITOR_TARGET, needs[m->type].target,
			m->target.family != 0);
		check_need(draft, i, KEYWORD_MONITOR_PROGRAM, needs[m->type].program,
			m->program[0] != '\0');
		check_target(draft, m, block);
		if (m->type == CONF_MONITOR_PING && m->device[0] == '\0' &&
			m->target.family == AF_INET6 && conf_ip_is_link_local(&m->target))
			conf_error(draft->source->findings,
				conf_check_line(draft, block, KEYWORD_MONITOR_INTERFACE),
				"[%s] interface: found nothing, allowed: an interface; a "
				"link-local target needs one",
				block->title);
	}
}

/* What the monitors of group i weigh together; how many there are. */
static unsigned weight_of(const struct conf *conf, unsigned i, unsigned *ret_n)
{
	unsigned weight = 0;

	*ret_n = 0;
	for (unsigned j = 0; j < conf->n_monitors; j++) {
		if (!conf->monitor[j].all_groups && conf->monitor[j].group != i)
			continue;
		weight += conf->monitor[j].weight;
		(*ret_n)++;
	}
	return weight;
}

/* A group that has monitors, whose weights together do not make its threshold. */
void conf_check_thresholds(const struct conf_draft *draft)
{
	const struct conf *conf = &draft->conf;

	for (unsigned i = 0; i < conf->n_groups; i++) {
		const struct conf_block *block = draft->group_block[i];
		unsigned n, weight = weight_of(conf, i, &n);
		unsigned line = conf_check_line(draft, block, KEYWORD_GROUP_THRESHOLD);

		if (n == 0 || weight >= conf->group[i].threshold)
			continue;
		if (weight == 0)
			conf_warning(draft->source->findings, line,
				"[%s] threshold: found %u, which its monitors cannot reach: all of "
				"them only watch (weight 0)",
				block->title, conf->group[i].threshold);
		else
			conf_warning(draft->source->findings, line,
				"[%s] threshold: found %u, which its monitors cannot reach: their "
				"weights make %u together",
				block->title, conf->group[i].threshold, weight);
	}
}
