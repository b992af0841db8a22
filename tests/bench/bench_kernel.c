/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_kernel: what src/io/kernel*.c and the kinds cost beyond the kernel's own work.
 *
 *   bench_kernel [SESSIONS [ROUNDS]]
 *
 * Every figure stands beside that of a bare loop over libmnl that does the same in the same run:
 * it reads without looking at what it reads, and writes messages that were made beforehand.
 * Medians of all rounds, the share's of its own, by processor time. In a network namespace of its
 * own.
 */
#include "../netns/session_order.h"

#include <linux/filter.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PRESET_SESSIONS = 50000,
	PRESET_ROUNDS = 7,
	ROUNDS_MAX = 99,
	CHURN_MS = 500,
	RECEIVE = 32 * 1024
};

enum figure { QUEUED, CHURN, DUMP, CREATE, REPLACE, REMOVE, PAIR, FIGURES };

static const char *const names[FIGURES] = {
	[QUEUED] = "events queued, read",
	[CHURN] = "events of live churn, read",
	[DUMP] = "objects dumped",
	[CREATE] = "creations",
	[REPLACE] = "replacements of what is there",
	[REMOVE] = "removals",
	[PAIR] = "events read, carried out elsewhere",
};

static unsigned n_sessions = PRESET_SESSIONS;
static unsigned n_heard;
static unsigned n_rounds = PRESET_ROUNDS, round_now;
static double rates[FIGURES][2][ROUNDS_MAX]; /* a second; bare, ours */
static struct kernel *k, *other;
static struct alien alien;
static struct mnl_socket *events;
static struct orders orders;
static _Alignas(8) uint8_t received[RECEIVE];

/* Processor time, as the machine is shared; the kernel works in our name. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void note(enum figure figure, bool ours, unsigned n, double seconds)
{
	rates[figure][ours][round_now] = seconds > 0 ? n / seconds : 1;
}

static void on_heard(void *user, const struct object_batch *batch)
{
	(void)user;
	n_heard += batch->n;
}

static void on_refused(void *user, const struct object_order *order, int error)
{
	(void)user;
	(void)order;
	fprintf(stderr, "refused: %d\n", error);
}

static struct kernel *open_kernel(void (*to)(void *user, const struct object_batch *batch))
{
	const struct kernel_setup setup = {
		.log = &stderr_log, .hold_s = 600, .heard = to, .refused = on_refused
	};
	struct kernel *ret = NULL;

	must(kernel_new(&setup, &ret) == 0, "kernel");
	return ret;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Hears all but what `port` caused. */
static void open_events(uint32_t port)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(port), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	const struct sock_fprog program = { .len = ARRAY_LEN(f), .filter = f };
	int groups[] = { NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE,
		NFNLGRP_CONNTRACK_DESTROY };
	int bytes = 64 * 1024 * 1024;

	events = mnl_socket_open2(NETLINK_NETFILTER, SOCK_NONBLOCK | SOCK_CLOEXEC);
	must(events && mnl_socket_bind(events, 0, MNL_SOCKET_AUTOPID) == 0, "event socket");
	must(setsockopt(mnl_socket_get_fd(events), SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
		     sizeof(bytes)) == 0,
		"receive buffer");
	must(setsockopt(mnl_socket_get_fd(events), SOL_SOCKET, SO_ATTACH_FILTER, &program,
		     sizeof(program)) == 0,
		"filter");
	for (unsigned i = 0; i < ARRAY_LEN(groups); i++)
		must(mnl_socket_setsockopt(
			     events, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])) == 0,
			"group");
}

static unsigned read_bare(void)
{
	unsigned n = 0;

	while (mnl_socket_recvfrom(events, received, sizeof(received)) > 0)
		n++;
	return n;
}

static unsigned read_ours(void)
{
	n_heard = 0;
	while (kernel_read_events(k, 0, 1000) == 1)
		;
	return n_heard;
}

static void measure_queued(bool ours)
{
	double begin;
	unsigned n;

	must(alien_create(&alien, 0, n_sessions, 1) == 0, "create");
	begin = now();
	n = ours ? read_ours() : read_bare();
	note(QUEUED, ours, n, now() - begin);
	must(n == n_sessions, "all events");
	must(alien_delete(&alien, 0, n_sessions) == 0, "delete");
}

static pid_t start_churn(void)
{
	static struct alien another;
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid > 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	alien_open(&another);
	for (;;) {
		(void)alien_create(&another, 0, 2000, 1);
		(void)alien_delete(&another, 0, 2000);
	}
}

