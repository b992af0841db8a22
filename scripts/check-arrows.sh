#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The dependency arrows of the design: what the files of each folder may include.
set -eu
cd "$(dirname "$0")/.."

# The first pattern that matches a file decides; the words behind it say what it may include:
#   own    "x.h", a header that lies in the file's own folder
#   nsrp   "nsrp/x.h"
#   any    "folder/x.h", every folder's headers
#   libc   <x.h> of the C library and POSIX, <linux/...> left out
#   linux  <linux/...>
#   std    <std*.h>
#   <...>  a header, or with a * at its end the headers below a folder
rules='
include/nsrp/*      nsrp std <sys/types.h>
src/core/*          own nsrp <string.h> <assert.h> <stdint.h> <stddef.h> <stdbool.h>
src/conf/*          own nsrp libc <ini.h>
src/object/*        own nsrp libc linux <libmnl/*> <libnetfilter_conntrack/*> <libnftnl/*> <nftables/*>
src/monitor/*       own nsrp libc linux
src/io/loop.[ch]    own nsrp libc linux <ev.h>
src/io/seal*.c      own nsrp libc <openssl/*>
src/io/*            own nsrp libc linux <libmnl/*> <jansson.h> <nftables/*> <systemd/*> <sys/capability.h>
src/daemon/*        own nsrp any libc linux <systemd/*> <sys/capability.h>
src/ctl/ruleset.c   own nsrp libc <jansson.h> <nftables/*>
src/ctl/*           own nsrp libc <jansson.h>
'
# Angle brackets that are a library's, not the C library's.
libraries='<ev.h>|<event.h>|<ini.h>|<jansson*.h>|<cmocka.h>|<sys/capability.h>|<openssl/*|<libmnl/*|<libnftnl/*|<libnetfilter_conntrack/*|<libnfnetlink/*|<nftables/*|<systemd/*'

allowed() # FILE INCLUDE RULE...
{
	local file=$1 include=$2 rule
	shift 2
	for rule in "$@"; do
		case $rule in
		own)
			[[ $include == \"*\" && $include != */* ]] || continue
			[ ! -e "$(dirname "$file")/${include//\"/}" ] || return 0
			;;
		nsrp) [[ $include != \"nsrp/*\" ]] || return 0 ;;
		any) [[ $include != \"*/*\" ]] || return 0 ;;
		std) [[ $include != \<std*\> ]] || return 0 ;;
		linux) [[ $include != \<linux/*\> ]] || return 0 ;;
		libc)
			# shellcheck disable=SC2053 # a pattern, on purpose
			[[ $include == \<linux/* || $include != \<*\> || $include == @($libraries) ]] || return 0
			;;
		*)
			# shellcheck disable=SC2053
			[[ $include != $rule ]] || return 0
			;;
		esac
	done
	return 1
}

failed=0
complain() # FILE LINE TEXT
{
	echo "$1:$2: $3"
	failed=1
}

rules_of() # FILE
{
	local pattern words
	while read -r pattern words; do
		# shellcheck disable=SC2053
		if [ -n "$pattern" ] && [[ $1 == $pattern ]]; then
			echo "$words"
			return
		fi
	done <<<"$rules"
}

set -f # the rules hold patterns
while IFS=: read -r file line text; do
	words=$(rules_of "$file")
	if [ -z "$words" ]; then
		complain "$file" "$line" "stands in a folder that the design does not have"
		continue
	fi
	include=$(sed -E 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*([^[:space:]]*).*/\1/' <<<"$text")
	# shellcheck disable=SC2086 # a list, on purpose
	allowed "$file" "$include" $words ||
		complain "$file" "$line" "may not include $include, only: $words"
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include' include src --include='*.[ch]')
exit $failed
