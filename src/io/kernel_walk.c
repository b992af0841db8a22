/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables that are walked through by somebody who waits for the kernel: not by a running engine. */
#include "kernel_state.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MS = 2000 };

struct walk {
	int dump_fd, tell_fd; /* owned */
	kernel_walked *each;
	void *user;
	uint8_t *bytes; /* owned; KERNEL_DUMP_MAX */
	unsigned told;
};

static ssize_t receive(const struct walk *w)
{
	struct pollfd wait = { .fd = w->dump_fd, .events = POLLIN };

	if (poll(&wait, 1, ANSWER_MS) != 1)
		return -ETIMEDOUT;
	ssize_t len = recv(w->dump_fd, w->bytes, KERNEL_DUMP_MAX, MSG_DONTWAIT);

	return len < 0 ? -errno : len;
}

/* One object of the dump. What the kernel refuses is not read. */
static void visit(struct walk *w, const struct nlmsghdr *dumped)
{
	_Alignas(struct nlmsghdr) uint8_t room[OBJECT_NETLINK_MAX];
	int len = w->each(w->user, dumped, room);

	if (len > 0 && send(w->tell_fd, room, (size_t)len, 0) == len)
		w->told++;
}

static int walk(struct walk *w, uint8_t kind)
{
	int len = object_ops_of(kind)->put_dump(w->bytes);

	if (send(w->dump_fd, w->bytes, (size_t)len, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t got = receive(w);
		size_t left = got > 0 ? (size_t)got : 0;

		if (got < 0)
			return (int)got;
		for (const struct nlmsghdr *nlh = kernel_message(w->bytes, left); nlh;
			nlh = kernel_next(nlh, &left)) {
			if (nlh->nlmsg_type == NLMSG_DONE)
				return (int)w->told;
			if (nlh->nlmsg_type == NLMSG_ERROR)
				return kernel_error_of(nlh);
			visit(w, nlh);
		}
	}
}

int kernel_walk(uint8_t kind, kernel_walked *each, void *user)
{
	int protocol = object_ops_of(kind)->nl_proto, result;
	struct walk w = { .each = each, .user = user, .dump_fd = kernel_socket(protocol) };

	if (w.dump_fd < 0)
		return w.dump_fd;
	w.tell_fd = kernel_socket(protocol);
	w.bytes = malloc(KERNEL_DUMP_MAX);
	result = w.tell_fd < 0 ? w.tell_fd : w.bytes == NULL ? -ENOMEM : walk(&w, kind);
	free(w.bytes);
	if (w.tell_fd >= 0)
		close(w.tell_fd);
	close(w.dump_fd);
	return result;
}

/* ---- what is left of IPsec ---------------------------------------------------------------- */

/* Ends of tunnels that the peer has; sorted once all are there. */
struct tunnels {
	struct object_ends *ends; /* owned */
	size_t n, max;
	bool failed;
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct object_ends));
}

static void note(struct tunnels *t, const struct object_ends *ends)
{
	if (t->n == t->max) {
		size_t max = t->max == 0 ? 256 : t->max * 2;
		struct object_ends *grown = realloc(t->ends, max * sizeof(*grown));

		t->failed |= grown == NULL;
		if (grown == NULL)
			return;
		t->ends = grown;
		t->max = max;
	}
	t->ends[t->n++] = *ends;
}

static int note_ends(void *user, const struct nlmsghdr *dumped, uint8_t room[OBJECT_NETLINK_MAX])
{
	struct object_ends ends;

	(void)room;
	if (object_left_of(dumped, &ends) == OBJECT_LEFT_GOES)
		note(user, &ends);
	return 0;
}

static int let_leave(void *user, const struct nlmsghdr *dumped, uint8_t room[OBJECT_NETLINK_MAX])
{
	const struct tunnels *t = user;
	struct object_ends ends;

	switch (object_left_of(dumped, &ends)) {
	case OBJECT_LEFT_STAYS: return 0;
	case OBJECT_LEFT_GOES: break;
	case OBJECT_LEFT_FOLLOWS:
		if (bsearch(&ends, t->ends, t->n, sizeof(ends), compare) == NULL)
			return 0;
	}
	return object_put_leave(dumped, room);
}

/* Policies before the SAs that they are for. */
static int leave(struct tunnels *t, unsigned *removed)
{
	static const uint8_t kinds[] = { OBJECT_POLICY, OBJECT_SA };
	int result = 0;

	for (unsigned i = 0; i < ARRAY_LEN(kinds) && result >= 0; i++)
		result = kernel_walk(kinds[i], note_ends, t);
	if (result >= 0 && t->failed)
		result = -ENOMEM;
	if (result < 0 || t->n == 0)
		return result;
	qsort(t->ends, t->n, sizeof(*t->ends), compare);
	for (unsigned i = 0; i < ARRAY_LEN(kinds) && result >= 0; i++) {
		result = kernel_walk(kinds[i], let_leave, t);
		*removed += result > 0 ? (unsigned)result : 0;
	}
	return result;
}

int kernel_leave_ipsec(const struct log *log)
{
	struct tunnels t = { .n = 0 };
	unsigned removed = 0;
	int result = kernel_absent() >> OBJECT_SA & 1 ? 0 : leave(&t, &removed);

	free(t.ends);
	if (removed > 0)
		log_info(log, "kernel: removed %u SAs and policies that the peer has", removed);
	if (result < 0)
		log_err(log, "kernel: what is left of IPsec: %s", strerror(-result));
	return result < 0 ? result : 0;
}
