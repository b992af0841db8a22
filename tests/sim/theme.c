/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "theme.h"

#include "check.h"
#include "stats.h"
#include "world.h"

static const enum fault stalls[] = { FAULT_SHORT_STALL };

static const enum fault boot[] = { FAULT_BOOT_TOGETHER };

static const enum fault operator_does[] = {
	FAULT_FAILOVER,
	FAULT_FAILOVER,
	FAULT_FORCED_FAILOVER,
	FAULT_MAINTENANCE,
	FAULT_MAINTENANCE,
	FAULT_FORCED_MAINTENANCE,
	FAULT_ASKED_UNFIT,
	FAULT_SYNC,
	FAULT_MONITOR,
	FAULT_STOP,
	FAULT_RELOAD,
	FAULT_POWER_OFF,
	FAULT_FAR,
	FAULT_FAR,
	FAULT_LOSS,
};

static const enum fault recorder[] = {
	FAULT_WITHHELD,
	FAULT_WITHHELD,
	FAULT_REPLAY,
	FAULT_REPLAY,
	FAULT_LOSS,
	FAULT_GARBAGE,
	FAULT_FLOOD,
	FAULT_REORDER,
	FAULT_ENGINE_CRASH,
	FAULT_POWER_OFF,
	FAULT_POWER_OFF,
	FAULT_RELOAD,
	FAULT_PATH_RETURNS,
	FAULT_PATH_RETURNS,
	FAULT_REKEY,
	FAULT_FAILOVER,
	FAULT_ROTATION,
};

static const enum fault guardian[] = {
	FAULT_ENGINE_CRASH,
	FAULT_ENGINE_CRASH_TWICE,
	FAULT_KILL_ALL,
	FAULT_HANG,
	FAULT_GUARDIAN_PAUSE,
	FAULT_PAUSE,
	FAULT_LONG_PAUSE,
	FAULT_STOP,
	FAULT_MISSING,
	FAULT_THIEF,
	FAULT_SLOW_KERNEL,
	FAULT_FAILOVER,
};

static const enum fault paths[] = {
	FAULT_PARTITION,
	FAULT_PARTITION,
	FAULT_DEAF,
	FAULT_LINKS_CUT,
	FAULT_ONE_WAY,
	FAULT_CUT,
	FAULT_CARRIER,
	FAULT_LOSS,
	FAULT_REORDER,
	FAULT_DUPLICATE,
	FAULT_FAR,
	FAULT_SERVED,
	FAULT_PAUSE,
	FAULT_STALL,
	FAULT_MONITOR,
};

static const enum fault mirror[] = {
	FAULT_POWER_OFF,
	FAULT_POWER_OFF,
	FAULT_POWER_OFF,
	FAULT_ENGINE_CRASH,
	FAULT_KILL_ALL,
	FAULT_FAILOVER,
	FAULT_FAILOVER,
	FAULT_FORCED_FAILOVER,
	FAULT_STOP,
	FAULT_PARTITION,
	FAULT_PARTITION,
	FAULT_LINKS_CUT,
	FAULT_CUT,
	FAULT_CARRIER,
	FAULT_ONE_WAY,
	FAULT_LOSS,
	FAULT_DUPLICATE,
	FAULT_REORDER,
	FAULT_CORRUPT,
	FAULT_REPLAY,
	FAULT_PAUSE,
	FAULT_STALL,
	FAULT_HANG,
	FAULT_MONITOR,
	FAULT_MAINTENANCE,
	FAULT_RELOAD,
	FAULT_SERVED,
	FAULT_BURST,
	FAULT_EVENTS_LOST,
	FAULT_EVENTS_LOST,
	FAULT_RUN_OUT,
	FAULT_RUN_OUT,
	FAULT_REFUSED,
	FAULT_ALTERED,
	FAULT_RESYNC,
	FAULT_AUDIT,
};

#define LIST(faults) faults, ARRAY_LEN(faults)
/* NULL = every fault there is. */
static const struct {
	const enum fault *faults;
	unsigned n;
} themes[THEME_COUNT] = {
	[THEME_ANYTHING] = { NULL, FAULT_COUNT },
	[THEME_STALLS] = { LIST(stalls) },
	[THEME_BOOT] = { LIST(boot) },
	[THEME_OPERATOR] = { LIST(operator_does) },
	[THEME_RECORDER] = { LIST(recorder) },
	[THEME_GUARDIAN] = { LIST(guardian) },
	[THEME_PATHS] = { LIST(paths) },
	[THEME_MIRROR] = { LIST(mirror) },
};

