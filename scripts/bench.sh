#!/usr/bin/env bash
# Measures how fast the tool is, and prints one table of ratios with their bounds; exit code 1 when one is missed.
#
# Makes an environment of its own below .cache/ (packages from the package index), and as root on Debian installs
# strace with apt-get where it is missing. Arguments go to bench.py:
# --quick for fewer runs, --plots DIR for the pictures in docs/performance.md.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
need strace:strace
environment bench-environment
exec "$python" "$top/scripts/bench.py" "$@"
