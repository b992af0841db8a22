/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "io/passage.h"

#define TITLES "Inter-|   Receive\n face |bytes    packets errs\n"

static void interfaces_are_read_with_their_frames(void **state)
{
	struct passage p;

	(void)state;
	assert_int_equal(passage_parse_links(TITLES
				 "    lo:   19319     187    0\n"
				 "fifteen_letters:18446744073709551615 18446744073709551614    0\n",
				 &p),
		0);
	assert_int_equal(p.n_links, 2);
	assert_string_equal(p.link[0].name, "lo");
	assert_int_equal(p.link[0].received, 187);
	assert_string_equal(p.link[1].name, "fifteen_letters");
	assert_int_equal(p.link[1].received, UINT64_MAX - 1);
}

static void what_is_no_such_text_is_refused(void **state)
{
	static const char *const texts[] = { "", "one line", TITLES "eth0", TITLES "eth0: 1",
		TITLES "eth0: 1 x", TITLES ": 1 2 3\n", TITLES "sixteen__letters: 1 2 3\n" };
	static char many[32 * 1024];
	struct passage p;
	size_t len = (size_t)snprintf(many, sizeof(many), TITLES);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(passage_parse_links(texts[i], &p), -EBADMSG);
	for (unsigned i = 0; i <= PASSAGE_LINKS_MAX; i++)
		len += (size_t)snprintf(many + len, sizeof(many) - len, "e%u: 1 2 3\n", i);
	assert_int_equal(passage_parse_links(many, &p), -E2BIG);
}

static void what_was_forwarded_stands_below_its_name(void **state)
{
	uint64_t n = 0;

	(void)state;
	assert_int_equal(passage_parse_forwarded("Ip: Forwarding ForwDatagrams InDiscards\n"
						 "Ip: 1 77 3\nIcmp: x\n",
				 &n),
		0);
	assert_int_equal(n, 77);
	assert_int_equal(passage_parse_forwarded("", &n), -EBADMSG);
	assert_int_equal(passage_parse_forwarded("Ip: ForwDatagrams\n", &n), -EBADMSG);
	assert_int_equal(passage_parse_forwarded("Ip: ForwDatagrams\nIp:\n", &n), -EBADMSG);
	assert_int_equal(passage_parse_forwarded("Ip: ForwDatagrams\nIp: many\n", &n), -EBADMSG);
	assert_int_equal(passage_parse_forwarded("Ip: Other\nIp: 1\n", &n), -EBADMSG);
	assert_int_equal(passage_parse_forwarded6("Ip6InX  1\nIp6OutForwDatagrams   \t5\n"), 5);
	assert_int_equal(passage_parse_forwarded6("Ip6InX  1\n"), 0);
}

/* From one reading to the next: eth0 and eth1 are ours. */
static struct passage from, to;

static void set(struct passage *p, uint64_t forwarded, uint64_t eth0, uint64_t other)
{
	*p = (struct passage){ .before = forwarded, .after = forwarded, .n_links = 3 };
	strcat(p->link[0].name, "eth0");
	strcat(p->link[1].name, "eth1");
	strcat(p->link[2].name, "eth2");
	p->link[0].received = eth0;
	p->link[2].received = other;
}

static bool ours(void *user, const char *name)
{
	(void)user;
	return strcmp(name, "eth0") == 0 || strcmp(name, "eth1") == 0;
}

static void more_than_others_received_came_by_ours(void **state)
{
	(void)state;
	set(&from, 100, 1000, 50);
	set(&to, 110, 1000, 53);
	assert_int_equal(passage_least(&from, &to, ours, NULL), 7);
	set(&to, 103, 5000, 53); /* whatever ours received */
	assert_int_equal(passage_least(&from, &to, ours, NULL), 0);
	set(&to, 99, 5000, 50);
	assert_int_equal(passage_least(&from, &to, ours, NULL), 0);
}

static void the_interfaces_are_counted_for_longer(void **state)
{
	(void)state;
	set(&from, 100, 0, 0);
	set(&to, 200, 0, 0);
	from.after = 150;
	to.before = 190;
	assert_int_equal(passage_least(&from, &to, ours, NULL), 40);
}

static void interfaces_that_come_and_go_hide_nothing(void **state)
{
	(void)state;
	set(&from, 100, 0, 10);
	set(&to, 200, 0, 10);
	strcat(to.link[2].name, "x"); /* eth2 is gone, and eth2x is new */
	assert_int_equal(passage_least(&from, &to, ours, NULL), 0);
	set(&to, 200, 0, 9); /* another one */
	assert_int_equal(passage_least(&from, &to, ours, NULL), 0);
	set(&to, 200, 0, 10);
	from.n_links = 2;
	assert_int_equal(passage_least(&from, &to, ours, NULL), 90);
	set(&from, 100, 0, 10);
	strcat(from.link[0].name, "x"); /* ours came with another name */
	from.link[0].received = 0;
	assert_int_equal(passage_least(&from, &to, ours, NULL), 0);
}

static void the_kernels_texts_are_understood(void **state)
{
	struct passage p;

	(void)state;
	assert_int_equal(passage_read(&p), 0);
	assert_true(p.n_links >= 1);
	assert_true(p.after >= p.before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interfaces_are_read_with_their_frames),
		cmocka_unit_test(what_is_no_such_text_is_refused),
		cmocka_unit_test(what_was_forwarded_stands_below_its_name),
		cmocka_unit_test(more_than_others_received_came_by_ours),
		cmocka_unit_test(the_interfaces_are_counted_for_longer),
		cmocka_unit_test(interfaces_that_come_and_go_hide_nothing),
		cmocka_unit_test(the_kernels_texts_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
