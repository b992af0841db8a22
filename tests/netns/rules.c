/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What src/object and src/io make of the real kernel's rules, for test_rules.sh. No daemon takes
 * part: FROM is the source, TO the node that takes over.
 *
 *   rules [-i NAME=DEVICE,DEVICE]... [-l LOCAL]... [-p MS] VERB ...
 *
 *   digest NS            digest, how many bytes the document has, and what reading took
 *   copy FROM TO         makes TO have what FROM has; exit 1 and the reason when it is refused
 *   dry FROM TO          finds out whether TO would take it
 *   write NS FILE        the document, into a file
 *   apply NS S FILE...   what is in the files, in turn, for S seconds
 *   diff FROM TO         what TO lacks (+) and has too much (-)
 *   follow FROM TO S     takes over each change for S seconds, and says what it took
 *   each FROM TO         likewise, what there is at each line of its input, `patch` or `whole`: one
 *                        word, and why, for each
 *
 * -i gives a logical name, and the devices by which FROM and TO know it; -l a local table or set;
 * -p how long to pause after each time.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/nft.h"
#include "io/nft_text.h"
#include "nsrp/conf.h"

struct node {
	int ns;
	struct conf conf;
	struct nft *nft;
};

static struct node nodes[2]; /* FROM, TO */
static unsigned pause_ms;

static void fail(const char *what)
{
	fprintf(stderr, "rules: %s: %s\n", what, strerror(errno));
	exit(2);
}

