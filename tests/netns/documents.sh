# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# documents: what the tests of mirrored documents share. Sourced behind lab.sh.
#
#   DOCUMENT   the kind that a test is about; a test of another one says so behind this

DOCUMENT=ruleset

mirror() { # NODE JQ
	ctl "$1" --json show mirror | jq -r ".mirror.$DOCUMENT$2"
}

condition_is() { # NODE CONDITION
	[ "$(mirror "$1" .condition)" = "$2" ]
}

both_are() { # CONDITION
	condition_is fw1 "$1" && condition_is fw2 "$1"
}

# ---- rulesets

has() { # NODE TEXT
	on "$1" nft list ruleset | grep -q -- "$2"
}

lacks() { # NODE TEXT
	! has "$@"
}

# What a change of fw1's takes to be seen on fw2 as TEXT, in milliseconds.
lag() { # TEXT NFT...
	local text=$1 begin end=$((SECONDS + 8))
	shift
	begin=$(date +%s%N)
	on fw1 nft "$@" || return 1
	until has fw2 "$text"; do
		[ "$SECONDS" -lt "$end" ] || return 1
	done
	echo $((($(date +%s%N) - begin) / 1000000))
}
