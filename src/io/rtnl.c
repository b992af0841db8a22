/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rtnl.h"

#include <assert.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	RECEIVE_MAX = 32 * 1024, /* what the kernel fills at most for one recvmsg of a dump */
	/* 256 refusals with text, each charged with its sk_buff. */
	RECEIVE_BUFFER = 1024 * 1024,
};

struct rtnl {
	struct mnl_socket *socket; /* owned */
	uint32_t sequence;         /* of the last message built */
	unsigned n;
	size_t used;
	struct rtnl_outcome outcome[RTNL_BATCH_MAX];
	_Alignas(struct nlmsghdr) uint8_t batch[RTNL_BATCH_MAX * RTNL_MESSAGE_MAX];
	_Alignas(struct nlmsghdr) uint8_t received[RECEIVE_MAX];
};

static int option(struct mnl_socket *socket, int type)
{
	int on = 1;

	return mnl_socket_setsockopt(socket, type, &on, sizeof(on)) < 0 ? -errno : 0;
}

static int rtnl_open(struct rtnl *r)
{
	const int bytes = RECEIVE_BUFFER;
	int result;

	r->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!r->socket)
		return -errno;
	if (mnl_socket_bind(r->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	/* The kernel answers while we send: all it has to say waits in the buffer at once. */
	if (setsockopt(mnl_socket_get_fd(r->socket), SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
		    sizeof(bytes)) < 0)
		(void)setsockopt(
			mnl_socket_get_fd(r->socket), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	result = option(r->socket, NETLINK_EXT_ACK);
	if (!result)
		result = option(r->socket, NETLINK_CAP_ACK);
	if (!result)
		result = option(r->socket, NETLINK_GET_STRICT_CHK);
	return result;
}

int rtnl_new(struct rtnl **ret_rtnl)
{
	struct rtnl *r = calloc(1, sizeof(*r));
	int result;

	if (!r)
		return -ENOMEM;
	result = rtnl_open(r);
	if (result) {
		rtnl_free(r);
		return result;
	}
	*ret_rtnl = r;
	return 0;
}

void rtnl_free(struct rtnl *r)
{
	if (!r)
		return;
	if (r->socket)
		mnl_socket_close(r->socket);
	free(r);
}

uint32_t rtnl_port(const struct rtnl *r)
{
	return mnl_socket_get_portid(r->socket);
}

void rtnl_begin(struct rtnl *r)
{
	r->n = 0;
	r->used = 0;
}

/* Closes the message that was built last. */
static void seal_last(struct rtnl *r)
{
	const struct nlmsghdr *nlh;

	if (r->n == 0)
		return;
	nlh = (const struct nlmsghdr *)(const void *)(r->batch + r->used);
	assert(nlh->nlmsg_len <= RTNL_MESSAGE_MAX);
	r->used += (nlh->nlmsg_len + NLMSG_ALIGNTO - 1u) & ~(NLMSG_ALIGNTO - 1u);
}

struct nlmsghdr *rtnl_add(struct rtnl *r, uint16_t type, uint16_t flags, uint32_t tag)
{
	struct nlmsghdr *nlh;

	if (r->n == RTNL_BATCH_MAX)
		return NULL;
	seal_last(r);
	nlh = mnl_nlmsg_put_header(r->batch + r->used);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST);
	nlh->nlmsg_seq = ++r->sequence;
	r->outcome[r->n] = (struct rtnl_outcome){ .tag = tag };
	r->n++;
	return nlh;
}

struct nlmsghdr *rtnl_ask(struct rtnl *r, uint16_t type)
{
	rtnl_begin(r);
	return rtnl_add(r, type, 0, 0);
}

unsigned rtnl_count(const struct rtnl *r)
{
	return r->n;
}

const struct rtnl_outcome *rtnl_outcome(const struct rtnl *r, unsigned i)
{
	assert(i < r->n);
	return &r->outcome[i];
}

/* One datagram into r->received; its length, or negative. -ENODATA: nothing waits. */
static ssize_t receive(struct rtnl *r)
{
	for (;;) {
		ssize_t len = mnl_socket_recvfrom(r->socket, r->received, sizeof(r->received));

		if (len >= 0)
			return len;
		if (errno == EAGAIN)
			return -ENODATA;
		if (errno != EINTR)
			return -errno;
	}
}

/* Answers to an older question, left behind when it failed half-way, must not be taken for
 * this one's. */
static void discard_pending(struct rtnl *r)
{
	for (unsigned i = 0; i < 4 * RTNL_BATCH_MAX; i++)
		if (receive(r) == -ENODATA)
			return;
}

static int transmit(struct rtnl *r)
{
	discard_pending(r);
	for (;;) {
		if (mnl_socket_sendto(r->socket, r->batch, r->used) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

/* The kernel's words, from the attributes behind a struct nlmsgerr. */
static void keep_text(const struct nlmsghdr *nlh, char text[RTNL_TEXT_MAX])
{
	const struct nlattr *table[NLMSGERR_ATTR_MSG + 1];
	const struct nlattr *message;
	size_t len;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || !(nlh->nlmsg_flags & NLM_F_CAPPED))
		return;
	if (!rtnl_attributes(nlh, sizeof(struct nlmsgerr), table, NLMSGERR_ATTR_MSG))
		return;
	message = table[NLMSGERR_ATTR_MSG];
	if (!message)
		return;
	len = mnl_attr_get_payload_len(message);
	if (len >= RTNL_TEXT_MAX)
		len = RTNL_TEXT_MAX - 1;
	memcpy(text, mnl_attr_get_payload(message), len);
	text[len] = '\0';
}

/* Notes one NLMSG_ERROR. True when it answers the batch's last message. */
static bool note_answer(struct rtnl *r, const struct nlmsghdr *nlh)
{
	uint32_t first = r->sequence - r->n + 1;
	uint32_t i = nlh->nlmsg_seq - first;
	const struct nlmsgerr *err;

	if (nlh->nlmsg_type != NLMSG_ERROR || i >= r->n ||
		mnl_nlmsg_get_payload_len(nlh) < sizeof(*err))
		return false;
	err = mnl_nlmsg_get_payload(nlh);
	r->outcome[i].error = err->error;
	keep_text(nlh, r->outcome[i].text);
	return i == r->n - 1;
}

int rtnl_send(struct rtnl *r)
{
	struct nlmsghdr *last = (struct nlmsghdr *)(void *)(r->batch + r->used);
	int result;

	if (r->n == 0)
		return 0;
	/* Refusals are told always, success only when asked for: the last message's answer
	 * says that all before it have been worked off. */
	last->nlmsg_flags |= NLM_F_ACK;
	seal_last(r);
	result = transmit(r);
	if (result)
		return result;
	for (;;) {
		ssize_t received = receive(r);
		int len = (int)received;

		if (received < 0)
			return (int)received;
		for (const struct nlmsghdr *nlh = (const void *)r->received; mnl_nlmsg_ok(nlh, len);
			nlh = mnl_nlmsg_next(nlh, &len))
			if (note_answer(r, nlh))
				return 0;
	}
}

enum { DUMP_GOES_ON = 1, DUMP_CHANGED = 2 };

/* Reads one datagram of an answer: 0 at its end, one of the above, or negative. */
static int read_answer(struct rtnl *r, const struct rtnl_reader *reader, bool dump)
{
	ssize_t received = receive(r);
	int len = (int)received;
	int result = 0;

	if (received < 0)
		return (int)received;
	for (const struct nlmsghdr *nlh = (const void *)r->received; mnl_nlmsg_ok(nlh, len);
		nlh = mnl_nlmsg_next(nlh, &len)) {
		const int *code = mnl_nlmsg_get_payload(nlh);

		if (nlh->nlmsg_seq != r->sequence)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			return DUMP_CHANGED;
		if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE)
			return mnl_nlmsg_get_payload_len(nlh) >= sizeof(*code) ? *code : -EBADMSG;
		result = reader->message(reader->user, nlh);
		if (result || !dump)
			return result;
	}
	return DUMP_GOES_ON;
}

static int ask(struct rtnl *r, const struct rtnl_reader *reader, bool dump)
{
	int result = transmit(r);

	if (!result)
		result = reader->message(reader->user, NULL);
	if (result)
		return result;
	do
		result = read_answer(r, reader, dump);
	while (result == DUMP_GOES_ON);
	return result;
}

int rtnl_dump(struct rtnl *r, const struct rtnl_reader *reader)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)r->batch;

	assert(r->n == 1);
	nlh->nlmsg_flags |= NLM_F_DUMP;
	seal_last(r);
	for (unsigned i = 0; i < RTNL_DUMP_TRIES; i++) {
		int result;

		nlh->nlmsg_seq = ++r->sequence;
		result = ask(r, reader, true);
		if (result != DUMP_CHANGED)
			return result;
	}
	return -EAGAIN;
}

