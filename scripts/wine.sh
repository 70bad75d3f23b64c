#!/usr/bin/env bash
# Runs the tool and its test bench on a real Windows Python, under Wine.
#
#   scripts/wine.sh                     makes everything that the others need
#   scripts/wine.sh python ARGS…        that Python, with dsmcertfix (src), dsmbench and tests importable
#   scripts/wine.sh run PROGRAM ARGS…   a Windows program, by its path here or by its Windows path
#   scripts/wine.sh path FILE           the Windows path of a file here
#   scripts/wine.sh stop                ends what still runs in this Windows
#
# Everything is below .cache/windows and is made anew when what it is made of changes: packages of the package index
# by their hashes (packaging/windows), Wine's C: drive (`prefix`), a second drive D: (`drive_d`). As root on Debian,
# wine64 and gcc-mingw-w64-x86-64 are installed with apt-get when they are missing, and python3.11 where there is
# no Python 3.11: its standard library is the one that the Windows Python gets. DSMCERTFIX_WINE_PYTHON=3.13 names another.
#
# Real: CPython for Windows, its OpenSSL, IBM's GSKit DLLs, `cryptography` and `psutil` for Windows. Not real: Windows.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

. "$top/packaging/windows/wine/make.sh"

case "${1:-}" in
    "") make_windows ;;
    python)
        shift
        make_windows
        through_pipes wine "$windows_python" "$@"
        ;;
    run)
        program=$2
        shift 2
        make_windows
        [ ! -e "$program" ] || program=$(windows_path "$program")
        through_pipes wine "$program" "$@"
        ;;
    path) windows_path "$2" && echo ;;
    stop) stop ;;
    *) die "python, run, path or stop, or nothing: see the head of this file" ;;
esac
