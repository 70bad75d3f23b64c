#!/bin/sh
# dsmcertfix in one file: `dsmcertfix.pyz --help`. Everything after this script is a zip file that Python runs.
# Python is not looked for on PATH: whoever sets PATH must not decide what root runs.
for version in 3.14 3.13 3.12 3.11 3.10; do
    for directory in /usr/bin /usr/local/bin /opt/freeware/bin; do
        python=$directory/python$version
        # -I: no PYTHON* variables, no packages of the user's, nothing from the current directory.
        [ -x "$python" ] && exec "$python" -I "$0" "$@"
    done
done
echo "dsmcertfix.pyz: no Python 3.10 to 3.14 in /usr/bin, /usr/local/bin or /opt/freeware/bin" >&2
echo "hint: install one (python3.11 or python3.12 on RHEL and SLES), name one (\`/path/python3.12 $0 ...\`)," >&2
echo "      or take the tarball or the package, which bring their own" >&2
echo "state: Nothing was changed." >&2
exit 127
