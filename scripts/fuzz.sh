#!/usr/bin/env bash
# Fuzzes everything that reads foreign bytes, a million executions each, and prints a table.
#
# Makes an environment of its own below .cache/ (packages from the package index), with atheris. Arguments go to
# the campaign: --executions N, --findings DIR, and the names of targets (tests/fuzz/targets.py). Exits with 0
# when no target crashed, took over a second or over 200 MB for an input, or stopped early.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
environment fuzz-environment test
if ! "$python" -c 'import atheris' 2>/dev/null &&
    ! "$python" -m pip --quiet --disable-pip-version-check install 'atheris>=2.3' >&2; then
    die "atheris cannot be installed for $("$python" --version): name another Python with DSMCERTFIX_PYTHON"
fi
cd "$top"
exec nice "$python" -m tests.fuzz.campaign --findings "$top/.cache/fuzz-findings" "$@"
