/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rtnl_fixture.h"

#include "io/neighbours.h"
#include "nsrp/object.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

static struct object_host host;

/* Messages in a row, as the engine sends them. */
struct row {
	unsigned n;
	size_t len;
	_Alignas(8) uint8_t bytes[4096];
};

static void add(struct row *row, enum object_op op, uint8_t last)
{
	const uint8_t key[] = { 4, 3, 'l', 'a', 'n', 10, 77, 0, last };
	const uint8_t value[] = { 0, 2, 0, 0, 0, 0, last };
	int len = object_ops_of(OBJECT_NEIGHBOUR)
			  ->put_order(&host, op, span_of(key, sizeof(key)),
				  span_of(value, sizeof(value)), row->bytes + row->len);

	assert_true(len > 0);
	row->n++;
	row->len += (size_t)(len + 3) & ~(size_t)3;
}

static struct nlmsghdr *last_of(struct row *row, size_t from)
{
	return (struct nlmsghdr *)(void *)(row->bytes + from);
}

static void begin(struct row *row)
{
	memset(row, 0, sizeof(*row));
	memset(&host, 0, sizeof(host));
	host.n_interfaces = 1;
	host.interface[0] = (struct object_interface){ "lan", if_nametoindex("v0") };
}

static void each_refusal_belongs_to_its_message(void **state)
{
	int16_t error[4] = { 7, 7, 7, 7 };
	struct row row;
	RTNL(r);

	begin(&row);
	add(&row, OBJECT_WHOLE, 1);
	add(&row, OBJECT_SETTLE, 2); /* which is not there */
	add(&row, OBJECT_REMOVE, 3);
	add(&row, OBJECT_CREATE, 4);
	neighbours_write(r, span_of(row.bytes, row.len), row.n, error);
	assert_int_equal(error[0], 0);
	assert_int_equal(error[1], ENOENT);
	assert_int_equal(error[2], ENOENT);
	assert_int_equal(error[3], 0);
	assert_says("ip neigh show dev v0",
		"10.77.0.1 lladdr 02:00:00:00:00:01 extern_learn STALE proto 158");
	assert_says("ip neigh show dev v0", "10.77.0.4 lladdr 02:00:00:00:00:04 extern_learn");
	assert_silent_on("ip neigh show dev v0", "10.77.0.2 ");
}

static void nothing_but_neighbours_is_written(void **state)
{
	int16_t error[3] = { 0 };
	struct row row;
	RTNL(r);

	begin(&row);
	add(&row, OBJECT_WHOLE, 1);
	last_of(&row, 0)->nlmsg_type = RTM_NEWADDR;
	size_t second = row.len;

	add(&row, OBJECT_WHOLE, 2);
	row.bytes[second + NLMSG_HDRLEN] = AF_BRIDGE;
	add(&row, OBJECT_WHOLE, 3);
	neighbours_write(r, span_of(row.bytes, row.len), row.n, error);
	assert_int_equal(error[0], EPERM);
	assert_int_equal(error[1], EPERM);
	assert_int_equal(error[2], 0);
	assert_says("ip neigh show dev v0", "10.77.0.3 ");
}

static void what_is_malformed_ends_the_row(void **state)
{
	static const uint32_t lengths[] = { 0, 15, 27, 500, UINT32_MAX };
	RTNL(r);

	for (unsigned i = 0; i < ARRAY_LEN(lengths); i++) {
		int16_t error[3] = { 0 };
		struct row row;

		begin(&row);
		add(&row, OBJECT_WHOLE, 1);
		size_t second = row.len;

		add(&row, OBJECT_WHOLE, 2);
		add(&row, OBJECT_WHOLE, 3);
		last_of(&row, second)->nlmsg_len = lengths[i];
		neighbours_write(r, span_of(row.bytes, row.len), row.n, error);
		assert_int_equal(error[0], 0);
		assert_int_equal(error[1], EBADMSG);
		assert_int_equal(error[2], EBADMSG);
	}
	assert_silent_on("ip neigh show dev v0", "10.77.0.2 ");
}

static void what_was_installed_is_given_back_and_nothing_else(void **state)
{
	int16_t error[RTNL_BATCH_MAX];
	struct row row;
	RTNL(r);

	for (unsigned from = 0; from < 250; from += 25) {
		begin(&row);
		for (unsigned i = 0; i < 25; i++)
			add(&row, OBJECT_WHOLE, (uint8_t)(from + i));
		neighbours_write(r, span_of(row.bytes, row.len), row.n, error);
	}
	run("for i in $(seq 100); do ip neigh replace 10.77.1.$i lladdr 02:00:00:00:01:01 dev v1 "
	    "nud stale extern_learn proto 158; done");
	run("ip neigh replace 10.77.2.1 lladdr 02:00:00:00:02:01 dev v0 nud stale extern_learn "
	    "proto 77");
	run("ip -6 neigh replace fe80::77 lladdr 02:00:00:00:00:77 router dev v0 nud stale "
	    "extern_learn proto 158");
	assert_int_equal(neighbours_release(r), 0);
	assert_silent_on("ip neigh show", "extern_learn STALE proto 158");
	assert_says("ip neigh show | grep -c STALE", "352");
	assert_says("ip neigh show dev v0", "fe80::77 lladdr 02:00:00:00:00:77 router STALE");
	assert_says("ip neigh show dev v0", "extern_learn STALE proto 77");
	assert_int_equal(neighbours_release(r), 0);
}

static void the_limit_is_the_kernels(void **state)
{
	uint32_t limit = 0;
	RTNL(r);

	assert_int_equal(neighbours_limit(r, &limit), 0);
	assert_true(limit >= 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rtnl_set_up, rtnl_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_refusal_belongs_to_its_message),
		TEST(nothing_but_neighbours_is_written),
		TEST(what_is_malformed_ends_the_row),
		TEST(what_was_installed_is_given_back_and_nothing_else),
		TEST(the_limit_is_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