static double clock_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double now(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

/* Of this process and of the kernel on its behalf: what the machine's other work does not change.
 */
static double spent(void)
{
	return clock_ms(CLOCK_PROCESS_CPUTIME_ID);
}

/* Names of interfaces are those of the namespace one is in. */
static void enter(const struct node *n)
{
	if (setns(n->ns, CLONE_NEWNET) < 0)
		fail("setns");
}

static void open_node(struct node *n, const char *ns)
{
	char path[256];
	int error;

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	n->ns = open(path, O_RDONLY | O_CLOEXEC);
	if (n->ns < 0)
		fail(ns);
	enter(n);
	error = nft_new(&n->conf, &n->nft);
	if (error) {
		errno = -error;
		fail("nft_new");
	}
}

static bool read_node(struct node *n)
{
	char why[RULESET_WHY_LEN];

	enter(n);
	if (nft_read(n->nft, true, why) == 0)
		return true;
	printf("%s\n", why);
	return false;
}

struct paper {
	uint8_t *bytes;
	size_t len;
	uint8_t digest[RULESET_DIGEST_LEN];
};

static struct paper encode(struct node *n, bool patch)
{
	struct paper p;
	struct ruleset *rs = nft_ruleset(n->nft);
	int error = patch ? ruleset_encode_patch(rs, nft_now_ms(), &p.bytes, &p.len)
			  : ruleset_encode(rs, nft_now_ms(), &p.bytes, &p.len);

	if (error) {
		errno = -error;
		fail("encode");
	}
	ruleset_digest(rs, p.digest);
	ruleset_mark(rs);
	return p;
}

/* 0 or a negative errno; all but a patch that does not fit is printed. */
static int apply(struct node *n, const struct paper *p, bool dry)
{
	char why[RULESET_WHY_LEN] = "";
	struct ruleset *wanted;
	int error;

	enter(n);
	error = ruleset_decode(nft_host(n->nft), span_of(p->bytes, p->len), nft_now_ms(), &wanted);
	if (error) {
		printf("refused: malformed: %s\n", strerror(-error));
		return error;
	}
	ruleset_expire(wanted, nft_now_ms());
	error = nft_apply(n->nft, wanted, p->digest, dry, why);
	ruleset_free(wanted);
	if (error && error != -ESTALE)
		printf("refused: %s (%s)\n", why, strerror(-error));
	return error;
}

static int copy(bool dry)
{
	double begin = now(), cpu = spent(), middle, cpu_middle;
	struct paper p;
	bool good;

	if (!read_node(&nodes[0]))
		return 1;
	p = encode(&nodes[0], false);
	middle = now();
	cpu_middle = spent();
	good = apply(&nodes[1], &p, dry) == 0;
	printf("%zu bytes, %.1f ms read, %.1f ms applied; processor %.1f ms, %.1f ms\n", p.len,
		middle - begin, now() - middle, cpu_middle - cpu, spent() - cpu_middle);
	free(p.bytes);
	return !good;
}

static int digest(void)
{
	double begin = now();
	struct paper p;

	if (!read_node(&nodes[0]))
		return 1;
	p = encode(&nodes[0], false);
	for (unsigned i = 0; i < sizeof(p.digest); i++)
		printf("%02x", p.digest[i]);
	printf(" %zu bytes, %.1f ms\n", p.len, now() - begin);
	free(p.bytes);
	return 0;
}

static int write_file(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct paper p;

	if (fd < 0)
		fail(name);
	if (!read_node(&nodes[0]))
		return 1;
	p = encode(&nodes[0], false);
	if (write(fd, p.digest, sizeof(p.digest)) < 0 || write(fd, p.bytes, p.len) < 0)
		fail(name);
	close(fd);
	free(p.bytes);
	return 0;
}

static struct paper read_file(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	struct paper p = { .bytes = NULL };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		fail(name);
	p.len = (size_t)st.st_size - sizeof(p.digest);
	p.bytes = malloc(p.len + 1);
	if (p.bytes == NULL || read(fd, p.digest, sizeof(p.digest)) < 0 ||
		read(fd, p.bytes, p.len) != (ssize_t)p.len)
		fail(name);
	close(fd);
	return p;
}

/* Files in turn, over and over, until the time is up. */
static int apply_files(char **name, int n, double seconds)
{
	double until = now() + seconds * 1e3;
	unsigned done = 0, refused = 0;
	struct paper p[8];

	for (int i = 0; i < n && i < 8; i++)
		p[i] = read_file(name[i]);
	do {
		refused += apply(&nodes[0], &p[done % (unsigned)n], false) != 0;
		done++;
		usleep(pause_ms * 1000);
	} while (now() < until);
	for (int i = 0; i < n && i < 8; i++)
		free(p[i].bytes);
	printf("%u times, %u refused\n", done, refused);
	return refused != 0;
}

static int differ(void)
{
	char why[RULESET_WHY_LEN];
	struct paper from, to;
	int error;

	if (!read_node(&nodes[0]) || !read_node(&nodes[1]))
		return 1;
	from = encode(&nodes[0], false);
	to = encode(&nodes[1], false);
	error = nft_diff(nft_host(nodes[1].nft), span_of(to.bytes, to.len),
		span_of(from.bytes, from.len), stdout, why);
	if (error)
		printf("%s\n", why);
	free(from.bytes);
	free(to.bytes);
	return error != 0;
}

static int follow(double seconds)
{
	double until = now() + seconds * 1e3;
	struct pollfd fd = { .fd = nft_fd(nodes[0].nft), .events = POLLIN };

	copy(false);
	printf("following\n");
	fflush(stdout);
	while (now() < until) {
		struct paper p;
		double begin, middle, cpu, cpu_middle;
		uint8_t before[RULESET_DIGEST_LEN];

		poll(&fd, 1, 200);
		ruleset_digest(nft_ruleset(nodes[0].nft), before);
		begin = now();
		cpu = spent();
		if (!read_node(&nodes[0]))
			continue;
		p = encode(&nodes[0], true);
		middle = now();
		cpu_middle = spent();
		if (memcmp(before, p.digest, sizeof(before)) != 0) {
			int error = apply(&nodes[1], &p, false);
			const char *what = "patch";

			if (error == -ESTALE) {
				free(p.bytes);
				p = encode(&nodes[0], false);
				error = apply(&nodes[1], &p, false);
				what = "whole";
			}
			printf("%s: %zu bytes, %.1f ms read, %.1f ms applied; processor %.1f ms, "
			       "%.1f ms\n",
				error ? "refused" : what, p.len, middle - begin, now() - middle,
				cpu_middle - cpu, spent() - cpu_middle);
			fflush(stdout);
		}
		free(p.bytes);
	}
	return 0;
}

/* What a node has, read from nothing, is what it has by the events since. */
static bool is_what_it_has(const struct node *n, const uint8_t digest[RULESET_DIGEST_LEN])
{
	struct node anew = { .ns = n->ns, .conf = n->conf };
	uint8_t now[RULESET_DIGEST_LEN] = { 0 };

	enter(&anew);
	if (nft_new(&anew.conf, &anew.nft) == 0 && read_node(&anew))
		ruleset_digest_lasting(nft_ruleset(anew.nft), now);
	nft_free(anew.nft);
	return memcmp(now, digest, sizeof(now)) == 0;
}

/* A patch that does not fit is followed by the whole, as with the daemon. */
static void take_over(bool patch)
{
	uint8_t lasting[RULESET_DIGEST_LEN];
	struct paper p;
	int error;

	if (!read_node(&nodes[0]))
		return;
	ruleset_digest_lasting(nft_ruleset(nodes[0].nft), lasting);
	p = encode(&nodes[0], patch);
	error = apply(&nodes[1], &p, false);
	if (patch && error == -ESTALE) {
		free(p.bytes);
		p = encode(&nodes[0], false);
		patch = false;
		error = apply(&nodes[1], &p, false);
	}
	if (!error && !is_what_it_has(&nodes[0], lasting))
		printf("differs: the source has not what it told\n");
	else if (!error && !is_what_it_has(&nodes[1], lasting))
		printf("differs: the other has not what it was told\n");
	else if (!error)
		printf("%s %zu\n", patch ? "patch" : "whole", p.len);
	free(p.bytes);
}

static int each(void)
{
	char line[16];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		take_over(strcmp(line, "patch\n") == 0);
		fflush(stdout);
	}
	return 0;
}

