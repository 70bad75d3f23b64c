#!/usr/bin/env bash
# Random key databases by IBM's library against the tool's own reader and writer; prints what differs.
#
# usage: differential.sh [COUNT [SEED]]     2,500 without a count, which takes some minutes
set -euo pipefail
. "$(dirname "$0")/environment.sh"

environment test-environment test lint docs
cd "$top"
exec "$python" -m tests.judge.differential "$@"
