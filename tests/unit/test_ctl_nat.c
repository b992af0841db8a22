/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which source NAT two masters may both use for one address and port. Rulesets as nft(8) prints
 * them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/check.h"
#include "ctl/nat.h"

/* Objects of a ruleset, and statements of a rule. */
#define TABLE(family, name) "{'table':{'family':'" family "','name':'" name "','handle':1}}"
#define CHAIN(family, table, name)                                                                 \
	"{'chain':{'family':'" family "','table':'" table "','name':'" name "','handle':2}}"
#define BASE(family, table, name)                                                                  \
	"{'chain':{'family':'" family "','table':'" table "','name':'" name                        \
	"','handle':1,'type':'nat','hook':'postrouting','prio':100,'policy':'accept'}}"
#define RULE(family, table, chain, statements)                                                     \
	"{'rule':{'family':'" family "','table':'" table "','chain':'" chain                       \
	"','handle':4,'expr':[" statements "]}}"
#define POST(statements) BASE("ip", "nat", "post") "," RULE("ip", "nat", "post", statements)

#define MARK "{'meta':{'key':'mark'}}"
#define CT_MARK "{'ct':{'key':'mark'}}"
#define BITS "{'&':[" MARK ",196608]}"
#define SADDR "{'payload':{'protocol':'ip','field':'saddr'}}"
#define IS(left, right) "{'match':{'op':'==','left':" left ",'right':" right "}}"
#define OIF "{'match':{'op':'==','left':{'meta':{'key':'oifname'}},'right':'wan0'}}"
#define TO(address) "{'snat':{'addr':'" address "'}}"
#define TO_PORTS(address, first, last)                                                             \
	"{'snat':{'family':'ip','addr':'" address "','port':{'range':[" #first "," #last "]}}}"
#define LOW(address) TO_PORTS(address, 1024, 33279)
#define HIGH(address) TO_PORTS(address, 33280, 65535)
#define ADDRESS "203.0.113.1"

/* What tells the nodes apart: a table of the node's own. */
#define SETS(key, value)                                                                           \
	TABLE("inet", "node")                                                                      \
	"," RULE("inet", "node", "share", "{'mangle':{'key':" key ",'value':" value "}}") ","
#define NODE SETS(MARK, "{'|':[{'&':[" MARK ",4294836223]},65536]}")

static struct conf conf;
static struct check_findings findings;

static int begin(void **state)
{
	(void)state;
	memset(&conf, 0, sizeof(conf));
	conf.n_groups = 2;
	conf.group[0].priority[0] = conf.group[1].priority[1] = 50;
	conf.group[0].priority[1] = conf.group[1].priority[0] = 100;
	conf.mirror.n_local = 2;
	snprintf(conf.mirror.local[0], sizeof(conf.mirror.local[0]), "inet node");
	snprintf(conf.mirror.local[1], sizeof(conf.mirror.local[1]), "nat/own");
	return 0;
}

static int end(void **state)
{
	(void)state;
	check_findings_fini(&findings);
	return 0;
}

/* Of text with \' for ". */
static json_t *json_of(const char *text)
{
	json_error_t error;
	char *copy = strdup(text);

	assert_non_null(copy);
	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json_t *json = json_loads(copy, JSON_DECODE_ANY, &error);

	if (!json)
		fail_msg("%s at %d: %s", error.text, error.position, copy);
	free(copy);
	return json;
}

/* Of these objects of a ruleset. */
static unsigned warnings_of(const char *objects)
{
	static char text[1 << 16];

	snprintf(text, sizeof(text), "{'nftables':[{'metainfo':{'version':'1.0.6'}},%s]}", objects);
	json_t *ruleset = json_of(text);

	check_findings_fini(&findings);
	check_nat(&conf, ruleset, &findings);
	json_decref(ruleset);
	assert_int_equal(findings.n_errors, 0);
	return findings.n_warnings;
}

static void assert_good(const char *objects)
{
	if (warnings_of(objects) > 0)
		fail_msg("%s", findings.finding[0].text);
}

static void assert_warned(const char *objects, const char *of)
{
	assert_int_equal(warnings_of(objects), 1);
	if (!strstr(findings.finding[0].text, of))
		fail_msg("lacks '%s': %s", of, findings.finding[0].text);
}

