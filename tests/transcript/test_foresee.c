/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: foresee.c */
/*
 * What a node foresees of a mishap is what comes of it: each kind of pair is asked, then struck.
 */
#include "story.h"

#include <stdlib.h>

#include "core/state.h"

/* What a pair may be like beforehand. */
struct before {
	const char *name;
	void (*prepare)(struct pair *p); /* while it is off */
	void (*disturb)(struct pair *p); /* while it runs */
};

static void preempting(struct pair *p)
{
	p->side[0].conf->group[0].preempt = true;
	pair_same_conf(p);
}

static void without_secondary(struct pair *p)
{
	p->side[0].conf->n_paths = p->side[0].conf->n_links;
	pair_same_conf(p);
}

static void weak_and_many(struct pair *p)
{
	p->side[0].conf->group[0].threshold = 150;
	p->side[0].conf->monitor[0].weight = 60;
	pair_same_conf(p);
}

static void standby_out_of_sync(struct pair *p)
{
	pair_sync(p, 1, false);
}

static void standby_in_maintenance(struct pair *p)
{
	pair_command(p, 1, COMMAND_MAINTENANCE_ON, 0, false);
}

static void standby_inoperable(struct pair *p)
{
	pair_monitor(p, 1, 0, false);
}

static void half_failed(struct pair *p)
{
	pair_monitor(p, 0, 1, false);
}

static void half_failed_there(struct pair *p)
{
	pair_monitor(p, 1, 1, false);
}

static void moved_by_hand(struct pair *p)
{
	pair_command(p, 0, COMMAND_FAILOVER, 0, false);
}

static void moved_by_monitors(struct pair *p)
{
	pair_monitor(p, 0, 0, false);
	pair_run(p, 500);
	pair_monitor(p, 0, 0, true);
	pair_run(p, 5000); /* it rests no more */
}

static void alone(struct pair *p)
{
	pair_power_off(p, 1);
}

static void one_link_left(struct pair *p)
{
	pair_cut(p, 1, true);
	pair_cut(p, 2, true);
}

static const struct before befores[] = {
	{ "well", NULL, NULL },
	{ "preempting", preempting, NULL },
	{ "without a secondary path", without_secondary, NULL },
	{ "with weights that add up", weak_and_many, half_failed },
	{ "with weights that add up there", weak_and_many, half_failed_there },
	{ "with a standby out of sync", NULL, standby_out_of_sync },
	{ "with a standby in maintenance", NULL, standby_in_maintenance },
	{ "with a standby that is inoperable", NULL, standby_inoperable },
	{ "moved by the operator", preempting, moved_by_hand },
	{ "moved by monitors", NULL, moved_by_monitors },
	{ "with one node", NULL, alone },
	{ "with one link left", NULL, one_link_left },
};

static const struct mishap mishaps[] = {
	{ MISHAP_MONITOR, 0, true, false },
	{ MISHAP_MONITOR, 0, false, true },
	{ MISHAP_MONITOR, 0, true, true },
	{ MISHAP_MONITOR, 1, true, false },
	{ MISHAP_MONITOR, 1, false, true },
	{ MISHAP_MONITOR, 1, true, true },
	{ MISHAP_PATH, 0, false, false },
	{ MISHAP_PATH, 1, false, false },
	{ MISHAP_PATH, 2, false, false },
	{ MISHAP_LINKS, 0, false, false },
	{ MISHAP_APART, 0, false, false },
	{ MISHAP_NODE, 0, true, false },
	{ MISHAP_NODE, 0, false, true },
};

static void strike_node(struct pair *p, unsigned i, const struct mishap *m)
{
	if (!p->side[i].runs)
		return;
	if (m->kind == MISHAP_NODE)
		pair_power_off(p, i);
	else if (m->kind == MISHAP_MONITOR)
		pair_monitor(p, i, m->index, false);
}

/* `here` of the mishap is node `self`. */
static void strike(struct pair *p, unsigned self, const struct mishap *m)
{
	if (m->here)
		strike_node(p, self, m);
	if (m->there)
		strike_node(p, 1 - self, m);
	for (unsigned i = 0; i < p->side[self].conf->n_paths; i++) {
		if ((m->kind == MISHAP_PATH && i == m->index) || m->kind == MISHAP_APART ||
			(m->kind == MISHAP_LINKS && i < p->side[self].conf->n_links))
			pair_cut(p, i, true);
	}
}

static bool is_master(const struct pair *p, unsigned i)
{
	return p->side[i].runs && pair_state(p, i, 0) == GROUP_MASTER;
}

/* The rule by which a node of the pair moved, or the master's. */
static bool was_by(const struct pair *p, enum election_rule rule)
{
	for (unsigned i = 0; i < 2; i++) {
		if (p->side[i].runs && p->side[i].node->group[0].rule == rule)
			return true;
	}
	char text[16];

	(void)snprintf(text, sizeof(text), "(rule %s,", rule_label(rule));
	return pair_said(p, text) > 0;
}

