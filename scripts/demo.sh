#!/usr/bin/env bash
# Shows a real session on a made-up endpoint: two servers, four stores, one renewed certificate, one refusal.
#
# Real: IBM's GSKit, TLS, X.509, files, owners. Played: dsmc, dsmcert and the two servers (see README).
# Makes an environment of its own below .cache/ (packages from the package index); changes nothing else.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
environment demo-environment

work=$(mktemp -d "${TMPDIR:-/tmp}/dsmcertfix-demo-XXXXXX")
chmod 755 "$work"
root=$work/endpoint
servers=$work/servers
dsmcertfix=$(dirname "$python")/dsmcertfix
trap '"$python" -m dsmbench.server stop --state "$servers" >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

say() { printf '\n# %s\n' "$*"; }

# run EXPECTED-EXIT-CODE ARGUMENTS...: the demo ends at once when the tool answers otherwise.
run() {
    local wanted=$1 code=0
    shift
    printf '\n$ dsmcertfix %s\n' "$*"
    set +e
    "$dsmcertfix" --trust-root --root "$root" "$@" 2>&1 | sed "s| --trust-root --root $root||g; s|$root||g"
    code=${PIPESTATUS[0]}
    set -e
    printf '(exit code %s)\n' "$code"
    [ "$code" = "$wanted" ] || die "exit code $wanted was expected"
}

fingerprints() { "$dsmcertfix" --trust-root --root "$root" inspect --json | "$python" -c '
import json, sys
for store in json.load(sys.stdin)["stores"]:
    for one in store["certificates"]:
        print(store["directory"], one["label"], one["sha256"])' | grep "$1"; }

say "An endpoint: two servers, TSM01 and TSM02, and four stores that trust them."
"$python" -m dsmbench.endpoint demo "$root" --state "$servers" >/dev/null
run 0 detect
before=$(fingerprints TSM01)

say "The certificate of TSM02 is renewed. From now on no backup reaches it."
"$python" -m dsmbench.server renew --state "$servers" TSM02
run 3 detect
run 0 plan
say "Nobody is asked, so somebody must say which certificate to expect: the one in the server's cert256.arm."
run 2 fix --yes
"$python" -m dsmbench.server cert256 --state "$servers" TSM02 >"$work/cert256.arm"
cd "$work"
run 0 fix --yes --expect-file TSM02=cert256.arm
run 0 inspect
run 0 fix --yes --expect-file TSM02=cert256.arm

say "The certificates of TSM01 were not touched:"
[ "$(fingerprints TSM01)" = "$before" ] || die "a certificate of TSM01 changed"
echo "$before" | sed "s|$root||"

say "Somebody wants the old state back."
run 0 rollback --yes
run 3 detect

say "Meanwhile the nodes are STRICT: the server hands out no certificate any more. The client is refused, and"
echo "# everything is put back. The message has the command for the server's administrator."
run 21 fix --yes --expect-file TSM02=cert256.arm
run 3 detect

say "The administrator runs that command, and the same repair succeeds."
for node in ROOT ALICE SECOND; do
    "$python" -m dsmbench.server update-node --state "$servers" TSM02 "$node" TRANSITIONAL
done
run 0 fix --yes --expect-file TSM02=cert256.arm
run 0 detect
say "Done."
