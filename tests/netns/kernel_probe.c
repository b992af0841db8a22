/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kernel_probe: what io/kernel does with the real kernel.
 *
 *   kernel_probe watch MS     prints what it hears in so many milliseconds
 *   kernel_probe              runs its cases, each in a network namespace of its own, and prints
 *                             `ok - …`, `not ok - …` or `skip - …` for each
 */
#include "session_order.h"

#include <fcntl.h>
#include <linux/xfrm.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SESSIONS_MAX = 40000, BUCKETS_TEXT = 32 };

static struct {
	unsigned n, n_refused;
	unsigned seen[SESSIONS_MAX]; /* by session, since the last forget() */
	uint8_t op[SESSIONS_MAX];
	int error[SESSIONS_MAX]; /* by index of refusal */
	unsigned refused[SESSIONS_MAX];
} heard;

static bool good;
static int buckets = -1; /* writable, of the first namespace */

#define CHECK(claim) check((claim), #claim, __LINE__)
static void check(bool claim, const char *text, int line)
{
	if (!claim)
		printf("# line %d: not so: %s\n", line, text);
	good = good && claim;
}

static void forget(void)
{
	memset(&heard, 0, sizeof(heard));
}

/* The number of a session, by what its key prints. */
static unsigned number_of(const uint8_t *key, size_t len)
{
	char text[OBJECT_TEXT_MAX];
	unsigned host = 0, port = 0, i;

	object_ops_of(OBJECT_CONNTRACK)->print(span_of(key, len), span_of(NULL, 0), text);
	if (sscanf(text, "tcp src=10.0.0.%u dst=198.51.100.1 sport=%u", &host, &port) != 2)
		return SESSIONS_MAX;
	i = (host - 1) * SESSION_PORTS + port - 10000;
	return i < SESSIONS_MAX ? i : SESSIONS_MAX;
}

static void on_heard(void *user, const struct object_batch *batch)
{
	(void)user;
	for (unsigned i = 0; i < batch->n; i++) {
		const struct object *o = &batch->object[i];
		unsigned number = number_of(o->key, o->key_len);

		heard.n++;
		if (number == SESSIONS_MAX)
			continue;
		heard.seen[number]++;
		heard.op[number] = o->op;
	}
}

static void on_refused(void *user, const struct object_order *order, int error)
{
	(void)user;
	if (heard.n_refused == SESSIONS_MAX)
		return;
	heard.refused[heard.n_refused] = number_of(object_order_key(order), order->key_len);
	heard.error[heard.n_refused++] = error;
}

static struct kernel *open_kernel(size_t receive_buffer)
{
	const struct kernel_setup setup = { .log = &stderr_log,
		.hold_s = 600,
		.receive_buffer = receive_buffer,
		.heard = on_heard,
		.refused = on_refused };
	struct kernel *k = NULL;

	must(kernel_new(&setup, &k) == 0, "kernel");
	return k;
}

static int read_all(struct kernel *k)
{
	int result = 1;

	while (result == 1)
		result = kernel_read_events(k, 0, 1000);
	return result;
}

/* A whole dump; what it ended with. */
static int dump_all(struct kernel *k)
{
	int result = kernel_dump_start(k, OBJECT_CONNTRACK);

	if (result == 0)
		do
			result = kernel_dump_step(k);
		while (result == 1 || result == -EINTR);
	return result;
}

static unsigned count_seen(unsigned first, unsigned n)
{
	unsigned seen = 0;

	for (unsigned i = first; i < first + n; i++)
		seen += heard.seen[i] > 0;
	return seen;
}

/* ---- cases --------------------------------------------------------------------------------- */