static void measure_churn(bool ours)
{
	pid_t churn = start_churn();
	double begin, passed;
	unsigned n = 0;

	usleep(50000);
	(void)(ours ? read_ours() : read_bare());
	begin = now();
	do {
		n += ours ? read_ours() : read_bare();
		passed = now() - begin;
	} while (passed < CHURN_MS / 1000.0);
	note(CHURN, ours, n, passed);
	(void)kill(churn, SIGKILL);
	(void)waitpid(churn, NULL, 0);
	(void)alien_delete(&alien, 0, 2000);
	(void)(ours ? read_ours() : read_bare());
}

static unsigned dump_bare(void)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	_Alignas(8) uint8_t room[256];
	struct nlmsghdr *question =
		session_begin(room, IPCTNL_MSG_CT_GET, NLM_F_REQUEST | NLM_F_DUMP);
	unsigned n = 0;

	must(socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0, "dump socket");
	((struct nfgenmsg *)mnl_nlmsg_get_payload(question))->nfgen_family = AF_UNSPEC;
	must(mnl_socket_sendto(socket, question, question->nlmsg_len) > 0, "dump");
	for (bool done = false; !done;) {
		int len = (int)mnl_socket_recvfrom(socket, received, sizeof(received));

		must(len > 0, "dump read");
		for (const struct nlmsghdr *nlh = (const void *)received; mnl_nlmsg_ok(nlh, len);
			nlh = mnl_nlmsg_next(nlh, &len)) {
			done = nlh->nlmsg_type == NLMSG_DONE;
			n += !done;
		}
	}
	mnl_socket_close(socket);
	return n;
}

static unsigned dump_ours(void)
{
	n_heard = 0;
	must(kernel_dump_start(k, OBJECT_CONNTRACK) == 0, "dump");
	while (kernel_dump_step(k) == 1)
		;
	return n_heard;
}

/* ---- writing ------------------------------------------------------------------------------- */

/* Rows of messages made beforehand, each sent in one go. */
struct rows {
	unsigned n;
	struct alien *row; /* owned; only their rows are used */
};

static void rows_new(struct rows *rows, bool create)
{
	rows->n = 0;
	rows->row = calloc(n_sessions / 128 + 1, sizeof(*rows->row));
	must(rows->row != NULL, "memory");
	for (unsigned i = 0; i < n_sessions; i++) {
		struct alien *a = &rows->row[rows->n];
		struct nlmsghdr *nlh = (void *)(a->row + a->used);

		nlh = create ? session_new(nlh, i, 1) : session_delete(nlh, i);
		alien_added(a, nlh);
		if (a->used + 1024 > sizeof(a->row) || i == n_sessions - 1) {
			a->socket = alien.socket;
			rows->n++;
		}
	}
}

static void rows_send(const struct rows *rows)
{
	for (unsigned i = 0; i < rows->n; i++) {
		size_t used = rows->row[i].used;

		rows->row[i].refused = 0;
		alien_send(&rows->row[i]);
		rows->row[i].used = used;
		must(rows->row[i].refused == 0, "bare row");
	}
}

static void measure_bare_writes(const struct rows *create, const struct rows *delete)
{
	double begin;

	open_events(mnl_socket_get_portid(alien.socket));
	begin = now();
	rows_send(create);
	note(CREATE, false, n_sessions, now() - begin);
	begin = now();
	must(dump_bare() == n_sessions, "bare dump");
	note(DUMP, false, n_sessions, now() - begin);
	begin = now();
	rows_send(delete);
	rows_send(create);
	note(REPLACE, false, n_sessions, now() - begin);
	begin = now();
	rows_send(delete);
	note(REMOVE, false, n_sessions, now() - begin);
	must(read_bare() == 0, "silence");
	mnl_socket_close(events);
}

static double write_ours(uint8_t op)
{
	double begin;

	for (unsigned i = 0; i < n_sessions; i++)
		orders_add_session(&orders, op, i, 1);
	begin = now();
	must(orders_write(&orders, k) == 0, "ours");
	return now() - begin;
}

