#!/usr/bin/env bash
# Captures the guided repair in a real terminal (tmux) for docs/guide.md and docs/administrator.md, with pictures.
#
# Makes an environment of its own below .cache/ (packages from the package index), and as root on Debian installs
# tmux with apt-get where it is missing. With --check it only compares.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
need tmux:tmux
environment test-environment test lint docs
exec "$python" "$top/scripts/screens.py" "$@"
