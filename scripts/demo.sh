#!/usr/bin/env bash
# Shows a real session on a made-up endpoint: two servers, four stores, one renewed certificate, one refusal.
#
#   scripts/demo.sh            from the first look to the last, by itself
#   scripts/demo.sh --shell    a shell on the endpoint, right after the renewal: the repair is yours
#
# Real: IBM's GSKit, TLS, X.509, files, owners. Played: dsmc, dsmcert, dsmadmc and the two servers (see README).
# Makes an environment of its own below .cache/ (packages from the package index); changes nothing else. With $python,
# an interpreter that has both packages, none is made; $DSMCERTFIX is run in the place of the program there.
set -euo pipefail
case ${*:-} in
'' | --shell) ;;
*)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
    [ "$*" = --help ] || [ "$*" = -h ] || exit 2
    exit 0
    ;;
esac
. "$(dirname "$0")/environment.sh"
[ -n "${python:-}" ] || environment demo-environment

work=$(mktemp -d "${TMPDIR:-/tmp}/dsmcertfix-demo-XXXXXX")
chmod 755 "$work"
root=$work/endpoint
servers=$work/servers
dsmcertfix=${DSMCERTFIX:-$(dirname "$python")/dsmcertfix}
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

# program NAME LINE...: a shell script of that name is first on the PATH of the shell.
program() {
    printf '#!/usr/bin/env bash\n' >"$work/bin/$1"
    printf '%s\n' "${@:2}" >>"$work/bin/$1"
    chmod 755 "$work/bin/$1"
}

shell() {
    "$python" -m dsmbench.endpoint demo "$root" --state "$servers" --strict ALICE --strict SECOND >/dev/null
    "$python" -m dsmbench.server renew --state "$servers" TSM02 >/dev/null
    "$python" -m dsmbench.server cert256 --state "$servers" TSM02 >"$work/cert256.arm"
    mkdir "$work/bin"
    program dsmcertfix "exec $(printf '%q ' "$dsmcertfix" --trust-root --root "$root")\"\$@\""
    # As IBM's: a command is the words, and options before it are read over.
    program dsmadmc 'while [[ ${1:-} == -* ]]; do shift; done' '[ "${1:-}" = macro ] || set -- "$*"' \
        "exec $(printf '%q ' "$python" -m dsmbench.dsmadmc --state "$servers" --server TSM02)\"\$@\""
    say "The server TSM02 has a new certificate: no backup from here reaches it."
    cat <<END
#
#   dsmcertfix         the program; alone, or with \`detect\`, \`plan\`, \`fix\`, \`undo\`
#   dsmadmc COMMAND    what TSM02's administrator runs, once \`fix\` names it;
#                      or \`dsmadmc macro FILE\`
#   cert256.arm        the new certificate, from the server's instance directory
#   exit               ends the shell, and removes all of it
END
    cd "$work"
    PATH=$work/bin:$PATH PS1='demo$ ' bash --noprofile --norc || true
}

if [ "${1:-}" = --shell ]; then
    shell
    exit
fi

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