static void own_writes_are_not_heard_back(void)
{
	static struct alien alien;
	struct kernel *k = open_kernel(0);
	struct orders o;

	alien_open(&alien);
	orders_new(&o, 1000);
	for (unsigned i = 0; i < 300; i++)
		orders_add_session(&o, OBJECT_CREATE, i, 1);
	CHECK(orders_write(&o, k) == 0);
	CHECK(kernel_conntrack_count() == 300);
	for (unsigned i = 0; i < 300; i++)
		orders_add_session(&o, OBJECT_WHOLE, i, 2);
	CHECK(orders_write(&o, k) == 0);
	CHECK(alien_create(&alien, 300, 10, 1) == 0);
	for (unsigned i = 0; i < 300; i++)
		orders_add_session(&o, OBJECT_REMOVE, i, 0);
	CHECK(orders_write(&o, k) == 0);
	CHECK(alien_delete(&alien, 300, 5) == 0);
	CHECK(kernel_conntrack_count() == 5);
	CHECK(read_all(k) == 0);
	CHECK(heard.n == 15);
	CHECK(count_seen(0, 300) == 0 && count_seen(300, 10) == 10);
	CHECK(heard.op[300] == OBJECT_REMOVE && heard.op[309] == OBJECT_WHOLE);
	orders_free(&o);
	kernel_free(k);
}

static void of_many_orders_exactly_the_refused_are_named(void)
{
	static const unsigned there[] = { 0, 1, 777, 9999, 10000, 19999 };
	static struct alien alien;
	struct kernel *k = open_kernel(0);
	struct orders o;

	alien_open(&alien);
	for (unsigned i = 0; i < ARRAY_LEN(there); i++)
		CHECK(alien_create(&alien, there[i], 1, 9) == 0);
	orders_new(&o, 21000);
	for (unsigned i = 0; i < 20000; i++)
		orders_add_session(&o, OBJECT_CREATE, i, 1);
	orders_add_session(&o, OBJECT_CHANGE, 30000, 1);
	orders_add_session(&o, OBJECT_REMOVE, 30001, 1);
	orders_add_session(&o, OBJECT_HOLD, 30002, 1);
	orders_add_session(&o, OBJECT_CHANGE, 5, 3);
	CHECK(orders_write(&o, k) == ARRAY_LEN(there) + 1);
	CHECK(heard.n_refused == ARRAY_LEN(there) + 1);
	for (unsigned i = 0; i < ARRAY_LEN(there); i++)
		CHECK(heard.refused[i] == there[i] && heard.error[i] == EEXIST);
	CHECK(heard.refused[6] == 30000 && heard.error[6] == ENOENT);
	CHECK(kernel_conntrack_count() == 20000);
	CHECK(kernel_counters(k)->orders == 20004 && kernel_counters(k)->refused == 7);
	orders_free(&o);
	kernel_free(k);
}

static void what_is_there_is_replaced(void)
{
	static struct alien alien;
	struct kernel *k = open_kernel(0);
	struct orders o;

	alien_open(&alien);
	orders_new(&o, 6000);
	CHECK(alien_create(&alien, 0, 3000, 7) == 0);
	for (unsigned i = 0; i < 5000; i++)
		orders_add_session(&o, OBJECT_WHOLE, i, i % 2 ? 0 : 8);
	CHECK(orders_write(&o, k) == 0);
	CHECK(kernel_conntrack_count() == 5000);
	/* A mark of 0 cannot be told to an existing session by omission: it was made anew. */
	orders_add_session(&o, OBJECT_WHOLE, 4, 9);
	orders_add_session(&o, OBJECT_REMOVE, 4, 0);
	CHECK(orders_write(&o, k) == 0);
	CHECK(kernel_conntrack_count() == 4999);
	CHECK(dump_all(k) == 0);
	CHECK(heard.n == 4999 && heard.seen[4] == 0 && count_seen(0, 5000) == 4999);
	orders_free(&o);
	kernel_free(k);
}

static void many_refusals_fit_into_the_buffer_for_answers(void)
{
	static struct alien alien;
	struct kernel *k = open_kernel(0);
	struct orders o;

	alien_open(&alien);
	CHECK(alien_create(&alien, 0, 20000, 7) == 0);
	orders_new(&o, 20000);
	for (unsigned i = 0; i < 20000; i++)
		orders_add_session(&o, OBJECT_CREATE, i, 8);
	CHECK(orders_write(&o, k) == 20000);
	for (unsigned i = 0; i < 20000; i++)
		good = good && heard.refused[i] == i && heard.error[i] == EEXIST;
	CHECK(good);
	orders_free(&o);
	kernel_free(k);
}

