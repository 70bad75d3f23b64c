#!/usr/bin/env bash
# Shows the renewal of a server's certificate without an outage: two servers, twelve endpoints, a client of each signs on
# throughout, and each session is counted. Then the same without staging. Exit code 1 when one was refused that was staged.
#
# Real: IBM's GSKit, TLS, X.509, files, owners. Played: dsmc, dsmadmc and the two servers (see README).
# Makes an environment of its own below .cache/ (packages from the package index); changes nothing else.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
environment demo-environment
exec "$python" "$top/scripts/renewal_demo.py"
