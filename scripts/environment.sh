# Sourced by the other scripts: a virtual environment of their own below .cache/, filled from the package index.
#
# after `environment NAME EXTRAS`: $python is its interpreter; EXTRAS ("test,lint") of this project are installed,
# and the test bench with them. A Python of 3.10 or newer is all that must be there; DSMCERTFIX_PYTHON names one.
# after `tools NAME FILE…`: $python is the interpreter of an environment with what those requirements files list.
# after `need PROGRAM:PACKAGE…`: as root on Debian, every missing PROGRAM was installed with apt-get.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

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
        apt-get -qq update
        DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
    else
        echo "not installed here: ${missing[*]}; what needs them is listed as not shown" >&2
    fi
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

# new_environment DIRECTORY BASE: an empty virtual environment with the newest pip; $python is its interpreter.
new_environment() {
    rm -rf "$1"
    if ! "$2" -m venv "$1" >/dev/null 2>&1; then
        # Debian keeps venv in a package of its own.
        [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || die "'$2 -m venv' does not work: install python3-venv"
        echo "installing python3-venv with apt-get" >&2
        apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y python3-venv >/dev/null
        "$2" -m venv "$1" || die "'$2 -m venv' does not work"
    fi
    "$python" -m pip --quiet --disable-pip-version-check install --upgrade pip
}

# filled DIRECTORY WANTED: whether it was filled with that already; $python is its interpreter.
filled() {
    python="$1/bin/python"
    [ "$(cat "$1/.filled" 2>/dev/null)" = "$2" ] && "$python" -c '' 2>/dev/null
}

environment() {
    local base directory wanted
    base=$(find_python)
    directory="$top/.cache/$1"
    wanted="$(cat "$top/pyproject.toml" "$top/tests/bench/pyproject.toml" "${BASH_SOURCE[0]}" | cksum) $base"
    ! filled "$directory" "$wanted" || return 0
    echo "making an environment with $base: dsmcertfix${2:+[$2]} and its test bench (with IBM's GSKit from ibm_db)" >&2
    new_environment "$directory" "$base"
    "$python" -m pip --quiet --disable-pip-version-check install -e "$top${2:+[$2]}" -e "$top/tests/bench"
    echo "$wanted" >"$directory/.filled"
}

tools() {
    local base directory wanted file name=$1 listed=()
    shift
    for file in "$@"; do listed+=(-r "$file"); done
    base=$(find_python)
    directory="$top/.cache/$name"
    wanted="$(cat "$@" "${BASH_SOURCE[0]}" | cksum) $base"
    ! filled "$directory" "$wanted" || return 0
    echo "making an environment with $base: $*" >&2
    new_environment "$directory" "$base"
    "$python" -m pip --quiet --disable-pip-version-check install "${listed[@]}"
    echo "$wanted" >"$directory/.filled"
}
