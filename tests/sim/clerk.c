/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clerk.h"

#include <string.h>

#include "check.h"
#include "core/state.h"
#include "machine.h"
#include "stats.h"
#include "world.h"

enum { ONE_OF = 11, THE = 8 }; /* schedules of the theme */

void clerk_init(struct world *w)
{
	uint32_t kinds = 1u << DOCUMENT_RULESET | 1u << DOCUMENT_FILES;

	w->documents = w->theme == THEME_MIRROR && w->seed % ONE_OF == THE;
	w->clerk_rng.state = w->seed ^ UINT64_C(0x70617065727321);
	w->last_number = 1;
	w->wished = false;
	for (unsigned i = 0; i < 2; i++) {
		struct machine *m = &w->machine[i];

		papers_init(&m->papers, w->documents ? kinds : 0);
		for (unsigned k = 0; k < DOCUMENTS && w->documents; k++) {
			m->papers.paper[k].len = rng_between(&w->clerk_rng, PAPER_LEAST, 9000);
			m->papers.paper[k].patches = rng_chance(&w->clerk_rng, 50);
			m->edited[k] = false;
		}
		for (unsigned c = 0; c < 2; c++) {
			m->confs[c].mirror.ruleset = w->documents;
			m->confs[c].mirror.n_files = w->documents;
		}
	}
	if (w->documents)
		world_later(w, 1000, ITEM_CLERK, 0);
}

void clerk_prepare(const struct machine *m, struct node_env *env)
{
	env->documents = papers_kinds(&m->papers);
}

static void tell(struct world *w, struct machine *m, struct paper *paper)
{
	struct event event = papers_read(paper);

	if (machine_runs(m))
		machine_event(w, m->id, &event);
}

void clerk_start(struct world *w, struct machine *m)
{
	for (unsigned k = 0; k < DOCUMENTS && w->documents; k++)
		tell(w, m, &m->papers.paper[k]);
}

void clerk_boot(struct machine *m)
{
	for (unsigned k = 0; k < DOCUMENTS; k++) {
		struct document_saved *saved = &m->disk.document[k];

		*saved = (struct document_saved){
			.consent = saved->consent,
			.started = saved->started,
		};
	}
}

void clerk_end(struct machine *m, bool power)
{
	for (unsigned k = 0; k < DOCUMENTS; k++) {
		struct paper *paper = &m->papers.paper[k];

		(void)papers_die(paper);
		if (power && (DOCUMENTS_KEPT >> paper->kind & 1))
			paper->number = 1;
		if (power) {
			m->disk.document[k].started = false;
			paper->loaded = 0;
		}
	}
}

/* ---- what the core wants ------------------------------------------------------------------- */

/* The source's own counts: nothing of the peer's replaces it. */
static void check_apply(struct world *w, const struct machine *m, const struct action *a)
{
	const struct group *first = &m->node->group[0];
	bool is_source = first->state == GROUP_MASTER &&
			 !(first->peer.known && first->peer.state == GROUP_MASTER);

	if (a->document.purpose != PURPOSE_APPLY)
		return;
	if (is_source)
		world_fail(w, "13: %s, the source, applies the peer's %s", check_name(w, m->id),
			document_kind_name((uint8_t)a->target));
	if ((DOCUMENTS_ASKED_FOR >> a->target & 1) && !w->wished)
		world_fail(w, "P13.1: %s applies a %s that nobody asked for", check_name(w, m->id),
			document_kind_name((uint8_t)a->target));
}

/* What is kept goes by the operator's word, too, and is of use once. */
static void check_kept(struct world *w, struct machine *m, const struct action *a)
{
	const char *name = document_kind_name((uint8_t)a->target);
	bool loads = a->type == ACTION_DOCUMENT_LOAD;

	if ((DOCUMENTS_ASKED_FOR >> a->target & 1) && !w->wished)
		world_fail(w, "P13.11: %s %s a %s that nobody asked for", check_name(w, m->id),
			loads ? "loads" : "keeps", name);
	if (loads && papers_of(&m->papers, (uint8_t)a->target)->loaded > 0)
		world_fail(w, "P13.11: %s loads a %s twice in a boot", check_name(w, m->id), name);
	if (loads && m->node->peer_known)
		world_fail(w, "P13.11: %s loads a %s beside its peer", check_name(w, m->id), name);
}

void clerk_act(struct world *w, struct machine *m, const struct action *a)
{
	struct item item =
		world_item(w, w->now + rng_between(&w->clerk_rng, 500, 40000), ITEM_JUDGED, m->id);

	if (a->type == ACTION_DOCUMENT_APPLY)
		check_apply(w, m, a);
	if (a->type == ACTION_DOCUMENT_KEEP || a->type == ACTION_DOCUMENT_LOAD)
		check_kept(w, m, a);
	item.dumped = a->target;
	if (papers_act(&m->papers, a))
		world_push(w, &item);
}

void clerk_judged(struct world *w, struct machine *m, uint8_t kind)
{
	struct paper *paper = papers_of(&m->papers, kind);
	struct event read, verdict;
	unsigned applied = paper->applied;

	if (m->hangs) { /* which does not read what it is told */
		struct item item = world_item(w, w->now + 5000, ITEM_JUDGED, m->id);

		item.dumped = kind;
		world_push(w, &item);
		return;
	}
	if (!papers_judge(paper, &read, &verdict)) {
		tell(w, m, paper);
		return;
	}
	if (paper->damaged)
		world_fail(w, "13: half a document came to %s", check_name(w, m->id));
	if (paper->applied != applied)
		m->edited[document_place(kind)] = false;
	if (machine_runs(m))
		machine_event(w, m->id, &read);
	if (machine_runs(m))
		machine_event(w, m->id, &verdict);
}