static void groups_with_different_masters_are_active_active(void **state)
{
	(void)state;
	assert_true(check_is_active_active(&conf));
	conf.group[1] = conf.group[0];
	assert_false(check_is_active_active(&conf));
	conf.group[1].priority[0] = 100; /* whoever comes first */
	assert_true(check_is_active_active(&conf));
	conf.n_groups = 1;
	conf.group[0] = conf.group[1];
	assert_false(check_is_active_active(&conf));
	assert_good(POST("{'masquerade':null}"));
}

static void what_knows_nothing_of_nodes_is_warned_of(void **state)
{
	(void)state;
	assert_warned(POST(OIF "," TO(ADDRESS)), "ip nat post: two masters translate to " ADDRESS);
	assert_warned(POST(LOW(ADDRESS)), ADDRESS); /* so do both nodes */
	assert_warned(POST("{'masquerade':null}"), "an address of the interface");
	assert_warned(POST("{'masquerade':{'port':{'range':[1024,2000]}}}"), "the same ports");
	assert_warned(POST("{'masquerade':{'flags':['random','persistent']}}"), "the same ports");
	assert_warned(POST("{'snat':{'addr':{'range':['203.0.113.1','203.0.113.4']}}}"),
		"203.0.113.1-203.0.113.4");
	assert_warned(POST("{'snat':{'addr':{'prefix':{'addr':'2001:db8::','len':126}}}}"),
		"2001:db8::-2001:db8::3");
	assert_warned(POST("{'snat':{'addr':{'map':{'key':{'numgen':{'mode':'random','mod':1}},"
			   "'data':{'set':[[0,'" ADDRESS "']]}}}}}"),
		ADDRESS);
	assert_int_equal(warnings_of(POST(TO(ADDRESS) "," TO("2001:db8::1"))), 2);
}

static void the_marks_of_a_table_of_its_own_tell_a_node(void **state)
{
	(void)state;
	assert_good(NODE POST(IS(BITS, "65536") "," LOW(ADDRESS)) "," RULE(
		"ip", "nat", "post", IS(BITS, "131072") "," HIGH(ADDRESS)));
	/* An address for each, and all its ports. */
	assert_good(NODE POST(IS(BITS, "65536") "," TO(ADDRESS)) "," RULE(
		"ip", "nat", "post", IS(BITS, "131072") "," TO("203.0.113.2")));
	/* One node alone has two rules for one address. */
	assert_good(NODE POST(IS(BITS, "65536") "," OIF "," TO(ADDRESS)) "," RULE(
		"ip", "nat", "post", IS(BITS, "65536") "," TO(ADDRESS)));
	assert_good(SETS(CT_MARK, "7") POST(IS(CT_MARK, "7") "," TO(ADDRESS)));
	assert_good(NODE POST(IS(MARK, "{'prefix':{'addr':65536,'len':16}}") "," TO(ADDRESS)));
	assert_warned(NODE POST(IS(BITS, "65536") "," TO_PORTS(ADDRESS, 1024, 40000)) "," RULE(
			      "ip", "nat", "post", IS(BITS, "131072") "," HIGH(ADDRESS)),
		"ports 1024-40000 and 33280-65535, which overlap");
	assert_warned(NODE POST(IS(BITS, "65536") ",{'masquerade':null}") "," RULE(
			      "ip", "nat", "post", IS(BITS, "131072") ",{'masquerade':null}"),
		"which overlap");
}

static void other_marks_do_not(void **state)
{
	(void)state;
	/* Nobody of the node's own sets one; or other bits; or the other sort. */
	assert_warned(POST(IS(BITS, "65536") "," LOW(ADDRESS)), ADDRESS);
	assert_warned(NODE POST(IS("{'&':[" MARK ",15]}", "1") "," LOW(ADDRESS)), ADDRESS);
	assert_warned(NODE POST(IS(CT_MARK, "65536") "," LOW(ADDRESS)), ADDRESS);
	assert_warned(
		SETS(MARK, "{'|':[" MARK ",1]}") POST(IS(BITS, "65536") "," LOW(ADDRESS)), ADDRESS);
	assert_warned(NODE POST(IS(MARK, "{'prefix':{'addr':2147483648,'len':1}}") "," TO(ADDRESS)),
		ADDRESS);
	/* Not one value. */
	assert_warned(NODE POST(IS(MARK, "{'set':[1,2]}") "," LOW(ADDRESS)), ADDRESS);
	assert_warned(
		NODE POST("{'match':{'op':'!=','left':" BITS ",'right':65536}}," LOW(ADDRESS)),
		ADDRESS);
	conf.mirror.n_local = 0; /* the table is the other node's, too */
	assert_warned(NODE POST(IS(BITS, "65536") "," LOW(ADDRESS)), ADDRESS);
}

