/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What src/object makes of the real kernel's tables, for test_objects.sh.
 *
 *   objects print NS            every mirrored object of namespace NS, as text
 *   objects copy FROM TO        creates in TO what FROM has
 *   objects order OP NS TEXT    tells NS OP (hold, settle, ...) of the objects whose text has TEXT
 *   objects compare A B         exit 1 unless both have the same objects with the same prints
 *   objects events NS SECONDS   what the kernel says of changes
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "nsrp/object.h"

enum { STORED_MAX = 4096, RECEIVE_LEN = 1 << 16 };

struct stored {
	struct object object;
	uint8_t room[OBJECT_KEY_MAX + OBJECT_VALUE_MAX];
};

struct table {
	unsigned n, ignored;
	struct stored stored[STORED_MAX];
};

static struct table tables[2];
static struct object_host host = {
	.hold_s = 600,
	/* As the kernel's own defaults, but for what the test tells apart. */
	.timeouts = {
		.tcp = { 0, 120, 60, 432000, 120, 60, 30, 120, 10, 120 },
		.udp = 30, .udp_stream = 120, .icmp = 30, .icmpv6 = 30, .generic = 600,
		.gre = 30, .gre_stream = 180,
		.sctp = { 0, 10, 3, 3, 210, 3, 3, 3, 30, 30 },
	},
};

static void fail(const char *what)
{
	fprintf(stderr, "objects: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void enter(const char *ns)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		fail(ns);
	close(fd);
}

static struct mnl_socket *open_socket(unsigned groups)
{
	struct mnl_socket *s = mnl_socket_open(NETLINK_NETFILTER);

	if (s == NULL || mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0)
		fail("netlink");
	return s;
}

static void print_object(const struct object_ops *ops, const struct object *o)
{
	static const char *const names[] = { "", "whole", "change", "remove" };
	char text[OBJECT_TEXT_MAX];

	ops->print(span_of(o->key, o->key_len), span_of(o->value, o->value_len), text);
	printf("%s %s known=%u marks=%u base=%08x state=%04x rare=%04x bytes=%u+%u %s\n", ops->name,
		names[o->op & 3], o->known, o->marks, o->base, o->state, o->rare, o->key_len,
		o->value_len, text);
}

static void store(const struct object_ops *ops, struct table *t, const struct nlmsghdr *nlh)
{
	struct stored *s = &t->stored[t->n];
	int err;

	if (t->n == STORED_MAX)
		fail("too many objects");
	err = ops->parse(&host, nlh, &s->object, s->room);
	if (err == 0)
		t->n++;
	else if (err == -ENOMSG)
		t->ignored++;
	else
		fail("parse");
}

static void dump_kind(const struct object_ops *ops, struct table *t)
{
	struct mnl_socket *s = open_socket(0);
	static char room[OBJECT_NETLINK_MAX], buf[RECEIVE_LEN];
	bool more = true;
	int len = ops->put_dump(room);
	ssize_t n;

	if (mnl_socket_sendto(s, room, (size_t)len) < 0)
		fail("dump");
	while (more && (n = mnl_socket_recvfrom(s, buf, sizeof(buf))) > 0) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
		int left = (int)n;

		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR)
				more = false;
			else
				store(ops, t, nlh);
		}
	}
	mnl_socket_close(s);
}

static void dump(const char *ns, struct table *t)
{
	enter(ns);
	t->n = 0;
	for (unsigned i = 0; object_table[i] != NULL; i++) {
		if (object_table[i]->nl_proto == NETLINK_NETFILTER)
			dump_kind(object_table[i], t);
	}
}

/* What the kernel answers: 0 or a positive errno. */
static int tell(struct mnl_socket *s, const struct object *o, enum object_op op)
{
	const struct object_ops *ops = object_ops_of(o->kind);
	_Alignas(8) char room[OBJECT_NETLINK_MAX], buf[RECEIVE_LEN];
	int len = ops->put_order(
		&host, op, span_of(o->key, o->key_len), span_of(o->value, o->value_len), room);
	struct nlmsghdr *nlh = (struct nlmsghdr *)room;
	const struct nlmsghdr *answer = (const struct nlmsghdr *)buf;

	if (len == 0)
		return 0;
	if (len < 0)
		return -len;
	nlh->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(s, room, (size_t)len) < 0 ||
		mnl_socket_recvfrom(s, buf, sizeof(buf)) < 0)
		fail("order");
	if (answer->nlmsg_type != NLMSG_ERROR)
		fail("no acknowledgement");
	return -((const struct nlmsgerr *)mnl_nlmsg_get_payload(answer))->error;
}

static void print_text(const struct object *o, char text[OBJECT_TEXT_MAX])
{
	object_ops_of(o->kind)->print(
		span_of(o->key, o->key_len), span_of(o->value, o->value_len), text);
}

