/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: mirror_verify.c */
/*
 * Two mirrors over a channel that loses nothing, each with a kernel that is a list of objects:
 * what a verify finds when a kernel, an index or both differ, and that only that is sent again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mirror.h"
#include "core/state.h"

enum { OBJECTS_MAX = 64, INDEX_SIZE = 256, KEY_LEN = 4 };

struct side {
	struct node node;
	struct conf conf;
	struct log log;
	void *memory;
	unsigned n;
	struct {
		uint8_t key[KEY_LEN], value;
	} kernel[OBJECTS_MAX];
	struct actions out;
};

static struct side *side[2];
static mono_t now;

static void say_nothing(void *user, enum log_level level, const char *format, ...)
{
	(void)user;
	(void)level;
	(void)format;
}

static int describe(uint8_t kind, struct span key, struct span value, struct object *ret)
{
	(void)kind;
	(void)key;
	ret->known = OBJECT_KNOWS_BASE;
	ret->base = value.data[0];
	return 0;
}

static struct object object(uint8_t op, const uint8_t *key, const uint8_t *value)
{
	return (struct object){
		.kind = OBJECT_CONNTRACK,
		.op = op,
		.known = OBJECT_KNOWS_BASE,
		.base = *value,
		.key = key,
		.key_len = KEY_LEN,
		.value = value,
		.value_len = 1,
	};
}

/* ---- the kernels ------------------------------------------------------------------------- */

static int find(const struct side *s, const uint8_t *key)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (memcmp(s->kernel[i].key, key, KEY_LEN) == 0)
			return (int)i;
	}
	return -1;
}

/* Behind the mirror's back. */
static void silently_remove(struct side *s, const uint8_t *key)
{
	int i = find(s, key);

	assert_true(i >= 0);
	s->kernel[i] = s->kernel[--s->n];
}

static void silently_add(struct side *s, const uint8_t *key, uint8_t value)
{
	int i = find(s, key);

	assert_true(s->n < OBJECTS_MAX);
	i = i >= 0 ? i : (int)s->n++;
	memcpy(s->kernel[i].key, key, KEY_LEN);
	s->kernel[i].value = value;
}

static void write_orders(struct side *s, struct span orders)
{
	for (size_t at = 0; at < orders.len;) {
		const struct object_order *o = (const void *)(orders.data + at);
		const uint8_t *key = object_order_key(o);

		if (o->op == OBJECT_WHOLE)
			silently_add(s, key, *object_order_value(o));
		else if (o->op == OBJECT_REMOVE && find(s, key) >= 0)
			silently_remove(s, key);
		at += object_order_len(o);
	}
}

static void dump(struct side *s, uint8_t kind)
{
	static struct object_batch batch;

	batch.n = kind == OBJECT_CONNTRACK ? s->n : 0;
	for (unsigned i = 0; i < batch.n; i++)
		batch.object[i] = object(OBJECT_WHOLE, s->kernel[i].key, &s->kernel[i].value);
	mirror_heard_objects(&s->node, now, &batch, OBJECT_DUMPED, &s->out);
	mirror_dumped(&s->node, now, DUMP_DONE);
}

/* ---- the channel ------------------------------------------------------------------------- */

static void carry_out(struct side *s)
{
	uint8_t kind = 0;

	for (unsigned i = 0; i < s->out.n; i++) {
		const struct action *a = &s->out.action[i];

		if (a->type == ACTION_WRITE)
			write_orders(s, a->bytes);
		else if (a->type == ACTION_DUMP)
			kind = (uint8_t)a->target;
	}
	s->out.n = 0;
	s->out.used = 0;
	if (kind != 0)
		dump(s, kind);
}

static void deliver(struct side *from, struct side *to)
{
	struct mirror *m = from->node.mirror;
	static uint8_t value[WIRE_FRAME_MAX];
	struct channel_ack ack;
	struct span records;
	uint32_t number;

	channel_out_flush(&m->out);
	while (channel_out_due(&m->out, now, &number, &records)) {
		struct writer w = writer_of(value, sizeof(value));

		writer_u32(&w, m->out.epoch);
		writer_u32(&w, number);
		writer_u32(&w, channel_out_knows(&m->out, number).epoch);
		writer_u32(&w, channel_out_knows(&m->out, number).next);
		writer_bytes(&w, records.data, records.len);
		channel_out_sent(&m->out, now, number, 0);
		assert_true(mirror_heard_data(&to->node, now, span_of(value, w.used), &to->out));
		carry_out(to);
		channel_in_take_ack(&to->node.mirror->in, &ack);
		assert_true(channel_out_acked(&m->out, now, &ack));
	}
}

