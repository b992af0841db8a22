/* SPDX-License-Identifier: GPL-3.0-or-later */
/* covers: sa.c sa_parse.c sa_put.c xfrm.c */
#include "object_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "object/sa.h"
#include "xfrm_samples.h"

static const char *const whole_samples[] = { SA_GCM, SA_CBC, SA_AH, SA_GCM_DUMPED, SA_CBC_DUMPED,
	SA_AH_DUMPED };

static int hear(const struct object_host *h, const struct sample *s, struct parsed *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->err = sa_ops.parse(h, (const struct nlmsghdr *)s->at, &ret->object, ret->room);
	return ret->err;
}

static void hear_hex(const char *hex, struct parsed *ret)
{
	struct sample s = sample_of(hex);

	assert_int_equal(hear(host_of_test(), &s, ret), 0);
}

static struct xfrm_usersa_info *info_of(struct sample *s)
{
	return (struct xfrm_usersa_info *)(void *)(s->at + NLMSG_HDRLEN);
}

/* A dumped SA that this kernel made then. */
static void hear_made_at(const char *hex, uint64_t time, uint32_t out, struct parsed *ret)
{
	struct sample s = sample_of(hex);
	struct attrs in;
	struct attr a;

	info_of(&s)->curlft.add_time = time;
	info_of(&s)->curlft.use_time = time + 1;
	assert_true(xfrm_attrs_of((void *)s.at, sizeof(struct xfrm_usersa_info), &in));
	while (attr_next(&in, &a)) {
		uint8_t *at = s.at + (a.data - s.at);

		if (a.type == XFRMA_REPLAY_VAL)
			memcpy(at, &out, sizeof(out));
		if (a.type == XFRMA_REPLAY_ESN_VAL)
			memcpy(at + 4, &out, sizeof(out));
	}
	assert_int_equal(hear(host_of_test(), &s, ret), 0);
}

static const struct nlmsghdr *first_of(const struct sample *s)
{
	return (const void *)s->at;
}

static const struct nlmsghdr *second_of(const struct sample *s)
{
	size_t first = NLMSG_ALIGN((size_t)first_of(s)->nlmsg_len);

	return s->len > first ? (const void *)(s->at + first) : NULL;
}

/* An attribute of a message with `fixed` bytes of structure; false: there is none. */
static bool find(const struct nlmsghdr *nlh, size_t fixed, uint16_t type, struct attr *ret)
{
	struct attrs in;

	assert_true(xfrm_attrs_of(nlh, fixed, &in));
	while (attr_next(&in, ret)) {
		if (ret->type == type)
			return true;
	}
	assert_false(in.bad);
	return false;
}

static struct sample tell(enum object_op op, const struct parsed *p)
{
	struct sample s = { .len = 0 };
	int len = sa_ops.put_order(
		host_of_test(), op, key_of(p), value_of(p), memset(s.at, 0xaa, SAMPLE_MAX));

	assert_in_range(len, 0, SAMPLE_MAX);
	s.len = (size_t)len;
	return s;
}

static struct xfrm_lifetime_cur times_in(const struct nlmsghdr *nlh, size_t fixed)
{
	struct xfrm_lifetime_cur times = { 0 };
	struct attr a;

	assert_true(find(nlh, fixed, XFRMA_LTIME_VAL, &a));
	assert_int_equal(a.len, sizeof(times));
	memcpy(&times, a.data, sizeof(times));
	return times;
}

static bool numbers_in(const struct sample *s, struct xfrm_replay_state *ret)
{
	struct attr a;

	if (!find(first_of(s), sizeof(struct xfrm_aevent_id), XFRMA_REPLAY_VAL, &a))
		return false;
	memcpy(ret, a.data, sizeof(*ret));
	return true;
}

static struct xfrm_replay_state_esn esn_in(const struct sample *s)
{
	struct xfrm_replay_state_esn esn = { 0 };
	struct attr a;

	assert_true(find(first_of(s), sizeof(struct xfrm_aevent_id), XFRMA_REPLAY_ESN_VAL, &a));
	memcpy(&esn, a.data, sizeof(esn));
	return esn;
}

/* ---- what the kernel says --------------------------------------------------------------- */