/* The way of conf/nftables-active-active.nft. */
#define CHAINS                                                                                     \
	BASE("inet", "nat", "postrouting")                                                         \
	"," CHAIN("inet", "nat", "first") "," CHAIN("inet", "nat", "second") ","
#define TO_CHAINS(verdicts)                                                                        \
	RULE("inet", "nat", "postrouting", "{'vmap':{'key':" BITS ",'data':" verdicts "}}") ","
#define VERDICTS                                                                                   \
	"[[65536,{'jump':{'target':'first'}}],"                                                    \
	"[{'elem':{'val':131072,'comment':'fw2'}},{'goto':{'target':'second'}}]]"
#define IN_CHAINS                                                                                  \
	RULE("inet", "nat", "first", LOW(ADDRESS)) "," RULE("inet", "nat", "second", HIGH(ADDRESS))

static void chains_are_followed_with_what_leads_there(void **state)
{
	(void)state;
	assert_good(NODE CHAINS TO_CHAINS("{'set':" VERDICTS "}") IN_CHAINS);
	assert_int_equal(warnings_of(CHAINS TO_CHAINS("{'set':" VERDICTS "}") IN_CHAINS), 2);
	assert_good(
		NODE CHAINS "{'map':{'family':'inet','name':'who','table':'nat','type':'mark',"
			    "'map':'verdict','elem':" VERDICTS "}}," TO_CHAINS("'@who'") IN_CHAINS);
	/* What no packet comes to does nothing. */
	assert_good(BASE("inet", "nat", "postrouting") "," IN_CHAINS);
	/* One way that knows nothing is enough. */
	assert_warned(NODE CHAINS TO_CHAINS("{'set':" VERDICTS "}") IN_CHAINS
		"," RULE("inet", "nat", "postrouting", "{'jump':{'target':'first'}}"),
		"inet nat first");
	/* Where the mark was another already nobody comes. */
	assert_good(NODE CHAINS TO_CHAINS("{'set':[[65536,{'jump':{'target':'first'}}]]}")
			RULE("inet", "nat", "first", IS(BITS, "131072") "," TO(ADDRESS)));
}

static void chains_that_call_each_other_come_to_an_end(void **state)
{
	(void)state;
	assert_warned(BASE("ip", "nat", "post") "," CHAIN("ip", "nat", "a") "," RULE(
			      "ip", "nat", "post", "{'jump':{'target':'a'}}") "," RULE("ip", "nat",
			      "a", TO(ADDRESS) ",{'goto':{'target':'a'}},{'jump':{'target':'a'}}"),
		ADDRESS);
	assert_int_equal(findings.n, 2);
	assert_non_null(strstr(findings.finding[1].text, "more source NAT than is checked"));
}

#define MAPPED(key, elements)                                                                      \
	POST("{'snat':{'family':'ip','addr':{'map':{'key':" key ",'data':{'set':[" elements        \
	     "]}}}}}")
#define BOTH(address, first, last) "{'concat':['" address "',{'range':[" #first "," #last "]}]}"

static void maps_are_looked_into(void **state)
{
	(void)state;
	assert_good(NODE MAPPED(BITS,
		"[65536," BOTH(ADDRESS, 1024, 33279) "],[131072," BOTH(ADDRESS, 33280, 65535) "]"));
	assert_warned(NODE MAPPED(BITS, "[65536," BOTH(ADDRESS, 1024, 33280) "],[131072," BOTH(
						ADDRESS, 33280, 65535) "]"),
		"which overlap");
	assert_warned(MAPPED(SADDR, "[{'prefix':{'addr':'10.0.0.0','len':8}}," BOTH(
					    ADDRESS, 1024, 2000) "]"),
		ADDRESS);
	/* Ports alone. */
	assert_good(NODE POST("{'snat':{'addr':'" ADDRESS "','port':{'map':{'key':" BITS
			      ",'data':{'set':[[65536,{'range':[1024,33279]}],"
			      "[131072,{'range':[33280,65535]}]]}}}}}"));
	/* The elements are each node's own. */
	static const char own[] =
		"{'map':{'family':'ip','name':'own','table':'nat','type':'ifname','map':'ipv4_addr "
		". "
		"inet_service','elem':[['wan0'," BOTH(ADDRESS, 1024, 33279) "]]}}," POST(
			"{'snat':{'family':'ip','addr':{'map':{'key':{'meta':{'key':'oifname'}},"
			"'data':'@own'}}}}");

	assert_good(own);
	conf.mirror.n_local = 1;
	assert_warned(own, ADDRESS);
}