/* What misses its master is told again behind all others: a table has no order. */
static int order(const char *ns, const struct table *t, enum object_op op, const char *part)
{
	unsigned refused = 0, told = 0;
	static bool again[STORED_MAX];
	struct mnl_socket *s;

	enter(ns);
	s = open_socket(0);
	for (unsigned i = 0; i < 2 * t->n; i++) {
		const struct object *o = &t->stored[i % t->n].object;
		char text[OBJECT_TEXT_MAX];
		int err;

		print_text(o, text);
		if (strstr(text, part) == NULL || (i >= t->n && !again[i % t->n]))
			continue;
		err = tell(s, o, op);
		again[i % t->n] = err == ENOENT;
		told += i < t->n;
		if (err != 0 && (err != ENOENT || i >= t->n)) {
			printf("refused: %s: %s\n", strerror(err), text);
			refused++;
		}
	}
	mnl_socket_close(s);
	printf("%u told, %u refused\n", told, refused);
	return refused != 0 || told == 0;
}

static const struct object *find(const struct table *t, const struct object *wanted)
{
	for (unsigned i = 0; i < t->n; i++) {
		const struct object *o = &t->stored[i].object;

		if (o->kind == wanted->kind && o->key_len == wanted->key_len &&
			memcmp(o->key, wanted->key, o->key_len) == 0)
			return o;
	}
	return NULL;
}

static bool same(const struct object *a, const struct object *b)
{
	unsigned known = a->known & b->known;

	return (!(known & OBJECT_KNOWS_BASE) || a->base == b->base) &&
	       (!(known & OBJECT_KNOWS_STATE) || a->state == b->state) &&
	       (!(known & OBJECT_KNOWS_RARE) || a->rare == b->rare);
}

static int compare(const struct table *a, const struct table *b)
{
	unsigned differ = 0;

	for (unsigned i = 0; i < a->n; i++) {
		const struct object *o = &a->stored[i].object, *other = find(b, o);

		if (other != NULL && same(o, other))
			continue;
		differ++;
		print_object(object_ops_of(o->kind), o);
		if (other != NULL)
			print_object(object_ops_of(other->kind), other);
	}
	printf("%u and %u objects, %u differ\n", a->n, b->n, differ);
	return differ != 0 || a->n != b->n;
}

static void events(const char *ns, int seconds)
{
	static char buf[RECEIVE_LEN];
	static struct table t;
	struct mnl_socket *s;
	struct pollfd fd;

	enter(ns);
	s = open_socket(0);
	for (unsigned i = 0; object_table[i] != NULL; i++) {
		for (const uint32_t *g = object_table[i]->nl_groups; *g != 0; g++) {
			int group = (int)*g;

			mnl_socket_setsockopt(s, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
		}
	}
	fd = (struct pollfd){ .fd = mnl_socket_get_fd(s), .events = POLLIN };
	puts("# listens");
	fflush(stdout);
	while (poll(&fd, 1, seconds * 1000) > 0) {
		ssize_t n = mnl_socket_recvfrom(s, buf, sizeof(buf));
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
		int left = (int)n;

		for (; n > 0 && mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			for (unsigned i = 0; object_table[i] != NULL; i++) {
				t.n = 0;
				store(object_table[i], &t, nlh);
				if (t.n != 0)
					print_object(object_table[i], &t.stored[0].object);
			}
		}
		fflush(stdout);
	}
	mnl_socket_close(s);
}

static int op_of(const char *name)
{
	static const char *const names[] = { [OBJECT_CHANGE] = "change",
		[OBJECT_REMOVE] = "remove",
		[OBJECT_CREATE] = "create",
		[OBJECT_EVICT] = "evict",
		[OBJECT_HOLD] = "hold",
		[OBJECT_SETTLE] = "settle",
		[OBJECT_LOOSEN] = "loosen",
		[OBJECT_RETIME] = "retime" };

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (names[i] != NULL && strcmp(names[i], name) == 0)
			return (int)i;
	}
	fail(name);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";

	if (strcmp(verb, "print") == 0) {
		dump(argv[2], &tables[0]);
		for (unsigned i = 0; i < tables[0].n; i++)
			print_object(object_ops_of(tables[0].stored[i].object.kind),
				&tables[0].stored[i].object);
		printf("%u objects, %u not mirrored\n", tables[0].n, tables[0].ignored);
		return 0;
	}
	if (strcmp(verb, "copy") == 0 && argc == 4) {
		dump(argv[2], &tables[0]);
		return order(argv[3], &tables[0], OBJECT_CREATE, "");
	}
	if (strcmp(verb, "order") == 0 && argc == 5) {
		dump(argv[3], &tables[0]);
		return order(argv[3], &tables[0], (enum object_op)op_of(argv[2]), argv[4]);
	}
	if (strcmp(verb, "compare") == 0 && argc == 4) {
		dump(argv[2], &tables[0]);
		dump(argv[3], &tables[1]);
		return compare(&tables[0], &tables[1]);
	}
	if (strcmp(verb, "events") == 0 && argc == 4) {
		events(argv[2], (int)strtol(argv[3], NULL, 10));
		return 0;
	}
	fprintf(stderr, "usage: objects print|copy|order|compare|events ...\n");
	return 2;
}