static void an_sa_is_named_by_protocol_spi_destination_and_mark(void **state)
{
	struct parsed p;

	(void)state;
	hear_hex(SA_GCM, &p);
	assert_int_equal(p.object.kind, OBJECT_SA);
	assert_int_equal(p.object.op, OBJECT_WHOLE);
	assert_int_equal(p.object.marks, OBJECT_AGES);
	assert_bytes(key_of(&p), "0432"
				 "00001001"
				 "0a4e0064");
	hear_hex(SA_CBC, &p);
	assert_bytes(key_of(&p), "1432"
				 "00002002"
				 "0a4e0001"
				 "00000007000000ff");
	hear_hex(SA_AH, &p);
	assert_bytes(key_of(&p), "0633"
				 "00003003"
				 "fd780000000000000000000000000100");
}

static void event_and_dump_tell_the_same(void **state)
{
	struct parsed event, dump;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		hear_hex(whole_samples[i], &event);
		hear_hex(whole_samples[i + 3], &dump);
		assert_int_equal(event.object.base, dump.object.base);
		assert_int_equal(event.object.key_len, dump.object.key_len);
		assert_memory_equal(event.object.key, dump.object.key, event.object.key_len);
	}
}

static void a_whole_sa_is_described_as_parsed_and_made_as_it_was(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(whole_samples); i++) {
		struct parsed p, again;
		struct object o = { 0 };
		struct sample s;

		hear_hex(whole_samples[i], &p);
		assert_int_equal(sa_ops.describe(key_of(&p), value_of(&p), &o), 0);
		assert_int_equal(o.base, p.object.base);
		assert_int_equal(o.known, p.object.known);
		assert_int_equal(o.state, p.object.state);
		s = tell(OBJECT_CREATE, &p);
		assert_int_equal(first_of(&s)->nlmsg_type, XFRM_MSG_NEWSA);
		assert_null(second_of(&s));
		assert_true(times_in(first_of(&s), sizeof(struct xfrm_usersa_info)).add_time >=
			    SA_TIME_HELD);
		assert_int_equal(hear(host_of_test(), &s, &again), 0);
		assert_int_equal(again.object.base, p.object.base);
		assert_memory_equal(again.object.key, p.object.key, p.object.key_len);
	}
}

static void numbers_are_told_without_the_rest(void **state)
{
	struct parsed p;
	struct object o = { 0 };
	struct sample s;
	struct xfrm_replay_state numbers;

	(void)state;
	hear_hex(SA_NUMBERS, &p);
	assert_int_equal(p.object.op, OBJECT_CHANGE);
	assert_int_equal(p.object.known, 0);
	assert_bytes(key_of(&p), "0432"
				 "00001001"
				 "0a4e0064");
	assert_int_equal(sa_ops.describe(key_of(&p), value_of(&p), &o), 0);
	assert_int_equal(o.known, 0);
	s = tell(OBJECT_CHANGE, &p);
	assert_int_equal(first_of(&s)->nlmsg_type, XFRM_MSG_NEWAE);
	assert_true(first_of(&s)->nlmsg_flags & NLM_F_REPLACE);
	assert_true(numbers_in(&s, &numbers));
	assert_int_equal(numbers.oseq, 1000);
	assert_true(times_in(first_of(&s), sizeof(struct xfrm_aevent_id)).add_time >= SA_TIME_HELD);
	/* Nothing else can be made of it. */
	assert_int_equal(
		sa_ops.put_order(host_of_test(), OBJECT_CREATE, key_of(&p), value_of(&p), s.at),
		-EBADMSG);
	hear_hex(SA_NUMBERS_ESN, &p);
	assert_int_equal(p.object.state, ((UINT64_C(1) << 32) + 5) / SA_JUMP);
	s = tell(OBJECT_CHANGE, &p);
	assert_int_equal(esn_in(&s).oseq, 5);
	assert_int_equal(esn_in(&s).oseq_hi, 1);
	assert_int_equal(esn_in(&s).seq, 70);
	assert_int_equal(esn_in(&s).seq_hi, 2);
}