static void a_table_of_its_own_needs_ports_of_its_own(void **state)
{
	(void)state;
	assert_good(BASE("inet", "node", "post") "," RULE("inet", "node", "post", LOW(ADDRESS)));
	assert_warned(BASE("inet", "node", "post") "," RULE("inet", "node", "post", TO(ADDRESS)),
		"inet node post");
	/* The name alone is not enough where a family was given. */
	assert_warned(BASE("ip", "node", "post") "," RULE("ip", "node", "post", LOW(ADDRESS)),
		"ip node post");
}

static void what_chooses_no_ports_is_left_out(void **state)
{
	(void)state;
	assert_good(POST(IS(SADDR, "'10.0.0.9'") "," TO(ADDRESS)));
	assert_good(MAPPED(SADDR, "['10.0.0.9','203.0.113.9'],['10.0.0.10','203.0.113.10']"));
	assert_good(
		POST("{'snat':{'addr':{'map':{'key':" SADDR ",'data':{'set':[[{'prefix':"
		     "{'addr':'10.1.0.0','len':16}},{'prefix':{'addr':'198.18.0.0','len':16}}]]}}},"
		     "'flags':'netmap','type_flags':'prefix'}}"));
	assert_good(POST("{'snat':{'port':{'range':[5000,6000]}}}"));
	assert_good(POST("{'dnat':{'addr':'10.0.0.1'}},{'redirect':{'port':80}}"));
	/* No source NAT's chain. */
	assert_good("{'chain':{'family':'ip','table':'nat','name':'in','type':'nat','hook':"
		    "'prerouting','prio':-100}}," RULE("ip", "nat", "in", TO(ADDRESS)));
}

static void rules_of_iptables_are_noted(void **state)
{
	(void)state;
	assert_good(POST(OIF ",{'xt':{'type':'target','name':'MASQUERADE'}}"));
	assert_int_equal(findings.n, 1);
	assert_non_null(strstr(findings.finding[0].text, "iptables"));
}

static void any_json_is_read(void **state)
{
	static const char *const some[] = { "null", "[]", "7", "'text'", "{}", "{'nftables':7}",
		"{'nftables':[7,null,{},[],{'chain':7},{'rule':[]},{'map':{}}]}",
		"{'nftables':[" BASE("ip", "nat", "post") "," RULE("ip", "nat", "post",
			"7,null,[],{'snat':7},{'snat':{'addr':[]}},{'snat':{'addr':{'range':[1]}}},"
			"{'snat':{'addr':'x'}},{'snat':{'addr':'1.2.3.4','port':70000}},"
			"{'snat':{'addr':'1.2.3.4','port':-1}},{'snat':{'addr':{'map':7}}},"
			"{'snat':{'addr':{'prefix':{'addr':'1.2.3.4','len':33}}}},"
			"{'snat':{'addr':{'prefix':{'addr':'1.2.3.4','len':4294967295}}}},"
			"{'snat':{'addr':{'range':['1.2.3.4','::1']}}},"
			"{'snat':{'addr':{'map':{'key':7,'data':'@none'}}}},"
			"{'snat':{'addr':{'map':{'key':7,'data':{'set':[7,[],[1]]}}}}},"
			"{'match':7},{'match':{'op':7}},{'match':{'op':'=='}},{'vmap':{'data':'@'}}"
			","
			"{'jump':7},{'goto':{'target':7}},{'jump':{'target':'none'}},{'brand-new':{"
			"}}") "]}" };

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		json_t *json = json_of(some[i]);

		check_nat(&conf, json, &findings);
		json_decref(json);
	}
	check_nat(&conf, NULL, &findings);
	if (findings.n > 0)
		fail_msg("%s", findings.finding[0].text);
}

#define NAT_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAT_TEST(groups_with_different_masters_are_active_active),
		NAT_TEST(what_knows_nothing_of_nodes_is_warned_of),
		NAT_TEST(the_marks_of_a_table_of_its_own_tell_a_node),
		NAT_TEST(other_marks_do_not),
		NAT_TEST(chains_are_followed_with_what_leads_there),
		NAT_TEST(chains_that_call_each_other_come_to_an_end),
		NAT_TEST(maps_are_looked_into),
		NAT_TEST(a_table_of_its_own_needs_ports_of_its_own),
		NAT_TEST(what_chooses_no_ports_is_left_out),
		NAT_TEST(rules_of_iptables_are_noted),
		NAT_TEST(any_json_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
