#!/usr/bin/env bash
# Builds everything that is handed out into one folder, from a commit: wheel and sdist, the files for Unix nodes, the Ansible
# collection, and with --windows DIR the MSI from a program that packaging/windows built; with bills of materials, notes
# and SHA256SUMS.
#
#   scripts/release.sh [--url URL] [--output DIR] [--only PART]... [--windows DIR] [COMMIT]
#
# PART is wheel, unix or ansible; all of them without --only. A commit with the tag v0.2.0 gives 0.2.0, which must be
# the version in the source, and needs --url, the address that the metadata name. Any other one gives 0.2.0+g1234abc.
# What is not committed is not in it. The folder (build/release) must not be there yet.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

url='' output=$top/build/release windows='' commit=HEAD parts=()
while [ $# -gt 0 ]; do
    case $1 in
    --url | --output | --only | --windows)
        [ $# -ge 2 ] || die "$1 needs a value"
        case $1 in
        --url) url=$2 ;;
        --output) output=$2 ;;
        --windows) windows=$(realpath "$2") ;;
        --only) parts+=("$2") ;;
        esac
        shift 2
        ;;
    -h | --help)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"
        exit 0
        ;;
    -*) die "there is no option $1; see --help" ;;
    *)
        commit=$1
        shift
        ;;
    esac
done
[ ${#parts[@]} -gt 0 ] || parts=(wheel unix ansible)
for part in "${parts[@]}"; do
    case $part in wheel | unix | ansible) ;; *) die "there is no part $part; see --help" ;; esac
done
placeholder=https://example.invalid/dsmcertfix
case $url in
'' | https://*) ;;
*) die "--url wants an address that begins with https://" ;;
esac
# It is put into files by sed.
case $url in *[!A-Za-z0-9:/._~-]*) die "--url has a character that does not belong into an address" ;; esac

hash=$(git -C "$top" rev-parse --verify --quiet "$commit^{commit}") || die "there is no commit $commit"
version=$(git -C "$top" show "$hash:src/dsmcertfix/__init__.py" | sed -n 's/^__version__ = "\(.*\)"$/\1/p')
[ -n "$version" ] || die "that commit names no version"
tag=$(git -C "$top" tag --points-at "$hash" | grep -Ex 'v[0-9]+\.[0-9]+\.[0-9]+' | tail -n 1 || true)
if [ -n "$tag" ]; then
    [ "$tag" = "v$version" ] || die "the tag is $tag, and the source says $version"
    [ -n "$url" ] || die "a release needs --url: the metadata would name $placeholder"
else
    version="$version+g$(git -C "$top" rev-parse --short=7 "$hash")"
fi
[ ! -e "$output" ] || die "$output is there already"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source=$work/dsmcertfix
made=$work/made
mkdir "$source" "$made"
git -C "$top" archive "$hash" | tar -x -C "$source"
SOURCE_DATE_EPOCH=$(git -C "$top" log -1 --format=%ct "$hash")
export SOURCE_DATE_EPOCH
sed -i "s/^__version__ = .*/__version__ = \"$version\"/" "$source/src/dsmcertfix/__init__.py"
sed -i "s/^version: .*/version: $version/" "$source/packaging/ansible/galaxy.yml"
[ -z "$url" ] || grep -rlF "$placeholder" "$source" --include=pyproject.toml --include=galaxy.yml |
    xargs -r sed -i "s|$placeholder|$url|g"
# The environments of this tree serve the copy, too.
mkdir -p "$top/.cache"
ln -s "$top/.cache" "$source/.cache"

wheel() {
    tools release-environment setuptools wheel twine check-wheel-contents validate-pyproject
    local bin
    bin=$(dirname "$python")
    echo "wheel and sdist" >&2
    "$bin/validate-pyproject" "$source/pyproject.toml" >/dev/null
    # Package indexes show the README alone: its links and pictures lead to this commit.
    cp "$source/README.md" "$work/README.md"
    local at=${url:-$placeholder}
    sed -E -i "s|!\\[([^]]*)\\]\\(([^):]+)\\)|![\\1]($at/raw/$hash/\\2)|g
        s|([^!]\\[[^]]*\\])\\(([^):]+)\\)|\\1($at/blob/$hash/\\2)|g
        s|^(\\[[^]]*\\])\\(([^):]+)\\)|\\1($at/blob/$hash/\\2)|" "$source/README.md"
    (cd "$source" && "$python" -c '
import sys
from setuptools import build_meta
target = sys.argv[1]  # setuptools puts its own words there
build_meta.build_sdist(target)
build_meta.build_wheel(target)' "$made" >"$work/log" 2>&1) || { cat "$work/log" >&2 && die "the wheel could not be built"; }
    mv "$work/README.md" "$source/README.md"
    "$bin/twine" check --strict "$made"/*.whl "$made"/dsmcertfix-*.tar.gz >&2
    "$bin/check-wheel-contents" "$made"/*.whl >&2
    "$python" "$source/scripts/sbom.py" --version "$version" >"$work/bill"
    mv "$work/bill" "$made/$(basename "$made"/*.whl).cdx.json"
}

unix() {
    echo "for Unix nodes" >&2
    "$source/packaging/unix/build.sh" --output "$made" >&2
    # One list of all follows; the statement of provenance stays.
    rm -f "$made/SHA256SUMS"
    tar -C "$made" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 -czf "$made/dsmcertfix-$version-pages.tar.gz" share
    rm -r "$made/share"
}

ansible() {
    echo "Ansible collection" >&2
    tools collection-environment ansible-core
    "$(dirname "$python")/ansible-galaxy" collection build --output-path "$made" "$source/packaging/ansible" >&2
}

for part in "${parts[@]}"; do "$part"; done
if [ -n "$windows" ]; then
    # Windows Installer knows numbers only.
    "$source/packaging/windows/msi.sh" "$windows" "$work/msi" "${version%%+*}" >&2
    (cd "$work/msi" && find . -name '*.msi' -exec mv {} "$made/" \; && mv product.txt "$made/msi-product.txt")
fi

{
    printf '# dsmcertfix %s\n\nFrom commit %s.\n\n' "$version" "$hash"
    awk '/^## / { section++; next } section == 1' "$source/CHANGELOG.md"
} | cat -s >"$made/NOTES.md"
(cd "$made" && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum >"$work/sums")
mv "$work/sums" "$made/SHA256SUMS"
mkdir -p "$(dirname "$output")"
mv "$made" "$output"
chmod 755 "$output"
echo "dsmcertfix $version: $output"
