/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Macvlans of virtual MACs in the kernel: made, looked after, removed, and what lies on them.
 */
#include "vip_fixture.h"

#include "io/vmac.h"
#include "io/vmac_setting.h"
#include "nsrp/confread.h"

#include <net/if.h>

static struct vmac *vmac;

static int set_up(void **state)
{
	static struct fixture fixture;
	static struct log log;

	*state = NULL;
	if (!fixture_open(&fixture, 600))
		return 0;
	log = (struct log){ .user = &fixture, .write = fixture_log };
	*state = &fixture;
	const struct vmac_setup setup = { fixture.rtnl, fixture.watch, &log };

	return vmac_new(&setup, &vmac);
}

static int tear_down(void **state)
{
	if (*state) {
		vmac_free(vmac);
		fixture_close(*state);
	}
	return 0;
}

/* As has_address(), on the group's macvlan there, which is made when it is the first. */
static void has_virtual(struct conf *conf, unsigned group, const char *prefix, const char *device)
{
	struct conf_vmac *v = &conf->vmac[conf->n_vmacs];
	unsigned i = 0;

	has_address(conf, group, prefix, device);
	while (i < conf->n_vmacs &&
		(conf->vmac[i].group != group || strcmp(conf->vmac[i].device, device) != 0))
		i++;
	if (i == conf->n_vmacs) {
		v->group = (uint8_t)group;
		(void)snprintf(v->device, sizeof(v->device), "%s", device);
		conf_vmac_name(7, conf->group[group].id, device, v->name);
		conf_vmac_mac(7, conf->group[group].id, device, v->mac);
		conf->n_vmacs++;
	}
	conf->address[conf->n_addresses - 1].vmac = (uint16_t)(i + 1);
}

static void configure(struct fixture *f, const struct conf *conf)
{
	assert_int_equal(vip_configure(f->vip, conf), 0);
	assert_int_equal(vmac_configure(vmac, conf, vip_held(f->vip)), 0);
	if (f->n_errors)
		fail_msg("refused: %s", f->log);
}

static void has_usual(struct conf *conf)
{
	has_virtual(conf, 0, "192.0.2.1/24", "v0");
	has_virtual(conf, 0, "2001:db8:1::1/64", "v0");
}

static void configure_usual(struct fixture *f)
{
	has_usual(&f->conf);
	configure(f, &f->conf);
}

static void configure_with_routes(struct fixture *f)
{
	has_usual(&f->conf);
	has_route(&f->conf, 0, "default", "192.0.2.254", "v0");
	has_route(&f->conf, 0, "default", "2001:db8:1::fe", "v0");
	configure(f, &f->conf);
}

static unsigned mend(struct fixture *f)
{
	uint64_t held = vip_held(f->vip);

	return vmac_mend(vmac, held, held | vip_lingering(f->vip));
}

#define SYSCTL(key) "cat /proc/sys/net/" key

static void one_is_made_down_with_everything_set(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	assert_says("ip -d link show nsrp10-v0", "nsrp10-v0@v0: <BROADCAST,MULTICAST> ");
	assert_says("ip -d link show nsrp10-v0", "macvlan mode bridge");
	assert_says("ip -d link show nsrp10-v0", "link/ether 92:07:0a:");
	assert_says("ip -d link show nsrp10-v0", "alias " VMAC_ALIAS);
	assert_says(SYSCTL("ipv4/conf/v0/arp_ignore"), "1");
	assert_says(SYSCTL("ipv4/conf/v0/arp_announce"), "2");
	assert_says(SYSCTL("ipv4/conf/nsrp10-v0/arp_ignore"), "1");
	assert_says(SYSCTL("ipv4/conf/nsrp10-v0/arp_announce"), "2");
	assert_says(SYSCTL("ipv6/conf/nsrp10-v0/addr_gen_mode"), "1");
	assert_says(SYSCTL("ipv6/conf/nsrp10-v0/accept_ra"), "0");
	assert_says(SYSCTL("ipv6/conf/nsrp10-v0/force_mld_version"), "1");
	assert_int_equal(mend(f), 0);
}

