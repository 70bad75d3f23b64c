#!/usr/bin/env bash
# Makes the MSI of a built program: msi.sh FOLDER TARGET [VERSION], with build.py's dsmcertfix folder (signed, if it is to be).
#
# TARGET/content, the content source for ConfigMgr and Intune, is there then: the MSI, install.cmd and repair.cmd. Beside
# it product.txt has the version, the product code, the upgrade code and the line that uninstalls. Needs wixl and
# msibuild; as root on Debian they are installed with apt-get when they are missing.
set -euo pipefail
. "$(dirname "$0")/../../scripts/environment.sh"
need wixl:wixl msibuild:msitools
for program in wixl msibuild; do
    command -v "$program" >/dev/null || die "$program is needed"
done

[ $# -ge 2 ] || die "a folder with dsmcertfix.exe and a target are needed"
folder=$(realpath "$1")
target=$2
rm -rf "$target/content"
mkdir -p "$target/content"
target=$(realpath "$target")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$(find_python)" "$top/packaging/windows/msi.py" "$folder" "$work" "${@:3}"
msi=$target/content/dsmcertfix-$(sed -n 's/^version //p' "$work/product.txt")-x64.msi
(cd "$folder" && wixl --arch x64 --output "$work/made.msi" "$work/dsmcertfix.wxs")
while IFS= read -r statement; do
    msibuild "$work/made.msi" -q "$statement"
done <"$work/after.sql"
mv "$work/made.msi" "$msi"
cp "$top"/packaging/windows/content/*.cmd "$target/content/"
cp "$work/product.txt" "$target/"
echo "built: $msi"
