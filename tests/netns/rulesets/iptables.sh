#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Rules as iptables writes them today, through nf_tables: its matches and targets are the kernel's xt
# ones wherever nf_tables has nothing like them. Run in the namespace that is to have them.
set -eu

iptables-nft -P FORWARD DROP
iptables-nft -N services
iptables-nft -A INPUT -i lo -j ACCEPT
iptables-nft -A INPUT -i 'wan+' -p tcp -m tcp --dport 22 -m comment --comment 'log in' -j ACCEPT
iptables-nft -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables-nft -A INPUT -p tcp -m multiport --dports 80,443,8000:8010 -j services
iptables-nft -A INPUT ! -p udp -m addrtype --dst-type BROADCAST -j DROP
iptables-nft -A INPUT -p icmp --icmp-type echo-request -m limit --limit 5/sec -j ACCEPT
iptables-nft -A services -m mark --mark 0x1/0xff -j RETURN
iptables-nft -A services -s 10.0.0.0/8 -j LOG --log-prefix 'svc: '
iptables-nft -A services -j REJECT --reject-with tcp-reset -p tcp
iptables-nft -t nat -A POSTROUTING -o wan0 -s 10.77.0.0/24 -j MASQUERADE
iptables-nft -t nat -A PREROUTING -i wan0 -p tcp --dport 8080 -j DNAT --to-destination 10.77.0.80:80
iptables-nft -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
iptables-nft -t mangle -A PREROUTING -p udp --dport 5060 -j MARK --set-xmark 0x10/0xf0
ip6tables-nft -A INPUT -p ipv6-icmp -j ACCEPT
ip6tables-nft -A FORWARD -s fd77::/64 -m hl --hl-gt 1 -j ACCEPT