static void an_end_names_the_sa_and_a_deletion_could_be_undone(void **state)
{
	struct parsed p;
	struct sample s;

	(void)state;
	hear_hex(SA_GCM_GONE, &p);
	assert_int_equal(p.object.op, OBJECT_REMOVE);
	assert_int_equal(p.object.marks, 0);
	s = tell(OBJECT_CREATE, &p);
	assert_int_equal(first_of(&s)->nlmsg_type, XFRM_MSG_NEWSA);
	s = tell(OBJECT_REMOVE, &p);
	assert_int_equal(first_of(&s)->nlmsg_type, XFRM_MSG_DELSA);
	hear_hex(SA_EXPIRED, &p);
	assert_int_equal(p.object.op, OBJECT_REMOVE);
	assert_int_equal(p.object.value_len, 0);
	assert_bytes(key_of(&p), "0432"
				 "00001004"
				 "0a4e0064");
	/* A soft limit is no end. */
	s = sample_of(SA_EXPIRED);
	s.at[NLMSG_HDRLEN + sizeof(struct xfrm_usersa_info)] = 0;
	assert_int_equal(hear(host_of_test(), &s, &p), -ENOMSG);
	s = sample_of(SA_FLUSHED);
	assert_int_equal(hear(host_of_test(), &s, &p), -ESTALE);
}

static void what_ends_here_has_no_keys_or_shows_none_stays_out(void **state)
{
	struct object_host *host = host_of_test();
	const struct conf_ip own = { .family = AF_INET, .bytes = { 10, 78, 0, 1 } };
	struct sample s = sample_of(SA_GCM);
	struct parsed p;
	struct attr a;

	(void)state;
	assert_true(object_own_add(&host->own, &own));
	assert_int_equal(hear(host, &s, &p), -ENOMSG);
	host = host_of_test();
	assert_true(object_own_add(&host->shared, &own));
	assert_int_equal(hear(host, &s, &p), 0);
	object_own_clear(&host->first); /* another group's */
	assert_int_equal(hear(host, &s, &p), -ENOMSG);
	host = host_of_test();
	assert_true(find(first_of(&s), sizeof(struct xfrm_usersa_info), XFRMA_ALG_AEAD, &a));
	memset(s.at + (a.data - s.at) + sizeof(struct xfrm_algo_aead), 0,
		a.len - sizeof(struct xfrm_algo_aead));
	assert_int_equal(hear(host, &s, &p), -EBADMSG);
	s = sample_of(SA_GCM);
	first_of(&s);
	((struct nlmsghdr *)(void *)s.at)->nlmsg_len =
		NLMSG_HDRLEN + sizeof(struct xfrm_usersa_info);
	assert_int_equal(hear(host, &s, &p), -ENOMSG);
	s = sample_of(SA_GCM);
	info_of(&s)->sel.ifindex = 2;
	assert_int_equal(hear(host, &s, &p), -ENOMSG);
}

static void hardware_counters_and_times_change_no_print(void **state)
{
	static const struct xfrm_user_offload offload = { .ifindex = 3 };
	struct sample s = sample_of(SA_GCM);
	struct parsed plain, p;
	struct message m = { .start = s.at, .at = s.at + s.len };

	(void)state;
	assert_int_equal(hear(host_of_test(), &s, &plain), 0);
	attr_put(&m, XFRMA_OFFLOAD_DEV, &offload, sizeof(offload));
	(void)message_end(&m);
	info_of(&s)->curlft.bytes = 77;
	info_of(&s)->curlft.use_time = 78;
	info_of(&s)->stats.replay = 79;
	info_of(&s)->seq = 80;
	assert_int_equal(hear(host_of_test(), &s, &p), 0);
	assert_int_equal(p.object.base, plain.object.base);
	info_of(&s)->lft.hard_add_expires_seconds++;
	assert_int_equal(hear(host_of_test(), &s, &p), 0);
	assert_int_not_equal(p.object.base, plain.object.base);
}

static void an_attribute_of_a_later_kernel_comes_along(void **state)
{
	struct sample s = sample_of(SA_GCM), made;
	struct message m = { .start = s.at, .at = s.at + s.len };
	struct parsed p;
	struct attr a;

	(void)state;
	attr_put_be32(&m, 77, 0x01020304);
	(void)message_end(&m);
	assert_int_equal(hear(host_of_test(), &s, &p), 0);
	made = tell(OBJECT_CREATE, &p);
	assert_true(find(first_of(&made), sizeof(struct xfrm_usersa_info), 77, &a));
	assert_int_equal(attr_be32(a.data), 0x01020304);
}

/* ---- what it is told -------------------------------------------------------------------- */

