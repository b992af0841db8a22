# SPDX-License-Identifier: GPL-3.0-or-later
#
# What rules_random.py writes rulesets of: nft's language, as far as this machine's nft and kernel
# take it. What they refuse is left out by whoever tries.
#
# `<word>` stands for one of the word's forms, `<@type>` for the name of a set of that type, `<%type>`
# for a map from it to anything, `<#kind>` for the name of an object.

WORDS = {
    "v4": ["10.<0-3>.<0-2>.<0-9>", "192.0.2.<0-255>"],
    "v4net": ["10.<0-3>.<0-2>.0/24", "10.<0-3>.0.0/16", "192.0.2.<0-15>0/32", "172.16.0.0/12"],
    "v4range": ["10.<0-1>.0.<0-9>-10.<2-3>.0.<0-9>", "192.0.2.<1-99>-192.0.2.<100-255>"],
    "v6": ["fd00::<1-9>", "fd0<0-9>::<0-9>:<1-9>", "2001:db8::<1-99>"],
    "v6net": ["fd0<0-9>::/16", "2001:db8:<0-9>::/48", "fe80::/10"],
    "v6range": ["fd00::<1-4>-fd00::<5-9>", "2001:db8::1-2001:db8::<2-9>"],
    "mac": ["02:00:00:00:00:0<0-9>", "52:54:00:12:34:<10-99>"],
    "port": ["<1-30>", "<1000-1010>", "ssh", "https", "65535"],
    "portrange": ["<1-9>-<10-30>", "<1000-1004>-<1005-2000>", "1024-65535"],
    "proto": ["tcp", "udp", "icmp", "sctp", "esp", "gre", "132"],
    "number": ["<0-9>", "<10-1000>", "65535"],
    "hex": ["0x<1-9>", "0x<10-99>", "0xffff0000", "0x1000<0-9>"],
    "ifname": ["lan0", "wan0", "wan2", "lo", '"ppp<0-3>"', '"br-<0-9>"'],
    "ifwild": ['"lan*"', '"wan0*"', '"ppp*"', '"v*"'],
    "iface": ["lan0", "wan0", "wan2", "lo"],
    "time": ["<30-59>m", "<1-9>h", "<1-3>d<1-9>h"],
    "soon": ["<200-900>ms", "1s"],
    "rate": ["<1-100>/second", "<1-99>/minute burst <1-9> packets", "over <1-9>/hour",
             "<1-99> kbytes/second", "over <1-9> mbytes/minute burst <1-9> kbytes", "<1-9>/day"],
    "ctstate": ["new", "established", "related", "invalid", "untracked"],
    "label": ["rule", "of the desk", "what comes", "x"],

    "v4is": ["<v4>", "<v4net>", "<v4range>", "!= <v4>", "!= <v4net>", "{ <v4>, <v4>, <v4net> }",
             "{ <v4range> }", "!= { <v4>, <v4> }", "@<@ipv4_addr>", "!= @<@ipv4_addr>",
             "& 255.255.0.0 == 10.<0-3>.0.0", "& 0.0.0.3 != 0.0.0.<1-3>", "> <v4>"],
    "v6is": ["<v6>", "<v6net>", "<v6range>", "!= <v6>", "{ <v6>, <v6>, <v6net> }", "@<@ipv6_addr>",
             "!= { <v6>, <v6net> }", "& ffff:: == fd00::"],
    "macis": ["<mac>", "!= <mac>", "{ <mac>, <mac> }", "@<@ether_addr>"],
    "portis": ["<port>", "<portrange>", "!= <port>", "{ <port>, <port> }", "{ <port>, <portrange> }",
               "!= { <port>, <portrange> }", "@<@inet_service>", "< <port>", ">= 1024",
               "!= @<@inet_service>"],
    "markis": ["<hex>", "!= <hex>", "and <hex> == <hex>", "{ <hex>, <hex> }", "<1-4>-<5-9>",
               "@<@mark>", "& <hex> != 0"],
    "ifis": ["<ifname>", "!= <ifname>", "<ifwild>", "{ <ifname>, <ifname> }", "{ <ifname>, <ifwild> }",
             "@<@ifname>", "!= { <ifname>, <ifname> }", "!= <ifwild>"],
    "indexis": ["<iface>", "!= <iface>", "{ <iface>, <iface> }", "@<@iface_index>"],

    "verdict": ["accept", "drop", "continue", "return", "accept", "drop", "jump <chain>",
                "goto <chain>", "jump { <match> accept; <match> counter drop; }",
                "goto { <match> jump { <match> drop; }; counter; }"],
    "vmap": ["{ accept, drop }"],

    # What any family matches.
    "any": [
        "meta mark <markis>", "meta l4proto <proto>", "meta l4proto { tcp, udp }", "iifname <ifis>",
        "meta length <10-1500>", "meta length { <10-99>, <100-999>-<1000-1500> }", "meta priority 1:<10-99>",
        "iif <indexis>", "meta iiftype ether", "meta protocol ip", "meta protocol { ip, ip6 }",
        "meta pkttype { host, multicast }", "meta random <= <number>", "meta cpu <0-3>", "meta nftrace 1",
        "meta hour \"0<0-9>:00\"-\"1<0-9>:30\"", "meta day { \"Monday\", \"Sunday\" }", "meta day \"Friday\"",
        "meta time \"2026-0<1-9>-01 00:00:00\"-\"2027-01-01 00:00:00\"", "meta cgroup <number>",
        "meta iifgroup <0-9>", "meta oifgroup default", "meta iifkind \"veth\"", "meta nfproto ipv4",
        "@ll,0,48 <number>", "@nh,<0-9>,8 <number>", "@th,16,16 <port>", "@th,0,16 { <port>, <port> }",
        "@ih,0,32 <hex>", "limit rate <rate>", "counter", "counter packets <0-99> bytes <0-9999>",
        "quota <1-99> mbytes", "quota over <1-9> kbytes used <0-9> kbytes", "last",
        "limit name \"<#limit>\"", "quota name \"<#quota>\"", "counter name \"<#counter>\"",
        "limit name meta mark map @<%mark>", "numgen random mod <2-9> < <1-2>", "numgen inc mod 4 0-<1-2>",
        "meta l4proto . th dport @<@inet_proto . inet_service>", "vlan id <1-99>", "vlan id { <1-9>, <10-99> }",
        "ether type vlan vlan id <1-99> vlan pcp <0-7>", "ether type vlan ether type ip ip saddr <v4is>",
        "meta mark . meta cpu vmap { <hex> . <0-3> : accept, <hex> . 0-3 : drop }",
        "iifname vmap { <ifname> : accept, <ifname> : jump <chain> }", "iifname vmap @<@ifname:verdict>",
        "iifname . meta mark { <ifname> . <hex>, <ifname> . <hex> }", "meta mark vmap { <1-4>-<5-9> : drop }",
        "log", "log prefix \"<label>\"", "log prefix \"<label> \" level <level> flags <logflags>",
        "log group <0-9> snaplen <1-99> queue-threshold <1-9>", "log level audit",
    ],
    "level": ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"],
    "logflags": ["all", "tcp sequence,options", "ip options", "skuid", "ether"],
    # What inet, ip, ip6 and bridge have.
    "layer4": [
        "tcp dport <portis>", "tcp sport <portis>", "udp dport <portis>", "th dport <portis>", "udp length <number>",
        "tcp flags <tcpflags>", "tcp flags & (fin|syn|rst|ack) == syn", "tcp flags syn,ack / syn,ack,fin",
        "tcp flags != <tcpflags>", "tcp option maxseg size <number>", "tcp option sack-perm exists",
        "tcp option timestamp tsval <number>", "tcp option maxseg size <100-500>-<501-1500>", "tcp sequence <number>",
        "tcp window > <number>", "tcp doff <5-15>", "sctp dport <portis>", "sctp chunk data exists",
        "sctp chunk init num-inbound-streams <number>", "dccp type request", "dccp dport <port>", "udplite dport <portis>",
        "ah spi <number>", "esp spi <number>", "comp cpi <number>", "icmp type <icmptype>", "icmp type { <icmptype>, <icmptype> }",
        "icmp code <0-3>", "icmp id <number>", "icmp mtu > <number>", "icmpv6 type <icmp6type>",
        "icmpv6 type { <icmp6type>, <icmp6type> }", "icmpv6 id <number>", "igmp type membership-query",
        "tcp dport vmap { <port> : accept, <portrange> : jump <chain> }", "tcp dport vmap @<@inet_service:verdict>",
        "reject with tcp reset", "tcp option <3-9> exists",
        
    ],
    "tcpflags": ["syn", "syn,ack", "fin | rst", "{ syn, ack }"],
    "icmptype": ["echo-request", "echo-reply", "destination-unreachable", "time-exceeded"],
    "icmp6type": ["nd-neighbor-solicit", "nd-router-advert", "echo-request", "packet-too-big"],
    "four": [
        "ip saddr <v4is>", "ip daddr <v4is>", "ip saddr <v4is>", "ip daddr <v4is>", "ip protocol <proto>",
        "ip dscp cs<0-7>", "ip dscp { af11, ef, cs3 }", "ip ttl <number>", "ip length < <number>", "ip frag-off & 0x1fff != 0",
        "ip ecn ce", "ip version 4", "ip hdrlength 5-15", "ip id <number>", "ip checksum <number>", "ip option rr exists",
        "ip option lsrr exists", "ip saddr . ip daddr @<@ipv4_addr . ipv4_addr>", "ip saddr . tcp dport @<@ipv4_addr . inet_service>",
        "ip saddr . tcp dport { <v4> . <port>, <v4> . <port> }", "ip saddr . udp dport { <v4net> . <portrange>, <v4> . <port> }",
        "ip saddr vmap { <v4> : accept, <v4net> : drop, <v4range> : jump <chain> }", "ip saddr vmap @<@ipv4_addr:verdict>",
        "ip daddr . tcp dport vmap { <v4> . <port> : accept, <v4> . <portrange> : jump <chain> }",
        "jhash ip saddr mod <2-16> seed <hex> <0-3>", "jhash ip saddr . ip daddr mod 8 vmap { 0-3 : accept, 4-7 : drop }",
        "iifname . ip saddr @<@ifname . ipv4_addr>", "ip saddr . meta mark @<@ipv4_addr . mark>",
        "counter name ip saddr map @<@ipv4_addr:counter>", "quota name ip saddr map @<@ipv4_addr:quota>",
        "add @<@ipv4_addr> { ip saddr }", "update @<@ipv4_addr> { ip saddr timeout <time> }",
        "add @<@ipv4_addr> { ip saddr limit rate <rate> }", "delete @<@ipv4_addr> { ip saddr }",
        "update @<@ipv4_addr> { ip daddr counter quota 1 mbytes }", "add @<@ipv4_addr> { ip saddr ct count over <1-9> }",
        "add @<@ipv4_addr:ipv4_addr> { ip saddr : ip daddr }", "update @<@ipv4_addr:mark> { ip saddr : meta mark timeout <time> }",
        "meter m<0-9> { ip saddr limit rate <rate> }", "meter n<0-9> size <10-99> { ip saddr . tcp dport timeout <time> counter }",
        "fib saddr type local", "fib daddr . iif type { local, broadcast }", "fib saddr . iif oif missing",
        "fib saddr oifname <ifis>", "fib saddr . mark oif <iface>", "fib daddr . mark . iif type != { local, unicast }",
    ],
    "six": [
        "ip6 saddr <v6is>", "ip6 daddr <v6is>", "ip6 nexthdr <proto>", "ip6 flowlabel <number>", "ip6 hoplimit > <1-99>",
        "ip6 dscp cs<0-7>", "ip6 length <number>", "exthdr hbh exists", "exthdr frag missing", "frag more-fragments 1", "frag id <number>",
        "frag frag-off <number>", "hbh hdrlength <0-9>", "rt type 0", "rt seg-left <0-9>", "dst nexthdr <proto>", "mh type <1-7>",
        "srh flags <0-9>", "ip6 saddr . tcp dport @<@ipv6_addr . inet_service>", "ip6 saddr vmap { <v6> : accept, <v6net> : drop }",
        "ip6 saddr . ip6 daddr { <v6> . <v6>, <v6> . <v6> }", "add @<@ipv6_addr> { ip6 saddr }",
        "fib saddr . iif oif missing", "ip6 saddr & ffff:: == fd00::",
        "icmpv6 taddr <v6>", "icmpv6 max-delay <number>",
    ],
    "link": ["ether saddr <macis>", "ether daddr <macis>", "ether type <ethertype>", "ether saddr & ff:ff:00:00:00:00 == 02:00:00:00:00:00",
             "ether saddr . iifname { <mac> . <ifname> }", "ether saddr vmap { <mac> : drop }"],
    "ethertype": ["ip", "ip6", "arp", "vlan", "0x88b5", "{ ip, arp }"],
    "arp": ["arp operation request", "arp operation { request, reply }", "arp saddr ip <v4is>", "arp daddr ip <v4is>",
            "arp saddr ether <macis>", "arp htype 1", "arp ptype ip", "arp plen 4", "arp hlen 6"],
    "track": [
        "ct state <ctstate>", "ct state <ctstate>,<ctstate>", "ct state { <ctstate>, <ctstate> }", "ct state vmap { established : accept, related : accept, invalid : drop }",
        "ct status dnat", "ct status assured,seen-reply", "ct mark <markis>", "ct direction original", "ct zone <number>", "ct l3proto ipv4",
        "ct expiration <time>", "ct expiration <30-59>s-<2-9>m", "ct original ip saddr <v4is>", "ct reply ip daddr <v4>", "ct original ip6 saddr <v6>",
        "ct original proto-dst <port>", "ct reply proto-src { <port>, <port> }", "ct bytes > <number>", "ct original packets <number>", "ct avgpkt > <number>",
        "ct helper \"ftp\"", "ct label <0-127>", "ct id <number>", "ct count over <1-99>", "ct count <1-99>", "ct event new",
        "ct mark . meta mark { <hex> . <hex> }",
    ],
    "deep": [ # what an inet, ip or ip6 chain may have
        "socket transparent 1", "socket mark <hex>", "socket wildcard 0", "socket cgroupv2 level 1 \"x\"", "osf name \"Linux\"", "osf ttl skip version \"Linux:4.0\"",
        "rt classid <number>", "rt nexthop <v4>", "rt ip nexthop <v4is>", "rt ip6 nexthop <v6>", "rt mtu < <number>", "rt ipsec exists", "ipsec in reqid <number>",
        "ipsec in ip saddr <v4is>", "ipsec out ip6 daddr <v6>", "ipsec in spnum 1 spi <number>", "meta ipsec exists", "meta skuid <0-99>", "meta skuid { 0, <1-99>-<100-999> }",
        "meta skgid != <number>", "oifname <ifis>", "oif <indexis>", "iifname . oifname { <ifname> . <ifname>, <ifname> . <ifname> }", "meta rtclassid <number>",
        "meta sdif lan0", "meta sdifname \"wan0\"", "meta secpath exists", "iif . oif vmap { <iface> . <iface> : accept }", "oifname vmap { <ifwild> : accept, lo : drop }",
        "iifname . ip saddr . tcp dport vmap { <ifname> . <v4net> . <portrange> : accept }", 
    ],

    # What a rule does; the chain decides what it takes of that.
    "set": [
        "meta mark set <hex>", "meta mark set meta mark | <hex>", "meta mark set mark and 0xff xor <hex>", "meta mark set ct mark",
        "meta priority set 1:<10-99>", "meta nftrace set 1", "meta pkttype set host", "meta mark set numgen random mod <2-9> offset <hex>",
        "meta mark set jhash ip saddr mod <2-9>", "meta mark set symhash mod 4", "meta mark set ip saddr map { <v4> : <hex>, <v4> : <hex> }",
        "meta mark set iifname map { <ifname> : <hex>, <ifname> : <hex> }", "meta mark set ip saddr map @<@ipv4_addr:mark>",
        "meta mark set tcp dport map { <port> : <hex>, <portrange> : <hex> }", "ct mark set <hex>", "ct mark set meta mark", "ct mark set ct mark | <hex>",
        "ct zone set <number>", "ct original zone set <number>", "ct label set <0-99>", "ct event set new,destroy", "ct zone set iifname map { <ifname> : <1-9> }",
        "ct helper set \"<#ct helper>\"", "ct timeout set \"<#ct timeout>\"", "ct expectation set \"<#ct expectation>\"",
        "ct helper set tcp dport map { <port> : \"<#ct helper>\" }", "ip dscp set cs<0-7>", "ip ttl set <1-99>", "ip saddr set <v4>", "ip6 hoplimit set <1-99>",
        "ip6 flowlabel set <number>", "tcp option maxseg size set <500-1500>", "tcp option maxseg size set rt mtu", "tcp dport set <port>", "th sport set <port>",
        "reset tcp option sack-perm", "reset tcp option timestamp", "ether saddr set <mac>", "vlan id set <1-99>", "notrack", "ip ecn set ect0",
        "ct label set tcp dport map { <port> : <0-9> }", "meta mark set ct original saddr map { <v4> : <hex> }", "@th,0,16 set <port>", "meta mark set @ih,0,32",
        "meta priority set ip dscp map { cs1 : 1:<10-99>, cs2 : 1:<10-99> }", "ct secmark set meta secmark", "meta secmark set ct secmark",
    ],
    "do": [
        "<verdict>", "<verdict>", "<verdict>", "counter <verdict>", "reject", "reject with icmp type host-unreachable", "reject with icmpx admin-prohibited",
        "reject with icmpv6 no-route", "tcp dport 1 reject with tcp reset", "dup to <v4>", "dup to <v4> device <iface>", "dup to <v6>", "queue num <0-9>",
        "log prefix \"<label>\" <verdict>", "limit rate <rate> log group <0-9> <verdict>",
        "ip protocol tcp tproxy to <v4>:<port>", "meta l4proto tcp tproxy ip to :<port>", "meta l4proto tcp tproxy to :<port>", "meta l4proto udp tproxy ip6 to [<v6>]:<port>",
        "tcp dport <port> synproxy mss <500-1500> wscale <1-9> timestamp sack-perm", "synproxy name \"<#synproxy>\"", "meta l4proto tcp flow add @<flowtable>",
        "fwd to <iface>", "fwd ip to <v4> device <iface>", "fwd to ip daddr map { <v4> : <iface>, <v4> : <iface> }", "dup to <iface>",
        "dup to iifname map { <ifname> : lo }", "ct state invalid drop", "counter", "counter name tcp dport map @<@inet_service:counter>", "tcp dport vmap @<@inet_service:verdict>",
        "counter name tcp dport map { <port> : \"<#counter>\", <port> : \"<#counter>\" }", "limit name tcp dport map { <port> : \"<#limit>\" }",
        "ip saddr vmap { <v4> : jump <chain>, <v4net> : goto <chain> }", "numgen inc mod 3 vmap { 0 : jump <chain>, 1-2 : accept }",
        "iifname vmap { <ifwild> : drop, <ifname> : jump <chain> }", "ip saddr . ip daddr vmap @<@ipv4_addr . ipv4_addr:verdict>", "synproxy name ip saddr map { <v4> : \"<#synproxy>\" }",
        "icmp type . icmp code vmap { echo-request . 0 : accept }", "quota over <1-9> mbytes drop", "",
    ],
    "nat": [
        "masquerade", "masquerade random,persistent", "meta l4proto tcp masquerade to :<1000-1999>-<2000-2999>", "snat to <v4>", "snat ip to <v4>", "snat ip6 to <v6>",
        "snat ip to <v4range> fully-random", "meta l4proto tcp snat ip to <v4>:<1000-1999>-<2000-2999> random", "dnat to <v4>", "dnat ip to <v4>", "dnat ip6 to [<v6>]",
        "meta l4proto tcp dnat ip to <v4>:<port>", "tcp dport <port> dnat ip to <v4range>:<port> persistent", "meta l4proto tcp dnat ip6 to [<v6>]:<port>", "redirect",
        "meta l4proto tcp redirect to :<port>", "udp dport <port> redirect to :<portrange> random", "tcp dport <port> redirect to tcp dport map { <port> : <port> }",
        "dnat ip to tcp dport map { <port> : <v4>, <port> : <v4> }", "dnat ip to tcp dport map { <port> : <v4> . <port>, <port> : <v4> . <port> }",
        "dnat ip to tcp dport map @<@inet_service:ipv4_addr . inet_service>", "dnat ip to tcp dport map @<@inet_service:ipv4_addr>", "snat ip prefix to ip saddr map { 10.<0-3>.0.0/16 : 192.168.0.0/16 }",
        "dnat ip prefix to ip daddr map { 10.1.0.0/16 : 10.2.0.0/16, 10.3.0.0/16 : 10.4.0.0/16 }", "snat ip to ip saddr map { <v4> : <v4>, <v4net> : <v4> }",
        "snat ip to ip saddr map @<@ipv4_addr:ipv4_addr>", "dnat ip to numgen inc mod 2 map { 0 : <v4>, 1 : <v4> }", "dnat ip to jhash ip saddr mod 2 map { 0 : <v4>, 1 : <v4> }",
        "snat ip to ip saddr . tcp dport map { <v4> . <port> : <v4> }", "snat ip to ip saddr map { <v4> : <v4range> }", "dnat ip to ip daddr . tcp dport map { <v4> . <port> : <v4> . <port> }",
        "masquerade fully-random", "snat ip prefix to <v4net>", "ip protocol tcp snat ip to ip saddr map { <v4> : <v4> . <portrange> }",
    ],
}