static void taking_sets_it_up_and_giving_up_sets_it_down(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	add(f, 0);
	assert_says("ip addr show nsrp10-v0", ",UP,");
	assert_says("ip addr show nsrp10-v0", "inet 192.0.2.1/24");
	assert_says("ip addr show nsrp10-v0", "inet6 2001:db8:1::1/64");
	assert_silent_on("ip addr show nsrp10-v0", "fe80");
	assert_silent_on("ip addr show v0", "192.0.2.1");
	assert_sound(f);
	assert_int_equal(mend(f), 0);
	drop(f, 0, true);
	assert_says("ip addr show nsrp10-v0", ",UP,");
	assert_silent_on("ip addr show nsrp10-v0", "192.0.2.1/24");
	/* What still arrives is taken in by strict filters, too: there is an address. */
	assert_says("ip addr show nsrp10-v0", "inet 192.0.0.8/32 scope host");
	assert_int_equal(mend(f), 0);
	(void)vip_remove_rest(f->vip, 0);
	finish(f);
	assert_silent_on("ip addr show nsrp10-v0", ",UP,");
	assert_silent_on("ip addr show nsrp10-v0", "inet");
	assert_silent_on("ip route", "nsrp10-v0");
	assert_silent_on("ip -6 route", "2001:db8:1::/64");
	/* Taken back in the middle of it. */
	add(f, 0);
	drop(f, 0, true);
	add(f, 0);
	assert_silent_on("ip addr show nsrp10-v0", "192.0.0.8");
	assert_sound(f);
}

static void with_an_own_address_everything_goes_out_below(void **state)
{
	FIXTURE(f);

	run("ip addr add 192.0.2.9/24 dev v0; ip addr add 2001:db8:1::9/64 dev v0 nodad");
	configure_with_routes(f);
	add(f, 0);
	assert_says("ip addr show nsrp10-v0", "192.0.2.1/24 scope global dynamic noprefixroute");
	assert_says("ip route get 192.0.2.77", "dev v0 src 192.0.2.9");
	assert_says("ip route get 8.8.8.8", "via 192.0.2.254 dev v0 src 192.0.2.9");
	assert_says("ip route get 2001:db8:1::77", "dev v0 proto kernel src 2001:db8:1::9");
	assert_says("ip route get 2001:db8:ffff::1", "dev v0 proto 158 src 2001:db8:1::9");
	assert_sound(f);
}

static void without_one_ipv4_goes_out_by_the_macvlan(void **state)
{
	FIXTURE(f);

	configure_with_routes(f);
	add(f, 0);
	assert_says("ip route get 192.0.2.77", "dev nsrp10-v0 src 192.0.2.1");
	assert_says("ip route get 8.8.8.8", "via 192.0.2.254 dev nsrp10-v0");
	/* There a link-local address asks for neighbours. */
	assert_says("ip -6 route", "2001:db8:1::/64 dev v0 proto 158 metric 255 expires");
	assert_says("ip -6 route", "default via 2001:db8:1::fe dev v0 proto 158");
	assert_sound(f);
	/* One comes, and goes. */
	(void)heard(f);
	run("ip addr add 192.0.2.9/24 dev v0; ip addr add 2001:db8:1::9/64 dev v0 nodad");
	assert_int_equal(heard(f), 1);
	assert_int_equal(audit(f).damaged | audit(f).missing, 1);
	add(f, 0);
	assert_says("ip route get 8.8.8.8", "via 192.0.2.254 dev v0 src 192.0.2.9");
	assert_silent_on("ip route", "nsrp10-v0");
	assert_silent_on("ip -6 route", "2001:db8:1::/64 dev v0 proto 158");
	assert_sound(f);
	run("ip addr del 192.0.2.9/24 dev v0; ip addr del 2001:db8:1::9/64 dev v0");
	assert_int_equal(heard(f), 1);
	assert_int_equal(audit(f).missing, 1);
	add(f, 0);
	assert_says("ip route get 8.8.8.8", "via 192.0.2.254 dev nsrp10-v0");
	assert_says("ip -6 route", "2001:db8:1::/64 dev v0 proto 158");
	assert_sound(f);
}

static void two_groups_on_one_interface_share_what_goes_out_below(void **state)
{
	FIXTURE(f);

	has_virtual(&f->conf, 0, "2001:db8:1::1/64", "v0");
	has_virtual(&f->conf, 1, "2001:db8:1::2/64", "v0");
	configure(f, &f->conf);
	add(f, 0);
	add(f, 1);
	assert_says("ip addr show nsrp11-v0", "2001:db8:1::2/64");
	drop(f, 0, false);
	assert_says("ip -6 route", "2001:db8:1::/64 dev v0 proto 158");
	assert_sound(f);
	drop(f, 1, false);
	assert_silent_on("ip -6 route", "2001:db8:1::/64 dev v0");
}

