#!/usr/bin/env bash
# Lets one of 50 users exceed each budget by 1, 10 and 1000 times while the stores of the 49 others are repaired.
#
# Prints the table of docs/threat-model.md: time, memory and disk of `fix`, and how many of the 49 were repaired;
# ends with 1 when one was not. Needs root, to make the users. Arguments: names of attacks ("nothing" is the run to compare with); --times N,N; --users N.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
environment test-environment test lint docs
cd "$top"
exec "$python" "$top/scripts/budgets.py" "$@"
