#!/usr/bin/env bash
# Runs all checks: ruff, mypy --strict, import-linter, the documentation, pytest. Arguments go to pytest.
#
# Makes an environment of its own below .cache/ (packages from the package index). As root on Debian it also
# installs what is missing of acl, attr and strace with apt-get. With --all first, as CI runs it, the slow tests
# run too, and with nothing but --all the Windows package is built and tested under Wine (wine.sh) at the same time.
# What this machine cannot show is listed at the end as "not shown".
#
# The whole suite runs on all processors (tests/placed.py), and what fails there is run again alone, twice
# (tests/again.py). With arguments of one's own pytest gets these alone.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

need setfacl:acl setfattr:attr strace:strace
if [ "${1:-}" = --all ]; then
    need tmux:tmux
    # The shells complete, man reads, and what is shipped is built and installed.
    need zsh:zsh fish:fish man:man-db rpmbuild:rpm debootstrap:debootstrap
    need chromium:chromium chromedriver:chromium-driver
    # What others use beside the tool: sites with Ansible and Prometheus.
    need prometheus:prometheus /usr/sbin/sshd:openssh-server sudo:sudo
    need wixl:wixl msibuild:msitools osslsigncode:osslsigncode readelf:binutils
    need gpg:gnupg minisign:minisign debsigs:debsigs debsig-verify:debsig-verify
fi
environment test-environment test lint docs
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
echo "== pytest"
whole=(-n "$(getconf _NPROCESSORS_ONLN)" --dist loadscope --no-loadscope-reorder --again)
case "$*" in
    "") exec "$python" -m pytest "${whole[@]}" ;;
    --all) ;;
    *) exec "$python" -m pytest "$@" ;;
esac

# The two halves run at the same time. The log ends with pytest's closing line whichever ends first.
# What is watched below is there before it is watched: a shell in the background opens its files when it gets to it.
: >build/pytest.log
: >build/windows.log
"$python" -m pytest --all "${whole[@]}" --durations=40 >build/pytest.log 2>&1 </dev/null &
linux=$!
echo "== pytest on Windows, under Wine"
packaging/windows/test-wine.sh >build/windows.log 2>&1 </dev/null &
windows=$!
trap 'kill "$linux" "$windows" 2>/dev/null || true' EXIT
tail -n +1 -f --pid="$windows" build/windows.log
windows_failed=0
wait "$windows" || windows_failed=1
echo "== pytest on this system, from its start"
tail -n +1 -f --pid="$linux" build/pytest.log
failed=0
wait "$linux" || failed=1
trap - EXIT
if [ "$windows_failed" = 1 ]; then
    echo "FAILED: the tests for Windows under Wine; the end of what they said:"
    tail -n 60 build/windows.log
    echo "On this system:"
    tail -n 1 build/pytest.log
fi
exit $((failed | windows_failed))
