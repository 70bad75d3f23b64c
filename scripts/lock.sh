#!/usr/bin/env bash
# Writes packaging/requirements.lock anew: one version of every package that runs, builds or tests dsmcertfix, for
# every Python and system, with the hashes of its files. What is locked stays as it is, and what pyproject.toml, the
# bench or tools.in ask for besides comes in. `lock.sh --upgrade` takes in new releases: look at the difference, and
# commit it. uv, which does it, comes from the lock itself.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
tools lock-environment uv
cd "$top"
# One version serves every Python, so it is the newest that the oldest Python can have.
"$(dirname "$python")/uv" pip compile --quiet --universal --python-version 3.10 --fork-strategy fewest \
    --generate-hashes --no-header --all-extras --output-file packaging/requirements.lock "$@" \
    pyproject.toml tests/bench/pyproject.toml packaging/tools.in
