#!/usr/bin/env bash
# Every two assumptions about IBM's programs (docs/assumptions.md) are false at once; no harm may come of it.
#
# The tests always try some of the pairs; this tries all of them, on all processors: 15 minutes on two. Arguments go to
# pytest.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

environment test-environment test lint docs
cd "$top"
export DSMCERTFIX_PAIRS=all
exec "$python" -m pytest -n "$(getconf _NPROCESSORS_ONLN)" tests/assumptions/test_pairs.py "$@"
