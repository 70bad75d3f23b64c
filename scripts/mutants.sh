#!/usr/bin/env bash
# Changes the code that decides and protects, one small change at a time, and runs the fast tests that run that line.
# Prints every change that no test noticed; ends with 1 when fewer than 95 of 100 were noticed.
#
# usage: mutants.sh [--sample N] [--seed S] [--jobs N] [--only TEXT] [--forget]
#
# What it has found out stays below .cache/mutants: a run that was ended goes on where it was. Changed code may do
# anything to the machine's files that its user may: run it on a machine that is made for tests.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

need setfacl:acl setfattr:attr strace:strace
environment test-environment test lint docs
cd "$top"
exec "$python" -m tests.mutation "$@"
