#!/usr/bin/env bash
# Builds the documentation into build/docs with Sphinx; a warning is an error.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
environment docs-environment docs
"$(dirname "$python")/sphinx-build" -q -W --keep-going -b html "$top/docs" "$top/build/docs"
echo "documentation: build/docs/index.html"
