# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
#
# package: the Debian package, in $LAB_DIR/deb with all that is built beside it. Sourced behind lab.sh.
#
#   PACKAGE   a .deb among such files, which are taken instead of building them

PACKAGE_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

package_build() {
	rm -rf "$LAB_DIR/deb"
	make -s -C "$PACKAGE_TOP" deb DEB="$LAB_DIR/deb" >"$LAB_DIR/build.log" 2>&1 || {
		tail -n 20 "$LAB_DIR/build.log"
		return 1
	}
}

package_get() { # FILE: the package itself is put there
	if [ -n "${PACKAGE:-}" ]; then
		cp -r "$(dirname "$PACKAGE")" "$LAB_DIR/deb"
	else
		package_build
	fi && cp "$LAB_DIR"/deb/nsrpd_*.deb "$1"
}
