#!/usr/bin/env bash
# Runs the demo with dsmcertfix.pyz on processors that this machine has not, emulated: s390x and ppc64le, or the one named.
#
#   scripts/platforms.sh [s390x] [ppc64le]
#
# Foreign are dsmcertfix.pyz and the Python that runs it, Debian's own without any package; what it meets stays native:
# the real GSKit, TLS, files, owners, and the played client and servers. Both take 4 minutes on two processors. As root
# on Debian: installs debootstrap and qemu-user-static with apt-get, and keeps 350 MB for each below .cache/.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
case ${*:-} in
'' | s390x | ppc64le | 's390x ppc64le') ;;
*) die "usage: scripts/platforms.sh [s390x] [ppc64le]" ;;
esac
[ "$(id -u)" = 0 ] || die "a Debian is unpacked in a directory: run this as root"
need debootstrap:debootstrap qemu-s390x-static:qemu-user-static
"$top/packaging/unix/build.sh" pyz --output "$top/build/dist" >/dev/null
environment demo-environment

# foreign MACHINE: below .cache/ lie the Python of a Debian for that machine, and its libraries.
foreign() {
    local tree=$top/.cache/debian-$1 architecture=$1 package site
    [ ! -e "$tree/.filled" ] || return 0
    [ "$1" != ppc64le ] || architecture=ppc64el
    echo "unpacking a Debian for $1 in $tree" >&2
    rm -rf "$tree"
    site=$(mirror)
    debootstrap --foreign --variant=minbase --arch="$architecture" --include=python3 bookworm "$tree" "$site" >/dev/null
    for package in "$tree"/var/cache/apt/archives/*.deb; do dpkg-deb -x "$package" "$tree"; done
    rm -rf "$tree/var"
    touch "$tree/.filled"
}

[ $# -gt 0 ] || set -- s390x ppc64le
for machine in "$@"; do
    foreign "$machine"
    tree=$top/.cache/debian-$machine
    loader=$(ls "$tree"/usr/lib/*-linux-gnu/ld64.so.* "$tree"/lib/*-linux-gnu/ld64.so.* 2>/dev/null | head -n 1)
    places=$(ls -d "$tree"/lib/*-linux-gnu "$tree"/usr/lib/*-linux-gnu | paste -sd :)
    program=$top/.cache/dsmcertfix-$machine
    printf '#!/bin/sh\nexec qemu-%s-static %s --library-path %s %s -I %s "$@"\n' "$machine" "$loader" "$places" \
        "$tree/usr/bin/python3.11" "$top/build/dist/dsmcertfix.pyz" >"$program"
    chmod 755 "$program"
    echo "== $machine: $("$program" --version), $(uname -m) outside"
    DSMCERTFIX=$program python=$python "$top/scripts/demo.sh"
done
