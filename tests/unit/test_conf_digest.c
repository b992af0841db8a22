/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_conf.h"

static struct conf conf;

static uint64_t digest_of(const char *text)
{
	static struct conf other;

	accept_as(text, "fw1", &conf);
	accept_as(text, "fw2", &other);
	assert_int_equal(conf.digest, other.digest);
	return conf.digest;
}

#define MONITOR "[monitor m]\ntype = ping\ntarget = 192.0.2.9\n"
#define MIRROR "[mirror]\nsessions = yes\n"
#define UDP "[link ha1]\ntransport = udp\naddress.fw1 = 10.0.0.1\naddress.fw2 = 10.0.0.2\n"
#define LAN "[interface lan]\ndevice.fw1 = eth0\ndevice.fw2 = eth7\n"
#define BASE                                                                                       \
	"[cluster]\nid = 1\nkey-file = /k\n[node fw1]\n[node fw2]\n" LAN LINK UDP                  \
	"[group 0]\naddress = 192.0.2.1/24 dev lan\nroute = default via 192.0.2.9\n" MONITOR       \
		MIRROR

/* BASE, with the first `from` made into `to`. */
static uint64_t digest_with(const char *from, const char *to)
{
	const char *base = BASE, *at = strstr(base, from);
	char text[2048];

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - base), base, to, at + strlen(from));
	return digest_of(text);
}

static void the_digest_is_the_same_on_both_nodes(void **state)
{
	(void)state;
	assert_int_equal(digest_of(load(EXAMPLE)), digest_of(load(EXAMPLE)));
	assert_int_not_equal(digest_of(BASE), 0);
}

/* Each comes to another digest than BASE, and than all others. */
static const struct {
	const char *from, *to;
} changes[] = {
	{ "id = 1\n", "id = 2\n" },
	{ "key-file = /k\n", "key-file = /l\n" },
	{ "id = 1\n", "id = 1\nprevious-key-file = /k\n" },
	{ "id = 1\n", "id = 1\nheartbeat = 51ms\n" },
	{ "id = 1\n", "id = 1\nlost-after = 5\n" },
	{ "id = 1\n", "id = 1\nlost-after.fw1 = 5\n" },
	{ "id = 1\n", "id = 1\nlost-after.fw2 = 5\n" },
	{ "id = 1\n", "id = 1\nboot-wait = 1s\n" },
	{ "id = 1\n", "id = 1\nsync-wait = 1s\n" },
	{ "id = 1\n", "id = 1\nmonitor-links = none\n" },
	{ "device.fw1 = eth0", "device.fw1 = eth8" },
	{ "device.fw2 = eth7", "device.fw2 = eth8" },
	{ "[interface lan]", "[interface x]\ndevice = x\n[interface lan]" },
	{ "[link ha0]", "[link ha9]" },
	{ "interface = eth2", "interface = eth9" },
	{ "address.fw1 = 10.0.0.1", "address.fw1 = 10.0.0.1:9" },
	{ "address.fw2 = 10.0.0.2", "address.fw2 = 10.0.0.3" },
	{ "[link ha1]", "interface.fw2 = eth3\n[link ha1]" },
	{ "transport = udp\n", "transport = udp\ninterface = eth3\n" },
	{ "[group 0]", "[group 1]" },
	{ "[group 0]\n", "[group 0]\npriority.fw1 = 50\n" },
	{ "[group 0]\n", "[group 0]\npriority.fw2 = 50\n" },
	{ "[group 0]\n", "[group 0]\npriority = 50\n" },
	{ "[group 0]\n", "[group 0]\npreempt = yes\n" },
	{ "[group 0]\n", "[group 0]\npreempt-hold = 1s\n" },
	{ "192.0.2.1/24 dev lan", "192.0.2.2/24 dev lan" },
	{ "192.0.2.1/24 dev lan", "192.0.2.1/25 dev lan" },
	{ "192.0.2.1/24 dev lan", "192.0.2.1/24 dev eth1" },
	{ "[group 0]\n", "[group 0]\naddress = 192.0.2.3/24 dev lan\n" },
	{ "via 192.0.2.9", "via 192.0.2.8" },
	{ "via 192.0.2.9", "via 192.0.2.9 dev lan" },
	{ "via 192.0.2.9", "via 192.0.2.9 metric 1" },
	{ "via 192.0.2.9", "via 192.0.2.9 table 1" },
	{ "default via", "10.0.0.0/8 via" },
	{ "[group 0]\n", "[group 0]\nvirtual-mac = yes\n" },
	{ "[group 0]\n", "[group 0]\nsecondary-path = none\n" },
	{ "[group 0]\n", "[group 0]\nsecondary-path = lan\n" },
	{ "[group 0]\n", "[group 0]\nthreshold = 1\n" },
	{ "[group 0]\n", "[group 0]\nhook = /h\n" },
	{ "[monitor m]", "[monitor n]" },
	{ "type = ping\n", "type = arp\ninterface = lan\n" },
	{ "type = ping\n", "type = ping\ninterface = lan\n" },
	{ "target = 192.0.2.9", "target = 192.0.2.8" },
	{ "type = ping\ntarget = 192.0.2.9", "type = script\nprogram = /a" },
	{ "type = ping\ntarget = 192.0.2.9", "type = script\nprogram = /b" },
	{ "type = ping\n", "type = ping\ninterval = 1s\n" },
	{ "type = ping\n", "type = ping\nfall = 1\n" },
	{ "type = ping\n", "type = ping\nrise = 1\n" },
	{ "type = ping\n", "type = ping\nweight = 1\n" },
	{ "type = ping\n", "type = ping\ngroup = 0\n" },
	{ "sessions = yes", "sessions = no" },
	{ "sessions = yes", "ipsec = no" },
	{ "sessions = yes", "ruleset = no" },
	{ "sessions = yes", "neighbours = no" },
	{ "sessions = yes", "ruleset-local = a" },
	{ "sessions = yes", "files = /a" },
	{ "sessions = yes", "files = /a, /b" },
	{ "sessions = yes", "files.fw1 = /a, /b" },
	{ "sessions = yes", "files.fw1 = /amirrorfilesfw1/b" },
	{ "sessions = yes", "hold = 1m" },
};

