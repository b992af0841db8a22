/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim [--seeds N] [--first N] [--seed N] [--trace] [--known FILE]
 *
 * Runs schedules and checks the invariants. A failing seed is printed and, run again, shows the
 * last lines of its trace; put into the file of known seeds, it is always run.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fault.h"
#include "stats.h"
#include "machine.h"
#include "world.h"

enum { REPORT_NEVER_FROM = 10000 }; /* fewer schedules need not show everything */

static void print_trace(const struct world *w)
{
	unsigned from = w->n_lines > WORLD_TRACE_LINES ? w->n_lines - WORLD_TRACE_LINES : 0;

	for (unsigned i = from; i < w->n_lines; i++)
		printf("%s\n", w->lines[i % WORLD_TRACE_LINES]);
}

static void lift_maintenance(struct world *w)
{
	struct event off = { .type = EVENT_COMMAND };

	off.command.verb = COMMAND_MAINTENANCE_OFF;
	off.command.group = COMMAND_ALL_GROUPS;
	off.command.token = 1;
	for (unsigned i = 0; i < 2; i++) {
		if (machine_runs(&w->machine[i]))
			machine_event(w, i, &off);
	}
}

/* After some time, or in the end after long, all is as it should be. What moves one group may let
 * the hold-down of another begin anew. */
static void become_quiet(struct world *w)
{
	const struct conf *conf = w->machine[0].conf;
	uint64_t some = (conf->boot_wait_max_ms + 5 * conf_detection_ms(conf)) * UINT64_C(1000);

	for (unsigned tries = 0; tries < 5 && !w->failed; tries++) {
		world_run(w, w->now + some + 200000 + tries * UINT64_C(6000000));
		if (w->failed)
			return;
		check_quiet(w);
		if (!w->failed || tries == 4)
			return;
		w->failed = false;
	}
}

static void run_schedule(struct world *w)
{
	unsigned n_faults = theme_n_faults(w);

	theme_begin(w);
	for (unsigned i = 0; i < n_faults && !w->failed; i++) {
		world_run(w, w->now + theme_gap(w));
		if (!w->failed)
			fault_happen(w);
	}
	if (w->failed)
		return;
	world_trace(w, "all is healed");
	fault_heal_all(w);
	for (unsigned i = 0; i < 600 && !w->failed && fault_lasts(w); i++)
		world_run(w, w->now + 100000);
	fault_heal_all(w); /* also what ended meanwhile */
	if (!w->failed)
		theme_calm(w);
	w->no_traffic = true;
	if (rng_chance(&w->rng, 50))
		lift_maintenance(w);
	become_quiet(w);
	if (!w->failed)
		tunnels_check_follow(w);
	if (!w->failed)
		theme_end(w);
}

static void add_counters(struct world *w)
{
	for (unsigned m = 0; m < 2; m++) {
		const struct machine *machine = &w->machine[m];

		for (unsigned i = 0; i < COUNTER_COUNT; i++)
			w->stats->counter[i] +=
				machine->counters[i] +
				(machine->engine ? node_counters(machine->node)[i] : 0);
	}
}

static bool run_seed(struct world *w, uint64_t seed, bool trace, struct stats *stats)
{
	world_init(w, seed, trace, stats);
	run_schedule(w);
	add_counters(w);
	stats->schedules++;
	return !w->failed;
}

static void show_failure(struct world *w, uint64_t seed)
{
	static struct stats unused;

	run_seed(w, seed, true, &unused);
	print_trace(w);
	printf("seed %llu: %s\n", (unsigned long long)seed, w->failure);
	printf("replay: make sim SEED=%llu\n", (unsigned long long)seed);
}

static unsigned run_known(struct world *w, const char *file, struct stats *stats)
{
	FILE *f = fopen(file, "r");
	unsigned failed = 0;
	char line[64];

	if (f == NULL) {
		fprintf(stderr, "sim: %s: %s\n", file, strerror(errno));
		return 1;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		char *end;
		uint64_t seed = strtoull(line, &end, 10);

		if (end == line) /* a comment */
			continue;
		if (!run_seed(w, seed, false, stats)) {
			show_failure(w, seed);
			failed++;
		}
	}
	fclose(f);
	return failed;
}

struct options {
	uint64_t first, seeds, max_failures;
	bool single, trace;
	const char *known;
};

static struct options parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seeds", required_argument, NULL, 'n' },
		{ "first", required_argument, NULL, 'f' },
		{ "seed", required_argument, NULL, 's' },
		{ "trace", no_argument, NULL, 't' },
		{ "known", required_argument, NULL, 'k' },
		{ "max-failures", required_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .first = 1, .seeds = 1000, .max_failures = 1 };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'n': o.seeds = strtoull(optarg, NULL, 10); break;
		case 'f': o.first = strtoull(optarg, NULL, 10); break;
		case 's':
			o.first = strtoull(optarg, NULL, 10);
			o.single = true;
			break;
		case 't': o.trace = true; break;
		case 'k': o.known = optarg; break;
		case 'm': o.max_failures = strtoull(optarg, NULL, 10); break;
		default: exit(2);
		}
	}
	return o;
}

int main(int argc, char **argv)
{
	struct options o = parse_options(argc, argv);
	struct world *w = calloc(1, sizeof(*w));
	struct stats *stats = calloc(1, sizeof(*stats));
	uint64_t failed = 0;

	if (w == NULL || stats == NULL)
		return 1;
	if (o.single) {
		failed = !run_seed(w, o.first, o.trace, stats);
		if (o.trace)
			print_trace(w);
		printf("seed %llu: %s\n", (unsigned long long)o.first,
			failed ? w->failure : "holds");
	} else {
		if (o.known != NULL)
			failed += run_known(w, o.known, stats);
		for (uint64_t i = 0; i < o.seeds && failed < o.max_failures; i++) {
			if (!run_seed(w, o.first + i, false, stats)) {
				show_failure(w, o.first + i);
				failed++;
			}
		}
		unsigned never = stats_print(stats, stdout);

		if (o.seeds >= REPORT_NEVER_FROM && never > 0) {
			printf("%u things never happened\n", never);
			failed++;
		}
		printf("%llu of %llu seeds failed\n", (unsigned long long)failed,
			(unsigned long long)stats->schedules);
	}
	world_fini(w);
	free(w);
	free(stats);
	return failed > 0;
}