static void measure_our_writes(void)
{
	double begin;

	k = open_kernel(on_heard);
	note(CREATE, true, n_sessions, write_ours(OBJECT_WHOLE));
	begin = now();
	must(dump_ours() == n_sessions, "our dump");
	note(DUMP, true, n_sessions, now() - begin);
	note(REPLACE, true, n_sessions, write_ours(OBJECT_WHOLE));
	note(REMOVE, true, n_sessions, write_ours(OBJECT_REMOVE));
	must(read_ours() == 0, "silence");
	kernel_free(k);
}

/* ---- both ---------------------------------------------------------------------------------- */

/* What is heard becomes orders for the other namespace at once. */
static void on_heard_for_other(void *user, const struct object_batch *batch)
{
	_Alignas(8) static uint8_t row[OBJECT_BATCH_MAX * 160];
	size_t used = 0;

	(void)user;
	for (unsigned i = 0; i < batch->n; i++) {
		const struct object *o = &batch->object[i];
		const struct object_order order = { .kind = o->kind,
			.op = o->op,
			.key_len = o->key_len,
			.value_len = o->value_len };

		memcpy(row + used, &order, sizeof(order));
		memcpy(row + used + sizeof(order), o->key, o->key_len);
		memcpy(row + used + sizeof(order) + o->key_len, o->value, o->value_len);
		used += object_order_len(&order);
	}
	n_heard += batch->n;
	must(kernel_write(other, span_of(row, used)) == 0, "other");
}

static void measure_pair(struct kernel *reader, struct alien *elsewhere)
{
	double begin;
	unsigned n = 0;

	must(alien_create(&alien, 0, n_sessions, 1) == 0, "create");
	begin = now();
	if (reader) {
		n_heard = 0;
		while (kernel_read_events(reader, 0, 1000) == 1)
			;
		n = n_heard;
		note(PAIR, true, n, now() - begin);
	} else {
		ssize_t len;

		elsewhere->refused = 0;
		while ((len = mnl_socket_recvfrom(events, received, sizeof(received))) > 0) {
			alien_added(elsewhere, session_new(alien_room(elsewhere), n, 1));
			n++;
		}
		alien_send(elsewhere);
		must(elsewhere->refused == 0, "bare pair");
		note(PAIR, false, n, now() - begin);
	}
	must(n == n_sessions, "all of the pair");
	must(alien_delete(elsewhere, 0, n_sessions) == 0, "delete elsewhere");
	must(alien_delete(&alien, 0, n_sessions) == 0, "delete");
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, n_rounds, sizeof(*values), by_size);
	return values[n_rounds / 2];
}

static void print_table(void)
{
	printf("%-36s %10s %10s %7s\n", "a second of processor time", "bare", "ours", "share");
	for (unsigned i = 0; i < FIGURES; i++) {
		double share[ROUNDS_MAX], bare, ours;

		for (unsigned j = 0; j < n_rounds; j++)
			share[j] = 100 * rates[i][1][j] / rates[i][0][j];
		bare = median(rates[i][0]);
		ours = median(rates[i][1]);
		printf("%-36s %10.0f %10.0f %6.0f%%\n", names[i], bare, ours, median(share));
	}
}

int main(int argc, char **argv)
{
	static struct alien elsewhere;
	struct rows create, delete;

	if (argc > 1)
		n_sessions = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		n_rounds = (unsigned)strtoul(argv[2], NULL, 10);
	must(n_sessions > 0 && n_rounds > 0 && n_rounds <= ROUNDS_MAX, "numbers");
	must(unshare(CLONE_NEWNET) == 0, "a network namespace (needs root)");
	other = open_kernel(on_heard);
	alien_open(&elsewhere);
	must(unshare(CLONE_NEWNET) == 0, "a network namespace");
	alien_open(&alien);
	orders_new(&orders, n_sessions);
	rows_new(&create, true);
	rows_new(&delete, false);
	for (round_now = 0; round_now < n_rounds; round_now++) {
		struct kernel *reader;

		open_events(UINT32_MAX);
		measure_queued(false);
		(void)read_bare();
		measure_churn(false);
		measure_pair(NULL, &elsewhere);
		mnl_socket_close(events);

		k = open_kernel(on_heard);
		measure_queued(true);
		(void)read_ours();
		measure_churn(true);
		kernel_free(k);
		reader = open_kernel(on_heard_for_other);
		measure_pair(reader, &elsewhere);
		kernel_free(reader);

		measure_bare_writes(&create, &delete);
		measure_our_writes();
	}
	print_table();
	free(create.row);
	free(delete.row);
	orders_free(&orders);
	kernel_free(other);
	return 0;
}
