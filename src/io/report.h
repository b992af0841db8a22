/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * report: what the control socket answers, as JSON.
 *
 * Pure: from the configuration, the core's view and counters to a json_t that the caller owns
 * (NULL only when memory ran out). Schema 1; names in it stay, more may come. Groups are named
 * by id, nodes, links and monitors by name. Instants are wall time, RFC 3339 in UTC with
 * milliseconds, durations end in _ms, and what is not known is null.
 */
#ifndef NSRP_IO_REPORT_H
#define NSRP_IO_REPORT_H

#include "nsrp/node.h"
#include "pulse.h"

#include <jansson.h>

/* A counter beside the core's. */
struct report_counter {
	const char *key, *text;
	uint64_t value;
};

/* What the daemon knows of a monitor beside the core's verdict. */
struct report_monitor_fact {
	mono_t since;              /* of the verdict; MONO_NEVER: not known */
	uint32_t failures, passes; /* probes in a row */
	uint32_t rtt_us;           /* of the last answer; 0 = there was none */
	uint64_t probes, answers, late, errors;
	int error; /* why the last probe could not be sent; 0 or negative errno */
	/* Members of a bond or team without carrier, as far as there is room. */
	char lost_members[4 * CONF_DEVICE_MAX];
};

/* What the reports are made of; all of it is borrowed for the call. */
struct report_input {
	const struct conf *conf;
	const struct node_view *view;
	const struct node *node;  /* as in `view`; may be NULL: it is not asked then */
	const uint64_t *counters; /* COUNTER_COUNT */
	unsigned n_io_counters;
	const struct report_counter *io_counters; /* may be NULL */
	/* Why each of conf.path is down: 0 or negative errno; may be NULL. */
	const int *path_errors;
	/* Of each of conf.monitor; may be NULL. */
	const struct report_monitor_fact *monitor_facts;
	const struct pulse *pulse; /* may be NULL: there is none */
	/* The daemon's own warnings, texts as in `warnings`; may be NULL. */
	unsigned n_warnings;
	const char *const *warnings;
	int64_t wall_ms; /* CLOCK_REALTIME in milliseconds since 1970, at view->now */
	const char *version;
};

/*
 * {"schema":1, "node", "cluster", "version", "verdict":"ok"|"warning"|"critical",
 *  "critical", "warnings":[text, worst first; the first "critical" of them are critical],
 *  "peer":{"node","alive","in_sync","since","since_ms","conf_differs","realtime"},
 *  "in_sync", "realtime", "session", "stopping",
 *  "groups":[…as report_groups, without addresses, routes and virtual MACs], "links":[…],
 * "monitors":[…], "mirror":{…}, "mirroring":{…}: as report_mirror}
 *
 * critical = traffic is hit, or may be: no master, two masters, an inoperable master, refused
 * addresses; warning = it is not, but what the pair is there for is impaired.
 */
json_t *report_status(const struct report_input *in);

/*
 * {"groups":[{"id", "state", "term", "master":node|null, "since", "since_ms", "rule",
 *   "rule_text", "reason", "failed_weight", "threshold", "priorities":{node: number},
 *   "preempt", "preempt_suspended", "handing_over", "role_failed", "own":standing,
 *   "peer":standing, "addresses":[text], "routes":[text],
 *   "virtual_macs":[{"name" of the macvlan, "device" below it, "mac"}]}]}
 * state, term and failed_weight are this node's. A standing is {"node","state","term",
 * "cause": what that comes from, null for a master that is as it should be, "priority",
 * "eligible","operable","in_sync","served","holding","failed_weight"}; the peer's
 * is null while it is not heard.
 */
json_t *report_groups(const struct report_input *in);

/* {"links":[{"name","state","carrier","secondary","transport","device","local","remote",
 *   "last_heard_ms","echo_age_us","error"}]}, HA links first. */
json_t *report_links(const struct report_input *in);

/* {"monitors":[{"name","ok","weight","type","device","target","program","interval_ms","fall",
 *   "rise","group":id|"all","automatic","since","since_ms","failures","passes" (in a row),
 *   "rtt_us" of the last answer,"probes","answers","late","errors","error": why the last probe
 *   was not sent,"lost_members": of a bond, without carrier,"peer":{"node","ok","weight"}}]} */
json_t *report_monitors(const struct report_input *in);

/*
 * {"mirror":{kind:{"built","on","local","mirrored","in_sync","lag_ms","resyncs"},…,
 *   document:{also "document":true,"condition" and its
 * "text","since","since_ms","source":node|null,
 *    "consent","asked","digest","peer_digest","bytes","come","to_come","trouble":why it is not
 *    read,"here":past,"there":past},…},
 *  "mirroring":{"node","peer","on","up","in_sync","complete","waited","lag_ms","peer_lag_ms",
 *   "backlog","sending","sent_so_far","receiving","received_so_far","auditing","index_used",
 *   "index_size","refused":{"clash","full","other","missing","index_full"},"sent":copy,
 *   "heard":copy,"audit":found and {"ms","at","since_ms"},"peer_audit":found,
 *   "buckets_at_peer":found,"buckets_here":found}}
 * local: owned by this node; mirrored: by the peer, and here too. A copy, the last full one, is
 * {"times","objects","ms","at","since_ms"}; found is {"times","compared","differed","failed"} of
 * the last comparison: of a kernel with its index in objects, of the two nodes in buckets. Both
 * are null when there was none. "built" of a document: this build mirrors it; a past is
 * {"node","result","reason","digest","at","since_ms"}: what came of the source's at that node.
 */
json_t *report_mirror(const struct report_input *in);

/* {"counters":[{"key","value","text"}]} */
json_t *report_counters(const struct report_input *in);

/* {"config":text} */
json_t *report_config(const struct report_input *in);

/* {"groups":[{"id","state","master","rule","rule_text","reason","since","since_ms","text",
 *   "own","peer","inputs":{…},"if":[{"what","names","where","masters":[node],"moves","in_sync",
 *   "rule","rule_text"}]}]}: of the group with that index, or of all when it is
 * COMMAND_ALL_GROUPS. `if` tells what the election would make of a mishap: "what" is "monitor"
 * (any one of `names` fails on node `where`, or on "both"), "node" (it dies), "link" (it is cut),
 * "links" (all of them are) or "apart" (all paths are); "in_sync": false when the master then lacks
 * sessions. It is null for all groups when they are many. */
json_t *report_why(const struct report_input *in, unsigned group);

/* {"node","peer","now","heartbeat_ms","detection_ms","samples":[{"number","at","ms","silence_ms",
 *   "late_ms","lag_ms","peer_lag_ms","backlog","links":[{"name","secondary","state","beats"}],
 *   "groups":[{"id","own","peer","failed_weight","peer_failed_weight"}],"failed":[monitor],
 *   "peer_failed":[monitor]}],"next","more"}: the samples of the last quarter of an hour from
 * number `from` on, oldest first, as many as can be told at once; where there are "more", they
 * are to be had from number "next". A sample is of the "ms" before "at"; time that is in no sample
 * is time in which the node was held up, or did not run. */
json_t *report_pulse(const struct report_input *in, uint64_t from);

/* {"version","schema"} */
json_t *report_version(const struct report_input *in);

/* {"ok":true,"result":text}, or {"error":text} when the command failed. */
json_t *report_result(enum result result);

#endif
