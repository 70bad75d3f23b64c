#!/usr/bin/env bash
# Writes the *-requirements.txt beside it anew: what the *.in there name and need, for Windows x64 and Python 3.11,
# each with the hash of its file. Run it to take in new releases, look at the difference, and commit it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

lock() {
    local wanted=$1 target=${1%.in}-requirements.txt files=$work/files
    shift
    rm -rf "$files"
    python3 -m pip --quiet download --dest "$files" --platform win_amd64 --implementation cp --python-version 3.11 \
        --only-binary=:all: --requirement "$wanted" "$@"
    {
        echo "# Made by lock.sh from $(basename "$wanted")."
        (cd "$files" && sha256sum ./*.whl) | sed -E 's|^([0-9a-f]+) +\./([^-]+)-([^-]+)-.*|\2==\3 --hash=sha256:\1|' |
            sed 's/^\([^=]*\)_/\1-/;:again s/^\([^=]*\)_/\1-/;t again' | sort
    } >"$target"
}

lock "$here/build.in"
lock "$here/wine/test.in"
lock "$here/wine/interpreter.in" --no-deps
