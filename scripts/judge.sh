#!/usr/bin/env bash
# Compares what `detect` says of every kind of store and server with what IBM's own TLS says: prints each pair
# on which they differ, and ends with 1 when the tool calls fine what IBM's TLS refuses. Two minutes.
#
# Arguments go to tests/judge: --store KIND (repeatable) for some kinds only, --write docs/proof.md for its table.
#
# `judge.sh databases DIRECTORY` compares what is read of every key database below it (.kdb with its .sth) instead.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
environment test-environment test lint docs
cd "$top"
if [ "${1:-}" = databases ]; then
    shift
    exec "$python" -m tests.judge.databases "$@"
fi
exec "$python" -m tests.judge "$@"
