#!/usr/bin/env bash
# Runs tests on other days than today: no test may know the day. Arguments go to pytest; without them the whole suite.
#
#   scripts/clocks.sh                    on each of the days below
#   scripts/clocks.sh --day DAY …        on one of them, or on any day that date(1) reads
#   scripts/clocks.sh … --part K/N …     one of N parts of the tests: each takes its share of the time
#
# Needs root and a C compiler, which is installed with apt-get when it is missing. The time of day is shifted for
# every program that a test starts, whatever its environment: in a mount namespace, by a preloaded library
# (shifted_clock.c). What is measured and the times of files stay. Not shifted are programs in a chroot and Windows; the
# faults that strace makes (tests/faults) are left out.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

need cc:gcc /usr/include/time.h:libc6-dev
[ "$(id -u)" = 0 ] && command -v cc >/dev/null || die "root and a C compiler are needed"
environment test-environment test lint docs
cd "$top"

# When the next of IBM's roots in GSKit's new key databases has just expired.
next_root() {
    "$python" - <<'PYTHON'
import tempfile
from datetime import timedelta
from pathlib import Path
from cryptography import x509
from dsmbench import gskit
with tempfile.TemporaryDirectory() as directory:
    made = Path(directory, "new.kdb")
    gskit.run([{"op": "create", "path": str(made), "password": "for an hour", "version": 4, "cas": True}])
    found = [x509.load_der_x509_certificate(der).not_valid_after_utc for der in gskit.certificates(made).values()]
print((min(found) + timedelta(minutes=1)).isoformat())
PYTHON
}

days=("+1 year" "+5 years" "2028-02-29 12:00 UTC" "$(date -u +%Y)-12-31 23:59 UTC" "$(next_root)")
if [ "${1:-}" = --day ]; then
    days=("$2")
    shift 2
fi

part=()
if [ "${1:-}" = --part ]; then
    part=("$1" "$2")
    shift 2
fi

library=$(mktemp -d)/shifted_clock.so
trap 'rm -rf "$(dirname "$library")"' EXIT

# on DAY ARGUMENTS…: pytest has run that day.
on() {
    cc -shared -fPIC -O1 -DSHIFT="($(($(date -d "$1" +%s) - $(date +%s))))" -o "$library" scripts/shifted_clock.c
    chmod 755 "$(dirname "$library")"
    unshare --mount bash -s "$library" "$python" "${@:2}" <<'NAMESPACE'
set -euo pipefail
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc
echo "$1" >/etc/ld.so.preload
exec "$2" -m pytest "${@:3}" </dev/null
NAMESPACE
}

[ $# -gt 0 ] || set -- -n "$(getconf _NPROCESSORS_ONLN)" --dist loadscope --no-loadscope-reorder --deselect tests/faults
failed=()
for day in "${days[@]}"; do
    echo "== $day: $(date -u -d "$day" '+%F %T UTC')"
    on "$day" "${part[@]}" "$@" || failed+=("$day")
done
[ ${#failed[@]} = 0 ] || die "tests fail on: $(printf '%s; ' "${failed[@]}")"