static void a_takeover_jumps_first_and_lets_limits_run_later(void **state)
{
	struct xfrm_replay_state numbers;
	struct parsed p;
	struct sample s;

	(void)state;
	hear_made_at(SA_GCM_DUMPED, SA_TIME_HELD + 1000, 500, &p);
	assert_int_equal(p.object.marks, OBJECT_HELD);
	s = tell(OBJECT_SETTLE, &p);
	assert_int_equal(first_of(&s)->nlmsg_type, XFRM_MSG_NEWAE);
	assert_null(second_of(&s));
	assert_true(numbers_in(&s, &numbers));
	assert_int_equal(numbers.oseq, 2 * SA_JUMP);
	assert_true(times_in(first_of(&s), sizeof(struct xfrm_aevent_id)).add_time ==
		    SA_TIME_JUMPED + 1000);

	hear_made_at(SA_GCM_DUMPED, SA_TIME_JUMPED + 1000, 500, &p);
	assert_int_equal(p.object.marks, OBJECT_HELD | OBJECT_AGES);
	s = tell(OBJECT_SETTLE, &p);
	assert_false(numbers_in(&s, &numbers));
	assert_true(times_in(first_of(&s), sizeof(struct xfrm_aevent_id)).add_time == 1000);
	assert_true(times_in(first_of(&s), sizeof(struct xfrm_aevent_id)).use_time == 1001);
	assert_non_null(second_of(&s));
	assert_int_equal(second_of(&s)->nlmsg_type, XFRM_MSG_UPDSA);

	hear_made_at(SA_GCM_DUMPED, 1000, 500, &p);
	assert_int_equal(p.object.marks, OBJECT_AGES);
	assert_int_equal(tell(OBJECT_SETTLE, &p).len, 0);
	/* What is let go has both at once. */
	hear_made_at(SA_GCM_DUMPED, SA_TIME_HELD + 1000, 500, &p);
	s = tell(OBJECT_RETIME, &p);
	assert_true(numbers_in(&s, &numbers) && numbers.oseq == 2 * SA_JUMP);
	assert_true(times_in(first_of(&s), sizeof(struct xfrm_aevent_id)).add_time == 1000);
	assert_int_equal(second_of(&s)->nlmsg_type, XFRM_MSG_UPDSA);
}

/* The kernel writes numbers of both directions: old ones must not come back. */
static void a_hold_writes_times_alone(void **state)
{
	struct xfrm_replay_state numbers;
	struct parsed p;
	struct sample s;

	(void)state;
	hear_made_at(SA_GCM_DUMPED, 1000, 500, &p);
	s = tell(OBJECT_HOLD, &p);
	assert_int_equal(first_of(&s)->nlmsg_type, XFRM_MSG_NEWAE);
	assert_false(numbers_in(&s, &numbers));
	assert_true(times_in(first_of(&s), sizeof(struct xfrm_aevent_id)).add_time ==
		    SA_TIME_HELD + 1000);
}

static void what_receives_keeps_its_window(void **state)
{
	struct object_host *host = host_of_test();
	const struct conf_ip here = { .family = AF_INET, .bytes = { 10, 78, 0, 100 } };
	struct xfrm_replay_state numbers;
	struct parsed p;
	struct sample s;

	(void)state;
	hear_made_at(SA_GCM_DUMPED, SA_TIME_HELD + 1000, 500, &p);
	assert_true(object_own_add(&host->shared, &here));
	s.len = (size_t)sa_ops.put_order(host, OBJECT_SETTLE, key_of(&p), value_of(&p), s.at);
	assert_false(numbers_in(&s, &numbers));
	assert_true(times_in(first_of(&s), sizeof(struct xfrm_aevent_id)).add_time ==
		    SA_TIME_JUMPED + 1000);
}

static void numbers_that_are_used_up_stay_so(void **state)
{
	struct xfrm_replay_state numbers;
	struct parsed p;
	struct sample s;

	(void)state;
	hear_made_at(SA_GCM_DUMPED, SA_TIME_HELD + 1000, UINT32_MAX - 5, &p);
	s = tell(OBJECT_SETTLE, &p);
	assert_true(numbers_in(&s, &numbers));
	assert_int_equal(numbers.oseq, UINT32_MAX);
}