# Of a family: what its rules match, in words, and its base chains as type, hooks, priorities.
PRIORITIES = ["<0-20>", "-<1-300>", "filter", "filter + <1-9>", "<1000-2000>"]
FAMILIES = {
    "ip": (["any", "layer4", "four", "track", "deep"], [
        ("filter", ["prerouting", "input", "forward", "output", "postrouting", "ingress device \"lan0\""]),
        ("nat", ["prerouting", "input", "output", "postrouting"]), ("route", ["output"])]),
    "ip6": (["any", "layer4", "six", "track", "deep"], [
        ("filter", ["prerouting", "input", "forward", "output", "postrouting"]),
        ("nat", ["prerouting", "input", "output", "postrouting"]), ("route", ["output"])]),
    "inet": (["any", "layer4", "four", "six", "track", "deep"], [
        ("filter", ["prerouting", "input", "forward", "output", "postrouting", "ingress device \"wan0\"",
                    "ingress devices = { lan0, wan0 }"]),
        ("nat", ["prerouting", "input", "output", "postrouting"]), ("route", ["output"])]),
    "bridge": (["any", "layer4", "four", "six", "link"], [
        ("filter", ["prerouting", "input", "forward", "output", "postrouting"])]),
    "arp": (["any", "arp", "link"], [("filter", ["input", "output"])]),
    "netdev": (["any", "layer4", "four", "six", "link"], [
        ("filter", ["ingress device lan0", "ingress devices = { lan0, wan0 }", "egress device \"wan0\"", "ingress device lo"])]),
}

