#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every C file is formatted as .clang-format says; `make format` does it.
set -eu
cd "$(dirname "$0")/.."

find include src tests -name '*.[ch]' -exec clang-format -n -Werror {} +
