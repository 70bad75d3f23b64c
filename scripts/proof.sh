#!/usr/bin/env bash
# The five figures of docs/proof.md (mutants, power cuts, the protocol's model, random key databases, pairs of false
# assumptions) from one run on one commit; prints a table with commit, dates and load.
#
# usage: proof.sh [PART…]      mutants model differential pairs power, or one group of power: power-prune …
#
# What each part said is kept below .cache/proof/COMMIT; a part that has ended is not run again. All of them take about
# three quarters of an hour on two processors that nobody else uses, and most of that are the power cuts; parts may run
# beside each other. With MINUTES in the environment no group of power cuts takes longer than so many. Ends with 1 when a
# part has not ended or found something.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

cd "$top"
commit=$(git rev-parse --short=10 HEAD)
[ -z "$(git status --porcelain --untracked-files=no)" ] || die "there are changes that are not committed"
kept=.cache/proof/$commit
mkdir -p "$kept"

# A case of power cuts, or several, and how many states of each at most.
groups=(
    prune:3000 'trust, label, alice:2600' 'rollback, label, alice:2000' 'rollback, whole, alice:2000' recover:3000
    'trust, label, root:2600' 'rollback, label, root:2000' 'rollback, whole, root:2000' 'rollback, label, server:2000'
    'fix, label, root:2500' 'fix, whole, root:2500' 'fix, label, alice:2500' 'fix, whole, alice:2500' 'server renew:3000'
)

# part NAME COMMAND…: its output, its end and its load, once.
part() {
    local name=$1 code=0
    shift
    [ ! -e "$kept/$name.ended" ] || return 0
    date -u +"%F %H:%M" >"$kept/$name.began"
    "$@" >"$kept/$name.txt" 2>&1 || code=$?
    echo "$code $(date -u +'%F %H:%M') load $(cut -d' ' -f1 /proc/loadavg 2>/dev/null || true)" >"$kept/$name.ended"
}

# power [GROUP]: power cuts, group by group, one process.
power() {
    local group name
    for group in "${groups[@]}"; do
        name=${group%:*}
        [ "${1:-$name}" = "$name" ] || continue
        TMPDIR=${TMPDIR:-/dev/shm} part "power-$name" scripts/faults.sh power --jobs 1 --seed 18 --case "$name" \
            --cuts "${group#*:}" ${MINUTES:+--minutes "$MINUTES"}
    done
}

mutants() {
    local seed
    # Two samples whose survivors were looked at, and one of which nobody looked at any.
    for seed in 18:500 19:500 24:400; do
        part "mutants-${seed%:*}" scripts/mutants.sh --sample "${seed#*:}" --seed "${seed%:*}"
    done
}

[ $# -gt 0 ] || set -- mutants model differential pairs power
for wanted; do
    case $wanted in
        mutants) mutants ;;
        model) part model scripts/faults.sh model ;;
        differential) part differential scripts/differential.sh 300 18 ;;
        pairs) part pairs scripts/pairs.sh ;;
        power) power ;;
        power-*) power "${wanted#power-}" ;;
        *) die "no part: $wanted" ;;
    esac
done

bad=0
printf '%-22s %-6s %-17s %-29s %s\n' "commit $commit" ended began 'ended at' said
for name in mutants-{18,19,24} model differential pairs "${groups[@]/#/power-}"; do
    name=${name%:[0-9]*}
    read -r code ended 2>/dev/null <"$kept/$name.ended" || { code=- ended=-; }
    [ "$code" = 0 ] || bad=1
    case $name in
        model) said=$(grep '^as it is' "$kept/$name.txt" 2>/dev/null || true) ;;
        power-*) said=$(grep '^all ' "$kept/$name.txt" 2>/dev/null || true) ;;
        *) said=$(grep -E 'tried|differ|passed|failed' "$kept/$name.txt" 2>/dev/null | tail -1 || true) ;;
    esac
    printf '%-22s %-6s %-17s %-29s %s\n' "$name" "$code" "$(cat "$kept/$name.began" 2>/dev/null || echo -)" "$ended" "$said"
done
cat "$kept"/power-*.txt 2>/dev/null | awk '/^all /{distinct += $(NF-6); judged += $(NF-5); lost += $(NF-1); wrong += $NF}
    END {printf "power cuts: %d distinct states, %d judged, %d lost, %d told wrongly\n", distinct, judged, lost, wrong}'
exit "$bad"