static void every_shared_key_changes_the_digest(void **state)
{
	uint64_t seen[ARRAY_LEN(changes) + 1] = { digest_of(BASE) };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		seen[i + 1] = digest_with(changes[i].from, changes[i].to);
		for (size_t j = 0; j <= i; j++) {
			if (seen[j] == seen[i + 1])
				print_error("`%s` is no change\n", changes[i].to);
			assert_int_not_equal(seen[j], seen[i + 1]);
		}
	}
}

static void what_means_the_same_has_the_same_digest(void **state)
{
	static const struct {
		const char *from, *to;
	} rewrites[] = {
		{ "id = 1\n", "\n# a comment\n\tid=1 ; one\n" },
		{ "id = 1\n", "id.fw1 = 1\nid.fw2 = 1\n" },
		{ "id = 1\n", "heartbeat = 50ms\nid = 1\nlost-after = 4\n" },
		{ "id = 1\n", "sync-wait = 1m\nid = 1\nprevious-key-file = none\n" },
		{ "sessions = yes\n", "" },
		{ "[mirror]\nsessions = yes\n", "" },
		{ "[node fw1]\n[node fw2]\n", "[node fw2]\n[node fw1]\n" },
		{ "10.0.0.2", "10.0.0.2:8133" },
		{ "default via", "0.0.0.0/0 via" },
		{ "device.fw2 = eth7", "device = eth7" },
		{ "[group 0]\n", "[group 0]\nsecondary-path = auto\nhook = none\n" },
		{ "type = ping\ntarget = 192.0.2.9",
			"weight = 255\ntarget = 192.0.2.9\ntype = ping" },
	};
	uint64_t digest = digest_of(BASE);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rewrites); i++)
		assert_int_equal(digest_with(rewrites[i].from, rewrites[i].to), digest);
	assert_int_equal(
		digest, digest_of(MIRROR MONITOR
				"[group 0]\naddress = 192.0.2.1/24 dev lan\nroute = default via "
				"192.0.2.9\n" UDP LINK LAN
				"[node fw2]\n[cluster]\nkey-file = /k\nid = 1\n[node fw1]\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_digest_is_the_same_on_both_nodes),
		cmocka_unit_test(every_shared_key_changes_the_digest),
		cmocka_unit_test(what_means_the_same_has_the_same_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