int rtnl_get(struct rtnl *r, const struct rtnl_reader *reader)
{
	assert(r->n == 1);
	seal_last(r);
	return ask(r, reader, false);
}

static void clear_table(const struct nlattr **table, uint16_t max)
{
	for (unsigned i = 0; i <= max; i++)
		table[i] = NULL;
}

/* Sorts `len` bytes of attributes; libmnl's own loops lose const. */
static void sort_attributes(const void *data, size_t len, const struct nlattr **table, uint16_t max)
{
	const struct nlattr *attr = data;
	int left = len > INT32_MAX ? 0 : (int)len;

	clear_table(table, max);
	while (mnl_attr_ok(attr, left)) {
		int step = (attr->nla_len + NLA_ALIGNTO - 1) & ~(NLA_ALIGNTO - 1);

		if (mnl_attr_get_type(attr) <= max)
			table[mnl_attr_get_type(attr)] = attr;
		left -= step;
		attr = (const void *)((const uint8_t *)attr + step);
	}
}

bool rtnl_attributes(
	const struct nlmsghdr *nlh, size_t header_len, const struct nlattr **table, uint16_t max)
{
	size_t skip = (header_len + NLMSG_ALIGNTO - 1) & ~(size_t)(NLMSG_ALIGNTO - 1);
	size_t len = mnl_nlmsg_get_payload_len(nlh);

	if (nlh->nlmsg_len < sizeof(*nlh) || len < skip) {
		clear_table(table, max);
		return nlh->nlmsg_len >= sizeof(*nlh) && len >= header_len;
	}
	sort_attributes(mnl_nlmsg_get_payload_offset(nlh, skip), len - skip, table, max);
	return true;
}

void rtnl_nested(const struct nlattr *attr, const struct nlattr **table, uint16_t max)
{
	sort_attributes(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr), table, max);
}

uint32_t rtnl_u32(const struct nlattr *attr, uint32_t absent)
{
	return attr && mnl_attr_get_payload_len(attr) == sizeof(uint32_t) ? mnl_attr_get_u32(attr)
									  : absent;
}

uint8_t rtnl_u8(const struct nlattr *attr, uint8_t absent)
{
	return attr && mnl_attr_get_payload_len(attr) == sizeof(uint8_t) ? mnl_attr_get_u8(attr)
									 : absent;
}