static void the_stand_in_of_ipv6_is_renewed(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	add(f, 0);
	run("ip -6 route change 2001:db8:1::/64 dev v0 proto 158 metric 255 expires 50");
	run("ip -6 route show 2001:db8:1::/64 | grep -E 'expires (4[5-9]|50)sec'");
	(void)vip_renew(f->vip, 1);
	finish(f);
	run("ip -6 route show 2001:db8:1::/64 | grep -E 'expires (59[5-9]|600)sec'");
}

static void a_link_local_address_has_its_network_on_the_macvlan(void **state)
{
	FIXTURE(f);

	has_virtual(&f->conf, 0, "fe80::1/64", "v0");
	configure(f, &f->conf);
	add(f, 0);
	assert_says("ip addr show nsrp10-v0", "inet6 fe80::1/64 scope link");
	assert_says("ip -6 route show dev nsrp10-v0", "fe80::/64");
	assert_sound(f);
	drop(f, 0, false);
	assert_silent_on("ip addr show nsrp10-v0", "fe80::1");
}

static void what_others_do_to_it_is_mended(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	run("ip link del nsrp10-v0");
	(void)heard(f);
	assert_int_equal(mend(f), 1);
	assert_says("ip link show nsrp10-v0", "nsrp10-v0@v0");
	run("ip link set nsrp10-v0 up");
	assert_int_equal(mend(f), 1);
	assert_silent_on("ip link show nsrp10-v0", ",UP");
	run("sysctl -qw net.ipv4.conf.v0.arp_announce=0 net.ipv6.conf.nsrp10-v0.accept_ra=2");
	assert_int_equal(mend(f), 2);
	assert_says(SYSCTL("ipv4/conf/v0/arp_announce"), "2");
	/* What follows the interface below is nobody's fault. */
	run("sysctl -qw net.ipv6.conf.v0.forwarding=1; ip link set v0 mtu 1400; "
	    "ip link set v0 mtu 1450");
	assert_int_equal(mend(f), 0);
	assert_says(SYSCTL("ipv6/conf/nsrp10-v0/forwarding"), "1");
	assert_says("ip link show nsrp10-v0", "mtu 1450");
	run("ip link set nsrp10-v0 address 02:00:00:00:00:01");
	(void)heard(f);
	assert_int_equal(mend(f), 1);
	assert_says("ip link show nsrp10-v0", "92:07:0a:");
	assert_int_equal(mend(f), 0);
	assert_int_equal(f->n_errors, 0);
}

static void a_held_ones_absence_is_missed_with_its_addresses(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	add(f, 0);
	(void)heard(f);
	run("ip link set nsrp10-v0 down");
	assert_int_equal(heard(f), 1);
	assert_int_equal(audit(f).damaged, 1);
	add(f, 0);
	assert_sound(f);
	run("ip link del nsrp10-v0");
	assert_int_equal(heard(f), 1);
	assert_int_equal(mend(f), 0); /* the guard decides */
	assert_int_equal(audit(f).missing, 1);
	vmac_make(vmac, 0, true);
	add(f, 0);
	assert_sound(f);
	/* Without what is below nothing can be made, and nothing is missed. */
	run("ip link del v0");
	(void)heard(f);
	assert_int_equal(audit(f).missing, 0);
	vmac_make(vmac, 0, true);
	run("ip link add v0 type veth peer name p0; ip link set v0 up; ip link set p0 up");
	(void)heard(f);
	vmac_make(vmac, 0, false);
	add(f, 0);
	assert_sound(f);
	assert_says(SYSCTL("ipv4/conf/v0/arp_ignore"), "1");
}

static void what_cannot_be_had_is_said_once(void **state)
{
	FIXTURE(f);

	configure_usual(f);
	run("sysctl -qw net.ipv4.conf.all.arp_ignore=8");
	assert_int_equal(mend(f), 0);
	assert_int_equal(f->n_errors, 1);
	assert_non_null(strstr(f->log, "net.ipv4.conf.all.arp_ignore = 8"));
	assert_int_equal(mend(f), 0);
	assert_int_equal(f->n_errors, 1);
	run("sysctl -qw net.ipv4.conf.all.arp_ignore=0");
	assert_int_equal(mend(f), 0);
	/* Another program's interface stands where ours is to be. */
	run("ip link del nsrp10-v0; ip link add nsrp10-v0 type veth peer name x");
	(void)heard(f);
	assert_int_equal(mend(f), 0);
	assert_int_equal(f->n_errors, 2);
	assert_int_equal(mend(f), 0);
	assert_int_equal(f->n_errors, 2);
	(void)vip_add(f->vip, 0);
	finish(f);
	assert_true(vip_failed(f->vip, 0) > 0);
	assert_silent_on("ip addr show nsrp10-v0", "192.0.2.1");
}