static void add_interface(const char *text)
{
	char name[64], device[2][64];

	if (sscanf(text, "%31[^=]=%15[^,],%15s", name, device[0], device[1]) != 3)
		fail(text);
	for (unsigned i = 0; i < 2; i++) {
		struct conf *conf = &nodes[i].conf;
		struct conf_interface *f = &conf->interface[conf->n_interfaces++];

		snprintf(f->name, sizeof(f->name), "%.31s", name);
		snprintf(f->device, sizeof(f->device), "%.15s", device[i]);
		snprintf(f->peer_device, sizeof(f->peer_device), "%.15s", device[!i]);
	}
}

static void add_local(const char *text)
{
	for (unsigned i = 0; i < 2; i++) {
		struct conf_mirror *m = &nodes[i].conf.mirror;

		snprintf(m->local[m->n_local], sizeof(m->local[0]), "%s", text);
		m->n_local++;
	}
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "+i:l:p:")) != -1) {
		if (option == 'i')
			add_interface(optarg);
		else if (option == 'l')
			add_local(optarg);
		else
			pause_ms = (unsigned)strtoul(optarg, NULL, 10);
	}
	argc -= optind;
	argv += optind;
	if (argc < 2)
		return 2;
	if (strcmp(argv[0], "apply") == 0) /* as TO knows interfaces */
		nodes[0].conf = nodes[1].conf;
	open_node(&nodes[0], argv[1]);
	if (strcmp(argv[0], "digest") == 0)
		return digest();
	if (strcmp(argv[0], "write") == 0 && argc == 3)
		return write_file(argv[2]);
	if (strcmp(argv[0], "apply") == 0 && argc >= 4)
		return apply_files(argv + 3, argc - 3, strtod(argv[2], NULL));
	if (argc < 3)
		return 2;
	open_node(&nodes[1], argv[2]);
	if (strcmp(argv[0], "copy") == 0)
		return copy(false);
	if (strcmp(argv[0], "dry") == 0)
		return copy(true);
	if (strcmp(argv[0], "diff") == 0)
		return differ();
	if (strcmp(argv[0], "follow") == 0 && argc == 4)
		return follow(strtod(argv[3], NULL));
	if (strcmp(argv[0], "each") == 0)
		return each();
	return 2;
}
