/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verb.h"

#define SHOWS "groups links monitors mirror counters config"

const struct verb verbs[] = {
	{
		.name = "status",
		.synopsis = "[--check]",
		.help = "how the pair is; the verb when none is given",
		.options = OPTION_CHECK,
		.first_group = -1,
		.run = verb_status,
	},
	{
		.name = "show",
		.synopsis = "groups|links|monitors|mirror|counters|config",
		.help = "one thing in full",
		.min_arguments = 1,
		.max_arguments = 1,
		.words = SHOWS,
		.first_group = -1,
		.run = verb_show,
	},
	{
		.name = "why",
		.synopsis = "[GROUP]",
		.help = "why a group is where it is: the rule, and what it looked at",
		.max_arguments = 1,
		.first_group = 0,
		.run = verb_why,
	},
	{
		.name = "history",
		.synopsis = "",
		.help = "the changes of state, oldest first",
		.first_group = -1,
		.run = verb_history,
	},
	{
		.name = "failover",
		.synopsis = "[GROUP] [--force]",
		.help = "the master gives the group (all groups) to its peer, once",
		.options = OPTION_FORCE,
		.max_arguments = 1,
		.first_group = 0,
		.run = verb_failover,
	},
	{
		.name = "maintenance",
		.synopsis = "on|off [GROUP] [--node NAME] [--force]",
		.help = "takes a node out of service until it is lifted, over reboots too",
		.options = OPTION_FORCE | OPTION_NODE,
		.min_arguments = 1,
		.max_arguments = 2,
		.words = "on off",
		.first_group = 1,
		.run = verb_maintenance,
	},
	{
		.name = "reload",
		.synopsis = "",
		.help = "the daemon reads its configuration again",
		.first_group = -1,
		.run = verb_reload,
	},
	{
		.name = "check",
		.synopsis = "[FILE] [-n NODE]",
		.help = "reads a configuration, for both nodes, without a daemon",
		.options = OPTION_NODE,
		.max_arguments = 1,
		.first_group = -1,
		.run = verb_check,
	},
	{
		.name = "genkey",
		.synopsis = "[FILE]",
		.help = "a new cluster key, to stdout or a new file",
		.max_arguments = 1,
		.first_group = -1,
		.run = verb_genkey,
	},
	{
		.name = "version",
		.synopsis = "",
		.help = "the releases of nsrpctl and of the daemon",
		.first_group = -1,
		.run = verb_version,
	},
	{
		.name = "watch",
		.synopsis = "",
		.help = "changes as they happen",
		.first_group = -1,
	},
	{
		.name = "diff",
		.synopsis = "",
		.help = "where the two nodes' rulesets differ",
		.first_group = -1,
	},
	{
		.name = "sync",
		.synopsis = "[KIND]",
		.help = "mirrors everything again",
		.max_arguments = 1,
		.first_group = -1,
	},
	{
		.name = "verify",
		.synopsis = "",
		.help = "compares the two nodes' tables",
		.first_group = -1,
	},
	{
		.name = "metrics",
		.synopsis = "",
		.help = "figures for Prometheus",
		.first_group = -1,
	},
};

const size_t verbs_count = ARRAY_LEN(verbs);
