#!/usr/bin/env bash
# Signs with osslsigncode what is not signed yet: sign.sh FILE-OR-FOLDER… -- OPTIONS-OF-OSSLSIGNCODE
#
#   sign.sh build/windows/dsmcertfix -- -pkcs12 code.p12 -readpass code.pass -ts http://timestamp.digicert.com
#   sign.sh build/windows/content/*.msi -- -pkcs11module /usr/lib/softhsm/libsofthsm2.so -pkcs11cert 'pkcs11:…' …
#
# First the folder, then make the MSI from it (msi.sh), then the MSI. Programs (.exe, .dll, .pyd) of others keep the
# signatures that they have. As root on Debian, osslsigncode is installed with apt-get when it is missing. Version 2.13
# fixed memory errors that a hostile file could use: sign nothing that you did not build.
set -euo pipefail
. "$(dirname "$0")/../../scripts/environment.sh"
need osslsigncode:osslsigncode
command -v osslsigncode >/dev/null || die "osslsigncode is needed"

what=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    what+=("$1")
    shift
done
[ ${#what[@]} -gt 0 ] && [ $# -gt 1 ] || die "files or folders, --, and osslsigncode's options are needed"
shift

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
signed=0
while IFS= read -r -d '' file; do
    rm -f "$work/signature"
    osslsigncode extract-signature -in "$file" -out "$work/signature" >/dev/null 2>&1 || {
        osslsigncode sign "$@" -h sha256 -n dsmcertfix -in "$file" -out "$work/signed" >/dev/null
        mv "$work/signed" "$file"
        signed=$((signed + 1))
    }
done < <(find "${what[@]}" -type f \( -iname '*.exe' -o -iname '*.dll' -o -iname '*.pyd' -o -iname '*.msi' \) -print0)
echo "signed: $signed"
