/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test_conf.h"

#define VIRTUAL "virtual-mac = yes\n"

static void a_mac_is_made_of_cluster_group_and_interface(void **state)
{
	static const uint8_t expected[6] = { 0x92, 7, 0, 0xe9, 0xb2, 0x79 };
	uint8_t mac[6], other[6];

	(void)state;
	conf_vmac_mac(7, 0, "lan0", mac);
	assert_memory_equal(mac, expected, sizeof(mac));
	assert_int_equal(mac[0] & 3, 2); /* locally administered, of one host */
	conf_vmac_mac(8, 0, "lan0", other);
	assert_memory_not_equal(other, mac, sizeof(mac));
	conf_vmac_mac(7, 1, "lan0", other);
	assert_memory_not_equal(other, mac, sizeof(mac));
	conf_vmac_mac(7, 0, "lan1", other);
	assert_memory_not_equal(other, mac, sizeof(mac));
}

static void a_name_is_readable_while_it_fits(void **state)
{
	static const struct {
		uint8_t group;
		const char *interface, *name;
	} names[] = {
		{ 0, "lan0", "nsrp0-lan0" },
		{ 255, "enp1s0f", "nsrp255-enp1s0f" },
		{ 255, "enp1s0f1", "nsrp255-521d25" },
		{ 7, "a23456789012345", "nsrp7-8acfa8" },
	};
	char name[CONF_DEVICE_MAX];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		conf_vmac_name(1, names[i].group, names[i].interface, name);
		assert_string_equal(name, names[i].name);
	}
}

static void groups_and_interfaces_have_one_each(void **state)
{
	static struct conf conf;

	(void)state;
	accept_it(CLUSTER LINK GROUP VIRTUAL
		"address = 2001:db8::1/64 dev eth0\naddress = 198.51.100.1/24 dev eth1\n"
		"[group 5]\naddress = 192.0.2.5/24 dev eth0\n" VIRTUAL
		"[group 6]\naddress = 192.0.2.6/24 dev eth0\n",
		&conf);
	assert_int_equal(conf.n_vmacs, 3);
	assert_string_equal(conf.vmac[0].name, "nsrp0-eth0");
	assert_string_equal(conf.vmac[1].name, "nsrp0-eth1");
	assert_string_equal(conf.vmac[2].name, "nsrp5-eth0");
	assert_string_equal(conf.vmac[2].device, "eth0");
	assert_ptr_equal(conf_vmac_of(&conf, &conf.address[0]), &conf.vmac[0]);
	assert_ptr_equal(conf_vmac_of(&conf, &conf.address[1]), &conf.vmac[0]);
	assert_ptr_equal(conf_vmac_of(&conf, &conf.address[2]), &conf.vmac[1]);
	assert_string_equal(conf_address_place(&conf, &conf.address[3]), "nsrp5-eth0");
	assert_null(conf_vmac_of(&conf, &conf.address[4]));
	assert_string_equal(conf_address_place(&conf, &conf.address[4]), "eth0");
}

/* Devices that differ have one name for the pair. */
static void both_nodes_come_to_the_same(void **state)
{
	static const char text[] =
		CLUSTER LINK "[interface lan]\ndevice.fw1 = eth0\ndevice.fw2 = enp1s0\n"
			     "[group 0]\naddress = 192.0.2.1/24 dev lan\n" VIRTUAL;
	static struct conf fw1, fw2;
	static struct found found;

	(void)state;
	assert_int_equal(read_as(text, "fw1", &fw1, &found), 0);
	assert_int_equal(read_as(text, "fw2", &fw2, &found), 0);
	assert_string_equal(fw1.vmac[0].device, "eth0");
	assert_string_equal(fw2.vmac[0].device, "enp1s0");
	assert_string_equal(fw1.vmac[0].name, "nsrp0-lan");
	assert_string_equal(fw2.vmac[0].name, "nsrp0-lan");
	assert_memory_equal(fw1.vmac[0].mac, fw2.vmac[0].mac, sizeof(fw1.vmac[0].mac));
}

static void contradictions_are_found(void **state)
{
	static const struct fault faults[] = {
		{ 9, "address = 10.0.0.1/32 dev lo\n" VIRTUAL, 9,
			"found `10.0.0.1/32 dev lo`, which is on the loopback interface" },
		{ 7,
			"transport = udp\ninterface = eth0\naddress.fw1 = 10.0.0.1\n"
			"address.fw2 = 10.0.0.2\n[group 1]\naddress = 10.1.0.1/24 dev "
			"eth0\n" VIRTUAL,
			12, "which is on an HA link's interface" },
		{ 9,
			"address.fw1 = 192.0.2.1/24 dev eth0\n"
			"address.fw2 = 192.0.2.1/24 dev eth7\n" VIRTUAL,
			9, "for fw1, whose interface has another name on fw2" },
		/* Two names of equal hash. */
		{ 9, "address = 10.0.0.1/24 dev i705\naddress = 10.0.1.1/24 dev i7132\n" VIRTUAL,
			10, "comes to the same virtual MAC as another (see line 9)" },
	};

	(void)state;
	all_are_found(faults, ARRAY_LEN(faults), CONF_SEVERITY_ERROR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mac_is_made_of_cluster_group_and_interface),
		cmocka_unit_test(a_name_is_readable_while_it_fits),
		cmocka_unit_test(groups_and_interfaces_have_one_each),
		cmocka_unit_test(both_nodes_come_to_the_same),
		cmocka_unit_test(contradictions_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