/* What a heartbeat says of the channel. */
static void tell(const struct side *from, struct side *to)
{
	uint8_t bytes[64];
	struct writer w = writer_of(bytes, sizeof(bytes));

	mirror_put_channel(&from->node, now, &w);
	assert_true(mirror_heard_channel(&to->node, span_of(bytes + 3, w.used - 3)));
}

static void run_ms(unsigned ms)
{
	for (unsigned i = 0; i < ms; i++) {
		now = mono_after_ms(now, 1);
		for (unsigned node = 0; node < 2; node++) {
			mirror_settle(&side[node]->node, now, &side[node]->out);
			carry_out(side[node]);
			tell(side[node], side[1 - node]);
		}
		for (unsigned node = 0; node < 2; node++)
			deliver(side[node], side[1 - node]);
	}
}

/* ---- the pair ---------------------------------------------------------------------------- */

static struct side *side_new(uint8_t self)
{
	struct side *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->memory = calloc(1, node_mirror_size(INDEX_SIZE));
	assert_non_null(s->memory);
	s->log = (struct log){ .write = say_nothing };
	s->conf.self = self;
	s->conf.n_groups = s->conf.n_links = s->conf.n_paths = 1;
	s->conf.mirror.sessions = true;
	s->conf.mirror.hold_ms = 600000;
	s->conf.sync_wait_ms = 60000;
	memcpy(s->conf.node[0], "fw1", 4);
	memcpy(s->conf.node[1], "fw2", 4);
	s->node.conf = s->node.env.conf = &s->conf;
	s->node.env.log = &s->log;
	s->node.env.mirror = s->memory;
	s->node.env.mirror_objects = INDEX_SIZE;
	s->node.env.describe = describe;
	s->node.peer_known = s->node.links.peer_alive = true;
	s->node.handshake.session[SESSION_CURRENT].valid = true;
	s->node.group[0].state = self == 0 ? GROUP_MASTER : GROUP_PRIMARY_BACKUP;
	s->node.group[0].peer.known = true;
	s->node.group[0].peer.state = self == 0 ? GROUP_PRIMARY_BACKUP : GROUP_MASTER;
	s->node.mirror = mirror_init(&s->node, now);
	s->node.mirror->same_hash = true; /* as heartbeats would have told */
	return s;
}

/* Node 0 is master and has 20 sessions, which node 1 got by a resync. */
static int set_up(void **state)
{
	(void)state;
	now = (mono_t){ 1000000 };
	side[0] = side_new(0);
	side[1] = side_new(1);
	for (uint8_t i = 0; i < 20; i++)
		silently_add(side[0], (uint8_t[KEY_LEN]){ i, 1, 2, 3 }, i);
	run_ms(3000);
	assert_int_equal(side[1]->n, 20);
	assert_true(side[1]->node.mirror->complete);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned node = 0; node < 2; node++) {
		free(side[node]->memory);
		free(side[node]);
	}
	return 0;
}

/* Asked on `node`; the pair has 6 s, in which repairs are over, too. */
static void verify(unsigned node, struct mirror_past *ret)
{
	const struct mirror *m = side[node]->node.mirror;
	const struct mirror_past before = m->past;

	mirror_asked(&side[node]->node, now, false);
	run_ms(20);
	*ret = m->past;
	assert_true(ret->own.times > before.walks);
	assert_int_equal(ret->peer.times, before.peer.times + 1);
	/* A repair that was quick was followed by a walk that found nothing. */
	ret->own.differed = ret->own.ever - before.own.ever;
	assert_int_equal(side[0]->node.mirror->past.unanswered, 0);
	run_ms(6000);
	assert_int_equal(side[1]->n, side[0]->n);
	for (unsigned i = 0; i < side[0]->n; i++)
		assert_true(find(side[1], side[0]->kernel[i].key) >= 0);
}

static const uint8_t seventh[KEY_LEN] = { 7, 1, 2, 3 };

static void equal_tables_are_said_to_be_equal(void **state)
{
	struct mirror_past past;

	(void)state;
	for (unsigned node = 0; node < 2; node++) {
		verify(node, &past);
		assert_int_equal(past.own.compared, 20);
		assert_int_equal(past.own.differed, 0);
		assert_int_equal(past.peer.compared, 20);
		assert_int_equal(past.peer.differed, 0);
	}
	past = side[0]->node.mirror->past;
	assert_int_equal(past.ours.compared, 2 * INDEX_BUCKETS);
	assert_int_equal(past.ours.differed, 0);
	assert_false(past.ours.failed);
	assert_int_equal(side[1]->node.mirror->past.theirs.compared, 2 * INDEX_BUCKETS);
}

