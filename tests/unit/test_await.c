/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_report.h"

#include "io/await.h"

/* Looks `ms` later. */
static enum await_step look(struct pair *p, struct await *a, unsigned ms, json_t **answer)
{
	*answer = NULL;
	p->view.now = mono_after_ms(p->view.now, ms);
	return await_look(a, &p->in, answer);
}

static void assert_error(json_t *answer, const char *text)
{
	assert_non_null(answer);
	assert_string_equal(json_string_value(json_object_get(answer, "error")), text);
	json_decref(answer);
}

/* The walks of both nodes, and the comparison of their indexes, came to their end. */
static void end_round(struct pair *p, uint32_t here, uint32_t there, uint32_t buckets)
{
	struct mirror_past *past = &p->view.mirror.past;

	past->walks++;
	past->own = (struct mirror_found){ past->walks, 400, here, false, past->own.ever + here };
	past->peer = (struct mirror_found){ past->peer.times + 1, 399, there, false,
		past->peer.ever + there };
	past->ours = (struct mirror_found){ past->ours.times + 1, 2048, buckets, false,
		past->ours.ever + buckets };
}

static void what_cannot_be_done_is_refused_at_once(void **state)
{
	struct pair *p = *state;

	assert_null(await_refusal(AWAIT_SYNC, &p->in));
	p->view.group[0].own.state = p->view.group[1].own.state = GROUP_INIT;
	assert_string_equal(await_refusal(AWAIT_VERIFY, &p->in),
		"no node is master: there is nothing to mirror");
	p->view.group[1].peer.state = GROUP_MASTER;
	assert_null(await_refusal(AWAIT_VERIFY, &p->in));
	p->view.mirror.up = false;
	assert_string_equal(
		await_refusal(AWAIT_VERIFY, &p->in), "there is no channel to the peer yet");
	p->view.peer_alive = false;
	assert_string_equal(await_refusal(AWAIT_VERIFY, &p->in),
		"the peer is not heard: there is nothing to compare with");
	assert_string_equal(await_refusal(AWAIT_SYNC, &p->in),
		"the peer is not heard: it gets everything when it is back");
	p->view.mirror.on = false;
	assert_string_equal(await_refusal(AWAIT_SYNC, &p->in),
		"sessions are not mirrored: there was no memory for it at the start");
	p->conf.mirror.sessions = p->conf.mirror.neighbours = false;
	assert_string_equal(await_refusal(AWAIT_SYNC, &p->in),
		"sessions are not mirrored: [mirror] sessions = no");
}

static void a_sync_is_over_when_the_copy_has_arrived(void **state)
{
	struct pair *p = *state;
	struct await a;
	json_t *answer;

	await_begin(&a, AWAIT_SYNC, &p->in);
	p->view.mirror.arrived = true; /* the copy before */
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_WAIT);
	p->view.mirror.past.sent = (struct mirror_copy){ 4, 400, 60, p->view.now };
	p->view.mirror.arrived = false;
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_WAIT);
	p->view.mirror.arrived = true;
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_OVER);
	assert_member(answer, "ok", "true");
	assert_member(answer, "result", "\"400 objects to fw2 in 60 ms\"");
	assert_member(json_object_get(answer, "sent"), "times", "4");
	assert_member(answer, "heard", "null");
	json_decref(answer);
}

static void each_master_sends_its_own(void **state)
{
	struct pair *p = *state;
	struct await a;
	json_t *answer;

	p->view.group[0].own.state = GROUP_PRIMARY_BACKUP;
	p->view.group[0].peer.state = GROUP_MASTER;
	await_begin(&a, AWAIT_SYNC, &p->in);
	p->view.mirror.arrived = true;
	p->view.mirror.past.sent.times++;
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_WAIT);
	p->view.mirror.past.heard = (struct mirror_copy){ 1, 77, 5, p->view.now };
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_OVER);
	assert_member(answer, "result",
		"\"12000 objects to fw2 in 210 ms, 77 objects from fw2 in 5 ms\"");
	json_decref(answer);
}

static void a_sync_that_takes_too_long_tells_how_far_it_is(void **state)
{
	struct pair *p = *state;
	struct await a;
	json_t *answer;

	await_begin(&a, AWAIT_SYNC, &p->in);
	p->view.mirror.sending = true;
	p->view.mirror.sent_so_far = 5;
	assert_int_equal(look(p, &a, AWAIT_MAX_MS - 1, &answer), AWAIT_WAIT);
	assert_int_equal(look(p, &a, 1, &answer), AWAIT_OVER);
	assert_error(answer, "still running after 120 s: 5 objects sent, 0 heard so far; "
			     "`nsrpctl show mirror` tells when it is over");
}

static void what_changes_meanwhile_ends_it(void **state)
{
	struct pair *p = *state;
	struct await a;
	json_t *answer;

	await_begin(&a, AWAIT_VERIFY, &p->in);
	p->view.group[0].peer.state = GROUP_MASTER;
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_OVER);
	assert_error(answer, "another node became master meanwhile: ask again");
	p->view.peer_alive = false;
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_OVER);
	assert_error(answer, "the peer is not heard: there is nothing to compare with");
}