static void foresee_and_strike(const struct before *b, const struct mishap *m, unsigned self)
{
	struct pair *p = pair_new();
	struct foresight f;

	if (b->prepare != NULL)
		b->prepare(p);
	pair_start_both(p);
	pair_served(p, 0, 0);
	if (b->disturb != NULL)
		b->disturb(p);
	pair_run(p, 3000);
	if (m->kind == MISHAP_PATH && m->index >= p->side[self].conf->n_paths)
		goto out;
	if (p->side[self].runs) {
		node_foresee(p->side[self].node, pair_clock(p, self), 0, m, &f);
		strike(p, self, m);
		pair_run(p, 3000);
		for (unsigned i = 0; i < 2; i++) {
			if (is_master(p, i) == f.master[i])
				continue;
			pair_print(p);
			fail_msg("a pair %s, struck by %d/%u %d%d: fw%u says that fw%u %s master",
				b->name, m->kind, m->index, m->here, m->there, self + 1, i + 1,
				f.master[i] ? "is" : "is not");
		}
		if ((f.master[0] || f.master[1]) && !was_by(p, f.rule)) {
			pair_print(p);
			fail_msg("a pair %s, struck by %d/%u %d%d: not by rule %s", b->name,
				m->kind, m->index, m->here, m->there, rule_label(f.rule));
		}
	}
out:
	pair_free(p);
}

static void what_is_foreseen_comes_true(void **state)
{
	(void)state;
	for (unsigned b = 0; b < ARRAY_LEN(befores); b++) {
		for (unsigned m = 0; m < ARRAY_LEN(mishaps); m++) {
			for (unsigned self = 0; self < 2; self++)
				foresee_and_strike(&befores[b], &mishaps[m], self);
		}
	}
}

static struct foresight foresee(const struct pair *p, unsigned i, const struct mishap *m)
{
	struct foresight f;

	node_foresee(p->side[i].node, pair_clock(p, i), 0, m, &f);
	return f;
}

static void rules_are_named(void **state)
{
	struct pair *p = *state;
	const struct mishap monitor = { MISHAP_MONITOR, 0, true, false };
	const struct mishap target = { MISHAP_MONITOR, 0, true, true };
	const struct mishap peer = { MISHAP_NODE, 0, false, true };

	pair_start_both(p);
	assert_int_equal(foresee(p, 0, &monitor).rule, RULE_MASTER_INOPERABLE);
	assert_int_equal(foresee(p, 1, &monitor).rule, RULE_SITTING_MASTER);
	assert_int_equal(foresee(p, 0, &target).rule, RULE_BOTH_INOPERABLE);
	assert_int_equal(foresee(p, 0, &peer).rule, RULE_SITTING_MASTER);
	assert_int_equal(foresee(p, 1, &peer).rule, RULE_PEER_LOST);
}

static void a_group_that_rests_is_foreseen_to_stay(void **state)
{
	struct pair *p = *state;
	const struct mishap monitor = { MISHAP_MONITOR, 0, true, false };

	pair_start_both(p);
	pair_monitor(p, 0, 0, false);
	pair_run(p, 300);
	pair_monitor(p, 0, 0, true);
	pair_run(p, 300);
	assert_owner(p, 1);
	assert_int_equal(foresee(p, 1, &monitor).rule, RULE_RESTS);
	assert_true(foresee(p, 1, &monitor).master[1]);
	pair_run(p, 1000);
	assert_int_equal(foresee(p, 1, &monitor).rule, RULE_MASTER_INOPERABLE);
	assert_true(foresee(p, 1, &monitor).master[0]);
}

/* What is foreseen is how it ends, not that a node which starts waits first. */
static void a_node_that_starts_is_foreseen_to_have_waited(void **state)
{
	struct pair *p = *state;
	const struct mishap path = { MISHAP_PATH, 0, false, false };

	pair_start(p, 0);
	pair_run(p, 20);
	assert_int_equal(p->side[0].node->group[0].rule, RULE_BOOTING);
	assert_int_equal(foresee(p, 0, &path).rule, RULE_ALONE);
	assert_true(foresee(p, 0, &path).master[0]);
}

static void foreseeing_changes_nothing(void **state)
{
	struct pair *p = *state;
	void *copy = malloc(node_size());

	assert_non_null(copy);
	pair_start_both(p);
	memcpy(copy, p->side[0].node, node_size());
	for (unsigned m = 0; m < ARRAY_LEN(mishaps); m++)
		(void)foresee(p, 0, &mishaps[m]);
	assert_memory_equal(copy, p->side[0].node, node_size());
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_foreseen_comes_true),
		STORY(rules_are_named),
		STORY(a_group_that_rests_is_foreseen_to_stay),
		STORY(a_node_that_starts_is_foreseen_to_have_waited),
		STORY(foreseeing_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
