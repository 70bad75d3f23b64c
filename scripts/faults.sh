#!/usr/bin/env bash
# Spoils the tool wherever it changes something (kills, errors, full disks, signals), and prints a table.
#
# Makes an environment of its own below .cache/ (packages from the package index), and as root on Debian installs
# strace with apt-get where it is missing. Arguments go to tests/faults/sweep.py: names of sweeps,
# --case TEXT, --every K, --points N, --jobs N, --runs N. Exits with 0 when nothing was lost and every message told
# the truth.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
need strace:strace
environment test-environment test lint docs
cd "$top"
exec "$python" tests/faults/sweep.py "$@"
