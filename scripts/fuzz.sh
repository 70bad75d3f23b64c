#!/usr/bin/env bash
# Fuzzes everything that reads foreign bytes, guided by coverage, and prints a table (docs/threat-model.md).
#
# Makes an environment of its own below .cache/, with atheris (for Linux, Python 3.11 to 3.13). Arguments go to the
# campaign: --minutes N (of processor time for each target), --side-by-side N, --corpus DIR, --keep-seeds, and the
# names of targets (tests/fuzz/targets.py). Exits with 0 when no target let an error through, took over a second of
# processor time for an input or over 400 MB, or stopped early.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
environment fuzz-environment test fuzz
"$python" -c 'import atheris' 2>/dev/null ||
    die "there is no atheris for $("$python" --version) here: name another Python with DSMCERTFIX_PYTHON"
cd "$top"
exec nice "$python" -m tests.fuzz.campaign --findings "$top/.cache/fuzz-findings" "$@"