static void long_numbers_jump_with_their_upper_half(void **state)
{
	struct parsed p;
	struct sample s;

	(void)state;
	hear_made_at(SA_CBC_DUMPED, SA_TIME_HELD + 1000, UINT32_MAX - 5, &p);
	s = tell(OBJECT_SETTLE, &p);
	assert_int_equal(esn_in(&s).oseq, 2 * SA_JUMP);
	assert_int_equal(esn_in(&s).oseq_hi, 1);
	assert_int_equal(esn_in(&s).bmp_len, 2);
}

static void two_masters_that_met_jump_twice_as_far(void **state)
{
	struct object_host *host = host_of_test();
	struct xfrm_replay_state numbers;
	struct parsed p;
	struct sample s;

	(void)state;
	hear_made_at(SA_GCM_DUMPED, 1000, 500, &p);
	s = tell(OBJECT_LOOSEN, &p);
	assert_true(numbers_in(&s, &numbers));
	assert_int_equal(numbers.oseq, 6 * SA_JUMP);
	/* Never into the other node's numbers. */
	host->node = 1;
	s.len = (size_t)sa_ops.put_order(host, OBJECT_LOOSEN, key_of(&p), value_of(&p), s.at);
	assert_true(numbers_in(&s, &numbers) && numbers.oseq == 5 * SA_JUMP);
}

static void orders_for_this_node_itself_or_out_of_nothing_are_refused(void **state)
{
	struct object_host *host = host_of_test();
	const struct conf_ip own = { .family = AF_INET, .bytes = { 10, 78, 0, 1 } };
	_Alignas(8) uint8_t room[OBJECT_NETLINK_MAX];
	struct parsed p;

	(void)state;
	hear_hex(SA_GCM, &p);
	assert_true(object_own_add(&host->own, &own));
	assert_int_equal(sa_ops.put_order(host, OBJECT_CREATE, key_of(&p), value_of(&p), room),
		-EADDRNOTAVAIL);
	host = host_of_test();
	for (int op = OBJECT_WHOLE; op <= OBJECT_RETIME; op++) {
		int result = sa_ops.put_order(
			host, (enum object_op)op, key_of(&p), span_of(NULL, 0), room);

		if (op == OBJECT_REMOVE)
			assert_true(result > 0);
		else
			assert_int_equal(result, op == OBJECT_EVICT ? 0 : -EBADMSG);
	}
	assert_true(sa_ops.put_get(key_of(&p), room) > 0);
	assert_int_equal(first_of((const void *)room)->nlmsg_type, XFRM_MSG_GETSA);
	assert_int_equal(sa_ops.put_get(span_of("x", 1), room), -EBADMSG);
	assert_true(sa_ops.put_dump(room) > 0);
}

static void the_kernel_is_told_how_often_to_tell(void **state)
{
	_Alignas(8) uint8_t room[OBJECT_NETLINK_MAX];
	struct sample s = sample_of(SA_CBC_DUMPED), other = sample_of(SA_NUMBERS);
	const size_t fixed = sizeof(struct xfrm_aevent_id);
	uint32_t packets;
	struct attr a;

	(void)state;
	assert_true(object_put_pace(first_of(&s), room) > 0);
	assert_true(find((const void *)room, fixed, XFRMA_REPLAY_THRESH, &a));
	memcpy(&packets, a.data, sizeof(packets));
	assert_int_equal(packets, OBJECT_NUMBERS_PACKETS);
	assert_true(find((const void *)room, fixed, XFRMA_ETIMER_THRESH, &a));
	assert_true(find((const void *)room, fixed, XFRMA_MARK, &a));
	assert_int_equal(object_put_pace(first_of(&other), room), 0);
}

/* ---- values ----------------------------------------------------------------------------- */

static void keys_are_never_printed(void **state)
{
	char text[OBJECT_TEXT_MAX];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(whole_samples); i++) {
		struct parsed p;

		hear_hex(whole_samples[i], &p);
		sa_ops.print(key_of(&p), value_of(&p), text);
		assert_null(strstr(text, "0102"));
		assert_null(strstr(text, "\1\2"));
	}
	struct parsed p;

	hear_made_at(SA_GCM_DUMPED, SA_TIME_HELD + 1, 7, &p);
	sa_ops.print(key_of(&p), value_of(&p), text);
	assert_string_equal(text, "to 10.78.0.100 esp spi 0x00001001 from 10.78.0.1 mode 1 reqid 1 "
				  "rfc4106(gcm(aes)) out 7 in 0 held");
}

