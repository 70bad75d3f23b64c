#!/usr/bin/env bash
# Random key databases by IBM's library against the tool's own reader and writer; prints what differs.
#
# usage: differential.sh [COUNT [SEED]]     2,500 without a count, which takes some minutes
#        differential.sh certificates [COUNT [SEED]]     changed certificates, our own reader against cryptography:
#                                                        1,000,000 without a count, which takes a quarter of an hour
set -euo pipefail
. "$(dirname "$0")/environment.sh"

environment test-environment test lint docs
cd "$top"
case "${1:-}" in
certificates) shift && exec "$python" -m tests.judge.certificates "$@" ;;
*) exec "$python" -m tests.judge.differential "$@" ;;
esac