static void a_loss_is_told_and_reading_goes_on(void)
{
	static struct alien alien;
	struct kernel *k = open_kernel(4096);
	unsigned before;

	alien_open(&alien);
	CHECK(alien_create(&alien, 0, 5000, 7) == 0);
	CHECK(read_all(k) == -ENOBUFS);
	before = heard.n;
	CHECK(before > 0 && before < 5000);
	CHECK(kernel_counters(k)->overruns == 1);
	CHECK(alien_create(&alien, 6000, 2, 7) == 0);
	CHECK(read_all(k) == 0);
	CHECK(heard.n == before + 2 && count_seen(6000, 2) == 2);
	CHECK(dump_all(k) == 0);
	CHECK(count_seen(0, 5000) == 5000);
	kernel_free(k);
}

static void one_session_can_be_asked_for(void)
{
	static struct alien alien;
	struct kernel *k = open_kernel(0);
	const struct object_order *order;
	struct orders o;

	alien_open(&alien);
	CHECK(alien_create(&alien, 5, 1, 7) == 0);
	orders_new(&o, 2);
	orders_add_session(&o, OBJECT_REMOVE, 5, 0);
	order = (const void *)o.bytes;
	CHECK(kernel_get(k, OBJECT_CONNTRACK, span_of(object_order_key(order), order->key_len)) ==
		0);
	CHECK(heard.n == 1 && heard.seen[5] == 1 && heard.op[5] == OBJECT_WHOLE);
	CHECK(alien_delete(&alien, 5, 1) == 0);
	CHECK(kernel_get(k, OBJECT_CONNTRACK, span_of(object_order_key(order), order->key_len)) ==
		-ENOENT);
	CHECK(heard.n == 1);
	orders_free(&o);
	kernel_free(k);
}

/* Another process that makes and removes sessions until it is ended. */
static pid_t start_churn(void)
{
	static struct alien alien;
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	alien_open(&alien);
	for (;;) {
		(void)alien_create(&alien, 20000, 5000, 1);
		(void)alien_delete(&alien, 20000, 5000);
	}
}