static void what_is_cut_short_or_of_another_byte_order_is_refused(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(whole_samples); i++) {
		struct parsed p;
		struct object o = { 0 };
		uint8_t value[OBJECT_VALUE_MAX];
		unsigned whole = 0;

		hear_hex(whole_samples[i], &p);
		for (size_t len = 0; len < p.object.value_len; len++)
			whole += sa_ops.describe(key_of(&p), span_of(p.object.value, len), &o) == 0;
		assert_in_range(whole, 0, 8); /* between two attributes */
		memcpy(value, p.object.value, p.object.value_len);
		value[0] ^= 3;
		assert_int_equal(
			sa_ops.describe(key_of(&p), span_of(value, p.object.value_len), &o),
			-EBADMSG);
	}
}

static void messages_that_are_cut_short_are_malformed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(whole_samples); i++) {
		struct sample s = sample_of(whole_samples[i]);
		size_t len = s.len;

		while (len-- > NLMSG_HDRLEN) {
			uint8_t *copy = malloc(len);
			struct parsed p;

			assert_non_null(copy);
			memcpy(copy, s.at, len);
			((struct nlmsghdr *)(void *)copy)->nlmsg_len = (uint32_t)len;
			p.err = sa_ops.parse(host_of_test(), (const void *)copy, &p.object, p.room);
			if (len < NLMSG_HDRLEN + sizeof(struct xfrm_usersa_info))
				assert_int_equal(p.err, -EBADMSG);
			free(copy);
		}
	}
}

static void runs_of_any_length_are_packed_and_unpacked(void **state)
{
	struct xfrm_value v = { .whole = true }, again;
	uint8_t packed[OBJECT_VALUE_MAX];

	(void)state;
	for (unsigned n = 0; n < 300; n++) {
		size_t len;

		v.len = 0;
		for (unsigned i = 0; i < n; i++)
			v.bytes[v.len++] = 0;
		v.bytes[v.len++] = 7;
		for (unsigned i = 0; i < n; i++)
			v.bytes[v.len++] = 0xff;
		for (unsigned i = 0; i < n % 140; i++)
			v.bytes[v.len++] = (uint8_t)(i + 1);
		len = xfrm_value_put(&v, packed);
		assert_true(len > 0 && len < v.len + 8);
		assert_int_equal(xfrm_value_take(span_of(packed, len), v.len, &again), 0);
		assert_int_equal(again.len, v.len);
		assert_memory_equal(again.bytes, v.bytes, v.len);
	}
	for (unsigned i = 0; i < sizeof(v.bytes); i++)
		v.bytes[i] = (uint8_t)(i % 250 + 1);
	v.len = sizeof(v.bytes);
	assert_int_equal(xfrm_value_put(&v, packed), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_sa_is_named_by_protocol_spi_destination_and_mark),
		cmocka_unit_test(event_and_dump_tell_the_same),
		cmocka_unit_test(a_whole_sa_is_described_as_parsed_and_made_as_it_was),
		cmocka_unit_test(numbers_are_told_without_the_rest),
		cmocka_unit_test(an_end_names_the_sa_and_a_deletion_could_be_undone),
		cmocka_unit_test(what_ends_here_has_no_keys_or_shows_none_stays_out),
		cmocka_unit_test(hardware_counters_and_times_change_no_print),
		cmocka_unit_test(an_attribute_of_a_later_kernel_comes_along),
		cmocka_unit_test(a_takeover_jumps_first_and_lets_limits_run_later),
		cmocka_unit_test(a_hold_writes_times_alone),
		cmocka_unit_test(what_receives_keeps_its_window),
		cmocka_unit_test(numbers_that_are_used_up_stay_so),
		cmocka_unit_test(long_numbers_jump_with_their_upper_half),
		cmocka_unit_test(two_masters_that_met_jump_twice_as_far),
		cmocka_unit_test(orders_for_this_node_itself_or_out_of_nothing_are_refused),
		cmocka_unit_test(the_kernel_is_told_how_often_to_tell),
		cmocka_unit_test(keys_are_never_printed),
		cmocka_unit_test(what_is_cut_short_or_of_another_byte_order_is_refused),
		cmocka_unit_test(messages_that_are_cut_short_are_malformed),
		cmocka_unit_test(runs_of_any_length_are_packed_and_unpacked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
