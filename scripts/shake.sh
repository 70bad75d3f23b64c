#!/usr/bin/env bash
# Looks for shaky tests: the whole suite, three times, each time in another order, on another day, in other
# surroundings (TZ, LANG, umask, COLUMNS), and on a machine with much else to do. What fails is to be mended.
#
#   scripts/shake.sh [TIMES [SEED [--part K/N] [ARGUMENTS…]]]
#
# With --part each run has one of N parts of the tests alone, and takes its share of the time. ARGUMENTS go to pytest.
# Each run says its seed; with it the same run can be had again. build/shake.md is a table of the runs afterwards; what
# failed is in build/shake-SEED.log. Needs root and what clocks.sh needs; stress-ng, locales
# and tzdata are installed with apt-get when they are missing. Slow tests run only when --all is an argument.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

times=${1:-3}
first=${2:-$(date +%s)}
shift $(($# < 2 ? $# : 2))
part=()
if [ "${1:-}" = --part ]; then
    part=("$1" "$2")
    shift 2
fi
need stress-ng:stress-ng /usr/share/i18n/locales/tr_TR:locales /usr/share/zoneinfo/Pacific/Chatham:tzdata
command -v stress-ng >/dev/null || die "stress-ng is needed"
processors=$(getconf _NPROCESSORS_ONLN)
zones=(Pacific/Chatham America/St_Johns Asia/Kathmandu)
languages=(tr_TR.UTF-8 C de_DE.UTF-8)
masks=(077 000 027)
columns=(20 200 1)
cd "$top"

# Languages of its own: few machines have these.
export LOCPATH=$top/.cache/locales
mkdir -p "$LOCPATH" build
for language in tr_TR de_DE; do
    [ -d "$LOCPATH/$language.UTF-8" ] || localedef -i "$language" -f UTF-8 "$LOCPATH/$language.UTF-8"
done

stress-ng --quiet --cpu "$processors" --io 1 --switch 1 --temp-path "$top/build" &
load=$!
trap 'kill "$load" 2>/dev/null || true' EXIT

[ $# -gt 0 ] || set -- --deselect tests/faults
table=build/shake.md
printf '| Seed | Day | TZ | LANG | umask | COLUMNS | Result |\n| --- | --- | --- | --- | --- | --- | --- |\n' >$table
failed=0
for ((run = 0; run < times; run++)); do
    seed=$((first + run))
    turn=$((seed % 3))
    day="+$((seed * 37 % 3000)) days"
    log=build/shake-$seed.log
    (
        umask "${masks[turn]}"
        TZ=${zones[turn]} LANG=${languages[turn]} COLUMNS=${columns[turn]} exec scripts/clocks.sh --day "$day" "${part[@]}" \
            -n "$processors" --dist loadscope --no-loadscope-reorder --seed "$seed" "$@"
    ) >"$log" 2>&1 || failed=1
    result=$(grep -E '^[0-9]+ (passed|failed).* in ' "$log" | tail -n 1)
    printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$seed" "$day" "${zones[turn]}" "${languages[turn]}" \
        "${masks[turn]}" "${columns[turn]}" "${result:-no result}" >>$table
    tail -n 1 $table
    grep -E '^(FAILED|ERROR) ' "$log" || true
done
exit $failed
