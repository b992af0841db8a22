# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# strongswan: charon on both firewalls and on the remote gateway, which is the lab's server and knows
# nothing of a pair. Sourced behind lab.sh and tunnels.sh. The firewalls have the files of
# conf/strongswan, with the lab's addresses; each charon has a /run of its own.
#
#   client -- [lan] == fw1, fw2 == [wan] -- server, with 10.90.1.1 behind the tunnel `net`

SWAN=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../conf/strongswan")
SWAN_TARGET=10.90.1.1

# Says what is missing, and is true when something is.
swan_lacks() {
	[ -x /usr/sbin/charon-systemd ] || { echo "no charon (package charon-systemd)" && return; }
	command -v swanctl >/dev/null || { echo "no swanctl (package strongswan-swanctl)" && return; }
	[ -e /usr/lib/ipsec/plugins/libstrongswan-ha.so ] ||
		{ echo "no ha plugin (package libcharon-extra-plugins)" && return; }
	return 1
}

swan_dir() { # NODE
	echo "$LAB_DIR/$1/swan"
}

# charon.conf of conf/strongswan with what stands in it as a comment.
swan_ha() { # LOCAL REMOTE
	sed -e "s/# local = .*/local = $1/; s/# remote = .*/remote = $2/" \
		-e 's/# secret = .*/secret = of-the-pair-in-the-lab/' "$SWAN/charon.conf"
}

swan_common() { # NODE
	cat <<-END
		swanctl {
			load = random
		}
		charon {
			# What a tunnel takes: all that there is takes this machine seconds to load.
			load = random nonce openssl kdf kernel-netlink socket-default vici ha
			filelog {
				log {
					path = $(swan_dir "$1")/log
					default = 1
					ike = 2
					time_format = %H:%M:%S
					flush_line = yes
				}
			}
		}
	END
}

# swanctl.conf of conf/strongswan, as PAIR has it, or turned round for the remote gateway.
swan_connection() { # pair|remote
	local here=gw there=site near=10.77.0.0 far=10.90.1.0 local=$WAN_VIP remote=$SERVER
	[ "$1" = pair ] || {
		here=site there=gw near=10.90.1.0 far=10.77.0.0 local=$SERVER remote=$WAN_VIP
	}
	sed -e "s/local_addrs = .*/local_addrs = $local/; s/remote_addrs = .*/remote_addrs = $remote/" \
		-e "s,local_ts = .*,local_ts = $near/24,; s,remote_ts = .*,remote_ts = $far/24," \
		-e "/local {/,/}/s/id = .*/id = $here.example.org/; /remote {/,/}/s/id = .*/id = $there.example.org/" \
		-e "/ike-site/,\$s/id = .*/id = $there.example.org/" \
		-e 's/# secret = .*/secret = of-the-tunnel-in-the-lab/' \
		"$SWAN/swanctl.conf"
}

# What a remote gateway needs not be told. It is the one that asks whether its peer lives.
swan_plain() {
	sed -e '/mobike\|unique\|reqid\|rand_time\|reauth_time/d' -e 's/dpd_delay = .*/dpd_delay = 2s/'
}

# The kernel looks for modules of an algorithm's when it is used first: seconds, here, in which nobody
# else gets at its SAs.
swan_warm() {
	# shellcheck disable=SC2086 # words
	on client ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 1 mode tunnel $GCM
	on client ip xfrm state flush
}

swan_files() {
	local node
	swan_warm
	for node in fw1 fw2 server; do
		mkdir -p "$(swan_dir $node)/run" "$(swan_dir $node)/conf"/{x509{,ca,aa,ocsp,ac,crl},pubkey,private,rsa,ecdsa,bliss,pkcs8,pkcs12}
		swan_common $node >"$(swan_dir $node)/strongswan.conf"
	done
	swan_ha 10.79.0.1 10.79.0.2 >>"$(swan_dir fw1)/strongswan.conf"
	swan_ha 10.79.0.2 10.79.0.1 >>"$(swan_dir fw2)/strongswan.conf"
	swan_connection pair >"$(swan_dir fw1)/swanctl.conf"
	cp "$(swan_dir fw1)/swanctl.conf" "$(swan_dir fw2)/swanctl.conf"
	swan_connection remote | swan_plain >"$(swan_dir server)/swanctl.conf"
	cat >"$LAB_DIR/follow" <<-END
		#!/bin/sh
		node=\${NSRP_NODE:-\$1}
		[ -n "\${NSRP_NODE:-}" ] || shift
		export STRONGSWAN_CONF="$LAB_DIR/\$node/swan/strongswan.conf"
		export CHARON_DIR="$LAB_DIR/\$node/swan/run" NSRPCTL="$NSRPCTL -r $LAB_DIR/\$node/run"
		exec $SWAN/strongswan "\$@"
	END
	chmod 755 "$LAB_DIR/follow"
	on server ip addr add $SWAN_TARGET/24 dev lo
	# What answers to a tunnel's packets is to come from its network.
	on server ip route add 10.77.0.0/24 via "$WAN_VIP" src $SWAN_TARGET
	swan_route fw1
	swan_route fw2
}

swan_route() { # FIREWALL
	on "$1" ip route add 10.90.0.0/16 via "$SERVER" dev wan0
}

swan_start() { # NODE
	local dir
	dir=$(swan_dir "$1")
	# shellcheck disable=SC2016 # expanded there
	rm -f "$dir/run/charon.vici"
	STRONGSWAN_CONF=$dir/strongswan.conf ip netns exec "$LAB-$1" unshare -m \
		sh -c 'mount --bind "$1/run" /run && exec /usr/sbin/charon-systemd' sh "$dir" >"$dir/out" 2>&1 &
	echo "$!" >"$dir/pid"
	LAB_PIDS="$LAB_PIDS $!"
	disown "$!"
}

swan_load() { # NODE
	wait_for 10 test -S "$(swan_dir "$1")/run/charon.vici" &&
		swan "$1" --load-all --noprompt --file "$(swan_dir "$1")/swanctl.conf" >/dev/null
}

# A machine that loses its power.
swan_kill() { # NODE
	kill -9 "$(cat "$(swan_dir "$1")/pid")"
}

swan() { # NODE VERB...
	local dir node=$1 verb=$2
	shift 2
	dir=$(swan_dir "$node")
	on "$node" timeout 20 env SWANCTL_DIR="$dir/conf" STRONGSWAN_CONF="$dir/strongswan.conf" \
		swanctl "$verb" --uri "unix://$dir/run/charon.vici" "$@" 2>>"$dir/said"
}

# The IKE SA and the tunnel of a node: STATE of the one, and that the other is there.
swan_is() { # NODE STATE
	swan "$1" --list-sas --ike site | awk -v state="$2" '
		/^site:/ { ike = index($0, state ",") > 0 }
		/^ *net:/ && ike && /INSTALLED/ { found = 1 }
		END { exit !found }'
}

# What names a node's IKE SA for good: its SPIs.
swan_spis() { # NODE
	swan "$1" --list-sas --ike site | sed -n 's/^site:.*IKEv2, \([0-9a-f]*\)_i\*\{0,1\} \([0-9a-f]*\)_r.*/\1 \2/p'
}
