#!/usr/bin/env bash
# Builds the Windows package and tests it and everything else for Windows, under Wine. Arguments go to pytest.
#
# build/windows has the program, its SHA256SUMS and the content source afterwards; build/windows/later is the same
# program packed as a later version, to install one over the other.
set -euo pipefail
. "$(dirname "$0")/../../scripts/environment.sh"
. "$top/packaging/windows/wine/make.sh"

if ! can_have_windows; then
    echo "not shown on this machine: the tests for Windows, which need wine64 and gcc-mingw-w64-x86-64" >&2
    exit 0
fi
date_of_the_build
# Tests on this system that look at what is built wait for this lock. What stays up in Windows must not hold it.
mkdir -p "$top/build"
exec 8>"$top/build/windows.lock"
flock 8
"$parts/build-wine.sh"
"$parts/msi.sh" "$top/build/windows/dsmcertfix" "$top/build/windows"
"$parts/msi.sh" "$top/build/windows/dsmcertfix" "$top/build/windows/later" 99.0.0
exec 8>&-
DSMCERTFIX_PACKAGE=$(windows_path "$top/build/windows")
export DSMCERTFIX_PACKAGE
cd "$top"
through_pipes wine "$windows_python" -m pytest --all --again "${@:-tests/windows}"