# Objects: their kind and forms.
OBJECTS = {
    "counter": ["", "packets <0-99> bytes <0-9999>", "comment \"<label>\""],
    "quota": ["<1-99> mbytes", "over <1-9> kbytes used <0-9> kbytes", "over <1-9> mbytes used <10-99> mbytes"],
    "limit": ["rate <rate>", "rate <rate>"],
    "ct helper": ["type \"ftp\" protocol tcp; l3proto ip;", "type \"tftp\" protocol udp;", "type \"sip\" protocol udp; l3proto ip6;"],
    "ct timeout": ["protocol tcp; l3proto ip; policy = { established : <10-999>, close : <1-9> };",
                   "protocol udp; l3proto ip6; policy = { unreplied : <1-9>, replied : <10-99> };"],
    "ct expectation": ["protocol tcp; dport <1-9999>; timeout <1-9>m; size <1-9>; l3proto ip;",
                       "protocol udp; dport <1-9999>; timeout <1-9>s; size <1-9>; l3proto ip6;"],
    "synproxy": ["mss <500-1500>; wscale <1-9>; timestamp sack-perm;", "mss 1460; wscale 7;"],
    "secmark": ["\"system_u:object_r:ssh_server_packet_t:s0\""],
}

# Keys and data of sets: type, a form of one, a form of an interval; how packets have it.
TYPES = {
    "ipv4_addr": ("<v4>", "<v4net>|<v4range>|<v4>", "ip saddr"),
    "ipv6_addr": ("<v6>", "<v6net>|<v6range>|<v6>", "ip6 saddr"),
    "ether_addr": ("<mac>", "<mac>", "ether saddr"),
    "inet_proto": ("<proto>", "<proto>", "meta l4proto"),
    "inet_service": ("<port>", "<portrange>|<port>", "tcp dport"),
    "mark": ("<hex>", "<1-4>-<5-9>|<hex>", "meta mark"),
    "ifname": ("<ifname>", "<ifname>|<ifwild>", "iifname"),
    "iface_index": ("<iface>", "<iface>", "iif"),
    "icmp_type": ("<icmptype>", "<icmptype>", "icmp type"),
    "ct_state": ("<ctstate>", "<ctstate>", "ct state"),
    "ether_type": ("ip|ip6|arp", "ip|arp", "ether type"),
    "dscp": ("cs<0-7>", "cs<0-7>", "ip dscp"),
}
DATA = ["verdict", "verdict", "ipv4_addr", "mark", "inet_service", "ipv4_addr . inet_service", "counter", "quota", "limit", "ct helper",
        "ct timeout", "synproxy", "ifname", "ipv6_addr", "iface_index"]
STATEFUL = ["", "", "", "counter", "quota <1-9> mbytes", "limit rate <rate>", "counter quota over 5 kbytes", "last", "ct count over <1-9>"]