static void stop_churn(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static void a_dump_during_churn_misses_nothing_that_stays(void)
{
	static struct alien alien;
	struct kernel *k = open_kernel(0);
	pid_t churn;

	alien_open(&alien);
	CHECK(alien_create(&alien, 0, 10000, 7) == 0);
	churn = start_churn();
	for (unsigned i = 0; i < 20; i++) {
		forget();
		CHECK(dump_all(k) == 0);
		CHECK(count_seen(0, 10000) == 10000);
	}
	stop_churn(churn);
	CHECK(kernel_counters(k)->malformed == 0);
	kernel_free(k);
}

static void a_dump_can_be_broken_off(void)
{
	static struct alien alien;
	struct kernel *k = open_kernel(0);

	alien_open(&alien);
	CHECK(alien_create(&alien, 0, 10000, 7) == 0);
	for (unsigned steps = 0; steps < 5; steps++) {
		CHECK(kernel_dump_start(k, OBJECT_CONNTRACK) == 0);
		for (unsigned i = 0; i < steps; i++)
			CHECK(kernel_dump_step(k) == 1);
		kernel_dump_stop(k);
	}
	forget();
	CHECK(dump_all(k) == 0);
	CHECK(heard.n == 10000 && count_seen(0, 10000) == 10000);
	CHECK(kernel_dump_start(k, OBJECT_CONNTRACK) == 0);
	kernel_free(k);
}

/* Machine-wide, so as short as can be. */
static bool resize(unsigned n)
{
	char text[BUCKETS_TEXT];
	int len = snprintf(text, sizeof(text), "%u\n", n);

	return pwrite(buckets, text, (size_t)len, 0) == len;
}

static void a_dump_begins_anew_when_the_hash_is_resized(void)
{
	static struct alien alien;
	struct kernel *k = open_kernel(0);
	char text[BUCKETS_TEXT] = "";
	unsigned n, restarts = 0;
	int result;

	CHECK(pread(buckets, text, sizeof(text) - 1, 0) > 0);
	n = (unsigned)strtoul(text, NULL, 10);
	alien_open(&alien);
	CHECK(alien_create(&alien, 0, 10000, 7) == 0);
	CHECK(kernel_dump_start(k, OBJECT_CONNTRACK) == 0);
	for (unsigned i = 0; i < 20; i++)
		CHECK(kernel_dump_step(k) == 1);
	CHECK(resize(n / 2));
	do {
		result = kernel_dump_step(k);
		if (result == -EINTR)
			forget();
		restarts += result == -EINTR;
	} while (result == 1 || result == -EINTR);
	CHECK(resize(n));
	CHECK(result == 0);
	CHECK(restarts == 1 && kernel_counters(k)->dumps_restarted == 1);
	CHECK(heard.n == 10000 && count_seen(0, 10000) == 10000);
	kernel_free(k);
}

/* Two sessions of one reply tuple: a server's answers would belong to either. */
static void a_clash_is_refused_or_evicted(void)
{
	static struct alien alien;
	struct kernel *k = open_kernel(0);
	_Alignas(8) uint8_t room[1024];
	struct nlmsghdr *nlh;
	struct nlattr *tuple;
	struct orders o;

	alien_open(&alien);
	orders_new(&o, 4);
	CHECK(alien_create(&alien, 5, 1, 7) == 0);
	/* Session 6 behind the address and port of session 5. */
	nlh = session_begin(room, IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL);
	session_put_tuple(nlh, CTA_TUPLE_ORIG, session_client(6), session_server());
	session_put_tuple(nlh, CTA_TUPLE_REPLY, session_server(), session_client(5));
	mnl_attr_put_u32(nlh, CTA_STATUS,
		htonl(IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED | IPS_SRC_NAT |
			IPS_NAT_DONE_MASK));
	mnl_attr_put_u32(nlh, CTA_TIMEOUT, htonl(3600));
	tuple = mnl_attr_nest_start(nlh, CTA_PROTOINFO);
	mnl_attr_nest_end(nlh, tuple);
	orders_add(&o, OBJECT_WHOLE, false, nlh);
	CHECK(orders_write(&o, k) == 1 && heard.error[0] == EEXIST);
	CHECK(kernel_conntrack_count() == 1);
	orders_add(&o, OBJECT_WHOLE, true, nlh);
	CHECK(orders_write(&o, k) == 0);
	CHECK(kernel_conntrack_count() == 1);
	CHECK(dump_all(k) == 0);
	CHECK(heard.n == 1 && heard.seen[6] == 1);
	orders_free(&o);
	kernel_free(k);
}

static void the_timeouts_are_the_namespace_s(void)
{
	struct kernel *k = open_kernel(0);
	int fd = open("/proc/sys/net/netfilter/nf_conntrack_udp_timeout", O_WRONLY | O_CLOEXEC);

	CHECK(kernel_host(k)->timeouts.udp == 30 && !kernel_host(k)->tcp_liberal);
	CHECK(fd >= 0 && write(fd, "77\n", 3) == 3);
	kernel_refresh_host(k);
	CHECK(kernel_host(k)->timeouts.udp == 77);
	CHECK(kernel_conntrack_max() > 0 && kernel_conntrack_count() == 0);
	close(fd);
	kernel_free(k);
}

/* As the kernel says that all policies went, where it knows of one type of them alone. */
static void a_message_of_a_header_alone_is_heard(void)
{
	const struct nlmsghdr bare = { .nlmsg_len = NLMSG_HDRLEN,
		.nlmsg_type = XFRM_MSG_FLUSHPOLICY };
	struct kernel *k = open_kernel(0);
	int fds[4], n = (int)kernel_event_fds(k, fds);

	for (int i = 0; i < n; i++) {
		struct sockaddr_nl to;
		int protocol = 0;
		socklen_t len = sizeof(to), protocol_len = sizeof(protocol);

		CHECK(getsockname(fds[i], (void *)&to, &len) == 0);
		CHECK(getsockopt(fds[i], SOL_SOCKET, SO_PROTOCOL, &protocol, &protocol_len) == 0);
		to.nl_groups = 0;
		int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

		CHECK(sendto(fd, &bare, sizeof(bare), 0, (void *)&to, len) == sizeof(bare));
		CHECK(kernel_read_events(k, (unsigned)i, 10) ==
			(protocol == NETLINK_XFRM ? -ENOBUFS : 0));
		CHECK(kernel_counters(k)->events == (unsigned)i + 1);
		close(fd);
	}
	kernel_free(k);
}

/* ---- the program --------------------------------------------------------------------------- */

struct probe_case {
	const char *name;
	void (*run)(void);
	bool resizes;
};

/* True when the case did not fail. */
static bool run_case(const struct probe_case *c)
{
	int status;
	pid_t pid;

	if (c->resizes && buckets < 0) {
		printf("skip - %s: the hash cannot be resized here\n", c->name);
		return true;
	}
	(void)fflush(stdout);
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0) {
		must(unshare(CLONE_NEWNET) == 0, "a network namespace");
		good = true;
		c->run();
		(void)fflush(stdout);
		exit(good ? 0 : 1);
	}
	must(waitpid(pid, &status, 0) == pid, "wait");
	good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	printf("%s - %s\n", good ? "ok" : "not ok", c->name);
	return good;
}