const char *theme_text(enum theme theme)
{
	static const char *const texts[THEME_COUNT] = {
#define X(name, share, text) [THEME_##name] = text,
		THEMES(X)
#undef X
	};

	return texts[theme];
}

enum theme theme_choose(struct rng *r)
{
	static const unsigned shares[THEME_COUNT] = {
#define X(name, share, text) [THEME_##name] = share,
		THEMES(X)
#undef X
	};
	unsigned n = (unsigned)rng_below(r, 100), theme = 0;

	for (; n >= shares[theme]; theme++)
		n -= shares[theme];
	return (enum theme)theme;
}

void theme_configure(enum theme theme, struct conf *conf, struct rng *r)
{
	switch (theme) {
	case THEME_STALLS:
	case THEME_BOOT: /* the boot wait is longer than what two boots may differ by */
		conf->heartbeat_ms = (uint32_t)rng_between(r, 20, 200);
		for (unsigned g = 0; g < conf->n_groups; g++)
			conf->group[g].preempt = false;
		break;
	case THEME_RECORDER: /* many frames in little time */
		conf->heartbeat_ms = (uint32_t)rng_between(r, 5, 20);
		break;
	case THEME_ANYTHING:
	case THEME_OPERATOR:
	case THEME_GUARDIAN:
	case THEME_PATHS: break;
	case THEME_MIRROR:
		conf->mirror.sessions = true;
		conf->mirror.hold_ms = (uint32_t)rng_between(r, 1, 8) * 1000;
		conf->sync_wait_ms = 60000;
		if (conf->heartbeat_ms > 50)
			conf->heartbeat_ms = 50;
		break;
	case THEME_COUNT: break;
	}
}

unsigned theme_n_faults(struct world *w)
{
	return w->theme == THEME_BOOT ? 1 : (unsigned)rng_between(&w->rng, 2, 12);
}

uint64_t theme_gap(struct world *w)
{
	uint64_t heartbeat = check_heartbeat_us(w);

	if (w->theme == THEME_RECORDER && rng_chance(&w->rng, 10))
		return rng_between(&w->rng, 250, 350) * heartbeat; /* past the replay window */
	return rng_chance(&w->rng, 50) ? rng_between(&w->rng, 100, 2 * heartbeat)
				       : rng_between(&w->rng, heartbeat, 6 * check_detection_us(w));
}

enum fault theme_fault(struct world *w)
{
	unsigned n = w->theme == THEME_ANYTHING ? FAULT_BURST : themes[w->theme].n;
	unsigned i = (unsigned)rng_below(&w->rng, n);

	return themes[w->theme].faults != NULL ? themes[w->theme].faults[i] : (enum fault)i;
}

static bool promises(const struct world *w)
{
	return w->theme == THEME_STALLS || w->theme == THEME_BOOT;
}

void theme_begin(struct world *w)
{
	uint64_t wait = w->machine[0].conf->boot_wait_max_ms * UINT64_C(1000);

	world_trace(w, "theme: %s", theme_text(w->theme));
	w->stats->theme[w->theme]++;
	if (w->theme == THEME_MIRROR)
		world_later(w, w->now + 1000, ITEM_TRAFFIC, 0);
	if (promises(w))
		world_run(w, wait + 2 * check_detection_us(w) + 500000);
	for (unsigned g = 0; g < WORLD_GROUPS_MAX; g++)
		w->check.takes[g] = 0;
}

/* Nothing is wrong, and there is traffic: the tables are alike all the time. */
void theme_calm(struct world *w)
{
	if (w->theme != THEME_MIRROR || !rng_chance(&w->rng, 30))
		return;
	w->traffic_gap = 4000;
	world_run(w, w->now + 4500000);
	w->traffic_gap = 20000;
}

void theme_end(struct world *w)
{
	unsigned expected = w->theme == THEME_BOOT ? 1 : 0;

	for (unsigned g = 0; g < w->machine[0].conf->n_groups && promises(w); g++) {
		if (w->check.takes[g] != expected)
			world_fail(w, "%s: group %u was taken %u times, not %u",
				theme_text(w->theme), g, w->check.takes[g], expected);
	}
}