static void what_the_standbys_kernel_lost_is_found_from_either_node(void **state)
{
	struct mirror_past past;

	(void)state;
	for (unsigned node = 0; node < 2; node++) {
		silently_remove(side[1], seventh);
		verify(node, &past);
		assert_int_equal(node == 1 ? past.own.differed : past.peer.differed, 1);
		assert_int_equal(node == 0 ? past.own.differed : past.peer.differed, 0);
		verify(node, &past);
		assert_int_equal(past.own.differed + past.peer.differed, 0);
		assert_int_equal(side[0]->node.mirror->past.ours.differed, 0);
	}
}

static void what_the_standbys_kernel_has_too_much_is_removed(void **state)
{
	static const uint8_t stray[KEY_LEN] = { 99, 1, 2, 3 };
	struct mirror_past past;

	(void)state;
	silently_add(side[1], stray, 1);
	verify(0, &past);
	assert_int_equal(past.peer.differed, 1);
	assert_int_equal(find(side[1], stray), -1);
}

static void what_the_masters_kernel_changed_unheard_is_told(void **state)
{
	struct mirror_past past;

	(void)state;
	silently_add(side[0], seventh, 77);
	silently_remove(side[0], (uint8_t[KEY_LEN]){ 8, 1, 2, 3 });
	verify(1, &past);
	assert_int_equal(past.peer.differed, 2);
	assert_int_equal(side[1]->kernel[find(side[1], seventh)].value, 77);
}

/* A repair after a full copy sends some buckets, not another full copy. */
static void a_repair_is_no_resync(void **state)
{
	const struct mirror *standby = side[1]->node.mirror;
	struct mirror_past past;

	(void)state;
	uint32_t copies = standby->past.heard.times;

	assert_int_equal(copies, 1);
	silently_remove(side[1], seventh);
	verify(0, &past);
	assert_int_equal(standby->past.heard.times, copies);
	assert_int_equal(side[0]->node.mirror->past.sent.times, copies);
}

static void a_sync_is_a_full_copy_from_either_node(void **state)
{
	(void)state;
	for (unsigned node = 0; node < 2; node++) {
		struct mirror_view v = { 0 };
		uint32_t copies = side[0]->node.mirror->past.sent.times;

		mirror_asked(&side[node]->node, now, true);
		run_ms(20);
		mirror_look(&side[0]->node, now, &v);
		assert_int_equal(v.past.sent.times, copies + 1);
		assert_int_equal(v.past.sent.objects, 20);
		assert_true(v.arrived);
		mirror_look(&side[1]->node, now, &v);
		assert_int_equal(v.past.heard.times, copies + 1);
		assert_int_equal(v.past.heard.objects, 20);
		run_ms(6000);
		mirror_look(&side[0]->node, now, &v);
		assert_int_equal(v.past.sent.times, copies + 1);
	}
}

static void a_node_without_a_full_copy_says_that_it_cannot_compare(void **state)
{
	struct mirror_past past;

	(void)state;
	side[1]->node.mirror->complete = false;
	verify(0, &past);
	assert_true(past.ours.failed);
}

static void odd_findings_are_set_aside(void **state)
{
	struct node *n = &side[0]->node;
	uint64_t malformed = n->counter[COUNTER_RECORDS_MALFORMED];
	struct mirror_past before = n->mirror->past;

	(void)state;
	mirror_heard_found(n, span_of((uint8_t[]){ 1, 0, 0 }, 3));
	mirror_heard_found(n, span_of((uint8_t[]){ 0, 0, 0, 0, 1, 0, 0, 0, 1 }, 9));
	mirror_heard_found(n, span_of((uint8_t[]){ 4, 0, 0, 0, 1, 0, 0, 0, 1 }, 9));
	assert_int_equal(n->counter[COUNTER_RECORDS_MALFORMED], malformed + 3);
	assert_memory_equal(&n->mirror->past, &before, sizeof(before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(equal_tables_are_said_to_be_equal),
		TEST(what_the_standbys_kernel_lost_is_found_from_either_node),
		TEST(what_the_standbys_kernel_has_too_much_is_removed),
		TEST(what_the_masters_kernel_changed_unheard_is_told),
		TEST(a_repair_is_no_resync),
		TEST(a_sync_is_a_full_copy_from_either_node),
		TEST(a_node_without_a_full_copy_says_that_it_cannot_compare),
		TEST(odd_findings_are_set_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
