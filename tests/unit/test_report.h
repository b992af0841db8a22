/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of the reports share: a pair as it is when all is well, and looking into JSON.
 */
#ifndef TESTS_UNIT_TEST_REPORT_H
#define TESTS_UNIT_TEST_REPORT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/report.h"
#include "nsrp/confread.h"

#define PAIR                                                                                       \
	"[cluster]\nid = 7\nkey-file = /etc/nsrpd/cluster.key\nmonitor-links = none\n"             \
	"[node fw1]\n[node fw2]\n"                                                                 \
	"[link ha0]\ninterface = eth2\n"                                                           \
	"[link ha1]\ntransport = udp\naddress.fw1 = 10.0.0.1\naddress.fw2 = 10.0.0.2:9000\n"       \
	"[group 0]\npriority.fw1 = 50\npriority.fw2 = 100\n"                                       \
	"address = 192.168.1.1/24 dev eth0\naddress = 2001:db8::1/64 dev eth1\n"                   \
	"route = default via 192.168.1.254 dev eth0 metric 7 table 9\n"                            \
	"[group 5]\naddress = 198.51.100.1/24 dev eth1\nsecondary-path = none\n"                   \
	"[monitor gateway]\ntype = ping\ntarget = 192.168.1.254\nweight = 100\ngroup = 0\n"        \
	"[monitor disk]\ntype = script\nprogram = /bin/true\ninterval = 1s\n"

enum { NOW_US = 100 * 1000000, WALL_MS = 1000000 };

struct pair {
	struct conf conf;
	struct node_view view;
	uint64_t counters[COUNTER_COUNT];
	int path_errors[CONF_PATHS_MAX];
	struct report_input in;
};

static inline void fail_found(
	void *user, enum conf_severity severity, const char *file, unsigned line, const char *text)
{
	(void)user;
	if (severity == CONF_SEVERITY_ERROR)
		fail_msg("%s:%u: %s", file, line, text);
}

static inline struct standing_view standing(enum group_state state, uint8_t priority)
{
	return (struct standing_view){
		.known = true,
		.state = state,
		.term = 4,
		.priority = priority,
		.eligible = true,
		.operable = true,
		.in_sync = true,
		.served = state == GROUP_MASTER,
		.holding = state == GROUP_MASTER,
	};
}

/* fw1 is master of both groups, fw2 ready to take over. */
static inline int set_up(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct conf_report report = { NULL, fail_found };

	assert_non_null(p);
	assert_int_equal(conf_read("pair", PAIR, strlen(PAIR), "fw1", &report, &p->conf), 0);
	p->view = (struct node_view){
		.now = { NOW_US },
		.peer_alive = true,
		.peer_since = { NOW_US - 30 * 1000000 },
		.peer_in_sync = true,
		.in_sync = true,
		.session = true,
		.mirror = { .on = true,
			.kinds = OBJECT_SESSIONS | OBJECT_SHARED,
			.up = true,
			.local = { [OBJECT_CONNTRACK] = 12345, [OBJECT_EXPECTATION] = 2 },
			.mirrored = { [OBJECT_CONNTRACK] = 1 },
			.index_used = 12348,
			.index_size = 524288,
			.past = { .sent = { 3, 12000, 210, { NOW_US - 25 * 1000000 } },
				.walks = 4,
				.own = { 4, 12340, 0, false, 0 },
				.own_ms = 150,
				.own_at = { NOW_US - 5 * 1000000 },
				.ours = { 4, 2048, 0, false, 0 } } },
		.realtime = true,
		.peer_realtime = true,
		.n_groups = p->conf.n_groups,
		.n_paths = p->conf.n_paths,
	};
	for (unsigned i = 0; i < p->conf.n_groups; i++) {
		p->view.group[i] = (struct group_view){
			.id = p->conf.group[i].id,
			.own = standing(GROUP_MASTER, p->conf.group[i].priority[0]),
			.peer = standing(GROUP_PRIMARY_BACKUP, p->conf.group[i].priority[1]),
			.master = 0,
			.since = { NOW_US - 20 * 1000000 },
			.rule = RULE_SITTING_MASTER,
			.reason = REASON_ELECTED,
		};
	}
	for (unsigned i = 0; i < p->conf.n_paths; i++)
		p->view.path[i] = (struct path_view){ PATH_ALIVE, true, { NOW_US - 12000 }, 9000 };
	memset(p->view.monitor_ok, true, sizeof(p->view.monitor_ok));
	p->in = (struct report_input){
		.conf = &p->conf,
		.view = &p->view,
		.counters = p->counters,
		.path_errors = p->path_errors,
		.wall_ms = WALL_MS,
		.version = "1.2.3",
	};
	*state = p;
	return 0;
}

static inline int tear_down(void **state)
{
	free(*state);
	return 0;
}

/* Compares the compact text of a member (or of an element's member) with `expected`. */
static inline void assert_member(json_t *object, const char *key, const char *expected)
{
	json_t *value = json_object_get(object, key);
	char *text;

	if (!value)
		fail_msg("there is no \"%s\"", key);
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	assert_non_null(text);
	if (strcmp(text, expected) != 0)
		fail_msg("\"%s\" is %s, not %s", key, text, expected);
	free(text);
}

static inline json_t *element(json_t *object, const char *key, size_t i)
{
	json_t *value = json_array_get(json_object_get(object, key), i);

	if (!value)
		fail_msg("\"%s\" has no element %zu", key, i);
	return value;
}

#endif
