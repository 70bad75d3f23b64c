# Sourced by the other scripts: a virtual environment of their own below .cache/, filled from the package index.
#
# Every package is the one of packaging/requirements.lock, checked by its hash; none is built from its source, because
# pip would fetch what builds it without one.
#
# after `environment NAME EXTRA…`: $python is its interpreter; the extras ("test lint") of this project are installed,
# and the test bench with them. A Python of 3.10 or newer is all that must be there; DSMCERTFIX_PYTHON names one.
# after `tools NAME PACKAGE…`: $python is the interpreter of an environment with those packages (scripts/locked.py).
# `mirror`: prints where apt-get of this Debian has its packages from.
# after `need PROGRAM:PACKAGE…`: as root on Debian, every missing PROGRAM was installed with apt-get.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# The tests start thousands of Pythons: each would compile our sources anew where an image sets this.
unset PYTHONDONTWRITEBYTECODE

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

need() {
    local missing=() wanted
    for wanted in "$@"; do
        command -v "${wanted%%:*}" >/dev/null 2>&1 || [ -e "${wanted%%:*}" ] || missing+=("${wanted##*:}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "installing with apt-get: ${missing[*]}" >&2
        # apt-get does not wait for another one, as that of the tests beside these.
        (
            flock 9
            apt-get -qq update
            DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
        ) 9>/run/lock/dsmcertfix-apt-get
    else
        echo "not installed here: ${missing[*]}; what needs them is listed as not shown" >&2
    fi
}

mirror() {
    local sites release
    release=$(. /etc/os-release && echo "$VERSION_CODENAME")
    sites=$(apt-get indextargets --format '$(SITE)' 'Identifier: Packages' 'Component: main' 'Origin: Debian' \
        "Codename: $release")
    [ -n "$sites" ] || die "apt-get names no mirror of Debian: this needs one"
    head -n 1 <<<"$sites"
}

find_python() {
    local candidate
    for candidate in ${DSMCERTFIX_PYTHON:+"$DSMCERTFIX_PYTHON"} python3 python3.13 python3.12 python3.11 python3.10; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    die "a Python of version 3.10 or newer is needed"
}

# new_environment DIRECTORY BASE PACKAGE…: a virtual environment with those packages; $python is its interpreter.
new_environment() {
    local directory=$1 base=$2
    shift 2
    rm -rf "$directory"
    if ! "$base" -m venv "$directory" >/dev/null 2>&1; then
        # Debian keeps venv in a package of its own.
        [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || die "'$base -m venv' does not work: install python3-venv"
        echo "installing python3-venv with apt-get" >&2
        apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y python3-venv >/dev/null
        "$base" -m venv "$directory" || die "'$base -m venv' does not work"
    fi
    "$python" "$top/scripts/locked.py" --output "$directory/locked.txt" pip setuptools "$@"
    "$python" -m pip --quiet --disable-pip-version-check install \
        --no-deps --require-hashes --only-binary=:all: -r "$directory/locked.txt"
}

# filled DIRECTORY WANTED: whether it was filled with that already; $python is its interpreter.
filled() {
    python="$1/bin/python"
    [ "$(cat "$1/.filled" 2>/dev/null)" = "$2" ] && "$python" -c '' 2>/dev/null
}

# made_of FILE…: what an environment is made anew for when it changes.
made_of() { cat "$top/packaging/requirements.lock" "$top/scripts/locked.py" "${BASH_SOURCE[0]}" "$@" | cksum; }

environment() {
    local base directory wanted name=$1
    shift
    base=$(find_python)
    directory="$top/.cache/$name"
    wanted="$(made_of "$top/pyproject.toml" "$top/tests/bench/pyproject.toml") $base $*"
    ! filled "$directory" "$wanted" || return 0
    echo "making an environment with $base: dsmcertfix${*:+ [$*]} and its test bench (with IBM's GSKit from ibm_db)" >&2
    new_environment "$directory" "$base" program bench "$@"
    "$python" -m pip --quiet --disable-pip-version-check install --no-deps --no-build-isolation \
        -e "$top" -e "$top/tests/bench"
    echo "$wanted" >"$directory/.filled"
}

tools() {
    local base directory wanted name=$1
    shift
    base=$(find_python)
    directory="$top/.cache/$name"
    wanted="$(made_of) $base $*"
    ! filled "$directory" "$wanted" || return 0
    echo "making an environment with $base: $*" >&2
    new_environment "$directory" "$base" "$@"
    echo "$wanted" >"$directory/.filled"
}
