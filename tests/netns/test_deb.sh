#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The Debian package: lintian has nothing to say of it, it is built alike twice, nothing is left beside
# build/, and its units are not exposed.
#
# beside others
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/netns/lab.sh
. tests/netns/lab.sh
# shellcheck source=tests/netns/package.sh
. tests/netns/package.sh
LAB_DIR=$(mktemp -d --suffix="-$LAB")
trap 'rm -rf "$LAB_DIR"' EXIT

before=$(git status --porcelain 2>/dev/null || ls)
sums() { (cd "$LAB_DIR/deb" && sha256sum ./*.deb); }
check "the package is built" package_get "$LAB_DIR/nsrpd.deb"
first=$(sums)
fine() {
	local said
	said=$(lintian --fail-on none "$LAB_DIR"/deb/*.changes 2>/dev/null) || return 1
	[ -z "$said" ] || {
		echo "$said"
		return 1
	}
}
check "lintian has nothing to say" fine
check "it is built again" package_build
same() { [ -n "$first" ] && [ "$(sums)" = "$first" ]; }
check "and has the same bytes" same
untouched() { [ "$(git status --porcelain 2>/dev/null || ls)" = "$before" ]; }
check "and nothing stands beside build/" untouched
exposed() { # UNIT: 3.0 at most
	local score
	score=$(systemd-analyze security --offline=true "$1" | sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')
	echo "# $1: $score"
	at_most "$score" 3.0
}
for unit in conf/*.service; do check "$unit is not exposed" exposed "$unit"; done
exit "$FAILED"
