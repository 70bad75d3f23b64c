#!/usr/bin/env bash
# Builds dsmcertfix.exe under Wine, into build/windows (or the directory named), as build.ps1 does on Windows.
#
# What it needs, it makes (scripts/wine.sh). The program it builds is a Windows program, and the one that CI tests;
# what is shipped is built on Windows by build.ps1 from the same files, and with a newer Python.
set -euo pipefail
. "$(dirname "$0")/../../scripts/environment.sh"
. "$top/packaging/windows/wine/make.sh"

target=${1:-$top/build/windows}
make_windows
date_of_the_build
through_pipes wine "$windows_python" "$(windows_path "$parts/build.py")" --any-python "$(windows_path "$target")"
echo "built: $target/dsmcertfix/dsmcertfix.exe"
