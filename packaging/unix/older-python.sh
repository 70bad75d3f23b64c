#!/usr/bin/env bash
# Makes the Python for packages that are to run on older systems, and prints its interpreter:
#
#   DSMCERTFIX_PYTHON=$(packaging/unix/older-python.sh) packaging/unix/build.sh deb rpm tarball
#
# That is Debian 12's own source of Python 3.11 and OpenSSL 3.0, with its corrections, compiled in a Debian 11 below
# .cache/, so that glibc 2.31 is new enough for what is built with it: RHEL 9, SLES 15 SP3, Ubuntu 20.04, Debian 11.
# As root on Debian. Installs debootstrap, dpkg-dev and patchelf with apt-get; takes 10 minutes on two processors, and
# 1.5 GB for as long as it works. The next call only prints.
set -euo pipefail
. "$(dirname "$0")/../../scripts/environment.sh"

made=$top/.cache/older-python
log=$made.log
steps=$(cksum <"$0")
if [ "$(cat "$made/.filled" 2>/dev/null)" = "$steps" ]; then
    echo "$made/bin/python3.11"
    exit
fi
[ "$(id -u)" = 0 ] || die "a Debian 11 is made in a directory: run this as root"
site=$(mirror)
need debootstrap:debootstrap dpkg-architecture:dpkg-dev patchelf:patchelf patch:patch
mkdir -p "$top/.cache"
work=$(mktemp -d "$top/.cache/older-XXXXXX")
echo "compiling a Python for older systems; what the steps say goes to $log" >&2
exec 3>&1 4>&2 >"$log" 2>&1
trap 'code=$?; rm -rf "$work"; [ "$code" = 0 ] || echo "it did not work: see the end of $log" >&4' EXIT

# What is older than Debian's corrections changes where a Debian has its files.
first_correction=shutdown-deadlock.diff

fetch() {
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    mkdir -p "$work/lists/partial" "$work/root/src"
    echo "deb-src [signed-by=$keyring] $site bookworm main" >"$work/sources.list"
    local apt=(apt-get -qq -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$work/lists" -o APT::Sandbox::User=root)
    "${apt[@]}" update
    cd "$work/root/src"
    "${apt[@]}" source --download-only python3.11 openssl
    local name
    for name in python3.11 openssl; do
        mkdir "$name" "$name.debian"
        tar -xf "${name}"_*.orig.tar.gz -C "$name" --strip-components=1
        tar -xf "${name}"_*.debian.tar.xz -C "$name.debian"
    done
    correct openssl "$(cat openssl.debian/debian/patches/series)"
    # Debian's correction of this one module reads Python's inner header files.
    sed -i "s/'pyexpat', sources=\['pyexpat.c'\]/&, extra_compile_args=['-DPy_BUILD_CORE_MODULE']/" python3.11/setup.py
    correct python3.11 "$(sed -n "/^$first_correction/,\$p" python3.11.debian/debian/patches/series)"
}

correct() {
    local name=$1 correction
    for correction in $(grep -v '^#' <<<"$2"); do
        patch -d "$name" -p1 -s -f -i "$PWD/$name.debian/debian/patches/$correction"
    done
}

compile() {
    cat >"$work/root/src/compile" <<'STEPS'
set -e
cd /src/openssl
./Configure --prefix=/opt/python --openssldir=/etc/ssl --libdir=lib shared no-tests "linux-$(uname -m)"
make -s -j"$(nproc)" build_libs
make -s install_dev
cd /src/python3.11
./configure --prefix=/opt/python --enable-shared --with-openssl=/opt/python --with-openssl-rpath=auto --with-system-expat
export LD_LIBRARY_PATH=/opt/python/lib
make -s -j"$(nproc)"
make -s install
cp -L /lib/*/libgcc_s.so.1 /opt/python/lib/
# What it is linked with comes along; only glibc's own stay behind.
for library in $(ldd /opt/python/lib/python3.11/lib-dynload/*.so | awk '{ print $3 }' | sort -u); do
    case $library in
    /opt/*) ;;
    */libbz2.* | */libexpat.* | */libffi.* | */liblzma.* | */libuuid.* | */libz.*) cp -L "$library" /opt/python/lib/ ;;
    esac
done
STEPS
    chroot "$work/root" bash /src/compile
}

# Nothing in it names a directory: its modules find its libraries from where they lie.
settle() {
    local tree=$work/root/opt/python file
    rm -rf "$tree/lib/python3.11/test" "$tree"/lib/*.a
    chmod -R u+w "$tree"
    for file in "$tree"/lib/*.so*; do [ -L "$file" ] || patchelf --set-rpath '$ORIGIN' "$file"; done
    for file in "$tree"/lib/python3.11/lib-dynload/*.so; do patchelf --set-rpath '$ORIGIN/../..' "$file"; done
    patchelf --set-rpath '$ORIGIN/../lib' "$tree/bin/python3.11"
    "$tree/bin/python3.11" -c 'import bz2, ctypes, hashlib, lzma, pyexpat, ssl, uuid, venv, zlib; hashlib.scrypt'
    # pip asks this (PEP 600), and takes no package that was compiled for a newer glibc.
    printf 'def manylinux_compatible(major, minor, machine):\n    return (major, minor) <= (2, 31)\n' \
        >"$tree/lib/python3.11/_manylinux.py"
    rm -rf "$made"
    mv "$tree" "$made"
    echo "$steps" >"$made/.filled"
}

debootstrap --variant=minbase \
    --include=gcc,make,perl,libc6-dev,libffi-dev,zlib1g-dev,libbz2-dev,liblzma-dev,uuid-dev,libexpat1-dev \
    bullseye "$work/root" "$site"
fetch
compile
settle
echo "$made/bin/python3.11" >&3