static void a_verify_waits_for_both_walks_and_the_sums(void **state)
{
	struct pair *p = *state;
	struct mirror_past *past = &p->view.mirror.past;
	struct await a;
	json_t *answer;

	past->walks = 5; /* one is under way, and does not count */
	await_begin(&a, AWAIT_VERIFY, &p->in);
	past->own.times = 5;
	past->peer.times = 1;
	past->ours.times++;
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_WAIT);
	end_round(p, 0, 0, 0);
	past->unanswered = 1;
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_WAIT);
	past->unanswered = 0;
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_OVER);
	assert_member(answer, "equal", "true");
	assert_member(answer, "repaired", "false");
	assert_member(answer, "rounds", "1");
	assert_member(answer, "result", "\"the nodes are equal\"");
	assert_member(answer, "node", "\"fw1\"");
	assert_member(json_object_get(answer, "own"), "compared", "400");
	assert_member(json_object_get(answer, "peer_own"), "compared", "399");
	assert_member(answer, "buckets_here", "null");
	json_decref(answer);
}

static void what_differed_is_looked_at_again_until_it_is_repaired(void **state)
{
	struct pair *p = *state;
	struct await a;
	json_t *answer;

	await_begin(&a, AWAIT_VERIFY, &p->in);
	end_round(p, 1, 2, 3);
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_WAIT);
	assert_int_equal(look(p, &a, AWAIT_BETWEEN_MS - 1, &answer), AWAIT_WAIT);
	assert_int_equal(look(p, &a, 1, &answer), AWAIT_AGAIN);
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_WAIT);
	end_round(p, 0, 0, 0);
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_OVER);
	assert_member(answer, "equal", "false");
	assert_member(answer, "repaired", "true");
	assert_member(answer, "rounds", "2");
	assert_member(answer, "result", "\"the nodes differed and are equal now\"");
	assert_member(json_object_get(answer, "own"), "differed", "1");
	assert_member(json_object_get(answer, "peer_own"), "differed", "2");
	assert_member(json_object_get(answer, "buckets_at_peer"), "differed", "3");
	json_decref(answer);
}

/* A repair that was quick was followed by comparisons of its own. */
static void what_was_repaired_between_two_looks_is_told(void **state)
{
	struct pair *p = *state;
	struct await a;
	json_t *answer;

	await_begin(&a, AWAIT_VERIFY, &p->in);
	end_round(p, 1, 0, 2);
	end_round(p, 0, 0, 0);
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_WAIT);
	assert_int_equal(look(p, &a, AWAIT_BETWEEN_MS, &answer), AWAIT_AGAIN);
	end_round(p, 0, 0, 0);
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_OVER);
	assert_member(answer, "repaired", "true");
	assert_member(json_object_get(answer, "own"), "differed", "1");
	assert_member(json_object_get(answer, "buckets_at_peer"), "differed", "2");
	json_decref(answer);
}

static void what_stays_different_is_given_up(void **state)
{
	struct pair *p = *state;
	struct await a;
	json_t *answer;
	enum await_step step;

	await_begin(&a, AWAIT_VERIFY, &p->in);
	for (unsigned round = 0;; round++) {
		assert_true(round < AWAIT_REPAIR_MS / AWAIT_BETWEEN_MS + 2);
		end_round(p, 0, 0, 1);
		step = look(p, &a, 20, &answer);
		if (step == AWAIT_OVER)
			break;
		assert_int_equal(look(p, &a, AWAIT_BETWEEN_MS, &answer), AWAIT_AGAIN);
	}
	assert_member(answer, "equal", "false");
	assert_member(answer, "repaired", "false");
	assert_member(answer, "result", "\"the nodes differ\"");
	json_decref(answer);
}

static void nodes_that_cannot_be_compared_are_not_equal(void **state)
{
	struct pair *p = *state;
	struct await a;
	json_t *answer;

	await_begin(&a, AWAIT_VERIFY, &p->in);
	end_round(p, 0, 0, 0);
	p->view.mirror.past.ours.failed = true;
	assert_int_equal(look(p, &a, 20, &answer), AWAIT_OVER);
	assert_error(answer, "the nodes cannot be compared: no full copy is complete, or they "
			     "started with different cluster keys (restart both)");
	await_begin(&a, AWAIT_VERIFY, &p->in);
	assert_int_equal(look(p, &a, AWAIT_MAX_MS, &answer), AWAIT_OVER);
	assert_error(answer, "still running after 120 s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(what_cannot_be_done_is_refused_at_once),
		TEST(a_sync_is_over_when_the_copy_has_arrived),
		TEST(each_master_sends_its_own),
		TEST(a_sync_that_takes_too_long_tells_how_far_it_is),
		TEST(what_changes_meanwhile_ends_it),
		TEST(a_verify_waits_for_both_walks_and_the_sums),
		TEST(what_differed_is_looked_at_again_until_it_is_repaired),
		TEST(what_was_repaired_between_two_looks_is_told),
		TEST(what_stays_different_is_given_up),
		TEST(nodes_that_cannot_be_compared_are_not_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
