# Sourced by scripts/wine.sh: makes the Windows Python below $home (.cache/windows), and runs programs there.
#
# after `make_windows`: Wine and mingw are installed, C: is $home/prefix/drive_c with C:\Python, D: is $home/drive_d.
# `wine PROGRAM ARGS…` runs a program by its Windows path; `through_pipes` before it hands its output and exit code on.

parts=$top/packaging/windows
home=$top/.cache/windows
# 3.13 works as far as docs/windows.md says; the whole suite has run on 3.11 alone.
minor=${DSMCERTFIX_WINE_PYTHON:-3.11}
windows_python='C:\Python\python.exe'
wine_program=/usr/lib/wine/wine64
wine_server=/usr/lib/wine/wineserver64
# How long Windows stays up after the last program: starting it takes longer than most programs here.
stays_up_s=60

# Nothing of this machine's environment reaches Windows but what is named here. What a test is to see, it sets itself.
in_windows() {
    env -i HOME="$home/home" USER="$(id -un)" PATH=/usr/bin:/bin TZ=UTC LC_ALL=C.UTF-8 \
        WINEPREFIX="$home/prefix" WINEARCH=win64 WINEDEBUG="${WINEDEBUG:--all}" WINEDLLOVERRIDES='mscoree,mshtml=' \
        PYTHONPYCACHEPREFIX='C:\pycache' ${CI:+CI="$CI"} ${SOURCE_DATE_EPOCH:+SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH"} ${DSMCERTFIX_PACKAGE:+DSMCERTFIX_PACKAGE="$DSMCERTFIX_PACKAGE"} \
        PYTHONPATH="$(windows_path "$top/src");$(windows_path "$top")" \
        "$@"
}

# Windows' own services start with the first program, and must not hold that one's pipes open.
start() {
    in_windows "$wine_server" "-p$stays_up_s" || true # up already
    in_windows "$wine_program" "$@"
} >/dev/null 2>&1 </dev/null 8>&- 9>&-

wine() {
    start cmd /c exit
    in_windows "$wine_program" "$@"
}

windows_path() { printf 'Z:%s' "$(realpath -ms "$1" | tr / '\\')"; }

# A Python under Wine starts only when its standard output and error are pipes.
through_pipes() { (set +e; "$@" 2>&1 1>&3 3>&- | cat >&2 3>&-; exit "${PIPESTATUS[0]}") 3>&1 | cat; }

# Whether Windows is here, or can be made here.
can_have_windows() {
    { [ -x "$wine_program" ] && command -v x86_64-w64-mingw32-gcc >/dev/null && find_base >/dev/null; } ||
        { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && { find_base >/dev/null || apt-cache show "python$minor" >/dev/null 2>&1; }; }
}

# What is built has the date of the last commit, whenever it is built.
date_of_the_build() {
    SOURCE_DATE_EPOCH=$(git -C "$top" log -1 --format=%ct)
    export SOURCE_DATE_EPOCH
}

# The Python whose standard library the Windows one gets: it must be of the same minor version.
find_base() {
    local candidate
    for candidate in ${DSMCERTFIX_PYTHON:+"$DSMCERTFIX_PYTHON"} "python$minor" python3 "/usr/bin/python$minor" \
        ~/.pyenv/versions/"$minor".*/bin/python; do
        if [ "$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$minor" ]; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

make_windows() {
    need "$wine_program:wine64" x86_64-w64-mingw32-gcc:gcc-mingw-w64-x86-64
    base=$(find_base) || { need "/usr/bin/python$minor:python$minor" && base=$(find_base); } ||
        die "a Python $minor is needed: its standard library is the one that the Windows Python gets"
    [ -x "$wine_program" ] && command -v x86_64-w64-mingw32-gcc >/dev/null || die "Wine and mingw are needed"
    local stamp=$home/.made wanted
    wanted="$(cat "$top/packaging/requirements.lock" "$top/scripts/locked.py" "$parts"/wine/* "$top/tests/bench/src/dsmbench/windows_service.c" "${BASH_SOURCE[0]}" | sha256sum) $("$base" -VV)"
    mkdir -p "$home/home" # Wine leads Documents and the like there
    exec 9>"$home/.lock"
    flock 9
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        echo "making a Windows Python below .cache/windows, with IBM's GSKit from ibm_db" >&2
        fetch
        assemble
        echo "$wanted" >"$stamp"
    fi
    exec 9>&-
}

# A Python with pip: Debian's own has none.
find_pip() {
    local candidate
    for candidate in "$top/.cache/test-environment/bin/python" "$base" python3; do
        if "$candidate" -m pip --version >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    die "no Python here has pip: run scripts/test.sh once, which makes one"
}

fetch() {
    local pip
    pip=$(find_pip)
    rm -rf "$home/wheels"
    # The program, what builds it, what the tests under Windows need, and what its Python is put together from.
    "$pip" "$top/scripts/locked.py" --system Windows --machine AMD64 --python "$minor" --output "$home/locked.txt" \
        program pyinstaller setuptools pytest hypothesis jsonschema pip panda3d ibm-db
    "$pip" -m pip --quiet --disable-pip-version-check download --dest "$home/wheels" --no-deps --require-hashes \
        --platform win_amd64 --implementation cp --python-version "$minor" --only-binary=:all: --requirement "$home/locked.txt" \
        2>&1 | { grep -v '^WARNING: Location' || true; } >&2
}

assemble() {
    [ ! -d "$home/prefix" ] || stop
    rm -rf "$home/prefix" "$home/drive_d"
    start wineboot --init
    mkdir "$home/drive_d"
    ln -sfn "$home/drive_d" "$home/prefix/dosdevices/d:"
    "$base" "$parts/wine/assemble.py" "$home/wheels" "$home/prefix/drive_c/Python" "$top/tests/bench/src"
    rm -rf "$home/wheels"
}

stop() { WINEPREFIX=$home/prefix "$wine_server" -k || true; }
