#!/usr/bin/env bash
# Runs the demo with dsmcertfix.pyz on processors and Pythons that this machine has not, and on those it is given.
#
#   scripts/platforms.sh [NAME | /a/python3.12 ...]
#
# NAME: s390x (3.11), s390x-3.13, s390x-3.14, ppc64le, aarch64, python3.14; without one the first and the last three.
# Foreign are dsmcertfix.pyz and the Python that runs it, Debian's own without any package (processors by qemu; 3.13 and
# 3.14 from the Debian to come); what it meets stays native: the real GSKit, TLS, files, owners, and the played client and
# servers. As root on Debian: installs qemu-user-static with apt-get, and keeps 60 MB for each below .cache/.
# With $PYZ that file is run, and none is built; with $python its test bench is used.
#
#   scripts/platforms.sh --tests K/N
#
# Runs that share of the tests of key databases instead, on s390x with Python 3.14 and its Debian's cryptography.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
part=
if [ "${1:-}" = --tests ]; then
    part=${2:?which share of the tests, as 1/1}
    set --
fi
[ $# -gt 0 ] || set -- s390x ppc64le aarch64 python3.14
for name in "$@"; do
    case $name in
    s390x | s390x-3.13 | s390x-3.14 | ppc64le | aarch64 | python3.14 | /*) ;;
    *) die "usage: scripts/platforms.sh [s390x[-3.13|-3.14] | ppc64le | aarch64 | python3.14 | /a/python ...]" ;;
    esac
done
work=$(mktemp -d "${TMPDIR:-/tmp}/dsmcertfix-platforms-XXXXXX")
trap 'rm -rf "$work"' EXIT
if [ -n "$part" ]; then
    [ -n "${python:-}" ] || environment test-environment test lint docs
else
    if [ -z "${PYZ:-}" ]; then
        "$top/packaging/unix/build.sh" pyz --output "$top/build/dist" >/dev/null
        PYZ=$top/build/dist/dsmcertfix.pyz
    fi
    [ -n "${python:-}" ] || environment demo-environment
fi

# foreign NAME ARCHITECTURE SUITE PACKAGE...: $tree has those packages of that Debian with all they need; apt-get proves whose.
foreign() {
    tree=$top/.cache/debian-$1
    [ ! -e "$tree/.filled" ] || return 0
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || die "not to be had here: this needs root on a Debian"
    local apt=$work/apt-$1 get package site
    site=$(mirror) || die "not to be had here: this needs a mirror of Debian"
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/none"
    : >"$apt/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $3 main" >"$apt/sources.list"
    get=(apt-get -qq -o APT::Architecture="$2" -o APT::Architectures="$2" -o Dir::State::status="$apt/status"
        -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt" -o Dir::Etc::sourcelist="$apt/sources.list"
        -o Dir::Etc::sourceparts="$apt/none" -o APT::Install-Recommends=0 -o APT::Sandbox::User=root)
    { "${get[@]}" update && "${get[@]}" -y --download-only install "${@:4}"; } >"$apt/said" 2>&1 ||
        die "not to be had here: $(tail -n 1 "$apt/said")"
    rm -rf "$tree"
    mkdir -p "$top/.cache"
    for package in "$apt"/archives/*.deb; do dpkg-deb -x "$package" "$tree"; done
    mkdir -p "$tree/lib"
    touch "$tree/.filled"
}

# emulated PROCESSOR: $emulator runs programs for it.
emulated() {
    need "qemu-$1-static:qemu-user-static" || true
    emulator=("$(command -v "qemu-$1-static")") || die "not to be had here: qemu-user-static"
}

# bare NAME: $words start the Python of that name, by its own loader and with its own libraries.
bare() {
    local emulator=() places loader
    case $1 in
    /*) words=("$1" -S) && return ;;
    python3.14) foreign "$1" amd64 forky python3.14 ;;
    *) emulated "${1%-*}" ;;&
    s390x) foreign "$1" s390x bookworm python3 ;;
    s390x-3.13) foreign "$1" s390x forky python3.13 ;;
    s390x-3.14) foreign "$1" s390x forky python3.14 ;;
    s390x-tests) foreign "$1" s390x forky python3.14 python3-cryptography python3-hypothesis ;;
    ppc64le) foreign "$1" ppc64el bookworm python3 ;;
    aarch64) foreign "$1" arm64 bookworm python3 ;;
    esac
    # Unpacked, /lib is no link to /usr/lib; since 2024 nothing lies there any more.
    loader=$(find "$tree"/lib "$tree"/usr/lib -path '*-linux-gnu*/ld*.so.[12]' | head -n 1)
    places=$(find "$tree"/lib "$tree"/usr/lib -maxdepth 1 -name '*-linux-gnu*' | paste -sd :)
    words=("${emulator[@]}" "$loader" --library-path "$places" "$(ls "$tree"/usr/bin/python3.[0-9]* | head -n 1)")
}

# The programs that the tests start are native.
if [ -n "$part" ]; then
    bare s390x-tests
    cd "$top"
    "${words[@]}" -c 'import os, sys
sys.executable, packages, debians, os.environ["OPENSSL_MODULES"], *sys.argv[1:] = sys.argv[1:]
sys.path += [debians, "src", "tests/bench/src", packages]
import cryptography.hazmat.backends.openssl.backend
del os.environ["OPENSSL_MODULES"]
import pytest
sys.exit(pytest.main())' "$python" "$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
        "$tree/usr/lib/python3/dist-packages" "$(find "$tree" -name ossl-modules)" --part "$part" tests/ibm/key_database
    exit
fi

for name in "$@"; do
    bare "$name"
    program=$work/dsmcertfix
    printf '#!/bin/sh\nexec %s "$@"\n' "$(printf '%q ' "${words[@]}" -I "$PYZ")" >"$program"
    chmod 755 "$program"
    told='import sys, os; print(os.uname().machine, "%d.%d.%d" % sys.version_info[:3], sys.byteorder)'
    echo "== $name: $("${words[@]}" -I -c "$told"), $("$program" --version)"
    DSMCERTFIX=$program python=$python "$top/scripts/demo.sh"
done