static int run_cases(void)
{
	static const struct probe_case cases[] = {
#define CASE(name) { #name, name, false }
		CASE(own_writes_are_not_heard_back),
		CASE(of_many_orders_exactly_the_refused_are_named),
		CASE(what_is_there_is_replaced),
		CASE(many_refusals_fit_into_the_buffer_for_answers),
		CASE(a_loss_is_told_and_reading_goes_on),
		CASE(one_session_can_be_asked_for),
		CASE(a_dump_during_churn_misses_nothing_that_stays),
		CASE(a_dump_can_be_broken_off),
		{ "a_dump_begins_anew_when_the_hash_is_resized",
			a_dump_begins_anew_when_the_hash_is_resized, true },
		CASE(a_clash_is_refused_or_evicted),
		CASE(the_timeouts_are_the_namespace_s),
		CASE(a_message_of_a_header_alone_is_heard),
#undef CASE
	};
	bool all = true;

	buckets = open("/proc/sys/net/netfilter/nf_conntrack_buckets", O_RDWR | O_CLOEXEC);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
		all = run_case(&cases[i]) && all;
	return all ? 0 : 1;
}

static void print_heard(void *user, const struct object_batch *batch)
{
	static const char *const names[] = { "?", "whole", "change", "remove" };

	(void)user;
	for (unsigned i = 0; i < batch->n; i++) {
		const struct object *o = &batch->object[i];
		char text[OBJECT_TEXT_MAX];

		object_ops_of(o->kind)->print(
			span_of(o->key, o->key_len), span_of(o->value, o->value_len), text);
		printf("%s %s\n", names[o->op < ARRAY_LEN(names) ? o->op : 0], text);
	}
}

static int watch(int ms)
{
	const struct kernel_setup setup = {
		.log = &stderr_log, .hold_s = 600, .heard = print_heard, .refused = on_refused
	};
	struct timespec begin, now;
	struct kernel *k = NULL;
	int fds[4], left = ms;

	must(kernel_new(&setup, &k) == 0, "kernel");
	must(kernel_event_fds(k, fds) >= 1, "event sockets");
	printf("ready\n");
	(void)fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (left > 0) {
		struct pollfd event = { .fd = fds[0], .events = POLLIN };

		if (poll(&event, 1, left) > 0)
			must(kernel_read_events(k, 0, 1000) >= 0, "reading");
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = ms - (int)((now.tv_sec - begin.tv_sec) * 1000 +
				    (now.tv_nsec - begin.tv_nsec) / 1000000);
	}
	kernel_free(k);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "watch") == 0)
		return watch((int)strtol(argv[2], NULL, 10));
	return run_cases();
}