static void what_was_set_below_is_restored(void **state)
{
	FIXTURE(f);

	run("sysctl -qw net.ipv4.conf.v0.arp_announce=1 net.ipv4.conf.v1.arp_ignore=2");
	has_virtual(&f->conf, 0, "192.0.2.1/24", "v0");
	has_virtual(&f->conf, 1, "192.0.2.2/24", "v0");
	has_virtual(&f->other, 0, "192.0.2.1/24", "v0");
	has_virtual(&f->other, 0, "198.51.100.1/24", "v1");
	configure(f, &f->conf);
	/* One of two goes, and there is another interface. */
	configure(f, &f->other);
	assert_int_equal(vmac_prune(vmac), 1);
	assert_int_not_equal(try_run("ip link show nsrp11-v0 2>&1"), 0);
	assert_says(SYSCTL("ipv4/conf/v0/arp_announce"), "2");
	assert_says(SYSCTL("ipv4/conf/v1/arp_ignore"), "2");
	/* Another program's wish is kept; what somebody removed is restored all the same. */
	run("sysctl -qw net.ipv4.conf.v1.arp_announce=1; ip link del nsrp10-v0");
	vmac_remove(vmac);
	assert_says(SYSCTL("ipv4/conf/v0/arp_ignore"), "0");
	assert_says(SYSCTL("ipv4/conf/v0/arp_announce"), "1");
	assert_says(SYSCTL("ipv4/conf/v1/arp_ignore"), "2");
	assert_says(SYSCTL("ipv4/conf/v1/arp_announce"), "1");
	assert_silent_on("ip link", "nsrp");
}

/* As after a crash: whoever comes next knows from the kernel alone. */
static void a_leftover_is_adopted_or_removed(void **state)
{
	unsigned removed, was;
	FIXTURE(f);

	has_virtual(&f->conf, 0, "192.0.2.1/24", "v0");
	has_virtual(&f->conf, 1, "198.51.100.1/24", "v1");
	configure(f, &f->conf);
	run("ip link set nsrp10-v0 up; ip link add nsrp9-x link v0 type macvlan");
	vmac_free(vmac);
	const struct vmac_setup setup = { f->rtnl, f->watch,
		&(struct log){ .user = f, .write = fixture_log } };

	assert_int_equal(vmac_new(&setup, &vmac), 0);
	has_virtual(&f->other, 0, "192.0.2.1/24", "v0");
	was = if_nametoindex("nsrp10-v0");
	configure(f, &f->other);
	assert_int_equal(if_nametoindex("nsrp10-v0"), was);
	assert_silent_on("ip link show nsrp10-v0", ",UP");
	assert_int_equal(vmac_prune(vmac), 1);
	assert_silent_on("ip link", "nsrp11-v1");
	assert_says(SYSCTL("ipv4/conf/v1/arp_ignore"), "0");
	assert_int_equal(vmac_withdraw_all(f->rtnl,
				 &(struct log){ .user = f, .write = fixture_log }, &removed),
		0);
	assert_int_equal(removed, 1);
	assert_says(SYSCTL("ipv4/conf/v0/arp_ignore"), "0");
	assert_says("ip link", "nsrp9-x");
}

/* doc/VIRTUAL_MAC.md has a row for each setting. */
static void every_setting_is_documented(void **state)
{
	bool ipv6, below, was_below = true;
	const char *key;

	(void)state;
	for (unsigned i = 0; vmac_setting_at(i, &ipv6, &below, &key); i++) {
		char command[160];

		assert_true(was_below || !below); /* they come first */
		assert_true(!below || i < VMAC_BELOW_MAX);
		was_below = below;
		(void)snprintf(command, sizeof(command),
			"grep -q '^| %s | IPv%c `%s` |' doc/VIRTUAL_MAC.md",
			below ? "below" : "macvlan", ipv6 ? '6' : '4', key);
		run(command);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(one_is_made_down_with_everything_set),
		T(taking_sets_it_up_and_giving_up_sets_it_down),
		T(with_an_own_address_everything_goes_out_below),
		T(without_one_ipv4_goes_out_by_the_macvlan),
		T(two_groups_on_one_interface_share_what_goes_out_below),
		T(the_stand_in_of_ipv6_is_renewed),
		T(a_link_local_address_has_its_network_on_the_macvlan),
		T(what_others_do_to_it_is_mended),
		T(a_held_ones_absence_is_missed_with_its_addresses),
		T(what_cannot_be_had_is_said_once),
		T(what_was_set_below_is_restored),
		T(a_leftover_is_adopted_or_removed),
		cmocka_unit_test(every_setting_is_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