/* ---- what happens -------------------------------------------------------------------------- */

static void edit(struct world *w, struct machine *m, struct paper *paper)
{
	if (m->hangs || m->paused_until != 0 || !m->powered)
		return;
	papers_change(paper, ++w->last_number);
	m->edited[document_place(paper->kind)] = true;
	world_trace(w, "%s: %s is changed to %u", check_name(w, m->id),
		document_kind_name(paper->kind), w->last_number);
	tell(w, m, paper);
}

/* Packets leave something in it. */
static void stir(struct world *w, struct machine *m, struct paper *paper)
{
	if (m->hangs || !m->powered)
		return;
	papers_stir(paper, ++w->last_number);
	tell(w, m, paper);
}

static void wish(struct world *w, struct machine *m, const struct paper *paper, unsigned what)
{
	struct event event = { .type = EVENT_COMMAND };

	event.command.verb = what == 2 ? COMMAND_DIFF : COMMAND_SYNC;
	event.command.group = COMMAND_ALL_GROUPS;
	event.command.kind = paper->kind;
	event.command.dry = what == 1;
	event.command.token = 1;
	w->wished |= what == 0;
	if (machine_runs(m))
		machine_event(w, m->id, &event);
}

static void die(struct world *w, struct machine *m)
{
	for (unsigned k = 0; k < DOCUMENTS && machine_runs(m); k++) {
		struct paper *paper = &m->papers.paper[k];
		struct event event = papers_no_clerk(paper);

		m->papers.deaths += papers_die(paper);
		machine_event(w, m->id, &event);
		tell(w, m, paper);
	}
}

void clerk_heal(struct world *w)
{
	for (unsigned i = 0; i < 2 && w->documents; i++) {
		struct machine *m = &w->machine[i];

		for (unsigned k = 0; k < DOCUMENTS; k++) {
			/* One that does not hear of it now is healed when it does. */
			if (m->engine && !machine_runs(m))
				continue;
			m->papers.paper[k].unread = false;
			tell(w, m, &m->papers.paper[k]);
		}
	}
}

void clerk_happens(struct world *w)
{
	struct rng *r = &w->clerk_rng;
	struct machine *m = &w->machine[rng_below(r, 2)];
	struct paper *paper = &m->papers.paper[rng_below(r, DOCUMENTS)];
	unsigned what = (unsigned)rng_below(r, 100);

	if (w->no_traffic) {
		clerk_heal(w);
		return;
	}
	if (what < 35)
		edit(w, m, paper);
	else if (what < 55)
		stir(w, m, paper);
	else if (what < 65)
		wish(w, m, paper, 0);
	else if (what < 72)
		wish(w, m, paper, 1);
	else if (what < 80)
		wish(w, m, paper, 2);
	else if (what < 90)
		paper->refuses = !paper->refuses;
	else if (what < 95)
		die(w, m);
	else if (rng_chance(r, 50))
		paper->unread = true;
	else
		clerk_heal(w);
	world_later(w,
		w->now + (rng_chance(r, 30) ? rng_between(r, 100, 5000)
					    : rng_between(r, 20000, 800000)),
		ITEM_CLERK, 0);
}

/* ---- in the end ---------------------------------------------------------------------------- */

static bool is_allowed(const struct world *w, unsigned k, enum document_condition condition)
{
	unsigned source = w->machine[0].node->group[0].state == GROUP_MASTER ? 0 : 1;
	const struct machine *standby = &w->machine[1 - source];
	const struct paper *paper = &standby->papers.paper[k];
	const struct document *own = &w->machine[source].node->document[k];

	switch (condition) {
	case CONDITION_EQUAL: return true;
	/* It was not asked for yet; or the source knows of another that should be there. */
	case CONDITION_OPEN:
		return !document_has_consent(own) || (!own->leads && own->saved->heard);
	case CONDITION_HELD: return standby->node->group[0].maintenance;
	case CONDITION_REFUSED: return paper->refused > 0 || standby->papers.deaths > 0;
	case CONDITION_DRIFT: return standby->edited[k];
	case CONDITION_OFF:
	case CONDITION_UNREAD:
	case CONDITION_ALONE:
	case CONDITION_FOREIGN:
	case CONDITION_MOVING:
	case CONDITION_COUNT: break;
	}
	return false;
}

static void check_kind(struct world *w, unsigned k)
{
	const struct machine *a = &w->machine[0], *b = &w->machine[1];
	enum document_condition condition = a->node->document[k].condition;
	bool equal = a->papers.paper[k].number == b->papers.paper[k].number;
	bool same = equal && a->papers.paper[k].live == b->papers.paper[k].live;
	const char *name = document_kind_name(document_kind_at(k));

	if (condition != b->node->document[k].condition)
		world_fail(w, "quiet: %s: %s on one node, %s on the other", name,
			document_condition_key(condition),
			document_condition_key(b->node->document[k].condition));
	/* What comes and goes by itself may be refused alone. */
	if (condition == CONDITION_EQUAL ? !equal : same)
		world_fail(w, "quiet: %s: %s, which is not so", name,
			document_condition_key(condition));
	if (!is_allowed(w, k, condition))
		world_fail(w, "quiet: %s: %s without a reason", name,
			document_condition_key(condition));
}

void clerk_check_quiet(struct world *w)
{
	for (unsigned k = 0; k < DOCUMENTS && w->documents && !w->failed; k++)
		check_kind(w, k);
}
