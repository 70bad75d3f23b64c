#!/usr/bin/env bash
# Runs all checks: ruff, mypy --strict, import-linter, the documentation, pytest. Arguments go to pytest.
#
# Makes an environment of its own below .cache/ (packages from the package index). As root on Debian it also
# installs what is missing of acl, attr and strace with apt-get. With --all first, as CI runs it, the slow tests
# run too, and with nothing but --all the Windows package is built and tested under Wine (wine.sh). What this
# machine cannot show is listed at the end as "not shown".
set -euo pipefail
. "$(dirname "$0")/environment.sh"

need setfacl:acl setfattr:attr strace:strace
if [ "${1:-}" = --all ]; then
    need tmux:tmux
    # The shells complete, man reads, and what is shipped is built and installed.
    need zsh:zsh fish:fish man:man-db rpmbuild:rpm debootstrap:debootstrap
    need chromium:chromium chromedriver:chromium-driver
    need wixl:wixl msibuild:msitools osslsigncode:osslsigncode
fi
environment test-environment test,lint,docs
cd "$top"

echo "== ruff"
"$python" -m ruff check src tests scripts packaging
"$python" -m ruff format --check src tests scripts packaging
echo "== mypy"
"$python" -m mypy
"$python" -m mypy --platform win32 tests/windows tests/bench/src/dsmbench/windows*.py
echo "== import-linter"
"$(dirname "$python")/lint-imports" --no-cache
echo "== documentation"
"$(dirname "$python")/sphinx-build" -q -W --keep-going -b html docs build/docs
failed=0
if [ "$*" = --all ]; then
    echo "== pytest on Windows, under Wine"
    packaging/windows/test-wine.sh || failed=1
fi
echo "== pytest"
"$python" -m pytest "$@" || failed=1
exit $failed
